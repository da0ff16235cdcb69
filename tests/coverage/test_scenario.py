"""Scenarios on the sample town: what is followed locally equals all computed again; HTTP, bad input, saved runs."""

from __future__ import annotations

import json
import os
import threading

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.coverage import service
from app.coverage.engine import Engine
from app.coverage.incremental import state_of
from app.coverage.loading import load_inputs
from app.coverage.request import parse
from app.coverage.scenario import MAX_PATCHES, parse_scenario
from app.coverage.scenario_engine import load_base, run
from app.coverage.scenario_loader import resolve, scenario_loader
from app.database.transactions import Database
from app.errors import ChengtuError
from app.inventory.batch import Change
from app.inventory.service import write_batches
from app.jobs.worker import Worker
from app.main import create_app
from app.worker import do_scenario
from tests.clones import clone, opened
from tests.commandline import chengtu
from tests.inventory.town import batch

LON, LAT = 115.8600, 28.6800
SEEDS = range(6)


@pytest.fixture(scope="module")
def town(cluster_settings, town_template, catalogue):
    """A database with the sample town, its engine, and a client of the web application."""
    with clone(cluster_settings, town_template) as settings, opened(settings) as db:
        engine = Engine(db, catalogue)
        with TestClient(create_app(settings, engine=engine), raise_server_exceptions=False) as client:
            yield client, db, engine


@pytest.fixture(scope="module")
def codes(town):
    """Codes of the features of some classes that are in service."""
    _, db, _ = town
    with db.read() as conn:
        return {
            name: list(
                conn.execute(
                    text(
                        f"SELECT code FROM city.{name} WHERE coalesce(state, 'in_service') = 'in_service' ORDER BY id"
                    )
                ).scalars()
            )
            for name in ("toilets", "parks")
        }


def box(lon, lat, side=0.002):
    return shapely.geometry.mapping(shapely.box(lon, lat, lon + side, lat + side))


def drawn_patches(seed, codes):
    """A few patches of toilets and parks."""
    rng = np.random.default_rng(seed)
    lon, lat = LON + rng.uniform(-0.008, 0.008, 2), LAT + rng.uniform(-0.006, 0.006, 2)
    toilet, park = (
        rng.choice(codes["toilets"], 3, replace=False),
        rng.choice(codes["parks"], 2, replace=False),
    )
    point = {"type": "Point", "coordinates": [float(lon[0]), float(lat[0])]}
    patches = [
        {"do": "remove", "class": "toilets", "code": str(toilet[0])},
        {"do": "move", "class": "toilets", "code": str(toilet[1]), "geometry": point},
        {"do": "close", "class": "toilets", "code": str(toilet[2])},
        {"do": "add", "class": "toilets", "geometry": point, "properties": {"state": "in_service"}},
        {"do": "remove", "class": "parks", "code": str(park[0])},
        {"do": "add", "class": "parks", "geometry": box(float(lon[1]), float(lat[1]))},
        {"do": "change", "class": "parks", "code": str(park[1]), "geometry": box(float(lon[0]), float(lat[1]), 0.001)},
    ]  # fmt: skip
    chosen = rng.choice(len(patches), 3, replace=False)
    return {"name": "drawn", "patches": [patches[i] for i in chosen]}


@pytest.mark.parametrize("policy", ["toilet-10min", "green-300-500"])
def test_what_is_followed_equals_all_computed_again(town, codes, policy):
    _, db, engine = town
    followed = 0
    for seed in SEEDS:
        scenario = parse_scenario(engine.catalogue, drawn_patches(seed, codes))
        with db.engine() as conn:
            loader = engine._loader(conn)
            request = parse(engine.catalogue, {"policy": policy}, None)
            base, resolved = load_base(loader, request), resolve(loader, scenario)
            outcome = run(loader, request, base, resolved)
            patched = scenario_loader(loader, resolved.patched, resolved.lines)
            whole = state_of(load_inputs(patched, request)[0], request.modes)
        followed += outcome.touched is not None
        for mine, full in zip(outcome.state.figures, whole.figures, strict=True):
            np.testing.assert_allclose(mine.land_served_m2, full.land_served_m2, rtol=0, atol=1e-6)
            np.testing.assert_allclose(mine.people_served, full.people_served, rtol=0, atol=1e-6)
        counts = [
            [len(band.places.code) for supply in state.inputs.supplies for band in supply.bands]
            for state in (outcome.state, whole)
        ]
        assert counts[0] == counts[1]
    assert followed == len(SEEDS)


def ask(engine, patches, policy="toilet-300", **more):
    return service.scenario(
        engine.answer, {"policy": policy, "scenario": {"name": "t", "patches": patches}, **more}
    )


def test_who_loses_is_who_was_served_and_is_no_more(town, codes):
    _, _, engine = town
    found = [
        ask(engine, [{"do": "remove", "class": "toilets", "code": code}]) for code in codes["toilets"][:6]
    ]
    assert any(one["losses"] for one in found)
    for one in found:
        assert one["gains"] == []
        for before, after, change in zip(
            one["before"]["results"], one["after"]["results"], one["change"]["results"], strict=True
        ):
            lost = sum(row["area_m2"] for row in one["losses"] if row["mode"] == before["mode"])
            assert lost == pytest.approx(
                before["land_served_m2"] - after["land_served_m2"], abs=2 * len(one["losses"]) + 1
            )
            assert change["land_losing_m2"] == pytest.approx(lost, abs=2 * len(one["losses"]) + 1)
            assert change["people_served"] == after["people_served"] - before["people_served"]
            assert change["facilities"] == -1
        for row in one["losses"]:
            assert row["people"] is not None
            assert row["nearest_m"] is None or row["nearest_m"] > 0
            assert shapely.geometry.shape(row["geometry"]).is_valid
        assert one["inputs"]["official"] is False


def test_what_is_taken_away_and_built_again_changes_nothing(town, codes):
    client, _, engine = town
    code = codes["toilets"][0]
    item = client.get(f"/collections/toilets/items?code={code}&f=json").json()["features"][0]
    patches = [
        {"do": "remove", "class": "toilets", "code": code},
        {
            "do": "add",
            "class": "toilets",
            "geometry": item["geometry"],
            "properties": {"state": "in_service"},
        },
    ]
    found = ask(engine, patches)
    assert found["before"]["results"] == found["after"]["results"]
    assert found["gains"] == found["losses"] == []


def test_a_closed_toilet_may_be_opened_again(town, codes):
    _, _, engine = town
    shut = {"do": "close", "class": "toilets", "code": codes["toilets"][1]}
    closed = ask(engine, [shut])
    both = ask(engine, [shut, {**shut, "do": "open"}])
    assert closed["change"]["results"][0]["facilities"] == -1
    assert both["before"]["results"] == both["after"]["results"]


def test_a_new_street_helps_those_who_walk_and_nobody_else(town):
    _, _, engine = town
    line = {"type": "LineString", "coordinates": [[LON - 0.006, LAT - 0.004], [LON + 0.004, LAT + 0.005]]}
    found = ask(engine, [{"do": "street", "geometry": line}])
    straight, walk = found["change"]["results"]
    assert straight["land_served_m2"] == 0
    assert walk["land_served_m2"] > 0
    assert found["losses"] == []
    assert sum(row["area_m2"] for row in found["gains"]) == pytest.approx(walk["land_gaining_m2"], abs=3)
    assert found["inputs"]["recomputed"]["method"] == "everything"
    # The city as it is stays from the request before, whose policy was made anew as this one's is.
    for _ in range(2):
        wider = ask(engine, [{"do": "street", "geometry": line}], parameters={"radius_m": 350})
    assert wider["change"]["results"][1]["land_served_m2"] > 0


def test_new_homes_are_demand(town):
    _, _, engine = town
    homes = {
        "do": "add", "class": "residential_areas", "geometry": box(LON - 0.0102, LAT - 0.0085, 0.001),
        "properties": {"kind": "land", "people": 500, "name_zh": "新小区"},
    }  # fmt: skip
    found = ask(engine, [homes], mode="straight")
    before, after = (found[side]["results"][0]["land_m2"] for side in ("before", "after"))
    assert before + 1_000 < after < before + 12_000


def test_a_class_that_the_policy_does_not_read_is_named(town):
    _, _, engine = town
    found = ask(engine, [{"do": "add", "class": "parks", "geometry": box(LON, LAT)}])
    assert found["inputs"]["unused_classes"] == ["parks"]
    assert found["before"]["results"] == found["after"]["results"]


def test_it_answers_over_http_at_once_and_through_a_job_when_cold(town, codes):
    client, db, _ = town
    body = {
        "policy": "toilet-500", "mode": "straight",
        "scenario": {"name": "t", "patches": [{"do": "remove", "class": "toilets", "code": codes["toilets"][0]}]},
    }  # fmt: skip
    cold = client.post("/coverage", json=body, headers={"prefer": "wait=0"})
    assert cold.status_code == 202
    engine = town[2]
    own = Database(db.settings)
    working = Worker(own, {"scenario": lambda context: do_scenario(context, engine)})
    thread = threading.Thread(target=working.run)
    thread.start()
    try:
        done = client.post("/coverage", json=body, headers={"prefer": "wait=30"})
    finally:
        working.stop()
        thread.join(10)
        own.dispose()
    warm = client.post("/coverage", json=body)
    for reply in (done, warm):
        assert reply.status_code == 200
        assert {"before", "after", "change", "gains", "losses", "inputs"} <= reply.json().keys()
    assert warm.json()["after"] == done.json()["after"]
    assert client.get("/coverage").json()["runs"] == []


def test_a_named_scenario_is_a_run_that_can_be_computed_again(town, codes):
    _, db, engine = town
    scenario = {"name": "t", "patches": [{"do": "remove", "class": "toilets", "code": codes["toilets"][0]}]}
    request = {"policy": "toilet-300", "mode": "straight", "scenario": scenario, "name": "one less"}
    saved = service.run(db, engine.answer, request)
    assert saved["inputs"]["scenario"] == scenario
    assert saved["inputs"]["official"] is False
    quick = ask(engine, scenario["patches"], mode="straight")
    assert saved["results"][0]["land_served_m2"] == quick["after"]["results"][0]["land_served_m2"]
    with db.read() as conn:
        again = service.rerun_request(conn, engine.catalogue, saved["run"])
        newest = service.list_runs(conn, engine.catalogue, "toilet-300", newest_only=True)
    assert service.run(db, engine.answer, again)["results"] == saved["results"]
    assert newest == []


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"do": "delete", "class": "toilets", "code": "x"}, "remove"),
        ({"do": "remove", "class": "toiletz", "code": "x"}, "toilets"),
        ({"do": "remove", "class": "toilets"}, "code"),
        ({"do": "remove", "class": "toilets", "code": "no such"}, "no such"),
        ({"do": "remove", "class": "districts", "code": "x"}, "where is measured"),
        ({"do": "add", "class": "toilets", "geometry": box(LON, LAT)}, "point"),
        ({"do": "add", "class": "toilets", "geometry": {"type": "Point", "coordinates": [LAT, LON]}}, "90"),
        ({"do": "add", "class": "toilets", "geometry": {"type": "Point", "coordinates": [11.5, 48.1]}}, "outside"),
        ({"do": "add", "class": "toilets", "geometry": {"type": "Point"}}, "GeoJSON"),
        ({"do": "add", "class": "toilets", "geometry": "POINT(1 2)"}, "GeoJSON"),
        ({"do": "add", "class": "toilets", "geometry": {"type": "Spot", "coordinates": [LON, LAT]}}, "GeoJSON"),
        ({"do": "add", "class": "toilets", "geometry": []}, "GeoJSON"),
        ({"do": ["add"], "class": "toilets"}, "way to patch"),
        ({"do": "change", "class": "residential_areas", "code": "x", "properties": {"people": 10**30}}, "people"),
        (
            {"do": "add", "class": "parks", "geometry": {"type": "Polygon", "coordinates": [
                [[LON, LAT], [LON + 0.01, LAT + 0.01], [LON + 0.01, LAT], [LON, LAT + 0.01], [LON, LAT]]]}},
            "not valid",
        ),
        ({"do": "change", "class": "toilets", "code": "x", "properties": {"colour": "red"}}, "colour"),
        ({"do": "change", "class": "toilets", "code": "x", "properties": {"state": "closed"}}, "out_of_use"),
        ({"do": "change", "class": "toilets", "code": "x", "properties": {"stalls": -1}}, "stalls"),
        ({"do": "change", "class": "toilets", "code": "x"}, "properties"),
        ({"do": "remove", "class": "toilets", "code": "x", "why": "y"}, "why"),
        ({"do": "street", "geometry": {"type": "LineString", "coordinates": [[LON, LAT], [LON, LAT]]}}, "line"),
        ("remove", "object"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_with_the_reason(town, patch, words):
    client, *_ = town
    reply = client.post("/coverage", json={"policy": "toilet-300", "scenario": {"patches": [patch]}})
    assert reply.status_code in (400, 404)
    assert reply.headers["content-type"] == "application/problem+json"
    assert words in reply.text
    assert "Patch 1" in reply.text or "no such" in words or "outside" in words


@pytest.mark.parametrize(
    "scenario", [[], {}, {"patches": []}, {"patches": [{}] * (MAX_PATCHES + 1)}, {"x": 1}]
)
def test_a_scenario_without_patches_or_with_too_many_is_refused(catalogue, scenario):
    with pytest.raises(ChengtuError):
        parse_scenario(catalogue, scenario)


def guard(client, code, **more):
    body = {"policy": "toilet-300", "remove": {"class": "toilets", "code": code}, **more}
    return client.post("/scenarios/guard", json=body, headers={"prefer": "wait=0"})


def test_the_guard_finds_where_to_rebuild(town, codes):
    client, _, engine = town
    ask(engine, [{"do": "remove", "class": "toilets", "code": codes["toilets"][0]}])
    answers = [guard(client, code, within_m=200.0).json() for code in codes["toilets"][:4]]
    assert any(one["falls"] for one in answers)
    for one in answers:
        assert one["falls"] == bool(one["sites"])
        assert one["falls"] == any(
            row["people_served"] or row["land_served_m2"] for row in one["change"]["results"]
        )
        ranks = [not site["restores"] for site in one["sites"]]
        assert ranks == sorted(ranks)
        for site in one["sites"]:
            assert site["distance_m"] <= 200
            for figure in site["figures"]:
                assert 0 <= figure["people_restored"] <= figure["people_lost"] + 0.1
        if one["falls"] and not one["restored_by_one"]:
            back = [row["figures"][-1]["people_restored"] for row in one["plan"]]
            assert back == sorted(back)


def test_a_site_gives_back_what_adding_it_there_gives_back(town, codes):
    client, _, engine = town
    ask(engine, [{"do": "remove", "class": "toilets", "code": codes["toilets"][0]}])
    named = {"class": "公厕", "code": codes["toilets"][0]}
    one = guard(client, codes["toilets"][0], remove=named).json()
    assert one["remove"] == {**named, "class": "toilets"}
    site = one["sites"][0]
    rebuilt = ask(
        engine,
        [
            {"do": "remove", "class": "toilets", "code": codes["toilets"][0]},
            {"do": "add", "class": "toilets", "properties": {"state": "in_service"},
             "geometry": {"type": "Point", "coordinates": [site["lon"], site["lat"]]}},
        ],
    )  # fmt: skip
    for figure, row in zip(site["figures"], rebuilt["change"]["results"], strict=True):
        assert figure["land_m2_more_than_before"] == pytest.approx(row["land_served_m2"], abs=5)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"remove": {"class": "toilets", "code": "no such"}}, "no such"),
        ({"remove": {"class": "toiletz", "code": "x"}}, "toilets"),
        ({"remove": {"class": "公厕", "code": "no such"}}, "no such"),
        ({"remove": {"class": "公共厕", "code": "x"}}, "toilets (公共厕所)"),
        ({"remove": {"class": "parks", "code": "PK-000001"}}, "does not count"),
        ({"within_m": -1}, "within_m"),
        ({"remove": {"class": "toilets"}}, "code"),
    ],
)
def test_the_guard_refuses_what_it_cannot_weigh(town, codes, body, words):
    client, _, engine = town
    ask(engine, [{"do": "remove", "class": "toilets", "code": codes["toilets"][0]}])
    asked = {"policy": "toilet-300", "remove": {"class": "toilets", "code": codes["toilets"][0]}, **body}
    reply = client.post("/scenarios/guard", json=asked)
    assert reply.status_code in (400, 404)
    assert words in reply.text


def test_both_commands_print_what_the_engine_answers(town, codes, tmp_path):
    _, db, _ = town
    file = tmp_path / "scenario.yaml"
    code = codes["toilets"][0]
    file.write_text(f"name: 拆\npatches:\n  - {{do: remove, class: toilets, code: {code}}}\n", "utf-8")
    environment = {
        **os.environ,
        "CHENGTU_HOME": str(db.settings.home_path),
        "DATABASE_URL": db.settings.database_url,
    }
    found = chengtu(environment, "scenario", str(file), "--policy", "toilet-300", "--json")
    answered = json.loads(found.stdout)
    assert answered["change"]["results"][0]["facilities"] == -1
    shown = chengtu(environment, "guard", "公厕", code, "--policy", "toilet-300")
    assert "before and after" in shown.stdout


def test_a_city_without_streets_has_nothing_to_walk_and_says_so(database, catalogue):
    homes = shapely.box(LON, LAT, LON + 0.004, LAT + 0.004)
    rows = [
        batch("residential_areas", {"R": homes}, {"kind": ["land"], "people": [100]}),
        batch("toilets", {"T": shapely.Point(LON + 0.001, LAT + 0.001)}),
    ]
    with database.write() as conn:
        write_batches(conn, catalogue, rows, Change("test", "drawn", metric_crs="EPSG:4548"))
    found = ask(Engine(database, catalogue), [{"do": "remove", "class": "toilets", "code": "T"}])
    straight, walk = found["change"]["results"]
    assert straight["land_losing_m2"] > 0
    assert walk["land_losing_m2"] is None
    assert walk["share_of_land"] is None


def test_a_policy_that_counts_has_a_before_and_an_after(town, codes):
    client, *_ = town
    patch = {"do": "remove", "class": "toilets", "code": codes["toilets"][0]}
    reply = client.post("/coverage", json={"policy": "toilet-density", "scenario": {"patches": [patch]}})
    assert reply.status_code == 200
    answered = reply.json()
    for before, after, change in zip(
        *(answered[side]["results"] for side in ("before", "after", "change")), strict=True
    ):
        assert after["value"] == pytest.approx(before["value"] + change["value"])
    assert answered["change"]["results"][0]["facilities"] == -1
    assert answered["inputs"]["official"] is False
    assert guard(client, codes["toilets"][0], policy="toilet-density").status_code == 400
