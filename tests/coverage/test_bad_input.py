"""What cannot be answered: a clear problem, or a figure with a flag; never a wrong number without one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import shapely

from app.coverage.compute import compute
from app.coverage.details import both_modes, equity_rows, histogram_rows
from app.coverage.engine import Engine
from app.coverage.results import area_rows, gap_rows, result_rows
from app.errors import BadInput, NotFound
from app.space.metric import metric_crs
from tests.clones import clone, opened
from tests.coverage.land import areas, town
from tests.coverage.test_loading import drawn, write

CRS = metric_crs("EPSG:4548")
HOME = shapely.box(0, 0, 100, 100)
STREET = [[(-100, -5), (400, -5)]]
#: One sentence that ends, and a hint that says what to do.
#: The first line of what is told; the hint stands below it in a traceback.
SENTENCE = r"(?m)\A\S.*\.$"


def figures(inputs):
    found = compute(inputs, ("straight", "walk"))
    rows = {row["mode"]: row for row in result_rows(inputs, found, {"official": True})}
    return rows["straight"], rows["walk"], found


def test_without_demand_shares_are_unknown():
    inputs = town([], [], [shapely.Point(0, 0)], STREET)
    for row in figures(inputs)[:2]:
        shown = (
            row["share_of_land"],
            row["share_of_people"],
            row["value"],
            row["met"],
            row["people"],
            row["land_m2"],
        )
        assert shown == (None,) * 6
        assert "no residential land" in row["reason"]
        assert not row["official"]
    found = figures(inputs)[2]
    assert equity_rows(inputs, found, [])[0]["gini_distance"] is None
    assert all(row["median_m"] == {"people": None, "land": None} for row in histogram_rows(inputs, found))


def test_land_without_people_has_a_share_of_land_alone():
    straight, walk, _ = figures(town([HOME], [0], [shapely.Point(50, 50)], STREET))
    assert (straight["share_of_land"], straight["share_of_people"], straight["people"]) == (1.0, None, None)
    assert (walk["value"], walk["met"]) == (1.0, True)


def test_without_streets_walking_is_unknown_and_says_so():
    inputs = town([HOME], [10], [shapely.Point(50, 50)], None, reported=areas("district", W=HOME))
    straight, walk, found = figures(inputs)
    assert straight["share_of_land"] == 1.0
    assert (walk["share_of_land"], walk["people_served"], walk["value"], walk["met"]) == (
        None,
        None,
        None,
        None,
    )
    assert walk["reason"] == "there are no streets to walk on"
    row = next(row for row in area_rows(inputs, found) if row["mode"] == "walk")
    assert (row["share_of_people"], row["reason"]) == (None, "there are no streets to walk on")
    assert [row["mode"] for row in histogram_rows(inputs, found)] == ["straight"]


def test_an_empty_supply_serves_nobody_and_says_so():
    inputs = town([HOME], [10], [], STREET)
    for row in figures(inputs)[:2]:
        assert (row["share_of_land"], row["people_served"], row["facilities"]) == (0.0, 0, 0)
        assert row["reason"] == "no facility of this kind is in the data"
        assert not row["met"]
    found = figures(inputs)[2]
    columns = gap_rows(inputs, found, CRS)
    assert columns["nearest_m"] == columns["nearest_code"] == columns["nearest_name"] == [None, None]
    assert len(both_modes(inputs, found)["drawn"]) == 0
    assert histogram_rows(inputs, found)[0]["unreached"] == {"people": 10, "land_m2": 10_000}
    assert equity_rows(inputs, found, [])[0]["gini_distance"] is None


def test_a_network_of_three_islands():
    """Three streets that never meet, a toilet on the first: homes on the others are gaps that nothing reaches."""
    lines = [[(0, y), (200, y)] for y in (0, 100, 200)]
    homes = [shapely.box(80, y - 8, 120, y + 8) for y in (0, 100, 200)]
    inputs = town(homes, [1, 2, 4], [shapely.Point(100, 0)], lines)
    straight, walk, found = figures(inputs)
    assert (straight["people_served"], walk["people_served"]) == (7, 1)
    rows = gap_rows(inputs, found, CRS)
    assert [rows["nearest_m"][i] for i, mode in enumerate(rows["mode"]) if mode == "walk"] == [None, None]
    parts = both_modes(inputs, found)["drawn"]
    assert (parts.people.tolist(), set(parts.cause)) == ([4, 2], {"island"})


def test_polygons_with_slivers_and_twins():
    """Neighbours that overlap by a hair, a needle of no width, a parcel drawn twice: land is counted once."""
    needle = shapely.Polygon([(0, 200), (100, 200), (100, 200.00000001), (0, 200.00000001)])
    homes = [HOME, shapely.box(99.9999, 0, 200, 100), needle, HOME]
    halves = areas("district", W=shapely.box(0, 0, 100.00005, 300), E=shapely.box(100, 0, 300, 300))
    inputs = town(homes, [10, 20, 5, 3], [shapely.Point(100, 50)], STREET, reported=halves)
    straight, _, found = figures(inputs)
    assert straight["land_m2"] == pytest.approx(20_000, abs=0.2)
    assert straight["share_of_land"] == pytest.approx(1.0)
    assert straight["people"] == pytest.approx(38, abs=5)
    assert sum(
        row["land_m2"] for row in area_rows(inputs, found) if row["mode"] == "straight"
    ) == pytest.approx(20_000, abs=1)
    for geometry in shapely.from_wkb(np.array(gap_rows(inputs, found, CRS)["geom"], dtype=object)):
        assert geometry.is_valid


@pytest.fixture(scope="module")
def city(cluster_settings, template, catalogue):
    """A street, a parcel of 100 people, a toilet, two districts; nothing is written after."""
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        yield _engine(database, catalogue)


def _engine(database, catalogue) -> Engine:
    boxes = {"W": shapely.box(-500, -500, 500, 500), "E": shapely.box(500, -500, 1500, 500)}
    write(
        database,
        catalogue,
        drawn(
            "streets",
            {"s": shapely.LineString([(-500, 0), (1500, 0)])},
            {"kind": ["residential"], "walk": ["public"]},
        ),
        drawn(
            "districts",
            boxes,
            {"name_zh": ["西城区", "东城区"], "level": ["district"] * 2, "parent": [None] * 2},
        ),
        drawn("toilets", {"t": shapely.Point(50, 5)}),
        drawn(
            "residential_areas", {"a": shapely.box(0, -110, 100, -10)}, {"kind": ["land"], "people": [100]}
        ),
    )
    return Engine(database, catalogue)


def ask(engine, **given):
    return engine.answer({"op": "coverage", "policy": "toilet-300", **given})


@pytest.mark.parametrize(
    ("given", "error", "word"),
    [
        ({"area": "西成区"}, NotFound, "西城区"),
        ({"area": "Wst"}, NotFound, "W"),
        ({"policy": "toilet-3000"}, NotFound, "toilet-300"),
        ({"levels": ["street"]}, BadInput, "subdistrict"),
        ({"area": "W", "levels": ["city"]}, BadInput, "subdistrict"),
        ({"mode": "fly"}, BadInput, "walk"),
        ({"parameters": {"radius_m": 0}}, BadInput, "radius_m"),
        ({"parameters": {"radius_m": -300}}, BadInput, "radius_m"),
        ({"parameters": {"radius_m": 1e9}}, BadInput, "radius_m"),
        ({"parameters": {"radius_m": "far"}}, BadInput, "radius_m"),
        ({"parameters": {"speed_m_s": 40}}, BadInput, "speed_m_s"),
        ({"parameters": {"radios_m": 300}}, BadInput, "radius_m"),
        ({"as_of": "2020-02-30"}, BadInput, "is not a date"),
        ({"known_at": "99999999"}, BadInput, "known_at"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence_with_a_hint(city, given, error, word):
    with pytest.raises(error, match=SENTENCE) as caught:
        ask(city, **given)
    assert caught.value.hint
    assert word in f"{caught.value.message} {caught.value.hint}"


def test_a_district_without_demand_is_neither_served_nor_unserved(city):
    rows = {(row["code"], row["mode"]): row for row in ask(city)["areas"]}
    for mode in ("straight", "walk"):
        assert rows["W", mode]["share_of_people"] == 1.0
        east = rows["E", mode]
        assert (east["share_of_people"], east["share_of_land"], east["met"]) == (None, None, None)
        assert east["reason"].startswith("no residential land")


def test_a_day_before_all_data_has_no_figures_but_a_reason(database, catalogue):
    parcel = drawn(
        "residential_areas", {"a": shapely.box(0, -110, 100, -10)}, {"kind": ["land"], "people": [9]}
    )
    write(database, catalogue, replace(parcel, valid=[(date(2020, 1, 1), None)]))
    answer = ask(Engine(database, catalogue), as_of="1900-01-01")
    for row in answer["results"]:
        assert (row["share_of_land"], row["share_of_people"], row["facilities"]) == (None, None, 0)
        assert row["reason"]
    assert not answer["inputs"]["official"]


def test_an_empty_database_says_how_to_load_one(database, catalogue):
    with pytest.raises(NotFound, match="holds no data") as caught:
        ask(Engine(database, catalogue))
    assert "chengtu import" in caught.value.hint


def test_a_city_of_streets_alone_is_answered_with_reasons(database, catalogue):
    write(
        database,
        catalogue,
        drawn("streets", {"s": shapely.LineString([(0, 0), (90, 0)])}, {"kind": ["residential"]}),
    )
    answer = ask(Engine(database, catalogue), levels=["all"])
    assert answer["areas"] == []
    assert all(row["value"] is None and row["reason"] for row in answer["results"])
    assert answer["gaps"]["code"] == []
    assert answer["details"]["difference"][0]["parts"] == 0
