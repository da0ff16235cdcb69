"use strict";
// The map of vector tiles: MapLibre in the page's own style, what is under the finger, and tiles that follow every edit.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const FRESH_MS = 4000; // how often the data's version is asked for while the page is seen
  const REACH = 8; // pixels around a finger
  const CHOSEN = "chosen", RED = "#d4380d";

  const view = JSON.parse(document.getElementById("tiles-view").textContent);
  chengtu.setLanguage(view.lang);
  const app = { view, root: document.body, overlay: { redraw: () => drawChosen() }, chosen: null };
  window.chengtuTiles = app;
  // The layers that are on outlive a change of language.
  const KEPT = `chengtu ${location.pathname}`, kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
  sessionStorage.removeItem(KEPT);
  app.keepChoice = () => sessionStorage.setItem(KEPT, JSON.stringify(app.layers.filter((layer) => layer.on).map((layer) => layer.options.id)));
  app.layers = view.layers.map((options) => ({ options, on: kept ? kept.includes(options.id) : options.on, say: () => {} }));
  const byId = new Map(app.layers.map((layer) => [layer.options.id, layer]));
  app.closeCard = () => chengtu.closeCard(app);
  app.padding = () => (chengtu.narrow() ? { top: 56, bottom: 100, left: 24, right: 24 } : { top: 40, bottom: 50, left: 350, right: 70 });
  chengtu.startRun(app);
  start();

  async function start() {
    const answer = await fetch(view.style);
    if (!answer.ok) { chengtu.toast(chengtu.t.failed); return; }
    const style = await answer.json();
    // An edit may bring what lies beyond the data's present bounds.
    for (const source of Object.values(style.sources)) delete source.bounds;
    app.source = style.sources.city ? "city" : "background";
    app.template = style.sources.city && style.sources.city.tiles[0];
    if (app.template) style.sources.city.tiles = [chosenTiles()];
    if (kept && !view.figures) for (const one of style.layers) {
      const layer = one.source === app.source && byId.get(one["source-layer"]);
      if (layer) one.layout = { ...one.layout, visibility: layer.on ? "visible" : "none" };
    }
    chengtu.usePictograms(style, app.layers);
    maplibregl.setWorkerUrl(new URL(view.worker, location.href).href);
    try { app.map = new maplibregl.Map(options(style)); } catch { app.root.append(el("p", { class: "no-webgl", text: chengtu.words().noWebgl })); return; }
    chengtu.drawPictograms(app.map);
    app.map.touchZoomRotate.disableRotation();
    app.map.on("error", ({ error }) => { if (!error || error.status !== 204) chengtu.toast(chengtu.t.failed); });
    chengtu.buildControls(app);
    chengtu.buildPanel(app);
    app.map.on("load", ready);
  }

  function options(style) {
    const place = view.bounds ? { bounds: view.bounds, fitBoundsOptions: { padding: app.padding() } } : {};
    return { container: "map", style, hash: true, attributionControl: false, minZoom: 3, maxZoom: 21, dragRotate: false, pitchWithRotate: false, fadeDuration: 150, locale: { "Map.Title": view.title }, ...place };
  }

  function ready() {
    const { map } = app;
    map.addSource(CHOSEN, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    map.addLayer({ id: "chosen-halo", type: "line", source: CHOSEN, paint: { "line-color": "#ffffff", "line-width": 6 } });
    map.addLayer({ id: "chosen-line", type: "line", source: CHOSEN, paint: { "line-color": RED, "line-width": 3 } });
    map.addLayer({ id: "chosen-point", type: "circle", source: CHOSEN, filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 17, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": RED, "circle-stroke-width": 3 } });
    map.on("click", touched);
    map.on("mousemove", hovered);
    map.on("mouseout", () => { app.tip.hidden = true; });
    document.addEventListener("keydown", ({ key }) => { if (key === "Escape") app.closeCard(); });
    for (const event of ["idle", "moveend", "sourcedata"]) map.on(event, soon);
    app.tip = el("div", { class: "tip", hidden: true });
    app.root.append(app.tip);
    app.ready = true;
    watch();
  }

  // which layers are drawn

  /** Only what is on is asked for, of a run the figure that is shown: the tiles stay small, and each shows more. */
  function chosenTiles() {
    if (view.figures) return runTiles();
    if (!view.many) return app.template;
    const on = app.layers.filter((layer) => layer.on).map((layer) => layer.options.id);
    if (/[?&]collections=/.test(app.template)) return app.template;
    const names = on.length ? on : app.layers.slice(0, 1).map((layer) => layer.options.id);
    return `${app.template}${app.template.includes("?") ? "&" : "?"}collections=${names.join(",")}`;
  }

  function runTiles() {
    const { figure, on } = app.run;
    for (const layer of app.layers) layer.on = on.get(layer.options.id);
    const [start, query = ""] = app.template.split("?"), chosen = new URLSearchParams(query);
    const run = /\/coverage\/([^/]+)\//.exec(start)[1], wanted = [...on.keys()].filter((id) => on.get(id));
    chosen.set("run", run);
    chosen.set("collections", wanted.join(",") || "coverage_areas");
    chosen.set("tier", figure.tier);
    if (!on.get("coverage_differences")) chosen.set("mode", figure.mode);
    return `${start.replace(`/coverage/${run}`, "")}?${chosen}`;
  }
  app.reload = () => app.map.getSource("city").setTiles([chosenTiles()]);

  app.show = function (layer, on) {
    layer.on = on;
    for (const one of app.map.getStyle().layers) {
      if (one.source === app.source && one["source-layer"] === layer.options.id) app.map.setLayoutProperty(one.id, "visibility", on ? "visible" : "none");
    }
    if (view.many) app.map.getSource("city").setTiles([chosenTiles()]);
    if (!on) layer.say("");
    sayThinned();
  };

  // what is left out

  /** Many events are one look. */
  function soon() {
    if (app.saying) return;
    app.saying = setTimeout(() => { app.saying = null; sayThinned(); }, 150);
  }

  function sayThinned() {
    const w = chengtu.words(), sums = new Map();
    if (!app.map.getSource("city")) return;
    for (const { properties } of app.map.querySourceFeatures("city", { sourceLayer: "thinned" })) {
      const sum = sums.get(properties.collection) || [0, 0];
      sums.set(properties.collection, [sum[0] + properties.shown, sum[1] + properties.matched]);
    }
    const parts = [];
    for (const layer of app.layers) {
      const sum = sums.get(layer.options.id), most = layer.options.count ?? Infinity;
      // what meets two tiles is counted in both
      const [n, m] = (sum || []).map((value) => chengtu.number(Math.min(value, most)));
      layer.say(sum && layer.on ? w.shown(n, m) : "");
      if (sum && layer.on) parts.push(w.part(layer.options.title, n, m));
    }
    app.thinLine.hidden = !parts.length;
    app.thinLine.textContent = parts.length ? w.thinned(parts.slice(0, 3).join(chengtu.lang === "zh" ? "；" : "; ") + (parts.length > 3 ? "…" : "")) : "";
  }

  // what is under the finger

  function found(point) {
    const box = [[point.x - REACH, point.y - REACH], [point.x + REACH, point.y + REACH]], seen = new Set(), list = [];
    for (const feature of app.map.queryRenderedFeatures(box)) {
      const layer = byId.get(feature.sourceLayer), key = `${feature.sourceLayer} ${feature.id}`;
      if (feature.source !== "city" || !layer || (feature.id !== undefined && seen.has(key))) continue;
      seen.add(key);
      list.push({ layer, feature });
    }
    // points lie above lines, lines above areas: what is small is meant
    const rank = ({ feature }) => ["Point", "LineString", "Polygon"].indexOf(feature.geometry.type.replace("Multi", ""));
    return list.sort((a, b) => rank(a) - rank(b));
  }

  function touched({ point }) {
    const list = found(point);
    const cluster = list.find(({ feature }) => feature.properties.point_count);
    if (cluster) { app.map.easeTo({ center: cluster.feature.geometry.coordinates, zoom: app.map.getZoom() + 2 }); return; }
    if (!list.length) { chengtu.closeCard(app); return; }
    chengtu.openCard(app, list.map(({ layer, feature }) => ({ layer: shownAs(layer), id: feature.id, load: () => detail(layer, feature) })), (it) => { mark(list.find(({ layer, feature }) => feature.id === it.id && shownAs(layer) === it.layer)); return it; });
    uncover(point);
  }

  /** Moves the map where the card would hide what was touched: on the right, on a phone from the bottom. */
  function uncover({ x, y }) {
    const right = window.innerWidth - 430, low = window.innerHeight * 0.42 - 40;
    const [dx, dy] = chengtu.narrow() ? [0, Math.max(0, y - low)] : [Math.max(0, x - right), 0];
    if (dx || dy) app.map.panBy([dx, dy], { duration: 300 });
  }

  const AS = new Map();
  /** A layer with the symbol that a card needs. */
  function shownAs(layer) {
    if (layer.options.symbol) return layer;
    if (!AS.has(layer)) AS.set(layer, { options: { ...layer.options, symbol: { shape: "square", color: "#1a5a99", glyph: "覆" } } });
    return AS.get(layer);
  }

  async function detail(layer, { id, properties }) {
    if (!layer.options.symbol) return ofRun(layer, properties);
    const answer = await fetch(`/map/${layer.options.id}/features/${id}.json?lang=${view.lang}${view.when}`);
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  function ofRun(layer, properties) {
    const { code, name, ...values } = properties;
    const fields = layer.options.fields.filter((field) => !["run", "policy", "mode", "tier", "code", "name", "area_path"].includes(field.name));
    for (const field of fields) if (/share/.test(field.name) && typeof values[field.name] === "number") values[field.name] = chengtu.percent(values[field.name]);
    return { code, name, values, rows: app.run ? [[chengtu.words().figure, app.run.figure.title]] : [], fields: fields.map((field) => (/share/.test(field.name) ? { ...field, type: "text" } : field)) };
  }

  /** Marks a feature by its whole shape, which tiles cut at their edges. */
  async function mark(it) {
    if (!it) return;
    const own = (app.marking = {});
    app.shape = { type: "Feature", geometry: it.feature.geometry, properties: {} };
    drawChosen();
    if (it.feature.geometry.type === "Point") return;
    const answer = await fetch(`/collections/${it.layer.options.id}/items/${it.feature.id}?f=json${view.when}`);
    if (!answer.ok || app.marking !== own || !app.card) return;
    app.shape = { type: "Feature", geometry: (await answer.json()).geometry, properties: {} };
    drawChosen();
  }

  function drawChosen() {
    const source = app.map && app.map.getSource(CHOSEN);
    if (source) source.setData({ type: "FeatureCollection", features: app.chosen && app.shape ? [app.shape] : [] });
  }

  function hovered({ point, originalEvent }) {
    if (app.hovering || originalEvent.buttons) return;
    app.hovering = requestAnimationFrame(() => {
      app.hovering = null;
      const [first] = found(point);
      app.map.getCanvas().style.cursor = first ? "pointer" : "";
      app.tip.hidden = !first;
      if (!first) return;
      app.tip.textContent = tipOf(first);
      app.tip.style.transform = `translate(${Math.min(point.x + 14, window.innerWidth - 270)}px, ${point.y + 14}px)`;
    });
  }

  function tipOf({ layer, feature: { properties } }) {
    const [first, second] = view.lang === "zh" ? ["name_zh", "name_en"] : ["name_en", "name_zh"];
    if (properties.point_count) return `${layer.options.title} · ${chengtu.number(properties.point_count)}`;
    return [properties[first] || properties[second] || properties.name || properties.code, layer.options.title].filter(Boolean).join(" · ");
  }

  // tiles that follow every edit

  /** Asks whether the data is as it was, and lets the map ask for its tiles again where it is not. */
  async function watch() {
    if (document.visibilityState === "visible") await look().catch(() => {});
    setTimeout(watch, FRESH_MS);
  }

  async function look() {
    const answer = await fetch(view.tileset, { cache: "no-store", headers: app.tag ? { "If-None-Match": app.tag } : {} });
    if (!answer.ok) return;
    const tag = answer.headers.get("ETag"), changed = app.tag && tag !== app.tag;
    app.tag = tag;
    if (changed) for (const id of ["city", "background"]) if (app.map.getSource(id)) app.map.refreshTiles(id);
  }
  app.look = look;
})();
