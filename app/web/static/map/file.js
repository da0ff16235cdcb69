"use strict";
// Tiles of a single file: cut in the page, as they are asked for, from data that lies in it.
(function () {
  const chengtu = window.chengtu;
  const EDGE = 16; // pixels that lines and areas reach over a tile's edge
  const TYPES = { Point: 1, LineString: 2, MultiLineString: 2, Polygon: 3, MultiPolygon: 3 };

  /** The last zoom of such tiles: they are never drawn larger than they are cut. */
  chengtu.FILE_DEEPEST = 20;

  /** The same as `serverTiles` for parts {id, raw, own}: `raw` as the file holds it, `own` the zooms that its rows wait. */
  chengtu.fileTiles = function (parts, prepare) {
    const indexed = new Map(), ready = new Map();
    const rowsOf = (part) => {
      if (!indexed.has(part.id)) indexed.set(part.id, [...rows(part)]);
      return indexed.get(part.id);
    };
    return {
      async get({ z, x, y }, side) {
        const found = new Map(), size = side * 2 ** z;
        for (const part of parts()) for (const row of rowsOf(part)) {
          if (row.zoom > z + 1 - part.own || !meets(row, x * side, y * side, side, size)) continue;
          if (!found.has(row.layer)) found.set(row.layer, []);
          found.get(row.layer).push(placed(row, size, x * side, y * side));
        }
        prepare(found);
        ready.set(`${z}/${x}/${y}`, found);
        if (ready.size > 80) ready.delete(ready.keys().next().value);
        return found;
      },
      found: ({ z, x, y }) => ready.get(`${z}/${x}/${y}`),
    };
  };

  function meets({ box }, left, top, side, size) {
    return box[0] * size <= left + side + EDGE && box[2] * size >= left - EDGE && box[1] * size <= top + side + EDGE && box[3] * size >= top - EDGE;
  }

  function placed({ id, type, props, lines, box }, size, left, top) {
    const geom = lines.map((line) => line.map(([x, y]) => ({ x: x * size - left, y: y * size - top })));
    const bbox = { minX: box[0] * size - left, minY: box[1] * size - top, maxX: box[2] * size - left, maxY: box[3] * size - top };
    return { id, geomType: type, props, geom, bbox, numVertices: 0 };
  }

  /** What a part holds as rows {layer, id, type, props, lines, box, zoom} in units of the whole world, from its upper left corner. */
  function* rows({ id, raw }) {
    const [left, top, side, extent] = raw.square, unit = side / extent;
    const place = ([x, y]) => [left + x * unit, top + y * unit];
    const row = (layer, feature, type, props, lines, zoom) => ({ layer, id: feature, type, props, lines: lines.map((line) => line.map(place)), zoom: zoom || 0 });
    for (const [group, { rows: found }] of Object.entries(raw.shapes || {})) for (const [feature, kind, name, zoom, geometry, mark] of found) {
      const props = { kind, level: kind, name, bridge: mark === "b", tunnel: mark === "t" };
      for (const [type, lines] of partsOf(geometry)) yield boxed(row(id || group, feature, type, props, lines, zoom));
    }
    for (const [feature, , x, y, name, kind] of raw.points || []) yield boxed(row(id, feature, 1, { kind, name }, [[[x, y]]]));
    if (!id) for (const [group, name, x, y, zoom] of raw.labels || []) yield boxed(row("labels", null, 1, { group, name }, [[[x, y]]], zoom));
  }

  /** [type, lines] of a geometry, lines of all its parts together. */
  function partsOf(geometry) {
    if (!geometry) return [];
    if (geometry.type === "GeometryCollection") return geometry.geometries.flatMap(partsOf);
    const { type, coordinates: c } = geometry;
    return [[TYPES[type], type === "LineString" ? [c] : type === "MultiPolygon" ? c.flat() : c]];
  }

  function boxed(row) {
    row.box = [1e9, 1e9, -1e9, -1e9];
    for (const line of row.lines) for (const [x, y] of line) {
      if (x < row.box[0]) row.box[0] = x;
      if (y < row.box[1]) row.box[1] = y;
      if (x > row.box[2]) row.box[2] = x;
      if (y > row.box[3]) row.box[3] = y;
    }
    return row;
  }
})();
