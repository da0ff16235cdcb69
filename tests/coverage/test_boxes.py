import numpy as np
import pytest
import shapely

from app.coverage.boxes import boxes_of, centre_metres, furthest_m


def test_no_point_of_a_piece_is_further_from_its_owners_centre():
    rng = np.random.default_rng(5)
    owners = shapely.convex_hull(shapely.multipoints(rng.uniform(0, 400, (20, 6, 2))))
    owner = rng.integers(0, 20, 200)
    pieces = shapely.convex_hull(shapely.multipoints(rng.uniform(0, 400, (200, 4, 2))))
    boxes = boxes_of(owners)
    bound = furthest_m(boxes, boxes_of(pieces), owner)
    centre = shapely.points(boxes.x[owner], boxes.y[owner])
    corners, which = shapely.get_coordinates(pieces, return_index=True)
    true = np.zeros(200)
    np.maximum.at(true, which, shapely.distance(centre[which], shapely.points(corners)))
    assert (true <= bound + 1e-9).all()


def test_metres_are_those_of_the_centre_and_unknown_for_nothing():
    land = np.array([shapely.box(0, 0, 10, 20), shapely.Polygon()])
    boxes = boxes_of(land)
    assert boxes.spread_m[0] == pytest.approx(np.hypot(10, 20) / 2)
    park = shapely.STRtree([shapely.box(105, 0, 200, 20), shapely.Point(5, 310)])
    assert centre_metres(boxes, park)[0] == 100
    assert np.isnan(centre_metres(boxes, park)[1])
    assert np.isinf(centre_metres(boxes, shapely.STRtree([]))[0])
