"""Gaps put together: those of one parcel cut at borders, and those that lie side by side, as one patch each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from app.coverage.model import Floats, GapRows, Ints, Objects
from app.coverage.shapes import collect, multipolygons, polygonal, union_groups

#: Gaps on both sides of a street belong together.
WITHIN_M = 30.0


@dataclass(frozen=True, slots=True)
class Patches:
    """Patches (k,) of gaps, those with most people first.

    `geometry` are MultiPolygons; `first` (k,) is the member with most people; `gaps` (k,) how many there are;
    `patch` (g,) says which patch each gap belongs to.
    """

    geometry: Objects
    area_m2: Floats
    people: Floats
    first: Ints
    gaps: Ints
    patch: Ints


def contiguous(geometry: Objects, within_m: float = WITHIN_M) -> Ints:
    """(g,) the patch of each polygon (metric CRS): chains of neighbours at most `within_m` metres apart."""
    if not len(geometry):
        return np.empty(0, dtype=np.int64)
    a, b = shapely.STRtree(geometry).query(geometry, predicate="dwithin", distance=within_m)
    links = sparse.coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(geometry), len(geometry)))
    return connected_components(links, directed=False)[1].astype(np.int64)


def patches(geometry: Objects, people: Floats, within_m: float = WITHIN_M) -> Patches:
    """Gaps (g,) that do not overlap, with their people (g,), put together; see `contiguous`."""
    patch = contiguous(geometry, within_m)
    _, groups = collect(geometry, patch)
    area = shapely.area(geometry)
    total, land = (_sums(patch, values) for values in (people, area))
    order = np.lexsort((-np.round(land, 3), -np.round(total, 6)))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    united = multipolygons(polygonal(union_groups(groups)))
    return Patches(
        united[order],
        land[order],
        total[order],
        _largest(patch, people, area)[order],
        np.bincount(patch)[order],
        rank[patch],
    )


def one_a_place(gaps: GapRows, place: Ints) -> GapRows:
    """The gaps (g,) with those of one place (g,) as one: parcels are cut at areas' borders, their gaps are not."""
    if len(np.unique(place)) == len(place):
        return gaps
    places, groups = collect(gaps.geometry, place)
    group = np.searchsorted(places, place)
    people, area = (_sums(group, values) for values in (gaps.people, gaps.area_m2))
    first = _largest(group, gaps.people, gaps.area_m2)
    several = np.bincount(group) > 1
    geometry = gaps.geometry[first]
    geometry[several] = multipolygons(polygonal(union_groups(groups[several])))
    order = np.lexsort((first, -np.round(area, 3), -np.round(people, 6)))
    first = first[order]
    return GapRows(
        gaps.of_land,
        gaps.unit[first],
        geometry[order],
        area[order],
        people[order],
        gaps.distance_m[first],
        gaps.nearest[first],
    )


def _sums(group: Ints, values: Floats) -> Floats:
    """(k,) the sum of the values (g,) of each group."""
    return np.bincount(group, weights=values).astype(np.float64)


def _largest(group: Ints, people: Floats, area_m2: Floats) -> Ints:
    """(k,) for each group, ascending, its member with most people, then land."""
    order = np.lexsort((-area_m2, -people, group))
    _, first = np.unique(group[order], return_index=True)
    largest: Ints = order[first]
    return largest
