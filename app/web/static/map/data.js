"use strict";
// Shapes that come with a page or a file, all of them in one square, and what a file tells of each feature.
(function () {
  const chengtu = window.chengtu;

  /** A shape row [id, kind, label, zoom, geometry, mark] made ready to draw and to be hit. */
  function shape(row) {
    const [id, kind, label, zoom, geometry, mark] = row;
    const made = { id, kind, label, zoom: zoom || 0, mark, lines: [], area: false, path: new Path2D(), box: [1e9, 1e9, -1e9, -1e9] };
    addGeometry(made, geometry);
    return made;
  }

  function addGeometry(made, geometry) {
    if (!geometry) return;
    const c = geometry.coordinates;
    if (geometry.type === "Polygon") addRings(made, c);
    else if (geometry.type === "MultiPolygon") c.forEach((rings) => addRings(made, rings));
    else if (geometry.type === "LineString") addLine(made, c, false);
    else if (geometry.type === "MultiLineString") c.forEach((line) => addLine(made, line, false));
    else if (geometry.type === "GeometryCollection") geometry.geometries.forEach((part) => addGeometry(made, part));
  }

  function addRings(made, rings) {
    made.area = true;
    rings.forEach((ring) => addLine(made, ring, true));
  }

  function addLine(made, line, closed) {
    const { path, box } = made;
    for (let i = 0; i < line.length; i++) {
      const x = line[i][0], y = line[i][1];
      if (i) path.lineTo(x, y); else path.moveTo(x, y);
      if (x < box[0]) box[0] = x;
      if (y < box[1]) box[1] = y;
      if (x > box[2]) box[2] = x;
      if (y > box[3]) box[3] = y;
    }
    if (closed) path.closePath();
    made.lines.push(line);
  }

  /** What the server or the file gives, made ready: every list of shape rows under `shapes` by group. */
  chengtu.prepare = function (raw) {
    const groups = {};
    for (const [name, part] of Object.entries(raw.shapes || {})) groups[name] = part.rows.map(shape);
    const cut = Object.values(raw.shapes || {}).some((part) => part.cut);
    return { square: raw.square, groups, points: raw.points || [], labels: raw.labels || [], cut };
  };

  /** The source of squares for data that is all here: one square for the whole of it. */
  chengtu.ownSource = function (raw) {
    let data = null;
    return { get() { data = data || Promise.resolve(chengtu.prepare(raw)); return data; } };
  };

  /** The JSON text that lies in the file under an element's id. */
  chengtu.inside = (id) => JSON.parse(document.getElementById(id).textContent);

  /** Feature details kept by column: gives those of one id. */
  chengtu.details = function ({ columns, values }) {
    const cell = (column, i) => (Array.isArray(column) ? column[i] : column.at[i] < 0 ? null : column.of[column.at[i]]);
    const row = (table, i) => Object.fromEntries(Object.entries(table).map(([name, column]) => [name, cell(column, i)]));
    const ids = columns.id || [];
    return (id) => { const i = ids.indexOf(id); return { ...row(columns, i), values: row(values, i) }; };
  };

  /** How a square's units lie on a canvas whose upper left corner is (originX, originY) of the world at `size` px. */
  chengtu.placing = function (square, size, originX, originY) {
    const [left, top, side, extent] = square;
    const scale = (side * size) / extent;
    return { scale, dx: left * size - originX, dy: top * size - originY };
  };
})();
