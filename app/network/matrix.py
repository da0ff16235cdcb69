"""The network's matrix: who can be reached from whom in one step, private streets in a layer of their own."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from app.network.model import Bools, Floats, Ints


def components_of(nodes: int, start: Ints, end: Ints, length_m: Floats) -> tuple[Ints, Floats]:
    """(n,) connected part of each node and (c,) metres of street in each part, of (e,) edges."""
    links = sparse.coo_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(nodes, nodes))
    return parts_of(links, nodes, start, length_m)


def parts_of(
    links: sparse.coo_array | sparse.csr_array, nodes: int, start: Ints, length_m: Floats
) -> tuple[Ints, Floats]:
    """As `components_of`, of a matrix whose first `nodes` rows are the nodes, and (e,) the first node of each edge."""
    if not nodes:
        return np.empty(0, dtype=np.int64), np.empty(0)
    labels = connected_components(links, directed=False)[1]
    component = labels[:nodes].astype(np.int64)
    length = np.bincount(component[start], weights=length_m, minlength=int(component.max()) + 1)
    return component, length.astype(np.float64)


def walk_matrix(
    nodes: int, start: Ints, end: Ints, length_m: Floats, private: Bools
) -> tuple[Ints, sparse.csr_array]:
    """(n,) private copy of each node or -1, and the (n+p, n+p) matrix of one-step distances in metres.

    The matrix is read from the facility outwards. A walk that starts on a private street leaves it once and never
    enters one again; backwards, that is a walk that may enter the private layer once and not come back.
    """
    touched = np.unique(np.concatenate((start[private], end[private])))
    copy = np.full(nodes, -1, dtype=np.int64)
    copy[touched] = nodes + np.arange(len(touched))
    rows, columns, weights = _both_ways(nodes, start[~private], end[~private], length_m[~private])
    a, b, w = _both_ways(nodes, start[private], end[private], length_m[private])
    rows = np.concatenate((rows, a, copy[a]))
    columns = np.concatenate((columns, copy[b], copy[b]))
    size = nodes + len(touched)
    matrix = sparse.coo_array((np.concatenate((weights, w, w)), (rows, columns)), shape=(size, size)).tocsr()
    # scipy's search works on 32-bit indices; giving them saves it a copy at every call
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return copy, matrix


def _both_ways(nodes: int, start: Ints, end: Ints, length_m: Floats) -> tuple[Ints, Ints, Floats]:
    """Entries for both directions; of edges between the same pair the shortest (scipy would add them up)."""
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.argsort(low * nodes + high, kind="stable")
    low, high, length_m = low[order], high[order], length_m[order]
    first = np.ones(len(low), dtype=bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    begins = np.flatnonzero(first)
    shortest = np.minimum.reduceat(length_m, begins) if len(begins) else length_m
    proper = low[begins] != high[begins]
    low, high, shortest = low[begins][proper], high[begins][proper], shortest[proper]
    return np.concatenate((low, high)), np.concatenate((high, low)), np.concatenate((shortest, shortest))
