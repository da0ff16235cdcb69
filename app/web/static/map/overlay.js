"use strict";
// One canvas over the squares: symbols of points, clusters, names, and the mark around what is chosen.
(function () {
  const chengtu = window.chengtu;
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
      const app = this._app, zoom = this._map.getZoom();
      const view = { zoom, size: 256 * 2 ** zoom, origin, bounds: this._bounds, tiles: inSight(app.city, app), ground: inSight(app.ground, app) };
      this.items = [];
      const taken = [];
      const lists = app.shownLayers().map((layer) => placePoints(layer, view)).filter((list) => list.length);
      const crowded = view.zoom < CLUSTER_UNTIL && lists.filter((list) => !list[0].dot).length >= MIXED_FROM;
      this.items = crowded ? mix(lists.flat()) : lists.flat();
      drawChosen(context, app.chosen, view, this.items);
      for (const item of this.items) { drawItem(context, item); if (!item.dot) taken.push([item.x - item.r, item.y - item.r, item.x + item.r, item.y + item.r]); }
      chengtu.drawNames(context, app, view, taken);
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
  const inSight = (layer, app) => (layer && layer._map ? layer.inSight(app.map) : []);
  const POINT = 1, POLYGON = 3, SIDE = 512;

  function placePoints(layer, view) {
    const points = pointsOf(layer, view).filter((point) => view.bounds.contains([point.x, point.y]));
    const { dense, quiet } = layer.options;
    if (quiet && view.zoom < 15) return points.map((point) => ({ ...point, dot: true, r: (view.zoom < 13 ? 2.6 : 4) + Math.log2(point.n) * 0.6 }));
    const found = view.zoom < CLUSTER_UNTIL ? cluster(points, reachAt(view.zoom)) : points;
    for (const item of found) item.r = item.n > 1 ? clusterRadius(item.n) : dense ? (view.zoom >= 18 ? 8 : 5) : 12;
    return found;
  }

  /** The points of a layer in the tiles in sight: its own, its clusters, and the middle of each area that is marked by a symbol. */
  function pointsOf(layer, view) {
    const { id: name, pointed } = layer.options, points = new Map(), areas = new Map();
    for (const { data, at } of view.tiles) for (const feature of data.get(name) || []) {
      if (feature.geomType === POINT) addPoints(points, feature, at, view, layer);
      else if (pointed && feature.geomType === POLYGON) addMiddle(areas, feature, at, view, layer);
    }
    for (const [id, point] of areas) if (!points.has(id)) points.set(id, point);
    return [...points.values()];
  }

  function addPoints(points, { id, geom, props }, at, view, layer) {
    // what lies in a tile's edge lies in the next tile too
    for (const line of geom) for (const { x, y } of line) if (x >= 0 && x < SIDE && y >= 0 && y < SIDE) {
      const own = props.cluster ? null : id === undefined ? null : id;
      points.set(own === null ? points.size + 0.5 : own, { ...symbolOf(props, x, y, at, view, layer), id: own, n: props.point_count || 1 });
    }
  }

  const symbolOf = (props, x, y, at, view, layer) => ({ x: x * at.scale + at.x - view.origin.x, y: y * at.scale + at.y - view.origin.y, label: chengtu.nameOf(props), kind: props.kind, layer });

  /** Of an area that several tiles cut, the largest piece is marked. */
  function addMiddle(areas, feature, at, view, layer) {
    const middle = chengtu.middleOf(feature), before = areas.get(feature.id);
    if (middle && (!before || before.size < middle.size)) areas.set(feature.id, { ...symbolOf(feature.props, middle.x, middle.y, at, view, layer), id: feature.id, n: 1, size: middle.size });
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
    context.globalAlpha = opacityOf(item);
    if (item.dot) drawDot(context, item, colour);
    else if (item.n > 1) drawCluster(context, item, colour);
    else chengtu.stampSymbol(context, symbol, colour, item.x, item.y, item.r);
    context.globalAlpha = 1;
  }

  /** How opaque a symbol is: its layer, or the most opaque of those that it stands for. */
  function opacityOf(item) {
    const layers = item.parts ? [...item.parts.keys()] : [item.layer];
    return Math.max(...layers.map(({ opacity }) => (opacity === undefined ? 1 : opacity)));
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

  function drawCluster(context, { x, y, r, n }, colour) {
    const whole = context.globalAlpha;
    context.fillStyle = colour;
    context.globalAlpha = 0.25 * whole;
    context.beginPath();
    context.arc(x, y, r + 4, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 0.94 * whole;
    context.beginPath();
    context.arc(x, y, r, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = whole;
    chengtu.write(context, short(n), x, y + 0.5, `600 ${n > 999 ? 11 : 12}px ${chengtu.FONT}`, chengtu.inkOn(colour));
  }

  const short = (n) => (n < 10000 ? String(n) : chengtu.lang === "zh" ? `${(n / 1e4).toFixed(n < 1e5 ? 1 : 0)}万` : `${Math.round(n / 1000)}k`);

  /** The mark around what is chosen: {layer, id} of a layer, {world: [x, y]} a place, {shapes} of a page's own data. */
  function drawChosen(context, chosen, view, items) {
    if (!chosen) return;
    for (const { item, data } of chosen.shapes || []) {
      const { scale, dx, dy } = placed(data, view);
      context.save();
      context.transform(scale, 0, 0, scale, dx, dy);
      outlineTwice(context, item.path, scale);
      context.restore();
    }
    const item = chosen.layer && items.find((one) => one.layer === chosen.layer && one.id === chosen.id);
    if (item) ring(context, item.x, item.y);
    else if (chosen.world) ring(context, chosen.world[0] * view.size - view.origin.x, chosen.world[1] * view.size - view.origin.y);
    if (chosen.layer) for (const { data, at } of view.tiles) for (const feature of data.get(chosen.layer.options.id) || []) if (feature.id === chosen.id && feature.geomType !== POINT) outlinePiece(context, feature, at, view);
  }

  /** The part of a line or area that lies in its tile; the cut along the tile's edge is none of its outline. */
  function outlinePiece(context, feature, at, view) {
    context.save();
    context.translate(at.x - view.origin.x, at.y - view.origin.y);
    context.scale(at.scale, at.scale);
    context.beginPath();
    context.rect(0, 0, SIDE, SIDE);
    context.clip();
    outlineTwice(context, chengtu.pathOf(feature), at.scale);
    context.restore();
  }

  function outlineTwice(context, path, scale) {
    context.lineJoin = context.lineCap = "round";
    for (const [colour, width] of [["#ffffff", 6], ["#d4380d", 3]]) { context.strokeStyle = colour; context.lineWidth = width / scale; context.stroke(path); }
  }

  function ring(context, x, y) {
    context.beginPath();
    context.arc(x, y, 18, 0, 2 * Math.PI);
    context.strokeStyle = "#d4380d";
    context.lineWidth = 3;
    context.stroke();
  }
})();
