"use strict";
// The portal's tabs: a rail on the left with a panel beside it; on a phone a bar at the bottom with a sheet above it.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = { zh: { tabs: "功能", close: "收起" }, en: { tabs: "Tools", close: "Fold" } };
  const tabs = [];

  /** Offer a tab: {id, icon, title: {zh, en}, build(app) → Node, shown(app)?, hidden(app)?, when(app)?, order?}. */
  chengtu.addTab = function (tab) { tabs.push(tab); };

  /** While a tool has a handler, clicks on the map go to it and not to the cards; null gives them back. */
  chengtu.takeClicks = function (app, handler) {
    if (app.taker && !handler) app.map.fire("clicksgiven"); // a tool may say so
    app.taker = handler || null;
    app.root.classList.toggle("taking", Boolean(handler));
    app.map.doubleClickZoom[handler ? "disable" : "enable"]();
  };

  /** The rail of tabs and the panel that holds the open one. */
  chengtu.buildTabs = function (app, head) {
    const t = TEXTS[chengtu.lang];
    app.tabs = tabs.filter((tab) => !tab.when || tab.when(app)).sort((a, b) => (a.order || 50) - (b.order || 50)).map((tab) => ({ ...tab, pane: null }));
    const body = el("div", { class: "panel-body" });
    app.panel = el("aside", { class: "panel portal-panel", id: "panel" }, head, body);
    app.panelBody = body;
    app.panelTitle = head.insertBefore(el("p", { class: "head-title", "aria-hidden": "true" }), head.firstChild);
    const rail = el("nav", { class: "rail", "aria-label": t.tabs }, app.railHead, el("div", { class: "rail-tabs" }, app.tabs.map((tab) => railButton(app, tab))));
    app.root.append(chengtu.shield(rail), chengtu.shield(app.panel));
    for (const tab of app.tabs) tab.button.addEventListener("keydown", (event) => step(app, tab, event));
    const asked = app.tabs.find((tab) => tab.id === chengtu.state.get("tab"));
    if (asked) open(app, asked);
    else if (chengtu.state.get("tab") === "none" || (chengtu.phone() && app.layers.length)) fold(app);
    else open(app, app.tabs[0], false);
  };

  function railButton(app, tab) {
    const title = tab.title[chengtu.lang];
    tab.button = el("button", { type: "button", "aria-expanded": "false", "aria-controls": "panel", "data-tab": tab.id, on: { click: () => (app.tab === tab ? chengtu.closeTab(app) : open(app, tab)) } },
      chengtu.icon(tab.icon), el("span", { text: title }));
    return tab.button;
  }

  /** Arrow keys go from tab to tab. */
  function step(app, tab, event) {
    const way = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    app.tabs[(app.tabs.indexOf(tab) + way + app.tabs.length) % app.tabs.length].button.focus();
  }

  /** Open a tab by its id. */
  chengtu.openTab = function (app, id) {
    const tab = app.tabs && app.tabs.find((one) => one.id === id);
    if (tab && app.tab !== tab) open(app, tab);
  };

  function open(app, tab, keep = true) {
    leave(app);
    app.tab = tab;
    if (!tab.pane) tab.pane = el("section", { class: `pane pane-${tab.id}`, "aria-label": tab.title[chengtu.lang] }, el("h2", { class: "pane-title", text: tab.title[chengtu.lang] }));
    app.panelBody.replaceChildren(tab.pane);
    if (tab.pane.childElementCount === 1) tab.pane.append(tab.build(app));
    app.panelBody.scrollTop = 0;
    app.panel.hidden = false;
    app.panel.dataset.open = tab.id;
    app.panelTitle.textContent = tab.title[chengtu.lang];
    tab.button.setAttribute("aria-expanded", "true");
    document.body.classList.add("has-panel");
    if (keep) chengtu.state.set("tab", tab.id);
    if (tab.shown) tab.shown(app);
  }

  function leave(app) {
    chengtu.takeClicks(app, null);
    const tab = app.tab;
    app.tab = null;
    if (!tab) return;
    tab.button.setAttribute("aria-expanded", "false");
    if (tab.hidden) tab.hidden(app);
  }

  function fold(app) {
    leave(app);
    app.panel.hidden = true;
    document.body.classList.remove("has-panel");
  }

  /** Fold the panel away: the map alone. */
  chengtu.closeTab = function (app) {
    const tab = app.tab;
    fold(app);
    chengtu.state.set("tab", chengtu.phone() ? null : "none");
    if (tab) tab.button.focus({ preventScroll: true });
  };
})();
