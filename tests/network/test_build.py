import numpy as np
import pytest
import shapely

from app.errors import BadInput
from app.network.build import build_network
from tests.network.town import lattice, lattice_lines, network


def test_lines_join_where_they_share_a_vertex_even_in_their_middle():
    net = network([(0, 0), (50, 0), (100, 0)], [(50, 0), (50, 80)])
    assert net.nodes == 4
    assert net.edges == 3
    assert sorted(net.edge_length_m) == [50, 50, 80]
    assert net.component_length_m.tolist() == [180]


def test_vertices_of_one_street_alone_stay_inside_its_edge():
    net = network([(0, 0), (30, 40), (60, 0)])
    assert net.nodes == 2
    assert net.edge_length_m.tolist() == [100]
    assert shapely.get_num_coordinates(net.edge_geometry[0]) == 3


@pytest.mark.parametrize("layers", [(0, 0), (0, 1), (0, -1)])
def test_lines_that_merely_cross_do_not_join(layers):
    net = network([(-50, 0), (50, 0)], [(0, -50), (0, 50)], layer=layers)
    assert len(net.component_length_m) == 2


def test_a_bridge_joins_the_streets_at_its_ends_and_not_the_one_below():
    bridge = [(0, 0), (100, 0)]
    net = network(
        [(-100, 0), (0, 0)], bridge, [(100, 0), (200, 0)], [(50, -50), (50, 50)], layer=[0, 1, 0, 0]
    )
    assert sorted(net.component_length_m) == [100, 300]


def test_vertices_within_a_centimetre_are_one():
    net = network([(0, 0), (100, 0)], [(100.003, 0.002), (200, 0)])
    assert net.nodes == 3
    assert net.edges == 2


def test_an_end_near_a_street_is_joined_by_an_edge_as_long_as_the_gap():
    net = network([(0, 0), (100, 0)], [(40, 0.3), (40, 60)])
    assert len(net.component_length_m) == 1
    assert sorted(np.round(net.edge_length_m, 9)) == [0.3, 40, 59.7, 60]
    assert net.edge_line[net.edge_length_m < 1].tolist() == [1]


def test_an_end_farther_than_half_a_metre_or_on_another_layer_stays_apart():
    assert len(network([(0, 0), (100, 0)], [(40, 0.51), (40, 60)]).component_length_m) == 2
    assert len(network([(0, 0), (100, 0)], [(40, 0.3), (40, 60)], layer=[0, 1]).component_length_m) == 2


def test_two_ends_that_face_each_other_make_one_joint():
    net = network([(0, 0), (100, 0)], [(100.4, 0), (200, 0)])
    assert net.edges == 3
    assert net.nodes == 4
    assert net.length_m == pytest.approx(200)


def test_an_end_that_touches_a_street_between_its_vertices_needs_no_joint():
    net = network([(0, 0), (100, 0)], [(40, 0), (40, 60)])
    assert net.nodes == 4
    assert sorted(net.edge_length_m) == [40, 60, 60]


def test_ends_near_the_ends_and_vertices_of_a_street_cut_it_there():
    net = network([(0, 0), (50, 0), (100, 0)], [(50, 0.2), (50, 60)], [(-0.3, 0), (-0.3, 60)])
    assert len(net.component_length_m) == 1
    assert sorted(np.round(net.edge_length_m, 6)) == [0.2, 0.3, 50, 50, 59.8, 60]


def test_many_ends_on_one_street_are_cut_in_order():
    feet = [13.0, 77.7, 41.5, 41.9, 99.0]
    net = network([(0, 0), (100, 0)], *[[(x, 0.1), (x, 50 + x)] for x in feet])
    assert len(net.component_length_m) == 1
    main = net.edge_length_m[net.edge_line == 0]
    assert np.sort(np.round(main, 2)).tolist() == [0.4, 1.0, 13.0, 21.3, 28.5, 35.8]


def test_streets_that_may_not_be_walked_are_left_out():
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)], walk=["public", "no"])
    assert net.length_m == 100
    assert net.edge_line.tolist() == [0]


def test_an_unknown_walk_word_is_refused():
    with pytest.raises(BadInput, match="yes") as error:
        network([(0, 0), (1, 0)], walk=["yes"])
    assert "public" in (error.value.hint or "")


@pytest.mark.parametrize(
    "lines",
    [
        np.empty(0, dtype=object),
        np.array([None, shapely.LineString()], dtype=object),
        np.array([shapely.LineString([(1, 1), (1.001, 1.001)])], dtype=object),
    ],
)
def test_nothing_to_walk_is_an_empty_network(lines):
    net = build_network(lines, np.zeros(len(lines), int), np.full(len(lines), "public"))
    assert (net.nodes, net.edges, net.length_m) == (0, 0, 0)


def test_a_closed_street_keeps_its_length_and_is_entered_where_it_is_met():
    ring = [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)]
    assert network(ring).edge_length_m.tolist() == [400]
    net = network(ring, [(100, 100), (200, 100)])
    assert sorted(net.edge_length_m) == [100, 200, 200]


def test_parts_of_a_multilinestring_are_streets_of_their_own():
    both = shapely.MultiLineString([[(0, 0), (100, 0)], [(100, 0), (100, 50)]])
    net = build_network(np.array([both], dtype=object), np.array([0]), np.array(["public"]))
    assert sorted(net.edge_length_m) == [50, 100]
    assert net.edge_line.tolist() == [0, 0]


def test_of_two_ways_between_two_corners_the_shorter_counts_and_both_are_kept():
    net = network([(0, 0), (100, 0)], [(0, 0), (50, 80), (100, 0)], [(100, 0), (0, 0)])
    assert net.edges == 3
    assert net.matrix.nnz == 2
    assert net.matrix.data.tolist() == [100, 100]


def test_private_streets_lead_into_a_layer_of_their_own_and_never_back():
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)], walk=["public", "private"])
    middle, far = (int(np.flatnonzero((net.node_xy == at).all(axis=1))[0]) for at in [(100, 0), (200, 0)])
    matrix = net.matrix.toarray()
    assert matrix.shape == (5, 5)
    assert matrix[middle, net.private_node[far]] == 100
    assert matrix[middle, far] == 0
    assert not matrix[3:, :3].any()


@pytest.mark.parametrize("whole", [False, True])
def test_a_lattice_has_the_crossings_blocks_and_metres_of_its_formula(whole):
    net = lattice(20, whole=whole)
    if whole:  # streets from edge to edge cross at shared vertices
        assert shapely.get_num_coordinates(lattice_lines(20, whole=True)[0]) == 20
    assert net.nodes == 400
    assert net.edges == 2 * 20 * 19
    assert net.length_m == 2 * 20 * 1900
    assert net.component_length_m.tolist() == [76000]


def test_coordinates_of_a_city_keep_their_centimetres():
    x, y = 38_412_345.67, 3_174_987.65
    net = network([(x, y), (x + 100, y)], [(x + 40, y + 0.2), (x + 40, y + 80)])
    assert sorted(np.round(net.edge_length_m, 6)) == [0.2, 40, 60, 79.8]
    assert len(net.component_length_m) == 1
