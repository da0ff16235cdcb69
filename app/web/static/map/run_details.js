"use strict";
// What a run tells beside its shares: how far people have to go, how evenly it is shared, what only a walk shows.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = {
    zh: {
      report: "打印报告（一页）", file: "GeoPackage（QGIS）", reportOf: (name) => `${name}：打印报告`, distances: "到最近设施的距离", metres: "米", minutes: "分钟", beyond: (n, unit) => `> ${n} ${unit}`, unreached: "不可达", median: (m) => `中位数 ${m}`, limit: "服务半径以内",
      equity: "公平性", gini: "距离基尼系数", spread: "各区差异", ratio: (n) => `${n} 倍`, least: "最低", greatest: "最高", level: "层级",
      apart: "直线达标、步行不达标", apartNone: "直线覆盖处步行均可达", detour: (n) => `绕行 ${n} 倍`, parts: (n) => `${n} 处`,
      levels: { city: "市", district: "区", subdistrict: "街道", community: "社区", grid: "网格" },
    },
    en: {
      report: "Report to print (one page)", file: "GeoPackage (QGIS)", reportOf: (name) => `${name}: report to print`, distances: "How far to the nearest", metres: "m", minutes: "min", beyond: (n, unit) => `> ${n} ${unit}`, unreached: "unreached", median: (m) => `median ${m}`, limit: "within the limit",
      equity: "Equity", gini: "Gini of distance", spread: "Between areas", ratio: (n) => `× ${n}`, least: "least", greatest: "greatest", level: "Level",
      apart: "Served straight, not on foot", apartNone: "All that a straight line serves is reached on foot", detour: (n) => `${n} × the line`, parts: (n) => `${n} places`,
      levels: { city: "City", district: "Districts", subdistrict: "Subdistricts", community: "Communities", grid: "Grid" },
    },
  };
  const words = () => TEXTS[chengtu.lang];
  chengtu.valueName = () => ({ zh: "数值", en: "Value" })[chengtu.lang];
  chengtu.reportWords = (name) => words().reportOf(name);
  chengtu.levelName = (level) => words().levels[level] || level;

  const row = (run, list, mode) => (list || []).find((one) => one.tier === run.tier && (mode === undefined || one.mode === mode));
  const known = (value) => value !== null && value !== undefined;

  /** Ways on from the page: the report to print, all of the run as a file; a page that stands alone has none. */
  chengtu.runLinks = function (app) {
    const { run } = app, { report, file } = run.options, w = words();
    if (!report || run.options.data) return null;
    return el("p", { class: "run-links" }, el("a", { class: "way", href: chengtu.viewed(`${report}?${shown(run)}`) }, chengtu.icon("page"), w.report), el("a", { class: "way", href: chengtu.viewed(file), download: "" }, chengtu.icon("download"), w.file));
  };

  /** What is shown as the end of an address; `area` where it is of one area. */
  const shown = (run, more = {}) => new URLSearchParams({ mode: run.mode, tier: run.tier, lang: chengtu.lang, ...more });

  /** The table under `title` (areas, gaps) as files. */
  chengtu.runFiles = function (app, table, title) {
    const { run } = app, address = run.options.tables && run.options.tables[table];
    if (!address || run.options.data) return null;
    return el("span", { class: "files" }, ["csv", "xlsx"].map((form) => el("a", { href: chengtu.viewed(`${address}?${shown(run, { f: form })}`), download: "", "aria-label": `${title}: ${form.toUpperCase()}`, text: form.toUpperCase() })));
  };

  /** The report of one area. */
  chengtu.reportOf = (run, code) => (run.options.report && !run.options.data ? chengtu.viewed(`${run.options.report}?${shown(run, { area: code })}`) : null);

  /** Bars of people or land by distance, both modes beside each other. */
  chengtu.runDistances = function (app, segments, redraw) {
    const { run } = app, w = words(), { histogram } = run.options;
    const modes = run.options.modes.filter((mode) => row(run, histogram, mode));
    if (!modes.length) return null;
    run.unit = run.unit || (run.mode === "walk" ? "minutes" : "metres");
    const found = new Map(modes.map((mode) => [mode, row(run, histogram, mode)]));
    const key = run.by === "people" && [...found.values()].some((one) => one.metres.some((c) => c.people > 0) || one.unreached.people > 0) ? "people" : "land_m2";
    const classes = found.get(modes[0])[run.unit].map((_, i) => modes.map((mode) => found.get(mode)[run.unit][i]));
    const total = Math.max(...modes.map((mode) => sum(found.get(mode), run.unit, key))) || 1;
    const lines = classes.map((pair) => line(label(pair[0], w[run.unit]), pair, modes, key, total, within(pair[0], found.get(modes[0]), run)));
    if (modes.some((mode) => found.get(mode).unreached[key] > 0)) lines.push(line(w.unreached, modes.map((mode) => found.get(mode).unreached), modes, key, total, false));
    while (lines.length > 1 && !lines[lines.length - 1].dataset.filled) lines.pop();
    return el("section", { class: "distances" }, el("h2", null, w.distances),
      segments(w.distances, [["metres", w.metres], ["minutes", w.minutes]], run.unit, (unit) => { run.unit = unit; redraw(); }),
      el("ul", { class: "bars" }, lines),
      el("p", { class: "keys" }, modes.map((mode) => el("span", null, el("i", { class: mode, "aria-hidden": "true" }), ` ${chengtu.t[mode]}`, medianOf(found.get(mode), key)))));
  };

  const sum = (one, unit, key) => one[unit].reduce((all, c) => all + c[key], one.unreached[key]);
  const label = (c, unit) => (c.to === null ? words().beyond(short(c.from), unit) : `${short(c.from)}–${short(c.to)} ${unit}`);
  const short = (n) => chengtu.number(Math.round(n * 10) / 10, Number.isInteger(Math.round(n * 10) / 10) ? 0 : 1);

  function medianOf(one, key) {
    const value = one.median_m[key === "people" ? "people" : "land"];
    return known(value) ? ` · ${words().median(chengtu.length(value))}` : "";
  }

  /** Classes that lie within the tier's greatest limit. */
  function within(c, one, run) {
    const limit = Math.max(...one.limits_m);
    return c.to !== null && c.to <= (run.unit === "metres" ? limit : limit / run.options.speed / 60) + 1e-3;
  }

  function line(name, values, modes, key, total, inside) {
    const amount = (value) => (key === "people" ? chengtu.number(value) : chengtu.area(value));
    const bars = values.map((value, i) => {
      const bar = el("i", { class: modes[i] });
      bar.style.width = `${Math.max(value[key] > 0 ? 0.6 : 0, (value[key] / total) * 100)}%`;
      return el("span", { class: "bar-row", title: `${chengtu.t[modes[i]]} ${amount(value[key])}` }, bar, el("small", { text: value[key] > 0 ? chengtu.percent(value[key] / total, 1) : "" }));
    });
    return el("li", { class: inside ? "inside" : null, title: inside ? words().limit : null, "data-filled": values.some((value) => value[key] > 0) ? "yes" : null }, el("span", { class: "bar-name", text: name }), el("span", { class: "bar-pair" }, bars));
  }

  /** Gini of distance, and the least and greatest share of the areas shown. */
  chengtu.runEquity = function (app) {
    const { run } = app, w = words(), one = row(run, run.options.equity, run.mode);
    if (!one) return null;
    const spread = one.levels.find((level) => level.level === run.level) || one.levels[0];
    const rows = [known(one.gini_distance) && [w.gini, one.gini_distance.toFixed(2)], ...(spread && spread.areas > 1 ? spreadRows(run, spread, w) : [])].filter(Boolean);
    return rows.length ? el("section", { class: "facts" }, el("h2", { text: w.equity }), el("dl", null, rows.map(([name, value]) => el("div", { class: "row" }, el("dt", { text: name }), el("dd", { text: value, dir: "auto" }))))) : null;
  };

  const nameOf = (run, area) => (run.rows.find((one) => one.code === area.code) || area).name || area.code;
  const spreadRows = (run, spread, w) => [
    [w.least, `${nameOf(run, spread.min)} ${chengtu.percent(spread.min.share)}`],
    [w.greatest, `${nameOf(run, spread.max)} ${chengtu.percent(spread.max.share)}${known(spread.ratio) ? ` (${w.ratio(spread.ratio.toFixed(1))})` : ""}`],
  ];

  /** What a straight line serves and a walk does not, by likely cause. */
  chengtu.runApart = function (app) {
    const { run } = app, w = words(), one = row(run, run.options.difference);
    if (!one || run.options.modes.length < 2) return null;
    if (!one.parts) return el("section", null, el("h2", { text: w.apart }), el("p", { class: "note", text: w.apartNone }));
    const counted = one.people > 0;
    const amount = (part) => (counted ? `${chengtu.number(part.people)} ${chengtu.t.person}` : chengtu.area(part.land_m2));
    const lines = one.causes.map((cause) => el("li", null, el("span", { text: cause.title }), el("span", { class: "apart-figures" }, el("strong", { text: amount(cause) }), el("small", { text: [w.parts(chengtu.number(cause.parts)), known(cause.detour_median) && w.detour(cause.detour_median.toFixed(1))].filter(Boolean).join(" · ") }))));
    return el("section", null, el("h2", null, w.apart, el("span", { class: "muted", text: ` ${amount(one)}` })), el("ul", { class: "apart" }, lines));
  };
})();
