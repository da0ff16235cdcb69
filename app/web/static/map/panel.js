"use strict";
// What stands around the map: layer list, legend, scale, sources, notice, buttons.
(function () {
  const chengtu = window.chengtu, { el, button } = chengtu;

  /** Buttons on the right, scale and sources at the bottom, the notice at the top. */
  chengtu.buildControls = function (app) {
    const { map, page } = app, t = chengtu.t;
    const bar = el("nav", { class: "buttons", "aria-label": "map" },
      button("plus", t.zoomIn, () => map.zoomIn()), button("minus", t.zoomOut, () => map.zoomOut()),
      button("home", t.home, () => page.bounds && chengtu.fit(app, page.bounds)),
      "geolocation" in navigator && !page.offline && button("locate", t.locate, () => locate(app)));
    const foot = el("footer", { class: "foot" }, scaleBar(map), sources(page));
    app.root.append(bar, foot);
    if (page.notice) app.root.append(el("p", { class: "notice", role: "note", text: page.notice }));
    for (const node of app.root.querySelectorAll(".buttons, .foot, .notice")) shield(node);
  };

  /** Clicks and wheels in a panel stay there. */
  function shield(node) { L.DomEvent.disableClickPropagation(node); L.DomEvent.disableScrollPropagation(node); return node; }
  chengtu.shield = shield;

  function scaleBar(map) {
    const bar = el("span", { class: "scale" });
    const draw = () => {
      const y = map.getSize().y / 2;
      const metres = map.distance(map.containerPointToLatLng([0, y]), map.containerPointToLatLng([110, y]));
      const power = 10 ** Math.floor(Math.log10(metres)), round = [5, 3, 2, 1].find((n) => n * power <= metres) * power;
      bar.textContent = round < 1000 ? `${round} m` : `${round / 1000} km`;
      bar.style.width = `${(110 * round) / metres}px`;
    };
    map.on("moveend zoomend resize", draw);
    draw();
    return bar;
  }

  function sources(page) {
    const parts = (page.attribution || []).map((source) => safeLink(source.url) ? el("a", { href: source.url, rel: source.licence ? "license noreferrer" : "noreferrer", text: source.text }) : el("span", { text: source.text }));
    return el("span", { class: "sources" }, parts.flatMap((part, i) => (i ? [" · ", part] : [part])));
  }

  const safeLink = (url) => typeof url === "string" && /^https:\/\//.test(url);

  function locate(app) {
    app.map.locate({ setView: true, maxZoom: 17, timeout: 10000 });
    app.map.once("locationerror", () => chengtu.toast(chengtu.t.noPlace));
    app.map.once("locationfound", (event) => {
      const p = app.map.project(event.latlng, 0);
      app.chosen = { world: [p.x / 256, p.y / 256] };
      app.overlay.redraw();
    });
  }

  /** The head of a panel: where one is, the way home, the language. */
  chengtu.panelHead = function (app, title, subtitle) {
    const { page } = app, t = chengtu.t;
    return el("header", { class: "panel-head" },
      el("div", { class: "brand" },
        page.home ? el("a", { class: "mark", href: page.home, "aria-label": t.start, title: t.start, text: "城图" }) : el("span", { class: "mark", text: "城图" }),
        el("div", null, el("h1", { text: title, dir: "auto" }), subtitle && el("p", { text: subtitle, dir: "auto" }))),
      page.other_lang && el("a", { class: "lang", href: page.other_lang, lang: page.lang === "zh" ? "en" : "zh-CN", text: t.language, on: { click: keepView } }));
  };

  function keepView(event) { event.currentTarget.href = event.currentTarget.href.split("#")[0] + location.hash; }

  /** A panel that folds: on a phone a sheet at the bottom of the page. */
  chengtu.panel = function (app, head, body, folded) {
    const box = el("aside", { class: folded ? "panel folded" : "panel" });
    const fold = button("down", chengtu.t.fold, () => turn(), { class: "plain fold", "aria-expanded": String(!folded) });
    const turn = () => {
      const shut = box.classList.toggle("folded");
      fold.setAttribute("aria-expanded", String(!shut));
      fold.setAttribute("aria-label", shut ? chengtu.t.open : chengtu.t.fold);
      fold.title = shut ? chengtu.t.open : chengtu.t.fold;
    };
    head.append(fold);
    box.append(head, body);
    app.root.append(shield(box));
    return box;
  };

  chengtu.phone = () => window.innerWidth < 720;

  /** The layer list of the map page, by office. */
  chengtu.buildPanel = function (app) {
    const { page } = app;
    const groups = new Map();
    for (const layer of app.layers) {
      if (!groups.has(layer.options.office)) groups.set(layer.options.office, []);
      groups.get(layer.options.office).push(layer);
    }
    const body = el("div", { class: "panel-body" }, [...groups].map(([office, layers]) => officeGroup(app, office, layers)));
    if (!app.layers.length) body.append(el("p", { class: "note empty", text: chengtu.t.empty }));
    const head = chengtu.panelHead(app, page.title, page.subtitle);
    chengtu.panel(app, head, body, chengtu.phone() && app.layers.length > 0);
    app.map.on("zoomend", () => app.layers.forEach((layer) => note(app, layer)));
  };

  function officeGroup(app, office, layers) {
    const open = !chengtu.phone() || layers.some((layer) => layer.on);
    return el("details", { class: "office", open },
      el("summary", null, el("span", { text: office }), el("span", { class: "muted", text: String(layers.length) }), chengtu.icon("down")),
      el("ul", null, layers.map((layer) => layerRow(app, layer))));
  }

  function layerRow(app, layer) {
    const { options } = layer;
    layer.noteNode = el("small", { class: "thin" });
    const box = el("input", { type: "checkbox", checked: layer.on, on: { change: (event) => { chengtu.show(app, layer, event.target.checked); note(app, layer); } } });
    box.checked = layer.on;
    layer.kindsNode = kinds(options);
    const row = el("li", null, el("label", { class: "layer" }, box, chengtu.swatch(options),
      el("span", { class: "layer-title" }, el("span", { text: options.title }), layer.noteNode),
      el("span", { class: "count", text: amount(options) })), layer.kindsNode);
    note(app, layer);
    return row;
  }
  chengtu.layerRow = layerRow;

  const amount = (options) => (!options.count ? "0" : options.length_m && options.geometry === "line" ? chengtu.length(options.length_m) : chengtu.number(options.count));

  /** The legend of a class whose kinds have colours of their own. */
  function kinds(options) {
    if (!options.colors) return null;
    return el("ul", { class: "kinds" }, Object.entries(options.colors).filter(([kind]) => !options.present || options.present.includes(kind)).map(([kind, colour]) => {
      const dash = el("i", { "aria-hidden": "true" });
      dash.style.background = colour;
      return el("li", null, dash, el("span", { text: (options.kinds && options.kinds[kind]) || kind }));
    }));
  }

  /** How many of how many are drawn at this scale, where not all are. */
  function note(app, layer) {
    const { counts, count, pointed } = layer.options;
    let words = "";
    if (layer.on && counts && !pointed) {
      const zoom = app.map.getZoom();
      const shown = Object.entries(counts).reduce((sum, [from, n]) => sum + (Number(from) <= zoom ? n : 0), 0);
      if (shown < count) words = chengtu.t.shown(chengtu.number(shown), chengtu.number(count));
    }
    if (layer.on && !words && [...layer.tiles.current()].some((data) => data.cut)) words = chengtu.t.cut;
    layer.noteNode.textContent = words;
    if (layer.kindsNode) layer.kindsNode.hidden = !layer.on;
  }
})();
