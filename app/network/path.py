"""The way walked from a place to its nearest facility: follows the distances of a finished search downhill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy import sparse
from shapely.ops import substring

from app.network.model import Floats, Ints, Positions, WalkNetwork
from app.network.reach import Reach, source_at

#: Sums of the same lengths in another order differ by less than this.
TOLERANCE_M = 1e-6
Line = list[tuple[float, float]]


@dataclass(frozen=True)
class WayFinder:
    """What following ways needs beside the network: the matrix read backwards, and edges by their two ends."""

    network: WalkNetwork
    inward: sparse.csr_array
    edge_key: Ints
    edge_order: Ints

    @classmethod
    def of(cls, network: WalkNetwork) -> WayFinder:
        """Prepare a network once."""
        low = np.minimum(network.edge_from, network.edge_to)
        key = low * network.nodes + np.maximum(network.edge_from, network.edge_to)
        order = np.argsort(key, kind="stable")
        return cls(network, sparse.csr_array(network.matrix.T), key[order], order)

    def way(
        self,
        reach: Reach,
        place: Positions,
        xy: tuple[float, float],
        doors: Floats,
        source: int | None = None,
    ) -> shapely.LineString | None:
        """The way from a point `xy` over its street (`place`, one position) to the nearest facility's door.

        `reach` was searched `with_source`; `doors` (s, 2) is where each source's entrance is; `source` is the nearest
        one, where it is known. None if unreached.
        """
        source = int(source_at(reach, place)[0]) if source is None else source
        if source < 0:
            return None
        line: Line = [xy, *self._along_street(reach, place, source)]
        line.append((float(doors[source][0]), float(doors[source][1])))
        return shapely.LineString(line)

    def _along_street(self, reach: Reach, place: Positions, source: int) -> Line:
        edge, offset = int(place.edge[0]), float(place.offset_m[0])
        # Two facilities may be equally near: every step keeps to the one that is named.
        ways = [(self._end_m(reach, edge, offset, node, source), node) for node in self._ends(edge)]
        best_m, node = min(ways)
        if int(reach.sources.edge[source]) == edge:
            direct_m = float(reach.cost_m[source]) + abs(offset - float(reach.sources.offset_m[source]))
            if direct_m <= best_m + TOLERANCE_M:
                return self._piece(edge, offset, float(reach.sources.offset_m[source]))
        line = self._piece(edge, offset, self._offset_of(edge, node))
        return line + self._downhill(reach, node, source)

    def _ends(self, edge: int) -> list[int]:
        """Rows of the matrix at both ends of an edge: private copies too for a private edge."""
        network = self.network
        nodes = [int(network.edge_from[edge]), int(network.edge_to[edge])]
        if network.edge_private[edge]:
            nodes += [int(network.private_node[node]) for node in nodes]
        return nodes

    def _end_m(self, reach: Reach, edge: int, offset: float, node: int, source: int) -> float:
        if reach.node_source is None or int(reach.node_source[node]) != source:
            return float("inf")
        return float(reach.node_distance_m[node]) + abs(self._offset_of(edge, node) - offset)

    def _offset_of(self, edge: int, node: int) -> float:
        network = self.network
        first = int(network.edge_from[edge])
        at_start = node in (first, int(network.private_node[first]))
        return 0.0 if at_start else float(network.edge_length_m[edge])

    def _downhill(self, reach: Reach, node: int, source: int) -> Line:
        line: Line = []
        while (step := self._nearer(reach, node, source)) is not None:
            line += self._edge_line(node, *step)
            node = step[0]
        edge, end = int(reach.sources.edge[source]), float(reach.sources.offset_m[source])
        return line + self._piece(edge, self._offset_of(edge, node), end)

    def _nearer(self, reach: Reach, node: int, source: int) -> tuple[int, float] | None:
        """The neighbour on the shortest way and the step to it; None where the source's own street begins."""
        inward = self.inward
        here = slice(inward.indptr[node], inward.indptr[node + 1])
        if here.start == here.stop:
            return None
        total = reach.node_distance_m[inward.indices[here]] + inward.data[here]
        if reach.node_source is not None:
            total = np.where(reach.node_source[inward.indices[here]] == source, total, np.inf)
        best = int(total.argmin())
        if total[best] > reach.node_distance_m[node] + TOLERANCE_M:
            return None
        return int(inward.indices[here][best]), float(inward.data[here][best])

    def _edge_line(self, node: int, nearer: int, step_m: float) -> Line:
        a, b = self._base(node), self._base(nearer)
        key = min(a, b) * self.network.nodes + max(a, b)
        low, high = np.searchsorted(self.edge_key, [key, key + 1])
        edges = self.edge_order[low:high]
        edge = int(edges[np.abs(self.network.edge_length_m[edges] - step_m).argmin()])
        length = float(self.network.edge_length_m[edge])
        forward = int(self.network.edge_from[edge]) == a
        return self._piece(edge, 0.0, length) if forward else self._piece(edge, length, 0.0)

    def _base(self, row: int) -> int:
        if row < self.network.nodes:
            return row
        return int(np.flatnonzero(self.network.private_node == row)[0])

    def _piece(self, edge: int, start_m: float, end_m: float) -> Line:
        whole, length_m = self.network.edge_geometry[edge], float(self.network.edge_length_m[edge])
        if {start_m, end_m} == {0.0, length_m}:
            xy = shapely.get_coordinates(whole)
            return [(x, y) for x, y in (xy if start_m == 0.0 else xy[::-1]).tolist()]
        part = substring(whole, start_m, end_m)
        return [(float(x), float(y)) for x, y in part.coords]
