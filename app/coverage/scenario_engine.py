"""A city before and after a scenario: as little as may be is computed again, and where that is not sure, everything."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from app.coverage.access import AccessPoints, of_sites
from app.coverage.gates import GATE_OWNER_M, GATES
from app.coverage.incremental import BandChange, Changes, State, Touched, change, state_of
from app.coverage.loader import Loader
from app.coverage.loading import load_inputs
from app.coverage.model import Band, Ints
from app.coverage.request import CoverageRequest
from app.coverage.scenario import Scenario
from app.coverage.scenario_loader import Resolved, near_rows, scenario_loader
from app.coverage.streets import STREET_CLASSES
from app.coverage.supply_loading import load_supplies, rule_of
from app.coverage.units import take
from app.errors import BadInput


@dataclass(frozen=True, slots=True)
class Base:
    """The city as it is: its state, what a result records of its inputs, and the classes that were read.

    `kept` holds what is told of it, made once for all scenarios.
    """

    state: State
    facts: dict[str, Any]
    classes: tuple[str, ...]
    kept: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scenario leads to: the state and facts after it, the units computed again (None: all of them).

    `changes` are those of the supply, where these alone were followed.
    """

    state: State
    facts: dict[str, Any]
    touched: Touched | None
    changes: Changes | None


def is_warm(loader: Loader, request: CoverageRequest) -> bool:
    """Whether the city as it is was computed for this request, so that a scenario takes milliseconds."""
    names = ("classes read", repr(request))
    if names not in loader.cache:
        return False
    return _state_key(loader, request, _classes(loader, request)) in loader.cache


def check_kind(request: CoverageRequest) -> None:
    """Raise BadInput where the policy does not measure who reaches what."""
    if request.policy.kind != "reach":
        raise BadInput(
            f"The policy '{request.policy.id}' does not measure who reaches what.",
            "Choose a policy of kind reach: `chengtu policies` lists them.",
        )


def load_base(loader: Loader, request: CoverageRequest) -> Base:
    """The city as it is for a request: computed once for all scenarios, as long as the data versions hold.

    Raises:
    ------
    BadInput
        The policy is not one of reach: what it measures is no facility's nearness.
    """
    check_kind(request)
    classes = _classes(loader, request)

    def make() -> Base:
        inputs, facts = load_inputs(loader, request)
        return Base(state_of(inputs, request.modes), facts, classes)

    return loader.cache.get(_state_key(loader, request, classes), make)


def _classes(loader: Loader, request: CoverageRequest) -> tuple[str, ...]:
    """The classes that a request reads: learnt by reading them once."""

    def read() -> tuple[str, ...]:
        load_inputs(loader, request)
        return tuple(sorted({*loader.versions, *request.policy.classes}))

    names = loader.cache.get(("classes read", repr(request)), read)
    loader.ask_versions(names)
    return names


def _state_key(loader: Loader, request: CoverageRequest, classes: Sequence[str]) -> tuple[Hashable, ...]:
    stamps = [loader.stamp(name) for name in classes]
    return ("state", repr(request), rule_of(loader, request), loader.imports, *stamps)


def run(loader: Loader, request: CoverageRequest, base: Base, resolved: Resolved) -> Outcome:
    """The city after the patches."""
    changes = supply_changes(loader, request, base, resolved)
    if changes is not None:
        state, touched = change(base.state, changes) if changes else (base.state, Touched())
        return Outcome(state, base.facts, touched, changes)
    after = scenario_loader(loader, resolved.patched, resolved.lines, resolved.drawn)
    inputs, facts = load_inputs(after, request)
    return Outcome(state_of(inputs, request.modes), facts, None, None)


def supply_changes(
    loader: Loader, request: CoverageRequest, base: Base, resolved: Resolved
) -> Changes | None:
    """What the patches change in each band of supply, read from what lies near them; None where more may change."""
    used = {name: rows for name, rows in resolved.patched.items() if name in base.classes}
    if not used and not resolved.lines:
        return {}
    if resolved.lines or not _supply_alone(request, set(used)):
        return None
    # Whoever may own a patched gate is read near it as well, and no further.
    owners = {name for name, (gates, _) in GATES.items() if gates in used and name in base.classes}
    used = {**{name: {} for name in owners}, **used}
    inputs = base.state.inputs
    near = near_rows(loader, used, resolved.shapes)
    as_is = scenario_loader(loader, {name: {} for name in used}, near=near)
    patched = scenario_loader(loader, used, near=near)
    befores = load_supplies(as_is, request, inputs.streets)
    afters = load_supplies(patched, request, inputs.streets)
    changes: dict[tuple[int, int], BandChange] = {}
    for tier, (whole, before, after) in enumerate(zip(inputs.supplies, befores, afters, strict=True)):
        for number, bands in enumerate(zip(whole.bands, before.bands, after.bands, strict=True)):
            found = _band_change(*bands)
            if found is None or not _all_read(loader, bands[0], found, near):
                return None
            if len(found.removed) or len(found.added.code):
                changes[tier, number] = found
    return changes


def _supply_alone(request: CoverageRequest, patched: set[str]) -> bool:
    """Whether the patched classes are facilities or their gates, and nothing else of the request is made of them."""
    policy = request.policy
    supplies = [supply for tier in policy.tiers for supply in tier.supplies]
    own = {supply.cls for supply in supplies}
    gates = {GATES[name][0] for name in own if name in GATES}
    demand = {policy.land.cls, *(item.cls for item in (*policy.people, *policy.also))}
    ways = {GATES[name][0] for name in demand if name in GATES}
    other = demand | ways | {supply.near.cls for supply in supplies if supply.near is not None}
    return patched <= (own | gates) - other - set(STREET_CLASSES)


def _band_change(whole: Band, before: Band, after: Band) -> BandChange | None:
    """The facilities of a band that went or came, of what lies near; None where they cannot be told apart."""
    if before is after:
        nothing: Ints = np.empty(0, dtype=np.int64)
        return BandChange(nothing, take(after.places, nothing), None)
    old = {code: i for i, code in enumerate(before.places.code)}
    new = {code: i for i, code in enumerate(after.places.code)}
    if len(old) < len(before.places.code) or len(new) < len(after.places.code):
        return None
    kept = {code for code in old.keys() & new.keys() if _same(before, old[code], after, new[code])}
    index = {code: i for i, code in enumerate(whole.places.code)}
    gone = [code for code in old if code not in kept]
    if any(code not in index for code in gone) or len(index) < len(whole.places.code):
        return None
    removed = np.array([index[code] for code in gone], dtype=np.int64)
    there = before.places.geometry[[old[code] for code in gone]] if gone else whole.places.geometry[:0]
    if not shapely.equals_exact(whole.places.geometry[removed], there).all():
        return None
    chosen = np.array([code not in kept for code in new], dtype=bool)
    access = None if after.access is None else of_sites(after.access, chosen)
    return BandChange(removed, take(after.places, chosen), access)


def _same(before: Band, i: int, after: Band, j: int) -> bool:
    one, other = before.places.geometry[i], after.places.geometry[j]
    return (one is other or bool(shapely.equals_exact(one, other))) and _doors(before, i) == _doors(after, j)


def _doors(band: Band, place: int) -> bytes:
    """The entrances of a place, to be compared."""
    access: AccessPoints | None = band.access
    if access is None:
        return b""
    mine: Ints = np.flatnonzero(access.owner == place)
    positions = access.positions
    columns = (positions.edge[mine], positions.offset_m[mine], positions.snap_m[mine], access.lead_m[mine])
    return np.column_stack(columns).tobytes()


def _all_read(loader: Loader, band: Band, found: BandChange, near: Mapping[str, Ints]) -> bool:
    """Whether everything that could share a gate with the facilities that go or come was among what was read."""
    if band.cls not in GATES or band.cls not in near:
        return True
    shapes = np.concatenate((band.places.geometry[found.removed], found.added.geometry))
    rows = loader.features(band.cls)
    close = shapely.STRtree(rows.geometry).query(shapes, predicate="dwithin", distance=2 * GATE_OWNER_M)[1]
    return bool(np.isin(rows.id[close], near[band.cls]).all())


def scenario_facts(scenario: Scenario, base: Base, outcome: Outcome) -> dict[str, Any]:
    """What a result records of a scenario: patched classes that the policy does not read, what was computed again."""
    touched = outcome.touched
    units = len(base.state.inputs.land.geometry)
    return {
        "unused_classes": sorted(scenario.classes - set(base.classes)),
        "recomputed": {
            "method": "everything" if touched is None else "within reach of the changes",
            "land_units": units if touched is None else len(touched.land),
            "of_land_units": units,
        },
    }
