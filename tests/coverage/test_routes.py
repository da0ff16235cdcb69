"""Coverage over HTTP on the sample town: policies, runs, gaps, reach, and the job that POST queues."""

from __future__ import annotations

import json
import re
import threading

import pytest
import shapely
from fastapi.testclient import TestClient

from app.coverage import service
from app.coverage.engine import Engine
from app.database.transactions import Database
from app.jobs.worker import Worker
from app.main import create_app
from app.worker import do_coverage
from tests.clones import clone, opened
from tests.commandline import chengtu

JSON = {"accept": "application/json"}


@pytest.fixture(scope="module")
def town(cluster_settings, town_template, catalogue):
    """A database with the sample town, its engine, and a client of the web application."""
    with clone(cluster_settings, town_template) as settings, opened(settings) as db:
        engine = Engine(db, catalogue)
        with TestClient(create_app(settings, engine=engine), raise_server_exceptions=False) as client:
            yield client, db, engine


@pytest.fixture(scope="module")
def run(town, catalogue):
    """A saved run of toilets within 300 m in both modes."""
    _, db, engine = town
    return service.run(db, engine.answer, {"policy": "toilet-300", "mode": "both"})


@pytest.fixture
def worker(town):
    """A worker that does coverage jobs until the test ends."""
    _, db, engine = town
    own = Database(db.settings)
    working = Worker(own, {"coverage": lambda context: do_coverage(context, engine)})
    thread = threading.Thread(target=working.run)
    thread.start()
    yield working
    working.stop()
    thread.join(10)
    own.dispose()


def test_policies_are_listed_and_shown_whole(town, catalogue):
    client, *_ = town
    listed = client.get("/policies").json()["policies"]
    assert {policy["id"] for policy in listed} == set(catalogue.policies)
    whole = client.get("/policies/cn_city_check_2021").json()
    assert whole["official"] is True
    assert whole["frame"] == "built_up_areas"
    assert [s["radius_m"] for s in whole["tiers"][0]["supplies"]] == [500.0, 300.0]
    assert whole["source"]["clause"]


def test_a_run_is_the_same_in_both_forms(town, run):
    client, *_ = town
    for reply in (
        client.get(f"/coverage/{run['run']}", headers=JSON),
        client.get(f"/coverage/{run['run']}?f=json"),
    ):
        assert reply.status_code == 200
        body = reply.json()
        for key in ("run", "policy", "results", "areas", "inputs"):
            assert body[key] == run[key]


def test_a_browser_is_sent_to_the_map(town, run):
    client, *_ = town
    reply = client.get(f"/coverage/{run['run']}", headers={"accept": "text/html"}, follow_redirects=False)
    assert reply.status_code == 303
    assert reply.headers["location"] == f"/coverage/{run['run']}/map"


def test_gaps_and_areas_are_geojson_in_lonlat(town, run):
    client, *_ = town
    gaps = client.get(f"/coverage/{run['run']}/gaps?mode=walk&limit=5").json()
    assert 0 < gaps["numberReturned"] <= 5
    people = [feature["properties"]["people"] for feature in gaps["features"]]
    assert people == sorted(people, reverse=True)
    for feature in gaps["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid
        assert 110 < shape.centroid.x < 120
        assert feature["properties"]["name"] is not None
    areas = client.get(f"/coverage/{run['run']}/areas").json()["features"]
    assert len(areas) == len(run["areas"])
    assert all(feature["geometry"] for feature in areas)


OFFICIAL = {"cn_city_check_2021", "cn_greenway_2021"}


def test_official_is_the_straight_figure_of_the_city_check_alone(town, catalogue):
    _, db, engine = town
    for policy in catalogue.default_policies():
        found = service.run(db, engine.answer, {"policy": policy, "mode": "both"})
        official = [(row["mode"], row["official"]) for row in found["results"]]
        assert official == [(row["mode"], policy in OFFICIAL and row["mode"] == "straight")
                            for row in found["results"]]  # fmt: skip


def test_post_computes_and_saves(town, worker):
    client, *_ = town
    reply = client.post(
        "/coverage", json={"policy": "park-500", "mode": "straight"}, headers={"prefer": "wait=30"}
    )
    assert reply.status_code == 201
    body = reply.json()
    assert reply.headers["location"] == f"/coverage/{body['run']}"
    assert client.get(reply.headers["location"], headers=JSON).json()["results"] == body["results"]
    listed = client.get("/coverage?policy=park-500").json()["runs"]
    assert listed[0]["run"] == body["run"]
    # What stands for the city is measured both ways.
    newest = client.get("/coverage?policy=park-500&newest=true").json()["runs"]
    assert body["run"] not in [row["run"] for row in newest]


def test_post_of_another_day_and_again(town, worker):
    client, *_ = town
    day = {"policy": "park-500", "mode": "straight", "as_of": "2021-12-31"}
    first = client.post("/coverage", json=day, headers={"prefer": "wait=30"}).json()
    assert first["inputs"]["as_of"] == "2021-12-31"
    again = client.post("/coverage", json={"rerun": first["run"]}, headers={"prefer": "wait=30"})
    assert again.status_code == 201
    assert again.json()["results"] == first["results"]
    assert again.json()["run"] != first["run"]
    place = client.get("/reach?lon=115.86&lat=28.68&as_of=2021-12-31").json()
    assert place["as_of"] == "2021-12-31"
    assert client.get("/reach?lon=115.86&lat=28.68&as_of=never").status_code == 400


def test_post_without_waiting_names_the_job(town):
    client, *_ = town
    reply = client.post("/coverage", json={"policy": "park-500"}, headers={"prefer": "wait=0"})
    assert reply.status_code == 202
    job = client.get(reply.headers["location"]).json()
    assert job["state"] == "queued"
    assert client.delete(reply.headers["location"]).json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"policy": "park-50"}, 404, "park-500"),
        ({"policy": "park-500", "mode": "fly"}, 400, "straight"),
        ({"policy": "park-500", "parameters": {"radius": 1}}, 400, "speed_m_s"),
        ({"policy": "park-500", "areas": "x"}, 400, "area"),
        ({"policy": "park-500", "radius_m": 300}, 400, "Put it into `parameters`"),
        ({}, 400, "policy"),
        ({"policy": "park-500", "as_of": "2021-02-30"}, 400, "is not a date"),
        ({"policy": "park-500", "known_at": "99999999"}, 400, "known_at"),
        ({"rerun": "park-500"}, 404, "no run"),
        ({"rerun": "0" * 32, "as_of": "2021-12-31"}, 400, "as it was"),
    ],
)
def test_post_refuses_what_it_cannot_compute(town, body, status, words):
    client, *_ = town
    reply = client.post("/coverage", json=body)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert words in reply.text


def test_post_tells_the_error_of_its_job(town, worker):
    client, *_ = town
    reply = client.post(
        "/coverage", json={"policy": "park-500", "area": "Atlantis"}, headers={"prefer": "wait=30"}
    )
    assert reply.status_code == 404
    assert "Atlantis" in reply.json()["detail"]


def test_an_area_reports_its_parts(town):
    _, db, engine = town
    whole = service.run(db, engine.answer, {"policy": "toilet-300", "mode": "straight"})
    district = whole["areas"][0]
    part = service.run(
        db, engine.answer, {"policy": "toilet-300", "mode": "straight", "area": district["code"]}
    )
    assert part["results"][0]["land_m2"] == pytest.approx(district["land_m2"], rel=1e-6)
    assert part["results"][0]["land_served_m2"] == pytest.approx(district["land_served_m2"], rel=1e-6)
    assert {row["level"] for row in part["areas"]} == {"subdistrict"}
    assert not part["results"][0]["official"]


def test_reach_names_facility_metres_minutes_and_way(town):
    client, *_ = town
    west, south, east, north = client.get("/collections/toilets").json()["extent"]["spatial"]["bbox"][0]
    reply = client.get("/reach", params={"lon": (west + east) / 2, "lat": (south + north) / 2})
    assert reply.status_code == 200
    tiers = {p["id"]: p["tiers"][0] for p in reply.json()["policies"]}
    straight, walk = tiers["toilet-10min"]["straight"], tiers["toilet-10min"]["walk"]
    assert straight["distance_m"] <= walk["distance_m"]
    assert walk["minutes"] == pytest.approx(walk["distance_m"] / 72, abs=0.1)
    assert walk["met"] == (walk["distance_m"] <= 720)
    assert len(walk["way"]) >= 2


@pytest.mark.parametrize("place", ["lon=0&lat=0", "lon=115.0&lat=29.5"])
def test_reach_outside_the_data_knows_nothing(town, place):
    client, *_ = town
    body = client.get(f"/reach?{place}").json()
    assert body["outside_data"] is True
    for policy in body["policies"]:
        for tier in policy["tiers"]:
            assert tier["straight"]["met"] is None
            assert tier["walk"]["distance_m"] is None


@pytest.mark.parametrize(
    "query", ["", "lon=999&lat=1", "lon=nan&lat=1", "lon=1", "lon=x&lat=y", "lon=1&lat=1&z=1"]
)
def test_reach_refuses_bad_places(town, query):
    client, *_ = town
    reply = client.get(f"/reach?{query}")
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("run_id", ["x", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_run_is_404(town, run_id):
    client, *_ = town
    for path in ("", "/gaps", "/areas", "/map"):
        assert client.get(f"/coverage/{run_id}{path}", headers=JSON).status_code == 404


@pytest.mark.parametrize(
    ("lang", "words"),
    [("zh", ("指标", "官方口径", "公厕300米内")), ("en", ("Policies", "official", "Toilet within"))],
)
def test_a_browser_gets_the_list_of_policies_as_a_page(town, catalogue, lang, words):
    client, *_ = town
    page = client.get("/policies", params={"lang": lang}, headers={"accept": "text/html,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["vary"].startswith("Accept, Accept-Language")
    assert all(word in page.text for word in words)
    for name in catalogue.policies:
        assert f'href="/policies/{name}?f=html&amp;lang={lang}"' in page.text
    assert "<script" not in page.text
    assert client.get("/policies").headers["content-type"] == "application/json"


@pytest.mark.parametrize(("lang", "words"), [("zh", ("计算结果", "步行")), ("en", ("Runs", "walked"))])
def test_a_browser_gets_the_list_of_runs_as_a_page_that_links_them(town, run, lang, words):
    client, db, engine = town
    name = '<b>"mine"</b>'
    later = service.run(
        db, engine.answer, {"policy": "toilet-300", "parameters": {"radius_m": 450}, "name": name}
    )
    page = client.get("/coverage", params={"f": "html", "lang": lang, "policy": "toilet-300"})
    assert all(word in page.text for word in words)
    assert f'href="/coverage/{later["run"]}/map?lang={lang}"' in page.text
    assert re.search(f"/coverage/compare/map\\?a=[0-9a-f-]{{36}}&amp;b={later['run']}&", page.text)
    assert "450 m" in page.text
    assert name not in page.text
    assert client.get("/coverage", params={"f": "html", "policy": "toilet-500"}).status_code == 200
    assert client.get("/coverage").json()["runs"][0]["policy"]["id"] == "toilet-300"


def test_runs_are_listed_on_the_command_line_so_that_two_can_be_chosen(town, run):
    _, db, _ = town
    environment = {"DATABASE_URL": str(db.settings.database_url), "CHENGTU_HOME": str(db.settings.home_path)}
    listed = json.loads(chengtu(environment, "runs", "toilet-300", "--json").stdout)["runs"]
    assert run["run"] in [one["run"] for one in listed]
    assert {"results", "inputs", "created_at"} <= set(listed[0])
    shown = chengtu(environment, "runs", "--limit", "1000")
    assert shown.returncode == 0
    assert run["run"][:8] in shown.stdout
    assert "No run is saved" in chengtu(environment, "runs", "bus-stops").stderr
    assert chengtu(environment, "runs", "toilet-900").returncode != 0
