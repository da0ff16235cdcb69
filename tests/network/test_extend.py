"""A drawn street joined into a lattice of streets: ways known by hand, and the same as building all anew."""

import numpy as np
import pytest
import shapely

from app.errors import BadGeometry
from app.network.build import build_network
from app.network.extend import NewStreet, extended
from app.network.model import WalkNetwork
from app.network.patch import with_more, without
from app.network.reach import distance_at, search
from app.network.snap import build_index, snap
from tests.network.town import random_streets

TICKS = range(0, 501, 100)


def objects(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def lattice() -> WalkNetwork:
    lines = [shapely.LineString([(x, y) for y in TICKS]) for x in TICKS]
    lines += [shapely.LineString([(x, y) for x in TICKS]) for y in TICKS]
    return build_network(objects(lines), np.zeros(len(lines), int), np.full(len(lines), "public"))


def drawn(line, **properties):
    return NewStreet.of(shapely.LineString(line), properties)


def metres(network, start, end):
    index = build_index(network)
    reach = search(network, snap(index, np.array([start]), 1.0))
    return distance_at(reach, snap(index, np.array([end]), 1.0))[0]


def test_a_street_joins_what_it_crosses_and_a_bridge_only_its_ends():
    line = [(0, 50), (500, 50)]
    before = lattice()
    street, bridge = extended(before, [drawn(line)]), extended(before, [drawn(line, layer=1)])
    assert metres(before, (0, 50), (300, 50)) == pytest.approx(400)
    assert metres(street, (0, 50), (300, 50)) == pytest.approx(300)
    assert metres(bridge, (0, 50), (300, 50)) == pytest.approx(400)
    for network in (street, bridge):
        assert metres(network, (0, 50), (500, 50)) == pytest.approx(500)
        assert network.length_m == pytest.approx(before.length_m + 500)
    assert street.edges == before.edges + 6 + 5
    assert bridge.edges == before.edges + 2 + 1


def test_ends_are_led_to_the_nearest_street():
    network = extended(lattice(), [drawn([(12, 250), (88, 250)])])
    assert metres(network, (0, 250), (100, 250)) == pytest.approx(100)


def test_a_private_street_is_not_walked_through():
    network = extended(lattice(), [drawn([(0, 50), (500, 50)], walk="private")])
    assert metres(network, (0, 50), (500, 50)) == pytest.approx(600)


def test_what_nobody_can_walk_or_reach_is_refused():
    with pytest.raises(BadGeometry, match="meets no other"):
        extended(lattice(), [drawn([(40, 240), (60, 260)])])
    with pytest.raises(BadGeometry, match="Nobody walks"):
        drawn([(0, 50), (500, 50)], walk="no")


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_network_that_all_streets_build(seed):
    lines, walk = random_streets(seed, nodes=30)
    rng = np.random.default_rng(seed)
    network = build_network(lines, np.zeros(len(lines), int), walk)
    ends = network.node_xy[rng.choice(network.nodes, 2, replace=False)]
    whole = build_network(
        np.append(lines, shapely.LineString(ends)),
        np.append(np.zeros(len(lines), int), 1),
        np.append(walk, "public"),
    )
    added = extended(network, [drawn(ends.tolist(), layer=1)])
    at = rng.uniform(0, 1000, (30, 2))
    found = []
    for one in (whole, added):
        index = build_index(one)
        reach = search(one, snap(index, at[:3], 200.0, public_only=True))
        found.append(distance_at(reach, snap(index, at[3:], 200.0)))
    np.testing.assert_allclose(found[1], found[0], atol=0.02)


@pytest.mark.parametrize("seed", range(8))
def test_a_search_without_some_sources_is_that_of_the_others(seed):
    lines, walk = random_streets(seed, nodes=40)
    network = build_network(lines, np.zeros(len(lines), int), walk)
    index = build_index(network)
    at = snap(index, np.random.default_rng(seed).uniform(0, 1000, (9, 2)), 300.0, public_only=True)
    extra = np.arange(9.0)
    whole = search(network, at, extra_m=extra, with_source=True)
    gone = np.zeros(9, dtype=bool)
    gone[[1, 4, 5]] = True
    less = without(whole, gone)
    others = search(network, at.take(~gone), extra_m=extra[~gone], with_source=True)
    np.testing.assert_allclose(less.node_distance_m, others.node_distance_m, atol=1e-9)
    again = with_more(less, at.take(gone), extra[gone], np.inf)
    np.testing.assert_allclose(again.node_distance_m, whole.node_distance_m, atol=1e-9)
    none = without(whole, np.ones(9, dtype=bool))
    assert np.isinf(none.node_distance_m).all()
