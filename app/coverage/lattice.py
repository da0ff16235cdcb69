"""Land in pieces: parcels without overlaps, cut by one 50 m lattice fixed in the metric CRS (rule `lattice-50`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.coverage.convex import cut_convex, is_convex
from app.coverage.shapes import collect, polygonal, solid, union_groups
from app.network.model import Floats, Geometries, Ints
from app.parallel import cores, share

STEP_M = 50.0
LAND_RULE = "lattice-50"
SLIVER_M2 = 1e-6
#: From this many parcels on, cutting is shared among the cores.
MANY = 500


@dataclass(frozen=True, slots=True)
class Pieces:
    """Parcels cut by the lattice, `p` pieces ordered by parcel; each parcel has at least one.

    Attributes:
        owner: (p,) index of the parcel.
        geometry: (p,) polygons, not overlapping (empty for a parcel wholly under earlier ones).
        area_m2: (p,) their areas.
        share: (p,) share of the parcel's area; 1 in all for each parcel.
        xy: (p, 2) a point inside, where the walk begins.
    """

    owner: Ints
    geometry: Geometries
    area_m2: Floats
    share: Floats
    xy: Floats

    def __len__(self) -> int:
        return len(self.owner)

    def people(self, people: Floats) -> Floats:
        """(p,) people of each piece, by its share of the parcel's `people` (u,)."""
        return people[self.owner] * self.share


def dissolve_overlaps(parcels: Geometries) -> Geometries:
    """(u,) the parcels without overlaps: land of two belongs to the earlier one. Polygons in a metric CRS."""
    later, earlier = shapely.STRtree(parcels).query(parcels, predicate="intersects")
    pair = earlier < later
    later, earlier = later[pair].astype(np.int64), earlier[pair]
    shared = polygonal(shapely.intersection(parcels[later], parcels[earlier]))
    real = shapely.area(shared) > SLIVER_M2
    # Cut by the earlier parcels as they are: the shared parts' rounded corners would nearly, not quite, coincide.
    parcel, taken = collect(parcels[earlier[real]], later[real])
    result = parcels.copy()
    if len(parcel):
        result[parcel] = solid(shapely.difference(parcels[parcel], union_groups(taken)))
    return result


def cut(parcels: Geometries, step_m: float = STEP_M) -> Pieces:
    """The pieces of parcels (u,) that do not overlap, by the lattice of lines at whole multiples of `step_m` metres."""
    if len(parcels) < MANY:
        return _cut(parcels, step_m)
    parts = np.array_split(parcels, cores())
    pieces = share(lambda part: _cut(part, step_m), parts, awaited=True)
    result = pieces[0]
    for done, part in zip(np.cumsum([len(part) for part in parts]).tolist(), pieces[1:], strict=False):
        result = join(result, part, done)
    return result


def _cut(parcels: Geometries, step_m: float) -> Pieces:
    simple = is_convex(parcels)
    easy, hard = np.flatnonzero(simple), np.flatnonzero(~simple)
    easy_owner, easy_pieces = cut_convex(parcels[easy], step_m)
    hard_owner, hard_pieces = _overlay(parcels[hard], step_m)
    owner = np.concatenate((easy[easy_owner], hard[hard_owner]))
    pieces = np.concatenate((easy_pieces, hard_pieces))
    kept = shapely.area(pieces) > SLIVER_M2
    return _pieces(parcels, owner[kept], pieces[kept])


def _overlay(parcels: Geometries, step_m: float) -> tuple[Ints, Geometries]:
    """(p,) parcel and (p,) polygon of what each lattice cell holds of parcels (u,) of any shape, or nothing of them."""
    owner, column, row = _cells(parcels, step_m)
    boxes = shapely.box(column * step_m, row * step_m, (column + 1) * step_m, (row + 1) * step_m)
    shapely.prepare(parcels)
    whole = shapely.covers(parcels[owner], boxes)
    crossing = np.flatnonzero(~whole)
    crossing = crossing[shapely.intersects(parcels[owner[crossing]], boxes[crossing])]
    boxes[crossing] = polygonal(shapely.intersection(parcels[owner[crossing]], boxes[crossing]))
    met = whole.copy()
    met[crossing] = True
    return owner[met], boxes[met]


def select(pieces: Pieces, parcels: Ints) -> Pieces:
    """The pieces of some parcels (k,), ascending; their owners become 0 to k - 1."""
    position = np.full(int(pieces.owner.max(initial=-1)) + 1, -1, dtype=np.int64)
    position[parcels] = np.arange(len(parcels))
    kept = np.flatnonzero(position[pieces.owner] >= 0)
    owner = position[pieces.owner[kept]]
    return Pieces(owner, pieces.geometry[kept], pieces.area_m2[kept], pieces.share[kept], pieces.xy[kept])


def join(first: Pieces, second: Pieces, parcels: int) -> Pieces:
    """Two sets of pieces in one: the owners of the second follow the `parcels` of the first."""
    return Pieces(
        np.concatenate((first.owner, second.owner + parcels)),
        np.concatenate((first.geometry, second.geometry)),
        np.concatenate((first.area_m2, second.area_m2)),
        np.concatenate((first.share, second.share)),
        np.concatenate((first.xy, second.xy)),
    )


def _cells(parcels: Geometries, step_m: float) -> tuple[Ints, Ints, Ints]:
    """(k,) parcel, column and row of each lattice cell under a parcel's bounding box."""
    filled = np.flatnonzero(~shapely.is_empty(parcels))
    low_column, low_row, high_column, high_row = (
        np.floor(shapely.bounds(parcels[filled]) / step_m).astype(np.int64).T
    )
    width, height = high_column - low_column + 1, high_row - low_row + 1
    count = width * height
    which = np.repeat(np.arange(len(filled)), count)
    number = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    column = low_column[which] + number % width[which]
    row = low_row[which] + number // width[which]
    return filled[which], column, row


def _pieces(parcels: Geometries, owner: Ints, geometry: Geometries) -> Pieces:
    """The pieces with areas, shares and points; a parcel without any land gets one without area."""
    bare = np.setdiff1d(np.arange(len(parcels)), owner)
    owner = np.concatenate((owner, bare))
    geometry = np.concatenate((geometry, parcels[bare]))
    order = np.argsort(owner, kind="stable")
    owner, geometry = owner[order], geometry[order]
    area = shapely.area(geometry)
    total = np.bincount(owner, weights=area, minlength=len(parcels))[owner]
    share = np.divide(area, total, out=np.ones_like(area), where=total > 0)
    return Pieces(owner, geometry, area, share, _inner_points(geometry, area))


def _inner_points(geometry: Geometries, area_m2: Floats) -> Floats:
    """(p, 2) the centroid where it lies inside, else another point inside; nan for an empty piece."""
    points = shapely.centroid(geometry)
    solid = area_m2 > 0
    outside = solid & ~shapely.covers(geometry, points)
    points[outside] = shapely.point_on_surface(geometry[outside])
    xy = np.full((len(points), 2), np.nan)
    xy[solid] = shapely.get_coordinates(points[solid])
    return xy
