"""Possible duplicates within a file: the same shapes, points too near, against an answer worked out pair by pair."""

from __future__ import annotations

import math
from functools import partial
from itertools import combinations

import numpy as np
import pytest
import shapely
from pyproj import Geod

from app.ingest.duplicates import DuplicateFinder, Pair, duplicate_warnings
from tests.effort import is_little

GEOD = Geod(ellps="WGS84")
METRE = 1 / 111_320


def found(cls, shapes, kinds=None, rows=None, limit=1000):
    finder = DuplicateFinder(cls)
    geometry = np.empty(len(shapes), dtype=object)
    geometry[:] = [shapely.from_wkt(shape) if isinstance(shape, str) else shape for shape in shapes]
    finder.add(rows or list(range(2, len(shapes) + 2)), geometry, kinds)
    return finder.find(limit)


def test_points_nearer_than_the_class_says_are_named_with_their_distance(catalogue):
    manholes = catalogue.get_class("manholes")
    places = [(115.8, 28.6), (115.8, 28.6 + 0.3 * METRE), (115.8, 28.6 + 0.9 * METRE), (115.9, 28.6)]
    duplicates = found(manholes, [shapely.Point(place) for place in places])
    assert duplicates.total == 1
    assert duplicates.pairs == [Pair(3, 2, pytest.approx(0.3, abs=0.005))]
    warning = duplicate_warnings(manholes, duplicates)[0]
    assert warning["row"] == 3
    assert "row 2: 0.3 m from it" in warning["reason"]
    assert "Nothing was merged" in warning["hint"]


def test_another_kind_is_another_thing(catalogue):
    manholes = catalogue.get_class("manholes")
    twice = [shapely.Point(115.8, 28.6)] * 3
    assert found(manholes, twice, ["water", "gas", "water"]).pairs == [Pair(4, 2, 0.0)]
    assert found(manholes, twice, [None, "gas", "water"]).total == 0


@pytest.mark.parametrize(
    ("class_id", "first", "second", "same"),
    [
        ("pipes", "LINESTRING (1 1, 2 2, 3 1)", "LINESTRING (3 1, 2 2, 1 1)", True),
        ("pipes", "LINESTRING (1 1, 2 2, 3 1)", "LINESTRING (1 1, 2 0, 3 1)", False),
        ("parks", "POLYGON ((0 0, 1 0, 1 1, 0 0))", "POLYGON ((1 0, 1 1, 0 0, 1 0))", True),
        ("parks", "POLYGON ((0 0, 1 0, 1 1, 0 0))", "POLYGON ((0 0, 0 1, 1 1, 0 0))", False),
        ("markets", "POLYGON ((0 0, 1 0, 1 1, 0 0))", "POLYGON ((0 0, 1 0, 1 1, 0 0))", True),
        ("markets", "POLYGON ((0 0, 1 0, 1 1, 0 0))", "POINT (0.6 0.3)", False),
    ],
    ids=[
        "line turned round",
        "another line",
        "ring from elsewhere",
        "another ring",
        "mixed",
        "kinds",
    ],
)
def test_equal_shapes_are_duplicates_however_they_are_drawn(catalogue, class_id, first, second, same):
    assert found(catalogue.get_class(class_id), [first, second]).total == int(same)


def test_chunks_are_one_file_and_rows_may_have_names(catalogue):
    finder = DuplicateFinder(catalogue.get_class("toilets"))
    for names in (["n1", "n2"], ["n3"], ["n4", "n5"]):
        finder.add(
            names, np.array([shapely.Point(8, 50 + int(name[1:]) % 2) for name in names], dtype=object)
        )
    duplicates = finder.find(limit=2)
    assert duplicates.total == 3
    assert duplicates.pairs == [Pair("n3", "n1", 0.0), Pair("n4", "n2", 0.0)]


def test_nothing_to_compare_is_no_duplicate(catalogue):
    assert DuplicateFinder(catalogue.get_class("toilets")).find().total == 0
    assert found(catalogue.get_class("parks"), ["POLYGON ((0 0, 1 0, 1 1, 0 0))"]).pairs == []


@pytest.mark.parametrize("latitude", [0.0, 28.6, -80.0], ids=["equator", "city", "far south"])
def test_each_point_is_told_with_its_nearest_as_by_comparing_all_pairs(catalogue, latitude):
    toilets, random = catalogue.get_class("toilets"), np.random.default_rng(7)
    stretch = 40 * METRE
    places = np.column_stack(
        [
            114 + random.uniform(0, stretch / math.cos(math.radians(latitude)), 120),
            latitude + random.uniform(0, min(stretch, 0.009), 120),
        ]
    )
    kinds = random.integers(0, 2, 120).tolist()
    nearest = {}
    for i, j in combinations(range(120), 2):
        apart = GEOD.inv(*places[i], *places[j])[2]
        if kinds[i] == kinds[j] and apart <= 5:
            for a, b in ((i, j), (j, i)):
                nearest[a] = min(nearest.get(a, (math.inf, 0)), (apart, b))
    expected = {(max(i, j), min(i, j)): apart for i, (apart, j) in nearest.items()}
    duplicates = found(toilets, list(shapely.points(places)), kinds, rows=list(range(120)))
    assert len(expected) > 20
    assert {(pair.row, pair.other): pair.distance_m for pair in duplicates.pairs} == {
        pair: pytest.approx(apart, abs=0.01) for pair, apart in expected.items()
    }


def test_many_points_cost_little_even_where_all_are_one(catalogue):
    """460,000 rows in about a second, and no more where each is a duplicate of each."""
    manholes, random = catalogue.get_class("manholes"), np.random.default_rng(3)
    for places, total in (
        (np.array([118, 32]) + random.uniform(0, 0.5, (460_000, 2)), None),
        (np.full((460_000, 2), 32.0), 459_999),
    ):
        duplicates = is_little(partial(found, manholes, shapely.points(places), ["water"] * 460_000), 4)
        assert len(duplicates.pairs) <= 1000
        assert total is None or duplicates.total == total
