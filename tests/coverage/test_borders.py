"""What lies exactly on a border counts in one area, the same one however it got there; gaps hold whom shares miss."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from app.coverage.engine import Engine
from app.coverage.whole import whole_people
from app.inventory.batch import Change
from app.inventory.service import write_batches
from tests.inventory.town import BOXES, LAT, LON, batch, districts, grid, place

#: On the border of E1 and E2 (and of cells), where all four subdistricts meet, on the outer edge, inside.
PLACES = {"between": (0.5, 0.0), "corner": (0.0, 0.0), "edge": (2.0, 0.3), "inside": (-1.2, 1.3)}


@pytest.fixture
def town(database, catalogue):
    with database.write() as conn:
        write_batches(conn, catalogue, [districts(), grid()], Change("test", "drawn", metric_crs="EPSG:4548"))
        homes = {"home": shapely.box(LON - 0.019, LAT - 0.019, LON + 0.019, LAT + 0.019)}
        street = {"s": shapely.LineString([(LON - 0.02, LAT), (LON + 0.02, LAT)])}
        write_batches(conn, catalogue, [
            batch("residential_areas", homes, {"kind": ["land"], "people": [1000]}),
            batch("streets", street, {"kind": ["residential"]}),
            batch("toilets", {"t": place(-1.9, -1.9)}),
        ], Change("test", "drawn"))  # fmt: skip
    return database


def counts(rows):
    return {row["code"]: row["facilities"] for row in rows if row["mode"] == "straight"}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("do", ["add", "move"])
def test_a_facility_on_a_border_counts_once_as_if_it_were_stored(town, catalogue, where, do):
    point = place(*PLACES[where])
    asked = {"policy": "toilet-300", "mode": "straight", "levels": "all"}
    engine = Engine(town, catalogue)
    before = counts(engine.answer({"op": "coverage", **asked})["areas"])
    patch = {"do": do, "class": "toilets", "geometry": shapely.geometry.mapping(point)}
    patch |= {"code": "t"} if do == "move" else {}
    after = engine.answer({"op": "scenario", **asked, "scenario": {"patches": [patch]}})["after"]["areas"]
    supposed = before | counts(after)
    code = "t" if do == "move" else "new"
    with town.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {code: point})], Change("test", "built"))
    stored = counts(engine.answer({"op": "coverage", **asked})["areas"])
    assert supposed == stored
    for level in (("C",), ("W", "E"), ("W1", "W2", "E1", "E2"), [code for code in stored if code[0] == "g"]):
        assert sum(stored[code] for code in level) == (1 if do == "move" else 2)


def test_what_is_moved_out_of_all_areas_counts_in_none(town, catalogue):
    patch = {
        "do": "move",
        "class": "toilets",
        "code": "t",
        "geometry": shapely.geometry.mapping(place(2.1, 0.1)),
    }
    asked = {"op": "scenario", "policy": "toilet-300", "mode": "straight", "scenario": {"patches": [patch]}}
    answer = Engine(town, catalogue).answer(asked)
    assert counts(answer["after"]["areas"])["W"] == 0
    assert answer["after"]["results"][0]["facilities"] == 1


def sums(answer, mode):
    """People of the gaps, and of the served part of the land, of one mode."""
    gaps, units = answer["gaps"], answer["units"]
    in_gaps = sum(n for n, its in zip(gaps["people"], gaps["mode"], strict=True) if its == mode)
    rows = zip(units["kind"], units["mode"], units["people"], units["served_share"], strict=True)
    return in_gaps, sum(n * share for kind, its, n, share in rows if kind == "land" and its == mode)


def test_gaps_hold_the_people_that_the_shares_miss(town, catalogue):
    answer = Engine(town, catalogue).answer({"op": "coverage", "policy": "toilet-300", "levels": "all"})
    for row in answer["results"]:
        missed = row["people"] - row["people_served"]
        assert 0 < missed == row["people_in_gaps"]
        assert sums(answer, row["mode"])[0] == pytest.approx(missed, abs=0.5)


@pytest.mark.parametrize("rule", ["centre", "area"])
def test_gaps_served_land_and_no_land_hold_everybody_of_the_cells(town, catalogue, rule):
    cells = {f"c{x}{y}": shapely.buffer(place(x, y), 0.002) for x, y in ((-1.8, -1.8), (0, 0), (1.2, 0.7))}
    outside = {"none": shapely.box(LON + 0.0191, LAT, LON + 0.02, LAT + 0.001)}
    with town.write() as conn:
        people = {"people": [300, 500, 200, 40]}
        write_batches(conn, catalogue, [batch("population_cells", cells | outside, people)], Change("t", "t"))
    asked = {"op": "coverage", "policy": "toilet-300", "parameters": {"people_rule": rule}}
    answer = Engine(town, catalogue).answer(asked)
    assert answer["inputs"]["people_off_land"] == 40
    for row in answer["results"]:
        in_gaps, on_served_land = sums(answer, row["mode"])
        assert row["people"] == 1040
        assert row["people_in_gaps"] == pytest.approx(in_gaps, abs=0.5)
        assert in_gaps + on_served_land + 40 == pytest.approx(1040, abs=0.5)


def test_who_gains_is_told_by_the_names_of_areas_and_in_whole_people(town, catalogue):
    patches = [{"do": "add", "class": "toilets", "geometry": shapely.geometry.mapping(place(*PLACES[at]))}
               for at in ("inside", "corner")]  # fmt: skip
    asked = {"op": "scenario", "policy": "toilet-300", "mode": "straight", "scenario": {"patches": patches}}
    answer = Engine(town, catalogue).answer(asked)
    # One parcel lies in both districts; each of its parts is named by where it is.
    assert {tuple(row["areas"][:2]) for row in answer["gains"]} == {("C区", "W区"), ("C区", "E区")}
    assert all(row["areas"][2] in ("W1区", "W2区", "E1区", "E2区") for row in answer["gains"])
    people = [row["people"] for row in answer["gains"]]
    assert all(isinstance(count, int) for count in people)
    assert sum(people) == answer["change"]["results"][0]["people_gaining"] > 0


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([0.4, 0.4, 0.4], [1, 0, 0]),
        ([2.5, 1.5], [3, 1]),
        ([0.2], [0]),
        ([], []),
        ([3.0, 0.99, 0.99], [3, 1, 1]),
    ],
)
def test_parts_of_people_are_rounded_so_that_they_add_up(parts, whole):
    found = whole_people(np.array(parts, dtype=float), round(sum(parts)))
    assert found.tolist() == whole
    assert found.sum() == round(sum(parts))


def test_without_districts_the_next_finer_level_is_reported(town, catalogue):
    with town.write() as conn:
        write_batches(conn, catalogue, [districts()], Change("test", "no districts"))
        changes = batch("districts", {code: BOXES[code] for code in ("W", "E")}, {"level": ["community"] * 2})
        write_batches(conn, catalogue, [changes], Change("test", "no districts"))
    answer = Engine(town, catalogue).answer({"op": "coverage", "policy": "toilet-300", "mode": "straight"})
    assert {row["level"] for row in answer["areas"]} == {"subdistrict"}
    assert {row["code"] for row in answer["areas"]} == {"W1", "W2", "E1", "E2"}
