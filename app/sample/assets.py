"""Small things along the streets: toilets, car parks, lights, trees, and the buildings of plots without estates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import KDTree

from app.sample.draw import Bools, Floats, Ints, part
from app.sample.homes import largest_remainder
from app.sample.net import Edges
from app.sample.parameters import Parameters
from app.sample.parks import Parks
from app.sample.plots import PlotTable
from app.sample.streets import CORE, DENSE, INDUSTRY, NEW, PROFILE, RURAL, Street

TOILET_WEIGHT = {DENSE: 2.2, CORE: 1.4, NEW: 0.9, INDUSTRY: 0.35, RURAL: 0.03}
USE_WEIGHT = {"C": 2.0, "A": 1.6, "P": 2.6, "G": 2.6, "M": 0.5, "R": 0.35, "V": 4.0}
#: How much a toilet in the same square takes from the next one's weight (natural logarithm).
CROWDED = 1.5
#: The year's new toilets are drawn from so many times as many of the loneliest ones.
LONELY = 2
LIT = ("expressway", "trunk", "primary", "secondary")
LINED = ("primary", "secondary", "tertiary", "residential")


@dataclass(frozen=True)
class Toilets:
    """Toilets: place (n, 2), plot, year built, year renovated or 0."""

    xy: Floats
    plot: Ints
    built: Ints
    renovated: Ints


def place_toilets(table: PlotTable, parameters: Parameters) -> Toilets:
    """Toilets in corners of plots: dense in the old centre, thin in the new town, few where the city grew fastest."""
    random, asked = parameters.rng("toilets"), parameters["facilities"]["toilets"]
    weight = np.array([USE_WEIGHT.get(use, 0.0) for use in table.use])
    weight *= np.array([TOILET_WEIGHT[int(zone)] for zone in table.zone])
    weight *= _thinned(table, asked, random)
    site = np.repeat(np.arange(len(weight)), 2)
    draw = np.log(np.maximum(weight[site], 1e-9)) + random.gumbel(size=len(site))
    draw -= CROWDED * _crowding(table.centre[site], draw)
    picked = np.sort(np.argsort(-draw, kind="stable")[: asked["count"]])
    plot, corner = site[picked], picked % 2
    a, b = np.choose(corner, [0.985, 0.015]), np.choose(corner, [0.02, 0.975])
    xy = part(table.inner[plot], a - 0.005, a + 0.005, b - 0.005, b + 0.005).mean(axis=1)
    built = random.integers(1995, parameters.as_of.year, len(plot))
    renovated = np.zeros(len(plot), np.int64)
    new = _gap_closers(xy, asked["built_in_year"], random)
    redone = random.permutation(np.setdiff1d(np.arange(len(plot)), new))[: asked["renovated_in_year"]]
    built[new] = parameters.as_of.year
    built[redone] = random.integers(1990, 2012, len(redone))
    renovated[redone] = parameters.as_of.year
    return Toilets(xy, plot, built, renovated)


def _gap_closers(xy: Floats, count: int, random: np.random.Generator) -> Ints:
    """`count` of those that stand farthest from the next one: a year's new toilets were put where they were missed."""
    nearest = np.asarray(KDTree(xy).query(xy, k=2)[0])[:, 1]
    lonely = np.argsort(-nearest, kind="stable")[: LONELY * count]
    return np.asarray(random.permutation(lonely)[:count])


def _crowding(xy: Floats, draw: Floats) -> Ints:
    """How many sites with a better draw each has in its own square of 280 m."""
    square = np.floor(xy / 280).astype(np.int64)
    order = np.lexsort((-draw, square[:, 1], square[:, 0]))
    first = np.r_[True, (np.diff(square[order], axis=0) != 0).any(axis=1)]
    start = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - start
    return rank


def _thinned(table: PlotTable, asked: dict[str, float], random: np.random.Generator) -> Floats:
    """1, but a fraction round some places that have too few."""
    built = np.flatnonzero(table.zone > RURAL)
    places = table.centre[random.choice(built, int(asked["thin_places"]))]
    near = np.linalg.norm(table.centre[:, None] - places, axis=2).min(axis=1) < asked["thin_m"]
    return np.where(near, 0.06, 1.0)


@dataclass(frozen=True)
class CarParks:
    """Car parks: corners (n, 4, 2), plot, kind, how its berths came about, berths, whether opened in the year."""

    quad: Floats
    plot: Ints
    kind: list[str]
    supply: list[str]
    berths: Ints
    new: Bools


def place_car_parks(table: PlotTable, parameters: Parameters) -> CarParks:
    """Car parks in the south-east corner of plots; the berths of the year add up to the plan's kinds of supply."""
    random, asked = parameters.rng("car parks"), parameters["facilities"]["car_parks"]
    rows = np.flatnonzero(np.isin(table.use, ("C", "A", "M")) & (table.area_m2 > 4_000))
    rows = np.sort(random.permutation(rows)[: asked["count"]])
    quad = part(table.inner[rows], 0.72, 0.96, 0.05, 0.36)
    supply = np.full(len(rows), "built_in", dtype=object)
    berths = random.integers(40, 420, len(rows))
    new = np.zeros(len(rows), bool)
    order, at = random.permutation(len(rows)), 0
    for name, (lots, total) in asked["new_berths"].items():
        mine = order[at : at + lots]
        at += lots
        supply[mine], new[mine] = name, True
        berths[mine] = largest_remainder(random.uniform(0.5, 1.5, len(mine)), total)
    kind = np.where(table.use[rows] == "C", "structure", "surface").astype(object)
    kind[(supply == "built_in") & (berths > 250)] = "underground"
    return CarParks(quad, rows, kind.tolist(), supply.tolist(), berths, new)


def halls(table: PlotTable, parks: Parks) -> tuple[Floats, Ints]:
    """One big building on every plot for commerce, institutions or industry that has no park in its corner."""
    free = np.isin(table.use, ("C", "A", "M"))
    free[parks.plot] = False
    rows = np.flatnonzero(free)
    return part(table.inner[rows], 0.08, 0.64, 0.08, 0.38), rows


@dataclass(frozen=True)
class Beside:
    """Points beside streets: place (n, 2), street label, number along its edge."""

    xy: Floats
    label: Ints
    turn: Ints

    def within(self, area: shapely.Geometry) -> Beside:
        """Those inside an area: streets along the city's border have two sides, the city one."""
        shapely.prepare(area)
        keep = shapely.contains_xy(area, self.xy[:, 0], self.xy[:, 1])
        return Beside(self.xy[keep], self.label[keep], self.turn[keep])


def along_streets(
    xy: Floats,
    edges: Edges,
    streets: list[Street],
    kinds: tuple[str, ...],
    built: Bools,
    step_m: float,
    out_m: float,
) -> Beside:
    """Points every `step_m` metres along edges of some kinds, `out_m` inside the street's edge, on alternate sides."""
    kind = np.array([street.kind for street in streets])[edges.label]
    level = np.array([street.layer == 0 for street in streets])[edges.label]
    rows = np.flatnonzero(np.isin(kind, kinds) & level & built)
    start, end = xy[edges.a[rows]], xy[edges.b[rows]]
    length = np.linalg.norm(end - start, axis=1)
    count = np.floor(length / step_m).astype(int)
    row = np.repeat(np.arange(len(rows)), count)
    turn = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    along = (end - start) / np.maximum(length, 1e-9)[:, None]
    place = start[row] + along[row] * ((turn + 0.5) * length[row] / count[row])[:, None]
    half = np.array([PROFILE[name][2] for name in kind[rows]])
    side = np.where(turn % 2 == 0, 1.0, -1.0) * (half[row] - out_m)
    normal = np.stack([-along[row, 1], along[row, 0]], axis=1)
    return Beside(place + normal * side[:, None], edges.label[rows][row], turn)
