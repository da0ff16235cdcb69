"""Straight-line coverage: what lies within a radius of a facility's boundary, measured exactly (no raster, no sample).

Sources: the service radius is counted from the boundary (GB/T 50563-2010); the figures are held to standards.md §1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from app.coverage.boxes import boxes_of, centre_metres
from app.coverage.nearest import MANY, NearestFacility
from app.coverage.shapes import EMPTY, collect, polygonal, union_groups
from app.network.model import Bools, Floats, Geometries, Ints
from app.parallel import by_rows

QUAD_SEGS = 64
#: What takes less than this share of a unit's area only touches it.
TOUCHED = 1e-12


@dataclass(frozen=True, slots=True)
class Ring:
    """Facilities that serve at one radius; `inner_m` is what their polygonised buffers reach in every direction."""

    facilities: shapely.STRtree
    radius_m: float
    inner_m: float


@dataclass(frozen=True, slots=True)
class ServiceArea:
    """The area within reach of facilities, as overlapping polygons: `buffers` (k,) one a facility, metric CRS.

    `rings` are the facilities of each radius: distances to them settle most questions without a buffer.
    """

    buffers: Geometries
    rings: tuple[Ring, ...]

    @property
    def inner_m(self) -> float:
        """The radius that the buffers of every facility reach in all directions; -inf without facilities."""
        return min((ring.inner_m for ring in self.rings), default=-np.inf)

    def union(self) -> shapely.Geometry:
        """The area as one polygon or multipolygon."""
        return shapely.union_all(self.buffers)


def service_area(facilities: Geometries, radius_m: float | Floats, quad_segs: int = QUAD_SEGS) -> ServiceArea:
    """The area within `radius_m` (a number, or one for each facility) metres of the facilities' boundaries.

    `facilities` (k,) points, lines or polygons. With 64 segments a quarter the area is short by < 0.02 % of a disc.
    """
    kept = ~(shapely.is_missing(facilities) | shapely.is_empty(facilities))
    radius = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), facilities.shape)[kept]
    buffers = shapely.buffer(facilities[kept], radius, quad_segs=quad_segs)
    rings = [
        _ring(facilities[kept][radius == metres], float(metres), quad_segs) for metres in np.unique(radius)
    ]
    return ServiceArea(buffers, tuple(rings))


def changed_area(
    service: ServiceArea, facilities: Geometries, kept: Bools, added: Geometries, radius_m: float
) -> ServiceArea:
    """The area of `facilities` (k,) within `radius_m`, after those not `kept` (k,) were taken away and others `added`.

    It is `service_area` of what is left and what was added, in this order, without the buffers made before.
    """
    after = np.concatenate((facilities[kept], added))
    known = ~(shapely.is_missing(after) | shapely.is_empty(after))
    if not known.all() or len(service.buffers) != len(facilities) or not len(after):
        return service_area(after, radius_m)
    buffers = np.concatenate((service.buffers[kept], service_area(added, radius_m).buffers))
    return ServiceArea(buffers, (_ring(after, radius_m, QUAD_SEGS),))


def _ring(facilities: Geometries, radius_m: float, quad_segs: int) -> Ring:
    # A chord of the arc comes nearest to the centre in its middle.
    inner_m = radius_m * float(np.cos(np.pi / (4 * quad_segs)))
    return Ring(shapely.STRtree(facilities), radius_m, inner_m)


def merge(areas: Sequence[ServiceArea]) -> ServiceArea:
    """The area served by any of several supplies."""
    buffers = np.concatenate([np.empty(0, dtype=object), *(area.buffers for area in areas)])
    return ServiceArea(buffers, tuple(ring for area in areas for ring in area.rings))


def covered_area(geoms: Geometries, service: ServiceArea) -> Floats:
    """(u,) m² of each polygon inside the service area; of a polygon wholly inside exactly its own area."""
    area = np.zeros(len(geoms))
    whole, crossing = _sort_out(geoms, service)
    own = shapely.area(geoms)
    area[whole] = own[whole]
    unit, pieces = _pieces(geoms, service, crossing)
    if len(unit):
        area[unit] = np.minimum(shapely.area(pieces), own[unit])
    return area


def uncovered_part(
    geoms: Geometries, service: ServiceArea, metres: Sequence[Floats] | None = None
) -> Geometries:
    """(u,) the part of each polygon outside the service area, an empty polygon where it is wholly inside.

    `metres` of each ring, where they are known: see `centre_metres`.
    """
    parts = geoms.copy()
    whole, crossing = _sort_out(geoms, service, metres)
    parts[whole] = EMPTY
    buffer, unit = crossing
    alone = np.bincount(unit, minlength=len(geoms))[unit] == 1
    _cut_by_one(parts, service.buffers[buffer[alone]], unit[alone])
    unit, near = _grouped(geoms, service, (buffer[~alone], unit[~alone]))
    if len(unit):
        parts[unit] = polygonal(by_rows(shapely.difference, geoms[unit], union_groups(near)))
    return parts


def _cut_by_one(parts: Geometries, buffers: Geometries, unit: Ints) -> None:
    """Take from each of the units (k,) the one buffer (k,) that meets it, in place: one overlay and no union."""
    left = polygonal(by_rows(shapely.difference, parts[unit], buffers))
    # what a buffer only touches stays the shape it is: its area would differ in the last digit, and with it its rank
    cut = shapely.area(left) < shapely.area(parts[unit]) * (1 - TOUCHED)
    parts[unit[cut]] = left[cut]


def nearest(geoms: Geometries, facilities: Geometries) -> tuple[Floats, Ints]:
    """(u,) metres from each geometry to the nearest facility, inf without any; (u,) its index, -1 without any.

    Of facilities equally near the one with the smallest index is taken.
    """
    distance, index = np.full(len(geoms), np.inf), np.full(len(geoms), -1, dtype=np.int64)
    kept = np.flatnonzero(~(shapely.is_missing(facilities) | shapely.is_empty(facilities)))
    if not len(kept) or not len(geoms):
        return distance, index
    if len(geoms) >= MANY and (shapely.get_type_id(geoms) == shapely.GeometryType.POINT).all():
        return NearestFacility(facilities).find(shapely.get_coordinates(geoms), geoms)
    (unit, found), metres = shapely.STRtree(facilities[kept]).query_nearest(
        geoms, all_matches=True, return_distance=True
    )
    order = np.lexsort((found, unit))
    _, first = np.unique(unit[order], return_index=True)
    chosen = order[first]
    distance[unit[chosen]], index[unit[chosen]] = metres[chosen], kept[found[chosen]]
    return distance, index


def _sort_out(
    geoms: Geometries, service: ServiceArea, metres: Sequence[Floats] | None = None
) -> tuple[Bools, tuple[Ints, Ints]]:
    """(u,) whether a unit lies within one single buffer; (buffer, unit) pairs of the others that meet a buffer."""
    whole, open_, tree = np.zeros(len(geoms), dtype=bool), np.arange(len(geoms)), shapely.STRtree(geoms)
    # a distance for each unit pays only where many buffers overlap: else the few pairs are looked at themselves
    if metres is not None or tree.query(service.buffers).shape[1] > len(geoms):
        whole, open_ = _by_distance(geoms, service, metres)
        tree = shapely.STRtree(geoms[open_])
    inside = tree.query(service.buffers, predicate="covers")[1]
    whole[open_[inside]] = True
    buffer, unit = tree.query(service.buffers, predicate="intersects")
    rest = ~whole[open_[unit]]
    return whole, (buffer[rest].astype(np.int64), open_[unit[rest]])


def _by_distance(
    geoms: Geometries, service: ServiceArea, known: Sequence[Floats] | None
) -> tuple[Bools, Ints]:
    """(u,) units certainly inside one buffer, and the indices of those that only their shapes can decide.

    A unit lies within half the diagonal of its bounding box of that box's centre: so far inside a radius it is
    served whole, so far outside not at all.
    """
    boxes = boxes_of(geoms)
    spread = boxes.spread_m
    whole, near = np.zeros(len(geoms), dtype=bool), np.zeros(len(geoms), dtype=bool)
    for i, ring in enumerate(service.rings):
        metres = centre_metres(boxes, ring.facilities) if known is None else known[i]
        whole |= metres + spread <= ring.inner_m
        near |= metres - spread <= ring.radius_m
    return whole, np.flatnonzero(near & ~whole)


def _grouped(geoms: Geometries, service: ServiceArea, pairs: tuple[Ints, Ints]) -> tuple[Ints, Geometries]:
    """(g,) units met by buffers that do not hold them, (g,) collections of these buffers' parts in the unit."""
    buffer, unit = pairs
    parts = polygonal(by_rows(shapely.intersection, geoms[unit], service.buffers[buffer]))
    solid = ~shapely.is_empty(parts)
    return collect(parts[solid], unit[solid])


def _pieces(geoms: Geometries, service: ServiceArea, pairs: tuple[Ints, Ints]) -> tuple[Ints, Geometries]:
    """(g,) units partly inside and (g,) their parts inside.

    Only the buffers that meet a unit are united, within it: the union of thousands of discs is never needed.
    """
    unit, near = _grouped(geoms, service, pairs)
    return unit, union_groups(near)
