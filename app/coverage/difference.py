"""The difference between both modes: what a straight line serves and a walk does not, how far round, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.coverage.compute import land_walks
from app.coverage.gaps import MIN_AREA_M2
from app.coverage.model import (
    Bools,
    Figures,
    Floats,
    Inputs,
    Ints,
    Objects,
    PointUnits,
    Streets,
    TierSupply,
)
from app.coverage.shapes import multipolygons, polygonal
from app.coverage.straight import nearest
from app.coverage.units import cell_shapes, coordinates, gated
from app.network.snap import snap

#: A walk this many times the straight line goes round something: a river, a railway, a wall.
BARRIER_DETOUR = 3.0
#: Below this many metres of straight line a ratio says nothing.
LEAST_STRAIGHT_M = 10.0
#: Why a walk is too long, in the order in which causes are looked for.
CAUSES = ("facility_off_street", "no_street", "island", "gate", "barrier", "detour")


@dataclass(frozen=True, slots=True)
class Differences:
    """Parts of demand units that a straight line serves and a walk does not, `d` of them, most people first.

    Attributes:
        of_land: whether `unit` numbers units of land or, where no land is known, of people.
        unit: (d,) index of the unit.
        geometry: (d,) MultiPolygons in metres.
        area_m2, people: (d,) their land and people.
        straight_m: (d,) metres in a straight line from the unit's largest such piece to the nearest facility.
        walk_m: (d,) metres walked from there, inf where nothing is reached.
        detour: (d,) metres walked a metre of straight line; nan where the line is too short to say, inf unreached.
        nearest: (d,) that straight-line facility, an index among those of all the tier's bands, or -1.
        cause: (d,) of `CAUSES`.
    """

    of_land: bool
    unit: Ints
    geometry: Objects
    area_m2: Floats
    people: Floats
    straight_m: Floats
    walk_m: Floats
    detour: Floats
    nearest: Ints
    cause: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.unit)


@dataclass(frozen=True, slots=True)
class _Starts:
    """Where the walks of differing parts begin: points (d, 2) and metres walked (d,).

    And whether the place has gates (d,) and any way out to a street (d,).
    """

    xy: Floats
    walk_m: Floats
    gated: Bools
    leaves: Bools


def differences(
    inputs: Inputs, streets: Streets, supply: TierSupply, straight: Figures, walk: Figures
) -> Differences:
    """What of a tier is served in `straight` and not in `walk`, figures of the same inputs."""
    if walk.gaps.of_land and len(inputs.land.geometry):
        unit, geometry, people = _land(inputs, straight, walk)
        starts = _land_starts(inputs, streets, supply, unit, straight)
    else:
        unit, geometry, people = _cells(inputs, straight, walk)
        starts = _cell_starts(inputs, walk, unit)
    facilities = np.concatenate([band.places.geometry for band in supply.bands])
    straight_m, found = nearest(np.asarray(shapely.points(starts.xy)), facilities)
    with np.errstate(divide="ignore", invalid="ignore"):
        detour = np.where(straight_m >= LEAST_STRAIGHT_M, starts.walk_m / straight_m, np.nan)
    detour[np.isinf(starts.walk_m)] = np.inf
    result = Differences(
        walk.gaps.of_land,
        unit,
        multipolygons(geometry),
        np.asarray(shapely.area(geometry)),
        people,
        straight_m,
        starts.walk_m,
        detour,
        found,
        _causes(inputs, streets, supply, starts, detour, found),
    )
    return _ranked(result)


def _land(inputs: Inputs, straight: Figures, walk: Figures) -> tuple[Ints, Objects, Floats]:
    """(d,) units of land, (d,) the parts that differ and (d,) their people: the gaps walked less the straight ones."""
    land = inputs.land
    straight_gap = np.full(len(land.geometry), None, dtype=object)
    straight_gap[straight.gaps.unit] = straight.gaps.geometry
    open_m2 = np.zeros(len(land.geometry))
    open_m2[straight.gaps.unit] = straight.gaps.area_m2
    differs = walk.gaps.area_m2 - open_m2[walk.gaps.unit] >= MIN_AREA_M2
    unit, geometry = walk.gaps.unit[differs], walk.gaps.geometry[differs]
    cut = np.flatnonzero(open_m2[unit] > 0)
    geometry[cut] = polygonal(shapely.difference(geometry[cut], straight_gap[unit[cut]]))
    share = np.divide(shapely.area(geometry), land.area_m2[unit])
    return unit, geometry, land.people[unit] * share


def _cells(inputs: Inputs, straight: Figures, walk: Figures) -> tuple[Ints, Objects, Floats]:
    """As `_land`, of cells with people where no land is known."""
    units = inputs.people.units
    if units is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=object), np.empty(0)
    people = straight.people_served - walk.people_served
    unit = np.flatnonzero(people > 0)
    return unit, cell_shapes(units)[unit], people[unit]


def _land_starts(
    inputs: Inputs, streets: Streets, supply: TierSupply, unit: Ints, straight: Figures
) -> _Starts:
    """The largest piece of each unit (d,) that a straight line serves and a walk does not."""
    land = inputs.land
    pieces = land.pieces
    assert pieces is not None
    walkers, walked = land_walks(inputs, streets, supply)
    metres, reached = np.full(len(pieces), np.inf), np.zeros(len(pieces), dtype=bool)
    for walker, (band_m, _) in zip(walkers, walked, strict=True):
        metres = np.minimum(metres, band_m)
        reached |= band_m <= walker.band.radius_m
    mine = np.zeros(len(land.geometry), dtype=bool)
    mine[unit] = True
    some = np.flatnonzero(mine[pieces.owner])
    off = reached[some]
    # Of a unit without a straight gap every piece is served straight.
    open_ = np.zeros(len(land.geometry), dtype=bool)
    open_[straight.gaps.unit] = True
    asked = np.flatnonzero(~off & open_[pieces.owner[some]])
    off[asked] = ~_in_radius(np.asarray(shapely.points(pieces.xy[some[asked]])), supply)
    some = some[np.lexsort((-pieces.area_m2[some], off, pieces.owner[some]))]
    _, first = np.unique(pieces.owner[some], return_index=True)
    largest = np.full(len(land.geometry), -1, dtype=np.int64)
    largest[pieces.owner[some[first]]] = some[first]
    piece, place = largest[unit], land.place[unit]
    leaves = np.zeros(len(land.places.code), dtype=bool)
    if land.access is not None:
        leaves[land.access.owner] = True
    return _Starts(pieces.xy[piece], metres[piece], gated(land)[place], leaves[place])


def _cell_starts(inputs: Inputs, walk: Figures, unit: Ints) -> _Starts:
    units = inputs.people.units
    if units is None:
        return _Starts(np.empty((0, 2)), np.empty(0), *np.zeros((2, 0), dtype=bool))
    centre = units.centre if isinstance(units, PointUnits) else shapely.centroid(units.geometry)
    xy = coordinates(np.asarray(centre, dtype=object)[unit])
    return _Starts(xy, walk.people_m[unit], *np.zeros((2, len(unit)), dtype=bool))


def _in_radius(points: Objects, supply: TierSupply) -> Bools:
    """Whether each point (k,) lies within the radius of any band in a straight line."""
    found = np.zeros(len(points), dtype=bool)
    for band in supply.bands:
        found |= nearest(points, band.places.geometry)[0] <= band.radius_m
    return found


def _causes(
    inputs: Inputs, streets: Streets, supply: TierSupply, starts: _Starts, detour: Floats, found: Ints
) -> NDArray[np.str_]:
    """Why each walk (d,) is too long: see `CAUSES`; the first that holds."""
    unreached = np.isinf(starts.walk_m)
    holds = {
        "facility_off_street": ~_has_entrance(supply)[found] & (found >= 0),
        "no_street": unreached & ~starts.leaves & ~snap(streets.index, starts.xy, inputs.snap_limit_m).found,
        "island": unreached,
        "gate": _shorter_without_gates(inputs, streets, supply, starts),
        "barrier": detour >= BARRIER_DETOUR,
        "detour": np.ones(len(detour), dtype=bool),
    }
    return np.select(list(holds.values()), list(holds), default="").astype(str)


def _has_entrance(supply: TierSupply) -> Bools:
    """Whether each facility (f,) of a tier has an entrance from a street; one more False stands at the end."""
    parts = []
    for band in supply.bands:
        open_ = np.zeros(len(band.places.code), dtype=bool)
        if band.access is not None:
            open_[band.access.owner] = True
        parts.append(open_)
    return np.concatenate([*parts, [False]])


def _shorter_without_gates(inputs: Inputs, streets: Streets, supply: TierSupply, starts: _Starts) -> Bools:
    """Whether a walk from a gated place (d,) would be short enough if one could leave it anywhere."""
    shorter = np.zeros(len(starts.walk_m), dtype=bool)
    rows = np.flatnonzero(starts.gated)
    if not len(rows):
        return shorter
    for walker in land_walks(inputs, streets, supply)[0]:
        shorter[rows] |= walker.points_nearest(starts.xy[rows])[0] <= walker.band.radius_m
    return shorter


def _ranked(found: Differences) -> Differences:
    order = np.lexsort((found.unit, -np.round(found.area_m2, 3), -np.round(found.people, 6)))
    return Differences(
        found.of_land,
        found.unit[order],
        found.geometry[order],
        found.area_m2[order],
        found.people[order],
        found.straight_m[order],
        found.walk_m[order],
        found.detour[order],
        found.nearest[order],
        found.cause[order],
    )
