"use strict";
// The compare tab: two runs or two dates, on two maps of the same place, with the figures of both beside each other.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, { planner, state } = chengtu, { known } = planner;
  const TEXTS = {
    zh: {
      title: "对比", hint: "把两次计算或两个日期并排放在同一处看。", what: "对比什么", runs: "两次计算", dates: "两个日期", look: "看法", side: "并排", swipe: "卷帘", left: "左", right: "右", first: "左（前）", second: "右（后）", show: "开始对比", end: "结束对比", loading: "正在读取…", now: "现状", none: "还没有保存的结果。先在“覆盖”里计算。", choose: "请选择", page: "对比结果页（新增与失去的用地）",
      name: "名称", change: "变化", counts: "两日的数量", areas: "各区域", people: "人口", land: "用地", straight: "直线", walk: "步行", mode: "方式", tier: "分项", whole: "全部", layers: "图层", layersHint: "图上显示“图层”中已打开的类别。", differ: "两次计算的指标不同，只能看图，不能逐项相减。", same: "两边相同", value: "数值",
    },
    en: {
      title: "Compare", hint: "Two results or two dates of the same place, beside each other.", what: "Compare", runs: "Two results", dates: "Two dates", look: "View", side: "Side by side", swipe: "Swipe", left: "Left", right: "Right", first: "Left (before)", second: "Right (after)", show: "Start", end: "End", loading: "Reading…", now: "now", none: "There is no saved result yet: compute one under “Coverage”.", choose: "Choose", page: "Page of both (land gained and lost)",
      name: "Name", change: "Change", counts: "How many on each day", areas: "By area", people: "People", land: "Land", straight: "Straight", walk: "On foot", mode: "Measured", tier: "Figure", whole: "All", layers: "Layers", layersHint: "The maps show the classes that are on under “Layers”.", differ: "The results are of different metrics: look at the maps, the figures cannot be subtracted.", same: "Both are the same", value: "Value",
    },
  };
  const words = () => TEXTS[chengtu.lang];
  const DAY = /^\d{4}-\d{2}-\d{2}$/;

  chengtu.addIcon("side", "M4 5h16v14H4zM12 3v18M7 9l-1.500 3L7 15M17 9l1.500 3L17 15");
  chengtu.addTab({ id: "side", icon: "side", order: 50, title: { zh: TEXTS.zh.title, en: TEXTS.en.title }, when: planner.offered, build, shown, hidden });

  function build(app) {
    const beside = (app.beside = { what: state.get("cmp") === "dates" ? "dates" : "runs", look: state.get("look") === "side" || (!state.get("look") && !chengtu.phone()) ? "side" : "swipe", form: el("div", { class: "ask" }), work: el("div", { class: "work", "aria-live": "polite" }), result: el("div", { class: "result" }), runs: [] });
    app.sidesEnded = () => { planner.wipe(app, "side"); beside.on = false; form(app); };
    const root = el("div", { class: "planner" }, el("p", { class: "muted", text: words().hint }), beside.form, beside.work, beside.result);
    beside.ready = begin(app).catch((error) => beside.work.replaceChildren(planner.trouble(error)));
    return root;
  }

  async function begin(app) {
    const { beside } = app, { time } = app.page;
    beside.days = [DAY.test(state.get("da") || "") ? state.get("da") : (time && time.days && time.days[0]) || null, DAY.test(state.get("db") || "") ? state.get("db") : null];
    beside.pair = [state.get("a"), state.get("b")];
    await runsAnew(app);
    if (state.get("cmp") && state.get("tab") === "side") await open(app);
  }

  async function runsAnew(app) {
    const { beside } = app;
    beside.runs = (await planner.ask("/map/planner/runs.json")).runs;
    const at = (id) => beside.runs.find((one) => one.run === id), b = at(state.get("b")) || at(beside.pair[1]) || beside.runs[0];
    const a = at(beside.pair[0]) || beside.runs.find((one) => b && one !== b && one.policy === b.policy) || beside.runs.find((one) => one !== b) || b;
    beside.pair = [a, b].map((one) => (one ? one.run : null));
    // what nobody chose stands in the order of time
    if (a && b && !state.get("a") && dayOf(a) > dayOf(b)) beside.pair.reverse();
    form(app);
  }

  function shown(app) {
    planner.only(app, "side");
    if (app.beside.runs.length) runsAnew(app).catch(() => {});
  }

  /** Another tool takes the map: the comparison ends. A folded panel leaves it. */
  function hidden(app) {
    Promise.resolve().then(() => {
      if (app.tab && app.tab.id !== "side") { planner.closeSides(app); app.sidesEnded(); } else if (app.sides) planner.layoutSides(app);
    });
  }

  const dayOf = ({ as_of: day, at }) => day || at.slice(0, 10);
  const label = ({ title, at, words: told }) => [title, ...(told.length ? told : [words().now]), planner.moment(at)].join(" · ");

  function form(app) {
    const { beside } = app, w = words();
    const choices = beside.runs.map((one) => [one.run, label(one)]);
    const run = (i, title) => planner.field(title, planner.select(choices, beside.pair[i], (id) => { beside.pair[i] = id; again(app); }));
    const day = (i, title) => { const input = el("input", { type: "date", min: "0001-01-01", max: "9999-12-31", value: beside.days[i], on: { change: () => { beside.days[i] = input.value || null; again(app); } } }); return planner.field(title, input, i ? w.now : null); };
    const empty = beside.what === "runs" && !beside.runs.length;
    beside.form.replaceChildren(...[
      chengtu.segments(w.what, [["runs", w.runs], ["dates", w.dates]], beside.what, (what) => { beside.what = what; beside.result.replaceChildren(); if (beside.on) again(app); else form(app); }),
      empty && el("p", { class: "note", text: w.none }),
      !empty && (beside.what === "runs" ? el("div", { class: "ask" }, run(0, w.first), run(1, w.second)) : el("div", { class: "pair" }, day(0, w.first), day(1, w.second))),
      chengtu.segments(w.look, [["side", w.side], ["swipe", w.swipe]], beside.look, (look) => { beside.look = look; if (beside.on) again(app); else form(app); }),
      beside.what === "dates" && el("p", { class: "note", text: w.layersHint }),
      !empty && planner.action(beside.on ? w.end : w.show, () => { if (beside.on) { planner.closeSides(app); app.sidesEnded(); } else open(app); }, beside.on ? "quiet" : "primary", { "data-do": "side" }),
    ].filter(Boolean));
  }

  function again(app) { form(app); if (app.beside.on) open(app); }

  function keep({ beside }) {
    state.set("cmp", beside.what);
    state.set("look", beside.look);
    const runs = beside.what === "runs";
    ["a", "b"].forEach((name, i) => { state.set(name, runs ? beside.pair[i] : null); state.set(`d${name}`, runs ? null : beside.days[i]); });
  }

  async function open(app) {
    const { beside } = app, asked = (beside.asked = {});
    keep(app);
    beside.on = true;
    form(app);
    beside.work.replaceChildren(planner.progress({ share: null, text: words().loading }));
    try {
      const found = await (beside.what === "runs" ? readRuns(beside) : readDays(beside));
      if (beside.asked !== asked || !beside.on) return;
      beside.work.replaceChildren();
      beside.found = found;
      beside.apps = planner.openSides(app, found.sides, beside.look);
      if (beside.what === "runs") await drawRuns(app);
      else beside.result.replaceChildren(counts(found.sides));
    } catch (error) { planner.closeSides(app); beside.on = false; form(app); beside.work.replaceChildren(planner.trouble(error)); }
  }

  const layersOf = (day) => planner.ask(`/map/planner/layers.json${day ? `?as_of=${day}` : ""}`);

  async function readDays({ days }) {
    const sides = await Promise.all(days.map(async (day) => ({ title: day || words().now, ...(await layersOf(day)) })));
    return { sides };
  }

  async function readRuns({ pair }) {
    const runs = await Promise.all(pair.map((id) => planner.ask(`/map/planner/runs/${encodeURIComponent(id)}.json?v=2`)));
    const sides = await Promise.all(runs.map(async (run) => ({ title: [run.title, ...(run.words.length ? run.words : [words().now])].join(" · "), ...(await layersOf(run.as_of)) })));
    return { runs, sides, view: view(runs) };
  }

  /** One mode and tier that both runs have, else each its own. */
  function view(runs, part = {}) {
    const first = planner.viewOf(runs[1], { mode: part.mode || state.get("mode"), tier: part.tier || state.get("tier"), by: part.by || state.get("by"), level: part.level });
    return [planner.viewOf(runs[0], first), first];
  }

  async function drawRuns(app) {
    const { beside } = app, { found, apps } = beside;
    const gaps = await Promise.all(found.runs.map((run, i) => planner.ask(`/map/planner/runs/${run.run}/gaps/${found.view[i].mode}/${encodeURIComponent(found.view[i].tier)}.json?v=2`)));
    if (beside.apps !== apps || !app.sides) return;
    const drawn = apps.map((one, i) => planner.drawRun(one, found.runs[i], found.view[i], gaps[i], "side", gaps.flatMap((side) => side.features)));
    fill(app, drawn[1]);
  }

  function fill(app, drawn) {
    const { beside } = app, w = words(), { runs, view: [, shown_] } = beside.found;
    const change = (part) => {
      for (const [name, value] of Object.entries(part)) state.set(name, value);
      beside.found.view = view(runs, { ...shown_, ...part });
      drawRuns(app).catch((error) => beside.work.replaceChildren(planner.trouble(error)));
    };
    const alike = runs[0].policy === runs[1].policy;
    beside.result.replaceChildren(...[
      planner.viewSwitches(runs[1], shown_, change), planner.legend(drawn), alike ? table(app, runs, shown_) : el("p", { class: "note", text: w.differ }),
      alike && el("p", null, el("a", { href: `/coverage/compare/map?a=${runs[0].run}&b=${runs[1].run}&lang=${chengtu.lang}`, text: w.page })),
    ].filter(Boolean));
  }

  const figureOf = (row, by) => (row ? row[row.mode === "count" ? "value" : by === "people" ? "share_of_people" : "share_of_land"] : null) ?? null;

  /** The whole and every area: left, right, and right less left. */
  function table(app, runs, { mode, tier, by, level }) {
    const w = words(), count = mode === "count";
    const wholes = runs.map((run) => run.results.find((row) => row.mode === mode && row.tier === tier));
    const parts = runs.map((run) => new Map(run.areas.filter((row) => row.mode === mode && row.tier === tier && row.level === level).map((row) => [row.code, row])));
    const codes = [...new Set([...parts[0].keys(), ...parts[1].keys()])];
    const line = (name, pair, code) => { const [a, b] = pair.map((row) => figureOf(row, by)); return { name, code, a, b, change: known(a) && known(b) ? b - a : null }; };
    const lines = codes.map((code) => { const pair = parts.map((part) => part.get(code)); const one = pair[1] || pair[0]; return line(one.name || code, pair, code); });
    const share = count ? (wholes[1] || {}).unit === "share" : true;
    const write = (value) => (!known(value) ? "—" : share ? planner.percent(value) : chengtu.number(value, 2));
    const differ = (value) => (share ? planner.points(value) : planner.signed(value, (n) => chengtu.number(n, 2)));
    const whole = line(w.whole, wholes);
    const columns = [{ title: w.name, value: (row) => row.name, text: (row) => row.name },
      ...[["a", w.left], ["b", w.right]].map(([key, title]) => ({ title, numeric: true, value: (row) => row[key], text: (row) => write(row[key]) })),
      { title: w.change, numeric: true, value: (row) => row.change, text: (row) => differ(row.change) }];
    const fly = (row) => { const shape = runs[1].shapes[row.code] || runs[0].shapes[row.code]; if (shape) app.beside.apps[1].map.fitBounds(planner.bounds(shape), { maxZoom: 17 }); };
    return el("section", null, el("div", { class: "compare-whole" }, el("span", { text: `${w.whole} · ${count ? w.value : by === "people" ? w.people : w.land}` }), el("strong", { text: `${write(whole.a)} → ${write(whole.b)}` }), el("span", { class: "chip", text: differ(whole.change) })),
      lines.length > 0 && el("h3", { text: w.areas }), lines.length > 0 && chengtu.table(columns, lines, fly, 3));
  }

  /** How many of each class there are on both days. */
  function counts(sides) {
    const w = words(), [before, after] = sides.map((side) => new Map(side.layers.map((layer) => [layer.id, layer])));
    const ids = [...new Set([...after.keys(), ...before.keys()])];
    const rows = ids.map((id) => { const [a, b] = [before, after].map((map) => (map.get(id) ? map.get(id).count : 0)); return { name: (after.get(id) || before.get(id)).title, a, b, change: b - a }; });
    const number = (key, title) => ({ title, numeric: true, value: (row) => row[key], text: (row) => chengtu.number(row[key]) });
    const columns = [{ title: w.name, value: (row) => row.name, text: (row) => row.name }, number("a", sides[0].title), number("b", sides[1].title),
      { title: w.change, numeric: true, value: (row) => row.change, text: (row) => planner.signed(row.change, (n) => chengtu.number(n)) }];
    return el("section", null, el("h3", { text: w.counts }), chengtu.table(columns, rows, () => {}, 3));
  }
})();
