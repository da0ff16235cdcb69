"""How far along streets: one search from all facilities at once, then distances for any number of places.

Walks count door to door: from the point to its street, along streets, from the street to the entrance, all in metres.
What is not reached is inf.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from app.network.model import Floats, Ints, Positions, WalkNetwork
from app.network.waves import search_waves


@dataclass(frozen=True, slots=True)
class Reach:
    """What a search found.

    Attributes:
        network: the network searched.
        sources: (s,) places searched from, as given.
        cost_m: (s,) metres from each source's door to its street.
        limit_m: metres beyond which nothing was searched.
        node_distance_m: (n+p,) metres from the nearest door to each node and private copy, inf if not reached.
        node_source: (n+p,) index of that source, -1 if not reached; None where it was not asked for.
    """

    network: WalkNetwork
    sources: Positions
    cost_m: Floats
    limit_m: float
    node_distance_m: Floats
    node_source: Ints | None


def search(
    network: WalkNetwork,
    sources: Positions,
    limit_m: float = np.inf,
    extra_m: Floats | None = None,
    with_source: bool = False,
) -> Reach:
    """Metres from the nearest of all sources to every node, within `limit_m`, in one multi-source search.

    `sources` (s,) places on public streets (those without a street are passed over); `extra_m` (s,) metres between
    the street's side of an entrance and the facility; `with_source` also tells which source is nearest. Within a limit
    the search costs what it reaches; without one it is scipy's Dijkstra.
    """
    cost = sources.snap_m if extra_m is None else sources.snap_m + extra_m
    used = np.flatnonzero(sources.found & (cost <= limit_m))
    size = network.matrix.shape[0]
    if not len(used):
        nothing = np.full(size, -1, dtype=np.int64) if with_source else None
        return Reach(network, sources, cost, limit_m, np.full(size, np.inf), nothing)
    if np.isfinite(limit_m):
        ends, metres = _both_ends(network, sources.take(used), cost[used])
        owner = np.repeat(used, 2) if with_source else None
        return Reach(
            network, sources, cost, limit_m, *search_waves(network.matrix, ends, metres, owner, limit_m)
        )
    graph = _with_sources(network, sources.take(used), cost[used])
    rows = np.arange(size, size + len(used))
    if not with_source:
        distance = dijkstra(graph, indices=rows, min_only=True, limit=limit_m)
        return Reach(network, sources, cost, limit_m, distance[:size], None)
    distance, _, origin = dijkstra(
        graph, indices=rows, min_only=True, limit=limit_m, return_predecessors=True
    )
    nearest = np.where(origin[:size] >= 0, used[np.clip(origin[:size] - size, 0, None)], -1)
    return Reach(network, sources, cost, limit_m, distance[:size], nearest)


def distance_at(reach: Reach, positions: Positions) -> Floats:
    """(k,) metres door to door from each place to the nearest source, inf beyond the search's limit.

    The shorter of the ways over both ends of the place's edge and, where a source lies on the same edge, the way
    straight along it. A walk from a private street may use its private layer.
    """
    return _best(reach, positions)[0]


def nearest_at(reach: Reach, positions: Positions) -> tuple[Floats, Ints]:
    """As `distance_at`, and (k,) the nearest source as of `source_at`."""
    return _best(reach, positions)


def source_at(reach: Reach, positions: Positions) -> Ints:
    """(k,) index of the source nearest to each place, -1 where none is reached (search `with_source`)."""
    return _best(reach, positions)[1]


def _both_ends(network: WalkNetwork, sources: Positions, cost_m: Floats) -> tuple[Ints, Floats]:
    """(2k,) the end nodes of each source's edge and (2k,) metres from its door to there."""
    ends = np.stack((network.edge_from[sources.edge], network.edge_to[sources.edge]), axis=1)
    rest = network.edge_length_m[sources.edge] - sources.offset_m
    steps = cost_m[:, None] + np.stack((sources.offset_m, np.maximum(rest, 0)), axis=1)
    return ends.ravel(), steps.ravel()


def _with_sources(network: WalkNetwork, sources: Positions, cost_m: Floats) -> sparse.csr_array:
    """The matrix with a row for each source: one step to either end of its edge."""
    matrix = network.matrix
    size, count = matrix.shape[0], len(sources)
    ends, steps = _both_ends(network, sources, cost_m)
    pointer = matrix.indptr[-1] + 2 * np.arange(1, count + 1, dtype=matrix.indptr.dtype)
    parts = (
        np.concatenate((matrix.data, steps)),
        np.concatenate((matrix.indices, ends.astype(matrix.indices.dtype))),
        np.concatenate((matrix.indptr, pointer)),
    )
    return sparse.csr_array(parts, shape=(size + count, size + count))


def _best(reach: Reach, positions: Positions) -> tuple[Floats, Ints]:
    """(k,) distance and (k,) source, -1 where none is reached or the search kept no sources."""
    distance = np.full(len(positions), np.inf)
    source = np.full(len(positions), -1, dtype=np.int64)
    found = np.flatnonzero(positions.found)
    if len(found):
        here = positions.take(found)
        ways = [_over_end(reach, here, forward) for forward in (False, True)]
        ways.append(_along_edge(reach, here))
        lengths = np.stack([length for length, _ in ways])
        best = lengths.argmin(axis=0)
        column = np.arange(len(found))
        distance[found] = lengths[best, column] + here.snap_m
        source[found] = np.stack([origin for _, origin in ways])[best, column]
    beyond = ~(distance <= reach.limit_m)
    distance[beyond], source[beyond] = np.inf, -1
    return distance, source


def _over_end(reach: Reach, here: Positions, forward: bool) -> tuple[Floats, Ints]:
    """The way over the last (`forward`) or first node of the edge: (k,) metres from the place on, (k,) source."""
    network = reach.network
    node = (network.edge_to if forward else network.edge_from)[here.edge]
    step = network.edge_length_m[here.edge] - here.offset_m if forward else here.offset_m
    copy = np.where(network.edge_private[here.edge], network.private_node[node], node)
    by_copy = reach.node_distance_m[copy] < reach.node_distance_m[node]
    node = np.where(by_copy, copy, node)
    nearest = np.full(len(node), -1) if reach.node_source is None else reach.node_source[node]
    return reach.node_distance_m[node] + np.maximum(step, 0), nearest


def _along_edge(reach: Reach, here: Positions) -> tuple[Floats, Ints]:
    """The way along the place's own edge to a source on it: (k,) metres, inf where there is none, (k,) source."""
    source = np.flatnonzero(reach.sources.found & (reach.cost_m <= reach.limit_m))
    if len(here) == 1:
        source = source[reach.sources.edge[source] == here.edge[0]]
    source = source[np.argsort(reach.sources.edge[source], kind="stable")]
    edges = reach.sources.edge[source]
    first = np.searchsorted(edges, here.edge, side="left")
    count = np.searchsorted(edges, here.edge, side="right") - first
    length, nearest = np.full(len(here), np.inf), np.full(len(here), -1, dtype=np.int64)
    some = np.flatnonzero(count)
    if not len(some):
        return length, nearest
    begins = np.cumsum(count[some]) - count[some]
    place = np.repeat(some, count[some])
    pair = source[np.repeat(first[some] - begins, count[some]) + np.arange(len(place))]
    metres = reach.cost_m[pair] + np.abs(here.offset_m[place] - reach.sources.offset_m[pair])
    length[some] = np.minimum.reduceat(metres, begins)
    hit = np.flatnonzero(metres == length[place])[::-1]
    nearest[place[hit]] = pair[hit]
    return length, nearest
