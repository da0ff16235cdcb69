"""People: one basis at a time, nobody twice, points at their place, nobody lost between cells and land."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.coverage import edition_service as editions
from app.coverage.engine import Engine
from app.coverage.interpolation import people_on_land
from app.coverage.lattice import dissolve_overlaps
from app.coverage.people_loading import REASON_NOBODY_SO
from app.coverage.population import choose_basis, counted_once, drawn, priority
from tests.coverage.test_loading import CRS, ask, town, write  # noqa: F401
from tests.coverage.test_loading import drawn as in_metres
from tests.coverage.test_wrong_ways import objects

quick = settings(max_examples=60, deadline=None)
OLD, NEW = date(2010, 11, 1), date(2020, 11, 1)


def squares(*corners, side=100):
    return objects([shapely.box(x, y, x + side, y + side) for x, y in corners])


@pytest.mark.parametrize(
    ("kinds", "asked", "basis"),
    [
        ("resident registered temporary", None, "resident"),
        ("registered temporary daytime", None, "registered+temporary"),
        ("temporary estimated", None, "estimated"),
        ("unstated estimated", None, "unstated"),
        ("daytime temporary", None, "daytime"),
        ("resident daytime", "daytime", "daytime"),
        ("resident daytime", "registered", None),
    ],
)
def test_people_of_two_bases_never_add_up(kinds, asked, basis):
    kind = np.array(kinds.split(), dtype=object)
    found, chosen = choose_basis(kind, np.ones(len(kind), dtype=bool), asked)
    assert found == basis
    assert set(kind[chosen]) == set((basis or "").split("+")) - {""}


def once(shapes, days=None):
    days = np.array(days or [None] * len(shapes), dtype=object)
    point = shapely.get_dimensions(shapes) == 0
    return counted_once(shapes, days, priority(days, point)).tolist()


def test_people_under_two_cells_count_once():
    assert once(squares((0, 0), (100, 0), (50, 0))) == [1, 1, 0]
    assert once(squares((0, 0), (75, 0))) == [1, pytest.approx(0.75)]
    assert once(squares((0, 0), (99.5, 0))) == [1, 1]  # a border drawn badly
    assert once(squares((0, 0), (0, 0)), [OLD, NEW]) == [0, 1]


def test_a_centre_and_its_cell_tell_of_the_same_people():
    cell, centre = shapely.box(0, 0, 100, 100), shapely.Point(50, 50)
    assert once(objects([centre, cell])) == [0, 1]
    assert once(objects([centre, cell]), [NEW, OLD]) == [1, 0]
    assert once(objects([centre, centre])) == [1, 1]  # two households at one door
    assert once(objects([centre, centre]), [OLD, NEW]) == [0, 1]


def test_centres_are_drawn_without_touching_each_other():
    shapes = drawn(objects([shapely.Point(0, 0), shapely.Point(300, 0), shapely.Point(300, 300)]))
    assert shapely.area(shapes) == pytest.approx([np.pi * 150**2] * 3, rel=0.01)
    assert shapely.area(shapely.intersection(shapes[0], shapes[1])) == pytest.approx(0, abs=1e-6)
    assert shapely.get_coordinates(shapely.centroid(shapes))[1] == pytest.approx([300, 0])


boxes = st.lists(
    st.tuples(st.floats(0, 900), st.floats(0, 900), st.floats(20, 300)).map(
        lambda b: shapely.box(b[0], b[1], b[0] + b[2], b[1] + b[2])
    ),
    max_size=12,
)
centres = st.lists(st.tuples(st.floats(0, 1200), st.floats(0, 1200)).map(shapely.Point), max_size=6)


@quick
@given(boxes, boxes, centres, st.integers(0, 10_000))
def test_nobody_is_lost_or_made_up_between_cells_and_land(cells, land, points, seed):
    parcels = dissolve_overlaps(objects(land))
    parcels = parcels[shapely.area(parcels) > 1e-6]
    places = objects([*cells, *points])
    people = np.random.default_rng(seed).uniform(0, 5000, len(places))
    found = people_on_land(places, people, parcels)
    total = found.land.sum() + found.kept.sum()
    assert total == pytest.approx(people.sum(), rel=1e-9, abs=1e-9)
    assert (found.land >= 0).all()
    touched = shapely.STRtree(parcels).query(places, predicate="intersects")[0]
    alone = np.setdiff1d(np.arange(len(places)), touched)
    assert found.kept[alone] == pytest.approx(people[alone])


def test_people_go_to_land_by_its_share_of_the_cell():
    land = objects([shapely.box(0, 0, 30, 100), shapely.box(50, 0, 110, 100), shapely.box(500, 0, 600, 100)])
    places = objects([*squares((0, 0), (100, 0)), shapely.Point(550, 50), shapely.Point(900, 0)])
    found = people_on_land(places, np.array([800.0, 10.0, 7.0, 5.0]), land)
    assert found.land == pytest.approx([300, 500 + 10, 7])
    assert found.kept == pytest.approx([0, 0, 0, 5])


def test_a_sliver_of_known_land_does_not_house_a_whole_cell():
    land = objects([shapely.box(0, 0, 1, 100), shapely.box(100, 0, 110, 100)])
    found = people_on_land(squares((0, 0), (100, 0)), np.array([400.0, 400.0]), land)
    assert found.land.tolist() == [0, 400]
    assert found.kept.tolist() == [400, 0]


def cells(shapes, people, **columns):
    return in_metres("population_cells", shapes, {"people": people, **columns})


def test_centres_count_at_their_place_whatever_the_rule(town, catalogue):  # noqa: F811
    shapes = {"near": shapely.Point(50, -60), "far": shapely.Point(650, -60)}
    write(town, catalogue, cells(shapes, [120, 80], as_of=[NEW, OLD], dataset=["census"] * 2))
    for rule in ("centre", "area"):
        answer = ask(town, catalogue, "park-300", people_rule=rule)
        for row in answer["results"]:
            assert (row["people"], row["people_served"]) == (200, 120)
        inputs = answer["inputs"]
        assert inputs["people_basis"] == "unstated"
        assert inputs["people_as_of"] == {"from": "2010-11-01", "to": "2020-11-01"}
        assert inputs["people_dataset"] == ["census"]


def test_land_bears_the_people_of_the_cells_in_it(town, catalogue):  # noqa: F811
    shapes = {"on b": shapely.box(600, -110, 800, 90), "no land": shapely.box(900, 0, 1000, 100)}
    write(town, catalogue, cells(shapes, [900, 40]))
    answer = ask(town, catalogue, "park-300", "straight")
    assert answer["inputs"]["people_source"] == "population_cells"
    assert answer["inputs"]["people_on_land"] == "interpolated"
    assert answer["inputs"]["people_off_land"] == 40
    assert dict(zip(answer["gaps"]["code"], answer["gaps"]["people"], strict=True)) == {"b": 900}
    # The parcels' own 100 + 300 are the same people told twice: they count nowhere.
    assert answer["results"][0]["people"] == 940


def test_a_basis_is_chosen_or_asked_for_and_recorded(town, catalogue):  # noqa: F811
    shapes = {code: shapely.box(0, -110, 100, -10) for code in ("r", "t", "d")}
    write(town, catalogue, cells(shapes, [500, 70, 9000], kind=["registered", "temporary", "daytime"]))
    usual = ask(town, catalogue, "park-300", "straight")
    assert usual["results"][0]["people"] == 570
    assert usual["inputs"]["people_basis"] == "registered+temporary"
    by_day = ask(town, catalogue, "park-300", "straight", people_basis="daytime")
    assert by_day["results"][0]["people"] == 9000
    assert not by_day["inputs"]["official"]
    nobody = ask(town, catalogue, "park-300", "straight", people_basis="resident")
    assert nobody["results"][0]["people"] is None
    assert nobody["results"][0]["share_of_people"] is None
    assert nobody["inputs"]["people_basis"] is None
    assert nobody["inputs"]["people_reason"] == REASON_NOBODY_SO


def test_the_newest_count_is_taken_and_none_that_was_made_later(town, catalogue):  # noqa: F811
    shapes = {code: shapely.box(0, -110, 100, -10) for code in ("old", "new")}
    write(town, catalogue, cells(shapes, [500, 700], as_of=[OLD, NEW], kind=["resident"] * 2))
    answer = ask(town, catalogue, "park-300", "straight")
    assert answer["results"][0]["people"] == 700
    assert answer["inputs"]["people_told_twice"] == 500
    assert answer["inputs"]["people_as_of"] == {"from": "2020-11-01", "to": "2020-11-01"}


def test_without_land_the_gaps_are_the_centres_drawn(database, catalogue):
    far = {"far": shapely.Point(1000, 0), "near": shapely.Point(100, 0)}
    write(database, catalogue, cells(far, [10, 20]), in_metres("toilets", {"t": shapely.Point(0, 0)}))
    answer = ask(database, catalogue, "toilet-300", "straight")
    assert answer["results"][0]["share_of_people"] == pytest.approx(2 / 3, abs=1e-6)
    assert answer["gaps"]["code"] == ["far"]
    assert answer["inputs"]["people_cells_drawn"] == 2
    for rule in ("centre", "area"):
        gaps = ask(database, catalogue, "toilet-300", "straight", people_rule=rule)["gaps"]
        shape = CRS.to_metric(shapely.from_wkb(np.array(gaps["geom"])))[0]
        assert shape.geom_type == "MultiPolygon"
        assert shape.area == pytest.approx(np.pi * 250**2, rel=0.01)


def test_who_does_not_say_how_many_live_there_is_told_of(town, catalogue):  # noqa: F811
    silent = {"c": shapely.box(150, -110, 250, -10), "far": shapely.box(800, -110, 900, -10)}
    write(town, catalogue, in_metres("residential_areas", silent, {"kind": ["land"] * 2}))
    answer = ask(town, catalogue, "park-300", "straight")
    assert answer["inputs"]["people_source"] == "residential_areas"
    assert (answer["inputs"]["people_unknown"], answer["results"][0]["people_unknown"]) == (2, 2)
    assert answer["results"][0]["people"] == 400
    told = [{"zh": "居住用地与住宅小区中有 2 条未填人数，按无人计",
             "en": "Residential areas: 2 do not say how many people there are and count as nobody"}]  # fmt: skip
    assert answer["inputs"]["notes"] == told
    # Cells that say so are used in their place, and then nobody is unknown.
    write(
        town,
        catalogue,
        cells({"k": shapely.box(0, -110, 100, -10), "0": shapely.box(400, 0, 500, 9)}, [500, 0]),
    )
    answer = ask(town, catalogue, "park-300", "straight")
    assert (answer["inputs"]["people_unknown"], answer["inputs"]["notes"]) == (0, [])
    write(town, catalogue, cells({"r": shapely.box(0, 0, 50, 50)}, [None]))
    assert ask(town, catalogue, "park-300", "straight")["inputs"]["people_unknown"] == 1


def test_where_nobody_is_known_those_who_do_not_say_are_counted(database, catalogue):
    homes = {"a": shapely.box(0, -110, 100, -10), "b": shapely.box(600, -110, 700, -10)}
    write(database, catalogue, in_metres("residential_areas", homes, {"kind": ["land"] * 2}),
          in_metres("parks", {"p": shapely.box(0, 10, 100, 110)}))  # fmt: skip
    inputs = ask(database, catalogue, "park-300", "straight")["inputs"]
    assert (inputs["people_source"], inputs["people_unknown"]) == (None, 2)
    (note,) = inputs["notes"]
    assert note["zh"] == "没有人口数据：2 处本可说明人数的未填"
    assert note["en"] == "Nobody is known: 2 that could tell of people do not say how many there are"


def test_where_nobody_is_known_people_are_unknown_and_not_0(town, catalogue):  # noqa: F811
    land = {"a": shapely.box(0, -110, 100, -10), "b": shapely.box(600, -110, 700, -10)}
    write(
        town, catalogue, in_metres("residential_areas", land, {"kind": ["land"] * 2, "people": [None, None]})
    )
    answer = ask(town, catalogue, "park-300")
    assert set(answer["gaps"]["people"]) == {None}
    assert {row["people_in_gaps"] for row in answer["results"]} == {None}
    histogram = answer["details"]["histogram"]
    assert {part["people"] for row in histogram for part in [*row["metres"], row["unreached"]]} == {None}
    assert {row["people"] for row in answer["details"]["difference"]} == {None}
    patches = [{"do": "remove", "class": "parks", "code": code} for code in ("big", "small")]
    supposed = {"op": "scenario", "policy": "park-300", "mode": "straight", "scenario": {"patches": patches}}
    told = Engine(town, catalogue).answer(supposed)
    assert {row["people"] for row in told["losses"]} == {None}
    assert told["change"]["results"][0]["people_losing"] is None


def test_dwellings_that_do_not_say_how_many_they_are_are_told_of(town, catalogue):  # noqa: F811
    houses = {f"h{x}": shapely.box(x, -40, x + 10, -30) for x in (0, 20, 40)}
    columns = {"kind": ["residential"] * 3, "dwellings": [12, None, 0]}
    write(town, catalogue, in_metres("buildings", houses, columns))
    own = "id: homes\ntitle: {zh: 户, en: Homes}\nalso: [dwellings]\nsupplies: [{class: parks, radius_m: 100}]\n"
    with town.write() as conn:
        editions.save(conn, catalogue, own, "test", None)
    for told, expected in ((12, (12.0, 1.0, 1)), (None, (0.0, None, 2))):
        columns["dwellings"][0] = told
        write(town, catalogue, in_metres("buildings", houses, columns))
        (also,) = ask(town, catalogue, "homes", "straight")["results"][0]["also"]
        assert (also["total"], also["share"], also["unknown"]) == expected
