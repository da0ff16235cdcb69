"""The engine over a database drawn in metres: gates, built-up areas, buried parcels, edits, areas of every level.

One street runs along y = 0. A big park lies north of it at x 0-100, a small one beside it; parcels lie south.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely

from app.coverage.cache import ArrayCache, Stamp
from app.coverage.engine import Engine
from app.inventory.batch import Change
from app.inventory.service import delete_features, write_batches
from app.space.metric import metric_crs
from tests.inventory.town import batch

CRS = metric_crs("EPSG:4548")
CORNER = np.array([388_000.0, 3_174_000.0])


def drawn(class_id, shapes, columns=None):
    """A batch of shapes drawn in metres from the town's corner."""
    moved = {
        code: CRS.to_lonlat(np.array([shapely.transform(shape, lambda xy: xy + CORNER)], dtype=object))[0]
        for code, shape in shapes.items()
    }
    return batch(class_id, moved, columns)


def write(db, catalogue, *batches):
    with db.write() as conn:
        write_batches(conn, catalogue, batches, Change("test", "drawn", metric_crs="EPSG:4548"))


@pytest.fixture
def town(database, catalogue):
    street = shapely.MultiLineString([[(-500, 0), (1500, 0)]])
    write(
        database,
        catalogue,
        drawn("streets", {"s": street}, {"kind": ["residential"], "walk": ["public"]}),
        drawn("parks", {"big": shapely.box(0, 10, 100, 110), "small": shapely.box(110, 10, 140, 40)}),
        drawn(
            "residential_areas",
            {"a": shapely.box(0, -110, 100, -10), "b": shapely.box(600, -110, 700, -10)},
            {"kind": ["land", "land"], "people": [100, 300]},
        ),
    )
    return database


def ask(db, catalogue, policy, mode="both", area=None, **parameters):
    request = {"op": "coverage", "policy": policy, "mode": mode, "area": area, "parameters": parameters}
    return Engine(db, catalogue).answer(request)


def by_mode(answer):
    return {row["mode"]: row for row in answer["results"]}


def test_a_gate_opens_only_the_park_it_belongs_to(town, catalogue):
    gates = {"g": shapely.Point(108, 10)}
    write(town, catalogue, drawn("park_gates", gates, {"park": ["small"]}))
    before = by_mode(ask(town, catalogue, "green-300-500"))["walk"]
    assert before["facilities"] >= 1
    # The big park keeps its own boundary points: parcel a, 10 m across the street, is served whole.
    rows = ask(town, catalogue, "green-300-500", "walk")["results"]
    big = next(row for row in rows if row["tier"] == "park")
    assert big["people_served"] == 100


def test_a_gate_closed_to_pedestrians_opens_nothing(town, catalogue):
    parcel = {"c": shapely.box(-250, -110, -150, -10)}
    write(town, catalogue, drawn("residential_areas", parcel, {"kind": ["land"], "people": [10]}))
    far = {"g": shapely.Point(100, 110)}
    write(town, catalogue, drawn("park_gates", far, {"park": ["big"], "pedestrians": [False]}))
    closed = by_mode(ask(town, catalogue, "park-300"))["walk"]["land_served_m2"]
    write(town, catalogue, drawn("park_gates", far, {"park": ["big"], "pedestrians": [True]}))
    opened = by_mode(ask(town, catalogue, "park-300"))["walk"]["land_served_m2"]
    # Open, it is the only way in, and it lies 110 m from the street; closed, the boundary along the street counts.
    assert opened < closed


def test_the_engine_follows_edits_of_gates(town, catalogue):
    engine = Engine(town, catalogue)
    place = {"op": "reach", "lon": 115.8541, "lat": 28.6767}
    gates = {f"g{i}": shapely.Point(10 * i, 10) for i in range(9)}
    write(town, catalogue, drawn("park_gates", gates, {"park": ["big"] * 9}))
    engine.answer(place)
    with town.write() as conn:
        delete_features(conn, catalogue, "park_gates", list(gates)[1:], Change("test", "fewer gates"))
    fresh = Engine(town, catalogue).answer(place)
    assert engine.answer(place) == fresh


def test_only_the_newest_built_up_area_is_the_frame(town, catalogue):
    old, new = shapely.box(-600, -600, 1600, 600), shapely.box(-50, -200, 250, 200)
    days = [date(2015, 12, 31), date(2022, 12, 31)]
    write(town, catalogue, drawn("built_up_areas", {"old": old, "new": new}, {"as_of": days}))
    answer = ask(town, catalogue, "cn_city_check_2021", "straight")
    assert answer["results"][0]["land_m2"] == pytest.approx(10_000, rel=1e-6)
    assert answer["results"][0]["official"]
    assert answer["inputs"]["built_up_area_as_of"] == "2022-12-31"


def test_no_park_at_all_is_not_an_official_zero(town, catalogue):
    write(town, catalogue, drawn("built_up_areas", {"n": shapely.box(-600, -600, 1600, 600)}))
    with town.write() as conn:
        delete_features(conn, catalogue, "parks", ["big", "small"], Change("test", "no parks"))
    row = ask(town, catalogue, "cn_city_check_2021", "straight")["results"][0]
    assert not row["official"]
    assert "no facility" in row["reason"]


def test_people_of_a_buried_parcel_are_counted_where_they_live(town, catalogue):
    inside = {"c": shapely.box(610, -100, 640, -70)}
    write(town, catalogue, drawn("residential_areas", inside, {"kind": ["land"], "people": [50]}))
    row = by_mode(ask(town, catalogue, "park-300"))["straight"]
    assert row["people"] == 450
    assert row["land_m2"] == pytest.approx(20_000, rel=1e-6)


def test_homes_that_are_gone_or_planned_are_no_demand(town, catalogue):
    states = {"gone": "removed", "plan": "planned", "works": "under_repair"}
    shapes = {
        code: shapely.box(x, -110, x + 100, -10) for code, x in zip(states, (200, 300, 400), strict=True)
    }
    columns = {"kind": ["land"] * 3, "people": [1000] * 3, "state": list(states.values())}
    write(town, catalogue, drawn("residential_areas", shapes, columns))
    for rule in ("area", "centre"):
        row = by_mode(ask(town, catalogue, "park-500", people_rule=rule))["straight"]
        assert row["people"] == 1400
        assert row["land_m2"] == pytest.approx(30_000, rel=1e-3)


def test_overlapping_districts_count_no_land_twice(town, catalogue):
    districts = {"d1": shapely.box(-600, -600, 300, 600), "d2": shapely.box(50, -600, 1600, 600)}
    levels = {"level": ["district", "district"], "name_zh": ["甲区", "乙区"]}
    write(town, catalogue, drawn("districts", districts, levels))
    answer = ask(town, catalogue, "park-300", "straight")
    assert answer["results"][0]["land_m2"] == pytest.approx(20_000, rel=1e-6)
    assert sum(row["land_m2"] for row in answer["areas"]) == pytest.approx(20_000, rel=1e-6)


@pytest.mark.parametrize("area", ["d", "g"])
def test_areas_of_every_level_can_be_asked_for(town, catalogue, area):
    box = shapely.box(-600, -600, 300, 600)
    write(town, catalogue, drawn("districts", {"d": box}, {"level": ["community"], "name_zh": ["社区"]}))
    write(town, catalogue, drawn("grid_cells", {"g": box}))
    row = ask(town, catalogue, "park-300", "straight", area)["results"][0]
    assert row["land_m2"] == pytest.approx(10_000, rel=1e-6)
    assert row["people"] == 100


def test_an_older_stamp_leaves_the_cache():
    cache = ArrayCache(size=3)
    for version in (1, 2, 3):
        assert cache.get(("rows", Stamp("parks", version)), lambda version=version: version) == version
    cache.get(("rows", Stamp("toilets", 1)), lambda: "t")
    assert len(cache) == 2
    assert cache.get(("rows", Stamp("parks", 3)), lambda: "anew") == 3
    assert cache.get(("rows", Stamp("parks", 2)), lambda: "anew") == "anew"
    for name in "abc":
        cache.get((name,), str)
    assert len(cache) == 3


def test_a_warm_engine_answers_the_same(town, catalogue):
    warm, cold = Engine(town, catalogue), Engine(town, catalogue)
    warm.warm()
    assert len(warm.cache) > len(catalogue.default_policies())
    request = {"op": "coverage", "policy": "park-300"}
    assert warm.answer(request)["results"] == cold.answer(request)["results"]


def test_a_warm_engine_makes_nothing_for_the_first_place(town, catalogue):
    engine = Engine(town, catalogue)
    engine.warm()
    held = len(engine.cache)
    engine.answer({"op": "reach", "lon": 115.86, "lat": 28.68})
    assert len(engine.cache) == held


def test_without_data_there_is_nothing_to_warm(database, catalogue):
    engine = Engine(database, catalogue)
    engine.warm()
    assert len(engine.cache) == 0


def test_a_straight_answer_leaves_the_walks_that_follow_as_they_are(town, catalogue):
    """A straight line reads no streets: what it keeps must not pass for facilities without entrances."""
    engine = Engine(town, catalogue)
    alone = by_mode(ask(town, catalogue, "park-300"))["walk"]["people_served"]
    for mode in ("straight", "walk"):
        answer = engine.answer({"op": "coverage", "policy": "park-300", "mode": mode})
    assert answer["results"][0]["people_served"] == alone > 0
