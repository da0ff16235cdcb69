"""A finished search with a few sources taken away or added: only the streets that they concern are searched again."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from app.network.model import Bools, Floats, Ints, Positions, WalkNetwork
from app.network.reach import Reach, search


def without(reach: Reach, gone: Bools) -> Reach:
    """The search as if the sources `gone` (s,) had not been there; the others keep their order.

    `reach` was searched `with_source`, without a limit. Only nodes whose nearest source is gone are searched again,
    from the nodes around them and from the sources among them.
    """
    assert reach.node_source is not None
    source = reach.node_source
    lost = np.flatnonzero((source >= 0) & gone[source])
    distance, origin = reach.node_distance_m.copy(), source.copy()
    distance[lost], origin[lost] = np.inf, -1
    if len(lost):
        distance[lost], origin[lost] = _again(reach, lost, ~gone)
    number = np.where(gone, -1, np.cumsum(~gone) - 1)
    origin = np.where(origin >= 0, number[origin], -1)
    kept = np.flatnonzero(~gone)
    return Reach(reach.network, reach.sources.take(kept), reach.cost_m[kept], reach.limit_m, distance, origin)


def with_more(reach: Reach, sources: Positions, extra_m: Floats, limit_m: float) -> Reach:
    """The search with more `sources` (t,), numbered after the others; nothing beyond `limit_m` metres of them changes.

    `extra_m` (t,) metres between the street's side of an entrance and the facility.
    """
    assert reach.node_source is not None
    near = search(reach.network, sources, limit_m, extra_m, with_source=True)
    assert near.node_source is not None
    better = near.node_distance_m < reach.node_distance_m
    return Reach(
        reach.network,
        join_positions(reach.sources, sources),
        np.concatenate((reach.cost_m, near.cost_m)),
        reach.limit_m,
        np.where(better, near.node_distance_m, reach.node_distance_m),
        np.where(better, near.node_source + len(reach.sources), reach.node_source),
    )


def join_positions(first: Positions, second: Positions) -> Positions:
    """The positions of both, one after the other."""
    return Positions(
        np.concatenate((first.edge, second.edge)),
        np.concatenate((first.offset_m, second.offset_m)),
        np.concatenate((first.snap_m, second.snap_m)),
    )


def _again(reach: Reach, lost: Ints, kept: Bools) -> tuple[Floats, Ints]:
    """(k,) metres and (k,) nearest kept source of the nodes `lost` (k,), which only lost ones had served."""
    assert reach.node_source is not None
    count = len(lost)
    local = np.full(len(reach.node_distance_m), -1, dtype=np.int64)
    local[lost] = np.arange(count)
    node, before, step = _entries(reach.network, lost)
    inner = local[before] >= 0
    beside_m = reach.node_distance_m[before[~inner]] + step[~inner]
    own_node, own_m, own_source = _own_sources(reach, local, kept)
    seed = np.concatenate((node[~inner], own_node))
    metres = np.concatenate((beside_m, own_m))
    source = np.concatenate((reach.node_source[before[~inner]], own_source))
    order = np.lexsort((metres, seed))
    seed, at = np.unique(seed[order], return_index=True)
    best = order[at]
    reached = np.isfinite(metres[best])
    seed, best = seed[reached], best[reached]
    rows = np.concatenate((local[before[inner]], count + np.arange(len(seed))))
    columns = np.concatenate((node[inner], seed))
    weights = np.concatenate((step[inner], metres[best]))
    return _spread(rows, columns, weights, count, source[best])


def _entries(network: WalkNetwork, nodes: Ints) -> tuple[Ints, Ints, Floats]:
    """The steps into nodes (k,): (w,) which of them, (w,) the node before it and (w,) metres.

    Public streets are walked both ways. A private copy is entered from the copies beside it and from their own nodes.
    """
    out = network.matrix[nodes].tocoo()
    node, beside, step = out.row.astype(np.int64), out.col.astype(np.int64), out.data
    copied = beside >= network.nodes
    private = nodes[node] >= network.nodes
    public = ~private & ~copied
    own = np.flatnonzero(network.private_node >= 0)[beside[private] - network.nodes]
    return (
        np.concatenate((node[public], node[private], node[private])),
        np.concatenate((beside[public], beside[private], own)),
        np.concatenate((step[public], step[private], step[private])),
    )


def _own_sources(reach: Reach, local: Ints, kept: Bools) -> tuple[Ints, Floats, Ints]:
    """Kept sources on streets that touch lost nodes: (q,) the node's number, (q,) metres to it, (q,) the source."""
    network = reach.network
    source = np.flatnonzero(kept & reach.sources.found)
    edge, offset = reach.sources.edge[source], reach.sources.offset_m[source]
    rest = np.maximum(network.edge_length_m[edge] - offset, 0)
    node = local[np.concatenate((network.edge_from[edge], network.edge_to[edge]))]
    metres = np.concatenate((reach.cost_m[source] + offset, reach.cost_m[source] + rest))
    inside = node >= 0
    return node[inside], metres[inside], np.concatenate((source, source))[inside]


def _spread(rows: Ints, columns: Ints, weights: Floats, count: int, seed_source: Ints) -> tuple[Floats, Ints]:
    """Metres (k,) and source (k,) of the lost nodes by a search that starts at a row of its own for each seed."""
    nowhere = np.full(count, np.inf), np.full(count, -1, dtype=np.int64)
    if not len(seed_source):
        return nowhere
    size = count + len(seed_source)
    graph = sparse.coo_array((weights, (rows, columns)), shape=(size, size)).tocsr()
    starts = np.arange(count, size)
    distance, _, origin = dijkstra(graph, indices=starts, min_only=True, return_predecessors=True)
    found = origin[:count] >= count
    source = np.where(found, seed_source[np.clip(origin[:count] - count, 0, None)], -1)
    return distance[:count], source
