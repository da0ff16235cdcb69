"""What is odd about a network: islands, ends that nearly meet a street, crossings without a shared vertex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from app.network.matrix import components_of
from app.network.model import Bools, Floats, Ints, WalkNetwork
from app.network.snap import ARTEFACT_M

NEAR_M = 5.0


@dataclass(frozen=True, slots=True)
class Islands:
    """Parts of the network apart from its longest one: (k,) number, metres of street, nodes; (k, 2) one node each."""

    component: Ints
    length_m: Floats
    nodes: Ints
    xy: Floats


@dataclass(frozen=True, slots=True)
class NearMisses:
    """Dead ends close to a street they do not join: (k, 2) place, (k,) gap in metres, (k,) the other edge."""

    xy: Floats
    gap_m: Floats
    edge: Ints


@dataclass(frozen=True, slots=True)
class Crossings:
    """Edges that cross without a shared vertex: (k, 2) a place, (k,) both edges, (k,) whether their layer is one."""

    xy: Floats
    edge_a: Ints
    edge_b: Ints
    same_layer: Bools


def islands(network: WalkNetwork, below_m: float = np.inf) -> Islands:
    """The parts of the network apart from its longest one, shorter than `below_m` metres, longest first."""
    length = network.component_length_m
    order = np.argsort(-length, kind="stable")[1:]
    chosen = order[length[order] < below_m]
    some = np.zeros(len(length), dtype=np.int64)
    some[network.component] = np.arange(network.nodes)
    nodes = np.bincount(network.component, minlength=len(length))
    return Islands(chosen, length[chosen], nodes[chosen], network.node_xy[some[chosen]])


def enclosed_m(network: WalkNetwork) -> float:
    """Metres of public street that hang on the rest of their part by private streets only.

    Nobody reaches them, since a private street is never walked through: often the private tag stands on one gate
    road too many.
    """
    public = ~network.edge_private
    start, end = network.edge_from[public], network.edge_to[public]
    part, length = components_of(network.nodes, start, end, network.edge_length_m[public])
    whole = np.zeros(len(length), dtype=np.int64)
    whole[part] = network.component
    longest = np.zeros(len(network.component_length_m))
    np.maximum.at(longest, whole, length)
    return float(length.sum() - longest.sum())


def near_misses(network: WalkNetwork, within_m: float = NEAR_M) -> NearMisses:
    """Dead ends within `within_m` metres of an edge of the same layer that does not touch their own edge."""
    degree = np.bincount(np.concatenate((network.edge_from, network.edge_to)), minlength=network.nodes)
    own = np.flatnonzero((degree[network.edge_from] == 1) | (degree[network.edge_to] == 1))
    end = np.concatenate((network.edge_from[own], network.edge_to[own]))
    own = np.concatenate((own, own))[degree[end] == 1]
    end = end[degree[end] == 1]
    points = shapely.points(network.node_xy[end])
    dead, edge = shapely.STRtree(network.edge_geometry).query(points, predicate="dwithin", distance=within_m)
    candidate = network.edge_layer[edge] == network.edge_layer[own[dead]]
    for a in (network.edge_from, network.edge_to):
        for b in (network.edge_from, network.edge_to):
            candidate &= a[own[dead]] != b[edge]
    dead, edge = dead[candidate], edge[candidate].astype(np.int64)
    gap = shapely.distance(points[dead], network.edge_geometry[edge])
    order = np.lexsort((gap, dead))
    _, first = np.unique(dead[order], return_index=True)
    nearest = order[first]
    return NearMisses(network.node_xy[end[dead[nearest]]], gap[nearest], edge[nearest])


def crossings(network: WalkNetwork) -> Crossings:
    """Pairs of edges that cross in their inside: on one layer likely a missing junction, else a bridge or tunnel."""
    a, b = shapely.STRtree(network.edge_geometry).query(network.edge_geometry, predicate="crosses")
    once = a < b
    a, b = a[once].astype(np.int64), b[once].astype(np.int64)
    meeting = shapely.intersection(network.edge_geometry[a], network.edge_geometry[b])
    xy = shapely.get_coordinates(shapely.point_on_surface(meeting))
    return Crossings(xy, a, b, network.edge_layer[a] == network.edge_layer[b])


def describe(network: WalkNetwork) -> dict[str, Any]:
    """The network in plain numbers: sizes, kilometres, islands, near misses, crossings of one layer."""
    apart = islands(network)
    short = network.component_length_m < ARTEFACT_M
    crossed = crossings(network)
    return {
        "nodes": network.nodes,
        "edges": network.edges,
        "length_km": round(network.length_m / 1000, 3),
        "private_km": round(float(network.edge_length_m[network.edge_private].sum()) / 1000, 3),
        "islands": len(apart.component),
        "islands_km": round(float(apart.length_m.sum()) / 1000, 3),
        "artefacts": int(short.sum()),
        "artefacts_km": round(float(network.component_length_m[short].sum()) / 1000, 3),
        "enclosed_public_km": round(enclosed_m(network) / 1000, 3),
        "near_misses": len(near_misses(network).gap_m),
        "crossings_without_vertex": int(crossed.same_layer.sum()),
        "crossings_of_layers": int((~crossed.same_layer).sum()),
    }
