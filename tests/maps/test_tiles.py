"""Squares of real PostGIS data: nothing lost, nothing twice, in its place, and kept by browsers."""

from __future__ import annotations

import itertools
import json
import math
import re

import httpx2
import pytest
import shapely
from sqlalchemy import text

from app.maps.squares import WORLD_M, mercator


@pytest.fixture(scope="module")
def client(address):
    with httpx2.Client(base_url=address, timeout=30) as made:
        yield made


def squares_over(town, z):
    """Every square z/x/y that touches the town."""
    with town.database.read() as conn:
        box = conn.execute(
            text(
                "SELECT ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b)"
                " FROM (SELECT ST_Extent(geom) b FROM city.districts) e"
            )
        ).one()
    (west, north), (east, south) = mercator(box[0], box[3]), mercator(box[2], box[1])
    columns = range(math.floor((west / WORLD_M + 0.5) * 2**z), math.floor((east / WORLD_M + 0.5) * 2**z) + 1)
    rows = range(math.floor((0.5 - north / WORLD_M) * 2**z), math.floor((0.5 - south / WORLD_M) * 2**z) + 1)
    return [(z, x, y) for x, y in itertools.product(columns, rows)]


def count(town, class_id):
    with town.database.read() as conn:
        return conn.execute(text(f"SELECT count(*) FROM city.{class_id}")).scalar_one()


@pytest.mark.parametrize("class_id", ["toilets", "street_trees", "markets", "parking_lots"])
@pytest.mark.parametrize("z", [10, 13, 16])
def test_every_point_is_counted_in_exactly_one_square(client, town, class_id, z):
    answers = [client.get(f"/map/{class_id}/{z}/{x}/{y}.json").json() for z, x, y in squares_over(town, z)]
    points = [point for answer in answers for point in answer["points"]]
    assert sum(point[1] for point in points) == count(town, class_id)
    alone = [point[0] for point in points if point[0] is not None]
    assert len(alone) == len(set(alone))
    assert z < 16 or len(alone) == count(town, class_id)


def test_shapes_lie_where_the_database_has_them(client, town):
    """A park's shape from its squares, put together, is the park (to a square's grid of 0.6 m)."""
    with town.database.read() as conn:
        park, wkb = conn.execute(
            text(
                "SELECT id, ST_AsBinary(ST_Transform(geom, 3857)) FROM city.parks ORDER BY area_m2 DESC LIMIT 1"
            )
        ).one()
    pieces = []
    for at in squares_over(town, 14):
        answer = client.get("/map/parks/{}/{}/{}.json".format(*at)).json()
        left, top, side, extent = answer["square"]
        square = shapely.box(0, 0, extent, extent)
        for row in answer["shapes"]["own"]["rows"]:
            if row[0] == park:
                shape = shapely.intersection(shapely.geometry.shape(row[4]).buffer(0), square)
                unit = side * WORLD_M / extent
                pieces.append(
                    shapely.transform(
                        shape,
                        lambda xy, left=left, top=top, unit=unit: (
                            xy * [unit, -unit] + [(left - 0.5) * WORLD_M, (0.5 - top) * WORLD_M]
                        ),
                    )
                )
    drawn, real = shapely.union_all(pieces, grid_size=0.01), shapely.from_wkb(wkb)
    assert shapely.hausdorff_distance(drawn, real) < 2.5
    assert drawn.area == pytest.approx(real.area, rel=0.01)


def test_no_shape_is_drawn_before_its_zoom(client, town):
    for at in squares_over(town, 12):
        rows = client.get("/map/streets/{}/{}/{}.json".format(*at)).json()["shapes"]["own"]["rows"]
        assert all(row[3] <= 13 for row in rows)


def test_the_ground_has_its_groups_and_names(client, town):
    answers = [ground(client, at) for at in squares_over(town, 15)]
    groups = {name for answer in answers for name, part in answer["shapes"].items() if part["rows"]}
    assert {"water", "green", "parks", "streets", "borders", "residential", "buildings"} <= groups
    named = {label[0] for answer in answers for label in answer["labels"]}
    assert {"water", "park", "estate"} <= named
    labels = [label for at in squares_over(town, 11) for label in ground(client, at)["labels"]]
    districts = [label[1] for label in labels if label[0] == "district"]
    assert len(districts) == len(set(districts)) >= 2


def ground(client, at):
    return client.get("/map/background/{}/{}/{}.json".format(*at)).json()


def test_what_the_page_names_by_version_is_kept_and_the_rest_asked_for_anew(client, town):
    at = "/map/toilets/{}/{}/{}.json".format(*squares_over(town, 12)[0])
    first = client.get(at)
    assert first.headers["cache-control"] == "private, no-cache"
    again = client.get(at, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    with town.database.read() as conn:
        version = conn.execute(text("SELECT max(change_id) FROM city.toilets")).scalar_one()
    assert "immutable" in client.get(at, params={"v": version}).headers["cache-control"]
    assert "immutable" not in client.get(at, params={"v": version + 1}).headers["cache-control"]
    english = client.get(at, params={"lang": "en"})
    assert english.headers["etag"] != first.headers["etag"]


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
        ("/map/toilts/3/1/1.json", 404, "toilets"),
        ("/map/toilets/3/8/1.json", 400, "square"),
        ("/map/toilets/3/x/1.json", 400, ""),
        ("/map/toilets/features/999999999.json", 404, "toilets"),
        ("/map/toilets/3/1/1.json?bbx=1", 400, "bbx"),
        ("/coverage/nothing/map", 404, "run"),
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
