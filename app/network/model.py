"""The walking network as arrays: nodes, edges, their geometry and the matrix that a search runs on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class WalkNetwork:
    """Streets one may walk, in metres of one metric CRS; `n` nodes, `e` edges, `c` components, `p` private nodes.

    Attributes:
        node_xy: (n, 2) coordinates.
        edge_from, edge_to: (e,) node indices; the geometry runs from the first to the second.
        edge_length_m: (e,) length of the geometry.
        edge_private: (e,) may be walked only to leave an estate.
        edge_layer: (e,) layer of the source line.
        edge_line: (e,) index of the source line (for a joint across a gap, of the line that ends there).
        edge_geometry: (e,) LineStrings.
        component: (n,) number of the node's connected part of the network.
        component_length_m: (c,) metres of street in each part.
        private_node: (n,) row of the node's private copy in `matrix`, -1 where no private edge touches it.
        matrix: (n+p, n+p) directed weights in metres, as seen from the facility outwards: public edges join public
            nodes; private edges lead from a public node or a private copy to a private copy, never back.
    """

    node_xy: Floats
    edge_from: Ints
    edge_to: Ints
    edge_length_m: Floats
    edge_private: Bools
    edge_layer: Ints
    edge_line: Ints
    edge_geometry: Geometries
    component: Ints
    component_length_m: Floats
    private_node: Ints
    matrix: sparse.csr_array

    @property
    def nodes(self) -> int:
        """Number of nodes, private copies not counted."""
        return len(self.node_xy)

    @property
    def edges(self) -> int:
        """Number of edges, each walked both ways."""
        return len(self.edge_from)

    @property
    def length_m(self) -> float:
        """Metres of street in the network."""
        return float(self.edge_length_m.sum())


@dataclass(frozen=True, slots=True)
class Positions:
    """Places on the network: `k` points, each on an edge at an offset from its start.

    Attributes:
        edge: (k,) edge index, -1 where there is no street within the limit.
        offset_m: (k,) metres along the edge from its first node.
        snap_m: (k,) metres from the point to the edge, inf where there is none.
    """

    edge: Ints
    offset_m: Floats
    snap_m: Floats

    def __len__(self) -> int:
        return len(self.edge)

    @property
    def found(self) -> Bools:
        """(k,) whether the point has a street."""
        return self.edge >= 0

    def take(self, which: Bools | Ints) -> Positions:
        """The positions chosen by a mask or by indices."""
        return Positions(self.edge[which], self.offset_m[which], self.snap_m[which])


@dataclass(frozen=True, slots=True)
class EdgeTable:
    """Edges before they become a network: all columns (e,), geometry in the same order."""

    start: Ints
    end: Ints
    geometry: Geometries
    line: Ints
    layer: Ints
    private: Bools
