"use strict";
// The page's tools: sheets, coordinates, contrast, keeping the area for use without signal.
(function () {
  const chengtu = window.chengtu, field = chengtu.field, { el } = chengtu, t = field.t;
  const KEPT = "chengtu-field-kept", MOST = 1500, AT_ONCE = 4, SAMPLES = 6;

  field.remember = (key, value) => { try { localStorage.setItem(`chengtu-field-${key}`, JSON.stringify(value)); } catch (_) { /* private windows remember nothing */ } };
  field.recall = (key) => { try { return JSON.parse(localStorage.getItem(`chengtu-field-${key}`)); } catch (_) { return null; } };

  /** A sheet over the page: a dialogue that Escape and its button close; focus goes back to where it was. */
  field.openSheet = function (app, title, content) {
    const before = app.before || document.activeElement;
    if (app.sheet) app.sheet.remove();
    app.before = before;
    const close = chengtu.button("close", t.close, () => field.closeSheet(app));
    app.sheet = el("section", { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": title, on: { keydown: (event) => onkey(app, event) } }, el("header", {}, el("h2", { text: title, tabindex: "-1" }), close), el("div", { class: "body" }, content));
    document.body.append(app.sheet);
    app.sheet.querySelector("h2").focus();
  };
  field.closeSheet = function (app) {
    if (!app.sheet) return;
    app.sheet.remove();
    app.sheet = null;
    if (app.before && app.before.isConnected) app.before.focus();
    app.before = null;
  };
  function onkey(app, event) {
    if (event.key === "Escape") { field.closeSheet(app); return; }
    if (event.key !== "Tab") return;
    const stops = [...app.sheet.querySelectorAll("button, a[href], input:not(.unseen), select, textarea")].filter((node) => !node.disabled && node.offsetParent);
    const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (document.activeElement === edge || !app.sheet.contains(document.activeElement)) { event.preventDefault(); (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus(); }
  }

  field.openMenu = function (app) {
    const go = (action) => () => { field.closeSheet(app); action(); };
    const item = (icon, text, action) => el("li", {}, el("button", { type: "button", class: "item", on: { click: go(action) } }, chengtu.icon(icon), el("span", { text })));
    const view = app.view, other = chengtu.lang === "zh" ? "en" : "zh", code = view.area ? `&area=${encodeURIComponent(view.area.code)}` : "";
    const areas = view.areas.length ? el("label", { class: "choice" }, el("span", { text: t.area }), el("select", { on: { change: (event) => location.assign(`/field?lang=${chengtu.lang}${event.target.value ? `&area=${encodeURIComponent(event.target.value)}` : ""}`) } }, el("option", { value: "", text: t.wholeCity }), view.areas.map((area) => el("option", { value: area.code, text: area.name, selected: view.area && view.area.code === area.code })))) : null;
    field.openSheet(app, t.more, el("div", {}, el("ul", { class: "menu" }, item("layers", t.filter, () => field.openFilter(app)), item("pin", t.goto, () => field.openPlace(app)), item("save", t.keep, () => field.openKeep(app)), item("sun", t.contrast, () => field.setContrast(app, !document.body.classList.contains("contrast"))), el("li", {}, el("a", { class: "item", href: `/field?lang=${other}${code}`, lang: other === "zh" ? "zh-CN" : "en" }, chengtu.icon("globe"), el("span", { text: t.language })))), areas, view.key && el("p", { class: "muted", text: `${view.key.name} · ${t.until(field.day(view.key.expires_at))}` }), el("p", { class: "muted", text: [...view.attribution, view.mark].join(" · ") })));
  };

  field.setContrast = function (app, on) {
    document.body.classList.toggle("contrast", on);
    field.remember("contrast", on);
    for (const layer of app.ground) layer.redraw();
  };

  /** Coordinates typed in: from which map they come is asked, and never guessed. */
  field.openPlace = function (app) {
    const text = el("input", { type: "text", inputmode: "text", id: "place-text", autocomplete: "off", placeholder: t.coordinatesHint, "aria-describedby": "place-hint" });
    const sources = ["wgs84", "gcj02", "bd09"].map((source) => el("label", { class: "choice" }, el("input", { type: "radio", name: "source", value: source, required: true }), el("span", { text: t[source] })));
    const go = function (event) {
      event.preventDefault();
      const chosen = sources.map((label) => label.firstChild).find((input) => input.checked);
      const read = chengtu.parseCoordinates(text.value, app.map.getCenter())[0];
      if (!read) { chengtu.toast(t.badCoordinates); text.focus(); return; }
      const typed = [read.lon, read.lat], place = chengtu.toWgs84(read.lon, read.lat, chosen.value), moved = field.distance(typed, place);
      field.closeSheet(app);
      if (moved > 1) chengtu.toast(t.shifted(chengtu.number(moved)));
      app.goTo(place, "place");
    };
    field.openSheet(app, t.goto, el("form", { class: "place", on: { submit: go } }, el("label", { for: "place-text", text: t.coordinates }), text, el("p", { class: "muted", id: "place-hint", text: t.coordinatesHint }), el("fieldset", {}, el("legend", { text: t.source }), sources), el("button", { type: "submit", class: "primary", text: t.go })));
  };

  /** Whether what is kept outlives the page: only a service worker over HTTPS that the phone trusts can say so. */
  field.startWorker = async function (app) {
    const note = (text) => { app.note.replaceChildren(el("span", { text }), el("a", { href: `/field/authority?lang=${chengtu.lang}`, text: t.trust })); app.note.hidden = false; };
    if (!window.isSecureContext || !navigator.serviceWorker) { note(t.insecure); return; }
    try {
      await navigator.serviceWorker.register("/field/worker.js", { scope: "/field" });
      await navigator.serviceWorker.ready;
      const shell = await caches.open("chengtu-field-shell");
      await shell.addAll([location.pathname + location.search, ...[...document.querySelectorAll("script[src], link[rel=stylesheet]")].map((node) => node.src || node.href)]);
      app.lasting = true;
    } catch (_) { note(t.workerRefused); }
  };

  const box = (app) => { const view = app.map.getBounds(); return app.view.area ? app.view.area.bounds : [view.getWest(), view.getSouth(), view.getEast(), view.getNorth()]; };
  const chosen = (app) => app.classes.filter((cls) => cls.on);

  field.openKeep = async function (app) {
    const told = el("p", { text: t.keepMeasure, role: "status" }), bar = el("progress", { max: "1", value: "0", hidden: true, "aria-label": t.keepTitle });
    const start = el("button", { type: "button", class: "primary", text: t.keepStart, disabled: true }), remove = el("button", { type: "button", class: "quiet", text: t.keepRemove });
    const last = await field.keep.meta("kept");
    field.openSheet(app, t.keepTitle, el("div", {}, el("p", { text: `${t.area}: ${app.view.area ? app.view.area.name : t.map}` }), told, bar, !app.lasting && el("p", { class: "warn", text: t.insecure }), last && el("p", { class: "muted", text: t.keptOn(field.day(last.at)) }), el("div", { class: "pair" }, remove, start)));
    const tiles = field.tilesOf(app.view.ground, box(app), MOST);
    remove.addEventListener("click", async () => { await forget(); told.textContent = t.keepGone; });
    try {
      const size = await estimate(app, tiles);
      told.textContent = t.keepSize(field.megabytes(size.bytes), chengtu.number(tiles.length), chengtu.number(size.features));
      const room = navigator.storage && navigator.storage.estimate ? await navigator.storage.estimate() : null;
      if (room && room.quota - room.usage < size.bytes * 2) { told.textContent = t.keepNoSpace; return; }
      start.disabled = false;
    } catch (_) { told.textContent = t.keepFailed; }
    start.addEventListener("click", async () => { start.disabled = true; bar.hidden = false; told.textContent = await keepAll(app, tiles, bar, told).catch(() => t.keepFailed); bar.hidden = true; });
  };

  /** Measured, not guessed: some tiles of each part of the list are read, and a page of features. */
  async function estimate(app, tiles) {
    const step = Math.max(1, Math.floor(tiles.length / SAMPLES)), some = tiles.filter((_, i) => i % step === 0).slice(0, SAMPLES + 1);
    const sizes = await Promise.all(some.map((url) => field.tileBytes(url).then((bytes) => bytes.byteLength)));
    const features = chosen(app).reduce((sum, cls) => sum + cls.count, 0), each = app.features.size ? JSON.stringify([...app.features.values()]).length / app.features.size : 200;
    return { bytes: (sizes.reduce((a, b) => a + b, 0) / Math.max(1, some.length)) * tiles.length + features * each, features };
  }

  async function keepAll(app, tiles, bar, told) {
    let bytes = 0, done = 0;
    const features = [], classes = chosen(app), area = app.view.area ? `&area=${encodeURIComponent(app.view.area.code)}` : "";
    const total = tiles.length + classes.length, tick = () => { done += 1; bar.value = done / total; told.textContent = t.keepRunning(chengtu.number(done), chengtu.number(total)); };
    for (const cls of classes) {
      for (let after = 0; after !== null;) {
        const reply = await fetch(`/field/features.json?lang=${chengtu.lang}&collection=${encodeURIComponent(cls.id)}&after=${after}${area}`);
        if (!reply.ok) throw new Error(String(reply.status));
        const page = await reply.json();
        features.push(...page.features);
        after = page.next;
      }
      tick();
    }
    await field.keep.clearFeatures();
    await field.keep.putFeatures(features);
    bytes += JSON.stringify(features).length;
    const cache = app.lasting ? await caches.open(KEPT) : null, waiting = tiles.slice();
    await Promise.all(Array.from({ length: AT_ONCE }, async function () {
      for (let url = waiting.shift(); url; url = waiting.shift()) {
        if (!cache) { bytes += (await field.tileBytes(url, true)).byteLength; tick(); continue; }
        const reply = await fetch(url, { cache: "reload" });
        if (!reply.ok) throw new Error(String(reply.status));
        bytes += (await reply.clone().arrayBuffer()).byteLength;
        await cache.put(url, reply);
        tick();
      }
    }));
    await field.keep.putMeta("kept", { at: new Date().toISOString(), bytes, features: features.length, tiles: tiles.length });
    return (app.lasting ? t.keepDone : t.keepMemory)(field.megabytes(bytes));
  }

  async function forget() {
    await field.keep.clearFeatures();
    await field.keep.putMeta("kept", null);
    field.forgetTiles();
    if (window.caches) await caches.delete(KEPT);
  }
})();
