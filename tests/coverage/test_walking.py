import numpy as np
import pytest
import shapely

from app.coverage.access import access_points, boundary_points
from app.coverage.lattice import cut
from app.coverage.straight import covered_area, service_area
from app.coverage.walking import centre_nearest, piece_nearest
from app.network.reach import search
from app.network.snap import build_index
from tests.coverage.land import served_m2, unserved
from tests.network.town import lattice, network

NO_GATES = np.empty((0, 2)), np.empty(0, dtype=int)


def entrances(sites, index, gates=NO_GATES, public_only=True, snap_limit_m=100.0):
    return access_points(np.array(sites), *gates, index, snap_limit_m=snap_limit_m, public_only=public_only)


def test_boundary_points_lie_on_the_boundary_close_together():
    xy, owner = boundary_points(np.array([shapely.box(0, 0, 100, 50), shapely.Point(7, 8)]), 20)
    assert owner.tolist() == [0] * 15 + [1]
    assert xy[-1].tolist() == [7, 8]
    on = shapely.box(0, 0, 100, 50).exterior
    assert shapely.distance(on, shapely.points(xy[:-1])).max() < 1e-9
    assert np.hypot(*np.diff(xy[:-1], axis=0).T).max() <= 20 + 1e-9
    line, _ = boundary_points(np.array([shapely.LineString([(0, 0), (100, 0)])]), 30)
    assert line[:, 0].tolist() == [0, 25, 50, 75, 100]


def test_a_park_is_entered_by_its_gates_where_they_are_known():
    index = build_index(network([(0, 0), (1000, 0)]))
    parks = [shapely.box(100, 10, 300, 200), shapely.box(500, 10, 700, 200)]
    found = entrances(parks, index, (np.array([[200.0, 5.0], [900.0, 0.0]]), np.array([0, -1])))
    assert found.origin[found.owner == 0].tolist() == ["gate"]
    assert found.lead_m[found.owner == 0].tolist() == [5]
    derived = found.owner == 1
    assert set(found.origin[derived]) == {"boundary"}
    # the side along the street and 20 m of either flank
    assert derived.sum() == 13
    assert found.positions.found.all()
    assert found.positions.snap_m[derived].max() <= 30


def test_a_park_without_a_street_near_by_is_entered_at_its_nearest_boundary_point():
    index = build_index(network([(0, 0), (1000, 0)]))
    parks = [shapely.box(100, 60, 300, 200), shapely.box(100, 400, 300, 500), shapely.Point(400, 90)]
    found = entrances(parks, index)
    assert found.owner.tolist() == [0, 2]
    assert found.positions.snap_m.tolist() == [60, 90]
    assert found.origin.tolist() == ["boundary", "self"]


def test_big_parks_are_not_entered_at_their_centre():
    net = network([(0, 0), (4000, 0)])
    park = shapely.box(1000, 10, 3000, 2000)
    supply = entrances([park], build_index(net))
    reach = search(net, supply.positions, extra_m=supply.lead_m)
    metres, _ = centre_nearest(np.array([[900.0, 0.0], [3300.0, -20.0]]), build_index(net), reach, 50)
    assert metres == pytest.approx([110, 330], abs=1)


def estate_walk(net, estate, gates, toilet, radius_m=np.inf):
    index = build_index(net)
    supply = entrances([shapely.Point(toilet)], index)
    demand = entrances([estate], index, gates, public_only=False)
    pieces = cut(np.array([estate]))
    reach = search(net, supply.positions, radius_m, extra_m=supply.lead_m)
    return pieces, piece_nearest(pieces, demand, reach, supply, np.array([estate]))[0]


def test_people_leave_a_gated_estate_by_its_gate():
    net = network([(0, 0), (1000, 0)])
    estate = shapely.box(100, 0, 300, 200)
    gate = np.array([[100.0, 0.0]]), np.array([0])
    pieces, metres = estate_walk(net, estate, gate, (320, 0))
    straight_to_gate = np.hypot(*(pieces.xy - (100, 0)).T)
    assert metres == pytest.approx(straight_to_gate + 220)
    _, open_estate = estate_walk(net, estate, NO_GATES, (320, 0))
    assert (open_estate < metres).all()


def test_of_several_exits_each_piece_takes_the_best():
    net = network([(0, 0), (1000, 0)])
    estate = shapely.box(100, 0, 500, 100)
    gates = np.array([[100.0, 0.0], [500.0, 0.0]]), np.array([0, 0])
    pieces, metres = estate_walk(net, estate, gates, (50, 0))
    west, east = (np.hypot(*(pieces.xy - gate).T) for gate in gates[0])
    assert metres == pytest.approx(np.minimum(west + 50, east + 450))


def test_a_facility_inside_the_estate_is_walked_to_straight():
    net = network([(0, 0), (1000, 0)])
    estate = shapely.box(100, 0, 500, 400)
    pieces, metres = estate_walk(net, estate, (np.array([[100.0, 0.0]]), np.array([0])), (300, 80))
    assert metres.min() < 40
    assert (metres <= np.hypot(*(pieces.xy - (300, 80)).T) + 1e-9).all()


def test_an_estate_without_any_street_is_not_reached():
    net = network([(0, 0), (1000, 0)])
    _, metres = estate_walk(net, shapely.box(100, 500, 200, 600), NO_GATES, (300, 0))
    assert np.isinf(metres).all()


def test_the_entrance_reached_is_named():
    net = network([(0, 0), (2000, 0)])
    index = build_index(net)
    supply = entrances([shapely.Point(0, 5), shapely.Point(1000, 5), shapely.Point(1900, 5)], index)
    estates = np.array([shapely.box(100, 0, 150, 50), shapely.box(850, 0, 900, 50)])
    demand = entrances(estates, index, public_only=False)
    reach = search(net, supply.positions, 500, with_source=True)
    pieces = cut(estates)
    _, entrance = piece_nearest(pieces, demand, reach, supply, estates)
    assert supply.owner[entrance].tolist() == [0, 1]


def test_a_piece_within_the_limit_counts_only_inside_the_straight_line():
    pieces = cut(np.array([shapely.box(0, 0, 200, 50)]))
    service = service_area(np.array([shapely.box(-10, 0, 0, 50)]), 125.0)
    walked = np.array([60.0, 110.0, 124.0, np.inf])
    assert served_m2(pieces, walked, 125.0, service) == pytest.approx([2500, 2500, 1250, 0])
    rest = unserved(pieces, walked, 125.0, service)
    assert shapely.is_empty(rest).tolist() == [True, True, False, False]
    assert shapely.bounds(rest[2]) == pytest.approx([125, 0, 150, 50])


def test_a_whole_parcel_is_not_served_because_its_gate_is():
    net = lattice(11)
    estate = shapely.box(310, 310, 690, 690)
    gate = np.array([[500.0, 310.0]]), np.array([0])
    pieces, metres = estate_walk(net, estate, gate, (300, 300), 300)
    # 90 m are left behind the gate: half a disc of that radius, in pieces of 50 m
    service = service_area(np.array([shapely.Point(300, 300)]), 300.0)
    assert served_m2(pieces, metres, 300, service).sum() == pytest.approx(np.pi * 90**2 / 2, rel=0.25)
    assert covered_area(np.array([estate]), service)[0] > 60_000


def test_pairs_beyond_one_block_give_the_same(monkeypatch):
    net = lattice(11)
    estate = shapely.box(110, 110, 890, 890)
    _, whole = estate_walk(net, estate, NO_GATES, (0, 0))
    monkeypatch.setattr("app.coverage.walking.PAIRS_AT_ONCE", 100)
    _, blocks = estate_walk(net, estate, NO_GATES, (0, 0))
    assert blocks.tolist() == whole.tolist()
