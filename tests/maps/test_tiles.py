"""The addresses of tiles that pages name, what browsers keep of them, and what the pages' other data says."""

from __future__ import annotations

import json
import math
import re

import httpx2
import pytest
from sqlalchemy import text

from app.maps.squares import WORLD_M, mercator


@pytest.fixture(scope="module")
def client(address):
    with httpx2.Client(base_url=address, timeout=30) as made:
        yield made


def layer_options(client, kind, path="/map/page.js", **asked):
    """The options of a page's layers of a kind, by id."""
    script = client.get(path, params={"lang": "zh", **asked}).text
    found = re.findall(rf"^\s*chengtu\.{kind}\(map_main, (\{{.*\}})\);", script, re.MULTILINE)
    return {options["id"]: options for options in map(json.loads, found)}


def tile_over(town, place="SELECT ST_Collect(geom) AS geom FROM city.toilets", z=10):
    """The tile {z, y, x} of zoom `z` that holds the middle of what `place` selects."""
    middle = text(f"SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_Centroid(geom) AS p FROM ({place}) found) m")
    with town.database.read() as conn:
        x_m, y_m = mercator(*conn.execute(middle).one())
    x, y = (math.floor((share + 0.5) * 2**z) for share in (x_m / WORLD_M, -y_m / WORLD_M))
    return {"z": z, "y": y, "x": x}


@pytest.mark.parametrize("ids", [["toilets"], ["parks", "toilets"], ["parks", "streets", "toilets"]])
def test_what_the_page_names_by_version_is_kept_for_a_while(client, town, ids):
    layers = layer_options(client, "layer")
    marks = "-".join(layers[class_id]["mark"] for class_id in ids)
    at = layers["toilets"]["tiles"].replace("{ids}", ",".join(ids)).format(**tile_over(town), marks=marks)
    for _ in range(2):  # the first answer is a route's, the second comes from memory
        assert "immutable" in client.get(at).headers["cache-control"]
    other = client.get(at.replace(marks, marks[:-1] + ("0" if marks[-1] != "0" else "1")))
    assert (other.status_code, other.headers["cache-control"]) == (200, "private, no-cache, max-age=0")
    assert client.get(at.replace("v=", "v=x")).status_code == 400


NEW_PARK = "SELECT geom FROM city.parks WHERE lower(valid) > '2000-01-01' ORDER BY area_m2 DESC LIMIT 1"


def test_the_ground_is_kept_too_and_is_that_of_the_day(client, town):
    place = tile_over(town, NEW_PARK, 14)
    ground = layer_options(client, "background")["ground"]["tiles"].format(**place)
    before = layer_options(client, "background", as_of="2000-01-01")["ground"]["tiles"].format(**place)
    now, then = client.get(ground), client.get(before)
    assert "immutable" in now.headers["cache-control"]
    assert "immutable" in then.headers["cache-control"]
    assert len(then.content) < len(now.content)
    assert client.get(f"{ground}&as_of=never").status_code == 400


def test_layers_of_another_day_ask_for_that_day(client):
    layers = layer_options(client, "layer", as_of="2020-12-31")
    assert all(options["tiles"].endswith("&as_of=2020-12-31") for options in layers.values())


def test_counts_say_at_which_zoom_of_the_map_features_are_drawn(client, town):
    """A tile of zoom z is drawn at the map's zoom z + 1."""
    with town.database.read() as conn:
        least = conn.execute(text("SELECT min(min_zoom) FROM city.parks")).scalar_one()
    assert min(map(int, layer_options(client, "layer")["parks"]["counts"])) == least + 1


def test_the_second_visit_is_answered_from_the_browsers_store(client):
    page = client.get("/map", headers={"Accept-Language": "zh"}).text
    script = page.split('<script src="')[2].split('"')[0].replace("&amp;", "&")
    answer = client.get(script)
    assert "immutable" in answer.headers["cache-control"]
    assert "immutable" not in client.get("/map/page.js?v=old").headers["cache-control"]


def test_the_page_of_a_class_opens_at_its_extent(client, town):
    script = client.get("/map/toilets/page.js").text
    (south, west), (north, east) = json.loads(re.search(r'"extent":(\[\[.*?\]\])', script)[1])
    with town.database.read() as conn:
        box = conn.execute(text("SELECT ST_Extent(geom)::text FROM city.toilets")).scalar_one()
    assert [west, south, east, north] == pytest.approx(
        [float(number) for number in re.findall(r"[\d.]+", box)]
    )
    assert '"extent"' not in client.get("/map/page.js").text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/map/toilts", 404, "toilets"),
        ("/map/toilets/features/999999999.json", 404, "toilets"),
        ("/map/toilets/features/1.json?bbx=1", 400, "bbx"),
        ("/coverage/00000000-0000-0000-0000-000000000000/map/areas.json", 404, "run"),
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(client, path, status, words):
    answer = client.get(path)
    assert answer.status_code == status or (status == 400 and answer.status_code in {400, 422})
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert words in answer.text


@pytest.mark.parametrize("path", ["/map", "/map/parks", "/map/map.js", "/map/map.css", "/map/page.js"])
def test_every_answer_forbids_inline_script_and_foreign_hosts(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_run_data_is_the_runs(client, town):
    run = town.runs["toilet-300"]
    areas = client.get(f"/coverage/{run}/map/areas.json").json()
    told = client.get(f"/coverage/{run}", headers={"Accept": "application/json"}).json()
    assert {row["code"] for row in areas["figures"]} == {row["code"] for row in told["areas"]}
    assert len(areas["shapes"]["own"]["rows"]) == len({row["code"] for row in told["areas"]})
    tier = told["results"][0]["tier"]
    gaps = client.get(f"/coverage/{run}/map/gaps/straight/{tier}.json").json()
    listed = client.get(f"/coverage/{run}/gaps", params={"mode": "straight", "limit": 10_000}).json()
    assert gaps["total"] == len(listed["features"])
    people = [row[5]["people"] for row in gaps["shapes"]["own"]["rows"]]
    assert people == sorted(people, reverse=True)
