"use strict";
// What the planner's tabs share: asking the server, waiting for long work, amounts in words, drawings over the map.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = {
    zh: {
      away: "服务暂时连不上，请稍后再试。", failed: "未能完成", queued: "排队中…", working: "计算中…", stopping: "正在取消…", stopped: "已取消。", cancel: "取消",
      m: "米", km: "公里", people: "人", tenThousand: "万人", min: "分钟",
    },
    en: {
      away: "The service cannot be reached; try again shortly.", failed: "Not done", queued: "Waiting its turn…", working: "Computing…", stopping: "Stopping…", stopped: "Stopped.", cancel: "Cancel",
      m: "m", km: "km", people: "people", tenThousand: "people", min: "min",
    },
  };
  const words = () => TEXTS[chengtu.lang];
  const known = (value) => value !== null && value !== undefined;
  const planner = (chengtu.planner = { known });

  // asking

  /** JSON of an address of ours, told in the page's language; throws an Error whose message is a sentence (and `hint`). */
  planner.ask = async function (address, { method = "GET", body, headers, signal } = {}) {
    const place = `${address}${address.includes("?") ? "&" : "?"}lang=${chengtu.lang}`;
    const given = { method, signal, headers: { Accept: "application/json", ...(body ? { "Content-Type": "application/json" } : {}), ...headers } };
    if (body) given.body = JSON.stringify(body);
    let answer;
    try { answer = await (method === "GET" ? fetch : chengtu.send)(place, given); } catch (error) { throw error.name === "AbortError" ? error : new Error(words().away); }
    const found = await answer.json().catch(() => null);
    if (!answer.ok) throw Object.assign(new Error((found && found.detail) || words().away), { hint: found && found.hint, status: answer.status });
    return found;
  };

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  /** POST work that may be long: its answer, or that of its job; `watch({share, cancel})` is told how it goes on. */
  planner.compute = async function (address, body, watch) {
    const first = await planner.ask(address, { method: "POST", body, headers: { Prefer: "wait=1" } });
    if (!first.job) return first;
    let stopping = false;
    const cancel = () => { stopping = true; watch({ share: null, text: words().stopping }); planner.ask(`/jobs/${first.job}`, { method: "DELETE" }).catch(() => {}); };
    watch({ share: null, text: words().queued, cancel });
    for (;;) {
      await pause(500);
      const job = await planner.ask(`/jobs/${first.job}`);
      if (job.state === "done") return job.result;
      if (job.state === "cancelled") throw new Error(words().stopped);
      if (job.state === "failed") throw Object.assign(new Error((job.error && (job.error.message || job.error.detail)) || words().failed), { hint: job.error && job.error.hint });
      if (!stopping) watch({ share: job.progress, text: job.state === "queued" ? words().queued : words().working, cancel });
    }
  };

  let options = null;
  /** Policies, their parameters, areas, the newest run of each; asked once, and anew after `renew`. */
  planner.options = () => (options = options || planner.ask("/map/planner/options.json").catch((error) => { options = null; throw error; }));
  planner.renew = () => { options = null; };

  // saying

  /** What went wrong, as a note. */
  planner.trouble = (error) => el("div", { class: "note warn", role: "alert" }, el("p", { text: error.message, dir: "auto" }), error.hint && el("p", { class: "hint", text: error.hint, dir: "auto" }));

  /** How long work goes on, with a button that ends it. */
  planner.progress = function ({ share, text, cancel }) {
    const bar = el("progress", { max: "1", "aria-label": text });
    if (known(share)) bar.value = share;
    return el("div", { class: "progress", role: "status" }, el("span", { text }), bar, cancel && el("button", { type: "button", class: "quiet", text: words().cancel, on: { click: cancel } }));
  };

  const digits = (value, most) => new Intl.NumberFormat(chengtu.locale, { maximumFractionDigits: most }).format(value);
  planner.metres = (value) => (!known(value) ? "—" : value < 1000 ? `${digits(value, 0)} ${words().m}` : `${digits(value / 1000, 2)} ${words().km}`);
  planner.minutes = (value) => (!known(value) ? "—" : `${digits(value, value < 10 ? 1 : 0)} ${words().min}`);
  planner.size = (m2) => (known(m2) ? chengtu.area(m2) : "—");
  planner.people = (count) => (!known(count) ? "—" : chengtu.lang === "zh" && count >= 1e5 ? `${digits(count / 1e4, 2)} ${words().tenThousand}` : `${digits(count, 0)} ${words().people}`);
  /** So many of so many people. */
  planner.peopleOf = (part, whole) => (chengtu.lang === "zh" && whole >= 1e5 ? `${planner.people(part)} / ${planner.people(whole)}` : `${digits(part, 0)} / ${planner.people(whole)}`);
  planner.percent = (share) => chengtu.percent(share, 2);
  /** A difference of shares in percentage points, with its sign. */
  planner.points = (value) => planner.signed(value, (share) => (share * 100).toFixed(2));
  planner.signed = function (value, write) {
    if (!known(value)) return "—";
    const text = write(Math.abs(value)); // what rounds to nothing has no sign
    return `${!/[1-9]/.test(text) ? "" : value > 0 ? "+" : "−"}${text}`;
  };

  /** A name and what belongs to it in brackets, as the language writes them. */
  planner.bracketed = (name, more) => (more ? (chengtu.lang === "zh" ? `${name}（${more}）` : `${name} (${more})`) : name);
  /** A moment (UTC) as the reader's clock shows it. */
  planner.moment = (at) => new Date(`${at.slice(0, 19).replace(" ", "T")}Z`).toLocaleString(chengtu.locale, { year: "numeric", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" });

  // forms

  let number = 0;
  /** A labelled control; `hint` stands below it. */
  planner.field = function (label, control, hint) {
    const id = `field-${(number += 1)}`;
    control.id = id;
    if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
    return el("div", { class: "field" }, el("label", { for: id, text: label }), control, hint && el("small", { id: `${id}-hint`, text: hint }));
  };

  /** A list to choose from: `choices` are [value, text] or {title, choices}. */
  planner.select = function (choices, chosen, pick) {
    const option = ([value, text]) => { const node = el("option", { value, text }); node.selected = value === chosen; return node; };
    const node = el("select", { on: { change: () => pick(node.value) } }, choices.map((one) => (Array.isArray(one) ? option(one) : el("optgroup", { label: one.title }, one.choices.map(option)))));
    return node;
  };

  planner.action = (text, action, kind = "primary", extra) => el("button", { type: "button", class: kind, text, on: { click: action }, ...extra });

  // drawing

  const PANES = [["plan-areas", 302], ["plan", 355], ["plan-top", 610]];
  /** The map's own panes for drawings of tools, each a canvas that lets clicks through; made when they are wanted. */
  planner.pane = function (app, name) {
    app.planPanes = app.planPanes || {};
    if (!app.planPanes[name]) {
      const pane = app.map.createPane(name);
      pane.style.zIndex = PANES.find((one) => one[0] === name)[1];
      pane.style.pointerEvents = "none";
      app.planPanes[name] = L.canvas({ pane: name, padding: 0.3 });
    }
    return app.planPanes[name];
  };

  /** Put a drawing on the map under a name, in place of the one before; null takes it away. */
  planner.draw = function (app, name, layer) {
    app.drawn = app.drawn || new Map();
    if (app.drawn.has(name)) app.drawn.get(name).remove();
    app.drawn.delete(name);
    if (layer) app.drawn.set(name, layer.addTo(app.map));
  };

  const wipe = (app, test) => { for (const name of [...(app.drawn || new Map()).keys()]) if (test(name)) planner.draw(app, name, null); };
  /** Leave only a tool's own drawings on the map: their names begin with its id. */
  planner.only = (app, tool) => wipe(app, (name) => !name.startsWith(`${tool}/`));
  /** Take a tool's drawings off the map. */
  planner.wipe = (app, tool) => wipe(app, (name) => name === "chosen" || name.startsWith(`${tool}/`));

  /** Polygons of GeoJSON features in a pane; `style(feature)` as of Leaflet. */
  planner.shapes = (app, features, pane, style) => L.geoJSON({ type: "FeatureCollection", features }, { interactive: false, renderer: planner.pane(app, pane), style });

  const rings = (geometry) => (geometry.type === "MultiPolygon" ? geometry.coordinates : geometry.type === "Polygon" ? [geometry.coordinates] : []);

  /** [[south, west], [north, east]] of a GeoJSON geometry. */
  planner.bounds = function (geometry) {
    const found = [[90, 180], [-90, -180]];
    const walk = (part) => {
      if (typeof part[0] !== "number") return part.forEach(walk);
      found[0] = [Math.min(found[0][0], part[1]), Math.min(found[0][1], part[0])];
      found[1] = [Math.max(found[1][0], part[1]), Math.max(found[1][1], part[0])];
      return null;
    };
    walk(geometry.coordinates);
    return found;
  };

  /** Whether a place lies in a polygon (even-odd rule). */
  planner.inside = function (geometry, { lat, lng }) {
    return rings(geometry).some((polygon) => polygon.reduce((odd, ring) => odd !== crosses(ring, lng, lat), false));
  };

  function crosses(ring, x, y) {
    let odd = false;
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      const [xi, yi] = ring[i], [xj, yj] = ring[j];
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
    }
    return odd;
  }

  /** The feature under a place, of those with a polygon; boxes are kept, so that moving a mouse costs little. */
  planner.hits = (features, place) => features.filter((feature) => {
    const [[south, west], [north, east]] = (feature.box = feature.box || planner.bounds(feature.geometry));
    return place.lat >= south && place.lat <= north && place.lng >= west && place.lng <= east && planner.inside(feature.geometry, place);
  });

  /** On a phone the sheet makes room for the map; what is drawn stays. */
  planner.makeRoom = (app) => { if (chengtu.phone() && app.tab) chengtu.closeTab(app); };

  /** Fly to a shape and draw a line around it. */
  planner.flyTo = function (app, geometry) {
    const drawn = L.geoJSON(geometry, { interactive: false, renderer: planner.pane(app, "plan-top"), style: { color: "#16242c", weight: 3, fill: false }, pointToLayer: (_, place) => L.circleMarker(place, { radius: 11, renderer: planner.pane(app, "plan-top") }) });
    planner.draw(app, "chosen", drawn);
    planner.makeRoom(app);
    chengtu.fit(app, planner.bounds(geometry));
  };

  /** Rows for the legend of the printed sheet: `rows()` gives {title, color, shape}, none while nothing is drawn. */
  planner.printed = (app, rows) => { (app.legends = app.legends || []).push(rows); };

  /** Copy the page's address; say so. */
  planner.share = async function (done, failed) {
    try { await navigator.clipboard.writeText(location.href); chengtu.toast(done); } catch { chengtu.toast(failed); }
  };

  /** The tabs stand on the portal of a server, not in files. */
  planner.offered = (app) => Boolean(app.page.portal) && !app.page.offline;
  /** Whether who looks at the page may have something computed. */
  planner.computes = (app) => planner.offered(app) && app.page.portal.may.includes("plan");
})();
