"""Nobody is put on a street across water or an expressway, against a search of every street by itself."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from app.network.barriers import STEPS, barriers_of, crossing
from app.network.build import build_network
from app.network.snap import build_index, place, snap
from tests.network.town import network, random_streets

RIVER = shapely.box(-100, 20, 1100, 60)


def objects(*shapes):
    return np.array([*shapes, None], dtype=object)[:-1]


def around(net, *shapes):
    return build_index(net, 0, barriers_of(objects(*shapes)))


def test_the_street_across_the_river_is_not_the_nearest():
    net = network([(0, 0), (1000, 0)], [(0, 200), (1000, 200)])
    home = np.array([[500.0, 70.0], [500.0, 5.0]])
    assert snap(build_index(net, 0), home, 250).snap_m.tolist() == [70, 5]
    assert snap(around(net, RIVER), home, 250).snap_m.tolist() == [130, 5]
    assert snap(around(net, RIVER), home, 100).found.tolist() == [False, True]


def test_the_end_of_a_street_is_seen_past_a_corner_of_the_water():
    # the foot of the perpendicular lies behind the lake, the street's end in front of it
    net = network([(0, 100), (200, 100)])
    lake = shapely.box(50, 20, 150, 80)
    found = snap(around(net, lake), np.array([[52.0, 10.0]]), 300)
    assert place(net, found).tolist() == [[0, 100]]
    assert found.snap_m == pytest.approx(np.hypot(52, 90))


@pytest.mark.parametrize(
    ("shape", "blocks"),
    [
        (shapely.LineString([(0, 50), (100, 50)]), True),
        (shapely.LineString([(0, 100), (100, 100)]), False),
        (shapely.LineString([(0, 0), (100, 0)]), False),
        (shapely.box(30, 30, 90, 70), True),
        (shapely.box(40, 40, 60, 60), False),
        (shapely.box(0, -40, 100, 20), False),
        (shapely.box(0, 0, 100, 20), True),
        (shapely.Polygon(), False),
    ],
)
def test_a_walk_from_the_origin_a_hundred_metres_north(shape, blocks):
    """On its way it may touch a barrier at either end, leave water it began in, and pass a small pond."""
    barriers = barriers_of(objects(shape))
    start, end = np.array([[50.0, 0.0]]), np.array([[50.0, 100.0]])
    assert (barriers is not None and bool(crossing(barriers, start, end)[0])) is blocks


@pytest.mark.parametrize("seed", range(4))
def test_crossings_of_long_shores_are_those_of_shapely(seed):
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, 5 * STEPS, endpoint=False)
    bays = 200 + rng.uniform(-80, 80, len(turn))
    lake = shapely.Polygon(np.stack((500 + bays * np.cos(turn), 500 + bays * np.sin(turn)), axis=1))
    road = shapely.LineString(np.stack((np.linspace(0, 1000, 90), 850 + 50 * np.sin(np.arange(90))), axis=1))
    start, end = rng.uniform(0, 1000, (2, 400, 2))
    walks = shapely.linestrings(np.stack((start, end), axis=1))
    dry = ~shapely.contains_xy(lake, *start.T)
    expected = (dry & shapely.intersects(walks, lake)) | shapely.intersects(walks, road)
    found = crossing(barriers_of(objects(lake, road)), start, end)
    assert found.tolist() == expected.tolist()
    assert 0 < expected.sum() < 400


@pytest.mark.parametrize("seed", range(4))
def test_behind_water_the_nearest_place_in_sight_is_taken(seed):
    lines, _ = random_streets(seed)
    net = build_network(lines, np.zeros(len(lines), int), np.full(len(lines), "public"))
    rng = np.random.default_rng(seed)
    waters = [shapely.box(x, y, x + 150, y + 20) for x, y in rng.uniform(0, 900, (25, 2))]
    index = around(net, *waters)
    homes = rng.uniform(0, 1000, (150, 2))
    homes = homes[~shapely.contains_xy(shapely.union_all(waters), *homes.T)]
    found = snap(index, homes, 150)
    for i, xy in enumerate(homes):
        home, best = shapely.Point(xy), np.inf
        for line in net.edge_geometry:
            ends = [
                line.interpolate(line.project(home)),
                shapely.Point(line.coords[0]),
                shapely.Point(line.coords[-1]),
            ]
            for end in ends:
                walk = shapely.LineString([home, end])
                if walk.length <= 150 and not any(walk.crosses(water) for water in waters):
                    best = min(best, walk.length)
        assert found.snap_m[i] == pytest.approx(best, abs=0.05)
    assert (found.snap_m > snap(build_index(net, 0), homes, 150).snap_m + 1).sum() > 3
