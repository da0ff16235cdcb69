"""The index of the nearest facility against GEOS's own answer, for each kind of shape."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.coverage.nearest import NearestFacility

SIDE_M = 6000.0


def towns(seed, facilities):
    """Places and facilities of all kinds: points, lines, boxes, discs, rings with a hole, far apart and overlapping."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(0, SIDE_M, (facilities, 2))
    size = rng.uniform(5, 900, facilities)
    point = shapely.points(centre)
    disc = shapely.buffer(point, size, quad_segs=int(rng.integers(2, 30)))
    kinds = [
        point,
        shapely.linestrings(np.stack([centre, centre + rng.uniform(-900, 900, centre.shape)], axis=1)),
        shapely.box(*centre.T, *(centre + size[:, None]).T),
        disc,
        shapely.difference(disc, shapely.buffer(point, size / 2)),
        shapely.union(disc, shapely.buffer(shapely.points(centre + 2000), size / 3)),
    ]
    shapes = np.stack(kinds)[rng.integers(0, len(kinds), facilities), np.arange(facilities)]
    return rng.uniform(-1000, SIDE_M + 1000, (400, 2)), shapes


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_metres_and_facility_are_those_of_every_distance(seed, facilities):
    xy, shapes = towns(seed, facilities)
    metres, index = NearestFacility(shapes).find(xy)
    each = shapely.distance(shapely.points(xy)[:, None], shapes[None, :])
    np.testing.assert_array_equal(metres, each.min(axis=1))
    np.testing.assert_array_equal(index, each.argmin(axis=1))


def test_missing_and_empty_facilities_are_passed_over_but_counted():
    shapes = np.array([None, shapely.Point(), shapely.Point(0, 10), shapely.Point(0, 0)], dtype=object)
    found = NearestFacility(shapes)
    assert len(found) == 2
    metres, index = found.find(np.array([[0.0, 6.0]]))
    assert metres[0] == 4
    assert index[0] == 2


@pytest.mark.parametrize("shapes", [[], [None], [shapely.Polygon()]])
def test_without_facilities_nothing_is_near(shapes):
    metres, index = NearestFacility(np.array(shapes, dtype=object)).find(np.zeros((3, 2)))
    assert np.isinf(metres).all()
    assert (index == -1).all()


def test_a_place_deep_inside_a_large_park_is_in_it_though_a_small_one_is_nearer_to_its_edge():
    park, kiosk = shapely.box(0, 0, 5000, 5000), shapely.Point(2500, 2600)
    metres, index = NearestFacility(np.array([park, kiosk])).find(np.array([[2500.0, 2500.0]]))
    assert metres[0] == 0
    assert index[0] == 0


def test_very_many_places_are_shared_among_the_cores_with_the_same_answer():
    _, shapes = towns(3, 50)
    xy = np.random.default_rng(4).uniform(0, SIDE_M, (25_000, 2))
    metres, index = NearestFacility(shapes).find(xy)
    some, of_them = NearestFacility(shapes).find(xy[::100])
    np.testing.assert_array_equal(metres[::100], some)
    np.testing.assert_array_equal(index[::100], of_them)
