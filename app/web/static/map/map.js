"use strict";
// The map itself: ground, layers, what a click finds, the address that brings one back to the same view.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;

  /** Make the map in the element `id`; `page` holds language, title, bounds (of a class also its extent), notice, sources. */
  chengtu.map = function (id, page) {
    chengtu.setLanguage(page.lang);
    const map = chengtu.leaflet(id, { zoomControl: false, attributionControl: false, minZoom: 4, maxZoom: 20, zoomSnap: 1, wheelPxPerZoomLevel: 90 });
    const app = { map, page, layers: [], chosen: null, ground: null, root: document.getElementById(id), extra: [] };
    app.shownLayers = () => app.layers.filter((layer) => layer.on);
    for (const [pane, z] of [["ground", 200], ["areas", 300], ["classes", 350]]) map.createPane(pane).style.zIndex = z;
    if (page.portal) document.body.classList.add("portal-page");
    if (page.portal && !chengtu.phone()) document.body.classList.add("has-panel");
    startView(app);
    app.overlay = new chengtu.Overlay(app).addTo(map);
    return app;
  };

  function startView(app) {
    const { map, page } = app;
    const found = chengtu.state.place(), layers = chengtu.state.layers();
    if (layers) app.asked = new Set(layers);
    if (found) map.setView(found.slice(1), found[0]);
    else if (page.extent || page.bounds) chengtu.fit(app, page.extent || page.bounds, false);
    else map.setView([28.68, 115.86], 11);
    // a class drawn close by only: open where it is seen
    if (!found && page.start && map.getZoom() < page.start.zoom) map.setView(page.start.at, page.start.zoom);
  }

  /** Room that panels take on each side: [left, top, right, bottom] in pixels. */
  chengtu.room = function () {
    const { classList } = document.body, run = classList.contains("run-page"), portal = classList.contains("portal-page");
    if (window.innerWidth < 720) return [10, run ? 88 : portal ? 112 : 52, 10, run || (portal && classList.contains("has-card")) ? Math.round(window.innerHeight * 0.5) : 100];
    const left = run ? 448 : portal ? (classList.contains("has-panel") ? 456 : 96) : 340;
    return [left, 24, classList.contains("has-card") ? 380 : 70, 24];
  };

  /** Bring [[south, west], [north, east]] into the free part of the page. */
  chengtu.fit = function (app, bounds, animate = true) {
    const [left, top, right, bottom] = chengtu.room();
    app.map.fitBounds(bounds, { paddingTopLeft: [left, top], paddingBottomRight: [right, bottom], animate, maxZoom: 17 });
  };

  /** Switch a layer on or off. */
  chengtu.show = function (app, layer, on) {
    if (layer.on === on) return;
    layer.on = on;
    chengtu.refresh(app, on);
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

  function remember(app, quiet) {
    if (!app.started) return;
    const c = app.map.getCenter();
    chengtu.state.show([app.map.getZoom(), c.lat, c.lng], app.shownLayers().map((layer) => layer.options.id), quiet);
  }

  /** The last step of a page: panels, controls, clicks. */
  chengtu.start = function (app) {
    app.started = true;
    remember(app, true);
    chengtu.buildControls(app);
    (app.run ? chengtu.buildRunPanel : app.compare ? chengtu.buildComparePanel : app.page.portal ? chengtu.buildPortal : chengtu.buildPanel)(app);
    app.map.on("click", (event) => click(app, event));
    app.map.on("mousemove", L.Util.throttle((event) => hover(app, event), 60));
    app.map.on("moveend", () => remember(app));
    app.hint = app.root.appendChild(el("p", { class: "zoom-hint", role: "status" }));
    app.map.on("zoomend", () => hint(app));
    hint(app);
    document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.defaultPrevented) (app.taker ? chengtu.takeClicks(app, null) : chengtu.closeCard(app)); });
    document.fonts.ready.then(() => app.overlay.redraw());
    window.chengtuApp = app;
  };

  function click(app, event) {
    // a control in a panel that has redrawn itself meanwhile is not known to be in a panel any more
    if (event.originalEvent && !event.originalEvent.target.isConnected) return null;
    if (app.taker) return app.taker(event);
    const item = app.overlay.itemAt(event.layerPoint), asked = (app.clicked = {});
    if (!item || item.n > 1 || item.id !== null) return item && item.n > 1 ? closer(app, item) : opened(app, event, item);
    // a cluster of one: the tiles of this zoom do not tell which
    return chengtu.aloneAt(app, item).then((alone) => app.clicked === asked && (alone ? opened(app, event, alone) : closer(app, item)));
  }

  const closer = (app, { x, y }) => app.map.setView(app.map.layerPointToLatLng([x, y]), Math.min(20, app.map.getZoom() + 2));

  function opened(app, event, item) {
    const found = chengtu.hitsAt(app, event, 6, item);
    for (const more of app.extra) found.push(...more(event.latlng));
    if (found.length) chengtu.openCard(app, found.slice(0, 30), (hit) => hit.chosen);
    else chengtu.closeCard(app);
  }

  function hover(app, event) {
    if (app.taker) return tip(app, null, event.containerPoint);
    const item = app.overlay.itemAt(event.layerPoint);
    const shape = item || chengtu.hitsAt(app, event, 5).length || app.extra.some((more) => more(event.latlng).length);
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
