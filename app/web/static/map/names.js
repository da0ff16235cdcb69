"use strict";
// The names on the map: of districts, places and streets, as many as find room.
(function () {
  const chengtu = window.chengtu;
  const POLYGON = 3;

  // group → [size, colour, weight, zooms, style]
  const NAMES = {
    district: [16, "#6a5383", 600, [8, 14]], subdistrict: [13, "#75668a", 500, [13, 16]], community: [12, "#8a7f98", 400, [16, 21]], water: [13, "#3f7fb0", 500, [11, 21]],
    park: [12, "#3d7a45", 500, [14, 21]], estate: [12, "#8a7358", 500, [16, 21]], own: [12, "#1d2b36", 600, [13, 21]],
  };
  /** Where a name may step to, pixels: the nearest first, up and down before aside. */
  const ASIDE = [[0, 0], ...[14, 28, 42].flatMap((by) => [[0, -by], [0, by], [-by, 0], [by, 0], [-by, -by], [by, -by], [-by, by], [by, by]])];
  const ORDER = ["own", "water", "subdistrict", "park", "estate", "community"];

  /** Names of what is in sight, where `taken` boxes leave room: of districts, of the classes that are on, of the ground. */
  chengtu.drawNames = function (context, app, view, taken) {
    const waiting = { own: app.shownLayers().flatMap((layer) => ownNames(layer, view)) };
    for (const { data, at } of view.ground) for (const { geom: [[{ x, y }]], props } of data.get("labels") || []) {
      const words = chengtu.nameOf(props), place = placed(x, y, at, view);
      if (words) (waiting[props.group] = waiting[props.group] || []).push([words, ...place]);
    }
    const seen = [], named = [];
    // a district's name steps aside of symbols, or lies over them: there are few, and without them nobody knows where he is
    for (const [words, x, y] of waiting.district || []) drawName(context, NAMES.district, words, ...aside(context, NAMES.district, words, x, y, view, [...taken, ...named]), view, named, seen);
    taken.push(...named);
    for (const group of ORDER) for (const [words, x, y] of waiting[group] || []) drawName(context, NAMES[group], words, x, y, view, taken, seen);
    if (view.zoom >= 14) drawStreetNames(context, view, taken, seen);
  };

  const placed = (x, y, at, view) => [x * at.scale + at.x - view.origin.x, y * at.scale + at.y - view.origin.y];

  /** [name, x, y] of the areas of a layer that has no symbols, the largest first; of one that tiles cut the largest piece. */
  function ownNames(layer, view) {
    const { id: name, pointed, geometry } = layer.options, found = new Map();
    if (pointed || geometry === "point" || geometry === "line" || view.zoom < NAMES.own[3][0]) return [];
    for (const { data, at } of view.tiles) for (const feature of data.get(name) || []) {
      const words = feature.geomType === POLYGON && chengtu.nameOf(feature.props), middle = words && chengtu.middleOf(feature), before = found.get(feature.id);
      if (middle && (!before || before.size < middle.size)) found.set(feature.id, { words, size: middle.size, place: placed(middle.x, middle.y, at, view) });
    }
    return [...found.values()].sort((a, b) => b.size - a.size).map(({ words, place }) => [words, ...place]);
  }

  /** The place next to [x, y] where a name lies on least, the nearest of such. */
  function aside(context, style, words, x, y, view, taken) {
    let best = [x, y], least = Infinity;
    for (const [dx, dy] of ASIDE) {
      const place = [x + dx, y + dy], lies = covered(taken, boxOf(context, style, shortened(words), ...place));
      if (lies < least && view.bounds.contains(place)) [best, least] = [place, lies];
      if (!least) break;
    }
    return best;
  }

  const overlap = (a, b, from) => Math.max(0, Math.min(a[from + 2], b[from + 2]) - Math.max(a[from], b[from]));
  const covered = (taken, b) => taken.reduce((sum, a) => sum + overlap(a, b, 0) * overlap(a, b, 1), 0);

  const shortened = (words) => (words.length > 24 ? `${words.slice(0, 23)}…` : words);

  /** The box of a name around [x, y]; the context has its font afterwards. */
  function boxOf(context, [size, , weight], words, x, y) {
    context.font = `${weight} ${size}px ${chengtu.FONT}`;
    const half = context.measureText(words).width / 2 + 4;
    return [x - half, y - size * 0.75, x + half, y + size * 0.75];
  }

  function drawName(context, style, words, x, y, view, taken, seen) {
    const [, colour, , [from, to]] = style;
    if (view.zoom < from || view.zoom >= to || !view.bounds.contains([x, y])) return;
    const shown = shortened(words), box = boxOf(context, style, shown, x, y);
    if (again(seen, shown, x, y, 260) || !free(taken, box)) return;
    taken.push(box);
    seen.push([shown, x, y]);
    chengtu.write(context, shown, x, y, context.font, colour, "rgba(255,255,255,.88)");
  }

  const free = (taken, b) => !taken.some((a) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1]);
  const again = (seen, words, x, y, apart) => seen.some((s) => s[0] === words && (s[1] - x) ** 2 + (s[2] - y) ** 2 < apart * apart);

  function drawStreetNames(context, view, taken, seen) {
    const size = view.zoom >= 17 ? 12.5 : 11.5;
    context.font = `500 ${size}px ${chengtu.FONT}`;
    for (const { data, at } of view.ground) for (const feature of data.get("streets") || []) {
      const words = chengtu.streetWidth(feature.props.kind, view.zoom) > 3.5 && chengtu.nameOf(feature.props);
      if (words) drawAlong(context, feature, words, at, size, view, taken, seen);
    }
  }

  function drawAlong(context, feature, words, at, size, view, taken, seen) {
    const need = context.measureText(words).width + 16;
    for (const spot of spotsOf(feature, at.scale, need)) {
      const [x, y] = placed(spot.x, spot.y, at, view), half = need / 2;
      const w = Math.abs(Math.cos(spot.angle)) * half + size * 0.6, h = Math.abs(Math.sin(spot.angle)) * half + size * 0.6;
      const box = [x - w, y - h, x + w, y + h];
      if (!view.bounds.contains([x, y]) || again(seen, words, x, y, 340) || !free(taken, box)) continue;
      taken.push(box);
      seen.push([words, x, y]);
      streetName(context, words, x, y, spot.angle, size);
      return;
    }
  }

  /** Where a name of so many pixels has room along a feature's lines; found once for each scale. */
  function spotsOf(feature, scale, need) {
    if (!feature.spots || feature.spotScale !== scale) {
      feature.spotScale = scale;
      feature.spots = feature.geom.map((line) => straightPart(line, need / scale)).filter(Boolean);
    }
    return feature.spots;
  }

  const CHINESE = /^[\u3400-\u9fff\uf900-\ufaff·0-9]+$/;

  /** Along the street; Chinese on a steep street stands upright, one character under the other. */
  function streetName(context, words, x, y, angle, size) {
    const colour = "#57534b", halo = "rgba(255,255,255,.92)";
    if (CHINESE.test(words) && Math.abs(angle) > 0.9) {
      const down = angle > 0 ? angle : angle + Math.PI, step = size * 1.18, letters = [...words];
      letters.forEach((letter, i) => {
        const along = (i - (letters.length - 1) / 2) * step;
        chengtu.write(context, letter, x + Math.cos(down) * along, y + Math.sin(down) * along, context.font, colour, halo);
      });
      return;
    }
    context.save();
    context.translate(x, y);
    context.rotate(angle);
    chengtu.write(context, words, 0, 0, context.font, colour, halo);
    context.restore();
  }

  /** The middle and angle of a piece of the line, `need` long and nearly straight; null where there is none. */
  function straightPart(line, need) {
    let best = null;
    for (let i = 0; i < line.length - 1; i++) {
      let run = 0;
      for (let j = i + 1; j < line.length; j++) {
        run += Math.hypot(line[j].x - line[j - 1].x, line[j].y - line[j - 1].y);
        const a = line[i], b = line[j], chord = Math.hypot(b.x - a.x, b.y - a.y);
        if (chord < run * 0.985) break;
        if (chord >= need && (!best || chord > best.chord)) best = { chord, x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, angle: Math.atan2(b.y - a.y, b.x - a.x) };
      }
    }
    if (best && Math.abs(best.angle) > Math.PI / 2) best.angle += best.angle > 0 ? -Math.PI : Math.PI;
    return best;
  }
})();
