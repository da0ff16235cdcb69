"use strict";
// Canvas squares: draws one layer's shapes, square by square, and says what lies under a point.
(function () {
  const chengtu = window.chengtu;
  const SIDE = 512;
  const ratio = Math.min(2, window.devicePixelRatio || 1);

  /** A Leaflet layer of canvases; `paint(context, data, look)` draws in the data's own units. */
  chengtu.CanvasTiles = L.GridLayer.extend({
    options: { tileSize: SIDE, updateWhenZooming: false, updateWhenIdle: false, keepBuffer: 1, noWrap: true },

    initialize(source, paint, options) {
      L.setOptions(this, options);
      this._source = source;
      this._paint = paint;
    },

    createTile(coords, done) {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = SIDE * ratio;
      canvas.setAttribute("aria-hidden", "true");
      this._source.get(coords.z - 1, coords.x, coords.y).then(
        (data) => { this._fill(canvas, data, coords); done(null, canvas); },
        (error) => done(error, canvas)
      );
      return canvas;
    },

    _fill(canvas, data, coords) {
      const place = chengtu.placing(data.square, SIDE * 2 ** (coords.z - 1), coords.x * SIDE, coords.y * SIDE);
      canvas.square = { data, place };
      const context = canvas.getContext("2d");
      const a = place.scale * ratio;
      context.setTransform(a, 0, 0, a, place.dx * ratio, place.dy * ratio);
      context.lineCap = "round";
      context.lineJoin = "round";
      this._paint(context, data, look(place, coords.z));
    },

    /** Draw every square again, after a change of style. */
    repaint() {
      for (const tile of Object.values(this._tiles || {})) {
        if (!tile.el.square) continue;
        const context = tile.el.getContext("2d");
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.clearRect(0, 0, tile.el.width, tile.el.height);
        this._fill(tile.el, tile.el.square.data, tile.coords);
      }
    },

    /** The data of the squares now on the map, each once. */
    current() {
      const found = new Set();
      for (const tile of Object.values(this._tiles || {})) {
        if (tile.current && tile.el.square && tile.coords.z === this._tileZoom) found.add(tile.el.square.data);
      }
      return found;
    },
  });

  function look(place, zoom) {
    const unit = 1 / place.scale; // the data's units in one CSS pixel
    const pad = 16 * unit;
    const box = [-place.dx * unit - pad, -place.dy * unit - pad, (SIDE - place.dx) * unit + pad, (SIDE - place.dy) * unit + pad];
    return { unit, zoom, box };
  }

  chengtu.visible = (item, view) =>
    item.zoom <= view.zoom && item.box[0] <= view.box[2] && item.box[2] >= view.box[0] && item.box[1] <= view.box[3] && item.box[3] >= view.box[1];

  const probe = document.createElement("canvas").getContext("2d");

  /** The shapes of `layer` within `reach` pixels of a world point, smallest first. */
  chengtu.shapesAt = function (layer, map, point, reach) {
    const size = SIDE * 2 ** (map.getZoom() - 1);
    const world = map.project(point);
    const found = new Map();
    for (const data of layer.current()) {
      const { scale, dx, dy } = chengtu.placing(data.square, size, world.x, world.y);
      const x = -dx / scale, y = -dy / scale, tolerance = reach / scale;
      probe.lineWidth = 2 * tolerance;
      for (const item of data.groups.own || []) if (!found.has(item.id) && hits(item, x, y, tolerance, map.getZoom())) found.set(item.id, { item, data });
    }
    return [...found.values()].sort((a, b) => extent(a.item) - extent(b.item));
  };

  function hits(item, x, y, tolerance, zoom) {
    const b = item.box;
    if (item.zoom > zoom || x < b[0] - tolerance || x > b[2] + tolerance || y < b[1] - tolerance || y > b[3] + tolerance) return false;
    return (item.area && probe.isPointInPath(item.path, x, y, "evenodd")) || (!item.area && probe.isPointInStroke(item.path, x, y));
  }

  const extent = (item) => (item.box[2] - item.box[0]) * (item.box[3] - item.box[1]);
})();
