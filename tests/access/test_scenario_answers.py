"""What a scenario and the guard tell of facilities and sites: those that who asks sees, though the engine sees all."""

from __future__ import annotations

import pytest
import shapely

from app.coverage.engine import Engine
from app.database.scope import SERVICE, Scope, within
from tests.coverage.test_loading import drawn, write

REMOVE = {"class": "toilets", "code": "w"}
IN_WEST = Scope("internal", ("T1",), (), None, "west")
ANYBODY = Scope("public", None, (), None, "public")


@pytest.fixture
def city(database, catalogue):
    """Two districts; beside the toilet `w` at their border a shut one in the east and a public property in each."""
    places = {
        "T": shapely.box(0, 0, 2000, 1000),
        "T1": shapely.box(0, 0, 1000, 1000),
        "T2": shapely.box(1000, 0, 2000, 1000),
    }
    said = {
        "level": ["city", "district", "district"],
        "kind": ["city", "urban_district", "urban_district"],
        "parent": [None, "T", "T"],
    }
    write(database, catalogue, drawn("districts", places, said))
    toilets = {"w": (985, 500), "shut": (1005, 500), "e": (1400, 500)}
    owned = {"own": (972, 497), "other": (1003, 504)}
    write(
        database,
        catalogue,
        drawn(
            "toilets",
            {code: shapely.Point(*xy) for code, xy in toilets.items()},
            {"state": ["in_service", "out_of_use", "in_service"]},
        ),
        drawn(
            "public_properties",
            {code: shapely.box(x, y, x + 8, y + 8) for code, (x, y) in owned.items()},
            {"kind": ["office", "office"]},
        ),
        drawn(
            "residential_areas",
            {"a": shapely.box(880, 460, 960, 540)},
            {"kind": ["land"], "people": [500]},
        ),
    )
    return database


def border_of(city):
    """The longitude of the border between the districts."""
    with city.read() as conn:
        row = conn.exec_driver_sql("SELECT max(ST_XMax(geom)) FROM city.districts WHERE code = 'T1'").one()
    return row[0]


@pytest.mark.parametrize(
    ("scope", "sites", "nearest"),
    [
        (SERVICE, {"shut", "own", "other"}, {"e"}),
        (IN_WEST, {"own"}, {None}),
        (ANYBODY, {"shut"}, {"e"}),
    ],
    ids=["service", "west", "public"],
)
def test_the_guard_tells_of_sites_and_facilities_that_one_sees(city, catalogue, scope, sites, nearest):
    engine = Engine(city, catalogue)
    asked = {"policy": "toilet-300", "mode": "straight", "area": "T1"}
    with within(scope):
        found = engine.answer({"op": "guard", "remove": REMOVE, "within_m": 150.0, **asked})
        patched = engine.answer(
            {"op": "scenario", "scenario": {"patches": [{"do": "remove", **REMOVE}]}, **asked}
        )
    assert found["falls"]
    told = {site["code"] for side in ("sites", "plan") for site in found[side]} - {None}
    assert told == sites
    assert found["restored_by_one"] == any(site["restores"] for site in found["sites"])
    if scope is IN_WEST:
        border = border_of(city)
        assert all(site["lon"] <= border for side in ("sites", "plan") for site in found[side])
    for answer in (found, patched):
        assert {row["nearest_code"] for row in answer["losses"] if row["nearest_m"]} == nearest


def test_the_guard_counts_no_site_that_one_does_not_see(city, catalogue):
    engine = Engine(city, catalogue)
    counts = {}
    for name, scope in (("all", SERVICE), ("west", IN_WEST), ("public", ANYBODY)):
        with within(scope):
            found = engine.answer(
                {"op": "guard", "remove": REMOVE, "within_m": 60.0, "policy": "toilet-300", "mode": "straight",
                 "area": "T1"}
            )  # fmt: skip
        counts[name] = found["sites_tried"]
        assert len(found["sites"]) == min(found["sites_tried"], 20)
    # Two public properties are hidden from the public; of the east nobody in the west knows a place.
    assert counts["public"] == counts["all"] - 2
    assert 0 < counts["west"] < counts["public"]
