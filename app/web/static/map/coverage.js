"use strict";
// The coverage tab: a metric, asked of an area and a day with parameters of one's own; computed, shown, saved as an edition.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, { planner, state } = chengtu;
  const TEXTS = {
    zh: {
      title: "覆盖", conditions: "条件与参数", loading: "正在读取…", compute: "计算", again: "重新计算", saved: "已有结果", none: "还没有这样的结果，点击“计算”。", stale: "条件已改动：下面是原来的结果，点击“计算”得到新的。", at: (time) => `计算于 ${time}`, now: "现状", scenario: "情景",
      onMap: "在地图上显示", page: "结果页", report: "打印报告", areas: "区域表（CSV）", gaps: "缺口表（CSV）", compare: "与另一结果对比", facts: "数据与口径", links: "结果与下载",
      edition: "存为本市版本", editionHint: "以这些参数存为本市自己的指标，以后可直接选用；它不会标为官方口径。", id: "编号", idHint: "小写字母、数字与连字符", zh: "中文名称", en: "英文名称", why: "理由", save: "保存", kept: (title) => `已保存“${title}”。`, needs: "先改动至少一项参数。", fresh: "新的结果",
    },
    en: {
      title: "Coverage", conditions: "Conditions", loading: "Reading…", compute: "Compute", again: "Compute again", saved: "Saved results", none: "There is no such result yet: press “Compute”.", stale: "The question has changed: below is the former result, “Compute” brings the new one.", at: (time) => `Computed ${time}`, now: "now", scenario: "scenario",
      onMap: "Show on the map", page: "Result page", report: "Report to print", areas: "Areas (CSV)", gaps: "Gaps (CSV)", compare: "Compare with another", facts: "Data and rules", links: "Result and downloads",
      edition: "Save as the city's edition", editionHint: "Saves the metric with these parameters as the city's own, to be chosen from now on; it is never called official.", id: "Id", idHint: "small letters, digits, hyphens", zh: "Chinese name", en: "English name", why: "Reason", save: "Save", kept: (title) => `“${title}” is saved.`, needs: "Change a parameter first.", fresh: "New result",
    },
  };
  const words = () => TEXTS[chengtu.lang];
  const ID = /^[a-z][a-z0-9_-]{1,60}$/;
  const parsed = (text) => { try { const found = JSON.parse(text); return found && typeof found === "object" && !Array.isArray(found) ? found : {}; } catch { return {}; } };

  chengtu.addIcon("coverage", "M12 21c4.5-5 7-8.5 7-11.5A7 7 0 005 9.500c0 3 2.500 6.500 7 11.500zM12 6.500a3 3 0 100 6 3 3 0 000-6z");
  chengtu.addTab({ id: "coverage", icon: "coverage", order: 20, title: { zh: TEXTS.zh.title, en: TEXTS.en.title }, when: planner.offered, build, shown });

  function build(app) {
    const root = el("div", { class: "planner" }, el("p", { class: "note", role: "status", text: words().loading }));
    const cover = (app.cover = { root, form: el("div", { class: "ask" }), work: el("div", { class: "work", "aria-live": "polite" }), result: el("div", { class: "result" }), runs: [], run: null, view: null, drawn: null, onMap: true });
    app.extra.push((place) => (cover.drawn && cover.onMap ? planner.runHits(app, cover.drawn, place) : []));
    planner.printed(app, () => (cover.drawn && app.drawn.has("coverage/areas") ? planner.legendRows(cover.drawn) : []));
    begin(app).catch((error) => root.replaceChildren(planner.trouble(error)));
    return root;
  }

  async function begin(app) {
    const { cover } = app;
    cover.options = await planner.options();
    cover.root.replaceChildren(cover.form, cover.work, cover.result);
    const asked = state.get("run");
    if (asked) {
      try { await openRun(app, asked); return; } catch (error) { if (error.status !== 404) throw error; state.set("run", null); }
    }
    const { policies, newest } = cover.options;
    const wanted = policies.find((one) => one.id === state.get("policy")) || policies.find((one) => one.default && newest[one.id]) || policies[0];
    await choose(app, wanted, { mode: state.get("how") || "both", area: state.get("area"), as_of: state.get("day") || dayOfPage(app), parameters: parsed(state.get("params")) });
  }

  const dayOfPage = ({ page: { time } }) => (time && !time.now ? time.as_of : null);
  const blank = (app) => ({ mode: "both", area: null, as_of: dayOfPage(app), parameters: {} });

  /** Choose a policy: its saved runs are read, and the newest that answers the question is shown at once. */
  async function choose(app, policy, asked) {
    const { cover } = app;
    Object.assign(cover, { policy, asked, runs: [] });
    remember(app);
    form(app);
    const { runs } = await planner.ask(`/map/planner/runs.json?policy=${encodeURIComponent(policy.id)}`);
    if (cover.policy !== policy) return;
    cover.runs = runs;
    await offer(app);
  }

  function remember({ cover: { policy, asked } }) {
    state.set("policy", policy.id);
    state.set("how", asked.mode === "both" ? null : asked.mode);
    state.set("area", asked.area);
    state.set("day", asked.as_of);
    state.set("params", Object.keys(asked.parameters).length ? JSON.stringify(asked.parameters) : null);
  }

  const plain = (given) => JSON.stringify(Object.keys(given).filter((name) => given[name] !== null && !(Array.isArray(given[name]) && !given[name].length)).sort().map((name) => [name, given[name]]));

  /** Whether a saved run answers what is asked. */
  function answers({ policy, asked }, run) {
    const modes = policy.kind !== "reach" || (asked.mode === "both" ? run.modes.length > 1 : run.modes.includes(asked.mode));
    return run.policy === policy.id && modes && !run.scenario && !run.known_at && (run.area || null) === (asked.area || null) && (run.as_of || null) === (asked.as_of || null) && plain(run.asked) === plain(asked.parameters);
  }

  /** Show the newest saved run that answers the question; without one, what is shown is told to be another's. */
  async function offer(app) {
    const { cover } = app, found = cover.runs.find((run) => answers(cover, run));
    if (found && (!cover.run || cover.run.run !== found.run)) await show(app, found.run);
    else if (!found && cover.run && cover.run.policy !== cover.policy.id) clear(app);
    form(app);
    fill(app);
  }

  function clear(app) {
    app.cover.run = null;
    app.cover.drawn = null;
    state.set("run", null);
    planner.wipe(app, "coverage");
  }

  /** A run by its address: the form is set to what it was asked. */
  async function openRun(app, id) {
    const { cover } = app;
    await show(app, id);
    const { run } = cover;
    cover.policy = cover.options.policies.find((one) => one.id === run.policy) || cover.options.policies[0];
    cover.asked = { mode: run.modes.length > 1 ? "both" : run.modes[0] === "count" ? "both" : run.modes[0], area: run.area, as_of: run.as_of, parameters: { ...run.asked } };
    remember(app);
    cover.runs = (await planner.ask(`/map/planner/runs.json?policy=${encodeURIComponent(cover.policy.id)}`)).runs;
    form(app);
    fill(app);
  }

  async function show(app, id) {
    const { cover } = app, version = "v=2";
    cover.wanted = id;
    const run = await planner.ask(`/map/planner/runs/${encodeURIComponent(id)}.json?${version}`);
    if (cover.wanted !== id) return;
    Object.assign(cover, { run, gaps: new Map(), view: planner.viewOf(run, { mode: state.get("mode"), tier: state.get("tier"), by: state.get("by"), level: state.get("level") }) });
    state.set("run", run.run);
    await draw(app);
    if (!cover.seen && run.bounds && !chengtu.state.place()) chengtu.fit(app, run.bounds);
    cover.seen = true;
  }

  /** Draw the run's areas and the gaps of its view. */
  async function draw(app) {
    const { cover } = app, { run, view } = cover, key = `${view.mode}/${view.tier}`;
    if (!cover.gaps.has(key)) cover.gaps.set(key, await planner.ask(`/map/planner/runs/${run.run}/gaps/${view.mode}/${encodeURIComponent(view.tier)}.json?v=2`));
    if (cover.run !== run || cover.view !== view) return;
    cover.drawn = planner.drawRun(app, run, view, cover.gaps.get(key));
    if (!cover.onMap || (app.tab && app.tab.id !== "coverage")) planner.wipe(app, "coverage");
  }

  async function change(app, part) {
    const { cover } = app;
    cover.view = { ...cover.view, ...part };
    for (const [name, value] of Object.entries(part)) state.set(name, value);
    try { await draw(app); } catch (error) { cover.work.replaceChildren(planner.trouble(error)); return; }
    fill(app);
  }

  // what stands in the panel

  function form(app) {
    const { cover } = app, w = words(), { policies, areas } = cover.options;
    const trouble = (error) => cover.work.replaceChildren(planner.trouble(error));
    const changed = () => { remember(app); cover.work.replaceChildren(); offer(app).catch(trouble); };
    if (cover.askedOf !== cover.asked) {
      cover.askedOf = cover.asked;
      cover.saved = el("div", { class: "saved" });
      cover.told = el("span", { class: "muted" });
      const open = Boolean(cover.conditions && cover.conditions.open && cover.formOf === cover.policy);
      cover.formOf = cover.policy;
      cover.conditions = el("details", { class: "conditions-box", open }, el("summary", null, el("span", { text: w.conditions }), cover.told, chengtu.icon("down")), planner.askForm(cover.policy, areas, cover.asked, changed));
      const pick = (id) => choose(app, policies.find((one) => one.id === id), blank(app)).catch(trouble);
      cover.form.replaceChildren(planner.policySelect(policies, cover.policy.id, pick), planner.policyCard(cover.policy), cover.conditions, cover.saved);
    }
    cover.told.textContent = planner.askWords(cover.policy, areas, cover.asked);
    cover.saved.replaceChildren(...saved(app), planner.computes(app) && planner.action(cover.runs.some((run) => answers(cover, run)) ? w.again : w.compute, () => compute(app), "primary", { "data-do": "compute" }) || "");
  }

  function saved(app) {
    const { cover } = app, w = words(), { runs, run } = cover;
    if (!runs.length) return [el("p", { class: "note", text: w.none })];
    const label = (one) => [planner.moment(one.at), ...(one.words.length ? one.words : [w.now])].join(" · ");
    const shown = run && runs.some((one) => one.run === run.run) ? run.run : "";
    const pick = (id) => { if (id) openRun(app, id).catch((error) => cover.work.replaceChildren(planner.trouble(error))); };
    return [planner.field(w.saved, planner.select([...(shown ? [] : [["", "—"]]), ...runs.map((one) => [one.run, label(one)])], shown, pick))];
  }

  async function compute(app) {
    const { cover } = app, w = words(), button = cover.form.querySelector("[data-do=compute]");
    const { policy, asked } = cover;
    button.disabled = true;
    cover.work.replaceChildren(planner.progress({ share: null, text: w.loading }));
    try {
      const found = await planner.compute("/coverage", { policy: policy.id, mode: asked.mode, area: asked.area, as_of: asked.as_of, parameters: asked.parameters }, (how) => cover.work.replaceChildren(planner.progress(how)));
      cover.work.replaceChildren();
      if (cover.policy !== policy) return;
      await show(app, found.run);
      cover.runs = (await planner.ask(`/map/planner/runs.json?policy=${encodeURIComponent(policy.id)}`)).runs;
      form(app);
      fill(app);
    } catch (error) { cover.work.replaceChildren(planner.trouble(error)); } finally { for (const one of cover.form.querySelectorAll("[data-do=compute]")) one.disabled = false; }
  }

  function fill(app) {
    const { cover } = app, w = words(), { run, view, drawn } = cover;
    if (!run) return cover.result.replaceChildren();
    const stale = !answers(cover, run);
    const box = planner.tick(w.onMap, cover.onMap, (on) => { cover.onMap = on; draw(app); });
    cover.result.replaceChildren(...[
      stale && run.policy === cover.policy.id && !run.scenario && el("p", { class: "note warn", role: "status", text: w.stale }),
      run.policy !== cover.policy.id && el("h2", { text: run.title, dir: "auto" }), el("p", { class: "muted", text: [...run.words, w.at(planner.moment(run.at))].join(" · "), dir: "auto" }),
      planner.standing(run), planner.viewSwitches(run, view, (part) => change(app, part)), planner.figures(run, view), box, drawn && planner.legend(drawn),
      planner.ranking(app, run, view), drawn && planner.gapList(app, run, view, cover.gaps.get(`${view.mode}/${view.tier}`)), links(app), edition(app), facts(run),
    ].filter(Boolean));
    return null;
  }

  function links(app) {
    const w = words(), { run, view } = app.cover, lang = `lang=${chengtu.lang}`, of = `mode=${view.mode}&tier=${encodeURIComponent(view.tier)}`;
    const link = (href, text) => el("li", null, el("a", { href, text }));
    return el("section", null, el("h3", { text: w.links }), el("ul", { class: "plan-links" },
      link(`/coverage/${run.run}/map?${lang}`, w.page), link(`/coverage/${run.run}/report?${lang}${run.area ? `&area=${encodeURIComponent(run.area)}` : ""}`, w.report),
      link(`/coverage/${run.run}/areas?f=csv&${of}&${lang}`, w.areas), link(`/coverage/${run.run}/gaps?f=csv&${of}&${lang}`, w.gaps),
      el("li", null, planner.action(w.compare, () => { state.set("b", run.run); chengtu.openTab(app, "side"); }, "link"))));
  }

  const facts = (run) => el("details", { class: "facts" }, el("summary", null, el("span", { text: words().facts }), chengtu.icon("down")), el("dl", null, run.facts.map(([name, value]) => el("div", { class: "row" }, el("dt", { text: name }), el("dd", { text: value, dir: "auto" })))));

  /** What an edition sets already, with what is asked above it; tier by tier where both are told by tier. */
  function merged(before, given) {
    const found = { ...before };
    for (const [name, value] of Object.entries(given)) {
      const both = [found[name], value].every((one) => one && typeof one === "object" && !Array.isArray(one));
      found[name] = both ? { ...found[name], ...value } : value;
    }
    return found;
  }

  /** The parameters saved as a policy of the city's own. */
  function edition(app) {
    const { cover } = app, w = words(), { policy, asked } = cover;
    if (!Object.keys(asked.parameters).length) return null;
    const input = (value, more) => el("input", { type: "text", maxlength: "200", value, required: true, ...more });
    const id = input(policy.origin === "edition" ? policy.id : `${policy.id}-city`, { pattern: "[a-z][a-z0-9_\\-]{1,60}" });
    const zh = input(`${policy.titles.zh}（本市）`), en = input(`${policy.titles.en} (the city's own)`), why = input("", { required: false, maxlength: "500" });
    const told = el("div", { "aria-live": "polite" });
    const send = async (event) => {
      event.preventDefault();
      if (!ID.test(id.value.trim())) return id.reportValidity();
      const body = { id: id.value.trim(), title: { zh: zh.value.trim(), en: en.value.trim() }, based_on: policy.based_on, parameters: merged(policy.changed, asked.parameters) };
      try {
        const kept = await planner.ask(`/policies${why.value.trim() ? `?why=${encodeURIComponent(why.value.trim())}` : ""}`, { method: "POST", body });
        chengtu.toast(w.kept(kept.title[chengtu.lang]));
        planner.renew();
        cover.options = await planner.options();
        await choose(app, cover.options.policies.find((one) => one.id === kept.id), blank(app));
      } catch (error) { told.replaceChildren(planner.trouble(error)); }
      return null;
    };
    const box = el("form", { class: "edition", on: { submit: send } }, el("p", { class: "note", text: w.editionHint }), planner.field(w.id, id, w.idHint), planner.field(w.zh, zh), planner.field(w.en, en), planner.field(w.why, why), told, el("div", { class: "actions" }, el("button", { type: "submit", class: "primary", text: w.save })));
    return el("details", { class: "edition-box" }, el("summary", null, el("span", { text: w.edition }), chengtu.icon("down")), box);
  }

  function shown(app) {
    planner.only(app, "coverage");
    if (app.cover.run && app.cover.gaps && app.cover.view) draw(app).catch(() => {});
  }
})();
