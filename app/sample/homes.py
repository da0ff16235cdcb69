"""Housing: parcels of residential land with people, estates on them with gates, roads, gardens and buildings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.sample.draw import Bools, Floats, Ints, part, signed_area, within
from app.sample.parameters import Parameters
from app.sample.parks import HECTARE, Gates
from app.sample.plots import PlotTable
from app.sample.streets import CORE, DENSE, NEW, Street, StreetPlan

#: Size of an estate, in hectares, by zone.
ESTATE_HA = {DENSE: 1.9, CORE: 3.0, NEW: 4.4}


@dataclass(frozen=True)
class Parcels:
    """Residential land: plot, corners (n, 4, 2) and people of each parcel, at the end of the year and a year before."""

    plot: Ints
    quad: Floats
    people: Ints
    people_before: Ints


@dataclass(frozen=True)
class Estates:
    """Estates: parcel, corners, built year, and which sides (S, E, N, W) front a street one may walk on."""

    parcel: Ints
    quad: Floats
    local: Floats
    year: Ints
    fronts: Bools


def parcels(table: PlotTable, centre: Floats, parameters: Parameters) -> Parcels:
    """Every plot of housing, and the village corners of the countryside, with the city's people shared out to one.

    Between the two dates the city grows in its new town.
    """
    random, homes = parameters.rng("parcels"), parameters["homes"]
    town, village = np.flatnonzero(table.use == "R"), np.flatnonzero(table.use == "V")
    share = np.sqrt(homes["village_ha"] * HECTARE / table.area_m2[village]).clip(0, 0.85)
    quads = np.concatenate(
        [table.inner[town], part(table.inner[village], 0.05, 0.05 + share, 0.05, 0.05 + share)]
    )
    plot = np.concatenate([town, village])
    far = np.linalg.norm(table.centre[plot] - centre, axis=1)
    density = np.exp(-far / homes["thinning_m"]) * random.uniform(0.7, 1.3, len(plot))
    density[len(town) :] *= 0.35
    people = largest_remainder(signed_area(quads) * density, homes["people"])
    new = people * (table.zone[plot] == NEW)
    return Parcels(
        plot, quads, people, people - largest_remainder(new, homes["people"] - homes["people_before"])
    )


def largest_remainder(weight: Floats | Ints, total: int) -> Ints:
    """Integers in the proportions of `weight` that add up to `total`."""
    exact = weight / weight.sum() * total
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return np.asarray(whole)


def estates(table: PlotTable, land: Parcels, parameters: Parameters) -> Estates:
    """Cut the town's parcels into estates, one to four of them; some parcels of the old centre stay open streets."""
    random = parameters.rng("estates")
    zone = table.zone[land.plot]
    closed = np.isin(zone, list(ESTATE_HA)) & ~((zone == DENSE) & (random.random(len(zone)) < 0.12))
    size = np.vectorize(lambda z: ESTATE_HA.get(z, 4.4))(zone) * HECTARE
    count = np.clip(np.round(signed_area(land.quad) / size), 1, 4).astype(int)
    wide = np.linalg.norm(land.quad[:, 1] - land.quad[:, 0], axis=1)
    tall = np.linalg.norm(land.quad[:, 3] - land.quad[:, 0], axis=1)
    rows: list[int] = []
    boxes: list[tuple[float, float, float, float]] = []
    for k in np.flatnonzero(closed):
        split = _split(int(count[k]), bool(wide[k] > tall[k]))
        rows += [int(k)] * len(split)
        boxes += split
    parcel, local = np.asarray(rows), np.asarray(boxes)
    quad = part(land.quad[parcel], *(local[:, k] for k in range(4)))
    side = np.stack([local[:, 2] == 0, local[:, 1] == 1, local[:, 3] == 1, local[:, 0] == 0], axis=1)
    side &= table.side_kind[land.plot[parcel]] != "expressway"
    return Estates(parcel, quad, local, _years(zone[parcel], random), side)


def _split(count: int, wide: bool) -> list[tuple[float, float, float, float]]:
    """Local boxes a0, a1, b0, b1 of one to four parts."""
    if count == 4:
        return [(a, a + 0.5, b, b + 0.5) for b in (0.0, 0.5) for a in (0.0, 0.5)]
    cuts = [(k / count, 1.0 if k == count - 1 else (k + 1) / count) for k in range(count)]
    return [(a, b, 0.0, 1.0) if wide else (0.0, 1.0, a, b) for a, b in cuts]


def _years(zone: Ints, random: np.random.Generator) -> Ints:
    low = np.select([zone == DENSE, zone == CORE], [1978, 1984], 1999)
    high = np.select([zone == DENSE, zone == CORE], [2004, 2016], 2021)
    return np.asarray(low + np.floor((high - low) * random.random(len(zone)))).astype(np.int64)


def estate_gates(
    plan: StreetPlan, table: PlotTable, land: Parcels, homes: Estates, parameters: Parameters
) -> Gates:
    """A gate on one street side of every estate, two on big ones: street → gate (public), gate → middle (private)."""
    random = parameters.rng("estate gates")
    preference = random.random(homes.fronts.shape) + np.where(homes.fronts, 0, 10)
    order = np.argsort(preference, axis=1)
    two = (homes.fronts.sum(axis=1) > 1) & (signed_area(homes.quad) > 1.6 * HECTARE)
    owner = np.concatenate([np.arange(len(two)), np.flatnonzero(two)])
    side = np.concatenate([order[:, 0], order[two, 1]])
    owner, side = owner[fronting := homes.fronts[owner, side]], side[fronting]
    plot = land.plot[homes.parcel[owner]]
    chain, t0, t1 = table.chain[plot, side], table.t0[plot, side], table.t1[plot, side]
    heart = within(homes.quad, np.array([0.5]), np.array([0.5]))
    hearts = plan.net.nodes_xy(heart)
    door = (homes.quad[owner, side] + homes.quad[owner, (side + 1) % 4]) / 2
    share = _meeting(plan.net.along(chain, t0), plan.net.along(chain, t1), heart[owner], door)
    street = plan.net.split(chain, t0 + (t1 - t0) * share)
    start, end = plan.net.xy()[street], heart[owner]
    xy = start + (end - start) * _crossing(start, end, homes.quad[owner], side)[:, None]
    node = plan.net.nodes_xy(xy)
    plan.net.link(street, node, plan.label(Street("service")))
    plan.net.link(node, hearts[owner], plan.label(Street("service", walk="private")))
    _inner_roads(plan, homes, hearts)
    first = np.arange(len(owner)) < len(two)
    return Gates(plan.net.xy()[node], owner, node, plan.net.labels()[chain], first)


def _meeting(start: Floats, end: Floats, heart: Floats, door: Floats) -> Floats:
    """Where on the side start-end (0-1, off its corners) the way from an estate's heart through its door meets it."""
    along, way = end - start, door - heart
    gap = heart - start
    cross = along[:, 0] * way[:, 1] - along[:, 1] * way[:, 0]
    share = (gap[:, 0] * way[:, 1] - gap[:, 1] * way[:, 0]) / cross
    return np.asarray(share.clip(0.05, 0.95))


def _crossing(start: Floats, end: Floats, quad: Floats, side: Ints) -> Floats:
    """Where on the way from start to end (0-1) the given side of the quad is crossed."""
    row = np.arange(len(quad))
    corner, along = quad[row, side], quad[row, (side + 1) % 4] - quad[row, side]
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    from_start, from_end = ((normal * (p - corner)).sum(axis=1) for p in (start, end))
    return np.asarray(-from_start / (from_end - from_start))


def _inner_roads(plan: StreetPlan, homes: Estates, hearts: Ints) -> None:
    """A private road lengthwise through the middle of every big estate, along its garden."""
    label = plan.label(Street("service", walk="private"))
    big = signed_area(homes.quad) > 2.4 * HECTARE
    for a in (0.13, 0.87):
        ends = plan.net.nodes_xy(within(homes.quad[big], np.array([a]), np.array([0.5])))
        plan.net.link(hearts[big], ends, label)


def gardens(homes: Estates) -> Floats:
    """The garden (n, 4, 2) in the middle of every estate, between its rows of buildings."""
    return part(homes.quad, 0.1, 0.9, 0.29, 0.71)


def buildings(homes: Estates, parameters: Parameters) -> tuple[Floats, Ints, Ints]:
    """Slabs (n, 4, 2) in a southern and a northern row of every estate, the estate and the storeys of each."""
    random = parameters.rng("buildings")
    wide = np.linalg.norm(homes.quad[:, 1] - homes.quad[:, 0], axis=1)
    tall = np.linalg.norm(homes.quad[:, 3] - homes.quad[:, 0], axis=1)
    count = np.full(len(wide), 2)
    estate = np.repeat(np.arange(len(count)), 2 * count)
    turn = np.arange(len(estate)) - np.repeat(np.cumsum(2 * count) - 2 * count, 2 * count)
    column, row = turn // 2, turn % 2
    middle = np.where(column == 0, 0.27, 0.73)
    half = np.minimum(0.19, 34 / wide[estate])
    depth = 15 / tall[estate]
    b0 = np.where(row == 0, 0.07, 0.93 - depth) + random.uniform(-0.02, 0.04, len(estate)) * np.where(
        row == 0, 1, -1
    )
    quads = part(homes.quad[estate], middle - half, middle + half, b0, b0 + depth)
    old = homes.year[estate] < 2000
    storeys = np.where(old, random.integers(4, 8, len(estate)), random.integers(11, 34, len(estate)))
    return quads, estate, storeys
