"""Service areas against formulas on lattices, NetworkX, a sampled town and a river without a bridge."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import shapely

from app.coverage.service_polygons import walked_polygon
from app.coverage.service_streets import lines_of, streets_within, substrings
from app.network.barriers import barriers_of
from app.network.build import build_network
from app.network.reach import distance_at, search
from app.network.snap import build_index, snap
from tests.network.town import graph, lattice, network, random_streets


def walked(net, doors, limit_m, **options):
    index = build_index(net, 0, barriers_of(np.array(options.pop("barriers", []), dtype=object)))
    return search(net, snap(index, np.array(doors, dtype=float), 200), limit_m), index


@pytest.mark.parametrize("metres", [100, 250, 300, 333.3, 700])
def test_metres_of_street_around_one_crossing_of_a_lattice(metres):
    # k whole blocks reach 4k² blocks of street, the next ring of 4(2k + 1) streets by what is left
    reach, _ = walked(lattice(21), [(1000, 1000)], metres)
    streets = streets_within(reach, metres)
    k, rest = divmod(metres, 100)
    assert streets.length_m.sum() == pytest.approx(4 * k * k * 100 + 4 * (2 * k + 1) * rest)
    assert shapely.length(lines_of(reach, streets)).sum() == pytest.approx(streets.length_m.sum())
    assert streets.far_m.max() == pytest.approx(metres)
    assert streets.far_m - streets.near_m == pytest.approx(streets.length_m)


@pytest.mark.parametrize(
    ("limit_m", "expected"),
    # from the left 160 m to the middle of both ways, from the right 140 m (and 20 m from the door), 100 m onward
    [(180, [(0, 160), (300, 160), (300, 400)]), (90, [(0, 90), (300, 230), (300, 370)])],
)
def test_streets_end_at_exactly_the_limit_and_are_cut_where_ways_meet(limit_m, expected):
    reach, _ = walked(network([(0, 0), (400, 0)]), [(0, 0), (300, 20)], limit_m)
    lines = lines_of(reach, streets_within(reach, limit_m))
    ends = sorted((line.coords[0][0], line.coords[-1][0]) for line in lines)
    assert np.array(ends) == pytest.approx(np.array(expected))


@pytest.mark.parametrize("seed", range(4))
def test_streets_within_agree_with_networkx_walked_in_steps(seed):
    lines, _ = random_streets(seed)
    net = build_network(lines, np.zeros(len(lines), int), np.full(len(lines), "public"))
    corner = net.node_xy[seed]
    reach, _ = walked(net, [corner], 300)
    streets = streets_within(reach, 300)
    far = nx.single_source_dijkstra_path_length(graph(lines), tuple(corner), weight="weight")
    total = 0.0
    for line in lines:
        a, b = line.coords
        step = (np.arange(2000) + 0.5) / 2000 * line.length
        at = np.minimum(far.get(a, np.inf) + step, far.get(b, np.inf) + line.length - step)
        total += line.length * (at <= 300).mean()
    assert streets.length_m.sum() == pytest.approx(total, rel=2e-3)
    middles = np.array(
        [line.interpolate(0.5, normalized=True).coords[0] for line in lines_of(reach, streets)]
    )
    metres = distance_at(reach, snap(build_index(net, 0), middles, 1))
    assert metres == pytest.approx((streets.near_m + streets.far_m) / 2, abs=1e-6)


def test_private_streets_are_reached_from_outside_only():
    net = network([(0, 0), (100, 0)], [(100, 0), (100, 200)], walk=["public", "private"])
    reach, _ = walked(net, [(0, 0)], 180)
    assert streets_within(reach, 180).length_m.sum() == pytest.approx(180)


def test_parts_of_bent_lines_keep_their_corners():
    line = np.array([shapely.LineString([(0, 0), (10, 0), (10, 10), (20, 10)])] * 3, dtype=object)
    parts = substrings(line, np.array([5.0, 10.0, 12.0]), np.array([25.0, 20.0, 13.0]))
    assert [list(part.coords) for part in parts] == [
        [(5, 0), (10, 0), (10, 10), (15, 10)], [(10, 0), (10, 10)], [(10, 2), (10, 3)],
    ]  # fmt: skip


def test_the_land_on_a_straight_street_is_a_strip_with_round_ends():
    reach, _ = walked(network([(0, 0), (2000, 0)]), [(1000, 0)], 300)
    land = walked_polygon(reach, 300, 50, None)
    assert land.area == pytest.approx(4 * 250 * 50 + np.pi * 50**2, rel=1e-3)
    assert land.bounds == pytest.approx((700, -50, 1300, 50))


def test_a_door_far_from_its_street_leaves_less_depth():
    reach, _ = walked(network([(0, 0), (2000, 0)]), [(1000, 80)], 100)
    assert walked_polygon(reach, 100, 50, None).area == pytest.approx(np.pi * 20**2, rel=2e-3)


def test_blocks_keep_their_inner_yards():
    reach, _ = walked(lattice(5, 200), [(400, 400)], 10_000)
    land = walked_polygon(reach, 10_000, 50, None)
    holes = [shapely.Polygon(ring) for ring in land.interiors]
    assert len(holes) == 16
    assert {round(hole.area) for hole in holes} == {100 * 100}


@pytest.mark.parametrize("seed", range(3))
def test_a_place_is_in_the_land_when_its_walk_is_short_enough(seed):
    lines, _ = random_streets(seed)
    net = build_network(lines, np.zeros(len(lines), int), np.full(len(lines), "public"))
    reach, _ = walked(net, [(500, 500), (100, 100)], 320)
    land = walked_polygon(reach, 320, 60, None)
    steps = [np.arange(0.5, line.length) for line in lines]
    at = np.concatenate(
        [
            shapely.get_coordinates(shapely.line_interpolate_point(line, s))
            for line, s in zip(lines, steps, strict=True)
        ]
    )
    metres = distance_at(reach, snap(build_index(net, 0), at, 1))
    places = np.random.default_rng(seed).uniform(0, 1000, (300, 2))
    off = np.hypot(*(places[:, None] - at[None]).transpose(2, 0, 1))
    walk = np.where(off <= 60, off + metres, np.inf).min(axis=1)
    inside = shapely.contains_xy(land, *places.T)
    sure = np.abs(walk - 320) > 2
    sure &= np.abs(np.where(metres <= 320, off, np.inf).min(axis=1) - 60) > 2
    assert inside[sure].tolist() == (walk <= 320)[sure].tolist()
    assert 0.05 < inside.mean() < 0.95
    assert shapely.within(
        land, shapely.union_all([shapely.Point(xy).buffer(321) for xy in ((500, 500), (100, 100))])
    )


RIVER = shapely.box(-100, 20, 1100, 60)


def test_a_river_without_a_bridge_is_not_crossed():
    net = network([(0, 0), (1000, 0)], [(0, 80), (1000, 80)], [(1000, 0), (1000, 80)])
    reach, index = walked(net, [(500, 0)], 300, barriers=[RIVER])
    land = walked_polygon(reach, 300, 100, index.barriers)
    assert land.bounds[3] == pytest.approx(20)
    assert not land.intersects(shapely.box(0, 61, 1000, 200))
    # without the river the other bank lies within the depth
    assert walked_polygon(reach, 300, 100, None).bounds[3] == pytest.approx(100)


def test_over_a_bridge_the_other_bank_is_reached_where_one_lands():
    net = network([(0, 0), (500, 0), (1000, 0)], [(0, 80), (500, 80), (1000, 80)], [(500, 0), (500, 80)])
    reach, index = walked(net, [(500, 0)], 200, barriers=[RIVER])
    land = walked_polygon(reach, 200, 50, index.barriers)
    assert not land.intersects(RIVER.buffer(-0.01))
    far_bank = shapely.intersection(land, shapely.box(0, 60, 1000, 200))
    assert far_bank.bounds == pytest.approx((380, 60, 620, 130), abs=0.1)


def test_an_expressway_on_the_ground_parts_the_land():
    net = network([(0, 0), (1000, 0)])
    motorway = shapely.LineString([(-100, 30), (1100, 30)])
    reach, index = walked(net, [(500, 0)], 300, barriers=[motorway])
    assert walked_polygon(reach, 300, 100, index.barriers).bounds[3] == pytest.approx(30, abs=0.1)


def test_nothing_is_reached_without_a_way():
    reach, _ = walked(network([(0, 0), (1000, 0)]), [(500, 900)], 300)
    assert len(streets_within(reach, 300)) == 0
    assert walked_polygon(reach, 300, 50, None).is_empty
