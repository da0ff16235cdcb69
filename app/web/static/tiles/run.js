"use strict";
// The panel of a coverage run: which figure is drawn, which of its layers, and what the colours mean.
(function () {
  const chengtu = window.chengtu, { el } = chengtu;
  const SWITCHES = [["coverage_areas", "areas", true], ["coverage_gaps", "gaps", true], ["coverage_units", "units", false], ["coverage_differences", "differences", false]];

  /** Which figure and which collections a page opens with, where it is of a run. */
  chengtu.startRun = function (app) {
    const { figures } = app.view;
    if (figures) app.run = { figure: figures.find((one) => one.on) || figures[0], on: new Map(SWITCHES.map(([id, , on]) => [id, on])) };
  };

  chengtu.runPanel = function (app) {
    const { figures } = app.view, w = chengtu.words();
    const legend = el("div");
    const choose = (figure) => { app.run.figure = figure; chengtu.showRun(app); redraw(); };
    const redraw = () => legend.replaceChildren(...legendOf(app));
    redraw();
    return [
      el("section", { class: "figures", role: "radiogroup" }, el("h2", { text: w.figure }), figures.map((figure) => el("label", null, el("input", { type: "radio", name: "figure", checked: figure === app.run.figure, on: { change: () => choose(figure) } }), el("span", { text: figure.title })))),
      el("section", { class: "toggles" }, el("h2", { text: w.show }), SWITCHES.map(([id, name, on]) => el("label", null, el("input", { type: "checkbox", checked: on, on: { change: (event) => { app.run.on.set(id, event.currentTarget.checked); chengtu.showRun(app); redraw(); } } }), el("span", { text: w[name] })))),
      legend,
    ];
  };

  /** Shows the layers of the chosen figure: their ids are `<collection>-<mode>-<tier>-<kind>`. */
  chengtu.showRun = function (app) {
    const { figure, on } = app.run;
    for (const { id, source, "source-layer": layer } of app.map.getStyle().layers) {
      if (source !== "city") continue;
      const own = layer === "coverage_differences" ? figure.tier : figure.id;
      const wanted = on.get(layer) && id.startsWith(`${layer}-${own}-`);
      app.map.setLayoutProperty(id, "visibility", wanted ? "visible" : "none");
    }
    app.reload();
    app.closeCard();
  };

  /** What the colours of all that is on mean. */
  function legendOf({ view, run: { figure, on } }) {
    const w = chengtu.words(), write = (value) => (figure.shares ? `${Math.round(value * 100)} %` : chengtu.number(value, 2));
    const people = (value) => chengtu.number(value);
    const { colours } = view, percent = (value) => `${Math.round(value * 100)} %`, found = [];
    if (on.get("coverage_areas")) found.push(el("h2", { text: figure.shares ? w.share : w.value }), list(figure.steps.map(([from]) => from), figure.steps.map(([, colour]) => colour), write), el("ul", { class: "steps" }, one(colours.none, chengtu.t.noData)));
    if (on.get("coverage_gaps") && figure.breaks.length) found.push(el("h2", { text: w.people }), list([0, ...figure.breaks], colours.gaps, people));
    if (on.get("coverage_units")) found.push(el("h2", { text: w.units }), list(colours.units.map(([from]) => from), colours.units.map(([, colour]) => colour), percent));
    if (on.get("coverage_differences")) found.push(el("ul", { class: "steps" }, one(colours.difference, w.differences)));
    return found;
  }

  const one = (colour, text) => el("li", null, el("i", { style: { background: colour } }), el("span", { text }));

  function list(limits, colours, write) {
    return el("ul", { class: "steps" }, limits.map((from, n) => el("li", null, el("i", { style: { background: colours[n] } }), el("span", { text: n + 1 < limits.length ? `${write(from)} – ${write(limits[n + 1])}` : `≥ ${write(from)}` }))).reverse());
  }
})();
