"""The streets while they are drawn: nodes, chains (straight lines of the plan) with stops on them, and free links."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from app.sample.draw import Floats, Ints, to_mm
from app.sample.warp import Warp


@dataclass(frozen=True)
class Edges:
    """Street edges: end nodes `a`, `b`; the `chain` they lie on (−1: a free link) from `t0` to `t1`; street label."""

    a: Ints
    b: Ints
    chain: Ints
    t0: Floats
    t1: Floats
    label: Ints


@dataclass
class Net:
    """Nodes by number; every edge ends at nodes, so edges that meet share their coordinates exactly."""

    warp: Warp
    _xy: list[Floats] = field(default_factory=list)
    _count: int = 0
    _chains: list[tuple[float, float, float, float]] = field(default_factory=list)
    _labels: list[int] = field(default_factory=list)
    _stops: list[tuple[Ints, Floats, Ints]] = field(default_factory=list)
    _gone: list[tuple[int, float, float]] = field(default_factory=list)
    _links: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)

    def nodes_uv(self, uv: Floats) -> Ints:
        """New nodes at lattice points (n, 2)."""
        return self._add(self.warp(uv))

    def nodes_xy(self, xy: Floats) -> Ints:
        """New nodes at metric points (n, 2)."""
        return self._add(to_mm(xy))

    def _add(self, xy: Floats) -> Ints:
        self._xy.append(xy.reshape(-1, 2))
        first = self._count
        self._count += len(self._xy[-1])
        return np.arange(first, self._count)

    def xy(self) -> Floats:
        """Coordinates (nodes, 2) in metres."""
        if len(self._xy) > 1:
            self._xy = [np.concatenate(self._xy)]
        return self._xy[0] if self._xy else np.empty((0, 2))

    def chain(self, u0: float, v0: float, u1: float, v1: float, label: int) -> int:
        """A new chain along a straight line of the plan; `label` says what street it is."""
        self._chains.append((u0, v0, u1, v1))
        self._labels.append(label)
        return len(self._chains) - 1

    def stop(self, chain: int, at: Floats, nodes: Ints) -> None:
        """Put nodes on a chain at places 0-1 along it."""
        self._stops.append((np.full(len(nodes), chain), np.asarray(at, dtype=float), nodes))

    def split(self, chain: Ints, at: Floats) -> Ints:
        """New nodes (n,) on chains (n,) at places (n,) along them."""
        ends = np.asarray(self._chains)[chain]
        uv = ends[:, :2] + (ends[:, 2:] - ends[:, :2]) * at[:, None]
        nodes = self.nodes_uv(uv)
        self._stops.append((chain, at, nodes))
        return nodes

    def remove(self, chain: int, start: float, end: float) -> None:
        """No street on this stretch of a chain."""
        self._gone.append((chain, start, end))

    def link(self, a: Ints, b: Ints, label: int) -> None:
        """Free edges between nodes a and b."""
        self._links.append((a, b, np.full(len(a), label)))

    def along(self, chain: Ints, at: Floats) -> Floats:
        """Metric points (n, 2) on chains at places along them."""
        ends = np.asarray(self._chains)[chain]
        return self.warp(ends[:, :2] + (ends[:, 2:] - ends[:, :2]) * at[:, None])

    def labels(self) -> Ints:
        """The label of every chain."""
        return np.asarray(self._labels)

    def edges(self, with_links: bool = True) -> Edges:
        """All edges drawn so far, chains first."""
        chain, at, node = (np.concatenate(parts) for parts in zip(*self._stops, strict=True))
        order = np.lexsort((at, chain))
        chain, at, node = chain[order], at[order], node[order]
        # Two gates that face each other may stop a chain at one and the same point: no edge between those.
        apart = (self.xy()[node[1:]] != self.xy()[node[:-1]]).any(axis=1)
        keep = (chain[:-1] == chain[1:]) & apart & ~self._is_gone(chain, at)
        i = np.flatnonzero(keep)
        found = Edges(node[i], node[i + 1], chain[i], at[i], at[i + 1], self.labels()[chain[i]])
        return self._with_links(found) if with_links and self._links else found

    def _is_gone(self, chain: Ints, at: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        middle = (at[:-1] + at[1:]) / 2
        gone = np.zeros(len(middle), bool)
        if not self._gone:
            return gone
        by_chain: dict[int, list[tuple[float, float]]] = {}
        for number, start, end in self._gone:
            by_chain.setdefault(number, []).append((start, end))
        for number, stretches in by_chain.items():
            first, last = np.searchsorted(chain[:-1], [number, number + 1])
            for start, end in stretches:
                gone[first:last] |= (middle[first:last] > start) & (middle[first:last] < end)
        return gone

    def _with_links(self, found: Edges) -> Edges:
        a, b, label = (np.concatenate(parts) for parts in zip(*self._links, strict=True))
        none = np.full(len(a), -1)
        zero = np.zeros(len(a))
        return Edges(
            np.concatenate([found.a, a]),
            np.concatenate([found.b, b]),
            np.concatenate([found.chain, none]),
            np.concatenate([found.t0, zero]),
            np.concatenate([found.t1, zero]),
            np.concatenate([found.label, label]),
        )
