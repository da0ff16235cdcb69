"""Ways in which others go wrong, on drawn towns: each gives another number there, and ours gives the right one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyproj
import pytest
import shapely

from app.coverage.access import access_points
from app.coverage.compute import compute
from app.coverage.lattice import dissolve_overlaps
from app.coverage.straight import covered_area, nearest, service_area
from app.network.reach import distance_at, search
from app.network.snap import build_index, snap
from app.space.metric import metric_crs
from tests.coverage.test_compute import NO_GATES, inputs, objects, streets, supply  # noqa: F401
from tests.network.town import network

#: Helsinki: a degree of longitude is half as long as one of latitude.
NORTH = metric_crs("EPSG:3879")
LON, LAT = 24.94, 60.17
DEGREE_M = 111_320
COS = np.cos(np.radians(LAT))


def lonlat(*metres):
    """Points so many metres east and north of the place in the north, in lon/lat."""
    x, y = NORTH.xy(LON, LAT)
    return NORTH.to_lonlat(objects([shapely.Point(x + east, y + north) for east, north in metres]))


def test_nearest_by_degrees_is_another_facility():
    home, *toilets = lonlat((0, 0), (100, 0), (0, 150))
    by_degrees = int(np.argmin(shapely.distance(home, toilets)))
    metres, ours = nearest(NORTH.to_metric(objects([home])), NORTH.to_metric(objects(toilets)))
    assert by_degrees == 1
    assert ours.tolist() == [0]
    assert metres == pytest.approx([100], abs=0.01)


@pytest.mark.parametrize(("crs", "unit", "share"), [(4326, 1 / DEGREE_M, COS), (3857, 1.0, COS**2)])
def test_a_buffer_in_degrees_or_web_mercator_is_not_round_or_too_small(crs, unit, share):
    there = pyproj.Transformer.from_crs(3879, crs, always_xy=True)
    toilet = shapely.Point(NORTH.xy(LON, LAT))
    home = toilet.buffer(1000, cap_style="square")
    drawn = shapely.Point(there.transform(toilet.x, toilet.y)).buffer(300 * unit, quad_segs=64)
    back = shapely.transform(drawn, lambda xy: np.column_stack(there.transform(*xy.T, direction="INVERSE")))
    wrong = shapely.intersection(back, home).area
    ours = covered_area(objects([home]), service_area(objects([toilet]), 300.0))
    assert wrong == pytest.approx(share * np.pi * 300**2, rel=0.01)
    assert ours == pytest.approx([np.pi * 300**2], rel=2e-4)


def test_from_the_centroid_a_big_park_looks_far():
    park = shapely.box(0, 0, 2000, 2000)
    homes = objects([shapely.box(-110, 900, -100, 1100)])
    by_centroid = covered_area(homes, service_area(objects([park.centroid]), 500.0))
    assert by_centroid.tolist() == [0]
    assert covered_area(homes, service_area(objects([park]), 500.0)) == pytest.approx([2000])
    # and a walk to its middle is no walk to its gate
    net = network([(-500, -10), (2500, -10)])
    index = build_index(net)
    gates = np.array([[0.0, 0.0]]), np.array([0])
    supply = access_points(objects([park]), *gates, index, snap_limit_m=250, public_only=True)
    reach = search(net, supply.positions, extra_m=supply.lead_m)
    start = np.array([[-200.0, -10.0]])
    to_centroid = search(net, snap(index, np.array([[1000.0, 1000.0]]), 2000))
    home = snap(index, start, 250)
    assert distance_at(reach, home) == pytest.approx([210])
    assert distance_at(to_centroid, home) == pytest.approx([1200 + 1010])


def test_unreached_is_no_distance(inputs):  # noqa: F811
    """Some tools write the limit itself where nothing is reached: `<= limit` then counts everybody."""
    unreachable = supply(inputs.streets, (shapely.Point(5000, 5000),))
    (walk,) = compute(replace(inputs, supplies=(unreachable,)), ("walk",))
    as_sentinel = np.where(np.isinf(walk.land_m), 300.0, walk.land_m)
    assert (as_sentinel <= 300).all()
    assert walk.people_served.sum() == 0
    assert np.isinf(walk.land_m).all()


def test_from_node_to_node_a_neighbour_lives_two_kilometres_away():
    net = network([(0, 0), (2000, 0)])
    index = build_index(net)
    toilet, home = np.array([[990.0, 10.0]]), np.array([[1010.0, -10.0]])
    corner = [int(np.argmin(np.hypot(*(net.node_xy - xy).T))) for xy in (toilet[0], home[0])]
    by_nodes = search(net, snap(index, net.node_xy[corner[:1]], 1)).node_distance_m[corner[1]]
    ours = distance_at(search(net, snap(index, toilet, 50)), snap(index, home, 50))
    assert by_nodes == 2000
    assert ours == pytest.approx([10 + 20 + 10])


def test_nobody_is_counted_twice(inputs):  # noqa: F811
    """People within reach of two toilets are served once; land under two parcels is one piece of land."""
    near = (shapely.Point(500, 500), shapely.Point(520, 500))
    twice = supply(inputs.streets, near)
    town = replace(inputs, supplies=(twice,))
    for figure in compute(town, ("straight", "walk")):
        alone = [
            next(iter(compute(replace(inputs, supplies=(supply(inputs.streets, (one,)),)), (figure.mode,))))
            for one in near
        ]
        summed = sum(one.people_served.sum() for one in alone)
        largest = max(one.people_served.sum() for one in alone)
        assert largest <= figure.people_served.sum() < 0.7 * summed
    parcels = objects([shapely.box(0, 0, 100, 100), shapely.box(50, 0, 150, 100)])
    service = service_area(objects([shapely.Point(75, 50)]), 300.0)
    assert covered_area(parcels, service).sum() == 20_000
    assert covered_area(dissolve_overlaps(parcels), service).sum() == pytest.approx(15_000)
