"""Supply and walks over a drawn database: hours, gates, steps, water, parts of parks, entrances, service areas.

One street runs along y = 0, a river north of it from y = 150 to 190, another street beyond it along y = 200.
"""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient

from app.coverage import edition_service as editions
from app.coverage import service
from app.coverage.engine import Engine
from app.errors import BadInput
from app.main import create_app
from tests.commandline import chengtu
from tests.coverage.test_loading import CORNER, CRS, ask, by_mode, drawn, write


@pytest.fixture
def town(database, catalogue):
    streets = {
        "s": shapely.MultiLineString([[(-500, 0), (1500, 0)]]),
        "n": shapely.MultiLineString([[(-500, 200), (1500, 200)]]),
    }
    land = {"a": shapely.box(0, -110, 100, -10), "b": shapely.box(0, 100, 100, 145)}
    write(
        database,
        catalogue,
        drawn("streets", streets, {"kind": ["residential"] * 2}),
        drawn("residential_areas", land, {"kind": ["land"] * 2, "people": [100, 300]}),
        drawn("water_bodies", {"w": shapely.box(-600, 150, 1600, 190)}),
    )
    return database


def toilets(db, catalogue, **columns):
    points = {f"t{i}": shapely.Point(100 * i, 5) for i in range(len(next(iter(columns.values()))))}
    write(db, catalogue, drawn("toilets", points, columns))


def test_what_does_not_say_whether_it_is_step_free_is_told_apart_from_what_is_not(town, catalogue):
    toilets(town, catalogue, accessible=[True, False, None, None])
    said = {"zh": "公共厕所中有 2 处未注明是否无障碍，未计入",
            "en": "Public toilets: 2 do not say whether they are step-free and are left out"}  # fmt: skip
    answer = ask(town, catalogue, "toilet-300", "straight", step_free=True)
    assert answer["inputs"]["supply"]["toilets"]["left_out"] == {"not_step_free": 1, "step_free_unknown": 2}
    assert answer["inputs"]["notes"] == [said]
    assert ask(town, catalogue, "toilet-300", "straight")["inputs"]["notes"] == []
    at = CRS.to_lonlat(np.array([shapely.Point(*(CORNER + 50.0))], dtype=object))[0]
    place = {"op": "reach", "lon": at.x, "lat": at.y}
    engine = Engine(town, catalogue)
    assert engine.answer(place)["notes"] == []
    assert engine.answer({**place, "parameters": {"step_free": True}})["notes"] == [said]


def test_only_toilets_open_at_the_hour_count(town, catalogue):
    toilets(
        town, catalogue, opening_hours=["6:00-22:00", "全天", "随缘", None], open_24h=[None, None, None, True]
    )
    day = ask(town, catalogue, "toilet-300", "straight")
    late = ask(town, catalogue, "toilet-300", "straight", at="22:30")
    assert [answer["results"][0]["facilities"] for answer in (day, late)] == [4, 2]
    assert late["inputs"]["supply"]["toilets"] == {
        "rows": 4, "facilities": 2, "dissolved": 0, "left_out": {"closed_at_the_hour": 1, "hours_unknown": 1},
    }  # fmt: skip
    assert not late["results"][0]["official"]
    with pytest.raises(BadInput):
        ask(town, catalogue, "toilet-300", "straight", at="25:00")


def test_what_is_removed_or_not_yet_built_serves_on_other_days_only(town, catalogue):
    toilets(town, catalogue, built_on=[date(2020, 5, 1), None], removed_on=[None, date(2022, 5, 1)])
    answer = ask(town, catalogue, "toilet-300", "straight")
    assert answer["results"][0]["facilities"] == 1
    assert answer["inputs"]["supply"]["toilets"]["left_out"] == {"removed": 1}


def test_parts_of_one_park_pass_the_size_test_together(town, catalogue):
    parts = {
        "p1": shapely.box(0, 10, 60, 50),
        "p2": shapely.box(66, 10, 126, 50),
        "q": shapely.box(300, 10, 340, 50),
    }
    write(town, catalogue, drawn("parks", parts, {"name_zh": ["一公园", "一公园", "二公园"]}))
    rows = ask(town, catalogue, "cn_city_check_2021", "straight")
    # two parts of 2,400 m² are one park of 4,800 m²; the other park of 1,600 m² is too small
    assert rows["results"][0]["facilities"] == 1
    assert rows["inputs"]["supply"]["parks"]["dissolved"] == 1


def test_a_gate_that_names_a_part_opens_the_whole_park(town, catalogue):
    parts = {"p1": shapely.box(0, 10, 60, 50), "p2": shapely.box(66, 10, 126, 50)}
    write(town, catalogue, drawn("parks", parts, {"name_zh": ["一公园"] * 2}))
    write(town, catalogue, drawn("park_gates", {"g": shapely.Point(126, 30)}, {"park": ["p2"]}))
    found = Engine(town, catalogue).answer({"op": "entrances", "policy": "park-300"})["features"]
    assert [(f["properties"]["origin"], f["properties"]["snap_m"]) for f in found] == [("gate", 30.0)]


def test_a_park_whose_gates_are_closed_at_night_is_not_climbed_into(town, catalogue):
    write(town, catalogue, drawn("parks", {"p": shapely.box(0, 10, 60, 50)}, {"opening_hours": ["全天"]}))
    gate = {"park": ["p"], "opening_hours": ["6:00-20:00"]}
    write(town, catalogue, drawn("park_gates", {"g": shapely.Point(30, 10)}, gate))
    day, night = (
        by_mode(ask(town, catalogue, "park-300", "walk", at=at))["walk"] for at in ("12:00", "21:00")
    )
    assert day["people_served"] == 400
    assert night["people_served"] == 0


def test_nobody_is_put_on_the_street_across_the_river(town, catalogue):
    write(town, catalogue, drawn("toilets", {"t": shapely.Point(50, 205)}))
    wet = ask(town, catalogue, "toilet-300")
    # parcel b lies 55 m from the street beyond the river, 100 m from its own
    assert by_mode(wet)["straight"]["people_served"] > 300
    assert by_mode(wet)["walk"]["people_served"] == 0
    walking = wet["inputs"]["walking"]
    assert walking["islands"] == 1
    assert walking["islands_km"] == 2.0
    assert walking["people"]["share_without_street"] == 0
    assert walking["land"]["snap_max_m"] >= 100
    write(
        town,
        catalogue,
        drawn("water_bodies", {"w": shapely.box(-600, 150, 1600, 190)}, {"intermittent": [True]}),
    )
    assert by_mode(ask(town, catalogue, "toilet-300"))["walk"]["people_served"] == 300


def test_nobody_walks_across_a_railway_unless_it_says_so(town, catalogue):
    write(town, catalogue, drawn("toilets", {"t": shapely.Point(50, 5)}))
    rail = {"r": shapely.MultiLineString([[(-600, 50), (1600, 50)]])}
    people = []
    for crossed in (None, True):
        write(town, catalogue, drawn("barriers", rail, {"kind": ["railway"], "passable": [crossed]}))
        people.append(by_mode(ask(town, catalogue, "toilet-300"))["walk"]["people_served"])
    # parcel b lies north of it, between the railway and the river
    assert people == [100, 400]


def test_a_wall_is_passed_where_a_street_leads_through_it(town, catalogue):
    write(town, catalogue, drawn("toilets", {"t": shapely.Point(50, 5)}))
    wall = {"w": shapely.MultiLineString([[(-600, 50), (1600, 50)]])}
    write(town, catalogue, drawn("barriers", wall, {"kind": ["wall"]}))
    assert by_mode(ask(town, catalogue, "toilet-300"))["walk"]["people_served"] == 100
    path = {"p": shapely.MultiLineString([[(50, 0), (50, 90)]])}
    write(town, catalogue, drawn("streets", path, {"kind": ["footway"]}))
    assert by_mode(ask(town, catalogue, "toilet-300"))["walk"]["people_served"] == 400


def test_nobody_is_locked_in_a_ring_of_fence_nor_walks_through_one(town, catalogue):
    write(town, catalogue, drawn("toilets", {"t": shapely.Point(50, 5)}))
    served = []
    # Round parcel b, whose gate nobody knows; then round the ground between it and the street.
    for ring in (shapely.box(-10, 95, 110, 148), shapely.box(-300, 20, 400, 90)):
        fence = shapely.MultiLineString([ring.exterior.coords])
        write(town, catalogue, drawn("barriers", {"f": fence}, {"kind": ["fence"]}))
        served.append(by_mode(ask(town, catalogue, "toilet-300"))["walk"]["people_served"])
    assert served == [400, 100]


@pytest.mark.parametrize(
    "way_up", [{"kind": ["steps", "path"]}, {"kind": ["path", "path"], "accessible": [False, None]}]
)
def test_without_steps_the_way_is_longer(town, catalogue, way_up):
    ways = {
        "up": shapely.MultiLineString([[(0, 0), (0, 60)]]),
        "slope": shapely.MultiLineString([[(0, 60), (250, 60), (250, 0)]]),
    }
    write(town, catalogue, drawn("streets", ways, way_up))
    write(town, catalogue, drawn("toilets", {"t": shapely.Point(0, 62)}, {"accessible": [True]}))
    served = [
        by_mode(ask(town, catalogue, "toilet-300", "walk", step_free=free))["walk"]["people_served"]
        for free in (False, True)
    ]
    # parcel a goes 60 m up the stairs, or 560 m round by the slope; parcel b lies above both
    assert served == [400, 300]
    lon, lat = CRS.to_lonlat(np.array([shapely.Point(CORNER)], dtype=object))[0].coords[0]
    place = {"op": "reach", "lon": lon, "lat": lat}
    engine = Engine(town, catalogue)
    walks = [
        toilet_of(engine.answer({**place, "parameters": asked}))
        for asked in ({}, {"step_free": True}, {"step_free": True, "speed_m_s": 0.8})
    ]
    assert [walk["distance_m"] for walk in walks] == pytest.approx([62, 562, 562], abs=0.2)
    assert walks[2]["minutes"] == pytest.approx(562 / 48, abs=0.1)
    assert "way" in walks[1]
    # The city's own policy without steps is walked so, the others beside it are not.
    own = "id: own\ntitle: {zh: 甲, en: B}\nbased_on: toilet-10min\nparameters: {step_free: true}\n"
    with town.write() as conn:
        editions.save(conn, catalogue, own, "test", None)
    answer = engine.answer(place)
    assert [toilet_of(answer, name)["distance_m"] for name in ("toilet-10min", "own")] == [62, 562]


def toilet_of(answer, policy_id="toilet-10min"):
    """The walk to the nearest toilet of an answer of /reach."""
    policy = next(item for item in answer["policies"] if item["id"] == policy_id)
    return policy["tiers"][0]["walk"]


@pytest.fixture
def client(town, catalogue, settings):
    write(town, catalogue, drawn("toilets", {"t": shapely.Point(500, 0), "u": shapely.Point(-300, 30)}))
    engine = Engine(town, catalogue)
    with TestClient(create_app(settings, engine=engine)) as client:
        yield client, engine, town


def metric(features):
    return CRS.to_metric(np.array([shapely.geometry.shape(f["geometry"]) for f in features], dtype=object))


def test_the_service_area_of_a_run_as_streets_and_as_land(client):
    http, engine, db = client
    run = service.run(db, engine.answer, {"policy": "toilet-300", "mode": "walk"})["run"]
    streets = http.get(f"/coverage/{run}/service-area?form=streets&facility=t").json()
    ends = streets["features"]
    assert [f["properties"]["far_m"] for f in ends] == [300, 300]
    assert [f["properties"]["far_min"] for f in ends] == [pytest.approx(300 / 72, abs=1e-3)] * 2
    assert shapely.length(metric(ends)) == pytest.approx([300, 300], abs=0.05)
    land = http.get(f"/coverage/{run}/service-area?depth_m=40&facility=t").json()
    assert land["features"][0]["properties"]["area_m2"] == pytest.approx(
        4 * 260 * 40 + np.pi * 40**2, rel=1e-3
    )
    straight = http.post("/coverage/service-area", json={"policy": "toilet-300", "mode": "straight"}).json()
    assert straight["features"][0]["properties"]["area_m2"] == pytest.approx(2 * np.pi * 300**2, rel=1e-3)
    # walked land lies within the straight line
    assert metric(land["features"])[0].within(metric(straight["features"])[0].buffer(0.5))


def test_entrances_of_a_run_say_where_they_come_from(client):
    http, engine, db = client
    run = service.run(db, engine.answer, {"policy": "toilet-300", "mode": "walk"})["run"]
    found = http.get(f"/coverage/{run}/entrances").json()
    rows = [f["properties"] for f in found["features"]]
    assert {(row["code"], row["origin"], row["snap_m"]) for row in rows} == {
        ("t", "self", 0.0),
        ("u", "self", 30.0),
    }
    assert found["origins"]["gate"]["zh"] == "实测出入口"
    assert len(http.get(f"/coverage/{run}/entrances?limit=1").json()["features"]) == 1


def test_wrong_questions_about_service_areas_get_a_sentence(client):
    http, *_ = client
    wrong = [
        ({"policy": "nothing"}, 404),
        ({"tier": "park"}, 404),
        ({"facility": "nobody"}, 404),
        ({"mode": "straight", "form": "streets"}, 400),
        ({"parameters": {"speed_m_s": -1}}, 400),
        ({"policy": "toilet-density"}, 400),
    ]
    for body, status in wrong:
        reply = http.post("/coverage/service-area", json={"policy": "toilet-300", **body})
        assert reply.status_code == status
        assert reply.headers["content-type"].startswith("application/problem+json")
        assert reply.json()["hint"]
    assert http.post("/coverage/service-area", json={"policy": "toilet-300", "depth_m": 0}).status_code in (
        400,
        422,
    )
    for mode in ("straight", "walk"):
        nothing = http.post("/coverage/service-area", json={"policy": "park-300", "mode": mode}).json()
        assert nothing["features"] == []


def test_a_service_area_on_the_command_line(town, catalogue, environment, tmp_path):
    write(town, catalogue, drawn("toilets", {"t": shapely.Point(500, 0)}))
    file = tmp_path / "streets.geojson"
    words = ("service-area", "toilet-10min", "--form", "streets", "--set", "speed_m_s=0.5", "--to", str(file))
    done = chengtu(environment, *words)
    assert done.returncode == 0, done.stderr
    ends = json.loads(file.read_text())["features"]
    assert [f["properties"]["far_m"] for f in ends] == [300, 300]
    assert [f["properties"]["far_min"] for f in ends] == [10, 10]
    assert chengtu(environment, "service-area", "toilet-10min", "--form", "hull").returncode == 2
