"use strict";
// One canvas over the squares: symbols of points, clusters, names, and the mark around what is chosen.
(function () {
  const chengtu = window.chengtu;
  const FONT = '"Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC","PingFang SC","Microsoft YaHei",system-ui,sans-serif';
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const CLUSTER_UNTIL = 17; // from this zoom on each point stands alone
  const MIXED_FROM = 4; // with so many layers of points, those of different layers that would lie on each other are one
  const MIXED_REACH = 34, MIXED_COLOUR = "#44535e";
  /** Pixels within which points are one cluster: wide on the whole city, narrow in a quarter. */
  const reachAt = (zoom) => (zoom <= 11 ? (window.innerWidth < 720 ? 44 : 62) : zoom <= 13 ? 48 : zoom <= 15 ? 34 : 25);

  chengtu.Overlay = L.Renderer.extend({
    initialize(app) {
      this._layers = {};
      this._app = app;
      this.items = [];
      L.setOptions(this, { padding: 0.3, pane: "markerPane" });
    },
    _initContainer() {
      this._container = document.createElement("canvas");
      this._container.setAttribute("aria-hidden", "true");
      this._context = this._container.getContext("2d");
    },
    _destroyContainer() { this._container.remove(); },
    _updatePaths() {},
    _update() {
      if (this._map._animatingZoom && this._bounds) return;
      L.Renderer.prototype._update.call(this);
      const size = this._bounds.getSize();
      L.DomUtil.setPosition(this._container, this._bounds.min);
      this._container.width = size.x * ratio;
      this._container.height = size.y * ratio;
      this._container.style.width = `${size.x}px`;
      this._container.style.height = `${size.y}px`;
      this._draw();
    },
    _reset() { this._update(); this._updateTransform(this._center, this._zoom); },
    _onZoomEnd() {},

    /** Draw at the next frame; many calls are one. */
    redraw() {
      if (this._waiting || !this._map) return;
      this._waiting = requestAnimationFrame(() => { this._waiting = null; if (this._map && !this._map._animatingZoom) this._update(); });
    },

    _draw() {
      const context = this._context, origin = this._map.getPixelOrigin();
      context.setTransform(ratio, 0, 0, ratio, -this._bounds.min.x * ratio, -this._bounds.min.y * ratio);
      const view = { zoom: this._map.getZoom(), size: 256 * 2 ** this._map.getZoom(), origin, bounds: this._bounds };
      this.items = [];
      const taken = [];
      drawChosen(context, this._app.chosen, view);
      const lists = this._app.shownLayers().map((layer) => placePoints(layer, view)).filter((list) => list.length);
      const crowded = view.zoom < CLUSTER_UNTIL && lists.filter((list) => !list[0].dot).length >= MIXED_FROM;
      this.items = crowded ? mix(lists.flat()) : lists.flat();
      for (const item of this.items) { drawItem(context, item); if (!item.dot) taken.push([item.x - item.r, item.y - item.r, item.x + item.r, item.y + item.r]); }
      drawNames(context, this._app, view, taken);
    },

    /** The topmost symbol at a layer point, or null. */
    itemAt(point) {
      let best = null, least = 400;
      for (const item of this.items) {
        const d = (item.x - point.x) ** 2 + (item.y - point.y) ** 2;
        if (d <= Math.max(item.r, 14) ** 2 && d <= least) { best = item; least = d; }
      }
      return best;
    },
  });

  const placed = (data, view) => chengtu.placing(data.square, view.size, view.origin.x, view.origin.y);

  function placePoints(layer, view) {
    const points = [];
    for (const data of layer.tiles.current()) {
      const { scale, dx, dy } = placed(data, view);
      for (const [id, n, x, y, label, kind] of data.points) {
        const px = x * scale + dx, py = y * scale + dy;
        if (view.bounds.contains([px, py])) points.push({ id, n, x: px, y: py, label, kind, layer });
      }
    }
    const { dense, quiet } = layer.options;
    if (quiet && view.zoom < 15) return points.map((point) => ({ ...point, dot: true, r: view.zoom < 13 ? 2.6 : 4 }));
    const found = view.zoom < CLUSTER_UNTIL ? cluster(points, reachAt(view.zoom)) : points;
    for (const item of found) item.r = item.n > 1 ? clusterRadius(item.n) : dense ? (view.zoom >= 18 ? 8 : 5) : 12;
    return found;
  }

  /** Points within REACH pixels become one, at their common centre; every point is counted once. */
  function cluster(points, REACH) {
    const cells = new Map(), found = [];
    for (const point of points.sort((a, b) => b.n - a.n || a.id - b.id)) {
      const near = nearest(cells, point, REACH);
      if (near) { merge(near, point); continue; }
      const made = { ...point };
      const key = `${Math.floor(point.x / REACH)},${Math.floor(point.y / REACH)}`;
      if (!cells.has(key)) cells.set(key, []);
      cells.get(key).push(made);
      found.push(made);
    }
    return found;
  }

  function nearest(cells, point, REACH) {
    const cx = Math.floor(point.x / REACH), cy = Math.floor(point.y / REACH);
    let best = null, least = REACH * REACH;
    for (let i = cx - 1; i <= cx + 1; i++) for (let j = cy - 1; j <= cy + 1; j++) for (const other of cells.get(`${i},${j}`) || []) {
      const d = (other.x - point.x) ** 2 + (other.y - point.y) ** 2;
      if (d < least) { best = other; least = d; }
    }
    return best;
  }

  function merge(into, point) {
    const n = into.n + point.n;
    // the symbol stays near the first point, or clusters would run into each other
    into.x += ((point.x - into.x) * point.n) / n / 2;
    into.y += ((point.y - into.y) * point.n) / n / 2;
    into.n = n;
    into.id = null;
    into.label = null;
  }

  /** Symbols of several layers that would cover each other become one, which says how many of what; dots stay. */
  function mix(items) {
    const cells = new Map(), found = [];
    for (const item of items.sort((a, b) => b.n - a.n)) {
      const near = !item.dot && nearest(cells, item, MIXED_REACH);
      if (near) { join(near, item); continue; }
      found.push(item);
      if (item.dot) continue;
      const key = `${Math.floor(item.x / MIXED_REACH)},${Math.floor(item.y / MIXED_REACH)}`;
      if (!cells.has(key)) cells.set(key, []);
      cells.get(key).push(item);
    }
    return found;
  }

  function join(into, item) {
    into.parts = into.parts || new Map([[into.layer, into.n]]);
    into.parts.set(item.layer, (into.parts.get(item.layer) || 0) + item.n);
    into.n += item.n;
    into.id = into.label = null;
    into.r = clusterRadius(into.n);
  }

  const clusterRadius = (n) => 13 + Math.min(11, Math.log10(n) * 4);

  function drawItem(context, item) {
    const { symbol, colors } = item.layer.options;
    const colour = item.parts && item.parts.size > 1 ? MIXED_COLOUR : (colors && colors[item.kind]) || symbol.color;
    if (item.dot) return drawDot(context, item, colour);
    if (item.n > 1) return drawCluster(context, item, colour);
    context.save();
    context.shadowColor = "rgba(20,35,45,.35)";
    context.shadowBlur = 3;
    context.shadowOffsetY = 1;
    context.fillStyle = colour;
    outline(context, item, symbol.shape);
    context.fill();
    context.restore();
    context.strokeStyle = "#ffffff";
    context.lineWidth = item.r > 6 ? 2 : 1.2;
    context.stroke();
    if (item.r > 6) text(context, symbol.glyph, item.x, item.y + 0.5, `600 ${Math.round(item.r * 1.12)}px ${FONT}`, chengtu.inkOn(colour));
  }

  function drawDot(context, { x, y, r }, colour) {
    context.beginPath();
    context.arc(x, y, r, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
    context.strokeStyle = "#ffffff";
    context.lineWidth = 0.9;
    context.stroke();
  }

  function outline(context, { x, y, r }, shape) {
    context.beginPath();
    if (shape === "square") roundSquare(context, x, y, r * 0.9, r * 0.35);
    else if (shape === "diamond") { context.moveTo(x, y - r * 1.15); context.lineTo(x + r * 1.15, y); context.lineTo(x, y + r * 1.15); context.lineTo(x - r * 1.15, y); context.closePath(); }
    else context.arc(x, y, r, 0, 2 * Math.PI);
  }

  function roundSquare(context, x, y, half, corner) {
    context.moveTo(x, y - half);
    context.arcTo(x + half, y - half, x + half, y + half, corner);
    context.arcTo(x + half, y + half, x - half, y + half, corner);
    context.arcTo(x - half, y + half, x - half, y - half, corner);
    context.arcTo(x - half, y - half, x + half, y - half, corner);
    context.closePath();
  }

  function drawCluster(context, { x, y, r, n }, colour) {
    context.fillStyle = colour;
    context.globalAlpha = 0.25;
    context.beginPath();
    context.arc(x, y, r + 4, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 0.94;
    context.beginPath();
    context.arc(x, y, r, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 1;
    text(context, short(n), x, y + 0.5, `600 ${n > 999 ? 11 : 12}px ${FONT}`, chengtu.inkOn(colour));
  }

  const short = (n) => (n < 10000 ? String(n) : chengtu.lang === "zh" ? `${(n / 1e4).toFixed(n < 1e5 ? 1 : 0)}万` : `${Math.round(n / 1000)}k`);

  function text(context, words, x, y, font, colour, halo) {
    context.font = font;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    if (halo) { context.strokeStyle = halo; context.lineWidth = 3.2; context.strokeText(words, x, y); }
    context.fillStyle = colour;
    context.fillText(words, x, y);
  }

  function drawChosen(context, chosen, view) {
    if (!chosen) return;
    for (const { item, data } of chosen.shapes || []) {
      const { scale, dx, dy } = placed(data, view);
      context.save();
      context.transform(scale, 0, 0, scale, dx, dy);
      context.lineJoin = context.lineCap = "round";
      for (const [colour, width] of [["#ffffff", 6], ["#d4380d", 3]]) { context.strokeStyle = colour; context.lineWidth = width / scale; context.stroke(item.path); }
      context.restore();
    }
    if (chosen.world) {
      const x = chosen.world[0] * view.size - view.origin.x, y = chosen.world[1] * view.size - view.origin.y;
      context.beginPath();
      context.arc(x, y, 18, 0, 2 * Math.PI);
      context.strokeStyle = "#d4380d";
      context.lineWidth = 3;
      context.stroke();
    }
  }

  // group → [size, colour, weight, zooms, style]
  const NAMES = {
    district: [16, "#6a5383", 600, [8, 14]], subdistrict: [13, "#75668a", 500, [13, 16]], community: [12, "#8a7f98", 400, [16, 21]], water: [13, "#3f7fb0", 500, [11, 21]],
    park: [12, "#3d7a45", 500, [14, 21]], estate: [12, "#8a7358", 500, [16, 21]], own: [12, "#1d2b36", 600, [13, 21]],
  };
  const ORDER = ["own", "water", "subdistrict", "park", "estate", "community"];

  function drawNames(context, app, view, taken) {
    const waiting = { own: [] };
    for (const tiles of app.nameTiles()) for (const data of tiles.current()) {
      const { scale, dx, dy } = placed(data, view);
      for (const [group, words, x, y, zoom] of data.labels) {
        if (zoom <= view.zoom && words) (waiting[group] = waiting[group] || []).push([words, x * scale + dx, y * scale + dy]);
      }
    }
    const seen = [], named = [];
    // a district's name may lie over symbols: there are few, and without them nobody knows where he is
    for (const [words, x, y] of waiting.district || []) drawName(context, NAMES.district, words, x, y, view, named, seen);
    taken.push(...named);
    for (const group of ORDER) for (const [words, x, y] of waiting[group] || []) drawName(context, NAMES[group], words, x, y, view, taken, seen);
    if (view.zoom >= 14 && app.ground) drawStreetNames(context, app, view, taken, seen);
  }

  function drawName(context, style, words, x, y, view, taken, seen) {
    const [size, colour, weight, [from, to]] = style;
    if (view.zoom < from || view.zoom >= to || !view.bounds.contains([x, y])) return;
    const shown = words.length > 24 ? `${words.slice(0, 23)}…` : words;
    context.font = `${weight} ${size}px ${FONT}`;
    const half = context.measureText(shown).width / 2 + 4;
    const box = [x - half, y - size * 0.75, x + half, y + size * 0.75];
    if (again(seen, shown, x, y, 260) || !free(taken, box)) return;
    taken.push(box);
    seen.push([shown, x, y]);
    text(context, shown, x, y, context.font, colour, "rgba(255,255,255,.88)");
  }

  const free = (taken, b) => !taken.some((a) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1]);
  const again = (seen, words, x, y, apart) => seen.some((s) => s[0] === words && (s[1] - x) ** 2 + (s[2] - y) ** 2 < apart * apart);

  function drawStreetNames(context, app, view, taken, seen) {
    const size = view.zoom >= 17 ? 12.5 : 11.5;
    context.font = `500 ${size}px ${FONT}`;
    for (const data of app.ground.current()) {
      const place = placed(data, view);
      for (const item of data.groups.streets || []) if (item.label && item.zoom <= view.zoom && chengtu.streetWidth(item.kind, view.zoom) > 3.5) drawAlong(context, item, place, size, view, taken, seen);
    }
  }

  function drawAlong(context, item, { scale, dx, dy }, size, view, taken, seen) {
    const need = context.measureText(item.label).width + 16;
    for (const line of item.lines) {
      const spot = straightPart(line, scale, need);
      if (!spot) continue;
      const x = spot.x + dx, y = spot.y + dy, half = need / 2;
      const w = Math.abs(Math.cos(spot.angle)) * half + size * 0.6, h = Math.abs(Math.sin(spot.angle)) * half + size * 0.6;
      const box = [x - w, y - h, x + w, y + h];
      if (!view.bounds.contains([x, y]) || again(seen, item.label, x, y, 340) || !free(taken, box)) continue;
      taken.push(box);
      seen.push([item.label, x, y]);
      streetName(context, item.label, x, y, spot.angle, size);
      return;
    }
  }

  const CHINESE = /^[\u3400-\u9fff\uf900-\ufaff·0-9]+$/;

  /** Along the street; Chinese on a steep street stands upright, one character under the other. */
  function streetName(context, words, x, y, angle, size) {
    const colour = "#57534b", halo = "rgba(255,255,255,.92)";
    if (CHINESE.test(words) && Math.abs(angle) > 0.9) {
      const down = angle > 0 ? angle : angle + Math.PI, step = size * 1.18, letters = [...words];
      letters.forEach((letter, i) => {
        const along = (i - (letters.length - 1) / 2) * step;
        text(context, letter, x + Math.cos(down) * along, y + Math.sin(down) * along, context.font, colour, halo);
      });
      return;
    }
    context.save();
    context.translate(x, y);
    context.rotate(angle);
    text(context, words, 0, 0, context.font, colour, halo);
    context.restore();
  }

  /** The middle and angle of a piece of the line, `need` pixels long and nearly straight; null where there is none. */
  function straightPart(line, scale, need) {
    let best = null;
    for (let i = 0; i < line.length - 1; i++) {
      let run = 0;
      for (let j = i + 1; j < line.length; j++) {
        run += Math.hypot(line[j][0] - line[j - 1][0], line[j][1] - line[j - 1][1]) * scale;
        const ax = line[i][0] * scale, ay = line[i][1] * scale, bx = line[j][0] * scale, by = line[j][1] * scale;
        const chord = Math.hypot(bx - ax, by - ay);
        if (chord < run * 0.985) break;
        if (chord >= need && (!best || chord > best.chord)) best = { chord, x: (ax + bx) / 2, y: (ay + by) / 2, angle: Math.atan2(by - ay, bx - ax) };
      }
    }
    if (best && Math.abs(best.angle) > Math.PI / 2) best.angle += best.angle > 0 ? -Math.PI : Math.PI;
    return best;
  }
})();
