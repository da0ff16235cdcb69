import numpy as np
import pytest

from app.network.report import crossings, describe, enclosed_m, islands, near_misses
from tests.network.town import lattice, network


def test_islands_are_the_parts_apart_from_the_longest():
    net = network([(0, 0), (1000, 0)], [(0, 50), (100, 50), (100, 90)], [(0, 500), (400, 500)])
    found = islands(net)
    assert found.length_m.tolist() == [400, 140]
    assert found.nodes.tolist() == [2, 2]
    assert islands(net, below_m=300).length_m.tolist() == [140]
    assert islands(net, below_m=300).xy[0, 1] in {50, 90}


def test_dead_ends_that_nearly_meet_a_street_are_near_misses():
    net = network([(0, 0), (100, 0)], [(50, 3), (50, 60)], [(80, 6), (80, 60)])
    found = near_misses(net, 5)
    assert found.gap_m.tolist() == [3]
    assert found.xy.tolist() == [[50, 3]]
    assert net.edge_line[found.edge].tolist() == [0]


def test_near_misses_on_other_layers_and_between_neighbours_do_not_count():
    assert len(near_misses(network([(0, 0), (100, 0)], [(50, 3), (50, 60)], layer=[0, 1])).gap_m) == 0
    assert len(near_misses(network([(0, 0), (100, 0)], [(100, 0), (103, 0)])).gap_m) == 0


def test_crossings_tell_missing_junctions_from_bridges():
    net = network([(-50, 0), (50, 0)], [(0, -50), (0, 50)], [(20, -50), (20, 50)], layer=[0, 0, 1])
    found = crossings(net)
    assert found.xy[found.same_layer].tolist() == [[0, 0]]
    assert found.xy[~found.same_layer].tolist() == [[20, 0]]


def test_a_lattice_has_nothing_odd():
    report = describe(lattice(6))
    assert report["length_km"] == 6
    odd = ("islands", "near_misses", "crossings_without_vertex", "crossings_of_layers", "enclosed_public_km")
    assert [report[key] for key in odd] == [0, 0, 0, 0, 0]


def test_public_streets_behind_a_private_one_are_told():
    streets = [[(0, 0), (1000, 0)], [(500, 0), (500, 50)], [(500, 50), (500, 150)]]
    assert enclosed_m(network(*streets, walk=["public", "private", "public"])) == 100
    assert enclosed_m(network(*streets)) == 0


def test_an_empty_network_is_described():
    assert describe(network([(0, 0), (1, 0)], walk=["no"]))["nodes"] == 0
    assert np.isfinite(list(describe(lattice(2)).values())).all()
    assert enclosed_m(network([(0, 0), (1, 0)], walk=["no"])) == pytest.approx(0)
