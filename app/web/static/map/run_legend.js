"use strict";
// In which classes a run's areas are drawn, by which method, and the legend of everything that its map shows.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  // one hue, light to dark, told apart by people with any colour vision (ColorBrewer GnBu and YlOrBr)
  const TINTS = ["#e3efbf", "#a9dcb0", "#62c0bf", "#2f8fc0", "#154f90"];
  const FIXED = [0, 0.4, 0.6, 0.75, 0.9];
  const GAPS = ["#fee0b0", "#fdb366", "#ee7d22", "#b9480a", "#74290a"];
  const GROUND = [244, 241, 234]; // what areas are drawn over, for the tints of the legend
  const TEXTS = {
    zh: { method: "分级方法", natural: "自然断点", quantiles: "分位数", equal: "等距", fixed: "固定分级", by: (name, n) => `${name}，${n} 级`, shown: "图上其他内容", fixedHint: "0、40、60、75、90 %：各次结果可比" },
    en: { method: "Classes", natural: "Natural breaks", quantiles: "Quantiles", equal: "Equal intervals", fixed: "Fixed", by: (name, n) => `${name}, ${n} ${n === 1 ? "class" : "classes"}`, shown: "Also on the map", fixedHint: "0, 40, 60, 75, 90 %: the same for every run" },
  };
  const words = () => TEXTS[chengtu.lang];
  const known = (value) => value !== null && value !== undefined;

  /** The figure shown of a row: a share of people or land, or the value of what is only counted. */
  chengtu.runShare = (row, by) => (row ? row[row.mode === "count" ? "value" : by === "people" ? "share_of_people" : "share_of_land"] : null);
  /** The unit of a row in words; null for shares. */
  chengtu.runUnit = (row) => (row && row.unit && row.unit !== "share" ? (row.unit_title || {})[chengtu.lang] || row.unit : null);

  const shownRows = (run) => run.rows.filter((row) => row.mode === run.mode && row.tier === run.tier && row.level === run.level);
  const limitsOf = (run) => (run.classes || {})[`${run.level}|${run.mode}|${run.tier}|${run.mode === "count" ? "value" : run.by}`];

  /** The methods that can draw what is shown; shares alone have fixed classes, and what the engine did not classify only those. */
  function methods(run) {
    const shares = !shownRows(run).some(chengtu.runUnit);
    return [...(limitsOf(run) ? ["natural", "quantiles", "equal"] : []), ...(shares ? ["fixed"] : [])];
  }

  /** The classes of what is shown: {colour, from, to, holds(value)}, ascending, and the method that made them. */
  chengtu.runClasses = function (run) {
    const offered = methods(run), method = offered.includes(run.method) ? run.method : offered[0];
    if (method === "fixed") return { method, classes: FIXED.map((from, i) => ({ colour: TINTS[i], from, to: FIXED[i + 1] ?? 1, holds: (value) => value >= from && (i === FIXED.length - 1 || value < FIXED[i + 1]) })) };
    const values = shownRows(run).map((row) => chengtu.runShare(row, run.by)).filter(known);
    const limits = method ? limitsOf(run)[method] : values.length ? [Math.max(...values)] : [];
    const tint = (i) => TINTS[limits.length < 2 ? 2 : Math.round((i * (TINTS.length - 1)) / (limits.length - 1))];
    return { method, classes: limits.map((to, i) => ({ colour: tint(i), from: i ? limits[i - 1] : Math.min(...values), to, holds: (value) => value <= to && (i === 0 || value > limits[i - 1]) })) };
  };

  chengtu.runColour = (run, value) => (run.drawn.classes.find((one) => one.holds(value)) || run.drawn.classes[run.drawn.classes.length - 1] || { colour: TINTS[2] }).colour;
  chengtu.gapColour = (run, people) => GAPS[run.breaks.filter((limit) => people >= limit).length];
  /** How strongly areas are drawn: close by, the streets are what one looks for. */
  chengtu.areaAlpha = (zoom) => (zoom < 14 ? 0.62 : 0.34);

  /** The choice of the method, where there is one. */
  chengtu.runMethods = function (app, change) {
    const { run } = app, w = words(), offered = methods(run);
    if (offered.length < 2) return null;
    const list = el("select", { on: { change: (event) => change(app, { method: event.target.value }) } },
      offered.map((name) => el("option", { value: name, selected: name === run.drawn.method, text: name === "fixed" ? `${w.fixed} (${w.fixedHint})` : w[name] })));
    return el("label", { class: "method" }, el("span", { text: w.method }), list);
  };

  /** Limits between five classes of gaps at the 50, 75, 90 and 97 % quantiles, rounded to 1, 2 or 5. */
  chengtu.gapBreaks = function (people) {
    const sorted = people.filter((n) => n >= 1).sort((a, b) => a - b);
    const found = [0.5, 0.75, 0.9, 0.97].map((q) => round(sorted[Math.floor(q * (sorted.length - 1))] || 0));
    return [...new Set(found.filter((n) => n > 0))].sort((a, b) => a - b);
  };

  function round(n) {
    if (n <= 0) return 0;
    const power = 10 ** Math.floor(Math.log10(n));
    return [1, 2, 5, 10].map((m) => m * power).reduce((a, b) => (Math.abs(b - n) < Math.abs(a - n) ? b : a));
  }

  /** A colour as it looks over the ground at an opacity. */
  function over(colour, alpha) {
    const part = [1, 3, 5].map((i, k) => Math.round(parseInt(colour.slice(i, i + 2), 16) * alpha + GROUND[k] * (1 - alpha)));
    return `rgb(${part.join(", ")})`;
  }

  function line(colour, text, count, kind) {
    const box = el("i", { class: kind || null, "aria-hidden": "true" });
    if (colour) box.style.background = colour;
    return el("li", null, box, el("span", { text, dir: "auto" }), known(count) && el("small", { text: chengtu.number(count) }));
  }

  /** Draw the legend anew, beside the map and, for a phone, in the panel. */
  chengtu.drawRunLegend = function (app) {
    const parts = () => [areaPart(app), gapPart(app.run), shownPart(app)].flat().filter(Boolean);
    const { run } = app, found = parts();
    run.legend.hidden = !found.length;
    run.legend.replaceChildren(...found);
    if (run.panelLegend) run.panelLegend.replaceChildren(...parts());
  };

  function areaPart(app) {
    const { run } = app, t = chengtu.t, w = words(), rows = shownRows(run);
    if (!rows.length) return [];
    const values = rows.map((row) => chengtu.runShare(row, run.by)), sample = rows.find(chengtu.runUnit);
    const write = (value) => (sample ? chengtu.number(value, 2) : chengtu.number(value * 100, 1)), unit = sample ? chengtu.runUnit(sample) : "%";
    const alpha = chengtu.areaAlpha(app.map.getZoom());
    const classes = run.drawn.classes.map((one) => line(over(one.colour, alpha), one.from === one.to || write(one.from) === write(one.to) ? `${write(one.to)} ${unit}` : `${write(one.from)}–${write(one.to)} ${unit}`, values.filter((v) => known(v) && one.holds(v)).length)).reverse();
    const none = values.filter((v) => !known(v)).length;
    if (none) classes.push(line(null, t.noData, none, "hatched"));
    const title = run.mode === "count" ? run.options.tiers.find((tier) => tier.id === run.tier).title : run.by === "people" ? t.areaLegend : t.areaLegendLand;
    return [el("h2", { text: title }), run.drawn.method && run.drawn.classes.length > 0 && el("p", { class: "by-method", text: w.by(w[run.drawn.method], run.drawn.classes.length) }), el("ul", null, classes)];
  }

  function gapPart(run) {
    const t = chengtu.t;
    if (!run.gapRaw || !run.gapRaw.total) return [];
    const people = run.gapRaw.shapes.own.rows.map((row) => row[5].people), limits = [0, ...run.breaks, Infinity];
    const lines = !run.breaks.length ? [line(GAPS[0], t.gap, run.gapRaw.total)]
      : limits.slice(0, -1).map((from, i) => line(GAPS[i], limits[i + 1] === Infinity ? `≥ ${chengtu.number(from)}` : `${chengtu.number(from)}–${chengtu.number(limits[i + 1])}`, people.filter((n) => n >= from && n < limits[i + 1]).length)).reverse();
    return [el("h2", { text: run.breaks.length ? t.gapLegend : t.gaps }), el("ul", null, lines)];
  }

  /** Facilities and other classes that are on, entrances, the land within the walk. */
  function shownPart(app) {
    const layers = app.shownLayers().map(({ options }) => el("li", null, chengtu.swatch(options, 18), el("span", { text: options.title, dir: "auto" })));
    const reach = chengtu.reachLegend(app).map(([colour, text, kind]) => line(colour, text, null, kind));
    return layers.length + reach.length ? [el("h2", { text: words().shown }), el("ul", null, [...layers, ...reach])] : [];
  }
})();
