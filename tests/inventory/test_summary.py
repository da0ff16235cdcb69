"""Figures of the drawn town: numbers by home, sizes cut at borders, against lengths measured on the ellipsoid."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pyproj import Geod

from app.errors import NotFound
from app.inventory.area_rows import get_area, list_areas
from app.inventory.routes import router
from app.inventory.service import write_batches
from app.inventory.summary import summary
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


def test_the_summary_over_http_and_on_the_command_line(database, settings, catalogue, environment):
    with database.write() as conn:
        write_batches(conn, catalogue, batches(), CHANGE)
    app = FastAPI()
    app.include_router(router)
    app.state.settings, app.state.catalogue, app.state.db = settings, catalogue, database
    answer = TestClient(app).get("/summary", params={"area": "W"}).json()
    with database.read() as conn:
        assert answer == json.loads(json.dumps(summary(conn, catalogue, "W")))
    script = "import typer, app.inventory.commands as c; typer.run(c.summary_command)"
    command = [sys.executable, "-c", script, "--area", "W", "--json"]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == answer
