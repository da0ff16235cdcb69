"""Pipes of every kind under the streets: which streets have which, so that lengths add up to the plan's figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.sample.draw import Bools, Floats, Ints, Shapes, segments
from app.sample.fit import fit
from app.sample.net import Edges, Net
from app.sample.parameters import Parameters

#: kind → metres east and north of the street's middle: every network is the streets' own, moved aside.
OFFSET: dict[str, tuple[float, float]] = {
    "water": (3.1, 2.2),
    "storm": (-1.4, 1.2),
    "sewer": (1.2, -1.6),
    "combined": (-0.6, -0.5),
    "gas": (-3.4, -2.6),
    "power": (4.6, -3.4),
    "telecom": (-4.4, 3.5),
}
PIECE_M = 220.0
#: Streets whose middle is nearer to a border than this have no pipes: they would lie on both its sides.
BORDER_M = 25.0
#: No network is moved farther from its street than this.
NEAR_M = 8.0


@dataclass(frozen=True)
class Pipes:
    """Pipe pieces: line, kind, start and end node (number within `nodes`), street label, in the old districts or not.

    `cast_iron`: still of cast iron; `renewed`: the year its cast iron was replaced, 0 where it never was.
    """

    line: Shapes
    kind: NDArray[np.str_]
    start: Ints
    end: Ints
    label: Ints
    inside: Bools
    cast_iron: Bools
    renewed: Ints
    node_xy: Floats
    node_kind: NDArray[np.str_]
    node_degree: Ints
    node_label: Ints


@dataclass(frozen=True)
class _Runs:
    """Street pieces that may carry pipes."""

    a: Ints
    b: Ints
    chain: Ints
    label: Ints
    xy: Floats
    inside: Bools
    built: Bools
    crossing: Ints


def lay(
    net: Net,
    edges: Edges,
    usable: Bools,
    city: shapely.Geometry,
    old: shapely.Geometry,
    built: shapely.Geometry,
    parameters: Parameters,
) -> Pipes:
    """Choose for every kind of pipe its streets: first outside the old districts, then inside, up to the figure."""
    runs = _runs(net, edges, usable, city, old, built)
    order = _chain_order(runs, parameters)
    rows: list[Ints] = []
    kinds: list[str] = []
    for kind, offset in OFFSET.items():
        asked_inside, asked_outside = parameters["pipes"]["metres"][kind]
        whole, within = _lengths(runs, offset, old)
        outside = _chosen(runs.built & ~runs.inside, whole, asked_outside, order)
        spill = float(within[outside].sum())
        chosen = np.concatenate([outside, _chosen(runs.inside, within, asked_inside - spill, order)])
        rows.append(chosen)
        kinds += [kind] * len(chosen)
    return _draw(runs, np.concatenate(rows), np.array(kinds), parameters)


def _runs(
    net: Net,
    edges: Edges,
    usable: Bools,
    city: shapely.Geometry,
    old: shapely.Geometry,
    built: shapely.Geometry,
) -> _Runs:
    """Street edges cut into pieces of at most 220 m, without those along the border of old districts or city."""
    xy = net.xy()
    edges_a, edges_b = edges.a[usable], edges.b[usable]
    length = np.linalg.norm(xy[edges_b] - xy[edges_a], axis=1)
    count = np.maximum(1, np.ceil(length / PIECE_M)).astype(int)
    row = np.repeat(np.arange(len(count)), count)
    turn = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    first, last = turn == 0, turn == count[row] - 1
    inner = np.flatnonzero(~last)
    share = ((turn[inner] + 1) / count[row[inner]])[:, None]
    step = xy[edges_a[row[inner]]] * (1 - share) + xy[edges_b[row[inner]]] * share
    extra = len(xy) + np.arange(len(inner))
    a, b = edges_a[row].copy(), edges_b[row].copy()
    b[inner] = extra
    a[np.flatnonzero(~first)] = extra
    points = np.concatenate([xy, np.round(step, 3)])
    lines = segments(points[a], points[b])
    rim = shapely.union(shapely.boundary(old), shapely.boundary(city))
    middle = (points[a] + points[b]) / 2
    near = np.unique(shapely.STRtree(lines).query(rim, predicate="dwithin", distance=NEAR_M))
    keep = np.ones(len(a), bool)
    keep[near] = shapely.distance(shapely.points(middle[near]), rim) > BORDER_M
    chain, label = edges.chain[usable][row], edges.label[usable][row]
    shapely.prepare([old, built])
    inside, in_built = (shapely.contains_xy(area, middle[keep, 0], middle[keep, 1]) for area in (old, built))
    crossing = np.searchsorted(np.flatnonzero(keep), near[keep[near]])
    return _Runs(a[keep], b[keep], chain[keep], label[keep], points, inside, in_built, crossing)


def _chain_order(runs: _Runs, parameters: Parameters) -> NDArray[np.float64]:
    """A random rank of every piece's street: pieces of one street follow each other."""
    rank = parameters.rng("pipes").random(int(runs.chain.max()) + 1)
    return np.asarray(rank[runs.chain])


def _lengths(runs: _Runs, offset: tuple[float, float], old: shapely.Geometry) -> tuple[Floats, Floats]:
    """Length of every piece moved by `offset`, and of its part inside the old districts."""
    xy = runs.xy + offset
    whole = np.linalg.norm(xy[runs.b] - xy[runs.a], axis=1)
    lines = segments(xy[runs.a], xy[runs.b])
    within = np.where(runs.inside, whole, 0.0)
    within[runs.crossing] = shapely.length(shapely.intersection(lines[runs.crossing], old))
    return whole, within


def _chosen(candidates: Bools, length: Floats, target: float, rank: Floats) -> Ints:
    rows = np.flatnonzero(candidates & (length > 0))
    return rows[fit(length[rows], target, np.argsort(rank[rows], kind="stable"))]


def _draw(runs: _Runs, rows: Ints, kind: NDArray[np.str_], parameters: Parameters) -> Pipes:
    """Lines and nodes of the chosen pieces; nodes of one kind at one street node are one."""
    number = {name: k for k, name in enumerate(OFFSET)}
    kind_number = np.array([number[name] for name in kind])
    key = np.concatenate([runs.a[rows], runs.b[rows]]) * len(number) + np.tile(kind_number, 2)
    unique, first, index, degree = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    offset = np.array(list(OFFSET.values()))
    node_xy = np.round(runs.xy[unique // len(number)] + offset[unique % len(number)], 3)
    start, end = index[: len(rows)], index[len(rows) :]
    line = segments(node_xy[start], node_xy[end])
    cast_iron, renewed = _cast_iron(shapely.length(line), kind, runs, rows, parameters)
    return Pipes(
        line,
        kind,
        start,
        end,
        runs.label[rows],
        runs.inside[rows],
        cast_iron,
        renewed,
        node_xy,
        np.array(list(OFFSET))[unique % len(number)],
        degree,
        np.tile(runs.label[rows], 2)[first],
    )


def _cast_iron(
    length: Floats, kind: NDArray[np.str_], runs: _Runs, rows: Ints, parameters: Parameters
) -> tuple[Bools, Ints]:
    """The ledger of old gas mains: what is left, what was replaced in the year, what was replaced before."""
    random, asked = parameters.rng("cast iron"), parameters["pipes"]["cast_iron_m"]
    gas = np.flatnonzero(kind == "gas")
    rank = random.random(int(runs.chain.max()) + 1)[runs.chain[rows[gas]]] + np.where(
        runs.inside[rows[gas]], 0, 0.8
    )
    order = np.argsort(rank, kind="stable")
    left = fit(length[gas], asked["left"], order)
    renewed = np.zeros(len(length), np.int64)
    rest = gas[~left]
    order = np.argsort(rank[~left], kind="stable")
    this_year = fit(length[rest], asked["replaced_in_year"], order)
    renewed[rest[this_year]] = parameters.as_of.year
    rest, order = rest[~this_year], np.argsort(rank[~left][~this_year], kind="stable")
    before = rest[fit(length[rest], asked["replaced_before"], order)]
    renewed[before] = random.integers(2012, parameters.as_of.year, len(before))
    cast_iron = np.zeros(len(length), bool)
    cast_iron[gas[left]] = True
    return cast_iron, renewed
