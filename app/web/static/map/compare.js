"use strict";
// The page of two runs: land gained and lost on the map, the change of every area beside it.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  // blue and orange, told apart by people with any colour vision
  const COLOURS = { gained: "#1a6fb0", lost: "#c8500a" };
  const TEXTS = {
    zh: { gained: "新增覆盖", lost: "失去覆盖", change: "变化", whole: "全部", differs: "两次计算还有以下不同", area: "区域", same: "没有变化的用地", runs: "两次计算", people: "人口", none: "本方式与指标下没有变化" },
    en: { gained: "Gained", lost: "Lost", change: "Change", whole: "All", differs: "The runs also differ in", area: "Area", same: "no land has changed", runs: "The runs", people: "people", none: "Nothing has changed in this mode and tier" },
  };
  const words = () => TEXTS[chengtu.lang];
  const known = (value) => value !== null && value !== undefined;

  /** Registers the comparison; its panel is built at the page's start. */
  chengtu.compare = function (app, options) {
    document.body.classList.add("run-page");
    app.root.classList.add("run-map");
    const first = options.rows[0];
    app.compare = { options, mode: options.rows.some((row) => row.mode === "walk") ? "walk" : first.mode, tier: first.tier, by: options.rows.some((row) => known(row.share_of_people_b)) ? "people" : "land", land: new Map() };
    app.extra.push((latlng) => hits(app, latlng));
  };

  chengtu.buildComparePanel = function (app) {
    const body = el("div", { class: "panel-body run-body" }), { compare, page } = app;
    chengtu.panel(app, chengtu.panelHead(app, page.title, page.subtitle), body, false);
    compare.body = body;
    compare.legend = chengtu.shield(app.root.appendChild(el("section", { class: "legend", "aria-label": chengtu.t.legend })));
    if (!app.asked && compare.options.bounds) chengtu.fit(app, compare.options.bounds, false);
    return change(app, {});
  };

  async function change(app, part) {
    const { compare } = app;
    Object.assign(compare, part);
    fill(app);
    const key = `${compare.mode}|${compare.tier}`;
    if (!compare.land.has(key)) compare.land.set(key, load(compare.options.land.replace("{mode}", compare.mode).replace("{tier}", compare.tier)));
    try { compare.raw = await compare.land.get(key); } catch { compare.land.delete(key); return; }
    if (key !== `${compare.mode}|${compare.tier}`) return;
    if (compare.tiles) compare.tiles.remove();
    compare.tiles = new chengtu.CanvasTiles(chengtu.ownSource(compare.raw), paint, { pane: "areas", maxZoom: 20 });
    compare.tiles.addTo(app.map);
    fill(app);
  }

  async function load(address) {
    const answer = await fetch(address);
    if (!answer.ok) { chengtu.toast(chengtu.t.failed); throw new Error(String(answer.status)); }
    return answer.json();
  }

  function paint(context, data, view) {
    for (const item of data.groups.own || []) {
      if (!chengtu.visible(item, view)) continue;
      context.fillStyle = COLOURS[item.mark.change];
      context.globalAlpha = view.zoom < 15 ? 0.85 : 0.55;
      context.fill(item.path, "evenodd");
      context.globalAlpha = 1;
      context.strokeStyle = COLOURS[item.mark.change];
      context.lineWidth = (view.zoom < 12 ? 2.4 : 1.2) * view.unit; // small parts are still seen from afar
      context.stroke(item.path);
    }
  }

  function hits(app, latlng) {
    const { compare } = app, t = chengtu.t, w = words();
    if (!compare.tiles) return [];
    return chengtu.shapesAt(compare.tiles, app.map, latlng, 3).map((hit) => {
      const { change: kind, people, area_m2: size, code } = hit.item.mark;
      const rows = [[t.people, chengtu.number(people)], [t.size, chengtu.area(size)]];
      return { layer: { options: { title: w[kind], geometry: "polygon", symbol: { shape: "square", color: COLOURS[kind], glyph: kind === "gained" ? "+" : "−" } } }, id: hit.item.id, chosen: { shapes: [hit] }, load: async () => ({ name: hit.item.label || code, code, fields: [], values: {}, rows }) };
    });
  }

  function fill(app) {
    const { compare } = app;
    compare.body.replaceChildren(...[standing(compare), switches(app), totals(compare), table(app), links(compare), (compare.basemaps = compare.basemaps || chengtu.basemapSwitch(app))].filter(Boolean));
    drawLegend(compare);
  }

  function standing({ options }) {
    const w = words();
    return el("div", { class: "standing" }, el("p", null, el("span", { class: "chip", text: `${options.a} → ${options.b}` })),
      options.differs.length > 0 && el("p", { class: "note", text: `${w.differs}: ${options.differs.join(chengtu.lang === "zh" ? "、" : ", ")}` }));
  }

  function switches(app) {
    const { compare } = app, t = chengtu.t, { rows } = compare.options;
    const modes = [...new Set(rows.map((row) => row.mode))], tiers = new Map(rows.map((row) => [row.tier, row.tier_title]));
    return el("div", { class: "switches" },
      tiers.size > 1 && chengtu.segments(t.tier, [...tiers], compare.tier, (tier) => change(app, { tier })),
      el("div", { class: "pair" }, modes.length > 1 && chengtu.segments(t.mode, modes.map((mode) => [mode, t[mode] || mode]), compare.mode, (mode) => change(app, { mode })),
        compare.mode !== "count" && chengtu.segments(t.by, [["people", t.people], ["land", t.land]], compare.by, (by) => change(app, { by }))));
  }

  /** The figure of a row on a side (a, b, change): a share, or the value of what is only counted. */
  const figureOf = (compare, row, side) => row[`${row.mode === "count" ? "value" : `share_of_${compare.by}`}_${side}`] ?? null;
  const isShare = (row) => row.mode !== "count";
  const shown = (compare, row, side) => { const value = figureOf(compare, row, side); return isShare(row) ? chengtu.percent(value, 2) : value === null ? "—" : chengtu.number(value, 2); };
  const changed = (compare, row) => { const value = figureOf(compare, row, "change"); return isShare(row) ? points(value) : value === null ? "—" : `${value > 0 ? "+" : ""}${chengtu.number(value, 2)}`; };
  const rowsOf = ({ options, mode, tier }) => options.rows.filter((row) => row.mode === mode && row.tier === tier);
  const points = (value) => (known(value) ? `${value > 0 ? "+" : ""}${(value * 100).toFixed(2)}` : "—");

  function totals(compare) {
    const w = words(), whole = rowsOf(compare).find((row) => !row.code), { raw } = compare;
    const box = (title, ...children) => el("section", { class: "figure" }, el("h3", { text: title }), ...children);
    const share = whole && box(w.whole, el("div", { class: "measure" }, el("strong", { text: shown(compare, whole, "b") }), el("span", { class: "muted", text: changed(compare, whole) }), el("small", { text: `${shown(compare, whole, "a")} → ${shown(compare, whole, "b")}` })));
    const land = raw && box(`${w.gained} / ${w.lost}`, ...["gained", "lost"].map((kind) => el("p", { class: "change" }, el("i", { class: kind, "aria-hidden": "true" }), el("span", { text: `${chengtu.area(raw.totals[kind].land_m2)} · ${chengtu.number(raw.totals[kind].people)} ${chengtu.t.person}` }))));
    return el("div", { class: "figures" }, share, land);
  }

  function table(app) {
    const { compare } = app, w = words(), t = chengtu.t, rows = rowsOf(compare).filter((row) => row.code);
    if (!rows.length) return null;
    const value = (side) => (row) => figureOf(compare, row, side);
    const columns = [{ title: t.name, value: (row) => row.name || row.code, text: (row) => row.name || row.code },
      ...["a", "b"].map((side) => ({ title: compare.options[side], numeric: true, value: value(side), text: (row) => shown(compare, row, side) })),
      { title: w.change, numeric: true, value: (row) => (known(value("change")(row)) ? Math.abs(value("change")(row)) : null), text: (row) => changed(compare, row) }];
    return el("section", null, el("h2", { text: `${t.districts} · ${compare.by === "people" ? t.people : t.land}` }), chengtu.table(columns, rows, () => {}, 3));
  }

  const links = ({ options }) => el("section", null, el("h2", { text: words().runs }), el("ul", { class: "plain-list" }, options.runs.map((run) => el("li", null, el("a", { href: run.href, text: run.text })))));

  function drawLegend(compare) {
    const w = words(), count = (kind) => (compare.raw ? compare.raw.totals[kind].parts : 0);
    const line = (kind) => { const box = el("i", { "aria-hidden": "true" }); box.style.background = COLOURS[kind]; return el("li", null, box, el("span", { text: w[kind] }), el("small", { text: chengtu.number(count(kind)) })); };
    compare.legend.replaceChildren(el("ul", null, line("gained"), line("lost")));
  }
})();
