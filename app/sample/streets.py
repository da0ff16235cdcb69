"""The street plan: what a street is, the arterials on the lattice, bridges over and tunnels under the river."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from app.sample.divisions import Divisions
from app.sample.draw import Ints
from app.sample.lattice import Lattice
from app.sample.names import Name, make_names
from app.sample.net import Net
from app.sample.parameters import Parameters

Names: TypeAlias = Iterator[Name]

#: kind → (carriageway width m, lanes, half width of the whole street m)
PROFILE: dict[str, tuple[float, int, float]] = {
    "expressway": (28.0, 8, 30.0),
    "trunk": (24.0, 6, 27.0),
    "primary": (21.0, 6, 24.0),
    "secondary": (15.0, 4, 19.0),
    "tertiary": (10.0, 2, 13.0),
    "residential": (7.0, 2, 9.0),
    "living_street": (5.0, 1, 7.0),
    "service": (5.0, 1, 4.0),
    "pedestrian": (8.0, 0, 8.0),
    "footway": (2.5, 0, 3.0),
}
OUTSIDE, RIVER, CANAL, RURAL, DENSE, CORE, NEW, INDUSTRY = range(8)
#: zone → width of a block in metres
BLOCK_M = {DENSE: 165.0, CORE: 215.0, NEW: 300.0, INDUSTRY: 370.0}


@dataclass(frozen=True, slots=True)
class Street:
    """What a chain of street edges is: OSM-like kind, name, who may walk, and whether it is a bridge or a tunnel."""

    kind: str
    zh: str | None = None
    en: str | None = None
    walk: str = "public"
    layer: int = 0
    bridge: bool = False
    tunnel: bool = False

    @property
    def half_m(self) -> float:
        """Half the width of the whole street, from its middle to the plots."""
        return PROFILE[self.kind][2]


@dataclass
class Plots:
    """Plots between streets, one row each, filled superblock by superblock; sides run S, E, N, W."""

    block: list[int] = field(default_factory=list)
    nodes: list[list[int]] = field(default_factory=list)
    chains: list[list[int]] = field(default_factory=list)
    stretch: list[list[tuple[float, float]]] = field(default_factory=list)
    style: list[str] = field(default_factory=list)


@dataclass
class StreetPlan:
    """Net, what its labels mean, and the plots it leaves. `lattice_nodes` (rows + 1, columns + 1) are the crossings."""

    net: Net
    streets: list[Street]
    plots: Plots
    zone: Ints
    lattice_nodes: Ints
    horizontal: Ints
    vertical: Ints
    _numbers: dict[Street, int] = field(default_factory=dict)

    def label(self, street: Street) -> int:
        """The number of a street in `streets`, added where it is new."""
        if street not in self._numbers:
            self._numbers[street] = len(self.streets)
            self.streets.append(street)
        return self._numbers[street]


def plan_arterials(lattice: Lattice, divisions: Divisions, parameters: Parameters) -> StreetPlan:
    """The plan with its arterials, bridges and tunnels; superblocks are filled by `superblocks.fill`."""
    net = Net(lattice.warp)
    uv = np.stack(np.meshgrid(lattice.u, lattice.v), axis=-1)
    nodes = net.nodes_uv(uv.reshape(-1, 2)).reshape(uv.shape[:2])
    none = np.full((lattice.rows + 1, lattice.columns + 1), -1)
    zone = _zones(lattice, divisions, parameters)
    plan = StreetPlan(net, [], Plots(), zone, nodes, none[:, :-1].copy(), none[:-1].copy())
    names = iter(make_names(parameters.rng("arterial names")))
    padded = np.pad(zone.reshape(lattice.rows, lattice.columns), 1)
    _rows(plan, lattice, parameters, names, padded)
    _columns(plan, lattice, parameters, names, padded)
    _crossings(plan, lattice, parameters)
    return plan


def _zones(lattice: Lattice, divisions: Divisions, parameters: Parameters) -> Ints:
    noise = parameters.rng("zones").random(len(lattice.inside))
    zone = np.where(divisions.built, np.where(divisions.old, CORE, NEW), RURAL)
    heart = np.asarray(parameters["old_districts"]["heart"], dtype=float) + lattice.warp.origin
    far = np.linalg.norm(lattice.centre - heart, axis=1)
    zone[(zone == CORE) & (far < parameters["old_districts"]["heart_m"])] = DENSE
    zone[(zone == NEW) & (noise < 0.2)] = INDUSTRY
    zone[(zone == CORE) & (noise < 0.06)] = INDUSTRY
    zone[lattice.canal] = CANAL
    zone[lattice.river] = RIVER
    return np.where(lattice.inside, zone, OUTSIDE)


def _rows(plan: StreetPlan, lattice: Lattice, parameters: Parameters, names: Names, zone: Ints) -> None:
    primary = set(parameters["roads"]["primary_rows"])
    for row in range(lattice.rows + 1):
        name = next(names)
        line = Street("primary" if row in primary else "secondary", name.zh + "路", f"{name.en} Road")
        for column in range(lattice.columns):
            ring = _ring(parameters, (row in r[2:4] and r[0] <= column < r[1] for r in parameters["rings"]))
            street = _street(ring or line, int(zone[row, column + 1]), int(zone[row + 1, column + 1]))
            plan.horizontal[row, column] = _edge(plan, lattice, street, (row, column), (row, column + 1))


def _columns(plan: StreetPlan, lattice: Lattice, parameters: Parameters, names: Names, zone: Ints) -> None:
    primary = set(parameters["roads"]["primary_columns"])
    for column in range(lattice.columns + 1):
        name = next(names)
        line = Street("primary" if column in primary else "secondary", name.zh + "大道", f"{name.en} Avenue")
        for row in range(lattice.rows):
            ring = _ring(parameters, (column in r[:2] and r[2] <= row < r[3] for r in parameters["rings"]))
            street = _street(ring or line, int(zone[row + 1, column]), int(zone[row + 1, column + 1]))
            plan.vertical[row, column] = _edge(plan, lattice, street, (row, column), (row + 1, column))


def _ring(parameters: Parameters, on_it: Iterator[bool]) -> Street | None:
    """The first ring road that an edge is on (`on_it`, in the order of the rings)."""
    for ring, found in zip(parameters["rings"], on_it, strict=True):
        if found:
            return Street(ring[4], ring[5], ring[6], "no" if ring[4] == "expressway" else "public")
    return None


def _street(line: Street, one: int, other: int) -> Street | None:
    """What a line of the lattice is between two superblocks of these zones: None where there is no street."""
    land = [zone for zone in (one, other) if zone >= RURAL]
    if not land and CANAL in (one, other) and OUTSIDE not in (one, other):
        return replace(line, layer=1, bridge=True)
    if not land:
        return None
    if line.kind == "secondary" and set(land) == {RURAL}:
        return replace(line, kind="tertiary")
    return line


def _edge(
    plan: StreetPlan, lattice: Lattice, street: Street | None, start: tuple[int, int], end: tuple[int, int]
) -> int:
    """A chain from crossing `start` to crossing `end` (row, column); −1 where there is no street."""
    if street is None:
        return -1
    u0, v0, u1, v1 = lattice.u[start[1]], lattice.v[start[0]], lattice.u[end[1]], lattice.v[end[0]]
    chain = plan.net.chain(u0, v0, u1, v1, plan.label(street))
    nodes = plan.lattice_nodes[[start[0], end[0]], [start[1], end[1]]]
    plan.net.stop(chain, np.array([0.0, 1.0]), nodes)
    return chain


def _crossings(plan: StreetPlan, lattice: Lattice, parameters: Parameters) -> None:
    """The named bridges and tunnels over and under the river: one chain from bank to bank for each river column."""
    columns = parameters["river"]["columns"]
    for row, entry in parameters["roads"]["crossings"].items():
        if plan.vertical[row, columns[0]] < 0 or plan.vertical[row, columns[-1] + 1] < 0:
            continue
        street = _crossing(plan, entry, int(plan.horizontal[row, columns[0] - 1]))
        for column in columns:
            plan.horizontal[row, column] = _edge(plan, lattice, street, (row, column), (row, column + 1))


def _crossing(plan: StreetPlan, entry: list[Any], road: int) -> Street:
    """The crossing that carries on the road that leads to it."""
    like = plan.streets[int(plan.net.labels()[road])]
    walk = "no" if entry[0] == "tunnel" else like.walk
    layer = -1 if entry[0] == "tunnel" else 1
    return replace(like, zh=entry[1], en=entry[2], walk=walk, layer=layer, bridge=layer > 0, tunnel=layer < 0)
