"use strict";
// The list by distance and its markers; the classes that are shown.
(function () {
  const chengtu = window.chengtu, field = chengtu.field, { el } = chengtu, t = field.t;
  const SHOWN = 60, APART = 24, TROUBLE = { missing: 2, damaged: 1 };

  /** Show features on the list and on the map, nearest to the origin first. */
  field.showFeatures = function (app, features) {
    const origin = app.origin.at, chosen = new Set(app.classes.filter((cls) => cls.on).map((cls) => cls.id));
    const near = features.filter((one) => chosen.has(one.class)).map((one) => ({ ...one, ...app.local.get(field.keyOf(one)) }))
      .map((one) => [field.distance(origin, one.at), one]).sort((a, b) => a[0] - b[0]).slice(0, SHOWN);
    app.features = new Map(near.map(([, one]) => [field.keyOf(one), one]));
    list(app, near);
    markers(app, near);
  };

  function list(app, near) {
    app.listHead.textContent = { me: t.nearMe, place: t.nearPlace, centre: t.centre }[app.origin.kind];
    app.list.replaceChildren(...near.map(([metres, one]) => row(app, metres, one)));
    app.empty.textContent = t.nothing;
    app.empty.hidden = near.length > 0 || app.loading;
  }

  function row(app, metres, one) {
    const cls = app.classOf(one.class), bearing = Math.round(field.bearing(app.origin.at, one.at));
    const arrow = el("span", { class: "arrow", "aria-hidden": "true", style: { transform: `rotate(${bearing}deg)` }, text: "↑" });
    const open = () => field.openCard(app, one);
    return el("li", {}, el("button", { type: "button", class: "row", on: { click: open }, "data-key": field.keyOf(one) },
      field.symbol(cls, one.state),
      el("span", { class: "what" }, el("b", { text: one.name || one.code || t.noName }), el("span", { text: [cls.title, one.address].filter(Boolean).join(" · ") })),
      el("span", { class: "far" }, el("span", { class: "metres" }, arrow, field.metres(metres)), el("span", { class: `badge ${one.state || ""}`, text: field.stateWord(app.view, one.state) }))));
  }

  function markers(app, near) {
    app.markers.clearLayers();
    const taken = [];
    // The nearest and those that are not as they should be come first; where symbols would lie on each other, dots do.
    const placed = near.slice().sort((a, b) => (TROUBLE[b[1].state] || 0) - (TROUBLE[a[1].state] || 0) || a[0] - b[0]).map(function ([, one]) {
      const at = app.map.latLngToLayerPoint([one.at[1], one.at[0]]), small = taken.some((other) => at.distanceTo(other) < APART);
      if (!small) taken.push(at);
      return [one, small];
    });
    for (const [one, small] of placed.reverse()) {
      const cls = app.classOf(one.class), node = field.symbol(cls, one.state);
      node.classList.toggle("small", small);
      const icon = L.divIcon({ html: node, className: "pin", iconSize: small ? [18, 18] : [34, 34] });
      const marker = L.marker([one.at[1], one.at[0]], { icon, keyboard: false });
      marker.on("click", () => field.openCard(app, one));
      marker.addTo(app.markers);
    }
  }

  /** The sheet on which classes are chosen. */
  field.openFilter = function (app) {
    const boxes = app.classes.map(function (cls) {
      const input = el("input", { type: "checkbox", checked: cls.on, on: { change: () => { cls.on = input.checked; changed(app); } } });
      return [input, el("li", {}, el("label", {}, input, field.symbol(cls), el("span", { class: "what" }, el("b", { text: cls.title })), el("span", { class: "muted", text: chengtu.number(cls.count) })))];
    });
    const every = (on) => () => { boxes.forEach(([input], i) => { input.checked = app.classes[i].on = on; }); changed(app); };
    field.openSheet(app, t.filter, el("div", {}, el("p", { class: "pair" }, el("button", { type: "button", on: { click: every(true) }, text: t.all }), el("button", { type: "button", on: { click: every(false) }, text: t.none })), el("ul", { class: "classes" }, boxes.map(([, item]) => item))));
  };
  function changed(app) {
    field.remember("classes", app.classes.filter((cls) => cls.on).map((cls) => cls.id));
    app.load();
  }
})();
