"""Areas of several levels: land is cut once, and every level adds up to the whole."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.coverage.compute import compute
from app.coverage.drawn import objects
from app.coverage.levels import combine, levels_below, parse_levels
from app.coverage.results import area_rows, result_rows
from app.errors import BadInput
from tests.coverage.land import areas, town

DISTRICTS = areas("district", W=shapely.box(0, 0, 1000, 1000), E=shapely.box(1000, 0, 2000, 1000))
#: Two subdistricts in W, one in E that leaves its north out, one that crosses the border by 100 m.
STREETS = areas(
    "subdistrict",
    W1=shapely.box(0, 500, 1000, 1000),
    W2=shapely.box(0, 0, 900, 500),
    E1=shapely.box(900, 0, 2000, 500),
)


def test_levels_are_parsed_coarsest_first():
    assert parse_levels("grid, city") == ("city", "grid")
    assert parse_levels(["all"]) == ("city", "district", "subdistrict", "community", "grid")
    assert parse_levels(None) == ()
    with pytest.raises(BadInput, match="level"):
        parse_levels(["districts"])


def test_only_parts_of_an_area_are_reported():
    assert levels_below((), None) == ("district",)
    assert levels_below((), "district") == ("subdistrict",)
    assert levels_below(("city", "community", "grid"), "subdistrict") == ("community", "grid")
    with pytest.raises(BadInput, match="no parts"):
        levels_below(("city",), "district")


def test_parts_do_not_overlap_and_hold_each_area_whole():
    both = combine([DISTRICTS, STREETS])
    assert both.code == ["W", "E", "W1", "W2", "E1"]
    ones = both.add_up(shapely.area(both.geometry), np.arange(len(both.geometry)))
    assert ones == pytest.approx([1e6, 1e6, 500_000, 450_000, 550_000])
    assert shapely.area(shapely.union_all(both.geometry)) == pytest.approx(shapely.area(both.geometry).sum())


def test_every_level_of_a_drawn_town():
    """Four parcels of 100 x 100 m; one lies across W and E, the toilet serves the whole of the first only."""
    parcels = [shapely.box(100, 100, 200, 200), shapely.box(950, 600, 1050, 700),
               shapely.box(1500, 600, 1600, 700), shapely.box(1500, 100, 1600, 200)]  # fmt: skip
    inputs = town(
        parcels, [10, 20, 40, 80], [shapely.Point(150, 150)], None, reported=combine([DISTRICTS, STREETS])
    )
    rows = {row["code"]: row for row in area_rows(inputs, compute(inputs, ("straight",)))}
    assert {code: row["people"] for code, row in rows.items()} == {
        "W": 20,
        "E": 130,
        "W1": 10,
        "W2": 10,
        "E1": 80,
    }
    assert {code: row["people_served"] for code, row in rows.items()} == {
        "W": 10,
        "E": 0,
        "W1": 0,
        "W2": 10,
        "E1": 0,
    }
    assert {code: row["land_m2"] for code, row in rows.items()} == {
        "W": 15_000, "E": 25_000, "W1": 5_000, "W2": 10_000, "E1": 10_000,
    }  # fmt: skip
    assert {code: row["met"] for code, row in rows.items()} == {
        "W": True, "E": False, "W1": False, "W2": True, "E1": False,
    }  # fmt: skip
    whole = result_rows(inputs, compute(inputs, ("straight",)), {"official": False})[0]
    assert (whole["people"], whole["land_m2"], whole["value"], whole["unit"]) == (150, 40_000, 0.25, "share")


def test_facilities_count_where_they_are_at_home():
    inputs = town([shapely.box(0, 0, 100, 100)], [1], [shapely.Point(5, 5)], None, reported=DISTRICTS)
    inputs.supplies[0].bands[0].places.path[0] = "C/E/E1"
    rows = area_rows(inputs, compute(inputs, ("straight",)))
    assert [(row["code"], row["facilities"]) for row in rows] == [("W", 0), ("E", 1)]


def test_an_area_without_demand_has_no_share():
    inputs = town([shapely.box(0, 0, 100, 100)], [1], [shapely.Point(5, 5)], None, reported=DISTRICTS)
    west, east = area_rows(inputs, compute(inputs, ("straight",)))
    assert (west["share_of_land"], west["reason"]) == (1.0, None)
    assert (east["share_of_land"], east["share_of_people"], east["value"], east["met"]) == (
        None,
        None,
        None,
        None,
    )
    assert "no residential land" in east["reason"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 17), st.integers(0, 7), st.integers(1, 4)), min_size=1, max_size=6))
def test_districts_cut_with_finer_levels_keep_their_sums(corners):
    parcels = [shapely.box(x * 100, y * 100, (x + n) * 100, (y + n) * 100) for x, y, n in corners]
    people = [100.0] * len(parcels)
    toilet = [shapely.Point(1000, 500)]
    grid = areas("grid", **{f"g{x}{y}": shapely.box(x * 333, y * 333, x * 333 + 333, y * 333 + 333)
                            for x in range(6) for y in range(3)})  # fmt: skip
    alone, finer = (
        town(parcels, people, toilet, None, reported=reported)
        for reported in (DISTRICTS, combine([DISTRICTS, STREETS, grid]))
    )
    for a, b in zip(
        area_rows(alone, compute(alone, ("straight",))),
        area_rows(finer, compute(finer, ("straight",))),
        strict=False,
    ):
        assert a["code"] == b["code"]
        assert b["land_served_m2"] == pytest.approx(a["land_served_m2"], abs=0.2)
        assert b["land_m2"] == pytest.approx(a["land_m2"], abs=0.2)


def test_levels_that_hold_nothing_are_left_out():
    assert combine([areas("city"), DISTRICTS]) is DISTRICTS
    assert combine([]).code == []
    assert len(objects([])) == 0
