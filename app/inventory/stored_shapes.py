"""Shapes as PostGIS sends them, taken apart and projected as arrays, which is quicker than one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import GeometryType

from app.inventory.copy_binary import Bytes, Offsets, windows
from app.space.metric import MetricCrs

_ONE = b"\1\0\0\0"
_SRID = (4326).to_bytes(4, "little")
#: How the EWKB of a shape of one part and one ring begins, as nearly all are stored, by its kind: up to the number of
#: its vertices; of a point up to its vertex.
_HEADS = {
    GeometryType.POINT: b"\1\1\0\0\x20" + _SRID,
    GeometryType.MULTILINESTRING: b"\1\5\0\0\x20" + _SRID + _ONE + b"\1\2\0\0\0",
    GeometryType.MULTIPOLYGON: b"\1\6\0\0\x20" + _SRID + _ONE + b"\1\3\0\0\0" + _ONE,
}
_VERTEX = 16


def metric_shapes(ewkb: Sequence[bytes], crs: MetricCrs) -> NDArray[np.object_]:
    """Shapes (n,) in metres of EWKB in lon/lat (EPSG:4326), heights left out: those of `MetricCrs.to_metric`."""
    kind = _kind_of(ewkb[0]) if ewkb else None
    if kind is None:
        return _one_by_one(ewkb, crs)
    head = np.frombuffer(_HEADS[kind], np.uint8)
    counted = 0 if kind == GeometryType.POINT else 4
    size = np.fromiter(map(len, ewkb), np.int64, len(ewkb))
    data = np.frombuffer(b"".join((*ewkb, bytes(len(head) + _VERTEX))), np.uint8)
    begin = np.cumsum(size) - size
    count, odd = np.divmod(size - len(head) - counted, _VERTEX)
    plain = (odd == 0) & (count > 0) & (_windows(data, len(head), begin) == head).all(axis=1)
    if counted:
        plain &= _windows(data, 4, begin + len(head)).view("<u4")[:, 0] == count
    xy = _vertices(data, begin[plain] + len(head) + counted, count[plain])
    if counted == 0 and np.isnan(xy).any():  # an empty point
        return _one_by_one(ewkb, crs)
    ends = np.concatenate(([0], np.cumsum(count[plain])))
    made = _made(kind, crs.project(xy), ends)
    if plain.all():
        return made
    shapes = np.empty(len(ewkb), dtype=object)
    shapes[plain] = made
    others = np.flatnonzero(~plain)
    shapes[others] = _one_by_one([ewkb[i] for i in others.tolist()], crs)
    return shapes


def _kind_of(ewkb: bytes) -> GeometryType | None:
    return next((kind for kind, head in _HEADS.items() if ewkb[:9] == head[:9]), None)


def _one_by_one(ewkb: Sequence[bytes], crs: MetricCrs) -> NDArray[np.object_]:
    return crs.to_metric(shapely.from_wkb(np.array([*ewkb, None], dtype=object)[:-1]))


def _windows(data: Bytes, width: int, places: Offsets) -> Bytes:
    """(n, w) bytes at each of the places, at the end where there are none any more."""
    return windows(data, width, np.minimum(places, len(data) - width))


def _vertices(data: Bytes, begin: Offsets, count: Offsets) -> NDArray[np.float64]:
    """(v, 2) the vertices of shapes that have `count` (n,) each from the byte `begin` (n,) on."""
    before = np.cumsum(count) - count
    places = np.repeat(begin - _VERTEX * before, count) + _VERTEX * np.arange(count.sum())
    return _windows(data, _VERTEX, places).view("<f8")


def _made(kind: GeometryType, xy: NDArray[np.float64], ends: Offsets) -> NDArray[np.object_]:
    """Shapes (n,) of one part and one ring each, of vertices `xy` (v, 2) between the ends (n + 1,)."""
    if kind == GeometryType.POINT:
        return np.asarray(shapely.points(xy), dtype=object)
    whole = np.arange(len(ends))
    above = (whole,) if kind == GeometryType.MULTILINESTRING else (whole, whole)
    return np.asarray(shapely.from_ragged_array(kind, xy, (ends, *above)), dtype=object)
