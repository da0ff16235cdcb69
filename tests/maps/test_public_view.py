"""`?view=public` shows the classes and fields that are declared public, whatever is asked for."""

from __future__ import annotations

import json
import math

import mapbox_vector_tile
import pytest
from fastapi.testclient import TestClient

from app.catalogue.public_part import public_part
from app.database.scope import as_service
from app.main import create_app
from tests.clones import clone, opened
from tests.field.conftest import in_base64, jpeg, send


def public(path: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}view=public"


@pytest.fixture(scope="module")
def client(cluster_settings, town_template):
    with clone(cluster_settings, town_template) as cloned:
        with opened(cloned) as database, database.write() as conn:
            conn.exec_driver_sql("UPDATE city.grid_cells SET keeper = '张三丰'")
        with TestClient(create_app(cloned)) as client:
            yield client


def test_the_public_part_holds_nothing_else(catalogue):
    shown = public_part(catalogue)
    hidden = {cls.id for cls in catalogue.classes.values() if cls.sensitivity != "public"}
    assert {"pipes", "manholes", "illegal_constructions"} <= hidden
    assert set(shown.classes) == set(catalogue.classes) - hidden
    assert {item.sensitivity for cls in shown.classes.values() for item in cls.fields} == {"public"}
    assert shown.classes["toilets"] is catalogue.classes["toilets"]
    assert len(shown.classes["grid_cells"].fields) == len(catalogue.classes["grid_cells"].fields) - 1


def test_classes_that_are_not_public_are_not_there(client):
    for path in (
        "/map/pipes",
        "/collections/pipes/items",
        "/collections/pipes/tiles/WebMercatorQuad/14/6824/13462",
    ):
        assert client.get(path).status_code in {200, 204}, path
        assert client.get(public(path)).status_code == 404, path
    titles = {one["id"] for one in client.get(public("/collections?f=json")).json()["collections"]}
    assert "toilets" in titles
    assert "pipes" not in titles


def test_fields_that_are_not_public_are_in_no_answer(client):
    item = client.get("/collections/grid_cells/items?limit=1").json()["features"][0]
    assert item["properties"]["keeper"] == "张三丰"
    for path in (
        "/collections/grid_cells/items?limit=1", f"/collections/grid_cells/items/{item['id']}",
        f"/map/grid_cells/features/{item['id']}.json", "/collections/grid_cells/queryables",
        "/collections/grid_cells/schema",
    ):  # fmt: skip
        known, shown = client.get(path), client.get(public(path))
        assert "keeper" in known.text, path
        assert shown.status_code == 200, path
        assert "keeper" not in shown.text, path
        assert "张三丰" not in shown.text, path
    assert client.get(public("/collections/grid_cells/items?keeper=张三丰")).status_code == 400
    assert client.get(public("/collections/grid_cells/items?filter=keeper='x'")).status_code == 400


def test_tiles_of_a_public_view_are_others(client):
    item = client.get("/collections/grid_cells/items?limit=1").json()["features"][0]
    lon, lat = item["geometry"]["coordinates"][0][0][0]
    column = int((lon / 360 + 0.5) * 2**17)
    row = int((0.5 - math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / (2 * math.pi)) * 2**17)
    path = f"/collections/grid_cells/tiles/WebMercatorQuad/17/{row}/{column}"
    answers = [client.get(path), client.get(public(path)), client.get(path)]
    fields = [
        {
            name
            for feature in mapbox_vector_tile.decode(answer.content)["grid_cells"]["features"]
            for name in feature["properties"]
        }
        for answer in answers
    ]
    assert fields[2] == fields[0]
    assert "keeper" in fields[0]
    assert fields[1] == fields[0] - {"keeper"}


def test_a_page_of_a_public_view_asks_for_nothing_else(desktop, address):
    desktop.open(f"{address}/?f=html&view=public&lang=zh")
    page = desktop.page
    page.wait_for_selector(".approval")
    assert "公开视图" in page.locator(".approval").inner_text()
    layers = page.evaluate("() => chengtuApp.layers.map((layer) => layer.options.id)")
    assert "toilets" in layers
    assert not {"pipes", "manholes", "gas_devices", "public_properties"} & set(layers)
    asked = [url for url in desktop.requests if "/tiles/" in url or "page.js" in url or ".json" in url]
    assert len(asked) > 3
    assert [url for url in asked if "view=public" not in url] == []
    page.locator("a.lang").first.click()
    page.wait_for_function("() => document.documentElement.lang === 'en' && window.chengtuApp")
    assert "view=public" in page.url
    desktop.clean()


@pytest.fixture(scope="module")
def reported(client) -> dict[str, object]:
    """A toilet with a column that no class declares, and a report with a note and a photo: its id, the photo."""
    db = client.app.state.db
    with as_service(), db.write() as conn:
        item = conn.exec_driver_sql(
            'UPDATE city.toilets SET extra = \'{"phone": "13912345678"}\' '
            "WHERE id = (SELECT min(id) FROM city.toilets) RETURNING id"
        ).scalar_one()
    etag = client.get(f"/map/toilets/features/{item}.json").json()["etag"]
    body = {"state": "damaged", "note": "13912345678", "photo": {"data": in_base64(jpeg((64, 48)))}}
    return {"item": item, **send(client, item, etag, body).json()}


def test_photos_reports_and_undeclared_columns_are_in_no_public_answer(client, reported):
    item = reported["item"]
    assert client.get(reported["photo"]).status_code == 200
    assert client.get(public(reported["photo"])).status_code == 404
    for path in (
        f"/collections/toilets/items/{item}", f"/collections/toilets/items/{item}/history",
        f"/field/toilets/{item}.json", f"/map/toilets/features/{item}.json", "/exports/toilets.csv",
        "/exports/toilets.geojson",
    ):  # fmt: skip
        known, shown = client.get(path), client.get(public(path))
        assert "13912345678" in known.text, path
        assert shown.status_code == 200, path
        assert "13912345678" not in shown.text, path
    events = client.get(public(f"/collections/toilets/items/{item}/history")).json()["events"]
    assert {(event["who"], event["why"]) for event in events} == {(None, None)}


@pytest.mark.parametrize(
    "path", ["/changes", "/changes?f=html", "/imports", "/imports?f=csv", "/imports/new"]
)
def test_the_record_is_not_public(client, path):
    assert client.get(path).status_code == 200
    assert client.get(public(path)).status_code == 404


def test_features_that_a_run_counted_are_in_no_public_answer(client):
    run, closed = "80000000-0000-4000-8000-000000000000", "80000000-0000-4000-8000-000000000001"
    with as_service(), client.app.state.db.write() as conn:
        # what a run read decides who may know of it at all
        for name, versions in ((run, {"toilets": 1}), (closed, {"toilets": 1, "manholes": 1})):
            conn.exec_driver_sql(
                "INSERT INTO city.coverage_runs (id, policy_id, policy_version, policy_text, modes, inputs,"
                " results, areas) VALUES (%s, 'intact', '1', '', '{count}', %s, '{}', '[]')",
                (
                    name,
                    json.dumps({"policy": {"id": "intact"}, "versions": versions, "sensitivity": "public"}),
                ),
            )
            conn.exec_driver_sql(
                "INSERT INTO city.coverage_units (run, mode, tier, kind, code, geom) VALUES (%s, 'count', 'manholes',"
                " 'land', 'LAND-0', ST_SetSRID(ST_MakePoint(115.86, 28.68), 4326))",
                (name,),
            )
        ids = conn.exec_driver_sql(
            "INSERT INTO city.coverage_units (run, mode, tier, kind, code, geom) SELECT %s, 'count', 'manholes', kind,"
            " code, ST_SetSRID(ST_MakePoint(115.86, 28.68), 4326)"
            " FROM (VALUES ('feature', 'MH-000001'), ('land', 'LAND-1')) v (kind, code) RETURNING id",
            (run,),
        ).scalars()
        hidden, shown = sorted(ids)
    units = "/collections/coverage_units"
    for path in (
        f"{units}/items?run={run}", f"{units}/items?run={run}&filter=mode='count'", f"/exports/{run}.csv?part=units",
    ):  # fmt: skip
        known, told = client.get(path).text, client.get(public(path)).text
        assert "MH-000001" in known, path
        assert ("MH-000001" in told, "LAND-1" in told) == (False, True), path
    assert client.get(public(f"{units}/items/{hidden}")).status_code == 404
    assert client.get(public(f"{units}/items/{shown}")).status_code == 200
    tile = client.get(public(f"{units}/tiles/WebMercatorQuad/14/6824/13464?run={run}"))
    assert b"MH-000001" not in tile.content
    for path, status in ((f"{units}/items?run={closed}", 200), (f"/exports/{closed}.csv?part=units", 404)):
        assert "LAND-0" in client.get(path).text, path
        told = client.get(public(path))
        assert told.status_code == status, path
        assert "LAND-0" not in told.text, path
