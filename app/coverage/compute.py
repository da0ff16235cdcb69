"""The computation: for each tier and mode, what every demand unit gets, and what is left as gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import shapely

from app.catalogue.model import Mode
from app.coverage.boxes import Boxes, boxes_of, centre_metres, furthest_m
from app.coverage.gaps import Gaps, piece_gaps, rest_gaps
from app.coverage.lattice import STEP_M
from app.coverage.model import (
    AreaUnits,
    Band,
    Bools,
    Figures,
    Floats,
    GapRows,
    Inputs,
    Ints,
    Objects,
    PointUnits,
    Streets,
    TierSupply,
)
from app.coverage.parallel import share
from app.coverage.shapes import EMPTY
from app.coverage.straight import covered_area, merge, nearest, uncovered_part
from app.coverage.units import by_place, coordinates, gated
from app.coverage.walking import centre_distance, piece_distance
from app.network.reach import Reach, distance_at, search

CELL_DIAGONAL_M = float(np.hypot(STEP_M, STEP_M))
#: Metres (k,) from points (k,) to the nearest facility, and its index where it is known.
Metres = Callable[[Objects], tuple[Floats, Ints | None]]


@dataclass(frozen=True)
class Walker:
    """Walking distances to the facilities of one band over the city's streets, however far."""

    streets: Streets
    band: Band
    reach: Reach
    snap_limit_m: float

    def pieces_m(self, units: AreaUnits) -> Floats:
        """Metres walked (p,) from each lattice piece, by the gates of its place where it has any, else directly."""
        pieces = units.pieces
        assert pieces is not None
        if units.access is None:
            return self.points_m(pieces.xy)
        owned = by_place(units).pieces
        assert owned is not None
        assert self.band.access is not None
        # Only behind gates does one walk straight to a facility inside; without them a parcel's own streets lead out.
        grounds = units.places.geometry.copy()
        behind_gates = gated(units)
        grounds[~behind_gates] = EMPTY
        metres = piece_distance(owned, units.access, self.reach, self.band.access, grounds)
        free = ~behind_gates[owned.owner] & np.isfinite(owned.xy[:, 0])
        starts = units.starts
        direct = (
            self.points_m(owned.xy[free]) if starts is None else distance_at(self.reach, starts.take(free))
        )
        metres[free] = np.minimum(metres[free], direct)
        return metres

    def points_m(self, xy: Floats) -> Floats:
        """Metres walked (k,) from places that start where they are."""
        return centre_distance(xy, self.streets.index, self.reach, self.snap_limit_m)


def compute(inputs: Inputs, modes: tuple[Mode, ...]) -> list[Figures]:
    """Every tier in every mode. Walking without streets gives NaN throughout: unknown is not zero."""
    measure = {"straight": _straight, "walk": _walk}
    tasks = [(measure[mode], supply) for supply in inputs.supplies for mode in modes]
    return share(lambda task: task[0](inputs, task[1]), tasks)


def _facilities(supply: TierSupply) -> Objects:
    return np.concatenate([band.places.geometry for band in supply.bands])


def _land_boxes(inputs: Inputs) -> Boxes:
    return inputs.kept("boxes", (inputs.land_key,), lambda: boxes_of(inputs.land.geometry))


def _land_metres(inputs: Inputs, band: Band) -> list[Floats]:
    """For each ring of a band's service area, metres (u,) from the centres of the land units' boxes."""
    boxes = _land_boxes(inputs)
    return [
        inputs.kept("straight", (band.key, inputs.land_key), partial(centre_metres, boxes, ring.facilities))
        for ring in band.service.rings
    ]


def _straight(inputs: Inputs, supply: TierSupply) -> Figures:
    land = inputs.land
    metres = [ring for band in supply.bands for ring in _land_metres(inputs, band)]
    rest = uncovered_part(land.geometry, supply.service, metres)
    served = land.area_m2 - shapely.area(rest)
    facilities = _facilities(supply)
    units = inputs.people.units
    if units is None:
        people = land.people * _share(served, land.area_m2)
    elif isinstance(units, PointUnits):
        people = units.people * _near(units.centre, supply)
    else:
        people = units.people * _share(covered_area(units.geometry, supply.service), units.area_m2)
    if len(land.geometry):
        gaps = _rows(rest_gaps(land.geometry, rest, land.people, facilities))
    else:
        gaps = _cell_gaps(inputs, people, lambda centre: nearest(centre, facilities))
    return Figures(supply.tier, "straight", served, people, gaps)


def _near(centre: Objects, supply: TierSupply) -> Floats:
    served = np.zeros(len(centre), dtype=bool)
    for band in supply.bands:
        served |= nearest(centre, band.places.geometry)[0] <= band.radius_m
    return served.astype(np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, 0.0)


def _walk(inputs: Inputs, supply: TierSupply) -> Figures:
    if inputs.streets is None:
        return _unknown(inputs, supply)
    walkers = [_walker(inputs, inputs.streets, band) for band in supply.bands if len(band.places.code)]
    land = inputs.land
    metres = [
        inputs.kept("walked", (walker.band.key, inputs.land_key), partial(walker.pieces_m, land))
        for walker in walkers
    ]
    distance, rest = _rest_of_pieces(land, walkers, metres, _within(inputs, walkers))
    served = _served(rest, land)
    people = _people_walked(inputs, supply, walkers, served)
    if land.pieces is not None and len(land.geometry):
        gaps = _rows(piece_gaps(land.pieces, rest, land.people, distance, parcels=land.geometry))
    else:
        gaps = _cell_gaps(
            inputs, people, lambda centre: (_walk_points(coordinates(centre), walkers)[0], None)
        )
    return Figures(supply.tier, "walk", served, people, gaps)


def _walker(inputs: Inputs, streets: Streets, band: Band) -> Walker:
    access = band.access
    assert access is not None, "streets exist, so entrances were found"
    reach = inputs.kept(
        "reach", (band.key,), lambda: search(streets.network, access.positions, extra_m=access.lead_m)
    )
    return Walker(streets, band, reach, inputs.snap_limit_m)


def _within(inputs: Inputs, walkers: list[Walker]) -> Bools:
    """(b, p) lattice pieces of the land that certainly lie inside the straight-line area of each band."""
    pieces = inputs.land.pieces
    assert pieces is not None
    furthest = inputs.kept(
        "furthest",
        (inputs.land_key,),
        lambda: furthest_m(_land_boxes(inputs), boxes_of(pieces.geometry), pieces.owner),
    )
    within = np.zeros((len(walkers), len(pieces)), dtype=bool)
    for i, walker in enumerate(walkers):
        for ring, metres in zip(walker.band.service.rings, _land_metres(inputs, walker.band), strict=True):
            within[i] |= metres[pieces.owner] + furthest <= ring.inner_m
    return within


def _rest_of_pieces(
    units: AreaUnits, walkers: list[Walker], walked_m: list[Floats], within: Bools
) -> tuple[Floats, Objects]:
    """Metres to the nearest facility (p,) and the unserved part (p,) of each lattice piece.

    `walked_m` of each walker: metres (p,); `within` (b, p) pieces known to lie inside its straight-line area.
    """
    pieces = units.pieces
    assert pieces is not None
    distance = np.full(len(pieces), np.inf)
    reached = np.zeros((len(walkers), len(pieces)), dtype=bool)
    whole = np.zeros(len(pieces), dtype=bool)
    for i, (walker, metres) in enumerate(zip(walkers, walked_m, strict=True)):
        reached[i] = metres <= walker.band.radius_m
        # No point of a piece is further from the walk's start than its cell is wide, and no walk beats the straight.
        whole |= metres + CELL_DIAGONAL_M <= walker.band.service.inner_m
        whole |= reached[i] & within[i]
        distance = np.minimum(distance, metres)
    rest = pieces.geometry.copy()
    rest[whole] = EMPTY
    _take_served(rest, walkers, reached & ~whole)
    return distance, rest


def _take_served(rest: Objects, walkers: list[Walker], reached: Bools) -> None:
    """Take from each piece (p,) what lies in the straight-line area of the bands that reach it (b, p)."""
    pattern = (1 << np.arange(len(walkers))) @ reached.astype(np.int64)
    for found in np.unique(pattern[pattern > 0]).tolist():
        bands = [walker.band.service for i, walker in enumerate(walkers) if found >> i & 1]
        rows = np.flatnonzero(pattern == found)
        rest[rows] = uncovered_part(rest[rows], bands[0] if len(bands) == 1 else merge(bands))


def _served(rest: Objects, units: AreaUnits) -> Floats:
    """m² (n,) of each unit that its pieces' unserved parts leave."""
    pieces = units.pieces
    assert pieces is not None
    served = np.maximum(pieces.area_m2 - shapely.area(rest), 0.0)
    return np.bincount(pieces.owner, weights=served, minlength=len(units.geometry)).astype(np.float64)


def _people_walked(
    inputs: Inputs, supply: TierSupply, walkers: list[Walker], land_served_m2: Floats
) -> Floats:
    units = inputs.people.units
    if units is None:
        return inputs.land.people * _share(land_served_m2, inputs.land.area_m2)
    if isinstance(units, PointUnits):
        reached = _walk_points(coordinates(units.centre), walkers)[1]
        return units.people * (reached & (_near(units.centre, supply) > 0))
    walked_m = [walker.pieces_m(units) for walker in walkers]
    unknown = np.zeros((len(walkers), len(units.pieces or ())), dtype=bool)
    served = _served(_rest_of_pieces(units, walkers, walked_m, unknown)[1], units)
    return units.people * _share(served, units.area_m2)


def _walk_points(xy: Floats, walkers: list[Walker]) -> tuple[Floats, Bools]:
    distance = np.full(len(xy), np.inf)
    reached = np.zeros(len(xy), dtype=bool)
    for walker in walkers:
        metres = walker.points_m(xy)
        reached |= metres <= walker.band.radius_m
        distance = np.minimum(distance, metres)
    return distance, reached


def _unknown(inputs: Inputs, supply: TierSupply) -> Figures:
    units = inputs.people.units
    count = len(inputs.land.people if units is None else units.people)
    none = np.empty(0)
    gaps = GapRows(True, none.astype(int), none.astype(object), none, none, none, none.astype(int))
    return Figures(
        supply.tier, "walk", np.full(len(inputs.land.geometry), np.nan), np.full(count, np.nan), gaps
    )


def _rows(gaps: Gaps) -> GapRows:
    return GapRows(
        of_land=True,
        unit=gaps.owner,
        geometry=gaps.geometry,
        area_m2=gaps.area_m2,
        people=gaps.people,
        distance_m=gaps.distance_m,
        nearest=np.asarray(gaps.nearest),
    )


def _cell_gaps(inputs: Inputs, served: Floats, metres: Metres) -> GapRows:
    """Where no land is known, the cells with unserved people are the gaps."""
    units = inputs.people.units
    if units is None:
        empty = np.empty(0)
        return GapRows(True, empty.astype(int), empty.astype(object), empty, empty, empty, empty.astype(int))
    people = units.people - served
    rows = np.flatnonzero(people > 0)
    rows = rows[np.argsort(-people[rows], kind="stable")]
    geometry = (units.places.geometry if isinstance(units, PointUnits) else units.geometry)[rows]
    distance, index = metres(np.asarray(shapely.centroid(geometry), dtype=object))
    none = np.full(len(rows), -1)
    return GapRows(
        False,
        rows,
        geometry,
        shapely.area(geometry),
        people[rows],
        distance,
        none if index is None else index,
    )
