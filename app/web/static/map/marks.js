"use strict";
// What every map bears: the approval number or the internal mark, lower left; and, of a public view, that it is one.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = { zh: { open: "公开视图" }, en: { open: "Public view" } };
  const open = (chengtu.openView = new URLSearchParams(location.search).get("view") === "public");

  /** An address of this server as this page may ask it: a public view asks for public views only. */
  chengtu.viewed = function (address) {
    if (!open) return address;
    const found = new URL(address, location.href);
    if (found.origin !== location.origin) return address;
    found.searchParams.set("view", "public");
    return found.href;
  };

  if (open) {
    const ask = window.fetch.bind(window);
    window.fetch = (to, options) => ask(typeof to === "string" || to instanceof URL ? chengtu.viewed(String(to)) : to, options);
    for (const kind of ["click", "auxclick"]) document.addEventListener(kind, keepOpen, true);
    document.addEventListener("submit", (event) => {
      if (!event.target.querySelector("[name=view]")) event.target.append(el("input", { type: "hidden", name: "view", value: "public" }));
    }, true);
  }

  function keepOpen(event) {
    const link = event.target.closest && event.target.closest("a[href]");
    if (link && link.origin === location.origin && !link.getAttribute("href").startsWith("#")) link.href = chengtu.viewed(link.href);
  }

  /** Put the marks at the lower left, after the scale. */
  chengtu.marks = function (app) {
    const { marks } = app.page, scale = app.root.querySelector(".foot .scale");
    if (!marks || !scale || app.root.querySelector(".approval")) return;
    scale.after(el("span", { class: marks.approved ? "approval" : "approval internal" }, el("span", { text: marks.line }), open && el("span", { class: "open-view", text: TEXTS[chengtu.lang].open })));
    if (chengtu.startBasemap) chengtu.startBasemap(app);
  };
})();
