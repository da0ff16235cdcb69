"use strict";
// What a run's walks begin and end at: entrances (surveyed gates, derived points) and the land within the walk.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = {
    zh: { title: "步行可达", entrances: "出入口", land: "步行服务范围", apart: "直线达标、步行不达标", parts: (n) => `${n} 处`, gate: "实测出入口", boundary: "由边界推得", self: "设施点位", lead: "到设施", snap: "到道路", metres: "米", none: "没有出入口" },
    en: { title: "Reach on foot", entrances: "Entrances", land: "Service area on foot", apart: "Served straight, not on foot", parts: (n) => `${n} places`, gate: "surveyed gate", boundary: "derived from the boundary", self: "the facility's own point", lead: "to the facility", snap: "to the street", metres: "m", none: "no entrances" },
  };
  const LOOKS = {
    gate: { radius: 5, weight: 2, color: "#ffffff", fillColor: "#7a1fa2", fillOpacity: 1 },
    boundary: { radius: 3.5, weight: 1.5, color: "#7a1fa2", fillColor: "#ffffff", fillOpacity: 0.9 },
    self: { radius: 3.5, weight: 1.5, color: "#7a1fa2", fillColor: "#d9b8e6", fillOpacity: 0.9 },
  };
  const words = () => TEXTS[chengtu.lang];

  /** Two switches; what they show is asked from the engine when it is wanted, so a file that stands alone has none. */
  chengtu.runReach = function (app) {
    const { run } = app, w = words();
    if (!run.options.entrances || run.options.data) return null;
    run.reach = run.reach || new Map();
    return el("section", { class: "reach" }, el("h2", { text: w.title }), el("ul", { class: "plain-list" },
      choice(app, "entrances", w.entrances), run.options.modes.includes("walk") && choice(app, "land", w.land), run.options.modes.length > 1 && choice(app, "apart", w.apart)));
  };

  const APART = { color: "#5b2a86", weight: 1.5, fillColor: "#c51b7d", fillOpacity: 0.55 };

  /** What is on, for the legend: [colour, words, kind]. */
  chengtu.reachLegend = function (app) {
    const w = words(), reach = app.run.reach || new Map(), on = (what) => reach.has(what) && reach.get(what).layer;
    const origins = on("entrances") ? Object.keys(LOOKS).filter((origin) => reach.get("entrances").origins.has(origin)) : [];
    return [...(on("land") ? [["rgb(122 31 162 / 25%)", w.land, "framed"]] : []), ...(on("apart") ? [[APART.fillColor, w.apart, "apart-part"]] : []), ...origins.map((origin) => [null, `${w.entrances} · ${w[origin]}`, `entrance-${origin}`])];
  };

  function choice(app, what, title) {
    const { run } = app, note = el("small", { class: "thin", role: "status" });
    const tell = async (work) => { note.textContent = "…"; note.textContent = await work; };
    const box = el("input", { type: "checkbox", on: { change: (event) => (event.target.checked ? tell(show(app, what)) : tell(hide(app, what))) } });
    const now = run.reach.get(what);
    box.checked = Boolean(now);
    // what is shown of another tier makes room for the same of this one
    if (now) { if (now.tier === run.tier) note.textContent = now.note; else tell(show(app, what)); }
    return el("li", null, el("label", { class: "layer" }, box, el("span", { class: "layer-title" }, el("span", { text: title }), note)));
  }

  async function show(app, what) {
    const { run } = app, wanted = { tier: run.tier, layer: null, note: "" };
    hide(app, what);
    run.reach.set(what, wanted);
    const answer = await fetch(`${run.options[{ land: "serviceArea", apart: "difference_parts" }[what] || what]}?tier=${encodeURIComponent(wanted.tier)}`);
    if (!answer.ok) { chengtu.toast(chengtu.t.failed); run.reach.delete(what); return ""; }
    const found = await answer.json();
    if (run.reach.get(what) !== wanted) return "";
    wanted.layer = { land, apart, entrances: points }[what](found).addTo(app.map);
    wanted.origins = new Set(found.features ? found.features.map((one) => one.properties.origin) : []);
    wanted.note = what === "land" ? "" : what === "apart" ? words().parts(chengtu.number(found.features.length)) : counted(found.features);
    chengtu.drawRunLegend(app);
    return wanted.note;
  }

  function hide(app, what) {
    const now = app.run.reach.get(what);
    if (now && now.layer) now.layer.remove();
    app.run.reach.delete(what);
    chengtu.drawRunLegend(app);
    return "";
  }

  const land = (found) => L.geoJSON(found, { interactive: false, renderer: L.canvas({ pane: "areas" }), style: { color: "#7a1fa2", weight: 1.5, fillColor: "#7a1fa2", fillOpacity: 0.12 } });

  /** Parts of parcels that only a straight line serves. */
  const apart = (found) => L.geoJSON(found, { renderer: L.canvas({ pane: "areas" }), style: APART, onEachFeature: (feature, layer) => layer.bindTooltip(() => apartWords(feature.properties), { sticky: true }) });

  function apartWords(facts) {
    const t = chengtu.t;
    return el("span", { dir: "auto", text: [facts.name || facts.code, `${chengtu.number(Math.round(facts.people || 0))} ${t.person}`, facts.straight_m !== null && `${t.straight} ${chengtu.length(facts.straight_m)}`, facts.walk_m !== null && `${t.walk} ${chengtu.length(facts.walk_m)}`].filter(Boolean).join(" · ") });
  }

  function points(found) {
    const renderer = L.canvas({ pane: "classes" });
    return L.geoJSON(found, {
      pointToLayer: (feature, latlng) => L.circleMarker(latlng, { renderer, ...LOOKS[feature.properties.origin] }),
      onEachFeature: (feature, layer) => layer.bindTooltip(() => told(feature.properties)),
    });
  }

  /** Text of the data goes in as text, never as markup. */
  function told(facts) {
    const w = words(), far = (name, metres) => `${name} ${metres} ${w.metres}`;
    return el("span", { dir: "auto", text: [facts.name || facts.code, w[facts.origin], facts.lead_m > 0 && far(w.lead, facts.lead_m), far(w.snap, facts.snap_m)].filter(Boolean).join(" · ") });
  }

  function counted(features) {
    const w = words(), number = (origin) => features.filter((one) => one.properties.origin === origin).length;
    const parts = Object.keys(LOOKS).filter((origin) => number(origin)).map((origin) => `${w[origin]} ${chengtu.number(number(origin))}`);
    return parts.join(" · ") || w.none;
  }
})();
