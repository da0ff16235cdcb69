"use strict";
// Vector tiles on the map, drawn by protomaps-leaflet with our own painters: where their features come from, what lies under a point.
(function () {
  const chengtu = window.chengtu;
  const SIDE = 512; // a tile of zoom z fills so many pixels of the map at zoom z + 1
  const KEPT = 240; // tiles held in memory
  const POINT = 1, POLYGON = 3;
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const keyOf = ({ z, x, y }) => `${z}/${x}/${y}`;

  /** A feature's lines as one path in the tile's pixels, made once. */
  chengtu.pathOf = function (feature) {
    if (!feature.path) {
      feature.path = new Path2D();
      for (const line of feature.geom) line.forEach((p, i) => (i ? feature.path.lineTo(p.x, p.y) : feature.path.moveTo(p.x, p.y)));
    }
    return feature.path;
  };

  chengtu.nameOf = ({ name, name_zh: zh, name_en: en }) => name || (chengtu.lang === "zh" ? zh || en : en || zh) || null;

  /**
   * Tiles of the server. `parts()` are what is wanted now: [{id, tiles, mark}], `tiles` an address with {z}, {y}, {x} and, where
   * several parts share it, {ids} and {marks}. What a tile lacks of them is asked for in one request for each address.
   */
  chengtu.serverTiles = function (parts, prepare) {
    const held = new Map(), ready = new Map(), asked = new Set();

    function cancel(z) {
      for (const one of asked) if (one.z !== z) { one.controller.abort(); asked.delete(one); }
    }

    async function ask(address, c, size) {
      const one = { z: c.z, controller: new AbortController() };
      asked.add(one);
      // the library reads tiles of any archive: this one has a single tile
      const archive = { getZxy: () => fetchTile(address, one.controller.signal) };
      try { return await new protomapsL.PmtilesSource(archive, false).get(c, size); } finally { asked.delete(one); }
    }

    function askMissing(parts, own, c, size) {
      const groups = new Map();
      for (const part of parts) if (!own.has(part.id)) groups.set(part.tiles, [...(groups.get(part.tiles) || []), part]);
      for (const [template, members] of groups) {
        const sorted = members.sort((a, b) => (a.id < b.id ? -1 : 1));
        const address = filled(template, c).replace("{ids}", sorted.map((part) => part.id).join(",")).replace("{marks}", sorted.map((part) => part.mark).join("-"));
        const answer = ask(address, c, size).then((found) => { prepare(found); return found; });
        for (const part of sorted) {
          const mine = answer.then((found) => partOf(part, found));
          own.set(part.id, mine);
          mine.catch((error) => { own.delete(part.id); source.failed = source.failed || error.name !== "AbortError"; });
        }
      }
    }

    const source = {
      failed: false,
      async get(c, size) {
        cancel(c.z);
        const key = keyOf(c), own = held.get(key) || new Map(), wanted = parts();
        held.delete(key);
        held.set(key, own);
        askMissing(wanted, own, c, size);
        trim(held);
        const found = new Map((await Promise.all(wanted.map((part) => own.get(part.id)))).flatMap((one) => [...one]));
        ready.delete(key);
        ready.set(key, found);
        trim(ready);
        return found;
      },
      found: (c) => ready.get(keyOf(c)),
    };
    return source;
  };

  function trim(map) {
    while (map.size > KEPT) map.delete(map.keys().next().value);
  }

  const filled = (template, { z, x, y }) => template.replace("{z}", z).replace("{y}", y).replace("{x}", x);

  /**
   * The ground in a file of tiles (PMTiles) that `chengtu export --tiles` has written, under the names that it has on the server.
   * `about()` tells {deepest, attribution}, and fails where the file is another one's.
   */
  chengtu.archiveTiles = function (address) {
    const archive = new protomapsL.PmtilesSource(chengtu.viewed(address), false).p, ready = new Map();
    let begin = "";
    const source = {
      failed: false,
      async about() {
        const { maxZoom } = await archive.getHeader(), { attribution, chengtu: said } = await archive.getMetadata();
        if (!said || !said.ground) throw new Error(`${address} holds no ground`);
        begin = said.ground;
        return { deepest: maxZoom, attribution: new DOMParser().parseFromString(attribution || "", "text/html").body.textContent };
      },
      async get(c, size) {
        const one = { getZxy: () => archive.getZxy(c.z, c.x, c.y) };
        const found = await new protomapsL.PmtilesSource(one, false).get(c, size).catch((error) => { source.failed = true; throw error; });
        const ground = new Map([...found].filter(([name]) => name.startsWith(begin)).map(([name, features]) => [name.slice(begin.length), features]));
        chengtu.sortStreets(ground);
        ready.set(keyOf(c), ground);
        trim(ready);
        return ground;
      },
      found: (c) => ready.get(keyOf(c)),
    };
    return source;
  };

  /** What an answer holds of one part: its layer, and how much of it is drawn; of a part without an id all layers. */
  function partOf({ id }, found) {
    if (!id) return found;
    const told = (found.get("thinned") || []).find((point) => point.props.collection === id);
    return new Map([[id, found.get(id) || []], [`thinned ${id}`, told ? [told] : []]]);
  }

  async function fetchTile(address, signal) {
    const answer = await fetch(address, { signal }).catch((error) => {
      if (error.name !== "AbortError") chengtu.toast(chengtu.t.failed);
      throw error;
    });
    if (!answer.ok) { chengtu.toast(chengtu.t.failed); throw new Error(`${answer.status} ${address}`); }
    const data = answer.status === 204 ? null : await answer.arrayBuffer();
    return data && data.byteLength ? { data } : undefined;
  }

  /** A Leaflet layer of `source`'s tiles: `rules` are painters by the tiles' layers, `deepest` the last zoom of tiles. */
  chengtu.vectorLayer = function (source, rules, { deepest, pane }) {
    const layer = protomapsL.leafletLayer({ url: "tiles", attribution: "", paintRules: rules, labelRules: [], pane, devicePixelRatio: ratio, tileDelay: 0.01, keepBuffer: 1, updateWhenIdle: false, updateWhenZooming: false, maxZoom: 20 });
    const view = () => new protomapsL.View(new protomapsL.TileCache(source, SIDE), deepest, 1);
    layer.views.set("", view());
    /** Draw with these rules; `anew` where the source has other features now. */
    layer.draw = function (rules, anew) {
      layer.paintRules = rules;
      if (anew) layer.views.set("", view());
      if (layer._map) layer.rerenderTiles();
    };
    /** The tiles in sight that are there: {data, at: {x, y, scale}} with the place of their corner in pixels of the world. */
    layer.inSight = function (map) {
      const zoom = map.getZoom(), bounds = map.getPixelBounds(), size = bounds.getSize();
      const box = { minX: bounds.min.x - 0.3 * size.x, minY: bounds.min.y - 0.3 * size.y, maxX: bounds.max.x + 0.3 * size.x, maxY: bounds.max.y + 0.3 * size.y };
      const found = layer.views.get("").dataTilesForBounds(zoom, box).map(({ dataTile, origin, scale }) => ({ data: source.found(dataTile), at: { x: origin.x, y: origin.y, scale } }));
      return found.filter(({ data }) => data);
    };
    /** Draw again where the server did not answer. */
    layer.retry = () => { if (source.failed && layer._map) { source.failed = false; layer.rerenderTiles(); } };
    countDrawing(layer);
    return layer;
  };

  /** Count the tiles that are being drawn, for the first time or again: Leaflet knows of the first alone. */
  function countDrawing(layer) {
    const render = layer.renderTile;
    let drawing = 0;
    layer.renderTile = async function (...given) {
      drawing += 1;
      try { await render.apply(layer, given); } finally { drawing -= 1; }
      if (!drawing) layer.fire("drawn");
    };
    layer.isLoading = () => drawing > 0;
  }

  // what lies under a point

  const probe = document.createElement("canvas").getContext("2d");

  /** The lines and areas of a tile's layer within `reach` pixels of a point of the world (in pixels), smallest first. */
  chengtu.featuresAt = function (tiles, name, world, reach) {
    const found = new Map();
    for (const { data, at } of tiles) {
      const x = (world.x - at.x) / at.scale, y = (world.y - at.y) / at.scale, tolerance = reach / at.scale;
      if (x < 0 || y < 0 || x > SIDE || y > SIDE) continue;
      probe.lineWidth = 2 * tolerance;
      for (const feature of data.get(name) || []) if (!found.has(feature.id) && hits(feature, x, y, tolerance)) found.set(feature.id, feature);
    }
    return [...found.values()].sort((a, b) => extent(a) - extent(b));
  };

  function hits(feature, x, y, tolerance) {
    const { minX, minY, maxX, maxY } = feature.bbox;
    if (feature.geomType === POINT || x < minX - tolerance || x > maxX + tolerance || y < minY - tolerance || y > maxY + tolerance) return false;
    const path = chengtu.pathOf(feature);
    return feature.geomType === POLYGON ? probe.isPointInPath(path, x, y) : probe.isPointInStroke(path, x, y);
  }

  const extent = ({ bbox }) => (bbox.maxX - bbox.minX) * (bbox.maxY - bbox.minY);

  /** A point inside an area, as far as it lies in its tile: {x, y, size}, `size` that of its box; null where it does not. */
  chengtu.middleOf = function (feature) {
    if (feature.middle === undefined) feature.middle = middle(feature);
    return feature.middle;
  };

  const within = (value) => Math.min(SIDE, Math.max(0, value));

  function middle({ geom, bbox }) {
    const [x0, y0, x1, y1] = [within(bbox.minX), within(bbox.minY), within(bbox.maxX), within(bbox.maxY)], size = (x1 - x0) * (y1 - y0);
    if (size <= 0) return null;
    const y = (y0 + y1) / 2 + 0.013, crossings = [];
    for (const ring of geom) for (let i = 1; i < ring.length; i++) {
      const a = ring[i - 1], b = ring[i];
      if (a.y > y !== b.y > y) crossings.push(within(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)));
    }
    crossings.sort((a, b) => a - b);
    let best = null, widest = 0;
    for (let i = 1; i < crossings.length; i += 2) if (crossings[i] - crossings[i - 1] > widest) { widest = crossings[i] - crossings[i - 1]; best = { x: (crossings[i] + crossings[i - 1]) / 2, y, size }; }
    return best;
  }
})();
