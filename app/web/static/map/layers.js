"use strict";
// The ground and the classes as layers of vector tiles: what is on, how it is drawn, what a click finds.
(function () {
  const chengtu = window.chengtu;

  /** The ground as a Leaflet layer of its own, in a pane of that name: streets, water, green, buildings of the city's data. */
  chengtu.groundLayer = function (options) {
    const own = options.data, deepest = own ? chengtu.FILE_DEEPEST : options.deepest;
    const part = own ? { id: "", raw: chengtu.inside(own), own: 0 } : { id: "", tiles: options.tiles };
    const source = (own ? chengtu.fileTiles : chengtu.serverTiles)(() => [part], chengtu.sortStreets);
    return chengtu.vectorLayer(source, chengtu.groundRules(deepest), { deepest, pane: "ground" });
  };

  /** The ground of a page. */
  chengtu.background = function (app, options) {
    app.ground = watched(app, chengtu.groundLayer(options)).addTo(app.map);
  };

  /** The ground as a file of tiles has it. */
  chengtu.archiveLayer = (app, source, deepest) => watched(app, chengtu.vectorLayer(source, chengtu.groundRules(deepest), { deepest, pane: "ground" }));

  /** Let a layer be the ground of a page; the one before is given back. */
  chengtu.swapGround = function (app, layer) {
    const before = app.ground;
    if (before) before.remove();
    app.ground = layer ? layer.addTo(app.map) : layer;
    app.overlay.redraw();
    return before;
  };

  /** The overlay follows what a layer draws; what could not be had is asked for again when the map moves. */
  function watched(app, layer) {
    app.map.on("moveend", layer.retry);
    return layer.on("drawn tileload", () => app.overlay.redraw());
  }

  /** One class as a layer; all that are on are drawn together. */
  chengtu.layer = function (app, options) {
    const layer = { options, on: false, tiles: { current: () => told(app, options.id) } };
    app.layers.push(layer);
    if (app.asked ? app.asked.has(options.id) : options.on) chengtu.show(app, layer, true);
  };

  function cityLayer(app) {
    const parts = () => app.shownLayers().map(part), own = app.layers[0].options.data;
    const source = (own ? chengtu.fileTiles : chengtu.serverTiles)(parts, () => {});
    // tiles of several classes together are as deep as the deepest of them
    app.cityDeepest = own ? chengtu.FILE_DEEPEST : Math.max(...app.layers.map(({ options }) => options.deepest));
    return watched(app, chengtu.vectorLayer(source, [], { deepest: app.cityDeepest, pane: "classes" }));
  }

  function part(layer) {
    const { id, data, tiles, mark } = layer.options;
    if (data && !layer.raw) layer.raw = chengtu.inside(data);
    return { id, tiles, mark, raw: layer.raw, own: 1 };
  }

  /** What the tiles in sight say of one layer: {cut} for each, whether it leaves something out. */
  function told(app, id) {
    if (!app.city || !app.city._map) return [];
    return app.city.inSight(app.map).map(({ data }) => ({ cut: (data.get(`thinned ${id}`) || []).length > 0 }));
  }

  /** Draw the classes that are on; once for all that change in one go. */
  chengtu.refresh = function (app, anew) {
    app.anew = app.anew || anew;
    if (app.refreshing) return;
    app.refreshing = Promise.resolve().then(() => {
      const wanted = app.shownLayers();
      app.refreshing = null;
      app.city = app.city || cityLayer(app);
      app.city.draw(chengtu.classRules(wanted, app.cityDeepest), app.anew);
      app.anew = false;
      if (wanted.length) app.city.addTo(app.map); else app.city.remove();
      app.overlay.redraw();
    });
  };

  /** Draw a layer as opaque as `layer.opacity` says, 0 to 1. */
  chengtu.setOpacity = (app) => chengtu.refresh(app, false);

  /** Whether all that is in sight is drawn. */
  chengtu.settled = function (app) {
    const layers = [app.ground, app.city].filter((layer) => layer && layer._map);
    return !app.map._animatingZoom && !app.refreshing && !app.overlay._waiting && !layers.some((layer) => layer.isLoading());
  };

  /** Resolves when all that is in sight is drawn. */
  chengtu.idle = (app) => new Promise((done) => {
    const look = () => (chengtu.settled(app) ? done() : requestAnimationFrame(look));
    look();
  });

  // what a click finds

  /** The symbol, lines and areas at a place: hits for `chengtu.openCard`, the symbol first, then the smallest. */
  chengtu.hitsAt = function (app, event, reach, item = app.overlay.itemAt(event.layerPoint)) {
    const found = item ? [hit(item.layer, item.id, item.world)] : [];
    if (!app.city || !app.city._map) return found;
    const tiles = app.city.inSight(app.map), world = app.map.project(event.latlng);
    for (const layer of [...app.shownLayers()].reverse()) {
      if (layer.options.geometry === "point") continue;
      for (const { id } of chengtu.featuresAt(tiles, layer.options.id, world, reach)) if (!item || item.layer !== layer || item.id !== id) found.push(hit(layer, id));
    }
    return found;
  };

  const hit = (layer, id, world) => ({ layer, id, load: () => detail(layer, id), chosen: { layer, id, world } });
  chengtu.hit = hit;

  const SIDE = 512; // pixels of a tile

  /** The feature that a cluster of one stands for, {layer, id, world}, by the deepest tile there; null where it is not told. */
  chengtu.aloneAt = async function (app, { layer, x: left, y: top }) {
    const { tiles, deepest: z } = layer.options, at = app.map.project(app.map.layerPointToLatLng([left, top]), 0).divideBy(256), n = 2 ** z;
    if (!tiles) return null;
    const [x, y] = [at.x * n, at.y * n].map(Math.floor), here = L.point(at.x * n - x, at.y * n - y).multiplyBy(SIDE);
    const found = await chengtu.serverTiles(() => [part(layer)], () => {}).get({ z, x, y }, SIDE).catch(() => new Map());
    const features = (found.get(layer.options.id) || []).filter(({ id, props }) => id !== undefined && !props.cluster);
    const far = ({ bbox }) => here.distanceTo([(bbox.minX + bbox.maxX) / 2, (bbox.minY + bbox.maxY) / 2]);
    const nearest = features.sort((a, b) => far(a) - far(b))[0];
    return nearest ? { layer, id: nearest.id, world: [at.x, at.y] } : null;
  };

  async function detail(layer, id) {
    const { feature, data, fields } = layer.options;
    if (data) {
      layer.details = layer.details || chengtu.details(chengtu.inside(`${data}-details`));
      return { fields, ...layer.details(id) };
    }
    const answer = await fetch(feature.replace("{id}", id));
    if (!answer.ok) throw new Error((await answer.text()).slice(0, 300)); // an answer that is not read stays open
    return answer.json();
  }
})();
