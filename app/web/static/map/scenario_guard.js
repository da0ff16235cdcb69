"use strict";
// Where to rebuild what a scenario takes away: sites nearby that make up for the loss, drawn, listed, added by a press.
(function () {
  const chengtu = window.chengtu, { el } = chengtu, { planner } = chengtu;
  const LISTED = 6, COLOUR = "#0b7a5b";
  const TEXTS = {
    zh: {
      ask: "就近重建", title: "就近重建（拆一补一）", working: "正在比选地点…", hide: "收起", unharmed: "去掉它，本指标的覆盖不变，无需重建。", none: (n, m) => `${m}以内比选 ${n} 处，没有合适的地点。`, tried: (n, m) => `${m}以内比选 ${n} 处，好的在前。`,
      kinds: { street: "街边", lattice: "空地", reopened: "闲置设施重新启用", public_property: "国有房产" }, far: (text) => `距原址 ${text}`, whole: "可全部补上", part: (text) => `补回 ${text}`, add: "加入", plan: "单独一处补不上，以下几处合起来可以。",
    },
    en: {
      ask: "Where to rebuild", title: "Where to rebuild nearby", working: "Trying sites…", hide: "Hide", unharmed: "Without it this metric's coverage stays as it is: nothing to rebuild.", none: (n, m) => `${n} sites tried within ${m}; none fits.`, tried: (n, m) => `${n} sites tried within ${m}, the best first.`,
      kinds: { street: "By a street", lattice: "Open ground", reopened: "An unused facility, reopened", public_property: "Public property" }, far: (text) => `${text} from the old place`, whole: "makes up for all", part: (text) => `brings back ${text}`, add: "Add", plan: "No site alone makes up for it; these together do.",
    },
  };
  const words = () => TEXTS[chengtu.lang];

  /** A button that asks for sites, where a change takes a facility away; nothing for other changes. */
  planner.guardButton = (app, patch) => (["remove", "close"].includes(patch.do) ? planner.action(words().ask, () => ask(app, patch), "quiet guard-ask") : null);

  /** Forget the sites: the changes that they were found for are others now. */
  planner.forgetSites = function (app) {
    app.plan.guarded = null;
    app.plan.sites.replaceChildren();
    planner.draw(app, "scenario/sites", null);
  };

  async function ask(app, patch) {
    const { plan } = app, asked = (plan.guarded = {}), current = () => plan.guarded === asked;
    const tell = (how) => { if (current()) plan.sites.replaceChildren(planner.progress(how)); };
    tell({ share: null, text: words().working });
    try {
      const answer = await planner.compute("/scenarios/guard", { policy: plan.policy.id, mode: "both", remove: { class: patch.class, code: patch.code } }, tell);
      if (!current()) return;
      Object.assign(asked, { patch, answer });
      show(app);
    } catch (error) { if (current()) plan.sites.replaceChildren(planner.trouble(error)); }
  }

  /** What of the answer is offered: a plan of several sites where one alone does not do. */
  const offered = (answer) => (planned(answer) ? answer.plan : answer.sites).slice(0, LISTED);
  // of a plan each site is told together with those before it
  const planned = ({ plan }) => plan.length > 1 && plan[plan.length - 1].restores;

  function show(app) {
    const { plan } = app, w = words(), { patch, answer } = plan.guarded, found = answer.falls ? offered(answer) : [], within = planner.metres(answer.within_m);
    const told = !answer.falls ? w.unharmed : !found.length ? w.none(answer.sites_tried, within) : planned(answer) ? w.plan : w.tried(answer.sites_tried, within);
    plan.sites.replaceChildren(el("section", { class: "guard" }, el("h3", null, w.title, chengtu.button("close", w.hide, () => planner.forgetSites(app), { class: "plain" })), el("p", { class: "note", role: "status", text: told }), found.length > 0 && el("ol", { class: "patches" }, found.map((site) => line(app, patch, site)))));
    const renderer = planner.pane(app, "plan-top"), dot = (site) => L.circleMarker([site.lat, site.lon], { renderer, interactive: false, radius: site.restores ? 8 : 6, color: "#ffffff", weight: 2, fillColor: COLOUR, fillOpacity: site.restores ? 1 : 0.55 });
    planner.draw(app, "scenario/sites", found.length ? L.layerGroup(found.map(dot)) : null);
  }

  function line(app, patch, site) {
    const { plan } = app, w = words(), geometry = { type: "Point", coordinates: [site.lon, site.lat] };
    const point = (plan.policy.supplies.find((one) => one.id === patch.class) || {}).geometry === "point";
    return el("li", null, el("button", { type: "button", class: "link site", on: { click: () => planner.flyTo(app, geometry) } }, el("span", { text: planner.bracketed(w.kinds[site.kind] || site.kind, site.code), dir: "auto" }), el("small", { text: [w.far(planner.metres(site.distance_m)), site.restores ? w.whole : w.part(most(site))].join(" · ") })),
      point && planner.action(w.add, () => planner.pushPatch(app, { do: "add", class: patch.class, geometry }), "quiet"));
  }

  /** What a site brings back on foot, or straight where nothing is walked. */
  function most({ figures }) {
    const row = figures.find(({ mode }) => mode === "walk") || figures[0] || {};
    return row.people_lost ? planner.people(row.people_restored) : planner.size(row.land_m2_restored);
  }
})();
