"""The SQL of a tile of the ground: all its layers in one statement, each within its bytes.

Rows that look the same are one feature, since nobody picks them one by one: that saves a third of the bytes.
"""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import Connection

from app.inventory.changes import raw
from app.inventory.tables import INDEXED_ZOOMS, table_name
from app.inventory.times import NOW, Times, versions
from app.maps.ground import AREAS, NAMES, SHAPES, GroundNames, GroundShapes, named_levels
from app.maps.layers import ZOOM_STEP
from app.tiles.background import LABELS, names_at, shapes_at
from app.tiles.layer_sql import DRAWN_BOX, TILE_BOX, is_affine, lean, tile_values
from app.tiles.matrix import BUFFER, EXTENT, Tile

#: What a tile may spend on lines and areas and on names, bytes: together less than the 500 KiB that none exceeds.
SHAPE_BYTES, LABEL_BYTES = 480_000, 24_000
#: A single shape that would take more of them is left out.
LARGEST_BYTES = 120_000
#: No layer is made of more rows than this; the most important come first.
ROWS = 20_000
#: All attributes of lines and areas, and their types.
_COLUMNS = {
    "kind": "text",
    "level": "text",
    "bridge": "boolean",
    "tunnel": "boolean",
    "name_zh": "text",
    "name_en": "text",
}
#: So many areas of a class, the largest, may be named in a tile.
NAMED_ROWS = 500
#: From this zoom on shapes are drawn as they are; before it they are simplified to so many units (half a pixel).
EXACT_FROM, SIMPLIFIED_UNITS = 14, 4
#: Longer names are cut: no label holds more.
NAME_LENGTH = 120

# All lines and areas. Rows in order of importance (by their classes' rules, then by size) are taken until the tile's
# bytes are spent. What a row takes is never more than reckoned: a step from vertex to vertex is at most 2 bytes a side,
# 1 where the shape is smaller than 64 units; a ring or line begins with 8; a named feature has 24 beside each name.
_TILE = """
WITH made AS ({classes}), weighed AS (
  SELECT *, ST_NPoints(shape) * CASE WHEN ST_XMax(shape) - ST_XMin(shape) < 64 AND ST_YMax(shape) - ST_YMin(shape) < 64
      THEN 2 ELSE 4 END + 8 * greatest(ST_NRings(shape), ST_NumGeometries(shape))
    + coalesce(24 + octet_length(name_zh), 0) + coalesce(24 + octet_length(name_en), 0) AS bytes
  FROM made WHERE shape IS NOT NULL
), placed AS (
  SELECT *, sum(bytes) OVER (ORDER BY min_zoom, layer, size DESC NULLS LAST, id) AS spent
  FROM weighed WHERE bytes <= {largest}
), kept AS (SELECT * FROM placed WHERE spent <= {limit})
SELECT {layers}"""

_ROWS = """(
SELECT {layer} AS layer, id, min_zoom, {size} AS size, {attributes}, {shape} AS shape FROM {table}
WHERE geom && {around} AND {drawn}
ORDER BY min_zoom, size DESC NULLS LAST, id LIMIT {rows})"""

_FEATURES = """(
SELECT ST_AsMVT(features, '{group}', {extent}, 'geom') FROM (
  SELECT {listed} {together} AS geom FROM kept WHERE layer = {layer} GROUP BY layer {alike} ORDER BY layer {alike}
) features)"""

# The names. A name stands in the one tile that its anchor lies in, once for each group.
_LABELS = """(
WITH named AS ({classes}), anchors AS (
  SELECT "group", name_zh, name_en, size, id,
    floor((ST_X(anchor) - %(left)s::float8) / %(unit_m)s::float8) AS x,
    floor((%(top)s::float8 - ST_Y(anchor)) / %(unit_m)s::float8) AS y
  FROM named
), inside AS (
  SELECT *, row_number() OVER (
    PARTITION BY "group", name_zh ORDER BY size DESC, id) AS again
  FROM anchors WHERE x >= 0 AND x < {extent} AND y >= 0 AND y < {extent}
), weighed AS (
  SELECT *, sum(40 + octet_length(name_zh) + octet_length(name_en))
    OVER (ORDER BY size DESC, "group", id) AS spent
  FROM inside WHERE again = 1
), features AS (
  SELECT "group", greatest(0, 30 - floor(ln(greatest(size, 1)) / ln(2)))::int AS rank, name_zh, name_en,
    ST_MakePoint(x, y) AS geom
  FROM weighed WHERE spent <= {limit} ORDER BY size DESC, "group", id
)
SELECT ST_AsMVT(features, '{layer}', {extent}, 'geom') FROM features)"""

#: The names of a row: where one language has none, that of the other, so that every style finds what to write.
_NAMES = {
    one: f"left(coalesce(nullif({one}, ''), nullif({other}, '')), {NAME_LENGTH})"
    for one, other in (("name_zh", "name_en"), ("name_en", "name_zh"))
}
_NAMED = """(
SELECT id, {group} AS "group", {names}, coalesce(area_m2, 1) AS size,
  ST_Transform(ST_PointOnSurface(geom), 3857) AS anchor
FROM {table}
WHERE geom && {tile} AND {drawn} AND coalesce(nullif(name_zh, ''), name_en) <> ''{chosen}
ORDER BY min_zoom, area_m2 DESC NULLS LAST, id LIMIT {rows})"""


def background_tile(conn: Connection, tile: Tile, times: Times = NOW, prefix: str = "") -> bytes:
    """The tile of a time as MVT 2.1, at most 500 KiB; empty where nothing lies in it.

    The names of its layers begin with `prefix`, one of our own words.
    """
    statement = _statement(tile.z, times, prefix, affine=is_affine(tile))
    values = _values(tile) | ({} if times.now else times.values)
    row = raw(conn).execute(statement, values, binary=True).fetchone()
    return b"" if row is None else bytes(row[0])


def _values(tile: Tile) -> dict[str, float]:
    """The numbers of a tile's place."""
    square = tile.square
    place = {"left": square.left_m, "top": square.top_m, "unit_m": square.side_m / EXTENT}
    return tile_values(tile) | place


@lru_cache(maxsize=64)
def _statement(z: int, times: Times, prefix: str, *, affine: bool) -> bytes:
    """The statement of a zoom: names and numbers are our own, the tile's place is bound."""
    shown = list(shapes_at(z))
    return _TILE.format(
        classes=" UNION ALL ".join(_rows(shapes, z, times, affine=affine) for shapes in shown),
        layers=" || ".join(
            [*(_features(shapes, z, prefix) for shapes in shown), _label_layer(z, times, prefix)]
        ),
        largest=LARGEST_BYTES,
        limit=SHAPE_BYTES,
    ).encode()


def _rows(shapes: GroundShapes, z: int, times: Times, *, affine: bool) -> str:
    attributes = {name: f"NULL::{kind}" for name, kind in _COLUMNS.items()} | _attributes(shapes, z)
    return _ROWS.format(
        layer=_number(shapes),
        table=_source(shapes.class_id, times),
        size="length_m" if shapes.marked else "area_m2",
        attributes=", ".join(f"{sql} AS {name}" for name, sql in attributes.items()),
        shape=_placed(shapes, z, affine=affine),
        drawn=_drawn(z + ZOOM_STEP + shapes.early),
        around=DRAWN_BOX,
        rows=ROWS,
    )


def _source(class_id: str, times: Times) -> str:
    """What the rows of a class are read from at a time."""
    return table_name(class_id) if times.now else f"{versions(class_id, _columns(class_id), times)} v"


def _columns(class_id: str) -> set[str]:
    """What is read of a class, as lines and areas and for its names."""
    found = {"geom", "min_zoom"}
    for shapes in (shapes for shapes in SHAPES if shapes.class_id == class_id):
        found |= {"length_m"} if shapes.marked else {"area_m2"}
        found |= {"bridge", "tunnel"} if shapes.marked else set()
        found |= {shapes.kind} if shapes.kind else set()
        found |= set(_NAMES) if shapes.named else set()
    for names in (names for names in NAMES if names.class_id == class_id):
        found |= {*_NAMES, *(["kind"] if names.kinds else [])}
    return found | ({*_NAMES, "level"} if class_id == AREAS else set())


def _features(shapes: GroundShapes, z: int, prefix: str) -> str:
    attributes = _attributes(shapes, z)
    return _FEATURES.format(
        group=f"{prefix}{shapes.group}",
        layer=_number(shapes),
        listed="".join(f"{name}, " for name in attributes),
        alike="".join(f", {name}" for name in attributes),
        together=_together(shapes, z),
        extent=EXTENT,
    )


def _number(shapes: GroundShapes) -> int:
    return SHAPES.index(shapes)


def _attributes(shapes: GroundShapes, z: int) -> dict[str, str]:
    """Name → SQL of what tells the rows of a layer apart."""
    found = {shapes.kind: shapes.kind} if shapes.kind else {}
    if shapes.marked:  # false is left out
        found |= {name: f"nullif({name}, false)" for name in ("bridge", "tunnel")}
    if _is_named(shapes, z):
        found |= _NAMES
    return found


def _is_named(shapes: GroundShapes, z: int) -> bool:
    return shapes.named and z + ZOOM_STEP >= shapes.named_from


def _together(shapes: GroundShapes, z: int) -> str:
    """Shapes as one. Lines of borders that areas share are drawn once; streets run through where names stand along."""
    if shapes.outline:
        return "ST_LineMerge(ST_UnaryUnion(ST_Collect(shape ORDER BY spent)))"
    collected = f"ST_CollectionExtract(ST_Collect(shape ORDER BY spent), {2 if shapes.marked else 3})"
    if not _is_named(shapes, z):
        return collected
    return f"CASE WHEN name_zh IS NULL THEN {collected} ELSE ST_LineMerge({collected}) END"


def _placed(shapes: GroundShapes, z: int, *, affine: bool) -> str:
    """A shape in units of the tile. Borders are not simplified: neighbours' lines must remain the same line."""
    bounds = "ST_MakeBox2D(ST_MakePoint(%(gw)s, %(gs)s), ST_MakePoint(%(ge)s, %(gn)s))"
    tolerance = 360 / 2**z / EXTENT * SIMPLIFIED_UNITS
    coarse = z < EXACT_FROM and not shapes.outline
    shape = lean(f"ST_Simplify(geom, {tolerance}, true)" if coarse else "geom", line=shapes.marked)
    if shapes.outline:
        shape = f"ST_Boundary({shape})"
    return (
        f"ST_AsMVTGeom({shape if affine else f'ST_Transform({shape}, 3857)'}, {bounds}, {EXTENT}, {BUFFER})"
    )


def _label_layer(z: int, times: Times, prefix: str) -> str:
    levels = ", ".join(f"'{level}'" for level in named_levels(z + ZOOM_STEP))
    areas = _named(AREAS, "level", z, times, f" AND level IN ({levels})")
    classes = " UNION ALL ".join([areas, *(_names_of(names, z, times) for names in names_at(z))])
    return _LABELS.format(classes=classes, layer=f"{prefix}{LABELS}", limit=LABEL_BYTES, extent=EXTENT)


def _names_of(names: GroundNames, z: int, times: Times) -> str:
    kinds = ", ".join(f"'{kind}'" for kind in names.kinds)
    chosen = f" AND kind IN ({kinds})" if kinds else ""
    return _named(names.class_id, f"'{names.group}'", z, times, chosen)


def _named(class_id: str, group: str, z: int, times: Times, chosen: str) -> str:
    return _NAMED.format(
        group=group,
        names=", ".join(f"{sql} AS {name}" for name, sql in _NAMES.items()),
        table=_source(class_id, times),
        tile=TILE_BOX,
        drawn=_drawn(z + ZOOM_STEP),
        chosen=chosen,
        rows=NAMED_ROWS,
    )


def _drawn(zoom: int) -> str:
    """Rows drawn at a zoom, so written that the planner sees which partial index holds them."""
    indexed = next((limit for limit in INDEXED_ZOOMS if zoom <= limit), None)
    return f"min_zoom <= {zoom}" + ("" if indexed is None else f" AND min_zoom <= {indexed}")
