"""Rows just written that may repeat stored ones: near points of one kind and equal shapes, never within one write."""

from __future__ import annotations

import pytest
import shapely

from app.inventory.changes import data_version
from app.inventory.duplicates_store import StoredPair, stored_duplicates
from app.inventory.service import write_batches
from tests.inventory.town import CHANGE, LAT, LON, batch

METRE = 1 / 111_320


def write(conn, catalogue, class_id, shapes, **columns):
    """Write rows and ask what they repeat."""
    since = data_version(conn, class_id)
    write_batches(conn, catalogue, [batch(class_id, shapes, columns)], CHANGE)
    return stored_duplicates(conn, catalogue.get_class(class_id), since)


def north(metres):
    return shapely.Point(LON, LAT + metres * METRE)


def test_a_first_load_repeats_nothing(town, catalogue):
    assert write(town, catalogue, "manholes", {"a": north(0), "b": north(0)}).total == 0


def test_new_points_are_told_with_the_nearest_stored_one_of_their_kind(town, catalogue):
    write(
        town,
        catalogue,
        "manholes",
        {"a": north(0), "b": north(0.4), "g": north(0.2)},
        kind=["gas", "gas", "water"],
    )
    given = {"n": north(0.3), "far": north(1), "a": north(0), "m": north(0.3)}
    found = write(town, catalogue, "manholes", given, kind=["gas", "gas", "gas", None])
    assert found.total == 1
    assert found.pairs == [StoredPair("n", "b", pytest.approx(0.1, abs=0.01))]


def test_a_row_that_moved_onto_another_is_told_and_one_that_stays_is_not(town, catalogue):
    write(town, catalogue, "toilets", {"a": north(0), "b": north(50)}, kind=[None, None])
    assert write(town, catalogue, "toilets", {"a": north(0)}, kind=[None]).total == 0
    assert write(town, catalogue, "toilets", {"a": north(47)}, kind=[None]).pairs[0].other == "b"


@pytest.mark.parametrize("class_id", ["parks", "markets"])
def test_equal_polygons_are_told(town, catalogue, class_id):
    square = shapely.MultiPolygon([shapely.box(LON, LAT, LON + 0.001, LAT + 0.001)])
    other = shapely.MultiPolygon([shapely.box(LON, LAT, LON + 0.001, LAT + 0.0011)])
    write(town, catalogue, class_id, {"a": square})
    found = write(town, catalogue, class_id, {"b": square.reverse(), "c": other})
    assert found.pairs == [StoredPair("b", "a", 0.0)]


def test_equal_lines_are_told_only_of_one_kind(town, catalogue):
    line = shapely.MultiLineString([[(LON, LAT), (LON + 0.001, LAT + 0.002)]])
    write(town, catalogue, "pipes", {"a": line}, kind=["gas"])
    found = write(town, catalogue, "pipes", {"b": line.reverse(), "c": line}, kind=["gas", "water"])
    assert found.pairs == [StoredPair("b", "a", 0.0)]


def test_all_are_counted_and_the_first_named(town, catalogue):
    write(town, catalogue, "toilets", {"a": north(0)})
    since = data_version(town, "toilets")
    write_batches(town, catalogue, [batch("toilets", {f"n{i}": north(i / 10) for i in range(9)})], CHANGE)
    found = stored_duplicates(town, catalogue.get_class("toilets"), since, limit=2)
    assert found.total == 9
    assert [pair.code for pair in found.pairs] == ["n0", "n1"]


def test_a_class_of_the_city_without_a_kind_is_compared_too(town, catalogue):
    classes = [cls.id for cls in catalogue.classes.values()]
    for class_id in classes:
        assert stored_duplicates(town, catalogue.get_class(class_id), since=0).total == 0


def test_ten_thousand_new_rows_beside_as_many_are_found_by_the_index(town, catalogue):
    write(town, catalogue, "street_trees", {f"a{i}": north(i * 2) for i in range(5_000)})
    found = write(town, catalogue, "street_trees", {f"b{i}": north(i * 2 + 0.1) for i in range(5_000)})
    assert found.total == 5_000
    assert len(found.pairs) == 1_000
