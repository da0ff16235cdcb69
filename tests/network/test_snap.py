import numpy as np
import pytest

from app.network.snap import build_index, place, snap
from tests.network.town import lattice, network


def test_a_point_goes_to_the_nearest_edge_not_the_nearest_node():
    net = network([(0, 0), (1000, 0)], [(450, 120), (450, 480)])
    at = snap(build_index(net), np.array([[450.0, 30.0]]), 50)
    assert at.offset_m.tolist() == [450]
    assert at.snap_m.tolist() == [30]
    assert place(net, at).tolist() == [[450, 0]]


def test_beyond_the_limit_there_is_no_street_and_no_number():
    net = network([(0, 0), (1000, 0)])
    at = snap(build_index(net), np.array([[500.0, 50.0], [500.0, 50.1]]), 50)
    assert at.edge.tolist() == [0, -1]
    assert at.snap_m[1] == np.inf
    assert np.isnan(at.offset_m[1])
    assert np.isnan(place(net, at)[1]).all()


def test_short_islands_are_passed_over():
    net = network([(0, 0), (1000, 0)], [(0, 20), (299, 20)], [(400, 20), (700, 20)])
    at = snap(build_index(net), np.array([[100.0, 21.0], [500.0, 21.0]]), 100)
    assert at.snap_m.tolist() == [21, 1]
    every = snap(build_index(net, 0), np.array([[100.0, 21.0]]), 100)
    assert every.snap_m.tolist() == [1]


def test_a_hamlet_with_less_street_than_an_artefact_is_no_artefact():
    net = network([(0, 0), (200, 0)], [(0, 50), (100, 50)])
    assert snap(build_index(net), np.array([[50.0, 45.0]]), 100).snap_m.tolist() == [45]


def test_facilities_are_entered_from_public_streets_only():
    net = network([(0, 0), (1000, 0)], [(500, 0), (500, 400)], walk=["public", "private"])
    index = build_index(net)
    home = np.array([[510.0, 200.0]])
    assert snap(index, home, 300).snap_m.tolist() == [10]
    assert snap(index, home, 300, public_only=True).snap_m.tolist() == [200]


def test_the_order_of_streets_has_no_say_where_two_are_equally_near():
    streets = [[(0, 0), (400, 0)], [(0, 100), (400, 100)], [(0, 0), (0, 100)]]
    points = np.array([[200.0, 50.0], [50.0, 50.0], [300.0, 0.0]])
    forward, backward = network(*streets), network(*streets[::-1])
    one = place(forward, snap(build_index(forward), points, 80))
    other = place(backward, snap(build_index(backward), points, 80))
    assert one.tolist() == other.tolist() == [[200, 0], [0, 50], [300, 0]]


@pytest.mark.parametrize("public_only", [False, True])
def test_without_streets_or_points_nothing_is_found(public_only):
    empty = build_index(network([(0, 0), (1, 0)], walk=["no"]))
    assert snap(empty, np.array([[0.0, 0.0]]), 100, public_only).edge.tolist() == [-1]
    assert len(snap(build_index(lattice(3)), np.empty((0, 2)), 100, public_only)) == 0
