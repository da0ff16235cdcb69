"use strict";
// A saved run in the coverage tab: figures straight beside walked, areas in order, gaps by people, all of it on the map.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, { planner } = chengtu, { known } = planner;
  // one hue, light to dark, told apart by people with any colour vision (ColorBrewer GnBu and YlOrBr)
  const SHARES = [[0, "#e3efbf"], [0.4, "#a9dcb0"], [0.6, "#62c0bf"], [0.75, "#2f8fc0"], [0.9, "#154f90"]];
  const GAPS = ["#fee0b0", "#fdb366", "#ee7d22", "#b9480a", "#74290a"];
  const LISTED = 10, MORE = 40;
  const TEXTS = {
    zh: {
      official: "官方口径", reference: "参考口径", why: "为何不是官方口径", straight: "直线", walk: "步行", count: "计数", people: "人口", land: "用地", by: "按", mode: "方式", tier: "分项", level: "层级", met: "达标", unmet: "未达标", target: "目标", noTarget: "未设目标", notRun: "未计算", noPeople: "没有人口数据",
      areas: "区域排名", name: "名称", gaps: "缺口（人口最多者在前）", gapsLand: "缺口（面积最大者在前）", gap: "缺口", noGaps: "没有缺口", noGapsPeople: (n) => `居住用地上没有缺口；人口格网中另有 ${n} 未被覆盖。`, more: (n) => `再列 ${n} 处`, nearest: "最近设施", unreachable: "不可达", of: (n, m) => `${n} / ${m}`,
      noData: "无数字", value: "数值", noName: "未命名", shareOfPeople: "覆盖率（人口）", shareOfLand: "覆盖率（用地）", size: "面积", district: "区域", drawn: (n, m) => `图上绘出人口最多的 ${n} 处，共 ${m} 处。`, outside: "数据范围外的人口（未计入）",
    },
    en: {
      official: "Official figure", reference: "Reference figure", why: "Why it is no official figure", straight: "Straight", walk: "On foot", count: "Counted", people: "People", land: "Land", by: "By", mode: "Measured", tier: "Figure", level: "Level", met: "Met", unmet: "Not met", target: "Target", noTarget: "No target", notRun: "Not computed", noPeople: "no data on people",
      areas: "Areas in order", name: "Name", gaps: "Gaps, most people first", gapsLand: "Gaps, largest first", gap: "Gap", noGaps: "No gaps", noGapsPeople: (n) => `No gaps on residential land; ${n} in cells of the population grid are not served.`, more: (n) => `${n} more`, nearest: "Nearest", unreachable: "unreachable", of: (n, m) => `${n} / ${m}`,
      noData: "No figure", value: "Value", noName: "Unnamed", shareOfPeople: "Coverage (of people)", shareOfLand: "Coverage (of land)", size: "Size", district: "Area", drawn: (n, m) => `The ${n} with most people of ${m} are drawn.`, outside: "People outside the data (not counted)",
    },
  };
  const words = () => TEXTS[chengtu.lang];

  // figures

  const shareOf = (row, by) => (row ? row[row.mode === "count" ? "value" : by === "people" ? "share_of_people" : "share_of_land"] : null) ?? null;
  const unitOf = (row) => (row && row.unit && row.unit !== "share" ? (row.unit_title || {})[chengtu.lang] || row.unit : null);
  const written = (row, value) => (!known(value) ? "—" : unitOf(row) ? `${chengtu.number(value, 2)} ${unitOf(row)}` : planner.percent(value));
  const step = (value, steps) => { let found = steps[0]; for (const one of steps) if (value >= one[0]) found = one; return found[1]; };

  /** What a view of a run opens with: an official figure is measured straight and by land. */
  planner.viewOf = function (run, asked) {
    const wanted = run.official ? "straight" : "walk";
    const mode = run.modes.includes(asked.mode) ? asked.mode : run.modes.includes(wanted) ? wanted : run.modes[0];
    const tier = run.tiers.some((one) => one.id === asked.tier) ? asked.tier : run.tiers[0].id;
    const levels = run.levels.filter((level) => level !== "city" || run.levels.length === 1);
    return { mode, tier, by: asked.by || (run.official ? "land" : run.by), level: levels.includes(asked.level) ? asked.level : levels[0] || null, levels };
  };

  /** Official or not, and why. */
  planner.standing = function (run) {
    const w = words(), chip = el("span", { class: run.official ? "chip good" : "chip", text: run.official ? w.official : w.reference });
    if (!run.differs.length) return el("p", { class: "standing" }, chip);
    return el("details", { class: "standing" }, el("summary", null, chip, el("span", { class: "muted", text: w.why }), chengtu.icon("down")), el("ul", null, run.differs.map((text) => el("li", { text }))));
  };

  /** The figures of the whole in each mode; the one on the map is framed. */
  planner.figures = function (run, view) {
    const w = words(), rows = run.results.filter((row) => row.tier === view.tier);
    if (view.mode === "count") return el("div", { class: "figures one" }, rows.map((row) => el("section", { class: "figure on" }, counted(row))));
    return el("div", { class: "figures" }, ["straight", "walk"].map((mode) => {
      const row = rows.find((one) => one.mode === mode);
      return el("section", { class: mode === view.mode ? "figure on" : "figure" }, el("h3", { text: w[mode] }), row ? reached(row) : el("p", { class: "muted", text: w.notRun }));
    }));
  };

  function reached(row) {
    const w = words();
    const part = (name, value, detail, official) => el("div", { class: "measure" }, el("strong", { text: planner.percent(value) }), el("span", { class: "muted" }, official && el("span", { class: "chip good", text: w.official }), ` ${name}`), bar(value, row.target), detail && el("small", { text: detail }));
    return [
      part(w.people, row.share_of_people, known(row.people) && known(row.people_served) ? planner.peopleOf(row.people_served, row.people) : w.noPeople),
      part(w.land, row.share_of_land, known(row.land_m2) && known(row.land_served_m2) ? w.of(planner.size(row.land_served_m2), planner.size(row.land_m2)) : null, row.official),
      verdict(row), row.reason && el("p", { class: "note", text: row.reason }),
    ].filter(Boolean);
  }

  function counted(row) {
    const detail = known(row.numerator) && known(row.denominator) ? words().of(chengtu.number(row.numerator, 2), chengtu.number(row.denominator, 2)) : "";
    return [el("div", { class: "measure" }, el("strong", { text: written(row, row.value) }), el("span", { class: "muted", text: detail }), !unitOf(row) && bar(row.value, row.target)), verdict(row), row.reason && el("p", { class: "note", text: row.reason })].filter(Boolean);
  }

  const SIGNS = { at_least: "≥", at_most: "≤", between: "" };
  function verdict(row) {
    const w = words(), range = [row.target, row.target_is === "between" ? row.target_to : null].filter(known);
    const text = range.length ? `${w.target} ${SIGNS[row.target_is] ?? "≥"} ${range.map((value) => written(row, value)).join(" – ")}` : w.noTarget;
    return el("p", { class: "verdict" }, known(row.met) && el("span", { class: row.met ? "chip good" : "chip bad", text: row.met ? w.met : w.unmet }), el("span", { class: "muted", text }));
  }

  function bar(value, target) {
    const inner = el("i", { style: { width: `${Math.min(1, value || 0) * 100}%` } });
    return el("span", { class: "bar", "aria-hidden": "true" }, inner, known(target) && target > 0 && target <= 1 && el("b", { style: { left: `${target * 100}%` } }));
  }

  /** Switches of what is shown: tier, mode, by people or land, level. */
  planner.viewSwitches = function (run, view, change) {
    const w = words(), { segments } = chengtu;
    return el("div", { class: "switches" },
      run.tiers.length > 1 && segments(w.tier, run.tiers.map((one) => [one.id, one.title]), view.tier, (tier) => change({ tier })),
      el("div", { class: "pair" }, run.modes.length > 1 && segments(w.mode, run.modes.map((mode) => [mode, w[mode]]), view.mode, (mode) => change({ mode })),
        view.mode !== "count" && segments(w.by, [["people", w.people], ["land", w.land]], view.by, (by) => change({ by }))),
      view.levels.length > 1 && segments(w.level, view.levels.map((level) => [level, chengtu.levelName(level)]), view.level, (level) => change({ level })));
  };

  const rowsOf = (run, view, mode = view.mode) => run.areas.filter((row) => row.tier === view.tier && row.level === view.level && row.mode === mode);

  /** Areas of the level shown, worst first; a row flies there. */
  planner.ranking = function (app, run, view) {
    const w = words(), rows = rowsOf(run, view);
    if (!rows.length) return null;
    const other = new Map(run.modes.map((mode) => [mode, new Map(rowsOf(run, view, mode).map((row) => [row.code, row]))]));
    const value = (mode) => (row) => shareOf(other.get(mode).get(row.code), view.by);
    const column = (mode) => ({ title: mode === "count" ? w.value : w[mode], numeric: true, value: value(mode), text: (row) => written(row, value(mode)(row)), hint: (row) => (other.get(mode).get(row.code) || {}).reason || null });
    const columns = [{ title: w.name, value: (row) => row.name || row.code, text: (row) => row.name || row.code }, ...run.modes.map(column),
      view.mode !== "count" && { title: w.people, numeric: true, value: (row) => row.people, text: (row) => (known(row.people) ? chengtu.number(row.people) : "—") }].filter(Boolean);
    const fly = (row) => { if (run.shapes[row.code]) planner.flyTo(app, run.shapes[row.code]); };
    return el("section", null, el("h3", { text: view.mode === "count" ? w.areas : `${w.areas} · ${view.by === "people" ? w.people : w.land}` }), chengtu.table(columns, rows, fly, Math.max(1, run.modes.indexOf(view.mode) + 1)));
  };

  // gaps

  const gapName = (gap) => gap.name || gap.areas[gap.areas.length - 1] || words().noName;
  const nearestOf = (gap) => [gap.nearest_name || gap.nearest_code, known(gap.nearest_m) ? planner.metres(gap.nearest_m) : words().unreachable].filter(Boolean).join(" · ");

  /** The gaps of the view as a list; one that is chosen is flown to. */
  planner.gapList = function (app, run, view, gaps) {
    const w = words(), { features } = gaps, byPeople = features.some((one) => one.properties.people >= 1);
    if (view.mode === "count" && !features.length) return null;
    if (!features.length) return el("section", null, el("h3", { text: w.gap }), el("p", { class: "note", text: noGaps(run, view) }));
    const list = el("ol", { class: "gaps" }), rest = el("div", { class: "more" });
    const colour = planner.gapColours(features);
    const grow = (count) => {
      const from = list.children.length;
      list.append(...features.slice(from, from + count).map((one) => gapLine(app, one, colour, byPeople)));
      const left = Math.min(MORE, features.length - list.children.length);
      rest.replaceChildren(...(left > 0 ? [planner.action(w.more(left), () => grow(MORE), "quiet")] : []));
    };
    grow(LISTED);
    return el("section", null, el("h3", null, byPeople ? w.gaps : w.gapsLand, el("span", { class: "muted", text: ` ${chengtu.number(gaps.total)}` })),
      gaps.total > features.length && el("p", { class: "note", text: w.drawn(chengtu.number(features.length), chengtu.number(gaps.total)) }), list, rest);
  };

  function noGaps(run, view) {
    const w = words(), row = run.results.find((one) => one.mode === view.mode && one.tier === view.tier);
    const left = row && known(row.people) && known(row.people_served) ? row.people - row.people_served : 0;
    return left > 0 ? w.noGapsPeople(planner.people(left)) : w.noGaps;
  }

  function gapLine(app, feature, colour, byPeople) {
    const gap = feature.properties;
    return el("li", null, el("button", { type: "button", class: "gap", on: { click: () => planner.flyTo(app, feature.geometry) } },
      el("i", { "aria-hidden": "true", style: { background: colour(gap.people) } }),
      el("span", { class: "gap-name" }, el("span", { text: gapName(gap), dir: "auto" }), el("small", { text: gap.areas.join(" › "), dir: "auto" })),
      el("span", { class: "gap-figures" }, el("strong", { text: byPeople ? planner.people(Math.round(gap.people)) : planner.size(gap.area_m2) }), el("small", { text: nearestOf(gap), title: words().nearest, dir: "auto" }))));
  }

  /** A colour for so many people: five classes at the 50, 75, 90 and 97 % quantiles. */
  planner.gapColours = function (features) {
    const sorted = features.map((one) => one.properties.people || 0).filter((n) => n >= 1).sort((a, b) => a - b);
    const limits = [...new Set([0.5, 0.75, 0.9, 0.97].map((q) => Math.round(sorted[Math.floor(q * (sorted.length - 1))] || 0)).filter((n) => n > 0))];
    const colour = (people) => GAPS[limits.filter((limit) => people >= limit).length];
    colour.limits = limits;
    return colour;
  };

  // the map

  /** Areas by share and gaps by people, under names that begin with `prefix`; colours of gaps by the people in `among`. */
  planner.drawRun = function (app, run, view, gaps, prefix = "coverage", among = gaps.features) {
    const rows = rowsOf(run, view), shown = rows.filter((row) => run.shapes[row.code]);
    const steps = stepsOf(rows);
    const areas = shown.map((row) => ({ type: "Feature", geometry: run.shapes[row.code], properties: row }));
    const fill = (row) => { const value = shareOf(row, view.by); return known(value) ? step(value, steps) : "#c9c9c9"; };
    planner.draw(app, `${prefix}/areas`, planner.shapes(app, areas, "plan-areas", ({ properties }) => ({ color: "#5a6b78", weight: 1.2, fillColor: fill(properties), fillOpacity: 0.42 })));
    const colour = planner.gapColours(among);
    planner.draw(app, `${prefix}/gaps`, planner.shapes(app, gaps.features, "plan", ({ properties }) => ({ color: "#7a2d05", weight: 0.7, fillColor: colour(properties.people || 0), fillOpacity: 0.75 })));
    return { areas, gaps: gaps.features, steps, colour, run, view };
  };

  /** Limits of the colours: shares as they are, values in another unit by their quintiles. */
  function stepsOf(rows) {
    if (!rows.some(unitOf)) return SHARES;
    const values = rows.map((row) => row.value).filter(known).sort((a, b) => a - b);
    const limits = [...new Set([0.2, 0.4, 0.6, 0.8].map((q) => Number((values[Math.floor(q * (values.length - 1))] || 0).toPrecision(2))))].filter((limit) => limit > 0);
    return [0, ...limits].map((limit, i) => [limit, SHARES[Math.round((i * (SHARES.length - 1)) / Math.max(1, limits.length))][1]]);
  }

  /** What the colours mean: the areas' and the gaps' title with [colour, words] of each class. */
  function meanings({ areas, gaps, steps, colour, view }) {
    const w = words(), sample = areas.map((one) => one.properties).find(unitOf);
    const write = (value) => (sample ? chengtu.number(value, 2) : `${value * 100}`), unit = sample ? unitOf(sample) : "%";
    const shares = steps.map(([from, fill], i) => [fill, steps[i + 1] ? `${write(from)}–${write(steps[i + 1][0])} ${unit}` : `≥ ${write(from)} ${unit}`]);
    const limits = [0, ...colour.limits], people = limits.map((from, i) => [GAPS[i], limits[i + 1] ? `${chengtu.number(from)}–${chengtu.number(limits[i + 1])}` : `≥ ${chengtu.number(from)}`]);
    return [
      areas.length > 0 && [view.mode === "count" ? w.value : view.by === "people" ? w.shareOfPeople : w.shareOfLand, shares],
      gaps.length > 0 && [planner.bracketed(w.gap, colour.limits.length && w.people), colour.limits.length ? people : [[GAPS[0], w.gap]]],
    ].filter(Boolean);
  }

  /** The legend in the panel. */
  planner.legend = function (drawn) {
    const box = ([fill, text]) => el("li", null, el("i", { "aria-hidden": "true", style: { background: fill } }), el("span", { text }));
    return el("div", { class: "plan-legend" }, meanings(drawn).map(([title, classes]) => el("div", null, el("h4", { text: title }), el("ul", null, classes.map(box)))));
  };

  /** The same as rows of the printed sheet. */
  planner.legendRows = (drawn) => meanings(drawn).flatMap(([title, classes]) => classes.map(([color, text]) => ({ title: `${title} ${text}`, color, shape: "area" })));

  const pseudo = (title, color, glyph) => ({ options: { title, geometry: "polygon", symbol: { shape: "square", color, glyph } } });

  /** What a click finds of the drawings: gaps, then the area. */
  planner.runHits = function (app, { areas, gaps, run, view }, place) {
    const w = words();
    const found = planner.hits(gaps, place).map((one) => hit(pseudo(w.gap, "#b9480a", chengtu.lang === "zh" ? "缺" : "G"), one, () => gapDetail(one.properties)));
    const under = planner.hits(areas, place).map((one) => hit(pseudo(w.district, "#1a5a99", chengtu.lang === "zh" ? "区" : "A"), one, () => areaDetail(run, view, one.properties)));
    return [...found, ...under];
  };

  const hit = (layer, feature, detail) => ({ layer, id: feature.id || feature.properties.code, chosen: null, load: async () => detail() });

  function gapDetail(gap) {
    const w = words();
    return { name: gapName(gap), code: gap.code, area: gap.areas.join(" › "), fields: [], values: {}, rows: [[w.people, planner.people(Math.round(gap.people || 0))], [w.nearest, nearestOf(gap)], [w.size, planner.size(gap.area_m2)]] };
  }

  function areaDetail(run, view, area) {
    const w = words(), rows = [];
    for (const row of run.areas.filter((one) => one.code === area.code && one.tier === view.tier)) {
      if (row.mode === "count") rows.push([w.value, written(row, row.value)]);
      else rows.push([`${w[row.mode]} · ${w.people}`, written(row, row.share_of_people)], [`${w[row.mode]} · ${w.land}`, written(row, row.share_of_land)]);
      if (row.reason) rows.push([w.noData, row.reason]);
    }
    return { name: area.name || area.code, code: area.code, fields: [], values: {}, rows };
  }
})();
