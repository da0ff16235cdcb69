"use strict";
// The portal: one map for everybody, with search, tabs, and the way to the other pages.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = {
    zh: { fold: "收起面板", nothing: "还没有数据", load: "导入本市数据，或载入示例城市：", bring: "导入数据", pages: "其他页面" },
    en: { fold: "Fold the panel", nothing: "There is no data yet", load: "Bring in the city's own data, or load the sample city:", bring: "Import data", pages: "Other pages" },
  };

  chengtu.addTab({
    id: "layers", icon: "layers", order: 10, title: { zh: "图层", en: "Layers" },
    build: (app) => el("div", { class: "layers-pane" }, app.layers.length ? null : nothing(app), (app.layers.length > 0 || !app.page.time.now) && chengtu.layerList(app), chengtu.basemapSwitch(app)),
  });

  /** The portal's rail, search and panel; called once every layer is there. */
  chengtu.buildPortal = function (app) {
    const { page } = app, t = TEXTS[chengtu.lang];
    const home = page.portal.pages[0];
    app.railHead = el("a", { class: "mark", href: home.href, title: home.title, "aria-label": home.title, text: "城图" });
    const head = chengtu.panelHead(app, page.title, page.subtitle);
    head.append(chengtu.button("left", t.fold, () => chengtu.closeTab(app), { class: "plain fold" }));
    chengtu.buildSearch(app);
    chengtu.buildTabs(app, head);
    app.root.querySelector(".rail").append(links(page, "rail-links"));
    app.panel.append(links(page, "panel-links"));
    chengtu.readOpacity(app);
    chengtu.openMeasured(app);
    chengtu.openAsked(app);
  };

  const links = (page, kind) => el("div", { class: kind }, page.portal.pages.map(({ icon, title, href }) => el("a", { href }, chengtu.icon(icon), el("span", { text: title }))));

  function nothing(app) {
    const t = TEXTS[chengtu.lang], bring = app.page.portal.pages.find((page) => page.href.startsWith("/imports/"));
    return el("section", { class: "nothing" }, el("h2", { text: t.nothing }), el("p", { text: t.load }), el("pre", { text: "chengtu sample load --size city\nchengtu import PATH" }),
      bring && el("a", { class: "primary", href: bring.href, text: t.bring }));
  }
})();
