"""People as they are counted: one basis at a time, nobody twice, at their place; pure arrays in metres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely

from app.catalogue.policy_model import BASES
from app.coverage.model import Bools, Floats, Ints, Objects, Places
from app.coverage.shapes import polygonal

#: Overlaps below this share of the smaller cell are borders drawn badly, not people told twice.
BORDER = 0.01
#: Points nearer to each other than this are one place.
SAME_PLACE_M = 0.1
#: How large the square is that stands for a point where areas are measured (m), and the disc where it is drawn.
POINT_M = 0.2
DISC_M = (5.0, 250.0)


@dataclass(frozen=True, slots=True)
class Population:
    """Cells of people (m,): their places with the people that count, drawn as polygons.

    `kind` (m,) is the kind of people, `as_of` (m,) the day counted (None: unknown), `dataset` (m,) the name of the data
    set or None, `point` (m,) whether the cell is known by its centre alone, `twice` (m,) people of the cell left out
    because another cell tells of them too, `silent` (m,) whether it does not say how many people there are.
    """

    places: Places
    kind: Objects
    as_of: Objects
    dataset: Objects
    point: Bools
    twice: Floats
    silent: Bools


def choose_basis(kind: Objects, counted: Bools, asked: str | None) -> tuple[str | None, Bools]:
    """The basis that people are counted on and which of the cells (m,) that is; kinds of two bases never add up.

    `kind` (m,) of each cell, `counted` (m,) those with people in the data; `asked` names a basis, None takes the first
    of `BASES` that has people. None where there is nobody.
    """
    for name in BASES if asked is None else (asked,):
        kinds = BASES[name]
        chosen = counted & np.isin(kind.astype(str), kinds)
        if chosen.any() and (asked is not None or kinds[0] in kind[chosen]):
            return "+".join(k for k in kinds if k in kind[chosen]), chosen
    return None, np.zeros(len(kind), dtype=bool)


def dates(as_of: Objects) -> dict[str, str | None] | None:
    """`{"from", "to"}` of the days (m,) that are known, None where none is."""
    known = sorted(str(day) for day in as_of if day is not None)
    return {"from": known[0], "to": known[-1]} if known else None


def datasets(names: Objects) -> list[str]:
    """The names (m,) of data sets, each once."""
    return sorted({str(name) for name in names if name is not None})


def known_by(as_of: Objects, day: date | None) -> Bools:
    """(m,) cells that were counted by a day (None: all); a cell without a date may always have been."""
    return np.array([found is None or day is None or found <= day for found in as_of], dtype=bool)


def priority(as_of: Objects, point: Bools) -> Ints:
    """The order (m,) in which cells are believed: the newest first, polygons before points, then as they come."""
    age = np.array([0 if day is None else -day.toordinal() for day in as_of], dtype=np.int64)
    return np.lexsort((np.arange(len(point)), point, age))


def counted_once(geometry: Objects, as_of: Objects, order: Ints) -> Floats:
    """The share (m,) of each cell's people that no cell believed before it (`order`) tells of.

    Of polygons that overlap the later one keeps the share of its area that is left; a point on an earlier polygon, and
    a polygon that an earlier point lies on, keep nothing. Points at one place count each, unless of another day.
    """
    share = np.ones(len(geometry))
    rank = np.empty(len(geometry), dtype=np.int64)
    rank[order] = np.arange(len(order))
    point = shapely.get_dimensions(geometry) == 0
    _polygons(geometry, np.flatnonzero(~point), rank, share)
    _points_on_polygons(geometry, point, rank, share)
    _points(geometry, np.flatnonzero(point), as_of, rank, share)
    return share


def _polygons(geometry: Objects, rows: Ints, rank: Ints, share: Floats) -> None:
    later, earlier = shapely.STRtree(geometry[rows]).query(geometry[rows], predicate="intersects")
    later, earlier = rows[later], rows[earlier]
    pair = rank[earlier] < rank[later]
    later, earlier = later[pair], earlier[pair]
    common = shapely.area(shapely.intersection(geometry[later], geometry[earlier]))
    smaller = np.minimum(shapely.area(geometry[later]), shapely.area(geometry[earlier]))
    real = common > BORDER * smaller
    for cell in np.unique(later[real]).tolist():
        over = shapely.union_all(geometry[earlier[real & (later == cell)]])
        left = polygonal(np.array([shapely.difference(geometry[cell], over)], dtype=object))
        share[cell] = float(shapely.area(left)[0] / shapely.area(geometry[cell]))


def _points_on_polygons(geometry: Objects, point: Bools, rank: Ints, share: Floats) -> None:
    points, polygons = np.flatnonzero(point), np.flatnonzero(~point)
    if not len(points) or not len(polygons):
        return
    a, b = shapely.STRtree(geometry[polygons]).query(geometry[points], predicate="intersects")
    a, b = points[a], polygons[b]
    share[np.where(rank[a] < rank[b], b, a)] = 0.0


def _points(geometry: Objects, rows: Ints, as_of: Objects, rank: Ints, share: Floats) -> None:
    newest: dict[tuple[int, int], Any] = {}
    cells = np.round(shapely.get_coordinates(geometry[rows]) / SAME_PLACE_M).astype(np.int64).tolist()
    for row, cell in sorted(
        zip(rows.tolist(), map(tuple, cells), strict=True), key=lambda pair: rank[pair[0]]
    ):
        if newest.setdefault(cell, as_of[row]) != as_of[row]:
            share[row] = 0.0


def drawn(geometry: Objects) -> Objects:
    """The cells (m,) as polygons: a point becomes a disc that reaches half way to its nearest neighbour."""
    result = geometry.copy()
    points = np.flatnonzero(shapely.get_dimensions(geometry) == 0)
    if not len(points):
        return result
    half = np.full(len(points), DISC_M[1])
    if len(points) > 1:
        (row, _), metres = shapely.STRtree(geometry[points]).query_nearest(
            geometry[points], exclusive=True, return_distance=True, all_matches=False
        )
        half[row] = np.clip(metres / 2, *DISC_M)
    result[points] = shapely.buffer(geometry[points], half, quad_segs=8)
    return result


def squares(centres: Objects) -> Objects:
    """Squares of 0.2 m (k,) in place of points (k,): where areas are measured, all there is of a place."""
    return np.asarray(shapely.buffer(centres, POINT_M / 2, cap_style="square"), dtype=object)
