"""Shapes of one kind as flat arrays: written as WKB and measured without an object for each of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.inventory.copy_binary import Cells, Offsets, binary, even_array, framed, joined

#: Byte order and kind, as WKB begins: point, line, polygon, and several lines, several polygons.
_POINT, _LINE, _POLYGON, _LINES, _POLYGONS = (
    np.frombuffer(b"\x01" + bytes([kind, 0, 0, 0]), np.uint8) for kind in (1, 2, 3, 5, 6)
)
_KINDS = (frozenset({0}), frozenset({1, 5}), frozenset({3, 6}))


@dataclass(frozen=True, slots=True)
class Ragged:
    """n shapes of one kind in 2-D: `xy` (m, 2) all vertices; each array of offsets divides the one before it.

    No offsets: points. Two, of lines and shapes: lines. Three, of rings, polygons and shapes: polygons. Every line and
    polygon counts as a part of a shape of many, as it is stored.
    """

    xy: NDArray[np.float64]
    offsets: tuple[Offsets, ...]

    @property
    def starts(self) -> tuple[Offsets, ...]:
        """Where each line or ring, and each thing above it, begins among the vertices; the end stands last."""
        found: list[Offsets] = []
        for offsets in self.offsets:
            found.append(found[-1][offsets] if found else offsets)
        return tuple(found)


def ragged(shapes: NDArray[np.object_]) -> Ragged | None:
    """Filled shapes (n,) as arrays, heights and measures left out; None where they are of several kinds, or rings."""
    found = frozenset(np.unique(shapely.get_type_id(shapes)).tolist())
    if not any(found <= kinds for kinds in _KINDS) or not found:
        return None
    if found == {0}:
        return Ragged(shapely.get_coordinates(shapes), ())
    whole = np.arange(len(shapes) + 1)
    if found & {5, 6}:
        whole = _ends(shapely.get_num_geometries(shapes))
        shapes = shapely.get_parts(shapes)
    # Vertices and their numbers are told of all parts at once; what asks for each ring costs ten times as much.
    sizes = shapely.get_num_coordinates(shapes)
    lower = (_ends(sizes),) if found <= {1, 5} else _rings(shapes, sizes)
    return Ragged(shapely.get_coordinates(shapes), (*lower, whole))


def _rings(polygons: NDArray[np.object_], sizes: NDArray[np.integer]) -> tuple[Offsets, Offsets]:
    """Where each ring begins among the vertices, and each polygon among the rings."""
    holes = shapely.get_num_interior_rings(polygons)
    if not holes.any():
        return _ends(sizes), np.arange(len(polygons) + 1)
    many = np.repeat(holes > 0, holes + 1)
    of_ring = np.empty(len(many), dtype=np.int64)
    of_ring[~many] = sizes[holes == 0]
    of_ring[many] = shapely.get_num_coordinates(shapely.get_rings(polygons[holes > 0]))
    return _ends(of_ring), _ends(holes + 1)


def _ends(sizes: NDArray[np.integer]) -> Offsets:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def wkb_cells(shapes: NDArray[np.object_], flat: Ragged | None) -> Cells:
    """Shapes (n,) in 2-D, stored as many parts, as PostGIS receives them; the column gives the SRID."""
    if flat is None:
        return framed(shapely.to_wkb(shapes).tolist())
    if flat.offsets and len(flat.offsets[0]) == len(flat.offsets[-1]):
        return _plain_cells(flat)
    return framed(binary(*_wkb(flat)))


def _plain_cells(flat: Ragged) -> Cells:
    """Shapes of one line or ring each: the vertices stay as they lie, with the same few bytes before each shape's."""
    begin = flat.starts[0]
    outer, inner = (_LINES, _LINE) if len(flat.offsets) == 2 else (_POLYGONS, _POLYGON)
    one = np.frombuffer(b"\x01\0\0\0", np.uint8)
    fixed = np.concatenate([outer, one, inner, *([one] if inner is _POLYGON else [])])
    count = np.diff(begin)
    size = (len(fixed) + 4 + 16 * count).astype(">i4").view(np.uint8).reshape(-1, 4)
    heads = np.hstack([size, np.broadcast_to(fixed, (len(count), len(fixed))), _headers(None, count)])
    return Cells(uneven=joined([even_array(heads), binary(16 * begin, flat.xy.astype("<f8", copy=False))]))


def _wkb(flat: Ragged) -> tuple[Offsets, NDArray[np.uint8]]:
    """Where each shape begins (and the last one ends), and the bytes of all."""
    if not flat.offsets:
        begin = 21 * np.arange(len(flat.xy) + 1)
        return begin, _filled(flat, [(begin[:-1], _headers(_POINT, None, len(flat.xy)))])
    if len(flat.offsets) == 2:
        lines, shapes = flat.offsets
        at_line, at_shape = flat.starts
        count = np.arange(len(lines))
        line = 16 * at_line + 9 * count + 9 * (_holder(shapes, len(lines)) + 1)
        shape = 16 * at_shape + 9 * shapes + 9 * np.arange(len(shapes))
        return shape, _filled(
            flat,
            [
                (line[:-1], _headers(_LINE, np.diff(lines))),
                (shape[:-1], _headers(_LINES, np.diff(shapes))),
            ],
        )
    rings, polygons, shapes = flat.offsets
    at_ring, at_polygon, at_shape = flat.starts
    of_ring, of_polygon = _holder(polygons, len(rings)), _holder(shapes, len(polygons))
    ring = 16 * at_ring + 4 * np.arange(len(rings)) + 9 * (of_ring + 1) + 9 * (of_polygon[of_ring] + 1)
    polygon = 16 * at_polygon + 4 * polygons + 9 * np.arange(len(polygons)) + 9 * (of_polygon + 1)
    shape = 16 * at_shape + 4 * polygons[shapes] + 9 * shapes + 9 * np.arange(len(shapes))
    return shape, _filled(
        flat,
        [
            (ring[:-1], _headers(None, np.diff(rings))),
            (polygon[:-1], _headers(_POLYGON, np.diff(polygons))),
            (shape[:-1], _headers(_POLYGONS, np.diff(shapes))),
        ],
    )


def _holder(offsets: Offsets, count: int) -> Offsets:
    """For each of `count - 1` parts and the end: the place of what holds it."""
    held = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return np.append(held, len(offsets) - 2)[:count]


def _headers(kind: NDArray[np.uint8] | None, sizes: Offsets | None, count: int = 0) -> NDArray[np.uint8]:
    """(n, 4 to 9) bytes before n things: byte order and kind, then how many parts they have."""
    parts = []
    if kind is not None:
        parts.append(np.broadcast_to(kind, (count if sizes is None else len(sizes), 5)))
    if sizes is not None:
        parts.append(sizes.astype("<u4").view(np.uint8).reshape(-1, 4))
    return np.hstack(parts)


def _filled(flat: Ragged, headers: Sequence[tuple[Offsets, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """The headers at their places, the vertices wherever no header is."""
    total = 16 * len(flat.xy) + sum(block.size for _, block in headers)
    data = np.empty(total, dtype=np.uint8)
    free = np.ones(total, dtype=bool)
    for places, block in headers:
        where = places[:, np.newaxis] + np.arange(block.shape[1])
        data[where] = block
        free[where] = False
    data[free] = flat.xy.astype("<f8", copy=False).view(np.uint8).ravel()
    return data


def lengths(flat: Ragged) -> NDArray[np.float64]:
    """(n,) lengths of lines, in the unit of the vertices."""
    at_line, at_shape = flat.starts
    steps = np.zeros(len(flat.xy))
    steps[1:] = np.hypot(*np.diff(flat.xy, axis=0).T)
    steps[at_line[:-1][np.diff(at_line) > 0]] = 0.0
    return _summed(steps, at_shape)


def areas(flat: Ragged) -> NDArray[np.float64]:
    """(n,) areas of polygons, holes taken off, in the square unit of the vertices."""
    rings, polygons, _ = flat.offsets
    of_vertex = np.repeat(np.arange(len(rings) - 1), np.diff(rings))
    # From the ring's first vertex: products of coordinates of millions of metres would lose the area's last digits.
    near = flat.xy - flat.xy[rings[:-1][of_vertex]]
    cross = np.zeros(len(near))
    cross[:-1] = near[:-1, 0] * near[1:, 1] - near[1:, 0] * near[:-1, 1]
    size = np.abs(_summed(cross, rings)) / 2
    hole = np.ones(len(size), dtype=bool)
    hole[polygons[:-1][np.diff(polygons) > 0]] = False
    return _summed(np.where(hole, -size, size), polygons[flat.offsets[2]])


def _summed(values: NDArray[np.float64], offsets: Offsets) -> NDArray[np.float64]:
    count = len(offsets) - 1
    held = np.repeat(np.arange(count), np.diff(offsets))
    return np.asarray(np.bincount(held, weights=values, minlength=count), dtype=float)
