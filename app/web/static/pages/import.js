"use strict";
// Bringing a file in: it is sent once, looked into, tried and loaded; what is asked of it stands beside the evidence.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, shared = chengtu.importing, { words, view } = shared;
  const app = document.getElementById("import-app"), drop = document.getElementById("drop"), input = document.getElementById("file"), sending = document.getElementById("sending");
  const ENCODINGS = ["UTF-8", "GB18030", "Big5", "UTF-16", "Shift_JIS"], POLL_MS = 600;
  const state = { file: null, upload: null, found: null, layer: "", encoding: "", answers: new Map(), turn: 0 };

  // --- asking the server -------------------------------------------------------------------------------------------

  class Refused extends Error {
    constructor(problem) { super(problem.message); this.problem = problem; }
  }

  /** The result of a job that was asked for by `reply`: at once, or once it has ended; progress is told on the way. */
  async function resultOf(reply, tell) {
    const body = await reply.json().catch(() => ({}));
    if (body.upload) state.upload = body.upload;
    if (reply.status >= 400) throw new Refused({ message: body.detail || `HTTP ${reply.status}`, hint: body.hint || "" });
    return reply.status === 202 ? ended(body.job, tell) : body;
  }

  async function ended(id, tell) {
    for (;;) {
      const job = await fetch(`/jobs/${id}`).then((reply) => (reply.ok ? reply.json() : null), () => null);
      if (job === null) tell(null, words.retryServer, id);
      else if (job.error) throw new Refused(job.error);
      else if (job.state === "cancelled") throw new Refused({ message: words.cancelled });
      else if (job.result) return job.result;
      else tell(job.progress, "", id);
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }

  const headers = (more) => ({ Prefer: "wait=1", "Accept-Language": view.lang, ...more });

  /** The first sending of a file, by XMLHttpRequest since only that tells how far it is. */
  async function send(file, tell) {
    const ticket = await chengtu.ticket().catch(() => ({}));
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      request.open("POST", "/imports/inspect");
      for (const [name, value] of Object.entries(headers(ticket))) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => tell(event.lengthComputable ? event.loaded / event.total : null));
      request.upload.addEventListener("load", () => tell(1));
      request.addEventListener("load", () => done(new Response(request.responseText, { status: request.status })));
      for (const event of ["error", "abort", "timeout"]) request.addEventListener(event, () => failed(new Refused({ message: words.sendFailed })));
      request.send(form({ file, ...asked() }));
    });
  }

  function form(fields) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) if (value) body.append(name, value);
    return body;
  }

  /** What is asked of the file beside the file itself, as the fields of a form. */
  function asked() {
    const layers = state.found ? state.found.layers.map((layer) => shared.mappingOf(layer, answersOf(layer))).filter(Boolean) : [];
    // JSON is YAML but for what does not print, which is written by its number.
    const mapping = layers.length ? JSON.stringify({ layers }).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`) : "";
    const osm = state.found && state.found.format === "osm" && state.layer;
    return { mapping: osm ? "" : mapping, class: osm ? state.layer : "", layer: osm ? "" : state.layer, encoding: state.encoding };
  }

  function answersOf(layer) {
    if (!state.answers.has(layer.layer)) state.answers.set(layer.layer, { class: null, crs: null, columns: {} });
    return state.answers.get(layer.layer);
  }

  // --- the file ----------------------------------------------------------------------------------------------------

  function progress(text, share, cancel) {
    const bar = el("progress", { max: 1, value: share === null || share === undefined ? null : share, "aria-label": text });
    const told = share === null || share === undefined ? text : `${text} ${words.percent(Math.round(share * 100))}`;
    return el("div", { class: "progress", role: "status" }, el("span", { text: told }), bar, cancel ? el("button", { type: "button", class: "button plain", text: words.cancel, on: { click: cancel } }) : null);
  }

  function put(box, ...nodes) {
    box.hidden = !nodes.length;
    box.replaceChildren(...nodes.filter(Boolean));
  }

  async function take(file) {
    const turn = ++state.turn;
    Object.assign(state, { file, upload: null, found: null, layer: "", encoding: "", answers: new Map() });
    put(app);
    if (file.size > view.limit_mb * 1e6) { put(sending, shared.problem({ message: words.tooLarge(view.limit_mb) })); return; }
    const name = words.sending(file.name);
    try {
      put(sending, progress(name, 0));
      const reply = await send(file, (share) => turn === state.turn && put(sending, progress(share === 1 ? words.looking : name, share === 1 ? null : share)));
      const found = await resultOf(reply, (share) => turn === state.turn && put(sending, progress(words.looking, share)));
      if (turn === state.turn) understood(found);
    } catch (error) {
      if (turn === state.turn) failed(error, () => take(file));
    }
  }

  function failed(error, again) {
    const problem = error instanceof Refused ? error.problem : { message: words.sendFailed };
    if (!(error instanceof Refused)) console.warn(error);
    const encoding = state.upload ? el("label", { class: "choice" }, el("span", { text: words.encoding }), encodingChoice()) : null;
    put(sending, shared.problem(problem), el("div", { class: "choices" }, encoding, el("button", { type: "button", class: "button plain", text: words.again, on: { click: state.upload ? look : again } })));
  }

  /** Look again, with what was said since; the file is there already. */
  async function look() {
    const turn = ++state.turn, fields = { upload: state.upload, ...asked() };
    app.classList.add("busy");
    put(sending, progress(words.looking, null));
    try {
      const found = await resultOf(await chengtu.send("/imports/inspect", { method: "POST", headers: headers(), body: form(fields) }), () => {});
      if (turn === state.turn) understood(found);
    } catch (error) {
      if (turn === state.turn) { app.classList.remove("busy"); failed(error, look); }
    }
  }

  // --- what was understood -----------------------------------------------------------------------------------------

  function understood(found) {
    const layers = state.layer && state.found ? state.found.names : found.layers.map((layer) => layer.layer);
    state.found = { ...found, names: layers };
    state.upload = found.upload;
    const focused = document.activeElement && document.activeElement.id, open = new Set([...app.querySelectorAll("details[open]")].map((one) => one.className));
    const first = !app.childElementCount;
    const cards = found.layers.map((layer, i) => shared.layerCard(layer, i, answersOf(layer), found.fields, (waits) => (waits ? redraw() : look())));
    const ready = found.layers.some((layer) => !layer.problem);
    app.classList.remove("busy");
    put(sending, el("p", { class: "chosen" }, el("b", { class: "broken", text: found.name }), ` ${size(found.bytes)} · ${words.formats[found.format] || found.format}`));
    put(app, el("section", { class: "step", "aria-labelledby": "step-check" }, title(2, words.check, "step-check"),
      found.format === "osm" ? el("p", { class: "note", text: words.osm }) : null, el("div", { class: "choices" }, layerChoice(layers), found.format === "osm" ? null : el("label", { class: "choice" }, el("span", { text: words.encoding }), encodingChoice())), cards), actions(ready));
    for (const one of app.querySelectorAll("details")) if (!first && !open.has(one.className)) one.removeAttribute("open"); else if (open.has(one.className)) one.open = true;
    cards.forEach((card) => card.start && card.start());
    if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
    else if (first) document.getElementById("step-check").focus();
  }

  const redraw = () => understood(state.found);
  const title = (number, text, id) => el("h2", { id, tabindex: -1 }, el("span", { class: "step-number", "aria-hidden": "true", text: number }), ` ${text}`);
  const size = (bytes) => (bytes < 1e6 ? `${chengtu.number(bytes / 1e3, 1)} kB` : `${chengtu.number(bytes / 1e6, 1)} MB`);
  const choices = (pairs, chosen) => pairs.map(([value, text]) => el("option", { value, text, selected: value === chosen }));

  function encodingChoice() {
    const select = el("select", { id: "encoding", on: { change: () => { state.encoding = select.value; look(); } } }, choices([["", words.automatic], ...ENCODINGS.map((name) => [name, name])], state.encoding));
    return select;
  }

  function layerChoice(names) {
    if (names.length < 2) return null;
    const osm = state.found.format === "osm";
    const select = el("select", { id: "layer", on: { change: () => { state.layer = select.value; look(); } } }, choices([["", words.allLayers], ...names.map((name) => [name, osm ? shared.classTitle(name) : name])], state.layer));
    return el("label", { class: "choice" }, el("span", { text: osm ? words.cls : words.layer }), select);
  }

  // --- trying and loading ------------------------------------------------------------------------------------------

  function actions(ready) {
    const strict = el("input", { type: "checkbox", id: "strict" }), outside = el("input", { type: "checkbox", id: "outside" });
    const result = el("div", { id: "result" });
    const button = (text, kind, trial) => el("button", { type: "button", class: `button ${kind}`, text, disabled: !ready, on: { click: () => run(trial, result, { strict: strict.checked ? "true" : "", allow_outside: outside.checked ? "true" : "" }) } });
    return el("section", { class: "step", "aria-labelledby": "step-load" }, title(3, `${words.tryIt} · ${words.load}`, "step-load"),
      ready ? null : el("p", { class: "ask-for", text: words.noFit }), el("p", { class: "note", text: words.tryNote }),
      el("p", { class: "checks" }, el("label", {}, outside, ` ${words.outside}`), el("label", {}, strict, ` ${words.strict}`)),
      el("p", { class: "buttons" }, button(words.tryIt, "plain", true), button(words.load, "solid", false)), result);
  }

  const value = (id) => document.getElementById(id).value.trim();

  async function run(trial, result, options) {
    const said = { source: value("source"), licence: value("licence"), attribution: value("attribution") };
    const body = form({ upload: state.upload, ...asked(), ...said, ...options, dry_run: trial ? "true" : "" });
    const text = trial ? words.trying : words.loading;
    const buttons = result.parentNode.querySelectorAll(".buttons button");
    const tell = (share, told, job) => put(result, progress(told || text, share, job ? () => chengtu.send(`/jobs/${job}`, { method: "DELETE" }) : null));
    buttons.forEach((one) => (one.disabled = true));
    tell(null);
    try {
      const key = trial ? {} : { "Idempotency-Key": `page-${Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("")}` };
      const report = await resultOf(await chengtu.send("/imports", { method: "POST", headers: headers(key), body }), tell);
      put(result, el("h3", { id: "result-title", tabindex: -1 }, trial ? words.tried : words.loaded, trial ? el("small", { text: ` ${words.nothingWritten}` }) : null), trial ? null : next(report), shared.report(report, !trial));
    } catch (error) {
      if (!(error instanceof Refused)) console.warn(error);
      put(result, shared.problem(error instanceof Refused ? error.problem : { message: words.sendFailed }));
    }
    buttons.forEach((one) => (one.disabled = false));
    const title = document.getElementById("result-title");
    if (title) title.focus();
  }

  /** Where one goes from an import that is done. */
  function next(report) {
    const page = `/imports/${report.import}`, lang = `lang=${view.lang}`;
    const refused = Object.values(report.classes).some((found) => found.rejected);
    const link = (href, text, kind) => el("a", { class: `button ${kind}`, href, text });
    return el("div", { class: "done" }, el("p", { class: "buttons" }, link(`${page}?f=html&${lang}`, words.seeImport, "solid"),
      refused ? link(`${page}/rejected?f=xlsx&${lang}`, words.download, "plain") : null,
      Object.keys(report.classes).slice(0, 3).map((id) => link(`/collections/${id}?f=html&${lang}`, words.seeData(shared.classTitle(id)), "plain")),
      link(`${page}?f=html&${lang}#undo`, words.undo, "plain"), el("button", { type: "button", class: "button plain", text: words.next, on: { click: () => input.click() } })), refused ? el("p", { class: "note", text: words.mendHint }) : null);
  }

  // --- choosing ----------------------------------------------------------------------------------------------------

  input.addEventListener("change", () => { if (input.files.length) take(input.files[0]); input.value = ""; });
  for (const event of ["dragenter", "dragover"]) drop.addEventListener(event, (moved) => { moved.preventDefault(); drop.classList.add("over"); });
  for (const event of ["dragleave", "drop"]) drop.addEventListener(event, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (moved) => { moved.preventDefault(); const file = moved.dataTransfer.files[0]; if (file) take(file); });
  // A file that misses the field would replace the page.
  for (const event of ["dragover", "drop"]) window.addEventListener(event, (moved) => moved.preventDefault());
})();
