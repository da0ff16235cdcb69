"use strict";
// How the city's ground and the classes are drawn: a calm ground, so that what lies on it can be read.
(function () {
  const chengtu = window.chengtu;

  const GROUND = {
    water: "#b9d9ec", waterEdge: "#a3cbe2", green: "#dfebd5", park: "#cbe3bd", greenEdge: "#bdd6ae", residential: "#f0ebe3",
    building: "#e4ddd2", buildingEdge: "#d5ccbe", border: "#9a86ad", subBorder: "#b9abc6",
  };
  // kind → [rank, width at zoom 16 in px, fill, casing, first zoom with a casing]
  const STREETS = {
    expressway: [9, 13, "#f7cf8d", "#dba95a", 11], motorway: [9, 13, "#f7cf8d", "#dba95a", 11], trunk: [8, 12, "#fadfa6", "#dfbc74", 12],
    primary: [7, 11, "#fdedc4", "#dcc693", 12], secondary: [6, 9.5, "#ffffff", "#d3cdc2", 12], tertiary: [5, 8, "#ffffff", "#d6d1c7", 13],
    residential: [4, 6, "#ffffff", "#dbd6cd", 14], living_street: [4, 6, "#ffffff", "#dbd6cd", 14], pedestrian: [3, 5, "#faf6fc", "#d9d2de", 15],
    service: [2, 3.4, "#ffffff", "#dfdbd3", 15], track: [1, 1.6, "#d8cfbd", null, 0], cycleway: [1, 1.5, "#b7c4dd", null, 0],
    footway: [1, 1.4, "#d9cdbb", null, 0], path: [1, 1.3, "#d9cdbb", null, 0], steps: [1, 2.4, "#cdbfab", null, 0],
  };
  const OTHER = [2, 3.4, "#ffffff", "#dfdbd3", 15];
  const DASHES = { footway: [3, 2.5], path: [4, 3], steps: [1.5, 1.5], cycleway: [5, 2.5], track: [6, 3] };

  const street = (kind) => STREETS[kind] || OTHER;
  chengtu.streetWidth = (kind, zoom) => Math.max(0.6, street(kind)[1] * 2 ** ((zoom - 16) * 0.62));

  function fillAll(context, items, view, fill, edge) {
    context.fillStyle = fill;
    context.strokeStyle = edge || fill;
    context.lineWidth = view.unit;
    for (const item of items || []) {
      if (!chengtu.visible(item, view)) continue;
      if (item.area) context.fill(item.path, "evenodd");
      else { context.save(); context.lineWidth = Math.max(1, 2 ** (view.zoom - 14)) * 1.5 * view.unit; context.stroke(item.path); context.restore(); continue; }
      if (edge) context.stroke(item.path);
    }
  }

  function strokeStreets(context, items, view, casing) {
    for (const item of items) {
      const [, , fill, edge, first] = street(item.kind);
      if (casing && (!edge || view.zoom < first)) continue;
      const width = chengtu.streetWidth(item.kind, view.zoom);
      const bridge = item.mark === "b" && view.zoom >= 14;
      context.strokeStyle = casing ? (bridge ? "#a9a398" : edge) : fill;
      context.lineWidth = (casing ? width + (bridge ? 2.6 : 1.6) : width) * view.unit;
      context.setLineDash(dash(item, view, casing));
      context.globalAlpha = item.mark === "t" ? 0.55 : 1;
      context.lineCap = casing && bridge ? "butt" : "round";
      context.stroke(item.path);
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
    context.lineCap = "round";
  }

  function dash(item, view, casing) {
    if (item.mark === "t" && casing) return [4 * view.unit, 3 * view.unit];
    return view.zoom >= 15 && DASHES[item.kind] ? DASHES[item.kind].map((n) => n * view.unit) : [];
  }

  /** The ground under every layer: homes, green, water, buildings, streets, borders. */
  chengtu.paintGround = function (context, data, view) {
    const g = data.groups;
    fillAll(context, g.residential, view, GROUND.residential);
    fillAll(context, g.green, view, GROUND.green, view.zoom >= 15 ? GROUND.greenEdge : null);
    fillAll(context, g.parks, view, GROUND.park, view.zoom >= 14 ? GROUND.greenEdge : null);
    fillAll(context, g.water, view, GROUND.water, view.zoom >= 14 ? GROUND.waterEdge : null);
    if (view.zoom >= 15) fillAll(context, g.buildings, view, GROUND.building, view.zoom >= 16 ? GROUND.buildingEdge : null);
    const seen = (g.streets || []).filter((item) => chengtu.visible(item, view)).sort((a, b) => street(a.kind)[0] - street(b.kind)[0]);
    for (const level of [seen.filter((i) => i.mark !== "b"), seen.filter((i) => i.mark === "b")]) {
      strokeStreets(context, level, view, true);
      strokeStreets(context, level, view, false);
    }
    paintBorders(context, g.borders || [], view);
  };

  function paintBorders(context, items, view) {
    for (const item of items) {
      if (!chengtu.visible(item, view)) continue;
      const main = item.kind === "city" || item.kind === "district";
      if (!main && view.zoom < 13) continue;
      context.strokeStyle = main ? GROUND.border : GROUND.subBorder;
      context.globalAlpha = main ? 0.75 : 0.5;
      context.lineWidth = (main ? 1.6 : 1) * view.unit;
      context.setLineDash((main ? [8, 3, 2, 3] : [4, 3]).map((n) => n * view.unit));
      context.stroke(item.path);
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  /** The painter of one class's lines and areas in its own colour (or its kinds' colours). */
  chengtu.classPainter = function (layer) {
    const colour = (item) => (layer.colors && layer.colors[item.kind]) || layer.symbol.color;
    return function (context, data, view) {
      const seen = (data.groups.own || []).filter((item) => chengtu.visible(item, view));
      for (const item of seen) if (item.area) fillArea(context, item, view, layer.symbol.fill || colour(item), colour(item), layer.outline);
      const width = layer.symbol.width * Math.min(1.6, Math.max(0.5, 2 ** ((view.zoom - 15) * 0.4)));
      if (view.zoom >= 15) for (const item of seen) if (!item.area) strokeLine(context, item, (width + 2) * view.unit, "#ffffff", 0.75);
      for (const item of seen) if (!item.area) strokeLine(context, item, width * view.unit, colour(item), 1);
    };
  };

  function strokeLine(context, item, width, colour, alpha) {
    context.globalAlpha = alpha;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(item.path);
    context.globalAlpha = 1;
  }

  function fillArea(context, item, view, fill, edge, outline) {
    if (!outline) {
      context.globalAlpha = 0.34;
      context.fillStyle = fill;
      context.fill(item.path, "evenodd");
    }
    strokeLine(context, item, (outline ? 2 : 1.2) * view.unit, edge, 0.9);
  }

  /** Fill with slanting lines: an area that has no figure. */
  chengtu.hatch = function (context, item, view, colour) {
    context.save();
    context.clip(item.path, "evenodd");
    context.strokeStyle = colour;
    context.lineWidth = 1.2 * view.unit;
    const [x0, y0, x1, y1] = [Math.max(item.box[0], view.box[0]), Math.max(item.box[1], view.box[1]), Math.min(item.box[2], view.box[2]), Math.min(item.box[3], view.box[3])];
    const step = 8 * view.unit;
    context.beginPath();
    // lines of one slope through a fixed grid of the data, so that they meet at the squares' edges
    for (let c = Math.floor((x0 - y1) / step) * step; c < x1 - y0; c += step) { context.moveTo(c + y0, y0); context.lineTo(c + y1, y1); }
    context.stroke();
    context.restore();
  };
})();
