"""Coverage after a few facilities have changed: only the demand that they can reach is computed again.

A facility serves nobody beyond its radius in a straight line, and nobody walks further than that to be served by it. So
every figure of a unit that lies wholly beyond the radius of each changed facility stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Mode
from app.coverage.access import AccessPoints, of_sites
from app.coverage.cache import Given
from app.coverage.compute import compute, walker_of
from app.coverage.lattice import select
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
    Places,
    PointUnits,
    TierSupply,
)
from app.coverage.straight import changed_area, merge
from app.coverage.units import take
from app.network.patch import join_positions, with_more, without
from app.network.reach import Reach

#: Rounding of distances: who lies this close beyond a radius is computed again too.
HAIR_M = 1e-3
#: Walks from an added facility are followed to so many times its radius: beyond, metres stay those to the others.
FOLLOWED = 2.0


@dataclass(frozen=True, slots=True)
class BandChange:
    """What changes in a band: facilities `removed` (r,) by index, and those `added`, with entrances on streets."""

    removed: Ints
    added: Places
    access: AccessPoints | None


#: Changes by tier and band, both by index.
Changes = Mapping[tuple[int, int], BandChange]


@dataclass(frozen=True, slots=True)
class State:
    """A city as computed: what went in, and the figures of every tier in every mode, in the order of `compute`.

    `land` and `people` are search trees of the demand units.
    """

    inputs: Inputs
    modes: tuple[Mode, ...]
    figures: list[Figures]
    land: shapely.STRtree
    people: shapely.STRtree | None


@dataclass(frozen=True, slots=True)
class Touched:
    """The demand units computed again: (n,) of land, (p,) of people, ascending."""

    land: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    people: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def state_of(inputs: Inputs, modes: tuple[Mode, ...]) -> State:
    """The state of a city, all of it computed."""
    units = inputs.people.units
    people = None if units is None else shapely.STRtree(_places_of(units))
    return State(inputs, modes, compute(inputs, modes), shapely.STRtree(inputs.land.geometry), people)


def change(state: State, changes: Changes) -> tuple[State, Touched]:
    """The state after changes, equal to `state_of` the changed inputs, and the units that were computed again.

    Served land and people are those of a full computation in every unit; metres to the nearest facility and gaps in the
    units computed again (walked ones up to `FOLLOWED` radii of what was added), elsewhere they stay as they were.
    """
    inputs, touched = _changed_inputs(state.inputs, changes), _touched(state, changes)
    tiers = sorted({tier for tier, _ in changes})
    part = _restricted(inputs, touched, tiers)
    figures = list(state.figures)
    # Threads would take longer to start than so few units take to compute.
    for k, new in enumerate(compute(part, state.modes, shared=False)):
        at = tiers[k // len(state.modes)] * len(state.modes) + k % len(state.modes)
        figures[at] = _merged(figures[at], new, touched, inputs)
    return replace(state, inputs=inputs, figures=figures), touched


def _changed_inputs(inputs: Inputs, changes: Changes) -> Inputs:
    given: dict[Any, Reach] = {}
    supplies = list(inputs.supplies)
    for (tier, number), what in changes.items():
        bands = list(supplies[tier].bands)
        bands[number] = _changed_band(inputs, bands[number], what, given)
        supplies[tier] = TierSupply(
            supplies[tier].tier, tuple(bands), merge([band.service for band in bands])
        )
    return replace(inputs, supplies=tuple(supplies), cache=Given(inputs.cache, given))


def _changed_band(inputs: Inputs, band: Band, what: BandChange, given: dict[Any, Reach]) -> Band:
    kept = np.ones(len(band.places.code), dtype=bool)
    kept[what.removed] = False
    places = join_places(take(band.places, kept), what.added)
    service = changed_area(band.service, band.places.geometry, kept, what.added.geometry, band.radius_m)
    if band.access is None or what.access is None or inputs.streets is None:
        return replace(band, places=places, service=service, key=None)
    mark = object()
    access = _join_access(of_sites(band.access, kept), what.access, int(kept.sum()))
    reach = walker_of(inputs, inputs.streets, band).reach
    if not kept.all():
        reach = without(reach, ~kept[band.access.owner])
    if len(what.access):
        limit_m = band.radius_m * FOLLOWED
        reach = with_more(reach, what.access.positions, what.access.lead_m, limit_m)
    given["reach", mark] = reach
    return replace(band, places=places, service=service, access=access, key=(mark,))


def join_places(first: Places, second: Places) -> Places:
    """The places of both, one after the other."""
    return Places(
        [*first.code, *second.code],
        [*first.name, *second.name],
        [*first.path, *second.path],
        np.concatenate((first.geometry, second.geometry)),
        np.concatenate((first.people, second.people)),
    )


def _join_access(first: AccessPoints, second: AccessPoints, sites: int) -> AccessPoints:
    """The entrances of both; the owners of the second follow the `sites` of the first."""
    return AccessPoints(
        np.concatenate((first.xy, second.xy)),
        np.concatenate((first.owner, second.owner + sites)),
        np.concatenate((first.origin, second.origin)),
        np.concatenate((first.lead_m, second.lead_m)),
        join_positions(first.positions, second.positions),
    )


def _touched(state: State, changes: Changes) -> Touched:
    """The units within the radius of a facility that was removed or added."""
    inputs = state.inputs
    land, people = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for (tier, number), what in changes.items():
        band = inputs.supplies[tier].bands[number]
        places = np.concatenate((band.places.geometry[what.removed], what.added.geometry))
        metres = band.radius_m + HAIR_M
        land.append(state.land.query(places, predicate="dwithin", distance=metres)[1])
        if state.people is not None:
            people.append(state.people.query(places, predicate="dwithin", distance=metres)[1])
    return Touched(np.unique(np.concatenate(land)), np.unique(np.concatenate(people)))


def _places_of(units: AreaUnits | PointUnits) -> Objects:
    return units.centre if isinstance(units, PointUnits) else units.geometry


def _restricted(inputs: Inputs, touched: Touched, tiers: Sequence[int]) -> Inputs:
    """The inputs with these units and tiers alone."""
    units = inputs.people.units
    people = inputs.people if units is None else replace(inputs.people, units=_some(units, touched.people))
    return replace(
        inputs,
        land=some_units(inputs.land, touched.land),
        people=people,
        supplies=tuple(inputs.supplies[tier] for tier in tiers),
        land_key=None,
    )


def _some(units: AreaUnits | PointUnits, which: Ints) -> AreaUnits | PointUnits:
    if isinstance(units, PointUnits):
        return PointUnits(take(units.places, which), units.centre[which], units.area[which])
    return some_units(units, which)


def some_units(units: AreaUnits, which: Ints) -> AreaUnits:
    """The units of an index (k,), ascending, with their own places, pieces and ways out alone."""
    used, place = np.unique(units.place[which], return_inverse=True)
    chosen = np.zeros(len(units.places.code), dtype=bool)
    chosen[used] = True
    kept: Bools = np.zeros(len(units.geometry), dtype=bool)
    kept[which] = True
    pieces = units.pieces
    return replace(
        units,
        places=take(units.places, used),
        geometry=units.geometry[which],
        place=place.astype(np.int64),
        area=units.area[which],
        area_m2=units.area_m2[which],
        people=units.people[which],
        pieces=None if pieces is None else select(pieces, which),
        access=None if units.access is None else of_sites(units.access, chosen),
        starts=None if units.starts is None or pieces is None else units.starts.take(kept[pieces.owner]),
    )


def _merged(old: Figures, new: Figures, touched: Touched, inputs: Inputs) -> Figures:
    """The figures with those of the units computed again."""
    people = touched.land if inputs.people.units is None else touched.people
    of_land = len(inputs.land.geometry) > 0 or inputs.people.units is None
    return replace(
        old,
        land_served_m2=_put(old.land_served_m2, touched.land, new.land_served_m2),
        people_served=_put(old.people_served, people, new.people_served),
        land_m=_put(old.land_m, touched.land, new.land_m),
        people_m=_put(old.people_m, people, new.people_m),
        gaps=_merged_gaps(old, new, touched.land if of_land else people),
    )


def _put(values: Floats, where: Ints, new: Floats) -> Floats:
    result = values.copy()
    result[where] = new
    return result


def _merged_gaps(old: Figures, new: Figures, units: Ints) -> GapRows:
    """The gaps of other units as they were and the new ones of these; not ranked among each other."""
    rest = np.flatnonzero(~np.isin(old.gaps.unit, units))
    # Without any land among the units computed again, their gaps are those of cells.
    found = np.arange(len(new.gaps.unit) if new.gaps.of_land == old.gaps.of_land else 0)
    both = {
        name: np.concatenate((getattr(old.gaps, name)[rest], getattr(new.gaps, name)[found]))
        for name in ("geometry", "area_m2", "people", "distance_m", "nearest")
    }
    unit = np.concatenate((old.gaps.unit[rest], units[new.gaps.unit[found].astype(np.int64)]))
    return GapRows(of_land=old.gaps.of_land, unit=unit, **both)
