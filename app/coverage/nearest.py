"""The nearest of many facilities for very many places at once: exact metres, several times as fast as a tree of shapes.

A facility's boundary is cut into short stretches, each inside a small circle. No point of a stretch is nearer than its
circle, so the few circles nearest to a place say which facilities can be the nearest; only to these the distance is
measured, by GEOS as ever. Where a few circles do not settle it the tree of shapes is asked.
"""

from __future__ import annotations

import numpy as np
import shapely
from scipy.spatial import KDTree

from app.network.model import Floats, Geometries, Ints
from app.parallel import cores, share

#: Metres of boundary that one circle stands for at most.
STRETCH_M = 100.0
#: How many circles are looked at.
CIRCLES = 8
#: Distances that differ by less are worked out rather than compared.
ROUNDING_M = 1e-6
#: From this many places on the index is worth its making.
MANY = 5_000
#: From this many on the work is shared among the cores.
SHARED = 20_000


class NearestFacility:
    """An index over facilities (k,): points, lines or polygons in metres, missing and empty ones passed over."""

    def __init__(self, facilities: Geometries) -> None:
        self._kept = np.flatnonzero(~(shapely.is_missing(facilities) | shapely.is_empty(facilities)))
        self._shapes = facilities[self._kept]
        self._tree = shapely.STRtree(self._shapes)
        centre, self._radius, self._owner = _circles(self._shapes)
        self._circles = KDTree(centre) if len(centre) else None
        self._widest = float(self._radius.max(initial=0.0))
        #: A place inside a facility is no further from its boundary than half its smaller side.
        bounds = shapely.bounds(self._shapes)
        solid = shapely.get_dimensions(self._shapes) == 2
        sides = np.minimum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
        self._deepest = float((sides[solid] / 2).max(initial=-np.inf))

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, xy: Floats, points: Geometries | None = None) -> tuple[Floats, Ints]:
        """(n,) metres from places `xy` (n, 2) to the nearest facility, inf without any, and (n,) its index, else -1.

        Of facilities equally near the one with the smallest index is taken. `points` (n,) are the same places as
        shapes, where they are at hand.
        """
        if self._circles is None or not len(xy):
            return np.full(len(xy), np.inf), np.full(len(xy), -1, dtype=np.int64)
        count = cores() if len(xy) >= SHARED else 1
        shapes = [None] * count if points is None else np.array_split(points, count)
        parts = zip(np.array_split(xy, count), shapes, strict=True)
        found = share(lambda part: self._find(*part), parts)
        return np.concatenate([metres for metres, _ in found]), np.concatenate([index for _, index in found])

    def _find(self, xy: Floats, points: Geometries | None) -> tuple[Floats, Ints]:
        assert self._circles is not None
        count = min(CIRCLES, len(self._radius))
        far, circle = map(np.asarray, self._circles.query(xy, k=np.arange(1, count + 1)))
        owner = self._owner[circle]
        place: Geometries = np.asarray(shapely.points(xy), dtype=object) if points is None else points
        best = owner[:, 0].copy()
        metres: Floats = np.array(shapely.distance(place, self._shapes[best]), dtype=np.float64)
        low = np.asarray(far - self._radius[circle] - ROUNDING_M)
        for k in range(1, count):
            rows = np.flatnonzero((low[:, k] <= metres) & (owner[:, k] != best))
            self._improve(metres, best, rows, owner[rows, k], place)
        if count < len(self._radius):
            self._ask_tree(
                metres, best, np.flatnonzero(far[:, -1] - self._widest - ROUNDING_M <= metres), place
            )
        self._look_inside(metres, best, np.flatnonzero(far[:, 0] <= self._deepest + self._widest), place)
        return metres, self._kept[best]

    def _improve(self, metres: Floats, best: Ints, rows: Ints, other: Ints, place: Geometries) -> None:
        """Take the `other` facilities for places `rows` where they are nearer (written into `metres` and `best`)."""
        apart = shapely.distance(place[rows], self._shapes[other])
        better = (apart < metres[rows]) | ((apart == metres[rows]) & (other < best[rows]))
        metres[rows[better]], best[rows[better]] = apart[better], other[better]

    def _ask_tree(self, metres: Floats, best: Ints, rows: Ints, place: Geometries) -> None:
        if not len(rows):
            return
        (which, found), apart = self._tree.query_nearest(place[rows], return_distance=True, all_matches=True)
        order = np.lexsort((found, which))
        _, first = np.unique(which[order], return_index=True)
        chosen = order[first]
        metres[rows[which[chosen]]], best[rows[which[chosen]]] = apart[chosen], found[chosen]

    def _look_inside(self, metres: Floats, best: Ints, rows: Ints, place: Geometries) -> None:
        """Places inside facilities are in the first of them, however near another one's boundary is."""
        which, found = self._tree.query(place[rows], predicate="intersects")
        order = np.lexsort((found, which))[::-1]
        metres[rows[which]] = 0.0
        best[rows[which[order]]] = found[order]


def _circles(shapes: Geometries) -> tuple[Floats, Floats, Ints]:
    """(c, 2) centre and (c,) radius of circles that together hold all boundaries, and (c,) the facility of each."""
    parts, part_owner = shapely.get_parts(shapes, return_index=True)
    solid = shapely.get_dimensions(parts) == 2
    rings, ring_part = shapely.get_rings(parts[solid], return_index=True)
    lines = np.concatenate((parts[~solid], rings))
    owner = np.concatenate((part_owner[~solid], part_owner[solid][ring_part]))
    long = np.flatnonzero(shapely.get_dimensions(lines) == 1)
    lines[long] = shapely.segmentize(lines[long], STRETCH_M)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    stretch = _stretches(xy, line)
    # a stretch reaches to the first point of the next one
    joined = np.flatnonzero((line[1:] == line[:-1]) & (stretch[1:] != stretch[:-1]))
    xy, member = np.concatenate((xy, xy[joined + 1])), np.concatenate((stretch, stretch[joined]))
    order = np.argsort(member, kind="stable")
    xy, member = xy[order], member[order]
    first = np.flatnonzero(np.concatenate((np.ones(min(len(member), 1), bool), member[1:] != member[:-1])))
    if not len(first):
        return np.empty((0, 2)), np.empty(0), np.empty(0, dtype=np.int64)
    centre = (np.minimum.reduceat(xy, first) + np.maximum.reduceat(xy, first)) / 2
    radius = np.maximum.reduceat(np.hypot(*(xy - centre[member]).T), first)
    at = np.flatnonzero(np.concatenate(([True], stretch[1:] != stretch[:-1])))
    return centre, radius, owner[line[at]].astype(np.int64)


def _stretches(xy: Floats, line: Ints) -> Ints:
    """(v,) the number of the stretch of each vertex: a new one with each line and each STRETCH_M along it."""
    begins = np.concatenate((np.ones(min(len(line), 1), bool), line[1:] != line[:-1]))
    step = np.zeros(len(xy))
    step[1:] = np.hypot(*np.diff(xy, axis=0).T)
    step[begins] = 0.0
    along = np.cumsum(step)
    along -= along[begins][np.cumsum(begins) - 1]
    number = np.floor(along / STRETCH_M).astype(np.int64)
    changes = begins.copy()
    changes[1:] |= number[1:] != number[:-1]
    return np.asarray(np.cumsum(changes) - 1, dtype=np.int64)
