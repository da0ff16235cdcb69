"""The SQL of one layer of one tile: features drawn, counted, or clustered. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from app.inventory.tables import INDEXED_ZOOMS, quoted
from app.maps.squares import WORLD_M
from app.tiles.attributes import (
    FULL_FROM,
    class_attributes,
    class_columns,
    run_attributes,
    run_columns,
    size_column,
)
from app.tiles.layers import Layer
from app.tiles.matrix import BUFFER, EXTENT, Tile

#: The most that a place may be off, in units of the tile's grid, to be drawn without a projection: a quarter of a pixel
#: of a tile drawn 512 wide. It halves the time of zoom 10 (2,500 polygons: 30 → 15 ms).
OFF_UNITS = 2.0
#: Among a layer's values: the ids of the features to draw, where they are known.
CHOSEN = "chosen"
#: How far beyond the tile's edges shapes are drawn, in sides of the tile.
MARGIN = BUFFER / EXTENT
#: Degrees that a box of single precision is less than off.
INSIDE = 5e-5
#: A shape that takes more than this, as it is stored, is drawn coarser where it has more vertices in a tile than that.
LARGE_BYTES, POLYGON_VERTICES, LINE_VERTICES = 16_384, 6_000, 20_000
#: Collections of runs whose rows are ranked by area.
_RUNS_WITH_AREA = frozenset({"coverage_gaps", "coverage_units", "coverage_differences"})
TILE_BOX = "ST_MakeEnvelope(%(tw)s::float8, %(ts)s::float8, %(be)s::float8, %(tn)s::float8, 4326)"
INNER_BOX = "ST_MakeEnvelope(%(iw)s::float8, %(is)s::float8, %(ie)s::float8, %(in)s::float8, 4326)"
DRAWN_BOX = "ST_MakeEnvelope(%(bw)s::float8, %(bs)s::float8, %(be)s::float8, %(bn)s::float8, 4326)"


def is_affine(tile: Tile) -> bool:
    """Whether degrees can be stretched onto the tile instead of projected.

    Longitude is linear in EPSG:3857. For latitude the Mercator y has the derivatives sec φ and sec φ tan φ, so a
    straight line between a tile's south and north edge, h radians apart, is at most h² sec φ tan φ / 8 off, of
    h sec φ: h tan φ / 8 of the tile's side (1.5 units at zoom 10 and 29°, 0.1 at zoom 14; anywhere below 0.2 from
    zoom 14 on). Within the buffer it is less than that; a longer edge is drawn straight in lon/lat, as GeoJSON means it
    (RFC 7946 §3.1.1).
    """
    _, south, _, north = tile.lonlat()
    steep = math.tan(math.radians(max(abs(south), abs(north))))
    return math.radians(north - south) * steep / 8 * EXTENT <= OFF_UNITS


def tile_values(tile: Tile) -> dict[str, Any]:
    """What all statements on a tile have bound: the box drawn in, the tile's own square in degrees and in metres."""
    drawn = dict(zip(("bw", "bs", "be", "bn"), tile.lonlat(MARGIN), strict=True))
    west, south, east, north = tile.lonlat()
    last = tile.col == 2**tile.z - 1
    own = {"tw": west, "ts": south, "te": math.inf if last else east, "tn": north}
    # Boxes are kept in single precision: what lies so far inside surely does.
    inner = {"iw": west + INSIDE, "is": south + INSIDE, "ie": east - INSIDE, "in": north - INSIDE}
    if north - south < 4 * INSIDE:
        inner = dict.fromkeys(inner, 0.0)
    corners = tile.lonlat() if is_affine(tile) else tile.bounds
    # What is smaller than half a pixel (a tile is drawn 512 wide) need not be drawn.
    seen_m = WORLD_M / 2**tile.z / 512 / 2 * math.cos(math.radians((south + north) / 2))
    seen = {"length_m_seen": seen_m, "area_m2_seen": seen_m**2, "unit": (east - west) / EXTENT}
    return {**drawn, **own, **inner, **seen, **dict(zip(("gw", "gs", "ge", "gn"), corners, strict=True))}


def drawn_sql(layer: Layer, tile: Tile, limit: int) -> str:
    """One row: the layer in MVT, rows taken, features drawn, those that meet the tile's square and are drawn of them.

    A feature whose box meets the square while its shape does not counts as drawn: nothing of it is missing.
    """
    names = _names(layer, tile.z)
    columns = class_columns(layer.cls, names) if layer.cls else run_columns(names)
    record = ", ".join(["d.id", *(f"d.{quoted(name)}" for name in names), "d._drawn AS geom"])
    rows = (
        f"SELECT {', '.join(['id', *columns])}, geom, {meets(layer)} AS _met, "
        f"{_grid_shape(layer, tile)} AS _drawn FROM {layer.source} v "
        f"WHERE {_condition(layer, tile)} ORDER BY {_order(layer)} LIMIT {limit}"
    )
    seen = f"d._drawn IS NOT NULL OR NOT ST_Intersects(d.geom, {TILE_BOX})"
    return (
        f"SELECT ST_AsMVT(r, '{layer.collection}', {EXTENT}, 'geom', 'id') FILTER (WHERE d._drawn IS NOT NULL), "
        f"count(*), count(d._drawn), count(*) FILTER (WHERE d._met), "
        f"count(*) FILTER (WHERE CASE WHEN d._met THEN {seen} END) FROM ({rows}) d, LATERAL (SELECT {record}) r"
    )


def matched_sql(layer: Layer, limit: int) -> str:
    """One number: the features whose box meets the tile's square, counted up to `limit`."""
    where = f"{layer.where} AND geom && {DRAWN_BOX} AND {meets(layer)}"
    return f"SELECT count(*) FROM (SELECT FROM {layer.source} v WHERE {where} LIMIT {limit}) m"


def meets(layer: Layer) -> str:
    """Whether a row's box meets the tile's square, which has its west and north edges but not the other two."""
    point = layer.cls is not None and layer.cls.geometry == "point"
    ends = ("ST_X", "ST_Y", "ST_X", "ST_Y") if point else ("ST_XMin", "ST_YMin", "ST_XMax", "ST_YMax")
    x0, y0, x1, y1 = (f"{end}(geom)" for end in ends)
    exact = f"{x1} >= %(tw)s::float8 AND {x0} < %(te)s::float8 AND {y0} <= %(tn)s::float8 AND {y1} > %(ts)s::float8"
    # The ends of a shape are found in its vertices, each by itself; most boxes lie well inside by the one kept with it.
    return f"({exact})" if point else f"CASE WHEN geom @ {INNER_BOX} THEN TRUE ELSE {exact} END"


def _names(layer: Layer, z: int) -> tuple[str, ...]:
    if layer.properties is not None:
        return layer.properties
    return run_attributes(layer.collection) if layer.cls is None else class_attributes(layer.cls, z)


def _grid_shape(layer: Layer, tile: Tile) -> str:
    bounds = "ST_MakeBox2D(ST_MakePoint(%(gw)s, %(gs)s), ST_MakePoint(%(ge)s, %(gn)s))"
    lean = _lean(layer)
    shape = lean if is_affine(tile) else f"ST_Transform({lean}, 3857)"
    return f"ST_AsMVTGeom({shape}, {bounds}, {EXTENT}, {BUFFER})"


def _lean(layer: Layer) -> str:
    """The shape; of a large one what the tile needs."""
    kind = "polygon" if layer.cls is None else layer.cls.geometry
    return "geom" if kind == "point" else lean("geom", line=kind == "line")


def lean(small: str, *, line: bool) -> str:
    """`small` for shapes that are small as they are stored; of a large one what the tile needs.

    ST_AsMVTGeom cuts and mends polygons in a time that grows with the square of their vertices in the tile: minutes for
    500,000. So these are drawn coarser, by steps, until few enough are left; ST_ClipByBox2D is as slow on polygons, but
    not on lines, by which they are counted.
    """
    step = "step * %(unit)s::float8"
    if line:
        large = (
            f"(SELECT l.lean FROM (SELECT ST_ClipByBox2D(geom, {DRAWN_BOX}) AS cut OFFSET 0) c, "
            "unnest(ARRAY[1, 4, 16]) step, "
            f"LATERAL (SELECT ST_RemoveRepeatedPoints(c.cut, {step}) AS lean OFFSET 0) l "
            f"WHERE ST_NPoints(l.lean) <= {LINE_VERTICES} OR step = 16 LIMIT 1)"
        )
    else:
        large = (
            "(SELECT l.lean FROM unnest(ARRAY[1, 2, 4, 16, 64, 256, 1024, 4096, 16384]) step, "
            f"LATERAL (SELECT ST_SnapToGrid(ST_RemoveRepeatedPoints(geom, {step}), {step}) AS lean OFFSET 0) l "
            f"WHERE ST_NPoints(ST_ClipByBox2D(ST_Boundary(l.lean), {DRAWN_BOX})) <= {POLYGON_VERTICES} LIMIT 1)"
        )
    return f"CASE WHEN pg_column_size(geom) > {LARGE_BYTES} THEN {large} ELSE {small} END"


def _condition(layer: Layer, tile: Tile) -> str:
    if CHOSEN in layer.values:
        return f"id = ANY(%({CHOSEN})s::bigint[])"
    parts = [f"geom && {DRAWN_BOX}"]
    if tile.z < layer.last_zoom:
        parts.append(zoom_condition(tile.z))
    if hides_small(layer, tile.z):
        parts += [f"({name} >= %({name}_seen)s::float8) IS NOT FALSE" for name in size_of(layer)]
    if layer.where != "TRUE":
        parts.append(f"({layer.where})")
    return " AND ".join(parts)


def zoom_condition(z: int) -> str:
    """Rows drawn at a zoom; the first constant is the one that a partial index was made with."""
    indexed = next((limit for limit in INDEXED_ZOOMS if z <= limit), None)
    return f"min_zoom <= {z}" if indexed in {None, z} else f"min_zoom <= {indexed} AND min_zoom <= {z}"


def hides_small(layer: Layer, z: int) -> bool:
    """Whether features of the layer are left out at a zoom because they are smaller than half a pixel."""
    return z < FULL_FROM and size_of(layer) != ()


def size_of(layer: Layer) -> tuple[str, ...]:
    """The column by which a layer's features are ranked, largest first; without one they go by their id."""
    if layer.cls is not None:
        return size_column(layer.cls)
    return ("area_m2",) if layer.collection in _RUNS_WITH_AREA else ()


def _order(layer: Layer) -> str:
    return ", ".join([*(f"{name} DESC NULLS LAST" for name in size_of(layer)), "id"])


def numbered(layer: Layer, sql: str, place: int) -> tuple[str, Mapping[str, Any]]:
    """The SQL and the layer's own values under names that no other layer of the statement has."""
    values = {f"l{place}_{name}": value for name, value in layer.values.items()}
    for name in layer.values:
        sql = sql.replace(f"%({name})s", f"%(l{place}_{name})s")
    return sql, values
