"""Streets inside the superblocks, and the plots between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.sample.draw import Floats, Ints
from app.sample.lattice import Lattice
from app.sample.names import make_names
from app.sample.parameters import Parameters
from app.sample.streets import BLOCK_M, CORE, DENSE, RURAL, Names, Street, StreetPlan

MERGED = {DENSE: 0.10, CORE: 0.14}
PARK_STYLES = ("half", "quarter")


@dataclass(frozen=True)
class Inner:
    """The crossings inside one superblock: local places s, t and nodes, each (rows + 2, columns + 2), and its chains.

    `across[j]` and `up[i]` are chains by line number, the outer lines included.
    """

    block: int
    s: Floats
    t: Floats
    nodes: Ints
    across: list[int]
    up: list[int]


def fill(plan: StreetPlan, lattice: Lattice, styles: list[str], parameters: Parameters) -> None:
    """Draw the streets and plots of every superblock; `styles`: plain, whole, half or quarter of it one plot."""
    random = parameters.rng("superblocks")
    names = iter(make_names(parameters.rng("street names")) * 4)
    for k in np.flatnonzero(plan.zone >= RURAL):
        counts = _counts(plan, lattice, int(k), styles[k], parameters, random)
        inner = _inner(plan, lattice, int(k), counts, random, names)
        _plots(plan, inner, styles[k], random)


def _counts(
    plan: StreetPlan,
    lattice: Lattice,
    k: int,
    style: str,
    parameters: Parameters,
    random: np.random.Generator,
) -> tuple[int, int]:
    """How many streets run up and across inside superblock k."""
    zone = int(plan.zone[k])
    u0, v0, u1, v1 = lattice.rectangle(k)
    if style == "whole":
        return 0, 0
    if zone == RURAL:
        return (1, 1) if random.random() < 0.55 else (0, 0)
    size = BLOCK_M[zone] * parameters["block_scale"] * random.uniform(0.85, 1.2)
    up, across = (int(np.clip(round(width / size) - 1, 0, 6)) for width in (u1 - u0, v1 - v0))
    least = 1 if style in PARK_STYLES else 0
    return max(up, least), max(across, least)


def _inner(
    plan: StreetPlan,
    lattice: Lattice,
    k: int,
    counts: tuple[int, int],
    random: np.random.Generator,
    names: Names,
) -> Inner:
    """Slanting lines through the superblock, crossing each other and ending on the arterials round it."""
    up, across = counts
    a, b = _slant(up, random), _slant(up, random)
    c, d = _slant(across, random), _slant(across, random)
    lean, tilt = (b - a)[None, :], (d - c)[:, None]
    s = (a[None, :] + lean * c[:, None]) / (1 - lean * tilt)
    t = c[:, None] + tilt * s
    u0, v0, u1, v1 = lattice.rectangle(k)
    nodes = np.full(s.shape, -1)
    row, column = divmod(k, lattice.columns)
    nodes[:: across + 1, :: up + 1] = plan.lattice_nodes[row : row + 2, column : column + 2]
    new = nodes < 0
    nodes[new] = plan.net.nodes_uv(np.stack([u0 + (u1 - u0) * s[new], v0 + (v1 - v0) * t[new]], axis=-1))
    return _chains(plan, lattice, k, s, t, nodes, names)


def _slant(count: int, random: np.random.Generator) -> Floats:
    """Where `count` lines meet one side (0-1, ends included): even, but for a little chance."""
    even = np.arange(count + 2) / (count + 1)
    even[1:-1] += random.uniform(-0.13, 0.13, count) / (count + 1)
    return even


def _chains(
    plan: StreetPlan, lattice: Lattice, k: int, s: Floats, t: Floats, nodes: Ints, names: Names
) -> Inner:
    row, column = divmod(k, lattice.columns)
    u0, v0, u1, v1 = lattice.rectangle(k)
    wide, tall = u1 - u0, v1 - v0
    across = [int(plan.horizontal[row, column])] * s.shape[0]
    across[-1] = int(plan.horizontal[row + 1, column])
    up = [int(plan.vertical[row, column])] * s.shape[1]
    up[-1] = int(plan.vertical[row, column + 1])
    for j in range(1, s.shape[0] - 1):
        label = plan.label(_local(plan, k, j, s.shape[0], names, ("街", "Street")))
        ends = (u0, v0 + tall * t[j, 0], u1, v0 + tall * t[j, -1])
        across[j] = plan.net.chain(*ends, label)
        plan.net.stop(across[j], s[j], nodes[j])
    for i in range(1, s.shape[1] - 1):
        label = plan.label(_local(plan, k, i, s.shape[1], names, ("巷", "Lane")))
        ends = (u0 + wide * s[0, i], v0, u0 + wide * s[-1, i], v1)
        up[i] = plan.net.chain(*ends, label)
        plan.net.stop(up[i], t[:, i], nodes[:, i])
    for j in (0, -1):
        plan.net.stop(across[j], s[j, 1:-1], nodes[j, 1:-1])
    for i in (0, -1):
        plan.net.stop(up[i], t[1:-1, i], nodes[1:-1, i])
    return Inner(k, s, t, nodes, across, up)


def _local(plan: StreetPlan, k: int, line: int, lines: int, names: Names, word: tuple[str, str]) -> Street:
    """The street of one inner line: the middle one is a local distributor, the others residential."""
    name = next(names)
    zone = int(plan.zone[k])
    middle = zone != RURAL and lines >= 4 and line == lines // 2
    kind = "tertiary" if middle else "residential"
    if zone == DENSE and not middle and line % 2:
        kind = "living_street"
    ending = ("路", "Road") if middle else word
    return Street(kind, name.zh + ending[0], f"{name.en} {ending[1]}")


def _plots(plan: StreetPlan, inner: Inner, style: str, random: np.random.Generator) -> None:
    rows, columns = inner.s.shape[0] - 1, inner.s.shape[1] - 1
    taken = np.zeros((rows, columns), bool)
    if style == "whole" or (rows, columns) == (1, 1):
        _plot(plan, inner, (0, columns, 0, rows), style)
        return
    if style in PARK_STYLES:
        box = _park_box(rows, columns, style, random)
        taken[box[2] : box[3], box[0] : box[1]] = True
        _plot(plan, inner, box, style)
    share = MERGED.get(int(plan.zone[inner.block]), 0.0)
    for j in range(rows):
        for i in range(columns):
            if taken[j, i]:
                continue
            wide = i + 1 < columns and not taken[j, i + 1] and random.random() < share
            taken[j, i : i + 1 + wide] = True
            _plot(plan, inner, (i, i + 1 + wide, j, j + 1), "plain")


def _park_box(rows: int, columns: int, style: str, random: np.random.Generator) -> tuple[int, int, int, int]:
    """The part of the superblock that becomes one park: half of it, or a quarter in one corner."""
    half_c, half_r = max(1, columns // 2), max(1, rows // 2)
    east, north = random.random(2) < 0.5
    i = (columns - half_c, columns) if east else (0, half_c)
    j = (rows - half_r, rows) if north else (0, half_r)
    if style == "quarter":
        return (*i, *j)
    return (*i, 0, rows) if columns >= 2 else (0, columns, *j)


def _plot(plan: StreetPlan, inner: Inner, box: tuple[int, int, int, int], style: str) -> None:
    """Add the plot between inner lines i0-i1 (up) and j0-j1 (across), and take away the streets inside it."""
    i0, i1, j0, j1 = box
    s, t, nodes, plots = inner.s, inner.t, inner.nodes, plan.plots
    plots.block.append(inner.block)
    plots.style.append(style)
    plots.nodes.append([int(nodes[j, i]) for j, i in ((j0, i0), (j0, i1), (j1, i1), (j1, i0))])
    plots.chains.append([inner.across[j0], inner.up[i1], inner.across[j1], inner.up[i0]])
    plots.stretch.append(
        [(s[j0, i0], s[j0, i1]), (t[j0, i1], t[j1, i1]), (s[j1, i1], s[j1, i0]), (t[j1, i0], t[j0, i0])]
    )
    for i in range(i0 + 1, i1):
        plan.net.remove(inner.up[i], t[j0, i], t[j1, i])
    for j in range(j0 + 1, j1):
        plan.net.remove(inner.across[j], s[j, i0], s[j, i1])
