"use strict";
// What a run's walks begin and end at: entrances (surveyed gates, derived points) and the land within the walk.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const TEXTS = {
    zh: { title: "步行可达", entrances: "出入口", land: "步行服务范围", gate: "实测出入口", boundary: "由边界推得", self: "设施点位", lead: "到设施", snap: "到道路", metres: "米", none: "没有出入口" },
    en: { title: "Reach on foot", entrances: "Entrances", land: "Service area on foot", gate: "surveyed gate", boundary: "derived from the boundary", self: "the facility's own point", lead: "to the facility", snap: "to the street", metres: "m", none: "no entrances" },
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
      choice(app, "entrances", w.entrances), run.options.modes.includes("walk") && choice(app, "land", w.land)));
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
    const answer = await fetch(`${run.options[what === "land" ? "serviceArea" : "entrances"]}?tier=${encodeURIComponent(wanted.tier)}`);
    if (!answer.ok) { chengtu.toast(chengtu.t.failed); run.reach.delete(what); return ""; }
    const found = await answer.json();
    if (run.reach.get(what) !== wanted) return "";
    wanted.layer = (what === "land" ? land(found) : points(found)).addTo(app.map);
    wanted.note = what === "land" ? "" : counted(found.features);
    return wanted.note;
  }

  function hide(app, what) {
    const now = app.run.reach.get(what);
    if (now && now.layer) now.layer.remove();
    app.run.reach.delete(what);
    return "";
  }

  const land = (found) => L.geoJSON(found, { interactive: false, renderer: L.canvas({ pane: "areas" }), style: { color: "#7a1fa2", weight: 1.5, fillColor: "#7a1fa2", fillOpacity: 0.12 } });

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
