"use strict";
// The card of a feature: what is known of it, its photos, the report that can be sent, what stands against it.
(function () {
  const chengtu = window.chengtu, field = chengtu.field, { el } = chengtu, t = field.t;

  field.openCard = async function (app, one) {
    const cls = app.classOf(one.class), details = el("div", { class: "details" });
    const head = el("div", { class: "head" }, field.symbol(cls, one.state), el("div", { class: "what" }, el("b", { text: cls.title }), el("span", { class: `badge ${one.state || ""}`, text: field.stateWord(app.view, one.state) })));
    const show = el("button", { type: "button", class: "quiet", text: t.show, on: { click: () => { field.closeSheet(app); app.map.setView([one.at[1], one.at[0]], Math.max(app.map.getZoom(), 17)); } } });
    const assessed = el("section", { class: "assessments" });
    field.openSheet(app, one.name || one.code || t.noName, el("div", {}, head, el("div", { class: "waits" }), app.view.reports ? form(app, one, cls) : null, app.view.assesses ? field.assessForm(app, one, assessed) : null, details, assessed, el("p", {}, show)));
    field.showTrouble(app, one);
    field.showAssessments(app, one, assessed);
    fill(details, rows([[t.code, one.code], [t.address, one.address], [t.at, `${one.at[0].toFixed(6)}, ${one.at[1].toFixed(6)}`]]));
    try {
      const reply = await fetch(`/field/${encodeURIComponent(one.class)}/${one.id}.json?lang=${chengtu.lang}`);
      if (reply.status === 404) { fill(details, el("p", { class: "warn", text: t.gone })); return; }
      if (!reply.ok) return;
      const card = await reply.json();
      one.etag = card.etag;
      fill(details, photos(card), reports(app, card), facts(card, one));
    } catch (_) { /* without signal the card shows what the list knew */ }
  };
  const fill = (node, ...children) => node.replaceChildren(...children.filter(Boolean));
  const rows = (pairs) => el("dl", {}, pairs.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", { text: name }), el("dd", { text: value }))));

  function facts(card, one) {
    const plain = (item) => { const value = card.values[item.name]; return item.choices ? item.choices[value] || String(value) : value === true ? chengtu.t.yes : value === false ? chengtu.t.no : `${typeof value === "number" ? chengtu.number(value, 3) : value}${item.unit ? ` ${item.unit}` : ""}`; };
    return el("section", {}, el("h3", { text: t.details }), rows([[t.code, card.code], [chengtu.t.area, card.area], ...card.fields.map((item) => [item.title, plain(item)]), [t.at, `${one.at[0].toFixed(6)}, ${one.at[1].toFixed(6)}`]]));
  }
  function photos(card) {
    if (!card.photos.length) return null;
    return el("section", {}, el("h3", { text: t.photos }), el("ul", { class: "photos" }, card.photos.map((photo) => el("li", {}, el("a", { href: photo.href, target: "_blank", rel: "noopener" }, el("img", { src: photo.href, alt: photo.note || t.photo, width: photo.width, height: photo.height, loading: "lazy" })), el("span", { class: "muted", text: [photo.taken_at && field.day(photo.taken_at), photo.note].filter(Boolean).join(" · ") })))));
  }
  function reports(app, card) {
    if (!card.reports.length) return null;
    return el("section", {}, el("h3", { text: t.reports }), el("ul", { class: "reports" }, card.reports.slice(0, 10).map((report) => el("li", {}, el("span", { class: `badge ${report.state}`, text: field.stateWord(app.view, report.state) }), el("span", { text: [report.seen_at && field.day(report.seen_at), report.note].filter(Boolean).join(" · ") })))));
  }

  /** The form of a report: one word, a note, one photo. */
  function form(app, one, cls) {
    const draft = { word: null, photo: null, bytes: 0 };
    const words = cls.words.map((word) => el("button", { type: "button", class: `word ${word}`, "aria-pressed": "false", text: app.view.words[word], on: { click: () => { draft.word = word; words.forEach((node, i) => node.setAttribute("aria-pressed", String(cls.words[i] === word))); } } }));
    const note = el("textarea", { rows: "2", maxlength: "2000", "aria-label": t.note, placeholder: t.note });
    const input = el("input", { type: "file", accept: "image/*", capture: "environment", class: "unseen", id: "photo-file", tabindex: "-1", "aria-hidden": "true" });
    const preview = el("div", { class: "preview", hidden: true });
    const take = el("button", { type: "button", class: "quiet", text: t.photo, on: { click: () => input.click() } });
    const without = () => { Object.assign(draft, { photo: null, bytes: 0 }); input.value = ""; preview.hidden = true; take.textContent = t.photo; };
    input.addEventListener("change", async function () {
      if (!input.files[0]) return;
      try {
        const read = await field.readPhoto(input.files[0]);
        Object.assign(draft, { photo: read.photo, bytes: read.bytes });
        preview.replaceChildren(el("img", { src: read.url, alt: t.photo }), el("span", { text: t.photoSize(chengtu.number(read.bytes / 1024)) }), el("button", { type: "button", class: "quiet", text: t.photoDrop, on: { click: without } }));
        preview.hidden = false;
        take.textContent = t.photoAgain;
      } catch (_) { without(); chengtu.toast(t.photoBad); }
    });
    const send = async function (event) {
      event.preventDefault();
      if (!draft.word) { chengtu.toast(t.choose); words[0].focus(); return; }
      await report(app, one, draft, note.value.trim());
    };
    return el("form", { class: "report", on: { submit: send } }, el("h3", { text: t.report }), el("div", { class: "words", role: "group", "aria-label": t.state }, words), note, input, el("div", { class: "pair" }, take, el("button", { type: "submit", class: "primary", text: t.send })), preview);
  }

  async function report(app, one, draft, note) {
    const me = app.me && app.me.lon !== undefined ? { lon: app.me.lon, lat: app.me.lat, accuracy_m: Math.round(app.me.accuracy_m) } : null;
    const body = { state: draft.word, note: note || null, seen_at: new Date().toISOString(), position: me, photo: draft.photo };
    const waiting = { id: field.newId(), at: Date.now(), class: one.class, feature: one.id, name: one.name || one.code, etag: one.etag, body };
    // what could not be kept is still in the form
    try { await field.keep.enqueue(waiting); } catch (_) { chengtu.toast(t.keepNoSpace); return; }
    app.local.set(field.keyOf(one), { state: draft.word });
    field.closeSheet(app);
    await field.flush(app);
    app.show();
    if ((await field.keep.queue()).some((item) => !item.trouble)) chengtu.toast(field.keyEnded ? t.keyEnded : t.queued);
  }

  /** Send what waits and tell what came of it. */
  field.flush = async function (app) {
    const sent = await field.sendQueue(function (outcome, report, told) {
      const key = `${report.class}:${report.feature}`;
      if (outcome === "sent") app.local.set(key, { state: report.body.state, etag: told.etag }); else app.local.delete(key);
    });
    if (sent) chengtu.toast(t.sent);
    await field.showQueue(app);
    const trouble = (await field.keep.queue()).find((item) => item.trouble && !app.told.has(item.id));
    if (trouble) { app.told.add(trouble.id); field.openQueue(app); }
    if (sent) app.load();
  };

  field.showQueue = async function (app) {
    const waiting = await field.keep.queue();
    app.queueButton.hidden = !waiting.length;
    app.queueButton.textContent = `${t.queue} ${waiting.length}`;
    app.queueButton.classList.toggle("trouble", waiting.some((item) => item.trouble));
  };

  field.openQueue = async function (app) {
    const waiting = await field.keep.queue();
    field.openSheet(app, t.queue, el("div", {}, waiting.length ? el("ul", { class: "queue" }, waiting.map((item) => queued(app, item))) : el("p", { text: t.queueEmpty }), field.keyEnded && el("p", { class: "warn", text: t.keyEnded })));
  };

  function queued(app, item) {
    const again = async (changes) => { await field.keep.unqueue(item.id); await field.keep.enqueue({ ...item, trouble: null, told: null, ...changes }); field.keyEnded = false; await field.flush(app); field.openQueue(app); };
    const drop = async () => { await field.keep.unqueue(item.id); app.local.delete(`${item.class}:${item.feature}`); await field.showQueue(app); app.load(); field.openQueue(app); };
    const head = [el("b", { text: item.name || item.feature }), el("span", { class: `badge ${item.body.state}`, text: app.view.words[item.body.state] }), el("span", { class: "muted", text: field.day(item.body.seen_at) })];
    const buttons = (yes, no, changes) => el("p", { class: "pair" }, el("button", { type: "button", text: no, on: { click: drop } }), el("button", { type: "button", class: "primary", text: yes, on: { click: () => again(changes) } }));
    if (item.trouble === "conflict") return el("li", {}, head, el("p", { class: "warn", text: t.conflict }), both(app, item), buttons(t.sendMine, t.dropMine, { id: field.newId(), etag: item.told.current.etag }));
    if (item.trouble) return el("li", {}, head, el("p", { class: "warn", text: `${t.refused}: ${item.told.detail || ""} ${item.told.hint || ""}` }), buttons(t.retry, t.drop, { id: field.newId() }));
    return el("li", {}, head, item.body.note && el("p", { text: item.body.note }), el("p", { class: "muted", text: t.waiting }), buttons(t.retry, t.drop, {}));
  }

  /** Yours and what stands now, side by side. */
  function both(app, item) {
    const { by, report, change, feature } = item.told.current, now = (feature || {}).properties || {}, mark = report && report.change >= change ? report : null;
    const state = now.condition === "lost" ? "missing" : now.condition === "damaged" ? "damaged" : now.state === "out_of_use" || now.state === "under_repair" ? "closed" : now.state || (now.condition === "good" ? "in_service" : null);
    const line = (name, mine, theirs) => el("tr", {}, el("th", { scope: "row", text: name }), el("td", { text: mine || "—" }), el("td", { text: theirs || "—" }));
    return el("table", { class: "both" }, el("thead", {}, el("tr", {}, el("td"), el("th", { scope: "col", text: t.yours }), el("th", { scope: "col", text: t.theirs }))), el("tbody", {}, line(t.state, app.view.words[item.body.state], field.stateWord(app.view, state)), line(t.said, item.body.note, mark && mark.note), line(t.when, field.day(item.body.seen_at), by && field.day(by.at)), line(t.who, null, by && by.who)));
  }

  /** What waits or was refused of this feature stands on its card. */
  field.showTrouble = async function (app, one) {
    const waits = (await field.keep.queue()).filter((item) => item.class === one.class && item.feature === one.id), node = document.querySelector(".sheet .waits");
    if (node && waits.length) node.replaceChildren(el("button", { type: "button", class: "quiet", text: `${t.queue} ${waits.length}`, on: { click: () => field.openQueue(app) } }));
  };
})();
