"""Bringing geometries to the kind of a class: collections taken apart, accepted kinds converted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import GeometryType as T

from app.catalogue.model import GeometryKind

#: Kind by GEOS type id; -1 stands for no geometry, 7 for a collection.
KIND_OF_TYPE = {
    T.POINT: "point", T.LINESTRING: "line", T.LINEARRING: "line", T.POLYGON: "polygon",
    T.MULTIPOINT: "point", T.MULTILINESTRING: "line", T.MULTIPOLYGON: "polygon",
}  # fmt: skip
KINDS = ("point", "line", "polygon")
_KIND_NUMBER = np.array([KINDS.index(KIND_OF_TYPE[item]) for item in sorted(KIND_OF_TYPE)])
_COLLECT: dict[str, Callable[..., Any]] = {
    "point": shapely.multipoints, "line": shapely.multilinestrings, "polygon": shapely.multipolygons,
}  # fmt: skip


class Rows:
    """Shapes (n,) on their way: refused ones become None, so that no later step sees them."""

    def __init__(self, shapes: NDArray[np.object_]) -> None:
        self.shapes = shapes
        self.refused: dict[int, str] = {}
        self.warned: dict[int, str] = {}
        self.told: dict[str, int] = {}

    def refuse(self, where: NDArray[np.bool_], reason: str) -> None:
        """Refuse the rows in the mask; the first reason of a row counts."""
        for i in np.flatnonzero(where).tolist():
            self.refuse_one(i, reason)

    def refuse_one(self, i: int, reason: str) -> None:
        """Refuse one row."""
        self.refused.setdefault(i, reason)
        self.shapes[i] = None

    def warn(self, i: int, text: str) -> None:
        """Say something of a row that stays."""
        self.warned[i] = f"{self.warned[i]}; {text}" if i in self.warned else text

    def tell(self, what: str, count: int) -> None:
        """Count rows to which something was done."""
        if count:
            self.told[what] = self.told.get(what, 0) + count

    def of_types(self, types: Sequence[T]) -> NDArray[np.intp]:
        """Positions of the rows that have one of these types."""
        return np.flatnonzero(np.isin(shapely.get_type_id(self.shapes), [int(item) for item in types]))


def own_kinds(kind: GeometryKind) -> tuple[str, ...]:
    """The kinds that a class of `kind` stores."""
    return ("point", "polygon") if kind == "mixed" else (kind,)


def take_apart(rows: Rows, kind: GeometryKind, accept: tuple[GeometryKind, ...]) -> None:
    """Replace each collection that holds one kind the class can use by its parts of that kind; refuse the others."""
    at = rows.of_types((T.GEOMETRYCOLLECTION,))
    if not len(at):
        return
    parts, index = _simple_parts(rows.shapes[at])
    kinds = _KIND_NUMBER[shapely.get_type_id(parts)]
    holds = np.zeros((len(at), len(KINDS)), dtype=bool)
    holds[index, kinds] = True
    useful = np.array([name in own_kinds(kind) or name in accept for name in KINDS])
    single = (holds & useful).sum(axis=1) == 1
    for i in np.flatnonzero(~single).tolist():
        rows.refuse_one(int(at[i]), f"the geometry is a collection of {_named(holds[i])}, {_holds(kind)}")
    chosen = np.argmax(holds & useful, axis=1)
    for number, name in enumerate(KINDS):
        mine = single[index] & (chosen[index] == number) & (kinds == number)
        if mine.any():
            of, packed = np.unique(index[mine], return_inverse=True)
            rows.shapes[at[of]] = _COLLECT[name](parts[mine], indices=packed)
    for i in np.flatnonzero(single & (holds.sum(axis=1) > 1)).tolist():
        rest = holds[i].copy()
        rest[chosen[i]] = False
        rows.warn(int(at[i]), f"the {_named(rest)} of its collection were left out")
    rows.tell("collection", int(single.sum()))


def _simple_parts(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Points, lines and polygons of collections (n,), however deep, without empty ones, and whose each is."""
    parts, index = shapely.get_parts(shapes, return_index=True)
    while (shapely.get_type_id(parts) >= T.MULTIPOINT).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        index = index[inner]
    full = ~shapely.is_empty(parts)
    return parts[full], index[full]


def _named(holds: NDArray[np.bool_]) -> str:
    return " and ".join(f"{name}s" for name, there in zip(KINDS, holds, strict=True) if there)


def _holds(kind: GeometryKind) -> str:
    return f"this class holds {' or '.join(f'{name}s' for name in own_kinds(kind))}"


def fit_kind(rows: Rows, kind: GeometryKind, accept: tuple[GeometryKind, ...], *, split: bool) -> None:
    """Refuse kinds that the class cannot use, convert accepted ones; single parts stay single."""
    own = own_kinds(kind)
    if "polygon" in own:
        _close_lines(rows, kind, accepted="line" in accept)
    for name in KINDS:
        if name not in own:
            at = rows.of_types([item for item, found in KIND_OF_TYPE.items() if found == name])
            if name in accept and name != "point" and own != ("polygon",):
                _convert(rows, at, own[0])
            else:
                _refuse_at(rows, at, f"the geometry is a {name}, {_holds(kind)}")
    if "point" in own:
        _unwrap_points(rows, split=split)


def _refuse_at(rows: Rows, at: Iterable[Any], reason: str) -> None:
    for i in at:
        rows.refuse_one(int(i), reason)


def _close_lines(rows: Rows, kind: GeometryKind, *, accepted: bool) -> None:
    """Closed lines that do not cross themselves are areas for a class of areas that accepts lines."""
    at = rows.of_types((T.LINESTRING, T.LINEARRING))
    at = at[shapely.is_ring(rows.shapes[at])]
    if not accepted:
        _refuse_at(rows, at, f"the geometry is a closed line, {_holds(kind)}")
    elif len(at):
        places, index = shapely.get_coordinates(rows.shapes[at], return_index=True)
        rows.shapes[at] = shapely.polygons(shapely.linearrings(places, indices=index))
        rows.tell("closed_line", len(at))


def _convert(rows: Rows, at: NDArray[np.intp], target: str) -> None:
    if len(at):
        change = shapely.boundary if target == "line" else shapely.point_on_surface
        rows.shapes[at] = change(rows.shapes[at])


def _unwrap_points(rows: Rows, *, split: bool) -> None:
    at = rows.of_types((T.MULTIPOINT,))
    alone = shapely.get_num_geometries(rows.shapes[at]) == 1
    rows.shapes[at[alone]] = shapely.get_geometry(rows.shapes[at[alone]], 0)
    for i in at[~alone].tolist():
        places = dict.fromkeys(map(tuple, shapely.get_coordinates(rows.shapes[i]).tolist()))
        if len(places) == 1:
            rows.shapes[i] = shapely.Point(next(iter(places)))
        elif split:
            rows.shapes[i] = shapely.MultiPoint(list(places))
        else:
            rows.refuse_one(i, f"a multipoint of {len(places)} places, this class holds one place a row")
