"""Rows of a file that may be one thing told twice: equal shapes, and points of one kind that are too near."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass
from app.lazy import lazy_module

#: A third of a second that only files with crowded points need.
spatial = lazy_module("scipy.spatial")

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]

#: WGS84: half axis (m) and the square of its eccentricity.
AXIS_M, ECCENTRICITY2 = 6_378_137.0, 0.006_694_379_990_141_33
#: Metres that a degree of latitude has at least: cells made with it hold all that is as near as asked.
DEGREE_M = 110_000.0
#: Equal shapes agree to this many degrees (1 cm).
STEP_DEG = 1e-7
#: Odd numbers that mix the parts of a key; keys that meet by chance are told apart afterwards, or are 1 in 2^64.
_ODD = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F,
     0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3, 0x589965CC75374CC3, 0x1D8E4E27C47D124F], dtype=np.uint64,
)  # fmt: skip
HINT = "Nothing was merged. If both rows are one thing, delete one of them and import again."


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows of a file, by their numbers, the later first, and their distance in metres (0: the same shape)."""

    row: int | str
    other: int | str
    distance_m: float


@dataclass(frozen=True, slots=True)
class Duplicates:
    """`total` pairs of a file and the first of them: each row with the nearest of those that it may repeat."""

    total: int
    pairs: list[Pair]


class DuplicateFinder:
    """Goes through the rows of one class chunk by chunk; keeps about 30 bytes a row."""

    def __init__(self, cls: FeatureClass) -> None:
        self._near_m = cls.duplicate_m or 0.0
        self._kinds: dict[object, int] = {}
        self._rows: list[Sequence[int | str]] = []
        self._points: list[tuple[Ints, Floats, Ints]] = []
        self._shapes: list[tuple[Ints, NDArray[np.uint64]]] = []
        self._count = 0

    def add(
        self, rows: Sequence[int | str], geometry: NDArray[np.object_], kinds: Sequence[object] | None = None
    ) -> None:
        """Rows that will be stored: their numbers, shapes (n,) in lon/lat and values of the field `kind`."""
        kind = self._kinds_of(kinds, len(rows))
        at = np.arange(self._count, self._count + len(rows), dtype=np.int32)
        point = shapely.get_type_id(geometry) == shapely.GeometryType.POINT
        if point.any():
            self._points.append((at[point], shapely.get_coordinates(geometry[point]), kind[point]))
        if not point.all():
            self._shapes.append((at[~point], _signatures(geometry[~point], kind[~point])))
        whole = set(map(type, rows)) <= {int}
        self._rows.append(np.array(rows, dtype=np.int64) if whole else list(rows))  # type: ignore[arg-type]
        self._count += len(rows)

    def find(self, limit: int = 1000) -> Duplicates:
        """All pairs counted, the first `limit` of them named, in the order of the file."""
        found = [_equal_shapes(self._shapes), *_near_points(self._points, self._near_m)]
        late = np.concatenate([pairs[0] for pairs in found])
        early = np.concatenate([pairs[1] for pairs in found])
        far = np.concatenate([pairs[2] for pairs in found])
        first = np.lexsort((early, late))[:limit]
        named = [
            Pair(self._name(a), self._name(b), round(d, 2))
            for a, b, d in zip(late[first].tolist(), early[first].tolist(), far[first].tolist(), strict=True)
        ]
        return Duplicates(len(late), named)

    def _kinds_of(self, kinds: Sequence[object] | None, count: int) -> Ints:
        if kinds is None:
            return np.zeros(count, dtype=np.int32)
        numbers = self._kinds
        for kind in set(kinds):
            numbers.setdefault(kind, len(numbers))
        return np.fromiter(map(numbers.__getitem__, kinds), np.int32, count)

    def _name(self, position: int) -> int | str:
        for rows in self._rows:
            if position < len(rows):
                name = rows[position]
                return name if isinstance(name, str) else int(name)
            position -= len(rows)
        raise IndexError(position)


Pairs = tuple[Ints, Ints, Floats]


def duplicate_warnings(cls: FeatureClass, found: Duplicates) -> list[dict[str, Any]]:
    """The pairs as warnings of the report."""
    return [
        {"class": cls.id, "row": pair.row, "field": "geometry", "value": None, "hint": HINT,
         "reason": f"may be a duplicate of row {pair.other}: {_apart(cls, pair.distance_m)}"}
        for pair in found.pairs
    ]  # fmt: skip


def _apart(cls: FeatureClass, distance_m: float) -> str:
    if distance_m == 0:
        return "the same shape and kind"
    return f"{distance_m:g} m from it (up to {cls.duplicate_m:g} m is told), of the same kind"


def _signatures(shapes: NDArray[np.object_], kind: Ints) -> NDArray[np.uint64]:
    """Numbers (n,) that are equal for equal shapes of one kind, wherever a ring begins or a line runs to."""
    parts = [*shapely.bounds(shapes).T, *_middles(shapes).T, shapely.length(shapes)]
    numbers = [np.rint(part / STEP_DEG).astype(np.int64) for part in parts]
    return _mix([*numbers, shapely.get_num_coordinates(shapes), kind])


def _middles(shapes: NDArray[np.object_]) -> Floats:
    """A place (n, 2) in each shape that does not depend on where its ring begins.

    Of lines and plain polygons the mean of the vertices, which costs a tenth of a centroid.
    """
    types = shapely.get_type_id(shapes)
    ring = (types == shapely.GeometryType.POLYGON) & (shapely.get_num_interior_rings(shapes) == 0)
    plain = ring | (types == shapely.GeometryType.LINESTRING)
    middles = np.empty((len(shapes), 2))
    middles[~plain] = shapely.get_coordinates(shapely.centroid(shapes[~plain]))
    if plain.any():
        counts = shapely.get_num_coordinates(shapes[plain])
        places = shapely.get_coordinates(shapes[plain])
        starts = np.cumsum(counts) - counts
        # The first vertex of a ring stands again at its end.
        twice = ring[plain].astype(np.int64)
        total = np.add.reduceat(places, starts) - places[starts] * twice[:, None]
        middles[plain] = total / (counts - twice)[:, None]
    return middles


def _mix(parts: Iterable[NDArray[Any]]) -> NDArray[np.uint64]:
    mixed = np.zeros(1, dtype=np.uint64)
    for part, odd in zip(parts, _ODD, strict=False):
        # In place: a column of millions is 40 MB.
        number = part.astype(np.int64).view(np.uint64)
        number *= odd
        number ^= mixed
        number *= _ODD[0]
        number ^= number >> np.uint64(29)
        mixed = number
    return mixed


def _equal_shapes(chunks: Sequence[tuple[Ints, NDArray[np.uint64]]]) -> Pairs:
    if not chunks:
        return _none()
    at = np.concatenate([chunk[0] for chunk in chunks])
    late, early = _repeated(np.concatenate([chunk[1] for chunk in chunks]))
    return at[late], at[early], np.zeros(len(late))


def _none() -> Pairs:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)


def _repeated(keys: NDArray[np.uint64]) -> tuple[Ints, Ints]:
    """Positions of the keys that stood before, and where each stood first."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    same = np.zeros(len(keys), dtype=bool)
    same[1:] = ordered[1:] == ordered[:-1]
    begins = np.maximum.accumulate(np.where(same, 0, np.arange(len(keys))))
    return order[same], order[begins[same]]


def _near_points(chunks: list[tuple[Ints, Floats, Ints]], near_m: float) -> list[Pairs]:
    if not chunks:
        return []
    at, places, kind = (np.concatenate([chunk[i] for chunk in chunks]) for i in range(3))
    # Millions of points would stand twice in memory.
    chunks.clear()
    some = _crowded(places, kind, near_m)
    at, places, kind = at[some], places[some], kind[some]
    numbers = places.astype(np.float64).view(np.int64).reshape(-1, 2)
    late, early = _repeated(_mix([numbers[:, 0], numbers[:, 1], kind]))
    alone = np.ones(len(at), dtype=bool)
    alone[late] = False
    a, b, far = _nearest(places[alone], kind[alone], near_m)
    single = at[alone]
    return [(at[late], at[early], np.zeros(len(late))), (single[a], single[b], far)]


def _crowded(places: Floats, kind: Ints, near_m: float) -> NDArray[np.intp]:
    """Positions of the points that share a cell: all that have another of their kind nearer than `near_m`, and more.

    Two grids in each direction, half a cell apart, so that what is near shares a cell of one of the four. Most points
    of most files are in none, and cost four sorts of numbers instead of a search in a tree.
    """
    height = max(2 * near_m / DEGREE_M, STEP_DEG)
    width = height / max(float(np.cos(np.radians(np.abs(places[:, 1]).max()))), 0.01)
    found = np.zeros(len(places), dtype=bool)
    for shift in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)):
        _mark_shared(_mix(_cells(places, (width, height), shift, kind)), found)
    return np.flatnonzero(found)


def _mark_shared(keys: NDArray[np.uint64], found: NDArray[np.bool_]) -> None:
    order = np.argsort(keys)
    keys = keys[order]
    same = keys[1:] == keys[:-1]
    found[order[1:][same]] = True
    found[order[:-1][same]] = True


def _cells(
    places: Floats, sizes: tuple[float, float], shift: tuple[float, float], kind: Ints
) -> Iterator[NDArray[Any]]:
    for i, size in enumerate(sizes):
        column = places[:, i] / size
        column += shift[i]
        yield np.floor(column, out=column)
    yield kind


def _nearest(places: Floats, kind: Ints, near_m: float) -> Pairs:
    """Each point with the nearest other of its kind, if nearer than `near_m`; a mutual pair once, the later first."""
    if len(places) < 2 or near_m <= 0:
        return _none()
    # A fourth direction keeps the kinds apart.
    spots = np.column_stack([_spots(places), kind * (4 * near_m)])
    found = spatial.cKDTree(spots).query(spots, k=2, distance_upper_bound=near_m * (1 + 1e-9))
    far, other = np.asarray(found[0]), np.asarray(found[1])
    mine = np.arange(len(places))
    second = np.where(other[:, 0] == mine, 1, 0)
    far, other = far[mine, second], other[mine, second]
    near = np.isfinite(far)
    low, high = np.minimum(mine, other)[near], np.maximum(mine, other)[near]
    pairs, first = np.unique(np.column_stack([high, low]), axis=0, return_index=True)
    return pairs[:, 0], pairs[:, 1], far[near][first]


def _spots(places: Floats) -> Floats:
    """Places (n, 2) in lon/lat → (n, 3) metres from the Earth's centre: near each other, distances on the ground."""
    lon, lat = np.radians(places).T
    radius = AXIS_M / np.sqrt(1 - ECCENTRICITY2 * np.sin(lat) ** 2)
    flat = radius * np.cos(lat)
    return np.column_stack(
        [flat * np.cos(lon), flat * np.sin(lon), (1 - ECCENTRICITY2) * radius * np.sin(lat)]
    )
