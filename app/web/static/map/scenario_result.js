"use strict";
// What a scenario means: before and after, who gains, who loses, drawn and listed; saved as a run.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, { planner, state } = chengtu, { known } = planner;
  // blue and orange, told apart by people with any colour vision
  const COLOURS = { gains: "#1a6fb0", losses: "#c8500a" };
  const LISTED = 12;
  const TEXTS = {
    zh: {
      computing: "计算中…", straight: "直线", walk: "步行", people: "人口", land: "用地", tier: "分项", mode: "方式", was: (text) => `原 ${text}`, points: "个百分点", gains: "受益", losses: "受损", gained: (text) => `受益 ${text}`, lost: (text) => `受损 ${text}`, nobody: "无人受益也无人受损：改动没有影响到本指标。", areas: "受影响的区域", name: "名称", before: "前", after: "后", change: "变化",
      facilities: (a, b) => `计入设施 ${a} → ${b}`, save: "保存这个情景", nameIt: "情景名称", keep: "保存", kept: "已保存。", open: "打开结果页", compare: "与现状对比", noName: "未命名", more: (n) => `另有 ${n} 处`, supposed: "情景推演，不是现状", size: "面积", nearestAfter: "改动后最近", nearestBefore: "改动前最近", untitled: "情景",
    },
    en: {
      computing: "Computing…", straight: "Straight", walk: "On foot", people: "People", land: "Land", tier: "Figure", mode: "Measured", was: (text) => `was ${text}`, points: "points", gains: "Gains", losses: "Losses", gained: (text) => `gain: ${text}`, lost: (text) => `lose: ${text}`, nobody: "Nobody gains and nobody loses: the changes do not touch this metric.", areas: "Areas that change", name: "Name", before: "Before", after: "After", change: "Change",
      facilities: (a, b) => `Facilities counted ${a} → ${b}`, save: "Save this scenario", nameIt: "Name of the scenario", keep: "Save", kept: "Saved.", open: "Open the result", compare: "Compare with today", noName: "Unnamed", more: (n) => `${n} more`, supposed: "A scenario, not the city as it is", size: "Size", nearestAfter: "Nearest after", nearestBefore: "Nearest before", untitled: "Scenario",
    },
  };
  const words = () => TEXTS[chengtu.lang];

  const bodyOf = (plan, name) => ({ policy: plan.policy.id, mode: "both", scenario: { name: name || "", patches: plan.patches.map((patch) => planner.patchBody(plan, patch)) }, ...(name ? { name } : {}) });

  /** Ask what the patches mean; of several questions in a row the last one is answered. */
  planner.computeScenario = async function (app) {
    const { plan } = app, asked = (plan.asked = {}), watch = (how) => { if (plan.asked === asked) plan.work.replaceChildren(planner.progress(how)); };
    watch({ share: null, text: words().computing });
    try {
      const answer = await planner.compute("/coverage", bodyOf(plan), watch);
      if (plan.asked !== asked) return;
      plan.answer = answer;
      plan.work.replaceChildren();
      fill(app);
    } catch (error) {
      if (plan.asked !== asked) return;
      plan.answer = null;
      plan.work.replaceChildren(planner.trouble(error));
      plan.result.replaceChildren();
    }
    planner.drawScenario(app);
  };

  const rows = (plan, list) => list.filter((row) => row.mode === plan.view.mode && row.tier === plan.view.tier);
  const tierTitle = (plan, id) => (plan.policy.tiers.find((one) => one.id === id) || { title: id }).title;

  function fill(app) {
    const { plan } = app, w = words(), { answer, view } = plan;
    const tiers = [...new Set(answer.after.results.map((row) => row.tier))], { modes } = answer;
    const one = (list, ...wanted) => wanted.find((value) => list.includes(value)) || list[0];
    Object.assign(view, { tier: one(tiers, view.tier, state.get("stier")), mode: one(modes, view.mode, state.get("smode"), "walk") });
    const change = (part) => { Object.assign(view, part); state.set("stier", view.tier); state.set("smode", view.mode); fill(app); planner.drawScenario(app); };
    const gains = rows(plan, answer.gains), losses = rows(plan, answer.losses);
    plan.result.replaceChildren(...[
      el("p", null, el("span", { class: "chip", text: w.supposed })),
      el("div", { class: "switches" }, tiers.length > 1 && chengtu.segments(w.tier, tiers.map((id) => [id, tierTitle(plan, id)]), view.tier, (tier) => change({ tier }))),
      el("div", { class: "figures" }, modes.map((mode) => box(plan, mode, () => change({ mode })))),
      !gains.length && !losses.length && el("p", { class: "note", text: w.nobody }),
      list(app, "gains", gains), list(app, "losses", losses), areas(plan), saving(app),
    ].filter(Boolean));
  }

  /** Before and after in one mode; a press shows it on the map. */
  function box(plan, mode, show) {
    const w = words(), { answer, view } = plan, of = (part) => answer[part].results.find((row) => row.mode === mode && row.tier === view.tier);
    const before = of("before"), after = of("after"), change = of("change"), people = known(after.share_of_people), name = people ? "share_of_people" : "share_of_land";
    const sum = (kind) => (people ? planner.people(change[`people_${kind}`]) : planner.size(change[`land_${kind}_m2`]));
    return el("button", { type: "button", class: view.mode === mode ? "figure on" : "figure", "aria-pressed": String(view.mode === mode), on: { click: show } },
      el("span", { class: "figure-name", text: `${w[mode]} · ${people ? w.people : w.land}` }), el("strong", { text: planner.percent(after[name]) }), el("small", { text: w.was(planner.percent(before[name])) }),
      el("b", { class: change[name] > 0 ? "up" : change[name] < 0 ? "down" : null, text: `${planner.points(change[name])} ${w.points}` }),
      el("small", { class: "gains", text: w.gained(sum("gaining")) }), el("small", { class: "losses", text: w.lost(sum("losing")) }),
      el("small", { text: w.facilities(chengtu.number(before.facilities), chengtu.number(after.facilities)) }));
  }

  /** The names of the areas of a row in the page's language, as far as they are known. */
  function areasOf({ options }, row) {
    const names = new Map(options.areas.map((area) => [area.code, area.name]));
    const found = (row.area_path || "").split("/").slice(1).map((code) => names.get(code)).filter(Boolean);
    return found.length ? found : (row.areas || []).slice(1);
  }

  const amount = (row) => (known(row.people) ? planner.people(row.people) : planner.size(row.area_m2));
  const label = (plan, row) => row.name || areasOf(plan, row).slice(-1)[0] || row.code || words().noName;

  function list(app, kind, found) {
    const { plan } = app, w = words();
    if (!found.length) return null;
    const line = (row) => el("li", null, el("button", { type: "button", class: "gap", on: { click: () => planner.flyTo(app, row.geometry) } }, el("i", { "aria-hidden": "true", style: { background: COLOURS[kind] } }),
      el("span", { class: "gap-name" }, el("span", { text: label(plan, row), dir: "auto" }), el("small", { text: areasOf(plan, row).join(" › "), dir: "auto" })),
      el("span", { class: "gap-figures" }, el("strong", { text: amount(row) }), el("small", { text: known(row.nearest_m) ? `${kind === "gains" ? w.nearestBefore : w.nearestAfter} ${planner.metres(row.nearest_m)}` : "" }))));
    return el("section", null, el("h3", null, w[kind], el("span", { class: "muted", text: ` ${found.length}` })), el("ol", { class: "gaps" }, found.slice(0, LISTED).map(line)), found.length > LISTED && el("p", { class: "note", text: w.more(found.length - LISTED) }));
  }

  function areas(plan) {
    const w = words(), found = rows(plan, plan.answer.change.areas);
    if (!found.length) return null;
    const names = new Map(plan.options.areas.map((area) => [area.code, area.name]));
    const of = (part, row) => rows(plan, plan.answer[part].areas).find((one) => one.code === row.code) || {};
    const key = found.some((row) => known(row.share_of_people)) ? "share_of_people" : "share_of_land";
    const column = (title, value, text) => ({ title, numeric: true, value, text });
    return el("section", null, el("h3", { text: w.areas }), chengtu.table([
      { title: w.name, value: (row) => names.get(row.code) || row.name || row.code, text: (row) => names.get(row.code) || row.name || row.code },
      column(w.before, (row) => of("before", row)[key] ?? null, (row) => planner.percent(of("before", row)[key])), column(w.after, (row) => of("after", row)[key] ?? null, (row) => planner.percent(of("after", row)[key])),
      column(w.change, (row) => row[key] ?? null, (row) => planner.points(row[key])),
    ], found, () => {}, 3));
  }

  function saving(app) {
    const { plan } = app, w = words(), told = el("div", { "aria-live": "polite" });
    const name = el("input", { type: "text", maxlength: "200", required: true, value: `${w.untitled} ${new Date().toLocaleDateString(chengtu.locale)}` });
    const send = async (event) => {
      event.preventDefault();
      told.replaceChildren(planner.progress({ share: null, text: w.computing }));
      try {
        const { run } = await planner.compute("/coverage", bodyOf(plan, name.value.trim()), (how) => told.replaceChildren(planner.progress(how)));
        const base = plan.options.newest[plan.policy.id], lang = `lang=${chengtu.lang}`;
        told.replaceChildren(el("p", { role: "status" }, w.kept, " ", el("a", { href: `/coverage/${run}/map?${lang}`, text: w.open }), base && " · ", base && el("a", { href: `/coverage/compare/map?a=${base}&b=${run}&${lang}`, text: w.compare })));
      } catch (error) { told.replaceChildren(planner.trouble(error)); }
    };
    return el("details", { class: "edition-box" }, el("summary", null, el("span", { text: w.save }), chengtu.icon("down")), el("form", { class: "edition", on: { submit: send } }, planner.field(w.nameIt, name), el("div", { class: "actions" }, el("button", { type: "submit", class: "primary", text: w.keep })), told));
  }

  const features = (list) => list.map((row) => ({ type: "Feature", geometry: row.geometry, properties: row }));

  /** Who gains and who loses, on the map. */
  planner.drawScenario = function (app) {
    const { plan } = app;
    for (const kind of ["gains", "losses"]) {
      plan[kind] = plan.answer ? features(rows(plan, plan.answer[kind])) : [];
      planner.draw(app, `scenario/${kind}`, plan[kind].length && (!app.tab || app.tab.id === "scenario") ? planner.shapes(app, plan[kind], "plan", () => ({ color: COLOURS[kind], weight: 1.2, fillColor: COLOURS[kind], fillOpacity: 0.55 })) : null);
    }
  };

  /** What of them is on the map, as rows of the printed sheet. */
  planner.scenarioLegend = (app) => ["gains", "losses"].filter((kind) => app.drawn && app.drawn.has(`scenario/${kind}`)).map((kind) => ({ title: words()[kind], color: COLOURS[kind], shape: "area" }));

  /** What a click finds of them. */
  planner.scenarioHits = function (app, place) {
    const { plan } = app, w = words();
    if (!app.drawn || !plan.gains) return [];
    return ["gains", "losses"].filter((kind) => app.drawn.has(`scenario/${kind}`)).flatMap((kind) => planner.hits(plan[kind], place).map(({ properties: row }) => ({
      layer: { options: { title: w[kind], geometry: "polygon", symbol: { shape: "square", color: COLOURS[kind], glyph: kind === "gains" ? "+" : "−" } } }, id: row.code, chosen: null,
      load: async () => ({ name: label(plan, row), code: row.code, area: areasOf(plan, row).join(" › "), fields: [], values: {}, rows: [[w.people, planner.people(row.people)], [w.size, planner.size(row.area_m2)]] }),
    })));
  };
})();
