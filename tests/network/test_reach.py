import numpy as np
import pytest

from app.network.reach import distance_at, search, source_at
from app.network.snap import build_index, snap
from tests.network.town import lattice, network


def at(net, *xy: tuple[float, float], limit_m=1000.0, public_only=False):
    return snap(build_index(net, 0), np.array(xy, dtype=float), limit_m, public_only)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("metres", "crossings"), [(300, 25), (500, 61), (720, 113), (1000, 221)])
def test_k_blocks_reach_the_crossings_of_the_formula(metres, crossings, whole):
    k = metres // 100
    assert crossings == 2 * k * (k + 1) + 1
    net = lattice(31, whole=whole)
    reach = search(net, at(net, (1500, 1500)), metres)
    assert np.isfinite(reach.node_distance_m).sum() == crossings


def test_walks_count_from_door_to_door():
    net = network([(0, 0), (1000, 0)], [(1000, 0), (1000, 1000)])
    reach = search(net, at(net, (1030, 600)))
    assert distance_at(reach, at(net, (300, -40))).tolist() == [40 + 700 + 600 + 30]


def test_on_one_street_the_way_is_straight_along_it():
    net = network([(0, 0), (1000, 0)], [(0, 0), (0, -500), (1000, -500), (1000, 0)])
    reach = search(net, at(net, (600, 5), (900, 5)), 400)
    assert distance_at(reach, at(net, (550, 0), (700, 10), (100, 0))).tolist() == [55, 115, np.inf]


def test_on_a_loop_one_walks_the_shorter_way_round():
    net = network([(0, 0), (300, 0), (300, 300), (0, 300), (0, 0)])
    reach = search(net, at(net, (30, 0)))
    assert distance_at(reach, at(net, (0, 30), (300, 0), (300, 270))).tolist() == [60, 270, 540]


def test_what_is_not_reached_is_inf_never_a_number():
    net = network([(0, 0), (400, 0)], [(0, 50), (400, 50)])
    reach = search(net, at(net, (100, 0)), 200, with_source=True)
    places = at(net, (200, 50), (350, 0), (300, 0))
    assert distance_at(reach, places).tolist() == [np.inf, np.inf, 200]
    assert source_at(reach, places).tolist() == [-1, -1, 0]
    nowhere = at(net, (100, 5000), limit_m=100)
    assert distance_at(reach, nowhere).tolist() == [np.inf]
    assert np.isinf(search(net, nowhere).node_distance_m).all()


def test_the_limit_holds_to_the_door():
    net = network([(0, 0), (1000, 0)])
    reach = search(net, at(net, (100, 0)), 300)
    assert distance_at(reach, at(net, (390, 10), (390, 10.01))).tolist() == [300, np.inf]


def test_metres_behind_the_entrance_count():
    net = network([(0, 0), (1000, 0)])
    reach = search(net, at(net, (0, 0), (1000, 0)), extra_m=np.array([400.0, 0.0]), with_source=True)
    places = at(net, (200, 0), (400, 0))
    assert distance_at(reach, places).tolist() == [600, 600]
    assert source_at(reach, places).tolist() == [0, 1]


def test_the_nearest_source_is_named():
    net = lattice(11)
    sources = at(net, (100, 100), (510, 500), (900, 900))
    reach = search(net, sources, with_source=True)
    places = at(net, (0, 0), (530, 500), (490, 510), (1000, 950))
    assert source_at(reach, places).tolist() == [0, 1, 1, 2]


def test_a_private_street_is_walked_to_leave_and_never_through():
    # an estate road cuts the corner between two public streets
    net = network(
        [(0, 0), (1000, 0), (1000, 1000)],
        [(1000, 1000), (0, 1000)],
        [(0, 0), (0, 500), (0, 1000)],
        walk=["public", "public", "private"],
    )
    reach = search(net, at(net, (0, 0), public_only=True))
    assert distance_at(reach, at(net, (0, 500))).tolist() == [500]
    assert distance_at(reach, at(net, (0, 900))).tolist() == [900]
    # on the public street one may not come through, though the corner is 1,000 m off by the estate road
    assert distance_at(reach, at(net, (100, 1000))).tolist() == [2900]


def test_a_private_street_is_not_entered_again():
    # home on private 1, public street, then private 2 as a short cut to the facility's public street
    net = network(
        [(0, 0), (100, 0)],
        [(100, 0), (200, 0)],
        [(200, 0), (300, 0)],
        [(300, 0), (400, 0)],
        walk=["private", "public", "private", "public"],
    )
    reach = search(net, at(net, (350, 0), public_only=True))
    assert np.isinf(distance_at(reach, at(net, (0, 0), (50, 0), (150, 0)))).all()
    assert distance_at(reach, at(net, (290, 0))).tolist() == [60]


def test_a_walk_over_zero_metres_is_a_walk():
    net = network([(0, 0), (100, 0)], [(100, 0), (200, 0)])
    reach = search(net, at(net, (100, 0)))
    assert distance_at(reach, at(net, (100, 0), (200, 0))).tolist() == [0, 100]
