"""How demand stands on the streets: metres from home to its street, demand without one, demand on islands."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.coverage.model import AreaUnits, Floats, Inputs, Ints, PointUnits, Streets
from app.coverage.units import coordinates
from app.network.model import Positions, WalkNetwork
from app.network.report import islands
from app.network.snap import snap

UNKNOWN = -1


def walking_facts(inputs: Inputs) -> dict[str, Any] | None:
    """What a walked result says of the ways onto the streets; None without streets.

    Returns:
    -------
    dict
        `{"snap_limit_m", "land": {...}, "people": {...}, "islands", "islands_km"}`. Land is weighed by its m², people
        by number; each has `snap_median_m`, `snap_max_m`, `share_without_street` and `share_on_islands` (0-1, None
        without demand). An island is any part of the network but its longest: who lives there reaches nothing else.
    """
    streets = inputs.streets
    if streets is None:
        return None

    def land() -> dict[str, Any] | None:
        return _land(inputs.land, streets)

    apart = islands(streets.network)
    return {
        "snap_limit_m": inputs.snap_limit_m,
        "land": inputs.kept("snapping", (inputs.land_key,), land),
        "people": _people(inputs, streets),
        "islands": len(apart.component),
        "islands_km": round(float(apart.length_m.sum()) / 1000, 3),
    }


def _land(units: AreaUnits, streets: Streets) -> dict[str, Any] | None:
    metres, part = _of_units(units, streets.network)
    return _figures(metres, part, units.area_m2, streets.network)


def _people(inputs: Inputs, streets: Streets) -> dict[str, Any] | None:
    units = inputs.people.units
    if inputs.people.cls is None:
        return None
    if isinstance(units, PointUnits):
        at = snap(streets.index, coordinates(units.centre), inputs.snap_limit_m)
        return _figures(at.snap_m, _parts(at, streets.network), units.people, streets.network)
    land = inputs.land if units is None else units
    if land.pieces is not None and land.starts is None and land.access is None:
        # People counted by share of their cell start where they are, from each of its pieces.
        at = snap(streets.index, land.pieces.xy, inputs.snap_limit_m)
        people = land.pieces.people(land.people)
        return _figures(at.snap_m, _parts(at, streets.network), people, streets.network)
    metres, part = _of_units(land, streets.network)
    return _figures(metres, part, land.people, streets.network)


def _of_units(units: AreaUnits, network: WalkNetwork) -> tuple[Floats, Ints]:
    """(n,) metres from each unit's nearest way out to its street, inf without any; (n,) the part it is then on."""
    metres, part = np.full(len(units.geometry), np.inf), np.full(len(units.geometry), UNKNOWN, dtype=np.int64)
    if units.access is not None and len(units.access):
        exits = units.access
        _least_into(metres, part, exits.positions, exits.owner, units.place, network)
    if units.starts is not None and units.pieces is not None:
        own = np.arange(len(units.geometry))
        _least_into(metres, part, units.starts, units.pieces.owner, own, network)
    return metres, part


def _least_into(
    metres: Floats, part: Ints, at: Positions, owner: Ints, whose: Ints, network: WalkNetwork
) -> None:
    """Lowers the metres (n,) of units to the least snap of the positions whose `owner` each is (in place)."""
    order = np.lexsort((at.snap_m, owner))
    owners, first = np.unique(owner[order], return_index=True)
    best = order[first]
    row = np.searchsorted(owners, whose)
    row[row == len(owners)] = 0
    known = np.flatnonzero(owners[row] == whose)
    chosen = best[row[known]]
    shorter = at.snap_m[chosen] < metres[known]
    metres[known[shorter]] = at.snap_m[chosen[shorter]]
    part[known[shorter]] = _parts(at.take(chosen[shorter]), network)


def _parts(at: Positions, network: WalkNetwork) -> Ints:
    """(k,) the connected part of the network that each place is on."""
    part = np.full(len(at), UNKNOWN, dtype=np.int64)
    part[at.found] = network.component[network.edge_from[at.edge[at.found]]]
    return part


def _figures(metres: Floats, part: Ints, weight: Floats, network: WalkNetwork) -> dict[str, Any] | None:
    total = float(weight.sum())
    if total <= 0:
        return None
    found = np.isfinite(metres) & (weight > 0)
    longest = int(network.component_length_m.argmax())
    apart = found & (part != longest)
    return {
        "snap_median_m": _median(metres[found], weight[found]),
        "snap_max_m": round(float(metres[found].max()), 1) if found.any() else None,
        "share_without_street": round(float(weight[~found].sum()) / total, 6),
        "share_on_islands": round(float(weight[apart].sum()) / total, 6),
    }


def _median(metres: Floats, weight: Floats) -> float | None:
    """The metres that half of the weight does not exceed."""
    if not len(metres):
        return None
    order = np.argsort(metres, kind="stable")
    so_far = np.cumsum(weight[order])
    return round(float(metres[order][np.searchsorted(so_far, so_far[-1] / 2)]), 1)
