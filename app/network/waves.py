"""A search within a limit, wave by wave on arrays: its cost is that of the streets reached, not of the whole network.

Dijkstra's order is not kept: every wave lets all nodes that came nearer pass on their metres at once, until none does.
A node's metres are the least of the same sums as with Dijkstra, so both give the same to the last digit.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from app.network.model import Floats, Ints


def search_waves(
    matrix: sparse.csr_array, nodes: Ints, metres: Floats, source: Ints | None, limit_m: float
) -> tuple[Floats, Ints | None]:
    """Metres (n,) from the nearest of the starts to every node of `matrix` (n, n), inf beyond `limit_m`.

    `nodes` (s,) where walks begin with `metres` (s,) behind them already; `source` (s,) whose walk each is: then also
    (n,) whose is the shortest, -1 where none reaches.
    """
    size = matrix.shape[0]
    distance = np.full(size, np.inf)
    owner = None if source is None else np.full(size, -1, dtype=np.int64)
    mark = np.empty(size, dtype=np.int64)
    near = metres <= limit_m
    to, way, of = nodes[near], metres[near], None if source is None else source[near]
    while len(to):
        np.minimum.at(distance, to, way)
        won = np.flatnonzero(distance[to] == way)
        to = to[won]
        if owner is not None and of is not None:
            # of equal ways the one that comes first in the input
            owner[to[::-1]] = of[won][::-1]
        mark[to] = np.arange(len(to))
        front = to[mark[to] == np.arange(len(to))]
        to, way, at = _steps(matrix, front, distance[front])
        nearer = np.flatnonzero((way < distance[to]) & (way <= limit_m))
        to, way = to[nearer], way[nearer]
        of = None if owner is None else owner[front[at[nearer]]]
    return distance, owner


def _steps(matrix: sparse.csr_array, front: Ints, metres: Floats) -> tuple[Ints, Floats, Ints]:
    """All steps (k,) from the nodes of a wave (f,): where to, metres then, and the index in `front` it is from."""
    begins = matrix.indptr[front].astype(np.int64)
    count = matrix.indptr[front + 1] - begins
    at = np.repeat(np.arange(len(front)), count)
    step = np.arange(len(at)) + (begins - np.cumsum(count) + count)[at]
    to: Ints = matrix.indices[step].astype(np.int64)
    return to, metres[at] + matrix.data[step], at
