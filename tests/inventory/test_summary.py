"""Figures of the drawn town: numbers by home, sizes cut at borders, against lengths measured on the ellipsoid."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import shapely
from pyproj import Geod
from sqlalchemy import text

from app.errors import NotFound
from app.inventory.area_rows import get_area, list_areas
from app.inventory.areas_job import recompute_within
from app.inventory.service import delete_features, write_batches
from app.inventory.summary import summary
from app.inventory.times import Times
from tests.inventory.town import CHANGE, batch, districts, line, place, square

GEOD = Geod(ellps="GRS80")
CROSSING = line((-1, 1), (3, 1))


def batches():
    return [
        districts(),
        batch(
            "toilets",
            {"a": place(-1, 1), "b": place(1, 1), "c": place(1, -1), "far": place(9, 9), "cut": place(1, 1)},
            {"kind": ["public", "public", None, "mobile", "public"],
             "state": ["in_service", None, "planned", None, None],
             "built_on": [date(2021, 3, 1), date(2021, 8, 1), None, date(1999, 1, 1), None]},
            incomplete=["cut"],
        ),
        batch("streets", {"s": CROSSING, "t": line((-1, 0.5), (-1, -0.5))}, {"kind": ["trunk", "steps"]}),
        batch("parks", {"p": square(-0.25, 1, 1), "q": square(-2, -2, 0.5)}),
    ]  # fmt: skip


@pytest.fixture
def full(conn, catalogue):
    write_batches(conn, catalogue, batches(), CHANGE)
    return conn


def of(result, class_id):
    return next(item for item in result["classes"] if item["id"] == class_id)


def figures(rows, key, figure="count"):
    return {row[key]: row[figure] for row in rows}


def km(*ends: tuple[float, float]):
    return GEOD.geometry_length(line(*ends)) / 1000


def test_points_are_counted_by_kind_state_year_and_home(full, catalogue):
    toilets = of(summary(full, catalogue), "toilets")
    assert (toilets["count"], toilets["incomplete"], toilets["measure"]) == (5, 1, "count")
    assert figures(toilets["by_kind"], "value") == {"public": 3, "mobile": 1, None: 1}
    assert toilets["by_kind"][0]["title"]["en"]
    assert figures(toilets["by_state"], "value") == {"planned": 1, "in_service": 1, None: 3}
    assert figures(toilets["by_year"], "year") == {1999: 1, 2021: 2, None: 2}
    assert figures(toilets["by_district"], "code") == {"E": 3, "W": 1, None: 1}
    assert "length_km" not in toilets


def test_lines_are_cut_at_the_border_and_counted_at_home(full, catalogue):
    streets = of(summary(full, catalogue), "streets")
    assert streets["count"] == 2
    assert figures(streets["by_district"], "code") == {"E": 1, "W": 1, None: 0}
    by_district = figures(streets["by_district"], "code", "length_km")
    assert by_district["W"] == pytest.approx(km((-1, 1), (0, 1)) + km((-1, 0.5), (-1, -0.5)), rel=3e-4)
    assert by_district["E"] == pytest.approx(km((0, 1), (2, 1)), rel=3e-4)
    assert by_district[None] == pytest.approx(km((2, 1), (3, 1)), rel=3e-4)
    assert sum(by_district.values()) == pytest.approx(streets["length_km"], abs=1e-5)
    assert figures(streets["by_kind"], "value", "length_km")["trunk"] == pytest.approx(
        km((-1, 1), (3, 1)), rel=3e-4
    )


def test_areas_are_cut_at_the_border(full, catalogue):
    parks = of(summary(full, catalogue), "parks")
    by_district = figures(parks["by_district"], "code", "area_m2")
    quarter = GEOD.geometry_area_perimeter(square(-0.25, 1, 1))[0] / 4
    half = GEOD.geometry_area_perimeter(square(-2, -2, 0.5))[0]
    assert by_district["W"] == pytest.approx(quarter + half, rel=4e-4)
    assert by_district["E"] == pytest.approx(3 * quarter, rel=4e-4)
    assert figures(parks["by_district"], "code") == {"E": 1, "W": 1}


def test_one_area_holds_what_is_at_home_and_cuts_the_rest(full, catalogue):
    found = summary(full, catalogue, "W1区")
    assert found["area"]["code"] == "W1"
    assert of(found, "toilets")["count"] == 1
    streets = of(found, "streets")
    assert streets["count"] == 1
    assert streets["length_km"] == pytest.approx(km((-1, 1), (0, 1)) + km((-1, 0.5), (-1, 0)), rel=3e-4)
    assert list(figures(streets["by_district"], "code")) == ["W"]


@pytest.mark.parametrize("area", ["C", "W", "E", "W2"])
def test_areas_add_up(full, catalogue, area):
    """The subareas of an area have what the area has."""
    below = [row["code"] for row in list_areas(full) if row["parent"] == area] or [area]
    whole = summary(full, catalogue, area)
    parts = [summary(full, catalogue, code) for code in below]
    for class_id, figure in (("streets", "length_km"), ("parks", "area_m2"), ("toilets", "count")):
        added = sum(of(part, class_id)[figure] for part in parts)
        assert added == pytest.approx(of(whole, class_id)[figure], rel=1e-6, abs=1e-5)


def test_an_empty_city_has_figures_too(read_conn, catalogue):
    found = summary(read_conn, catalogue)
    assert found["metric_crs"] is None
    assert {item["count"] for item in found["classes"]} == {0}
    assert [item["id"] for item in found["classes"]] == list(catalogue.classes)


def test_areas_are_found_by_code_and_name(full):
    assert get_area(full, "W")["name_zh"] == "W区"
    assert get_area(full, "Area E2")["code"] == "E2"
    assert [area["code"] for area in list_areas(full, "district")] == ["E", "W"]
    assert [area["level"] for area in list_areas(full)] == ["city"] + ["district"] * 2 + ["subdistrict"] * 4
    with pytest.raises(NotFound) as error:
        get_area(full, "Area E3")
    assert "Area E2" in str(error.value.hint)
    with pytest.raises(NotFound):
        list_areas(full, "street")


@pytest.fixture
def communities(full, catalogue):
    """The town with three communities: W1 cut in two, and one that covers E1 but for its eastern half."""
    west, south, east, north = shapely.union_all([place(-2, 0), place(0, 2)]).bounds
    middle = (west + east) / 2
    shapes = {
        "W1a": shapely.box(west, south, middle, north),
        "W1b": shapely.box(middle, south, east, north),
        "E1a": square(0, 0, 1).union(square(0, 1, 1)),
    }
    columns = {"level": ["community"] * 3, "parent": ["W1", "W1", "E1"], "name_zh": [None, "乙社区", None]}
    write_batches(full, catalogue, [batch("districts", shapes, columns)], CHANGE)
    recompute_within(full, catalogue)
    return full


def test_figures_are_broken_down_by_subdistrict_and_community(communities, catalogue):
    by_subdistrict = summary(communities, catalogue, level="subdistrict")
    assert by_subdistrict["area_level"] == "subdistrict"
    streets = of(by_subdistrict, "streets")
    assert "by_district" not in streets
    found = figures(streets["by_subdistrict"], "code", "length_km")
    assert set(found) == {"W1", "W2", "E1", "E2", None}
    assert found["W1"] == pytest.approx(km((-1, 1), (0, 1)) + km((-1, 0.5), (-1, 0)), rel=3e-4)
    assert found["E2"] == 0
    by_community = of(summary(communities, catalogue, level="community"), "streets")
    found = figures(by_community["by_community"], "code", "length_km")
    # the street t runs along the border of two communities, and beyond them; what both claim is given to one
    assert found["W1a"] + found["W1b"] == pytest.approx(
        km((-1, 1), (0, 1)) + km((-1, 0.5), (-1, 0)), rel=3e-4
    )
    assert found["E1a"] == pytest.approx(km((0, 1), (1, 1)), rel=3e-4)
    assert sum(found.values()) == pytest.approx(by_community["length_km"], abs=1e-5)
    assert by_community["length_km"] == pytest.approx(streets["length_km"], abs=1e-5)


def test_what_leaves_the_only_community_it_touches_is_cut_there(communities, catalogue):
    """A park half in E1a and half in the part of E1 without a community: no district border tells of it."""
    write_batches(communities, catalogue, [batch("parks", {"half": square(0.5, 0.5, 1)})], CHANGE)
    parks = of(summary(communities, catalogue, level="community"), "parks")
    found = figures(parks["by_community"], "code", "area_m2")
    half = GEOD.geometry_area_perimeter(square(0.5, 0.5, 1))[0] / 2
    inside = GEOD.geometry_area_perimeter(square(-0.25, 1, 1))[0] * 3 / 4
    assert found["E1a"] == pytest.approx(half + inside, rel=4e-4)
    assert found[None] == pytest.approx(half + GEOD.geometry_area_perimeter(square(-2, -2, 0.5))[0], rel=4e-4)


def test_one_area_by_its_communities(communities, catalogue):
    found = summary(communities, catalogue, "W1", level="community")
    toilets = of(found, "toilets")
    assert [row["code"] for row in toilets["by_community"]] == ["W1a", "W1b"]
    assert toilets["count"] == sum(row["count"] for row in toilets["by_community"]) == 1
    assert toilets["by_community"][1]["name_zh"] == "乙社区"
    with pytest.raises(NotFound):
        summary(communities, catalogue, level="grid")


def test_a_street_along_a_border_is_counted_once(full, catalogue):
    border = line((0, 0.2), (0, 1.2))
    write_batches(full, catalogue, [batch("streets", {"border": border})], CHANGE)
    streets = of(summary(full, catalogue), "streets")
    expected = km((0, 0.2), (0, 1.2)) + km((-1, 1), (3, 1)) + km((-1, 0.5), (-1, -0.5))
    assert streets["length_km"] == pytest.approx(expected, rel=3e-4)
    home = full.execute(text("SELECT area_path FROM city.streets WHERE code = 'border'")).scalar()
    by_district = figures(streets["by_district"], "code", "length_km")
    mine = {"W": km((-1, 1), (0, 1)) + km((-1, 0.5), (-1, -0.5)), "E": km((0, 1), (2, 1))}
    district = home.split("/")[1]
    assert by_district[district] == pytest.approx(mine[district] + km((0, 0.2), (0, 1.2)), rel=3e-4)


def test_named_classes_only(full, catalogue):
    found = summary(full, catalogue, classes=["parks", "toilets", "parks"])
    assert [item["id"] for item in found["classes"]] == ["parks", "toilets"]
    with pytest.raises(NotFound):
        summary(full, catalogue, classes=["parcs"])


def test_another_day_has_its_own_figures(full, catalogue):
    """Toilet b is there until 2021; toilet new from 2020-06 on, in two states; the park grows in 2021."""
    day = date(2021, 1, 1)
    old = replace(batch("toilets", {"b": place(1, 1)}, {"kind": ["public"]}), valid=[(None, day)])
    new = batch("toilets", {"new": place(1, 1)}, {"state": ["under_construction"]})
    later = batch("toilets", {"new": place(1, 1)}, {"state": ["in_service"]})
    park = replace(batch("parks", {"p": square(-0.25, 1, 0.5)}), valid=[(None, day)])
    delete_features(full, catalogue, "toilets", ["b"], CHANGE)
    write_batches(full, catalogue, [old, park], CHANGE)
    write_batches(full, catalogue, [replace(new, valid=[(date(2020, 6, 1), day)])], CHANGE)
    write_batches(full, catalogue, [replace(later, valid=[(day, None)])], CHANGE)

    def on(*when: int) -> dict[str, Any]:
        return summary(full, catalogue, times=Times(as_of=date(*when)))

    assert [of(on(*when), "toilets")["count"] for when in ((2020, 1, 1), (2020, 12, 31), (2021, 1, 1))] == [
        5,
        6,
        5,
    ]
    assert figures(of(on(2020, 12, 31), "toilets")["by_state"], "value").get("under_construction") == 1
    assert figures(of(on(2021, 1, 1), "toilets")["by_state"], "value").get("under_construction") is None
    assert on(2020, 12, 31)["as_of"] == "2020-12-31"
    assert summary(full, catalogue)["as_of"] is None
    assert of(summary(full, catalogue), "toilets")["count"] == 5
    before, after = (of(on(*when), "parks")["area_m2"] for when in ((2020, 12, 31), (2021, 1, 1)))
    grown = GEOD.geometry_area_perimeter(square(-0.25, 1, 1))[0] * 3 / 4
    assert after - before == pytest.approx(grown, rel=4e-4)


def test_figures_follow_every_write(full, catalogue):
    """What is kept between requests is kept for a data version only."""
    assert of(summary(full, catalogue), "toilets")["count"] == 5
    write_batches(full, catalogue, [batch("toilets", {"z": place(1, 1)})], CHANGE)
    assert of(summary(full, catalogue), "toilets")["count"] == 6
    wider = {"W": shapely.box(115.84, 28.66, 115.875, 28.7), "E": shapely.box(115.875, 28.66, 115.88, 28.7)}
    write_batches(full, catalogue, [districts(**wider)], CHANGE)
    recompute_within(full, catalogue)
    assert figures(of(summary(full, catalogue), "toilets")["by_district"], "code")["W"] == 5
