"""Making demand units: rows → inside the frame of data → inside the built-up area → cut at the borders of areas."""

from __future__ import annotations

import dataclasses

import numpy as np
import shapely

from app.coverage.lattice import SLIVER_M2, cut, dissolve_overlaps, join, select
from app.coverage.measure import clip_to_frame, cut_by_areas, inside_frame
from app.coverage.model import Areas, AreaUnits, Bools, Floats, Ints, Objects, Places, PointUnits, Streets
from app.network.model import Positions
from app.network.snap import snap
from app.space.metric import MAX_SCALE_ERROR, MetricCrs

#: Cells below this are known by their centre alone.
BARE_M2 = 1.0


def take(places: Places, index: Ints | np.ndarray) -> Places:
    """The places of an index or mask, in its order."""
    rows = np.arange(len(places.code))[index]
    return Places(
        [places.code[i] for i in rows],
        [places.name[i] for i in rows],
        [places.path[i] for i in rows],
        places.geometry[rows],
        places.people[rows],
    )


def centres(geometry: Objects) -> Objects:
    """Centroids (n,): where a cell or a parcel is counted as being."""
    return np.asarray(shapely.centroid(geometry), dtype=object)


def coordinates(points: Objects) -> Floats:
    """Coordinates (n, 2) of points (n,)."""
    return np.column_stack([shapely.get_x(points), shapely.get_y(points)])


def cell_shapes(units: AreaUnits | PointUnits) -> Objects:
    """The cells (n,) of people as they are drawn: where they count on a point, the place's polygon."""
    if isinstance(units, PointUnits):
        return units.places.geometry
    shapes = units.geometry.copy()
    bare = shapely.area(shapes) < BARE_M2
    shapes[bare] = units.places.geometry[units.place[bare]]
    return shapes


def in_data(places: Places, frame: shapely.Geometry | None) -> Bools:
    """Whether each place's centre lies in the frame of data (m,)."""
    return inside_frame(coordinates(centres(places.geometry)), frame)


def count_off_scale(crs: MetricCrs, geometry: Objects) -> int:
    """How many shapes (n,) in metres have their centre where the metric CRS errs by more than it may."""
    if not len(geometry):
        return 0
    west, south, east, north = shapely.total_bounds(geometry).tolist()
    corners = np.array([(x, y) for x in (west, east) for y in (south, north)])
    if not _off_scale(crs, np.asarray(shapely.points(corners), dtype=object)).any():
        return 0
    return int(_off_scale(crs, centres(geometry)).sum())


def _off_scale(crs: MetricCrs, points: Objects) -> Bools:
    lonlat = shapely.get_coordinates(crs.to_lonlat(points)).tolist()
    # Where a place cannot be turned back into degrees, its error is not a number, and too large.
    return np.array([not crs.scale_error(*xy) <= MAX_SCALE_ERROR for xy in lonlat], dtype=bool)


def area_units(places: Places, areas: Areas, *, walked: bool = True) -> AreaUnits:
    """Units of polygon places: overlaps dissolved (the first keeps), cut at area borders, in pieces if `walked`."""
    geometry, place, area = _cut(dissolve_overlaps(places.geometry), areas)
    area_m2 = shapely.area(geometry)
    # By share of what overlaps leave, so that no one is lost under a neighbour's border.
    whole_m2 = np.bincount(place, weights=area_m2, minlength=len(places.code))[place]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(whole_m2 > 0, area_m2 / whole_m2, 0.0)
    people = places.people[place] * share + _buried(places, geometry, place)
    return AreaUnits(places, geometry, place, area, area_m2, people, pieces=cut(geometry) if walked else None)


def _buried(places: Places, geometry: Objects, place: Ints) -> Floats:
    """People (n,) that units take over from places wholly under them: they live there all the same."""
    taken = np.zeros(len(geometry))
    alive = np.zeros(len(places.code), dtype=bool)
    alive[place] = True
    lost = np.flatnonzero(~alive & (places.people > 0))
    if len(lost) and len(geometry):
        inside = np.asarray(shapely.point_on_surface(places.geometry[lost]), dtype=object)
        which, unit = shapely.STRtree(geometry).query_nearest(inside, all_matches=False)
        np.add.at(taken, unit, places.people[lost[which]])
    return taken


def with_starts(units: AreaUnits, streets: Streets | None, limit_m: float) -> AreaUnits:
    """The units with the street nearest to each piece of those that one does not leave by gates."""
    if streets is None or units.pieces is None:
        return units
    pieces = units.pieces
    free = np.flatnonzero(~gated(units)[units.place[pieces.owner]])
    found = snap(streets.index, pieces.xy[free], limit_m)
    starts = Positions(np.full(len(pieces), -1), np.zeros(len(pieces)), np.full(len(pieces), np.inf))
    starts.edge[free], starts.offset_m[free], starts.snap_m[free] = found.edge, found.offset_m, found.snap_m
    return dataclasses.replace(units, starts=starts)


def gated(units: AreaUnits) -> Bools:
    """Whether each place (m,) is left by known gates alone."""
    result = np.zeros(len(units.places.code), dtype=bool)
    if units.access is not None:
        result[units.access.owner[units.access.origin == "gate"]] = True
    return result


def clipped(units: AreaUnits, clip: shapely.Geometry | None) -> AreaUnits:
    """The parts of units inside `clip` (built-up area, or the area asked for; None keeps all).

    Only units that cross its border are cut anew: their lattice pieces change, all others keep theirs.
    """
    if clip is None:
        return units
    shapely.prepare(clip)
    inside = np.asarray(shapely.covers(clip, units.geometry))
    crossing = np.flatnonzero(~inside & shapely.intersects(clip, units.geometry))
    parts = clip_to_frame(units.geometry[crossing], clip)
    real = shapely.area(parts) > SLIVER_M2
    chosen = np.concatenate([np.flatnonzero(inside), crossing[real]])
    geometry = np.concatenate([units.geometry[inside], parts[real]])
    area_m2 = shapely.area(geometry)
    people = units.people[chosen] * area_m2 / units.area_m2[chosen]
    pieces = None
    if units.pieces is not None:
        pieces = join(select(units.pieces, np.flatnonzero(inside)), cut(parts[real]), int(inside.sum()))
    return dataclasses.replace(
        units,
        geometry=geometry,
        place=units.place[chosen],
        area=units.area[chosen],
        area_m2=area_m2,
        people=people,
        pieces=pieces,
    )


def _cut(geometry: Objects, areas: Areas) -> tuple[Objects, Ints, Ints]:
    if len(areas.code) == 0:
        kept = np.flatnonzero(~shapely.is_empty(geometry))
        return geometry[kept], kept, np.full(len(kept), -1)
    parts = cut_by_areas(geometry, areas.geometry)
    return parts.geometry, np.asarray(parts.unit), np.asarray(parts.area)


def point_units(places: Places, areas: Areas, clip: shapely.Geometry | None) -> PointUnits:
    """Units counted at their centre: each belongs to the one area that holds it; those outside `clip` are left out."""
    centre = centres(places.geometry)
    inside = inside_frame(coordinates(centre), clip)
    places, centre = take(places, inside), centre[inside]
    return PointUnits(places, centre, label(centre, areas))


def label(points: Objects, areas: Areas) -> Ints:
    """Index (n,) of the first area that holds each point, NOWHERE where none does."""
    result = np.full(len(points), -1)
    if len(areas.code) and len(points):
        tree = shapely.STRtree(areas.geometry)
        point, area = tree.query(points, predicate="intersects")
        order = np.argsort(area, kind="stable")[::-1]
        result[point[order]] = area[order]
    return result


def by_place(units: AreaUnits) -> AreaUnits:
    """The same units with lattice pieces owned by the place, for walking starts at the place's gates."""
    if units.pieces is None:
        return units
    pieces = dataclasses.replace(units.pieces, owner=units.place[units.pieces.owner])
    return dataclasses.replace(units, pieces=pieces)
