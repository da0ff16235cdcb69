"use strict";
// The page of one coverage run: districts by share, gaps by people, figures straight beside walked.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  /** Registers the run; its panel is built at the page's start. */
  chengtu.run = function (app, options) {
    document.body.classList.add("run-page");
    // an official figure is measured straight and by land: it is what the page opens with
    const wanted = options.official ? "straight" : "walk";
    const asked = (name, allowed, otherwise) => (allowed.includes(chengtu.state.get(name)) ? chengtu.state.get(name) : otherwise);
    app.run = {
      options, gaps: new Map(), drawn: { classes: [] }, breaks: [],
      mode: asked("mode", options.modes, options.modes.includes(wanted) ? wanted : options.modes[0]),
      tier: asked("tier", options.tiers.map((tier) => tier.id), options.tiers.length ? options.tiers[0].id : null),
      by: asked("by", ["people", "land"], options.official ? "land" : options.by),
      method: asked("classes", ["natural", "quantiles", "equal", "fixed"], "natural"),
    };
    app.root.classList.add("run-map");
    addAreas(app);
  };

  const figure = (run, code, mode = run.mode, tier = run.tier) => run.figures.get(`${code}|${mode}|${tier}`);
  const share = chengtu.runShare, unitOf = chengtu.runUnit;
  /** A figure with its unit. */
  const written = (row, value, digits = 2) => (value === null || value === undefined ? "—" : unitOf(row) ? `${chengtu.number(value, 2)} ${unitOf(row)}` : chengtu.percent(value, digits));

  async function load(options, name, address, quiet) {
    if (options.data) return chengtu.inside(`${options.data}-${name}`);
    const answer = await fetch(address);
    if (!answer.ok) { if (!quiet) chengtu.toast(chengtu.t.failed); throw new Error(String(answer.status)); }
    return answer.json();
  }

  /** Areas come first: the panel waits for them. */
  function addAreas(app) {
    const { run } = app, { options } = run;
    run.ready = load(options, "areas", options.areas).then((raw) => {
      run.figures = new Map(raw.figures.map((row) => [`${row.code}|${row.mode}|${row.tier}`, row]));
      run.rows = raw.figures;
      run.levels = [...new Set(raw.figures.map((row) => row.level))];
      const first = run.levels.find((level) => level !== "city") || run.levels[0];
      run.level = run.levels.includes(chengtu.state.get("level")) ? chengtu.state.get("level") : first;
      run.drawn = chengtu.runClasses(run);
      run.levelOf = new Map(raw.figures.map((row) => [row.code, row.level]));
      run.areaTiles = new chengtu.CanvasTiles(chengtu.ownSource(raw), (context, data, view) => paintAreas(run, context, data, view), { pane: "areas", maxZoom: 20 });
      run.areaTiles.on("load tileload", () => app.overlay.redraw());
      run.areaTiles.addTo(app.map);
      run.areaBoxes = boxes(raw);
      app.extra.push((latlng) => areaHits(app, latlng));
      return showGaps(app);
    });
    // classes are the engine's: until they come, or where it is away, shares stand in fixed ones
    Promise.all([load(options, "classes", options.classes, true), run.ready]).then(([found]) => { run.classes = found.classes; redraw(app); }, () => {});
  }

  /** Code → [[south, west], [north, east]] of each area. */
  function boxes(raw) {
    const data = chengtu.prepare(raw);
    return new Map((data.groups.own || []).map((item) => [item.mark, bounds(item.box, raw.square)]));
  }

  function bounds(box, [left, top, side, extent]) {
    const place = (x, y) => L.CRS.EPSG3857.pointToLatLng(L.point(256 * (left + (x / extent) * side), 256 * (top + (y / extent) * side)), 0);
    return [place(box[0], box[3]), place(box[2], box[1])];
  }

  function paintAreas(run, context, data, view) {
    for (const item of data.groups.own || []) {
      if (!chengtu.visible(item, view) || run.levelOf.get(item.mark) !== run.level) continue;
      const value = share(figure(run, item.mark), run.by);
      context.globalAlpha = chengtu.areaAlpha(view.zoom);
      context.fillStyle = value === null || value === undefined ? "#d9d9d9" : chengtu.runColour(run, value);
      context.fill(item.path, "evenodd");
      if (value === null || value === undefined) chengtu.hatch(context, item, view, "#8c8c8c");
      context.globalAlpha = 1;
      for (const [colour, width] of [["#ffffff", 3], ["#5a6b78", 1.1]]) { context.strokeStyle = colour; context.lineWidth = width * view.unit; context.stroke(item.path); }
    }
  }

  async function showGaps(app) {
    const { run } = app, key = `${run.mode}|${run.tier}`;
    if (!run.gaps.has(key)) run.gaps.set(key, load(run.options, `gaps-${run.mode}-${run.tier}`, run.options.gaps.replace("{mode}", run.mode).replace("{tier}", run.tier)));
    let raw;
    try { raw = await run.gaps.get(key); } catch { run.gaps.delete(key); return; }
    if (key !== `${run.mode}|${run.tier}`) return;
    if (run.gapTiles) run.gapTiles.remove();
    run.gapRaw = raw;
    run.breaks = chengtu.gapBreaks(raw.shapes.own.rows.map((row) => row[5].people));
    run.gapTiles = new chengtu.CanvasTiles(chengtu.ownSource(raw), (context, data, view) => paintGaps(run, context, data, view), { pane: "areas", zIndex: 2, maxZoom: 20 });
    run.gapTiles.addTo(app.map);
  }

  function paintGaps(run, context, data, view) {
    for (const item of data.groups.own || []) {
      if (!chengtu.visible(item, view)) continue;
      context.fillStyle = chengtu.gapColour(run, item.mark.people);
      context.globalAlpha = view.zoom < 15 ? 0.85 : 0.55;
      context.fill(item.path, "evenodd");
      context.globalAlpha = 1;
      if (view.zoom >= 13) { context.strokeStyle = "#7a2d05"; context.lineWidth = 0.7 * view.unit; context.stroke(item.path); }
    }
  }

  // what a click finds

  const pseudo = (title, colour, glyph) => ({ options: { title, geometry: "polygon", symbol: { shape: "square", color: colour, glyph } } });

  function areaHits(app, latlng) {
    const { run } = app, t = chengtu.t, found = [];
    if (run.gapTiles) for (const hit of chengtu.shapesAt(run.gapTiles, app.map, latlng, 3)) found.push({ layer: pseudo(t.gap, "#b9480a", "缺"), id: hit.item.id, chosen: { shapes: [hit] }, load: async () => gapDetail(hit.item) });
    for (const hit of chengtu.shapesAt(run.areaTiles, app.map, latlng, 0)) if (run.levelOf.get(hit.item.mark) === run.level) found.push({ layer: pseudo(t.district, "#1a5a99", "区"), id: hit.item.mark, chosen: { shapes: [hit] }, load: async () => areaDetail(run, hit.item) });
    return found;
  }

  /** A gap without a name of its own is called after the smallest area it lies in. */
  const gapName = (name, area) => name || (area || "").split(" › ").pop() || chengtu.t.noName;

  function gapDetail(item) {
    const t = chengtu.t, { people, nearest_m: metres, area_m2: size, area, code } = item.mark;
    const rows = [[t.people, chengtu.number(people)], [t.nearest, facility(item.mark), distance(metres)], [t.size, chengtu.area(size)]].map(([name, ...values]) => [name, values.filter(Boolean).join(" · ")]);
    return { name: gapName(item.label, area), code, area, fields: [], values: {}, rows };
  }

  const facility = (gap) => [gap.nearest_name, gap.nearest_code].filter(Boolean).join(" ");
  const distance = (metres) => (metres === null ? chengtu.t.nearestNone : chengtu.length(metres));

  function areaDetail(run, item) {
    const t = chengtu.t, rows = [];
    for (const mode of run.options.modes) {
      const row = figure(run, item.mark, mode);
      if (!row) continue;
      if (mode === "count") { rows.push([run.options.tiers.find((tier) => tier.id === run.tier).title, `${written(row, row.value)}${bracketed(counted(row))}`]); if (row.reason) rows.push([t.noFigure, row.reason]); continue; }
      rows.push([`${t[mode]} · ${t.people}`, `${chengtu.percent(row.share_of_people)}${bracketed(people(row))}`]);
      rows.push([`${t[mode]} · ${t.land}`, `${chengtu.percent(row.share_of_land)}${bracketed(land(row))}`]);
      if (row.reason) rows.push([t[mode], row.reason]);
    }
    return { name: item.label, code: item.mark, fields: [], values: {}, rows };
  }

  const known = (value) => value !== null && value !== undefined;
  const people = (row) => (known(row.people_served) && known(row.people) ? `${chengtu.number(row.people_served)} / ${chengtu.number(row.people)}` : null);
  const land = (row) => (known(row.land_served_m2) && known(row.land_m2) ? chengtu.areas(row.land_served_m2, row.land_m2) : null);
  const counted = (row) => (known(row.numerator) && known(row.denominator) ? `${chengtu.number(row.numerator, 2)} / ${chengtu.number(row.denominator, 2)}` : null);
  const bracketed = (words) => (words ? ` (${words})` : "");

  // the panel

  /** The panel of the run page: figures, districts, gaps, layers. */
  chengtu.buildRunPanel = function (app) {
    const { run, page } = app, body = el("div", { class: "panel-body run-body" });
    const head = chengtu.panelHead(app, page.title, page.subtitle);
    chengtu.panel(app, head, body, false);
    run.body = body;
    holdWhilePressed(app);
    run.panelLegend = el("section", { class: "panel-legend" });
    run.legend = chengtu.shield(app.root.appendChild(el("section", { class: "legend", "aria-label": chengtu.t.legend })));
    body.append(el("p", { class: "note", text: "…" }));
    run.ready.then(() => { fill(app); fitRun(app); }, () => body.replaceChildren(el("p", { class: "note warn", role: "alert", text: chengtu.t.failed })));
    app.map.on("zoomend", () => { if (run.rows) chengtu.drawRunLegend(app); });
    body.addEventListener("change", () => { if (run.rows) chengtu.drawRunLegend(app); }); // a layer was switched
  };

  function fitRun(app) {
    // districts without a figure may lie far outside the data
    const known = new Set(app.run.rows.filter((row) => row.share_of_people !== null || row.share_of_land !== null).map((row) => row.code));
    const inside = [...app.run.areaBoxes].filter(([code]) => known.has(code)).map(([, box]) => box);
    const all = inside.length ? inside : [...app.run.areaBoxes.values()];
    if (app.asked) return;
    if (app.run.options.bounds) chengtu.fit(app, app.run.options.bounds, false);
    else if (all.length) chengtu.fit(app, L.latLngBounds(all.map(([sw, ne]) => L.latLngBounds(sw, ne)).reduce((a, b) => a.extend(b))), false);
  }

  async function change(app, part) {
    const { run } = app;
    Object.assign(run, part);
    for (const [name, value] of [["mode", run.mode], ["tier", run.tier], ["by", run.by], ["level", run.level], ["classes", run.method]]) chengtu.state.set(name, value);
    chengtu.closeCard(app);
    redraw(app);
    await showGaps(app);
    fill(app);
  }

  /** Areas in their classes, and all that tells of them. */
  function redraw(app) {
    const { run } = app;
    run.drawn = chengtu.runClasses(run);
    if (run.areaTiles) run.areaTiles.repaint();
    if (run.body) fill(app);
  }

  /** What comes while a button is pressed waits: a button that is replaced in between hears no click. */
  function holdWhilePressed(app) {
    const { run } = app;
    run.held = false;
    run.body.addEventListener("pointerdown", () => { run.held = true; });
    for (const kind of ["pointerup", "pointercancel"]) window.addEventListener(kind, () => setTimeout(() => {
      run.held = false;
      if (run.waiting) fill(app);
    }));
  }

  function fill(app) {
    const { run } = app, { options } = run, scroll = run.body.scrollTop;
    run.waiting = run.held;
    if (run.held) return;
    run.body.replaceChildren(...[
      standing(options), switches(app), figures(app), chengtu.runLinks(app), run.panelLegend, chengtu.runDistances(app, segments, () => fill(app)), districts(app), chengtu.runEquity(app),
      chengtu.runApart(app), gapList(app), chengtu.runReach(app), layerBox(app), facts(options),
    ].filter(Boolean));
    run.body.scrollTop = scroll;
    chengtu.drawRunLegend(app);
  }

  function standing(options) {
    const t = chengtu.t;
    const chip = el("span", { class: options.official ? "chip good" : "chip", text: options.official ? t.official : t.reference });
    if (!options.differs.length) return el("p", { class: "standing" }, chip);
    return el("details", { class: "standing" }, el("summary", null, chip, el("span", { class: "muted", text: t.why }), chengtu.icon("down")), el("ul", null, options.differs.map((words) => el("li", { text: words }))));
  }

  function switches(app) {
    const { run } = app, t = chengtu.t, { tiers, modes } = run.options;
    return el("div", { class: "switches" },
      run.levels.length > 1 && segments(t.districts, run.levels.map((level) => [level, chengtu.levelName(level)]), run.level, (level) => change(app, { level })),
      tiers.length > 1 && segments(t.tier, tiers.map((tier) => [tier.id, tier.title]), run.tier, (tier) => change(app, { tier })),
      el("div", { class: "pair" }, modes.length > 1 && segments(t.mode, modes.map((mode) => [mode, t[mode]]), run.mode, (mode) => change(app, { mode })),
        run.mode !== "count" && segments(t.by, [["people", t.people], ["land", t.land]], run.by, (by) => change(app, { by }))),
      chengtu.runMethods(app, change));
  }

  function segments(label, choices, chosen, pick) {
    return el("div", { class: "segments", role: "radiogroup", "aria-label": label },
      choices.map(([value, words]) => el("button", { type: "button", role: "radio", "aria-checked": String(value === chosen), class: value === chosen ? "on" : null, text: words, on: { click: () => value !== chosen && pick(value) } })));
  }

  chengtu.segments = segments;

  function figures(app) {
    const { run } = app, t = chengtu.t;
    if (run.mode === "count") return el("div", { class: "figures one" }, run.options.results.filter((row) => row.tier === run.tier).map((row) => el("section", { class: "figure on" }, counting(row))));
    return el("div", { class: "figures" }, ["straight", "walk"].map((mode) => {
      const row = run.options.results.find((r) => r.mode === mode && r.tier === run.tier);
      return el("section", { class: mode === run.mode ? "figure on" : "figure" }, el("h3", { text: t[mode] }), row ? measures(row) : el("p", { class: "muted", text: t.notRun }));
    }));
  }

  function measures(row) {
    const t = chengtu.t;
    const part = (name, value, detail, official) => el("div", { class: "measure" }, el("strong", { text: chengtu.percent(value) }),
      el("span", { class: "muted" }, official && el("span", { class: "chip good", text: t.officialShort }), ` ${name}`), bar(value, row.target), detail && el("small", { text: detail }));
    return [
      part(t.people, row.share_of_people, known(row.people) ? people(row) : t.noPeople),
      part(t.land, row.share_of_land, land(row), row.official),
      verdict(row),
      row.reason && el("p", { class: "note", text: row.reason }),
    ].filter(Boolean);
  }

  /** A value that is counted, not reached, with what it is made of and its target. */
  function counting(row) {
    const t = chengtu.t, share_ = !unitOf(row);
    const whole = el("div", { class: "measure" }, el("strong", { text: written(row, row.value) }), el("span", { class: "muted", text: counted(row) || "" }), share_ && bar(row.value, row.target));
    return [whole, verdict(row), row.reason && el("p", { class: "note", text: row.reason })].filter(Boolean);
  }

  const SIGNS = { at_least: "≥", at_most: "≤", between: "" };
  function verdict(row) {
    const t = chengtu.t, range = [row.target, row.target_is === "between" ? row.target_to : null].filter(known);
    const words = range.length ? `${t.target} ${SIGNS[row.target_is] ?? "≥"} ${range.map((value, i) => (i < range.length - 1 ? (unitOf(row) ? chengtu.number(value, 2) : chengtu.percent(value, 0)) : written(row, value, 0))).join("–")}` : t.noTarget;
    return el("p", { class: "verdict" }, known(row.met) && el("span", { class: row.met ? "chip good" : "chip bad", text: row.met ? t.met : t.unmet }), el("span", { class: "muted", text: words }));
  }

  function bar(value, target) {
    const box = el("span", { class: "bar", "aria-hidden": "true" });
    const inner = el("i");
    inner.style.width = `${(value || 0) * 100}%`;
    box.append(inner);
    if (target) { const mark = el("b"); mark.style.left = `${target * 100}%`; box.append(mark); }
    return box;
  }

  function districts(app) {
    const { run } = app, t = chengtu.t;
    const rows = run.rows.filter((row) => row.mode === run.options.modes[0] && row.tier === run.tier && row.level === run.level);
    if (!rows.length) return null;
    const value = (mode) => (row) => share(figure(run, row.code, mode), run.by) ?? null;
    const column = (mode) => ({ title: t[mode] || chengtu.valueName(), numeric: true, value: value(mode), text: (row) => written(row, value(mode)(row)), hint: (row) => figure(run, row.code, mode)?.reason || null });
    const columns = [{ title: t.name, value: (row) => row.name || row.code, text: (row) => row.name || row.code, after: (row) => reportLink(run, row) }, ...run.options.modes.map(column),
      run.mode !== "count" && { title: t.people, numeric: true, value: (row) => row.people, text: (row) => (row.people === null ? "—" : chengtu.number(row.people)) }].filter(Boolean);
    const fly = (row) => { const box = run.areaBoxes.get(row.code); if (box) { fold(app); chengtu.fit(app, box); } };
    const title = run.mode === "count" ? chengtu.levelName(run.level) : `${chengtu.levelName(run.level)} · ${run.by === "people" ? t.people : t.land}`;
    return el("section", null, el("h2", { class: "with-files" }, el("span", { text: title }), chengtu.runFiles(app, "areas", title)), chengtu.table(columns, rows, fly, Math.max(1, run.options.modes.indexOf(run.mode) + 1)));
  }

  /** A small link in the row of an area to its report. */
  function reportLink(run, row) {
    const href = chengtu.reportOf(run, row.code), words = chengtu.reportWords(row.name || row.code);
    return href && el("a", { class: "row-report", href, title: words, "aria-label": words, on: { click: (event) => event.stopPropagation() } }, chengtu.icon("page"));
  }

  function fold(app) { if (chengtu.phone()) app.root.querySelector(".panel:not(.folded) .fold")?.click(); }

  function gapList(app) {
    const { run } = app, t = chengtu.t, raw = run.gapRaw;
    if (!raw || (run.mode === "count" && !raw.total)) return null;
    const rows = raw.shapes.own.rows, counted = run.breaks.length > 0;
    const list = rows.slice(0, 20).map((row) => {
      const { people, nearest_m: metres, nearest_name: whose, nearest_code: code, area, area_m2: size } = row[5];
      const fly = () => { fold(app); chengtu.fit(app, bounds(boxOf(row[4]), raw.square)); mark(app, row[0]); };
      const dot = el("i", { "aria-hidden": "true" });
      dot.style.background = chengtu.gapColour(run, people);
      return el("li", null, el("button", { type: "button", class: "gap", on: { click: fly } }, dot,
        el("span", { class: "gap-name" }, el("span", { text: gapName(row[2], area), dir: "auto" }), el("small", { text: area || "", dir: "auto" })),
        el("span", { class: "gap-figures" }, el("strong", { text: counted ? `${chengtu.number(people)} ${t.person}` : chengtu.area(size) }), el("small", { text: [distance(metres), whose || code].filter(Boolean).join(" · "), title: t.nearest, dir: "auto" }))));
    });
    const title = counted ? t.gapList : t.gapListLand;
    return el("section", null, el("h2", { class: "with-files" }, el("span", { text: title }), rows.length > 0 && el("span", { class: "muted", text: ` ${Math.min(20, rows.length)} / ${chengtu.number(raw.total)}` }), rows.length > 0 && chengtu.runFiles(app, "gaps", title)),
      rows.length ? el("ol", { class: "gaps" }, list) : el("p", { class: "note", text: noGaps(run) }));
  }

  /** Gaps are drawn on residential land: without one, people of cells may still be unserved. */
  function noGaps(run) {
    const row = run.options.results.find((r) => r.mode === run.mode && r.tier === run.tier);
    if (row && row.reason && !known(row.people) && !known(row.land_m2)) return `${chengtu.t.noFigure} · ${row.reason}`;
    const unserved = row && known(row.people) && known(row.people_served) ? row.people - row.people_served : 0;
    return unserved > 0 ? chengtu.t.noGapsPeople(chengtu.number(unserved)) : chengtu.t.noGaps;
  }

  function boxOf(geometry) {
    const points = geometry.coordinates.flat(geometry.type === "MultiPolygon" ? 2 : 1);
    const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  }

  async function mark(app, id) {
    const data = await app.run.gapTiles._source.get();
    const item = data.groups.own.find((one) => one.id === id);
    if (item) { app.chosen = { shapes: [{ item, data }] }; app.overlay.redraw(); }
  }

  function layerBox(app) {
    const { run } = app;
    return el("section", null, el("h2", { text: chengtu.t.layers }), el("ul", { class: "plain-list" }, app.layers.map((layer) => chengtu.layerRow(app, layer))), (run.basemaps = run.basemaps || chengtu.basemapSwitch(app)));
  }

  function facts(options) {
    return el("section", { class: "facts" }, el("dl", null, options.facts.map(([name, value]) => el("div", { class: "row" }, el("dt", { text: name }), el("dd", { text: value, dir: "auto" })))));
  }
})();
