"""The search by waves against scipy's Dijkstra: the same metres to the last digit, and a nearest start."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from app.network.waves import search_waves


def graph(rng, nodes, steps):
    """A directed graph with lengths from a centimetre to a kilometre, some of them equal."""
    a, b = rng.integers(0, nodes, (2, steps))
    metres = np.where(rng.random(steps) < 0.5, 100.0, 10 ** rng.uniform(-2, 3, steps))
    whole = sparse.lil_array((nodes, nodes))
    whole[a, b] = metres
    matrix = whole.tocsr()
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(2, 80), st.floats(1.0, 5000.0))
def test_metres_are_those_of_dijkstra_and_the_start_is_a_nearest_one(seed, nodes, limit_m):
    rng = np.random.default_rng(seed)
    matrix = graph(rng, nodes, 4 * nodes)
    starts = np.unique(rng.integers(0, nodes, 6))
    each = dijkstra(matrix, indices=starts, limit=limit_m)
    metres, source = search_waves(matrix, starts, np.zeros(len(starts)), np.arange(len(starts)), limit_m)
    np.testing.assert_array_equal(metres, each.min(axis=0))
    reached = np.isfinite(metres)
    assert (source[~reached] == -1).all()
    np.testing.assert_array_equal(each[source[reached], np.flatnonzero(reached)], metres[reached])


def test_of_two_starts_at_one_node_the_nearer_then_the_first_counts():
    matrix = graph(np.random.default_rng(1), 5, 0)
    metres, source = search_waves(
        matrix, np.array([2, 2, 2, 4]), np.array([9.0, 5.0, 5.0, 80.0]), np.array([7, 8, 9, 6]), 50.0
    )
    assert metres.tolist() == [np.inf, np.inf, 5.0, np.inf, np.inf]
    assert source.tolist() == [-1, -1, 8, -1, -1]
