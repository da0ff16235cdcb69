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
    chengtu.marks(app);
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
      bar.textContent = chengtu.length(round);
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
        el("div", null, el("h1", { text: title, dir: "auto" }), subtitle && el("p", { text: subtitle, dir: "auto" }), page.time && el("p", { class: "time", text: timeWords(page.time) }),
          page.about && page.about.length > 0 && el("ul", { class: "about" }, page.about.map((words) => el("li", { text: words, dir: "auto" }))))),
      chengtu.languageLink(page));
  };

  /** The day that the page shows, and the change as known at which. */
  function timeWords({ as_of, now, known_at }) {
    const t = chengtu.t, day = now && !known_at ? t.present(as_of) : t.asOf(as_of);
    return known_at ? `${day} · ${t.knownAt(known_at)}` : day;
  }

  /** A form that asks for the same page of another day, and days on which there is something to see. */
  function dateForm(page) {
    const { time, lang } = page, t = chengtu.t;
    if (!time || !time.action) return null;
    const known = time.known_at ? [["known_at", time.known_at]] : [];
    const link = (day, words) => el("a", { href: `${time.action}?${new URLSearchParams([["lang", lang], ...(day ? [["as_of", day], ...known] : [])])}`, text: words, "aria-current": (day ? !time.now && day === time.as_of : time.now && !time.known_at) && "date", on: { click: keepView } });
    const form = el("form", { class: "dates", method: "get", action: time.action, on: { submit: () => { form.action = time.action + location.hash; } } },
      [["lang", lang], ...known].map(([name, value]) => el("input", { type: "hidden", name, value })),
      el("label", null, el("span", { text: t.day }), el("input", { type: "date", name: "as_of", value: time.now ? null : time.as_of, min: "0001-01-01", max: "9999-12-31" })),
      el("button", { type: "submit", text: t.showDay }),
      el("p", null, [...time.days].reverse().map((day) => link(day, day)), (time.days.length || !time.now || time.known_at) && link(null, t.now)));
    return form;
  }

  /** The day: on the portal folded, with what is shown. */
  function day(page) {
    const form = dateForm(page);
    if (!form || !page.portal) return form;
    return el("details", { class: "day", open: Boolean(page.time.known_at || !page.time.now) }, el("summary", null, el("span", { text: chengtu.t.day }), el("strong", { text: timeWords(page.time) }), chengtu.icon("down")), form);
  }

  function keepView(event) { event.currentTarget.href = event.currentTarget.href.split("#")[0] + location.hash; }

  /** The link to the other language: the same address, the same view. */
  chengtu.languageLink = function (page) {
    const other = page.lang === "zh" ? "en" : "zh";
    const turn = (event) => {
      const here = new URL(location.href);
      here.searchParams.set("lang", other);
      event.currentTarget.href = here.href;
    };
    return page.other_lang && el("a", { class: "lang", href: page.other_lang, hreflang: other, lang: other === "en" ? "en" : "zh-CN", text: chengtu.t.language, on: { click: turn } });
  };

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

  const LONG = 24; // a list of more layers opens with the groups that are on, and can be searched

  /** The panel of a class's page: the layer list. */
  chengtu.buildPanel = function (app) {
    const { page } = app;
    const head = chengtu.panelHead(app, page.title, page.subtitle);
    chengtu.panel(app, head, el("div", { class: "panel-body" }, chengtu.layerList(app), chengtu.basemapSwitch(app)), chengtu.phone() && app.layers.length > 0);
  };

  /** The layer list, by office: the day, a field to find a layer, every layer with symbol and count. */
  chengtu.layerList = function (app) {
    const { page } = app, groups = new Map();
    for (const layer of app.layers) {
      if (!groups.has(layer.options.office)) groups.set(layer.options.office, []);
      groups.get(layer.options.office).push(layer);
    }
    const nodes = [...groups].map(([office, layers]) => officeGroup(app, office, layers));
    app.map.on("zoomend", () => app.layers.forEach((layer) => note(app, layer)));
    return [day(page), app.layers.length > LONG && finder(app, nodes), nodes,
      page.tiles && !page.offline && el("p", { class: "note tiles-link" }, el("a", { href: page.tiles, text: chengtu.t.tiles })),
      !app.layers.length && !page.portal && el("p", { class: "note empty", text: chengtu.t.empty })].flat(2).filter(Boolean);
  };

  function officeGroup(app, office, layers) {
    const count = el("span", { class: "muted" });
    const open = layers.some((layer) => layer.on) || (!chengtu.phone() && app.layers.length <= LONG);
    const group = el("details", { class: "office", open },
      el("summary", null, el("span", { text: office }), count, chengtu.icon("down")),
      el("ul", null, layers.map((layer) => layerRow(app, layer))));
    group.recount = () => {
      const on = layers.filter((layer) => layer.on).length;
      count.textContent = on ? `${on} / ${layers.length}` : String(layers.length);
    };
    group.addEventListener("change", group.recount);
    group.recount();
    return group;
  }

  /** A field that leaves only the layers (and offices) whose name holds what is typed, and a button for an empty map. */
  function finder(app, groups) {
    const none = el("p", { class: "note empty", hidden: true, role: "status", text: chengtu.t.noLayer });
    const input = el("input", { type: "search", placeholder: chengtu.t.find, "aria-label": chengtu.t.find, on: { input: () => { none.hidden = find(groups, input.value.trim().toLowerCase()); } } });
    const off = el("button", { type: "button", text: chengtu.t.allOff, on: { click: () => {
      for (const layer of app.layers) if (layer.on) layer.box.click();
    } } });
    return [el("div", { class: "finder" }, input, off), none];
  }

  /** Show what is found; whether anything is. */
  function find(groups, words) {
    let any = false;
    for (const group of groups) {
      const whole = group.querySelector("summary").textContent.toLowerCase().includes(words);
      let some = false;
      for (const title of group.querySelectorAll(".layer-title")) {
        const hit = whole || title.textContent.toLowerCase().includes(words);
        title.closest("li").hidden = !hit;
        some = some || hit;
      }
      group.hidden = !some;
      if (words) group.wasOpen ??= group.open;
      if (words) group.open = some;
      else if (group.wasOpen !== undefined) { group.open = group.wasOpen; delete group.wasOpen; }
      any = any || some;
    }
    return any;
  }

  function layerRow(app, layer) {
    const { options } = layer;
    layer.noteNode = el("small", { class: "thin" });
    const box = el("input", { type: "checkbox", checked: layer.on, on: { change: (event) => { chengtu.show(app, layer, event.target.checked); note(app, layer); } } });
    box.checked = layer.on;
    layer.box = box;
    layer.kindsNode = kinds(options);
    const row = el("li", null, el("div", { class: "layer-row" }, el("label", { class: "layer" }, box, chengtu.swatch(options),
      el("span", { class: "layer-title" }, el("span", { text: options.title }), layer.noteNode),
      el("span", { class: "count", text: amount(options) })), app.page.portal && more(app, layer)), layer.moreNode, layer.kindsNode);
    note(app, layer);
    return row;
  }
  chengtu.layerRow = layerRow;

  /** The button that opens what else can be done with a layer: its opacity, its extent, its table. */
  function more(app, layer) {
    const { options } = layer, t = chengtu.t, shown = el("output", { text: percent(layer) });
    const slide = el("input", { type: "range", min: 10, max: 100, step: 5, value: Math.round(opacityOf(layer) * 100), on: { input: () => {
      setOpacity(app, layer, slide.value / 100);
      shown.textContent = percent(layer);
    } } });
    const table = chengtu.viewed(`/collections/${options.id}/items?f=html&lang=${chengtu.lang}&limit=50`), own = chengtu.viewed(`/map/${options.id}?lang=${chengtu.lang}`);
    layer.moreNode = el("div", { class: "layer-more", hidden: true }, el("label", null, el("span", { text: t.opacity }), slide, shown),
      el("p", null, el("a", { href: own, text: t.ownMap }), el("a", { href: table, text: t.asTable })));
    const turn = () => { layer.moreNode.hidden = !layer.moreNode.hidden; open.setAttribute("aria-expanded", String(!layer.moreNode.hidden)); };
    const open = button("sliders", t.moreOf(options.title), turn, { class: "plain", "aria-expanded": "false" });
    return open;
  }

  const opacityOf = (layer) => (layer.opacity === undefined ? 1 : layer.opacity);
  const percent = (layer) => `${Math.round(opacityOf(layer) * 100)} %`;

  function setOpacity(app, layer, value) {
    layer.opacity = value;
    chengtu.setOpacity(app, layer);
    const thin = app.layers.filter((one) => opacityOf(one) < 1).map((one) => `${one.options.id}:${Math.round(one.opacity * 100)}`);
    chengtu.state.set("opacity", thin.join(","));
  }

  /** The opacities that the address names: `toilets:50,parks:80`. */
  chengtu.readOpacity = function (app) {
    for (const part of (chengtu.state.get("opacity") || "").split(",")) {
      const [id, words] = part.split(":"), layer = app.layers.find((one) => one.options.id === id), value = Number(words);
      if (layer && value >= 10 && value <= 100) setOpacity(app, layer, value / 100);
    }
  };

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
