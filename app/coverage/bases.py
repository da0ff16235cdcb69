"""Figures for demands beside land and people: the built-up area, street length, dwellings, buildings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import shapely

from app.coverage.compute import compute, rest_of_pieces, served_m2, walker_of, walkers_of
from app.coverage.counting import Sums, length_of
from app.coverage.lattice import select
from app.coverage.model import (
    AlsoDemand,
    AreaUnits,
    Figures,
    Floats,
    Inputs,
    Objects,
    People,
    Streets,
    TierSupply,
)
from app.coverage.service_streets import lines_of, merged, streets_within
from app.coverage.straight import covered_area
from app.parallel import by_rows

UNITS = {"built_up": "m2", "streets": "m", "dwellings": "dwellings", "buildings": "buildings"}
#: Tier, mode, all there is of the demand and what of it is served.
Measured = tuple[str, str, Sums, Sums]
#: For each tier and mode: the figures of the whole, then of each area, a list of bases each.
AlsoRows = dict[tuple[str, str], list[list[dict[str, Any]]]]


def also_rows(inputs: Inputs, figures: list[Figures]) -> AlsoRows:
    """`{"basis", "unit", "total", "served", "share"}` of each further demand of the policy; share None without any.

    The whole also has `unknown`, how many dwellings do not say how many they are.
    """
    found: AlsoRows = {(f.tier.id, f.mode): [[] for _ in range(len(inputs.areas.code) + 1)] for f in figures}
    modes = tuple(dict.fromkeys(figure.mode for figure in figures))
    for demand in inputs.also:
        for tier, mode, total, served in _measure(inputs, demand, modes):
            pairs = zip([total.whole, *total.areas], [served.whole, *served.areas], strict=True)
            for row, (all_, part) in zip(found[tier, mode], pairs, strict=True):
                row.append(_figure(demand.basis, float(all_), float(part)))
            found[tier, mode][0][-1]["unknown"] = demand.unknown
    return found


def add_also(
    inputs: Inputs, figures: list[Figures], results: list[dict[str, Any]], areas: list[dict[str, Any]]
) -> None:
    """Write `also` into the rows of results and areas, which are in the order of the figures."""
    if not inputs.also:
        return
    found = also_rows(inputs, figures)
    each = [found[figure.tier.id, figure.mode] for figure in figures]
    for row, rows in zip(results, each, strict=True):
        row["also"] = rows[0]
    for row, also in zip(areas, (also for rows in each for also in rows[1:]), strict=True):
        row["also"] = also


def _figure(basis: str, total: float, served: float) -> dict[str, Any]:
    known = total > 0 and not np.isnan(served)
    return {
        "basis": basis,
        "unit": UNITS[basis],
        "total": round(total, 1),
        "served": round(served, 1) if known else None,
        "share": round(min(served / total, 1.0), 6) if known else None,
    }


def _measure(inputs: Inputs, demand: AlsoDemand, modes: tuple[Any, ...]) -> list[Measured]:
    if demand.basis == "streets":
        return _streets(inputs, demand, modes) if inputs.streets is not None else []
    if demand.land is not None:
        return _land(inputs, demand.land, modes)
    points = demand.points
    assert points is not None
    nobody = replace(inputs, land=_no_land(inputs.land), land_key=None)
    figures = compute(replace(nobody, people=People(demand.basis, "centre", points)), modes)
    total = _sums(inputs, points.people, points.area)
    return [(f.tier.id, f.mode, total, _sums(inputs, f.people_served, points.area)) for f in figures]


def _land(inputs: Inputs, land: AreaUnits, modes: tuple[Any, ...]) -> list[Measured]:
    """Ground piece by piece: one may start anywhere on it, and a walk serves what it reaches of the straight area."""
    pieces = land.pieces
    assert pieces is not None
    total = _sums(inputs, land.area_m2, land.area)
    rows = []
    for supply in inputs.supplies:
        for mode in modes:
            served = _served_ground(inputs, land, supply, walked=mode == "walk")
            rows.append((supply.tier.id, mode, total, _sums(inputs, served, land.area)))
    return rows


def _served_ground(inputs: Inputs, land: AreaUnits, supply: TierSupply, *, walked: bool) -> Floats:
    """m² (n,) of each unit of ground that is served, NaN where it cannot be known."""
    pieces, streets = land.pieces, inputs.streets
    assert pieces is not None
    if not walked:
        covered = covered_area(pieces.geometry, supply.service)
        return np.bincount(pieces.owner, weights=covered, minlength=len(land.geometry)).astype(np.float64)
    if streets is None:
        return np.full(len(land.geometry), np.nan)
    walkers = walkers_of(inputs, streets, supply)
    metres = [walker.points_nearest(pieces.xy)[0] for walker in walkers]
    nowhere = np.zeros((len(walkers), len(pieces)), dtype=bool)
    return served_m2(rest_of_pieces(land, walkers, metres, nowhere), land)


def _no_land(land: AreaUnits) -> AreaUnits:
    none = np.empty(0)
    index = np.empty(0, dtype=np.int64)
    return replace(
        land, geometry=np.empty(0, dtype=object), place=index, area=index, area_m2=none, people=none,
        pieces=None if land.pieces is None else select(land.pieces, index), access=None, starts=None,
    )  # fmt: skip


def _sums(inputs: Inputs, values: Floats, part: Any) -> Sums:
    return Sums(float(values.sum()), inputs.areas.add_up(values, part))


def _streets(inputs: Inputs, demand: AlsoDemand, modes: tuple[Any, ...]) -> list[Measured]:
    """Metres of public street within reach: cut where the service area ends, or where the walk does."""
    streets = inputs.streets
    assert streets is not None
    public = ~streets.network.edge_private
    lines = streets.network.edge_geometry[public]
    total = length_of(lines, demand.clip, inputs.areas)
    rows = []
    for supply in inputs.supplies:
        for mode in modes:
            served = (
                _near_lines(lines, supply) if mode == "straight" else _walked_lines(inputs, streets, supply)
            )
            rows.append((supply.tier.id, mode, total, length_of(served, demand.clip, inputs.areas)))
    return rows


def _near_lines(lines: Objects, supply: TierSupply) -> Objects:
    """The parts of lines (n,) within the straight-line service area, cut by its pieces that an index finds."""
    area = shapely.get_parts(shapely.union_all(supply.service.buffers))
    tree = shapely.STRtree(lines)
    whole = np.zeros(len(lines), dtype=bool)
    whole[tree.query(area, predicate="covers")[1]] = True
    piece, line = tree.query(area, predicate="intersects")
    open_ = ~whole[line]
    parts = by_rows(shapely.intersection, lines[line[open_]], area[piece[open_]])
    return np.concatenate((lines[whole], parts))


def _walked_lines(inputs: Inputs, streets: Streets, supply: TierSupply) -> Objects:
    """The stretches of public street that a walk from any facility of the tier reaches."""
    walks = [
        (walker_of(inputs, streets, band).reach, band.radius_m)
        for band in supply.bands
        if len(band.places.code)
    ]
    reached = [streets_within(reach, radius_m) for reach, radius_m in walks]
    if not reached:
        return np.empty(0, dtype=object)
    lines = lines_of(walks[0][0], merged(reached, streets.network.edge_private))
    return np.asarray(lines, dtype=object)
