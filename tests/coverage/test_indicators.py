"""Policies that are counted, over a database drawn in metres: densities, shares, so many in each area, by hand.

Two districts of 1 km² each, W from x 0 and E from x 1000; the built-up area is their southern half.
"""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from app.coverage import edition_service as editions
from app.coverage.engine import Engine
from app.errors import BadInput
from tests.coverage.test_loading import CORNER, CRS, drawn, write

WEST, EAST = shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)


@pytest.fixture
def city(database, catalogue):
    write(
        database,
        catalogue,
        drawn(
            "districts",
            {"T": shapely.box(0, 0, 2000, 1000), "T1": WEST, "T2": EAST},
            {
                "level": ["city", "district", "district"],
                "kind": ["city", "urban_district", "urban_district"],
                "parent": [None, "T", "T"],
                "name_zh": ["城", "西区", "东区"],
            },
        ),
    )
    write(
        database,
        catalogue,
        drawn(
            "built_up_areas",
            {"old": WEST, "new": shapely.box(0, 0, 2000, 500), "plan": EAST},
            {"as_of": ["2010-12-31", "2021-12-31", "2190-12-31"]},
        ),
        drawn(
            "toilets",
            {
                code: shapely.Point(*xy)
                for code, xy in {
                    "w1": (100, 100),
                    "w2": (300, 100),
                    "e1": (1100, 400),
                    "north": (1100, 600),
                }.items()
            },
        ),
        drawn("streets", {"s": shapely.MultiLineString([[(500, 250), (1500, 250)]])}, {"kind": ["tertiary"]}),
        drawn("parks", {"p": shapely.box(900, 400, 1100, 600)}),
        drawn("green_spaces", {"g": shapely.box(1000, 400, 1200, 450)}),
        drawn(
            "residential_areas",
            {
                "a": shapely.box(0, 0, 200, 100),
                "b": shapely.box(1500, 0, 1700, 100),
                "a1": shapely.box(10, 10, 190, 90),
                "b1": shapely.box(1510, 10, 1690, 90),
            },
            {"kind": ["land", "land", "estate", "estate"], "people": [3000, 1000, None, None]},
        ),
    )
    return database


def lonlat(shape):
    """GeoJSON of a shape drawn in metres."""
    moved = np.array([shapely.transform(shape, lambda xy: xy + CORNER)], dtype=object)
    return shapely.geometry.mapping(CRS.to_lonlat(moved)[0])


def ask(city, catalogue, policy, **more):
    return Engine(city, catalogue).answer({"op": "coverage", "policy": policy, **more})


def by_area(answer, tier):
    return {row["code"]: row["value"] for row in answer["areas"] if row["tier"] == tier}


def test_toilets_for_each_square_kilometre_and_kilometre_of_street(city, catalogue):
    answer = ask(city, catalogue, "toilet-density")
    rows = {row["tier"]: row for row in answer["results"]}
    assert rows["built_up"]["value"] == 3  # three of the four toilets in 1 km², the newest dated area alone
    assert rows["built_up"]["denominator"] == pytest.approx(1, rel=1e-6)
    assert rows["built_up"]["met"] is True
    assert (rows["built_up"]["target"], rows["built_up"]["target_to"]) == (3, 5)
    assert by_area(answer, "built_up") == {"T1": 4, "T2": 2}
    assert rows["streets"]["value"] == pytest.approx(3, rel=1e-4)
    assert by_area(answer, "streets") == pytest.approx({"T1": 4, "T2": 2}, rel=1e-4)
    # one of them stands on or beside the 0.04 km² of residential land
    assert rows["residential"]["value"] == pytest.approx(25, rel=1e-4)
    assert answer["inputs"]["built_up_area_as_of"] == "2021-12-31"
    assert answer["modes"] == ["count"]


def test_green_land_of_two_classes_counts_once_inside_the_frame(city, catalogue):
    answer = ask(city, catalogue, "green-ratio")
    # 200 × 100 of the park lie in the frame; of the green 200 × 50, half of it in the park
    assert answer["results"][0]["value"] == pytest.approx(0.025, rel=1e-4)
    assert answer["results"][0]["numerator"] == pytest.approx(25_000, rel=1e-4)
    assert by_area(answer, "all") == pytest.approx({"T1": 0.02, "T2": 0.03}, rel=1e-4)


def test_an_amount_for_each_person_counts_the_people_of_the_frame(city, catalogue):
    row = ask(city, catalogue, "park-area-per-person")["results"][0]
    assert row["value"] == pytest.approx(20_000 / 4000, rel=1e-4)
    assert row["unit_title"] == {"zh": "m²/人", "en": "m² a person"}


def test_without_anything_to_compare_with_a_figure_is_null_and_says_why(city, catalogue):
    answer = ask(city, catalogue, "waste-kiosks")
    assert answer["results"][0]["value"] == 0  # both have none
    shaded = ask(city, catalogue, "shaded-streets")["results"][0]
    assert shaded["value"] is None
    assert shaded["met"] is None
    assert "none of the features" in shaded["reason"]


def test_so_many_in_each_area_is_judged_area_by_area(city, catalogue):
    write(city, catalogue, drawn("sorting_centres", {"c": shapely.Point(50, 50)}))
    answer = ask(city, catalogue, "sorting-centres")
    assert by_area(answer, "all") == {"T1": 1, "T2": 0}
    assert [row["met"] for row in answer["areas"]] == [True, False]
    row = answer["results"][0]
    assert (row["value"], row["unit"], row["target"], row["met"]) == (0.5, "share", 1, False)


def test_a_share_lists_what_lacks_and_what_has_it(city, catalogue):
    write(city, catalogue, drawn("waste_kiosks", {"k": shapely.Point(100, 50)}))
    answer = ask(city, catalogue, "waste-kiosks")
    assert answer["results"][0]["value"] == 0.5
    assert dict(zip(answer["units"]["code"], answer["units"]["served_share"], strict=True)) == {
        "a1": 1,
        "b1": 0,
    }
    assert answer["gaps"]["code"] == ["b1"]
    assert by_area(answer, "all") == {"T1": 1, "T2": 0}


def test_one_area_alone(city, catalogue):
    answer = ask(city, catalogue, "toilet-density", area="T1")
    assert {row["tier"]: row["value"] for row in answer["results"]}["built_up"] == pytest.approx(4, rel=1e-4)
    assert answer["inputs"]["official"] is False


def test_what_is_not_built_yet_or_gone_is_not_counted(city, catalogue):
    write(
        city,
        catalogue,
        drawn(
            "toilets",
            {"later": shapely.Point(400, 100), "gone": shapely.Point(500, 100)},
            {"built_on": ["2190-01-01", None], "removed_on": [None, "2000-01-01"]},
        ),
        drawn("parks", {"plan": shapely.box(0, 300, 100, 400)}, {"built_on": ["2190-01-01"]}),
    )
    rows = {row["tier"]: row for row in ask(city, catalogue, "toilet-density")["results"]}
    assert rows["built_up"]["numerator"] == 3
    assert rows["parks"]["denominator"] == pytest.approx(0.02, rel=1e-4)


def test_an_hour_leaves_out_what_is_closed_and_counts_what_does_not_say_as_unknown(city, catalogue):
    write(
        city,
        catalogue,
        drawn(
            "toilets",
            {"w1": shapely.Point(100, 100), "w2": shapely.Point(300, 100), "e1": shapely.Point(1100, 400)},
            {"opening_hours": ["24/7", "06:00-20:00", None]},
        ),
    )
    rows = ask(city, catalogue, "toilet-density", parameters={"at": "22:00"})["results"]
    assert (rows[0]["value"], rows[0]["unknown"]) == (1, 1)


def platforms(city, catalogue, *said):
    """What each district and the whole are told of platforms: two street offices lie west, one east."""
    parts = {"S1": shapely.box(0, 0, 500, 1000), "S2": shapely.box(500, 0, 1000, 1000), "S3": EAST}
    columns = {"level": ["subdistrict"] * 3, "parent": ["T1", "T1", "T2"], "platform": said}
    write(city, catalogue, drawn("districts", parts, columns))
    answer = ask(city, catalogue, "subdistrict-platforms")
    return [(row["value"], row["met"], row["unknown"]) for row in answer["areas"]], answer["results"][0]


def test_what_no_feature_says_of_itself_is_neither_there_nor_missed(city, catalogue):
    areas, whole = platforms(city, catalogue, None, None, None)
    assert areas == [(None, None, 2), (None, None, 1)]
    assert (whole["value"], whole["met"]) == (None, None)
    assert "do not say" in whole["reason"]
    # Two of the west have one, the east has one street office that says no: of one alone two cannot be had.
    areas, whole = platforms(city, catalogue, True, True, False)
    assert areas == [(2, True, 0), (0, False, 0)]
    assert (whole["value"], whole["met"]) == (0.5, False)
    # One more is needed, and the other does not say.
    areas, whole = platforms(city, catalogue, True, None, False)
    assert areas == [(None, None, 1), (0, False, 0)]
    assert (whole["value"], whole["met"]) == (None, False)


def test_nothing_of_a_kind_in_the_data_is_said(city, catalogue):
    centres, kiosks = (
        ask(city, catalogue, name)["results"][0] for name in ("sorting-centres", "waste-kiosks")
    )
    assert centres["value"] == kiosks["value"] == 0
    assert centres["reason"] == kiosks["reason"] == "no facility of this kind is in the data"


def test_walking_means_nothing_to_what_is_counted(city, catalogue):
    for name in ("speed_m_s", "snap_limit_m"):
        with pytest.raises(BadInput, match=f"{name} means nothing"):
            ask(city, catalogue, "toilet-density", parameters={name: 1})


def test_a_street_drawn_in_a_scenario_is_a_street_to_count_by(city, catalogue):
    street = {"do": "street", "geometry": lonlat(shapely.LineString([(800, 250), (800, 450)]))}
    request = {"op": "scenario", "policy": "toilet-density", "scenario": {"name": "", "patches": [street]}}
    rows = {row["tier"]: row for row in Engine(city, catalogue).answer(request)["after"]["results"]}
    assert rows["streets"]["value"] == pytest.approx(3 / 1.2, rel=1e-4)


def test_what_is_said_of_the_built_up_area_is_that_of_the_newest_and_of_no_part_of_it(city, catalogue):
    areas = {"old": WEST, "new": shapely.box(0, 0, 2000, 500), "plan": EAST}
    write(
        city,
        catalogue,
        drawn(
            "built_up_areas",
            areas,
            {"as_of": ["2010-12-31", "2021-12-31", "2190-12-31"], "canopy_area_m2": [9e5, 4e5, 9e5]},
        ),
    )
    answer = ask(city, catalogue, "green-coverage")
    assert answer["results"][0]["value"] == pytest.approx(0.4, rel=1e-4)
    assert [(row["value"], row["met"]) for row in answer["areas"]] == [(None, None)] * 2
    assert {row["reason"] for row in answer["areas"]} == {"this is said of the whole built-up area alone"}
    assert ask(city, catalogue, "green-coverage", area="T1")["results"][0]["value"] is None


def test_what_the_denominator_does_not_say_is_told_of(city, catalogue):
    nameless = {"x": shapely.box(100, 700, 200, 800), "y": shapely.box(1100, 100, 1200, 200)}
    write(city, catalogue, drawn("residential_areas", nameless, {"kind": [None, None]}))
    answer = Engine(city, catalogue).answer({"op": "coverage", "policy": "toilet-density"})
    # x lies outside the built-up area; what y is decides over the residential land alone.
    assert {row["tier"]: row["denominator_unknown"] for row in answer["results"]} == {
        "built_up": 0, "residential": 1, "parks": 0, "streets": 0,
    }  # fmt: skip
    land = {
        row["code"]: row["denominator_unknown"] for row in answer["areas"] if row["tier"] == "residential"
    }
    assert land == {"T1": 0, "T2": 1}


def test_a_feature_that_does_not_say_for_how_many_it_stands_is_unknown(city, catalogue):
    text = (
        "id: served-berths\ntitle: {zh: 位, en: Berths}\nkind: share_with\n"
        "of: {class: parking_lots, sum: berths}\nhaving: {supplies: [{class: toilets, radius_m: 50}]}\n"
    )
    lots = {"a": shapely.Point(100, 120), "b": shapely.Point(300, 400), "c": shapely.Point(1110, 400)}
    write(city, catalogue, drawn("parking_lots", lots, {"berths": [30, 90, None]}))
    with city.write() as conn:
        editions.save(conn, catalogue, text, "test", None)
    (row,) = Engine(city, catalogue).answer({"op": "coverage", "policy": "served-berths"})["results"]
    assert (row["value"], row["numerator"], row["denominator"], row["unknown"]) == (0.25, 30, 120, 1)
