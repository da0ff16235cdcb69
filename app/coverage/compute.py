"""The computation: for each tier and mode, what every demand unit gets, and what is left as gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import shapely

from app.catalogue.model import Mode
from app.coverage.boxes import Boxes, boxes_of, centre_metres, furthest_m
from app.coverage.distances import least, middle_piece_m
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
from app.coverage.shapes import EMPTY
from app.coverage.stages import stage
from app.coverage.straight import covered_area, merge, nearest, uncovered_part
from app.coverage.units import by_place, cell_shapes, centres, coordinates, gated
from app.coverage.walking import centre_nearest, piece_nearest
from app.network.reach import Reach, nearest_at, search
from app.parallel import share

CELL_DIAGONAL_M = float(np.hypot(STEP_M, STEP_M))
#: Metres (k,) from points (k,) to the nearest facility, and its index or -1.
Metres = Callable[[Objects], tuple[Floats, Ints]]
#: Metres (k,) to the nearest facility, inf where none is reached, and its index (k,) among its band's, or -1.
Nearest = tuple[Floats, Ints]


@dataclass(frozen=True)
class Walker:
    """Walking distances to the facilities of one band over the city's streets, however far."""

    streets: Streets
    band: Band
    reach: Reach
    snap_limit_m: float

    def pieces_nearest(self, units: AreaUnits) -> Nearest:
        """What is nearest on foot to each lattice piece, by the gates of its place where it has any, else directly."""
        pieces = units.pieces
        assert pieces is not None
        if units.access is None:
            return self.points_nearest(pieces.xy)
        owned = by_place(units).pieces
        assert owned is not None
        assert self.band.access is not None
        # Only behind gates does one walk straight to a facility inside; without them a parcel's own streets lead out.
        grounds = units.places.geometry.copy()
        behind_gates = gated(units)
        grounds[~behind_gates] = EMPTY
        metres, door = piece_nearest(owned, units.access, self.reach, self.band.access, grounds)
        free = np.flatnonzero(~behind_gates[owned.owner] & np.isfinite(owned.xy[:, 0]))
        if units.starts is None:
            direct, direct_door = centre_nearest(
                owned.xy[free], self.streets.index, self.reach, self.snap_limit_m
            )
        else:
            direct, direct_door = nearest_at(self.reach, units.starts.take(free))
        shorter = direct < metres[free]
        metres[free[shorter]], door[free[shorter]] = direct[shorter], direct_door[shorter]
        return metres, self._facility(door)

    def points_nearest(self, xy: Floats) -> Nearest:
        """What is nearest on foot to places (k,) that start where they are."""
        metres, door = centre_nearest(xy, self.streets.index, self.reach, self.snap_limit_m)
        return metres, self._facility(door)

    def _facility(self, door: Ints) -> Ints:
        """The facility (k,) that each entrance (k,) leads to, -1 for none."""
        assert self.band.access is not None
        owner = np.append(self.band.access.owner, -1)
        return np.asarray(owner[door], dtype=np.int64)


def compute(inputs: Inputs, modes: tuple[Mode, ...], *, shared: bool = True) -> list[Figures]:
    """Every tier in every mode, `shared` among the cores. Walking without streets gives NaN: unknown is not zero."""
    measure = {"straight": _straight, "walk": _walk}
    tasks = [(measure[mode], supply) for supply in inputs.supplies for mode in modes]

    def figures_of(task: tuple[Callable[[Inputs, TierSupply], Figures], TierSupply]) -> Figures:
        stage(f"{task[1].tier.id}: {'walked' if task[0] is _walk else 'in a straight line'}")
        return task[0](inputs, task[1])

    return share(figures_of, tasks) if shared else list(map(figures_of, tasks))


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
    land_m = least(metres, len(land.geometry))
    if units is None:
        people, people_m = land.people * _share(served, land.area_m2), land_m
    elif isinstance(units, PointUnits):
        near, people_m = _near(units.centre, supply)
        people = units.people * near
    else:
        people = units.people * _share(covered_area(units.geometry, supply.service), units.area_m2)
        people_m = _near(centres(units.geometry), supply)[1]
    if len(land.geometry):
        gaps = _rows(rest_gaps(land.geometry, rest, land.people, facilities))
    else:
        gaps = _cell_gaps(inputs, people, lambda centre: nearest(centre, facilities))
    return Figures(supply.tier, "straight", served, people, gaps, land_m, people_m)


def _near(centre: Objects, supply: TierSupply) -> tuple[Bools, Floats]:
    """Whether each point (k,) lies within the radius of a band, and metres (k,) to the nearest facility of any."""
    served, metres = np.zeros(len(centre), dtype=bool), np.full(len(centre), np.inf)
    for band in supply.bands:
        distance = nearest(centre, band.places.geometry)[0]
        served |= distance <= band.radius_m
        metres = np.minimum(metres, distance)
    return served, metres


def _share(part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, 0.0)


def _walk(inputs: Inputs, supply: TierSupply) -> Figures:
    if inputs.streets is None:
        return _unknown(inputs, supply)
    walkers, walked = land_walks(inputs, inputs.streets, supply)
    land = inputs.land
    rest = rest_of_pieces(land, walkers, [metres for metres, _ in walked], _within(inputs, walkers))
    distance, facility = _least(supply, walkers, walked, len(rest))
    served = served_m2(rest, land)
    land_m = _middle_m(land, distance)
    people, people_m = _people_walked(inputs, supply, walkers, served, land_m)
    if land.pieces is not None and len(land.geometry):
        gaps = _rows(piece_gaps(land.pieces, rest, land.people, distance, facility, parcels=land.geometry))
    else:
        gaps = _cell_gaps(
            inputs, people, lambda centre: _walk_points(supply, coordinates(centre), walkers)[:2]
        )
    return Figures(supply.tier, "walk", served, people, gaps, land_m, people_m)


def land_walks(inputs: Inputs, streets: Streets, supply: TierSupply) -> tuple[list[Walker], list[Nearest]]:
    """The walks to each band of a tier that has facilities, and what is nearest on foot to each piece of land."""
    walkers = walkers_of(inputs, streets, supply)
    land = inputs.land
    walked = [
        inputs.kept("walked", (walker.band.key, inputs.land_key), partial(walker.pieces_nearest, land))
        for walker in walkers
    ]
    return walkers, walked


def walkers_of(inputs: Inputs, streets: Streets, supply: TierSupply) -> list[Walker]:
    """The walks to each band of a tier that has facilities."""
    return [walker_of(inputs, streets, band) for band in supply.bands if len(band.places.code)]


def _middle_m(units: AreaUnits, piece_m: Floats) -> Floats:
    """Metres walked (n,) from the middle of each unit's land, of the metres (p,) of its pieces."""
    assert units.pieces is not None
    return middle_piece_m(units.pieces, piece_m, len(units.geometry))


def walker_of(inputs: Inputs, streets: Streets, band: Band) -> Walker:
    """The walks to the facilities of a band, searched once."""
    access = band.access
    assert access is not None, "streets exist, so entrances were found"
    reach = inputs.kept(
        "reach",
        (band.key,),
        lambda: search(streets.network, access.positions, extra_m=access.lead_m, with_source=True),
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


def rest_of_pieces(units: AreaUnits, walkers: list[Walker], walked_m: list[Floats], within: Bools) -> Objects:
    """The unserved part (p,) of each lattice piece.

    `walked_m` of each walker: metres (p,); `within` (b, p) pieces known to lie inside its straight-line area.
    """
    pieces = units.pieces
    assert pieces is not None
    reached = np.zeros((len(walkers), len(pieces)), dtype=bool)
    whole = np.zeros(len(pieces), dtype=bool)
    for i, (walker, metres) in enumerate(zip(walkers, walked_m, strict=True)):
        reached[i] = metres <= walker.band.radius_m
        # No point of a piece is further from the walk's start than its cell is wide, and no walk beats the straight.
        whole |= metres + CELL_DIAGONAL_M <= walker.band.service.inner_m
        whole |= reached[i] & within[i]
    rest = pieces.geometry.copy()
    rest[whole] = EMPTY
    _take_served(rest, walkers, reached & ~whole)
    return rest


def _least(supply: TierSupply, walkers: list[Walker], walked: list[Nearest], count: int) -> Nearest:
    """Metres (k,) to the nearest facility of any band, and its index (k,) among those of all bands, or -1."""
    metres, index = np.full(count, np.inf), np.full(count, -1, dtype=np.int64)
    begins = np.cumsum([0, *(len(band.places.code) for band in supply.bands)])
    first = {id(band): int(begin) for band, begin in zip(supply.bands, begins, strict=False)}
    for walker, (band_m, facility) in zip(walkers, walked, strict=True):
        shorter = band_m < metres
        metres[shorter], index[shorter] = band_m[shorter], first[id(walker.band)] + facility[shorter]
    return metres, index


def _take_served(rest: Objects, walkers: list[Walker], reached: Bools) -> None:
    """Take from each piece (p,) what lies in the straight-line area of the bands that reach it (b, p)."""
    pattern = (1 << np.arange(len(walkers))) @ reached.astype(np.int64)
    for found in np.unique(pattern[pattern > 0]).tolist():
        bands = [walker.band.service for i, walker in enumerate(walkers) if found >> i & 1]
        rows = np.flatnonzero(pattern == found)
        rest[rows] = uncovered_part(rest[rows], bands[0] if len(bands) == 1 else merge(bands))


def served_m2(rest: Objects, units: AreaUnits) -> Floats:
    """m² (n,) of each unit that its pieces' unserved parts leave."""
    pieces = units.pieces
    assert pieces is not None
    served = np.maximum(pieces.area_m2 - shapely.area(rest), 0.0)
    return np.bincount(pieces.owner, weights=served, minlength=len(units.geometry)).astype(np.float64)


def _people_walked(
    inputs: Inputs, supply: TierSupply, walkers: list[Walker], land_served_m2: Floats, land_m: Floats
) -> tuple[Floats, Floats]:
    """People served (p,) and metres walked (p,) of each people unit."""
    units = inputs.people.units
    if units is None:
        return inputs.land.people * _share(land_served_m2, inputs.land.area_m2), land_m
    if isinstance(units, PointUnits):
        metres, _, reached = _walk_points(supply, coordinates(units.centre), walkers)
        return units.people * (reached & _near(units.centre, supply)[0]), metres
    walked = [walker.pieces_nearest(units) for walker in walkers]
    unknown = np.zeros((len(walkers), len(units.pieces or ())), dtype=bool)
    rest = rest_of_pieces(units, walkers, [metres for metres, _ in walked], unknown)
    metres = _least(supply, walkers, walked, len(rest))[0]
    return units.people * _share(served_m2(rest, units), units.area_m2), _middle_m(units, metres)


def _walk_points(supply: TierSupply, xy: Floats, walkers: list[Walker]) -> tuple[Floats, Ints, Bools]:
    """Metres (k,) walked from points `xy` (k, 2), the nearest facility (k,) and whether any band reaches it (k,)."""
    walked = [walker.points_nearest(xy) for walker in walkers]
    reached = np.zeros(len(xy), dtype=bool)
    for walker, (metres, _) in zip(walkers, walked, strict=True):
        reached |= metres <= walker.band.radius_m
    return *_least(supply, walkers, walked, len(xy)), reached


def _unknown(inputs: Inputs, supply: TierSupply) -> Figures:
    units = inputs.people.units
    land = np.full(len(inputs.land.geometry), np.nan)
    people = np.full(len(inputs.land.people if units is None else units.people), np.nan)
    none = np.empty(0)
    gaps = GapRows(True, none.astype(int), none.astype(object), none, none, none, none.astype(int))
    return Figures(supply.tier, "walk", land, people, gaps, land, people)


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
    geometry = cell_shapes(units)[rows]
    distance, index = metres(np.asarray(shapely.centroid(geometry), dtype=object))
    return GapRows(
        False,
        rows,
        geometry,
        shapely.area(geometry),
        people[rows],
        distance,
        index,
    )
