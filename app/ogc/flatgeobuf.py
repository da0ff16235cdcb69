"""Writes FlatGeobuf 3 (https://github.com/flatgeobuf/flatgeobuf/tree/master/src/fbs) batch by batch, without an index.

Each feature is a FlatBuffer whose parts lie at the same places, so that a whole batch of them is made of a few arrays.
Pure.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.inventory.copy_binary import Bytes, Offsets, binary, even_array, joined
from app.inventory.ragged import Ragged, ragged
from app.inventory.streams import StreamColumn
from app.lazy import lazy_module
from app.ogc.flatbuffer import Doubles, Field, Scalar, Table, size_prefixed

pa = lazy_module("pyarrow")
pc = lazy_module("pyarrow.compute")

MAGIC = b"fgb\x03fgb\x00"
#: Our types → FlatGeobuf's ColumnType, and the bytes of a value of those that have a fixed width.
COLUMN_TYPES = {
    "integer": 7, "number": 10, "boolean": 2, "date": 13, "datetime": 13, "json": 12,
}  # fmt: skip
_STRING = 11
_WIDTHS: Mapping[str, tuple[str, str]] = {
    "integer": ("int64", "<i8"), "number": ("float64", "<f8"), "boolean": ("uint8", "<u1"),
}  # fmt: skip
GEOMETRY_TYPES = {"Point": 1, "LineString": 2, "Polygon": 3, "MultiLineString": 5, "MultiPolygon": 6}
_POINT, _POLYGON, _LINES, _POLYGONS = 1, 3, 5, 6
#: Length of a point's WKB; all other shapes have another one.
_POINT_WKB = 21
#: How the WKB of a point begins, that of several lines that are one, and of several polygons that are one of one ring.
_POINT_HEAD = np.frombuffer(struct.pack("<BI", 1, 1), np.uint8)
_LINE_HEAD = np.frombuffer(struct.pack("<BIIBI", 1, 5, 1, 1, 2), np.uint8)
_RING_HEAD = np.frombuffer(struct.pack("<BIIBII", 1, 6, 1, 1, 3, 1), np.uint8)
_PLAIN_HEADS = (_POINT_HEAD, _LINE_HEAD, _RING_HEAD)

# What begins every feature, by its place: 0 length, 4 root, 8 vtable of the feature (geometry, properties), 16 that of
# a geometry with vertices (ends, xy, …, type), 36 that of one with parts (…, type, parts), 56 the feature's table.
_HEAD = struct.pack(
    "<II4H10H10HiII",
    0, 52, 8, 12, 4, 8,
    20, 16, 4, 8, 0, 0, 0, 0, 12, 0,
    20, 12, 0, 0, 0, 0, 0, 0, 8, 4,
    48, 8, 0,
)  # fmt: skip
_LEAF_VTABLE, _PARTS_VTABLE, _GEOMETRY = 16, 36, len(_HEAD)
#: Where a vtable says that a feature has a geometry, that vertices have ends.
_HAS_GEOMETRY, _HAS_ENDS = 12, 20


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a header tells of a file that is known whole: features, the box of all, boxes of a node of its index."""

    count: int
    envelope: Sequence[float] = ()
    node_size: int = 0
    description: str = ""
    metadata: str = ""


#: A stream, whose number of features is not known when it begins.
STREAMED = Indexed(0)


def header(
    name: str,
    title: str,
    geometry_type: str,
    columns: Sequence[StreamColumn],
    crs: Table,
    known: Indexed = STREAMED,
) -> bytes:
    """All that stands before the index, if there is one, and the features.

    `geometry_type` is a simple-feature name; one that FlatGeobuf need not know is told by each feature itself.
    """
    texts = {11: title, 12: known.description, 13: known.metadata}
    fields: dict[int, Field] = {
        0: name,
        **({1: Doubles(known.envelope)} if known.envelope else {}),
        2: Scalar("B", GEOMETRY_TYPES.get(geometry_type, 0)),
        7: [_column(column) for column in columns],
        8: Scalar("Q", known.count),
        9: Scalar("H", known.node_size),
        10: crs,
        **{place: text for place, text in texts.items() if text},
    }
    return MAGIC + size_prefixed(Table(fields))


def crs_table(organisation: str | None, code: int, wkt: str) -> Table:
    """The CRS of a header as WKT 2, and as an authority's code where it has one."""
    if organisation is None:
        return Table({4: wkt})
    return Table({0: organisation, 1: Scalar("i", code), 4: wkt, 5: str(code)})


def _column(column: StreamColumn) -> Table:
    fields: dict[int, Field] = {0: column.name, 1: Scalar("B", COLUMN_TYPES.get(column.type, _STRING))}
    if column.title:
        fields[2] = column.title
    return Table(fields)


def features(columns: Sequence[StreamColumn], batch: Any) -> bytes:
    """Features of a record batch, one after the other."""
    rows = feature_array(columns, batch)
    _, offsets, data = rows.buffers()
    return memoryview(data or b"")[: int(np.frombuffer(offsets, np.int64)[len(rows)])].tobytes()


def feature_array(columns: Sequence[StreamColumn], batch: Any) -> Any:
    """Each feature of a record batch as bytes: its columns in order, then WKB, null where a row has no shape."""
    *values, wkb = batch.columns
    shapes, known = _geometries(wkb)
    cells = [cell for i, column in enumerate(columns) for cell in _cells(i, column.type, values[i])]
    held = sum((_sizes(cell) for cell in cells), np.zeros(len(wkb), dtype=np.int64))
    sizes = _sizes(shapes)
    heads = np.tile(np.frombuffer(_HEAD, np.uint8), (len(wkb), 1))
    heads[~known, _HAS_GEOMETRY : _HAS_GEOMETRY + 2] = 0
    heads[_is_point(wkb), _HAS_ENDS : _HAS_ENDS + 2] = 0
    _put(heads, 64, 4 + sizes)
    length = _GEOMETRY + sizes + 4 + held
    pad = -length % 8
    _put(heads, 0, length + pad - 4)
    return joined([even_array(heads), shapes, even_array(_u4(held)), *cells, _zeros(pad)])


def _is_point(wkb: Any) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.asarray(pc.binary_length(wkb).fill_null(0)) == _POINT_WKB
    return found


def _put(rows: Bytes, place: int, values: NDArray[Any]) -> None:
    """Write numbers of four bytes into rows of bytes."""
    rows[:, place : place + 4] = _u4(values)


def _u4(values: NDArray[Any]) -> Bytes:
    return np.ascontiguousarray(values, dtype="<u4").view(np.uint8).reshape(-1, 4)


def _sizes(cells: Any) -> Offsets:
    return np.asarray(pc.binary_length(cells), dtype=np.int64)


def _ends(sizes: NDArray[Any]) -> Offsets:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _zeros(sizes: NDArray[Any]) -> Any:
    return binary(_ends(sizes), bytes(int(sizes.sum())))


def _cells(number: int, kind: str, array: Any) -> list[Any]:
    """Of each row the number of the column in two bytes and the value, nothing where it is not known."""
    if array.null_count == len(array):
        return []
    known = np.asarray(array.is_valid()) if array.null_count else None
    if kind in _WIDTHS:
        arrow, form = _WIDTHS[kind]
        plain = np.asarray(array.cast(arrow).fill_null(0)).astype(form)
        return [_known(np.hstack([_numbers(number, len(array)), _bytes(plain)]), known)]
    text = array.cast(pa.large_string()).cast(pa.large_binary()).fill_null(b"")
    return [_known(np.hstack([_numbers(number, len(array)), _u4(_sizes(text))]), known), text]


def _known(block: Bytes, known: NDArray[np.bool_] | None) -> Any:
    """Rows of bytes, none of those that are not known."""
    return even_array(block) if known is None else binary(_ends(known * block.shape[1]), block[known])


def _bytes(values: NDArray[Any]) -> Bytes:
    return values.view(np.uint8).reshape(len(values), -1)


def _numbers(number: int, count: int) -> Bytes:
    return np.broadcast_to(np.frombuffer(struct.pack("<H", number), np.uint8), (count, 2))


def _geometries(wkb: Any) -> tuple[Any, NDArray[np.bool_]]:
    """The geometry of each row as bytes from place `_GEOMETRY` on, and which rows have one."""
    plain = _plain(wkb)
    if plain is not None:
        return _section(plain), np.ones(len(wkb), dtype=bool)
    shapes = shapely.from_wkb(wkb.to_numpy(zero_copy_only=False))
    known = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    return _mixed(shapes, known), known


def _plain(wkb: Any) -> Ragged | None:
    """Points, or shapes of one line or ring each, taken from the bytes as they lie; None where there are others."""
    if wkb.null_count or not len(wkb):
        return None
    _, offsets, data = wkb.buffers()
    ends = np.frombuffer(offsets, np.int32)[wkb.offset : wkb.offset + len(wkb) + 1].astype(np.int64)
    cells = np.frombuffer(data, np.uint8)
    for head in _PLAIN_HEADS:
        size = len(head) + (0 if head is _POINT_HEAD else 4)
        if (np.diff(ends) < size + 16).any():
            continue
        begin = ends[:-1, np.newaxis] + np.arange(len(head))
        if (cells[begin] == head).all():
            return _without_heads(cells, ends, size, len(head))
    return None


def _without_heads(cells: Bytes, ends: Offsets, size: int, common: int) -> Ragged:
    """The vertices behind the first `size` bytes of each shape; `common` of them are the same in all."""
    kept = np.ones(len(cells), dtype=bool)
    kept[: ends[0]] = kept[ends[-1] :] = False
    kept[ends[:-1, np.newaxis] + np.arange(size)] = False
    xy = cells[kept].view("<f8").reshape(-1, 2)
    if size == common:
        return Ragged(xy, ())
    vertices, one = _ends((np.diff(ends) - size) // 16), np.arange(len(ends))
    return Ragged(xy, (vertices, one) if common == len(_LINE_HEAD) else (vertices, one, one))


def _mixed(shapes: NDArray[np.object_], known: NDArray[np.bool_]) -> Any:
    """Kind by kind, then brought back into the order of the rows."""
    dimension = np.where(known, shapely.get_dimensions(shapes), -1)
    order, made = [np.flatnonzero(~known)], [_zeros(np.zeros(int((~known).sum()), dtype=np.int64))]
    for kind in (0, 1, 2):
        rows = np.flatnonzero(dimension == kind)
        if len(rows):
            flat = ragged(shapes[rows])
            assert flat is not None, "a table holds points, lines and areas, single or several"
            order.append(rows)
            made.append(_section(flat))
    places = np.argsort(np.concatenate(order), kind="stable")
    return pa.concat_arrays(made).take(pa.array(places))


def _section(flat: Ragged) -> Any:
    if not flat.offsets:
        return _points(flat.xy)
    if len(flat.offsets) == 2:
        lines, shapes = flat.offsets
        at = np.full(len(shapes) - 1, _GEOMETRY)
        return _leaves(flat, lines, shapes, _LINES, at)
    return _multipolygons(flat)


def _points(xy: NDArray[np.float64]) -> Any:
    """A table with xy and a type, then two numbers."""
    fixed = struct.pack("<iIIB3xI", _GEOMETRY - _LEAF_VTABLE, 0, 8, _POINT, 2)
    heads = np.broadcast_to(np.frombuffer(fixed, np.uint8), (len(xy), len(fixed)))
    return even_array(np.hstack([heads, np.ascontiguousarray(xy, "<f8").view(np.uint8).reshape(-1, 16)]))


def _leaves(flat: Ragged, rings: Offsets, holders: Offsets, kind: int, at: NDArray[Any]) -> Any:
    """Geometries with vertices and the ends of their rings or lines; each begins at place `at` of its feature.

    Such a place is 4 more than a multiple of 8, and so is that of the number of vertices: they come after it.
    """
    count = np.diff(holders)
    pad = 4 * (count % 2 == 0)
    begin = rings[holders]
    tables = np.zeros((len(count), 20), dtype=np.uint8)
    _put(tables, 0, at - _LEAF_VTABLE)
    _put(tables, 4, np.full(len(count), 12))
    _put(tables, 8, 12 + 4 * count + pad)
    tables[:, 12] = kind
    _put(tables, 16, count)
    ends = rings[1:] - np.repeat(begin[:-1], count)
    return joined([
        even_array(tables),
        binary(4 * holders, np.ascontiguousarray(ends, "<u4").view(np.uint8)),
        _zeros(pad),
        even_array(_u4(2 * np.diff(begin))),
        binary(16 * begin, np.ascontiguousarray(flat.xy, "<f8").view(np.uint8).ravel()),
    ])  # fmt: skip


def _multipolygons(flat: Ragged) -> Any:
    """A table with a vector of parts, then the parts, each a polygon with four bytes of nothing behind it."""
    rings, polygons, shapes = flat.offsets
    count = np.diff(shapes)
    first = _GEOMETRY + 16 + 4 * count + 4 * (count % 2)
    vertices = np.diff(rings[polygons])
    of_polygon = np.diff(polygons)
    sizes = 16 + 4 + 4 * of_polygon + 4 * (of_polygon % 2 == 0) + 4 + 16 * vertices + 4
    before = _ends(sizes)
    at = before[:-1] + np.repeat(first - before[shapes[:-1]], count)
    parts = joined([_leaves(flat, rings, polygons, _POLYGON, at), _zeros(np.full(len(at), 4))])
    entry = _GEOMETRY + 16 + 4 * (np.arange(len(at)) - np.repeat(shapes[:-1], count))
    tables = np.zeros((len(count), 16), dtype=np.uint8)
    _put(tables, 0, np.full(len(count), _GEOMETRY - _PARTS_VTABLE))
    _put(tables, 4, np.full(len(count), 8))
    tables[:, 8] = _POLYGONS
    _put(tables, 12, count)
    _, offsets, data = parts.buffers()
    ends = np.frombuffer(offsets, np.int64)[: len(at) + 1]
    return joined([
        even_array(tables),
        binary(4 * shapes, _u4(at - entry).ravel()),
        _zeros(4 * (count % 2)),
        binary(ends[shapes], data),
    ])  # fmt: skip
