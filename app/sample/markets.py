"""Markets, and the old estates round them that the renewal programme counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from app.errors import BadDeclaration
from app.sample.draw import Bools, Floats, Ints, part, polygons, signed_area
from app.sample.homes import Estates, largest_remainder
from app.sample.parameters import Parameters
from app.sample.plots import PlotTable, spaced
from app.sample.streets import CORE, DENSE

ZONE_M = 300.0
MARGIN_M = 4.0


@dataclass(frozen=True)
class Markets:
    """Markets: place (n, 2), plot, and whether it is one of the key markets."""

    xy: Floats
    plot: Ints
    key: Bools


@dataclass(frozen=True)
class Renewal:
    """Per estate: old, near a market, renovation done, the year it was or 0, in the year's programme, and its sums."""

    old: Bools
    near: Bools
    done: Bools
    year: Ints
    programme: Bools
    households: Ints
    houses: Ints
    floor_area_m2: Ints


def place_markets(table: PlotTable, parameters: Parameters) -> tuple[Floats, Ints]:
    """Markets in commercial plots of the old town, well apart: places and plots."""
    random, markets = parameters.rng("markets"), parameters["markets"]
    rows = np.flatnonzero((table.use == "C") & np.isin(table.zone, (DENSE, CORE)))
    order = np.argsort(random.random(len(rows)) - 0.5 * (table.zone[rows] == DENSE), kind="stable")
    picked = rows[spaced(table.centre[rows], order, markets["count"], markets["apart_m"], np.empty((0, 2)))]
    return part(table.inner[picked], 0.9, 0.96, 0.9, 0.96).mean(axis=1), picked


def renew(xy: Floats, plot: Ints, homes: Estates, parameters: Parameters) -> tuple[Markets, Renewal]:
    """Choose old estates near and far from markets, the key markets, and who is renovated, as the plan counts them."""
    random, asked = parameters.rng("renewal"), parameters["homes"]
    shapes = polygons(homes.quad)
    tree = shapely.STRtree(shapes)
    nearest = np.full(len(shapes), np.inf)
    market, estate = tree.query(shapely.points(xy), predicate="dwithin", distance=ZONE_M + MARGIN_M)
    far = shapely.distance(shapely.points(xy[market]), shapes[estate])
    np.minimum.at(nearest, estate, far)
    aged = homes.year <= 2000
    near = _take(np.flatnonzero(aged & (nearest <= ZONE_M - MARGIN_M)), asked["old_near_markets"], random)
    away = _take(np.flatnonzero(aged & ~np.isfinite(nearest)), asked["old_elsewhere"], random)
    old = np.zeros(len(shapes), bool)
    old[near] = old[away] = True
    inside = (far <= ZONE_M) & old[estate]
    key = _key_markets(len(xy), market[inside], estate[inside], asked["near_renovated"], parameters, random)
    covered = np.unique(estate[inside & key[market]])
    rest = np.setdiff1d(near, covered)
    done = np.concatenate([covered, _take(rest, asked["near_renovated"] - len(covered), random)])
    return Markets(xy, plot, key), _ledger(homes, old, near, away, done, parameters, random)


def _take(rows: Ints, count: int, random: np.random.Generator) -> Ints:
    if len(rows) < count:
        hint = "Take another seed or lower the figure."
        raise BadDeclaration(
            f"The sample leaves only {len(rows)} of the {count} estates that are asked for.", hint
        )
    return np.sort(random.permutation(rows)[:count])


def _key_markets(
    count: int, market: Ints, estate: Ints, most: int, parameters: Parameters, random: np.random.Generator
) -> Bools:
    """Key markets, so few old estates round them that all of them can be among the renovated ones."""
    key = np.zeros(count, bool)
    covered: set[int] = set()
    for k in random.permutation(count):
        mine = set(estate[market == k].tolist())
        if key.sum() < parameters["markets"]["key"] and mine and len(covered | mine) <= most:
            key[k] = True
            covered |= mine
    if key.sum() < parameters["markets"]["key"]:
        raise BadDeclaration("The sample has too few old estates round its markets.", "Take another seed.")
    return key


def _ledger(
    homes: Estates,
    old: Bools,
    near: Ints,
    away: Ints,
    done: Ints,
    parameters: Parameters,
    random: np.random.Generator,
) -> Renewal:
    """Years of renovation and the programme's households, buildings and floor area."""
    asked = parameters["homes"]
    n = len(homes.year)
    flags = np.zeros((4, n), bool)
    year = np.zeros(n, np.int64)
    done = random.permutation(done)
    year[done[: asked["near_renovated_before"]]] = random.integers(2017, 2021, asked["near_renovated_before"])
    year[done[asked["near_renovated_before"] :]] = parameters.as_of.year
    year[away] = parameters.as_of.year
    flags[0, near] = True
    programme = old & (year == parameters.as_of.year)
    area = signed_area(homes.quad)
    households = np.maximum(20, area / 10_000 * random.uniform(90, 190, n)).astype(np.int64)
    houses = np.maximum(2, area / 2_600).astype(np.int64)
    floor = (area * random.uniform(1.1, 1.9, n)).astype(np.int64)
    for values, total in zip((households, houses, floor), asked["programme"], strict=True):
        values[programme] = largest_remainder(values[programme].astype(float), total)
    return Renewal(old, flags[0], year > 0, year, programme, households, houses, floor)
