"use strict";
// How the city's ground and the classes are drawn: a calm ground, so that what lies on it can be read.
(function () {
  const chengtu = window.chengtu;
  const LINE = 2, POLYGON = 3;

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

  /** Streets in the order in which they are drawn. */
  chengtu.sortStreets = function (layers) {
    const streets = layers.get("streets");
    if (streets) streets.sort((a, b) => street(a.props.kind)[0] - street(b.props.kind)[0]);
  };

  /**
   * A rule of the renderer: `paint(context, path, view, feature)` draws a feature of the layer `name` in the tile's own pixels, of
   * which `view.unit` are one on the screen. Tiles deeper than `deepest` are drawn from larger ones.
   */
  function rule(name, deepest, paint, filter, minzoom = 0) {
    const draw = (context, _, zoom, feature) => {
      const grown = 2 ** Math.max(0, zoom - deepest - 1);
      context.save();
      context.scale(grown, grown);
      context.lineJoin = context.lineCap = "round";
      paint(context, chengtu.pathOf(feature), { zoom, unit: 1 / grown }, feature);
      context.restore();
    };
    return { dataLayer: name, symbolizer: { draw }, filter, minzoom };
  }

  const filling = (fill, edge, edgeFrom) => (context, path, { zoom, unit }, feature) => {
    if (feature.geomType === LINE) return stroke(context, path, fill, Math.max(1, 2 ** (zoom - 14)) * 1.5 * unit);
    context.fillStyle = fill;
    context.fill(path);
    if (edge && zoom >= edgeFrom) stroke(context, path, edge, unit);
  };

  function stroke(context, path, colour, width) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(path);
  }

  const streetPainter = (casing) => (context, path, { zoom, unit }, { props: { kind, bridge, tunnel } }) => {
    const [, , fill, edge, first] = street(kind);
    if (casing && (!edge || zoom < first)) return;
    const over = bridge && zoom >= 14, width = chengtu.streetWidth(kind, zoom);
    if (tunnel && casing) context.setLineDash([4 * unit, 3 * unit]);
    else if (zoom >= 15 && DASHES[kind]) context.setLineDash(DASHES[kind].map((n) => n * unit));
    if (tunnel) context.globalAlpha = 0.55;
    if (casing && over) context.lineCap = "butt";
    stroke(context, path, casing ? (over ? "#a9a398" : edge) : fill, (casing ? width + (over ? 2.6 : 1.6) : width) * unit);
  };

  function paintBorder(context, path, { zoom, unit }, { props: { level } }) {
    const main = level === "city" || level === "district";
    if (!main && zoom < 13) return;
    context.globalAlpha = main ? 0.75 : 0.5;
    context.setLineDash((main ? [8, 3, 2, 3] : [4, 3]).map((n) => n * unit));
    stroke(context, path, main ? GROUND.border : GROUND.subBorder, (main ? 1.6 : 1) * unit);
  }

  /** The ground under every layer: homes, green, water, buildings, streets, borders. */
  chengtu.groundRules = function (deepest) {
    const level = (bridge) => (_, { props }) => Boolean(props.bridge) === bridge;
    return [
      rule("residential", deepest, filling(GROUND.residential)),
      rule("green", deepest, filling(GROUND.green, GROUND.greenEdge, 15)),
      rule("parks", deepest, filling(GROUND.park, GROUND.greenEdge, 14)),
      rule("water", deepest, filling(GROUND.water, GROUND.waterEdge, 14)),
      rule("buildings", deepest, filling(GROUND.building, GROUND.buildingEdge, 16), undefined, 15),
      ...[false, true].flatMap((bridge) => [true, false].map((casing) => rule("streets", deepest, streetPainter(casing), level(bridge)))),
      rule("borders", deepest, paintBorder),
    ];
  };

  const colourOf = ({ symbol, colors }, props) => (colors && colors[props.kind]) || symbol.color;
  const opacityOf = (layer) => (layer.opacity === undefined ? 1 : layer.opacity);

  /** The lines and areas of the classes in `layers`, each in its own colour (or its kinds' colours), lines over areas. */
  chengtu.classRules = function (layers, deepest) {
    const shaped = layers.filter((layer) => layer.options.geometry !== "point").sort((a, b) => (b.options.order || 0) - (a.options.order || 0));
    const rules = (paint, type, minzoom) => shaped.map((layer) => rule(layer.options.id, deepest, paint(layer), (_, feature) => feature.geomType === type, minzoom));
    return [...rules(areaPainter, POLYGON), ...rules(casingPainter, LINE, 15), ...rules(linePainter, LINE)];
  };

  const areaPainter = (layer) => (context, path, { unit }, { props }) => {
    const { outline, symbol } = layer.options, colour = colourOf(layer.options, props), whole = opacityOf(layer);
    context.globalAlpha = 0.34 * whole;
    context.fillStyle = symbol.fill || colour;
    if (!outline) context.fill(path);
    context.globalAlpha = 0.9 * whole;
    stroke(context, path, colour, (outline ? 2 : 1.2) * unit);
  };

  const widthOf = ({ options: { symbol } }, zoom) => symbol.width * Math.min(1.6, Math.max(0.5, 2 ** ((zoom - 15) * 0.4)));

  const casingPainter = (layer) => (context, path, { zoom, unit }) => {
    context.globalAlpha = 0.75 * opacityOf(layer);
    stroke(context, path, "#ffffff", (widthOf(layer, zoom) + 2) * unit);
  };

  const linePainter = (layer) => (context, path, { zoom, unit }, { props }) => {
    context.globalAlpha = opacityOf(layer);
    stroke(context, path, colourOf(layer.options, props), widthOf(layer, zoom) * unit);
  };

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
