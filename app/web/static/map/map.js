"use strict";
// The map itself: ground, layers, what a click finds, the address that brings one back to the same view.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;

  /** Make the map in the element `id`; `page` holds language, title, bounds (of a class also its extent), notice, sources. */
  chengtu.map = function (id, page) {
    chengtu.setLanguage(page.lang);
    const map = L.map(id, { zoomControl: false, attributionControl: false, minZoom: 4, maxZoom: 20, zoomSnap: 1, wheelPxPerZoomLevel: 90 });
    const app = { map, page, layers: [], chosen: null, ground: null, root: document.getElementById(id), extra: [] };
    app.shownLayers = () => app.layers.filter((layer) => layer.on);
    app.nameTiles = () => [app.ground, ...app.shownLayers().map((layer) => layer.tiles)].filter(Boolean);
    for (const [pane, z] of [["ground", 200], ["areas", 300], ["classes", 350]]) map.createPane(pane).style.zIndex = z;
    startView(app);
    app.overlay = new chengtu.Overlay(app).addTo(map);
    return app;
  };

  function startView(app) {
    const { map, page } = app;
    const [place, layers] = decodeURIComponent(location.hash.slice(1)).split("&");
    const found = /^(\d+)\/(-?[\d.]+)\/(-?[\d.]+)$/.exec(place || "");
    if (layers !== undefined && /^[\w,]*$/.test(layers)) app.asked = new Set(layers.split(","));
    if (found) map.setView([+found[2], +found[3]], +found[1]);
    else if (page.extent || page.bounds) chengtu.fit(app, page.extent || page.bounds, false);
    else map.setView([28.68, 115.86], 11);
    // a class drawn close by only: open where it is seen
    if (!found && page.start && map.getZoom() < page.start.zoom) map.setView(page.start.at, page.start.zoom);
  }

  /** Room that panels take on each side: [left, top, right, bottom] in pixels. */
  chengtu.room = function () {
    if (window.innerWidth < 720) return [10, document.body.classList.contains("run-page") ? 88 : 52, 10, document.body.classList.contains("run-page") ? Math.round(window.innerHeight * 0.5) : 100];
    return [document.body.classList.contains("run-page") ? 448 : 340, 24, document.body.classList.contains("has-card") ? 380 : 70, 24];
  };

  /** Bring [[south, west], [north, east]] into the free part of the page. */
  chengtu.fit = function (app, bounds, animate = true) {
    const [left, top, right, bottom] = chengtu.room();
    app.map.fitBounds(bounds, { paddingTopLeft: [left, top], paddingBottomRight: [right, bottom], animate, maxZoom: 17 });
  };

  const source = (options) => (options.data ? chengtu.ownSource(chengtu.inside(options.data)) : chengtu.serverSource(options.tiles, options.deepest));

  function addTiles(app, options, paint, pane) {
    const tiles = new chengtu.CanvasTiles(source(options), paint, { pane, maxZoom: 20 });
    tiles.on("load tileload", () => app.overlay.redraw());
    return tiles;
  }

  /** The ground: streets, water, green, buildings of the city's own data. */
  chengtu.background = function (app, options) {
    app.ground = addTiles(app, options, chengtu.paintGround, "ground").addTo(app.map);
  };

  /** One class as a layer. */
  chengtu.layer = function (app, options) {
    const layer = { options, on: false };
    layer.tiles = addTiles(app, options, chengtu.classPainter(options), "classes");
    layer.tiles.options.zIndex = 1000 - (options.order || 0);
    app.layers.push(layer);
    if (app.asked ? app.asked.has(options.id) : options.on) chengtu.show(app, layer, true);
  };

  /** Switch a layer on or off. */
  chengtu.show = function (app, layer, on) {
    if (layer.on === on) return;
    layer.on = on;
    if (on) layer.tiles.addTo(app.map); else layer.tiles.remove();
    app.overlay.redraw();
    remember(app);
    if (app.hint) hint(app);
  };

  /** On a phone, where the layer list is folded away: which layers are on but drawn closer by only. */
  function hint(app) {
    const zoom = app.map.getZoom();
    const hidden = app.shownLayers().filter(({ options: { counts, count, pointed } }) => counts && count && !pointed && Object.keys(counts).every((from) => Number(from) > zoom));
    app.hint.textContent = hidden.length ? chengtu.t.hidden(hidden.map((layer) => layer.options.title).join(chengtu.lang === "zh" ? "、" : ", ")) : "";
    app.hint.hidden = !hidden.length;
  }

  function remember(app) {
    if (!app.started) return;
    const c = app.map.getCenter(), on = app.shownLayers().map((layer) => layer.options.id).join(",");
    history.replaceState(null, "", `#${app.map.getZoom()}/${c.lat.toFixed(5)}/${c.lng.toFixed(5)}&${on}`);
  }

  /** The last step of a page: panels, controls, clicks. */
  chengtu.start = function (app) {
    app.started = true;
    chengtu.buildControls(app);
    (app.run ? chengtu.buildRunPanel : app.compare ? chengtu.buildComparePanel : chengtu.buildPanel)(app);
    app.map.on("click", (event) => click(app, event));
    app.map.on("mousemove", L.Util.throttle((event) => hover(app, event), 60));
    app.map.on("moveend", () => remember(app));
    app.hint = app.root.appendChild(el("p", { class: "zoom-hint", role: "status" }));
    app.map.on("zoomend", () => hint(app));
    hint(app);
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") chengtu.closeCard(app); });
    document.fonts.ready.then(() => app.overlay.redraw());
    window.chengtuApp = app;
  };

  function click(app, event) {
    const item = app.overlay.itemAt(event.layerPoint);
    if (item && item.n > 1) return app.map.setView(app.map.layerPointToLatLng([item.x, item.y]), Math.min(20, app.map.getZoom() + 2));
    const found = item ? [pointHit(app, item)] : [];
    for (const layer of [...app.shownLayers()].reverse())
      for (const hit of chengtu.shapesAt(layer.tiles, app.map, event.latlng, 6)) if (!found.some((f) => f.layer === layer && f.id === hit.item.id)) found.push(shapeHit(layer, hit));
    for (const more of app.extra) found.push(...more(event.latlng));
    if (found.length) chengtu.openCard(app, found.slice(0, 30), (hit) => hit.chosen);
    else chengtu.closeCard(app);
  }

  function pointHit(app, item) {
    const size = 256 * 2 ** app.map.getZoom(), origin = app.map.getPixelOrigin();
    return { layer: item.layer, id: item.id, load: () => detail(item.layer, item.id), chosen: { world: [(item.x + origin.x) / size, (item.y + origin.y) / size] } };
  }

  const shapeHit = (layer, hit) => ({ layer, id: hit.item.id, load: () => detail(layer, hit.item.id), chosen: { shapes: [hit] } });

  async function detail(layer, id) {
    const { feature, data, fields } = layer.options;
    if (data) {
      layer.details = layer.details || chengtu.details(chengtu.inside(`${data}-details`));
      return { fields, ...layer.details(id) };
    }
    const answer = await fetch(feature.replace("{id}", id));
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  function hover(app, event) {
    const item = app.overlay.itemAt(event.layerPoint);
    const shape = item || app.shownLayers().some((layer) => chengtu.shapesAt(layer.tiles, app.map, event.latlng, 5).length) || app.extra.some((more) => more(event.latlng).length);
    app.root.classList.toggle("pointing", Boolean(shape));
    const words = item ? (item.n > 1 ? cluster(item) : item.label || item.layer.options.title) : null;
    tip(app, words, event.containerPoint);
  }

  /** What a cluster holds: how many of its layer, or the most frequent of several layers. */
  function cluster(item) {
    const parts = [...(item.parts || [[item.layer, item.n]])].sort((a, b) => b[1] - a[1]);
    if (parts.length === 1) return `${parts[0][0].options.title}：${chengtu.t.objects(chengtu.number(item.n))}`;
    const named = parts.slice(0, 3).map(([layer, n]) => `${layer.options.title} ${chengtu.number(n)}`);
    return chengtu.t.together(parts.length > 3 ? [...named, "…"] : named);
  }

  function tip(app, words, point) {
    if (!app.tip) app.tip = app.root.appendChild(el("div", { class: "tip", "aria-hidden": "true" }));
    app.tip.textContent = words || "";
    app.tip.hidden = !words;
    app.tip.style.transform = `translate(${point.x + 14}px, ${point.y + 14}px)`;
  }
})();
