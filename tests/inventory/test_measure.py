"""What is computed from a batch alone, against formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Geod

from app.catalogue.model import ZoomRule
from app.errors import BadGeometry, BadInput
from app.inventory.measure import as_multi, check_shapes, measure, min_zoom, size_flag
from app.inventory.prepare import check_batch
from app.space.metric import choose_metric_crs
from tests.inventory.town import LAT, LON, batch, line, place, square

CRS = choose_metric_crs(LON, LAT)
GEOD = Geod(ellps="GRS80")


def shapes(*items: Any):
    return np.array([*items, None], dtype=object)[:-1]


def test_lines_and_areas_are_measured_on_the_ground(catalogue):
    street, park = line((0, 0), (1, 1)), square(0, 0, 1)
    length_m = measure(catalogue.classes["streets"], as_multi(shapes(street)), {}, CRS).length_m[0]
    area_m2 = measure(catalogue.classes["parks"], as_multi(shapes(park)), {}, CRS).area_m2[0]
    assert length_m == pytest.approx(GEOD.geometry_length(street), rel=2e-4)
    assert area_m2 == pytest.approx(GEOD.geometry_area_perimeter(park)[0], rel=4e-4)


def test_points_have_no_size(catalogue):
    both = as_multi(shapes(place(0, 0), square(0, 0, 1)))
    area_m2 = measure(catalogue.classes["markets"], both, {}, CRS).area_m2
    assert np.isnan(area_m2[0])
    assert area_m2[1] > 0


def test_single_parts_become_multi_and_lose_their_height():
    made = as_multi(shapes(shapely.Point(1, 2, 3), line((0, 0), (1, 1)), square(0, 0, 1)))
    assert [shape.geom_type for shape in made] == ["Point", "MultiLineString", "MultiPolygon"]
    assert not shapely.has_z(made).any()


@pytest.mark.parametrize("bad", [None, shapely.Point(), line((0, 0), (1, 1))])
def test_a_shape_that_the_class_cannot_hold_is_named(catalogue, bad):
    with pytest.raises(BadGeometry, match="'b'"):
        check_shapes(catalogue.classes["toilets"], ["a", "b"], shapes(place(0, 0), bad))


@pytest.mark.parametrize(
    ("registered", "flag"),
    [(1000, False), (1099, False), (910, False), (880, True), (1120, True), (None, False)],
)
def test_a_registered_area_more_than_a_tenth_off_is_flagged(registered, flag):
    assert size_flag(np.array([1000.0]), [registered]).tolist() == [flag]


def test_the_first_rule_that_holds_gives_the_zoom():
    rules = [
        ZoomRule(8, {"kind": ("a", None)}, area_m2_min=100),
        ZoomRule(11, {"kind": ("a",)}),
        ZoomRule(13, length_m_min=5),
        ZoomRule(15),
    ]
    kinds = ["a", None, "a", "b", "b"]
    area_m2 = np.array([100, 200, 99, 500, 500.0])
    length_m = np.array([0, 0, 0, 5, 4.0])
    assert min_zoom(rules, {"kind": kinds}, length_m, area_m2).tolist() == [8, 8, 11, 13, 15]
    assert min_zoom(rules[:2], {}, length_m, area_m2).tolist() == [8, 8, 11, 8, 8]


def test_a_batch_that_no_table_could_take_is_refused(catalogue):
    toilets = catalogue.classes["toilets"]
    good = {"a": place(0, 0), "b": place(1, 1)}
    check_batch(toilets, batch("toilets", good, {"stalls": [1, None]}))
    with pytest.raises(BadInput, match="2 codes but 1 values of 'stalls'"):
        check_batch(toilets, batch("toilets", good, {"stalls": [1]}))
    with pytest.raises(BadInput, match="stols"):
        check_batch(toilets, batch("toilets", good, {"stols": [1, 2]}))
    twice = batch("toilets", good)
    twice.codes[1] = "a"
    with pytest.raises(BadInput, match="'a' stands more than once"):
        check_batch(toilets, twice)
