"""Counts by home, areas and lengths cut at borders: each figure worked out by hand on a drawn town.

Two districts side by side, W from x 0 to 1000 and E from 1000 to 2000, both from y 0 to 1000.
"""

import numpy as np
import pytest
import shapely

from app.coverage.counting import (
    add_up,
    add_up_distinct,
    area_of,
    clip_lines,
    home_places,
    inside,
    length_of,
)
from app.coverage.levels import combine
from app.coverage.model import Areas

BOXES = np.array([shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)])
DISTRICTS = Areas(["W", "E"], ["West", "East"], ["district"] * 2, BOXES)
FRAME = shapely.box(500, 0, 1500, 1000)


def test_features_count_in_every_area_of_their_path():
    town = Areas(["T", "W", "E"], ["", "", ""], ["city", "district", "district"], np.array([None] * 3))
    sums = add_up(np.array([1.0, 5.0, np.nan, 7.0]), ["T/W", "T/E", "T/E", "T"], np.ones(4, bool), town)
    assert sums.whole == 13
    assert sums.areas.tolist() == [13, 1, 5]
    assert sums.unknown == 1


def test_what_is_not_chosen_counts_nowhere():
    sums = add_up(np.array([1.0, np.nan]), ["W", "E"], np.array([True, False]), DISTRICTS)
    assert (sums.whole, sums.areas.tolist(), sums.unknown) == (1, [1, 0], 0)


def test_a_name_counts_once_in_all_and_once_in_each_area():
    names, paths = ["a", "a", "b", None, "a"], ["W", "E", "W", "W", "W"]
    sums = add_up_distinct(names, paths, np.ones(5, bool), DISTRICTS)
    assert sums.whole == 2
    assert sums.areas.tolist() == [2, 1]
    assert sums.unknown == 1


def test_overlapping_green_counts_once_and_is_cut_at_frame_and_border():
    # 800-1200 × 0-100 and 1100-1400 × 0-100: together 600 × 100, of which 200 × 100 in the west
    parks = np.array([shapely.box(800, 0, 1200, 100), shapely.box(1100, 0, 1400, 100)])
    sums = area_of(parks, None, DISTRICTS)
    assert sums.whole == pytest.approx(60_000)
    assert sums.areas.tolist() == pytest.approx([20_000, 40_000])
    cut = area_of(np.array([shapely.box(400, 0, 600, 100)]), FRAME, DISTRICTS)
    assert cut.whole == pytest.approx(10_000)
    assert cut.areas.tolist() == pytest.approx([10_000, 0])


def test_lengths_are_cut_and_a_border_counts_once():
    along, across = shapely.LineString([(1000, 0), (1000, 1000)]), shapely.LineString([(0, 500), (2000, 500)])
    sums = length_of(np.array([along, across]), None, DISTRICTS)
    assert sums.whole == pytest.approx(3000)
    assert sums.areas.tolist() == pytest.approx([2000, 1000])  # the border is the first area's
    framed = length_of(np.array([across]), FRAME, DISTRICTS, np.array([2.0]))
    assert framed.whole == pytest.approx(2000)
    assert framed.areas.tolist() == pytest.approx([1000, 1000])


def test_lines_outside_the_frame_are_empty():
    lines = np.array([shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(600, 5), (700, 5)])])
    assert shapely.length(clip_lines(lines, FRAME)).tolist() == [0, 100]


def test_a_feature_counts_where_its_middle_is():
    shapes = np.array(
        [
            shapely.LineString([(0, 10), (1100, 10)]),  # its middle is at 550
            shapely.MultiLineString(
                [[(0, 20), (900, 20)], [(1400, 20), (1450, 20)]]
            ),  # the longest part's: 450
            shapely.box(1450, 0, 1700, 10),
            shapely.Point(500, 500),
        ]
    )
    assert home_places(shapes)[0].tolist() == [550, 10]
    assert inside(shapes, FRAME).tolist() == [True, False, False, True]


def test_areas_of_two_levels_add_up_by_themselves():
    city = Areas(["T"], [""], ["city"], np.array([shapely.box(0, 0, 2000, 1000)]))
    both = combine([city, DISTRICTS])
    sums = area_of(np.array([shapely.box(900, 0, 1300, 100)]), None, both)
    assert dict(zip(both.code, sums.areas.tolist(), strict=True)) == pytest.approx(
        {"T": 40_000, "W": 10_000, "E": 30_000}
    )


def test_nothing_adds_up_to_nothing():
    none = np.array([], dtype=object)
    assert area_of(none, FRAME, DISTRICTS).areas.tolist() == [0, 0]
    assert length_of(none, FRAME, DISTRICTS).whole == 0
    assert add_up(np.empty(0), [], np.empty(0, bool), DISTRICTS).whole == 0


def test_a_street_that_runs_along_a_border_for_a_while_counts_once():
    # 500 m in the west, 400 m on the border, 500 m in the east
    street = shapely.LineString([(500, 100), (1000, 100), (1000, 500), (1500, 500)])
    sums = length_of(np.array([street]), None, DISTRICTS)
    assert sums.whole == pytest.approx(1400)
    assert sums.areas.tolist() == pytest.approx([900, 500])
