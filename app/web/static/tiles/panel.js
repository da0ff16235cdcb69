"use strict";
// What stands around the map of vector tiles: layer list with legend, buttons, scale, sources, notice.
(function () {
  const chengtu = window.chengtu, { el, button } = chengtu;
  const WORDS = {
    zh: { thinned: (names) => `本比例尺从简：${names}，放大可见全部`, part: (name, n, m) => `${name} 显示 ${n} / ${m}`, shown: (n, m) => `显示 ${n} / ${m}`, objects: "处", areas: "分区", gaps: "缺口", units: "需求单元", differences: "直线达标、步行不达标", figure: "指标", show: "显示", share: "覆盖率", value: "数值", people: "缺口内人口", updated: "数据已更新", noWebgl: "此浏览器不支持 WebGL，无法绘制矢量瓦片。", more: "（至少）" },
    en: { thinned: (names) => `Simplified at this scale: ${names}; zoom in for all`, part: (name, n, m) => `${name} ${n} of ${m}`, shown: (n, m) => `${n} of ${m} shown`, objects: "", areas: "Areas", gaps: "Gaps", units: "Units of demand", differences: "Served straight, not on foot", figure: "Figure", show: "Show", share: "Coverage", value: "Value", people: "People in a gap", updated: "The data has changed", noWebgl: "This browser has no WebGL, which vector tiles need.", more: " (at least)" },
  };
  chengtu.words = () => WORDS[chengtu.lang];

  const narrow = () => window.innerWidth < 720;
  chengtu.narrow = narrow;

  /** The panel on the left, on a phone a sheet at the bottom that starts folded. */
  chengtu.buildPanel = function (app) {
    const { view } = app, t = chengtu.t;
    const body = el("div", { class: "panel-body" }, view.figures ? chengtu.runPanel(app) : layerList(app));
    const fold = button("down", t.fold, () => turn(!panel.classList.contains("folded")), { class: "plain fold" });
    const panel = el("section", { class: "panel", "aria-label": t.layers },
      el("header", { class: "panel-head" },
        el("div", { class: "brand" }, el("a", { class: "mark", href: view.back, "aria-label": t.start, text: "城图" }),
          el("div", null, el("h1", { text: view.title, dir: "auto" }), view.subtitle && el("p", { text: view.subtitle, dir: "auto" }), view.chosen.length > 0 && el("p", { class: "time", text: view.chosen.map(said).join(" · "), dir: "auto" }))),
        el("a", { class: "lang", href: view.other, lang: view.lang === "zh" ? "en" : "zh-CN", text: t.language, on: { click: (event) => { app.keepChoice(); event.currentTarget.href = view.other + location.hash; } } }), fold),
      body);
    const turn = (folded) => { panel.classList.toggle("folded", folded); fold.setAttribute("aria-expanded", String(!folded)); };
    turn(narrow());
    app.root.append(panel);
  };

  /** One parameter that chooses what the tiles hold: the day, or a filter as it was asked for. */
  function said([name, value]) {
    return name === "as_of" || (name === "datetime" && !value.includes("/")) ? chengtu.t.asOf(value) : name === "filter" ? value : `${name}: ${value}`;
  }

  function layerList(app) {
    const offices = new Map();
    for (const layer of app.layers) {
      const office = layer.options.office || "";
      if (!offices.has(office)) offices.set(office, []);
      offices.get(office).push(layer);
    }
    if (offices.size < 2) return el("ul", null, app.layers.map((layer) => layerRow(app, layer)));
    return [...offices].map(([office, layers]) => el("details", { class: "office", open: layers.some((layer) => layer.on) },
      el("summary", null, el("span", { text: office }), el("span", { class: "muted", text: String(layers.length) }), chengtu.icon("down")),
      el("ul", null, layers.map((layer) => layerRow(app, layer)))));
  }

  function layerRow(app, layer) {
    const { options } = layer;
    const box = el("input", { type: "checkbox", checked: layer.on, on: { change: () => { app.show(layer, box.checked); kinds.hidden = !layer.on; } } });
    const thin = el("small", { class: "thin" });
    layer.say = (words) => { thin.textContent = words; };
    const kinds = el("ul", { class: "kinds", hidden: !layer.on }, Object.entries(options.kinds || {}).map(([kind, title]) => el("li", null, el("i", { style: { background: options.colors[kind] } }), el("span", { text: title }))));
    return el("li", null, el("label", { class: "layer" }, box, options.symbol && chengtu.swatch(options, 22),
      el("span", { class: "layer-title" }, el("span", { text: options.title }), thin),
      options.count !== undefined && el("span", { class: "count", text: chengtu.number(options.count) })),
      options.kinds && kinds);
  }

  /** Buttons on the right, scale and sources at the bottom, the notice at the top, the line that says what is left out. */
  chengtu.buildControls = function (app) {
    const { map, view } = app, t = chengtu.t;
    const home = () => view.bounds && map.fitBounds(view.bounds, { padding: app.padding(), duration: 600 });
    const scale = el("span", { class: "scale" });
    app.thinLine = el("p", { class: "thin-line", role: "status", hidden: true });
    app.root.append(
      el("nav", { class: "buttons", "aria-label": t.layers }, button("plus", t.zoomIn, () => map.zoomIn()), button("minus", t.zoomOut, () => map.zoomOut()), button("home", t.home, home), "geolocation" in navigator && button("locate", t.locate, () => locate(app))),
      el("footer", { class: "foot" }, scale, el("span", { class: "sources", text: view.credits.join(" · "), dir: "auto" })), app.thinLine);
    chengtu.marks({ root: app.root, page: view });
    if (view.notice) app.root.append(el("p", { class: "notice", role: "note", text: view.notice }));
    const draw = () => drawScale(map, scale);
    map.on("move", draw);
    draw();
  };

  function drawScale(map, bar) {
    const y = map.getContainer().clientHeight / 2;
    const metres = map.unproject([0, y]).distanceTo(map.unproject([110, y]));
    const power = 10 ** Math.floor(Math.log10(metres)), round = [5, 3, 2, 1].find((n) => n * power <= metres) * power;
    bar.textContent = round < 1000 ? `${round} m` : `${round / 1000} km`;
    bar.style.width = `${(110 * round) / metres}px`;
  }

  function locate(app) {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => app.map.flyTo({ center: [coords.longitude, coords.latitude], zoom: 16 }),
      () => chengtu.toast(chengtu.t.noPlace), { timeout: 10000 });
  }
})();
