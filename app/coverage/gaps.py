"""The gaps: land that nobody serves, as polygons with people and metres to the nearest facility, worst first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.coverage.lattice import SLIVER_M2, Pieces
from app.coverage.shapes import collect, union_groups
from app.coverage.straight import nearest
from app.network.model import Bools, Floats, Geometries, Ints
from app.parallel import by_rows

MIN_AREA_M2 = 1.0
#: Sums of a parcel's pieces differ from its area by rounding only.
WHOLE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Gaps:
    """Unserved parts of parcels, `g` of them, those with most people first, then the largest.

    Attributes:
        owner: (g,) index of the parcel.
        geometry: (g,) polygons and multipolygons.
        area_m2: (g,) their areas.
        people: (g,) people of the parcel by the gap's share of its area.
        distance_m: (g,) metres to the nearest facility, inf where none is reached.
        nearest: (g,) that facility's index, -1 where none is reached.
    """

    owner: Ints
    geometry: Geometries
    area_m2: Floats
    people: Floats
    distance_m: Floats
    nearest: Ints

    def __len__(self) -> int:
        return len(self.owner)


def rest_gaps(
    parcels: Geometries,
    rest: Geometries,
    people: Floats,
    facilities: Geometries,
    min_area_m2: float = MIN_AREA_M2,
) -> Gaps:
    """The gaps made of the unserved part `rest` (u,) of each parcel, empty where all is served.

    `people` (u,) of each parcel; metres are those in a straight line from a point inside each gap to the nearest of
    the `facilities` (f,). Gaps below `min_area_m2` are dropped.
    """
    area = shapely.area(rest)
    owner = np.flatnonzero(area >= min_area_m2)
    share = area[owner] / shapely.area(parcels[owner])
    distance, index = nearest(by_rows(shapely.point_on_surface, rest[owner]), facilities)
    return _ranked(Gaps(owner, rest[owner], area[owner], people[owner] * share, distance, index))


def piece_gaps(
    pieces: Pieces,
    rest: Geometries,
    people: Floats,
    distance_m: Floats,
    nearest_facility: Ints | None = None,
    min_area_m2: float = MIN_AREA_M2,
    parcels: Geometries | None = None,
) -> Gaps:
    """The gaps made of the unserved part `rest` (p,) of each piece, empty where all is served.

    `people` (u,) of each parcel; `distance_m` (p,) metres walked from each piece, searched further than the radius
    where gaps shall tell their metres; `nearest_facility` (p,) its facility. A gap's metres are those of its piece
    with the largest unserved area among the pieces that reach a facility; inf where none does. `parcels` (u,), where
    given, stand for the union of their pieces where none is served: most gaps are whole parcels.
    """
    area = shapely.area(rest)
    gap = np.flatnonzero(area > 0)
    owner, groups = collect(rest[gap], pieces.owner[gap])
    cut = pieces.owner[gap[area[gap] != pieces.area_m2[gap]]]
    total = np.asarray(shapely.area(groups))
    land = (
        np.bincount(pieces.owner, weights=pieces.area_m2).astype(np.float64)[owner] if len(owner) else total
    )
    typical = _typical(pieces.owner[gap], area[gap], distance_m[gap])
    none = np.full(len(owner), -1, dtype=np.int64)
    gaps = Gaps(
        owner,
        _united(groups, owner, np.isin(owner, cut), total / land, parcels),
        total,
        people[owner] * total / land,
        distance_m[gap][typical],
        none if nearest_facility is None else nearest_facility[gap][typical],
    )
    return _ranked(_choose(gaps, np.flatnonzero(total >= min_area_m2)))


def _united(
    groups: Geometries, owner: Ints, cut: Bools, share: Floats, parcels: Geometries | None
) -> Geometries:
    """(g,) the pieces of each gap in one; a parcel that is all gap needs no union.

    `cut` (g,) whether any of its pieces is served in part; `share` (g,) of the parcel's land.
    """
    if parcels is None:
        return union_groups(groups)
    result = parcels[owner].copy()
    all_gap = share >= 1 - WHOLE_TOLERANCE
    result[~all_gap & ~cut] = _joined(groups[~all_gap & ~cut])
    result[~all_gap & cut] = _merged(groups[~all_gap & cut])
    return result


def _joined(groups: Geometries) -> Geometries:
    """(g,) the union of whole pieces of the lattice, which meet edge to edge: a fifth of the time of `_merged`."""
    try:
        joined = np.asarray(shapely.coverage_union_all(groups.reshape(-1, 1), axis=1))
    except shapely.GEOSException:  # pieces of an overlay may differ in the last digit of a common corner
        return _merged(groups)
    wrong = ~shapely.is_valid(joined) | (np.abs(shapely.area(joined) - shapely.area(groups)) > SLIVER_M2)
    joined[wrong] = _merged(groups[wrong])
    return joined


def _merged(groups: Geometries) -> Geometries:
    """(g,) the union of pieces that do not overlap, in half the time of one that must ask whether they do."""
    return np.asarray(shapely.buffer(groups, 0))


def _typical(owner: Ints, area_m2: Floats, distance_m: Floats) -> Ints:
    """(g,) for each owner, ascending, its largest piece that reaches a facility (else its largest)."""
    order = np.lexsort((-area_m2, ~np.isfinite(distance_m), owner))
    _, first = np.unique(owner[order], return_index=True)
    typical: Ints = order[first]
    return typical


def _ranked(gaps: Gaps) -> Gaps:
    # Rounded, so that sums in another order rank what is equal by the parcels' own order.
    return _choose(gaps, np.lexsort((gaps.owner, -np.round(gaps.area_m2, 3), -np.round(gaps.people, 6))))


def _choose(gaps: Gaps, which: Ints) -> Gaps:
    return Gaps(
        gaps.owner[which],
        gaps.geometry[which],
        gaps.area_m2[which],
        gaps.people[which],
        gaps.distance_m[which],
        gaps.nearest[which],
    )
