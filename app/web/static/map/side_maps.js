"use strict";
// Two maps of the same place over the first one: beside each other, or one below the other with an edge that is drawn.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, { planner } = chengtu;
  const TEXTS = { zh: { edge: "卷帘位置（左右方向键移动）", end: "结束对比", left: "左图", right: "右图" }, en: { edge: "Edge between the maps (arrow keys move it)", end: "End", left: "Left map", right: "Right map" } };
  const words = () => TEXTS[chengtu.lang];
  let number = 0;

  /** Open two maps over the page's own: `sides` are two of {title, background, layers}; `look` is side or swipe. Resolves to both apps. */
  planner.openSides = function (app, sides, look) {
    planner.closeSides(app);
    const box = el("div", { class: `sides sides-${look}` }), { page } = app;
    app.root.append(chengtu.shield(box));
    box.style.left = `${leftOf()}px`;
    const on = new Set(app.shownLayers().map((layer) => layer.options.id));
    const apps = sides.map((side, i) => {
      const id = `side-map-${(number += 1)}`;
      const frame = el("section", { class: "side", "aria-label": `${i ? words().right : words().left} ${side.title}` }, el("div", { id, class: "side-map" }));
      box.append(frame, el("p", { class: `side-title side-title-${i ? "b" : "a"}`, text: side.title, dir: "auto" }));
      const one = chengtu.map(id, { lang: page.lang, bounds: page.bounds, offline: false });
      one.frame = frame;
      if (side.background) chengtu.background(one, side.background);
      one.asked = on;
      for (const options of side.layers || []) chengtu.layer(one, options);
      document.fonts.ready.then(() => one.overlay.redraw());
      return one;
    });
    box.append(el("button", { type: "button", class: "sides-end", text: words().end, on: { click: () => { planner.closeSides(app); if (app.sidesEnded) app.sidesEnded(); } } }));
    app.sides = { box, apps, look, part: 0.5 };
    if (look === "swipe") box.append(edge(app));
    join(app);
    planner.layoutSides(app);
    return apps;
  };

  planner.closeSides = function (app) {
    if (!app.sides) return;
    window.removeEventListener("resize", app.sides.fit);
    app.map.off("zoomend moveend", app.sides.main);
    for (const one of app.sides.apps) one.map.remove();
    app.sides.box.remove();
    app.sides = null;
  };

  /** What the panel covers of the page's width, in pixels. */
  const leftOf = () => (chengtu.phone() ? 0 : Math.max(0, chengtu.room()[0] - 16));

  /** The maps show the same place at the same scale, and the page's own map with them, so that the address tells it. */
  function join(app) {
    const { apps } = app.sides, start = app.map.containerPointToLatLng(planner.middle(app)), zoom = app.map.getZoom();
    for (const one of apps) one.map.setView(start, zoom, { animate: false });
    for (const one of apps) one.map.on("move zoomend", () => follow(app, one.map));
    app.map.on("zoomend moveend", (app.sides.main = () => lead(app)));
    app.sides.fit = () => planner.layoutSides(app);
    window.addEventListener("resize", app.sides.fit);
  }

  /** One of the maps was moved: the others go there too. */
  function follow(app, map) {
    if (!app.sides || app.sides.busy) return;
    app.sides.busy = true;
    const place = map.getCenter(), zoom = map.getZoom();
    for (const other of app.sides.apps) if (other.map !== map) other.map.setView(place, zoom, { animate: false });
    const middle = app.map.project(place, zoom).subtract(planner.middle(app)).add(app.map.getSize().divideBy(2));
    app.map.setView(app.map.unproject(middle, zoom), zoom, { animate: false });
    app.sides.busy = false;
  }

  /** The page's own map was moved, by its buttons: both go there. */
  function lead(app) {
    if (!app.sides || app.sides.busy) return;
    app.sides.busy = true;
    const place = app.map.containerPointToLatLng(planner.middle(app));
    for (const one of app.sides.apps) one.map.setView(place, app.map.getZoom(), { animate: false });
    app.sides.busy = false;
  }

  /** Place the maps in what the panel leaves free, at the place that they show. */
  planner.layoutSides = function (app) {
    const { apps, look, box, part } = app.sides, left = leftOf(), place = apps[0].map.getCenter(), zoom = apps[0].map.getZoom();
    box.style.left = `${left}px`;
    if (look === "swipe") {
      const x = Math.round((app.root.clientWidth - left) * part);
      apps[1].frame.style.clipPath = `inset(0 0 0 ${x}px)`;
      app.sides.edge.style.left = `${x}px`;
      app.sides.range.setAttribute("aria-valuenow", String(Math.round(part * 100)));
    }
    app.sides.busy = true;
    for (const one of apps) {
      one.map.invalidateSize({ pan: false, animate: false });
      one.map.setView(place, zoom, { animate: false });
      one.overlay.redraw();
    }
    app.sides.busy = false;
  };

  /** The edge: drawn by mouse, finger or arrow keys. */
  function edge(app) {
    const set = (part) => { app.sides.part = Math.min(0.95, Math.max(0.05, part)); planner.layoutSides(app); };
    const range = el("button", { type: "button", class: "edge-grip", role: "slider", "aria-label": words().edge, "aria-valuemin": "0", "aria-valuemax": "100", on: { keydown: (event) => {
      const way = { ArrowLeft: -0.03, ArrowRight: 0.03 }[event.key];
      if (way) { event.preventDefault(); set(app.sides.part + way); }
    } } }, el("span", { "aria-hidden": "true", text: "◂ ▸" }));
    const line = el("div", { class: "edge" }, range);
    const move = (event) => { const { left, width } = app.sides.box.getBoundingClientRect(); set((event.clientX - left) / width); };
    line.addEventListener("pointerdown", (event) => { line.setPointerCapture(event.pointerId); line.addEventListener("pointermove", move); });
    for (const end of ["pointerup", "pointercancel"]) line.addEventListener(end, () => line.removeEventListener("pointermove", move));
    app.sides.edge = line;
    app.sides.range = range;
    return line;
  }
})();
