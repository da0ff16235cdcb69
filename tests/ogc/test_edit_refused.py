"""Edits that are refused: wrong values, shapes, bodies; nothing of them is stored, and each says what to do."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient

from app.database.engine import open_database
from app.inventory.service import write_batches
from app.main import create_app
from app.settings import Settings
from tests.clones import clone
from tests.inventory.town import CHANGE, LAT, LON, batch, districts, place
from tests.ogc.edits import (
    GEOJSON,
    ITEMS,
    MERGE_PATCH,
    PROBLEM,
    created,
    faults,
    feature,
    patch,
    point,
    post,
    properties,
    put,
    served_town,
)


@pytest.fixture(scope="module")
def client(cluster_settings, template, catalogue):
    """A server over a town of two districts."""
    with served_town(cluster_settings, template, catalogue) as (client, _, _):
        yield client


@pytest.fixture
def stored(client):
    """Nothing is stored by what a test sends."""
    before = {name: version(client, name) for name in ("toilets", "parks")}
    yield
    assert {name: version(client, name) for name in before} == before


def version(client, collection: str) -> str:
    return client.get(f"/collections/{collection}/items?limit=1").headers["etag"]


def polygon(*places: tuple[float, float]) -> dict:
    ring = [[LON + x / 1000, LAT + y / 1000] for x, y in places]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("sent", "reasons"),
    [
        ({"stalls": -3}, {"stalls": "below the smallest value 0"}),
        ({"stalls": 1.5}, {"stalls": "a whole number is expected"}),
        ({"stalls": 10**30}, {"stalls": "the number is too large"}),
        ({"stalls": {"a": [1]}}, {"stalls": "a number is expected"}),
        ({"kind": "palace"}, {"kind": "not one of the valid values"}),
        ({"built_on": "2020-02-30"}, {"built_on": "there is no such day"}),
        ({"built_on": "2020", "removed_on": "2019"}, {"removed_on": "lies before built_on (2020-01-01)"}),
        ({"fee": "perhaps"}, {"fee": "yes or no is expected"}),
        ({"name_zh": "长" * 10_001}, {"name_zh": "the text has 10001 characters"}),
        ({"code": "x" * 201}, {"code": "the text has 201 characters"}),
        ({"code": ["x"]}, {"code": "a code is a text"}),
        ({"stals": 1}, {"stals": "the collection has no such property"}),
        ({"area_path": "C"}, {"area_path": "it is kept by the server and cannot be set"}),
        ({"component_code": "123"}, {"component_code": "the code system is not stated"}),
        (
            {"stalls": -3, "kind": "palace", "id": 5},
            {
                "stalls": "below the smallest value 0",
                "kind": "not one of the valid values",
                "id": "it is kept by the server and cannot be set",
            },
        ),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else None,
)
def test_a_value_that_an_import_would_refuse_is_refused(client, sent, reasons):
    assert faults(post(client, feature(**sent))) == reasons


def test_a_name_that_does_not_exist_brings_the_nearest(client):
    fault = post(client, feature(stals=1)).json()["errors"][0]
    assert (fault["value"], fault["hint"]) == (1, "Did you mean stalls or male_stalls?")


def test_what_is_wrong_is_said_in_chinese(client):
    reply = post(client, feature(stalls=-3, kind="palace"), accept_language="zh-CN")
    problem = reply.json()
    assert problem["detail"] == "stalls 无法保存：小于最小值 0。errors 中另有 1 处错误。"
    assert problem["errors"][0]["reason"] == "小于最小值 0"
    assert reply.headers["content-language"] == "zh-CN"


TANGLE = np.arange(201) * 100 * 2 * math.pi / 201
STAR = polygon(*zip(5 * np.cos(TANGLE), 5 * np.sin(TANGLE), strict=True))


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("collection", "geometry", "reason"),
    [
        ("toilets", None, "no geometry"),
        ("toilets", {"type": "Point", "coordinates": []}, "empty geometry"),
        ("toilets", {"type": "Point", "coordinates": [LAT, LON]}, "the axes are swapped"),
        ("toilets", {"type": "Point", "coordinates": [2.35, 48.85]}, "outside the city"),
        ("toilets", {"type": "Point", "coordinates": [1e300, 5]}, "not longitudes and latitudes"),
        ("toilets", {"type": "Point", "coordinates": [1e308, 1e308]}, "not longitudes and latitudes"),
        ("parks", {"type": "MultiPolygon", "coordinates": [5]}, "ring 1 has fewer than 4 positions"),
        ("toilets", {"type": "Point", "coordinates": ["115", 28]}, "a coordinate is not a number ('115')"),
        ("toilets", {"type": "Point", "coordinates": [115]}, "the coordinates make no Point"),
        ("toilets", {"type": "Circle", "coordinates": [1, 2]}, "the geometry has no known type"),
        ("toilets", "POINT (1 2)", "the geometry has no known type"),
        ("toilets", polygon((1, 1), (2, 1), (2, 2)), "the geometry is a polygon, this class holds points"),
        ("toilets", {"type": "MultiPoint", "coordinates": [[LON, LAT], [LON + 0.1, LAT]]}, "a multipoint of 2 places"),
        ("parks", point(), "the geometry is a point, this class holds polygons"),
        ("parks", polygon((1, 1), (2, 2)), "the polygon encloses no area"),
        ("parks", polygon((1, 1), (2, 2), (3, 3)), "the polygon encloses no area"),
        ("parks", {"type": "Polygon", "coordinates": [[[LON, LAT], [LON, 28.7], [115.9, LAT], [LON, 28.8]]]},
         "is not closed"),
        ("parks", STAR, "the outline crosses itself too often"),
        ("parks", polygon(*((math.cos(t), math.sin(t)) for t in np.linspace(0, 6, 10_050))), "more than 10000 vert"),
        ("greenways", {"type": "LineString", "coordinates": [[LON, LAT], [LON, LAT]]}, "the line has no length"),
    ],
)  # fmt: skip
def test_a_shape_that_an_import_would_refuse_is_refused(client, collection, geometry, reason):
    body = {"type": "Feature", "geometry": geometry, "properties": {}}
    found = faults(post(client, body, f"/collections/{collection}/items"))
    assert set(found) == {"geometry"}
    assert reason in found["geometry"]


def test_a_city_without_borders_refuses_what_lies_far_from_its_data(cluster_settings, template, catalogue):
    away = {"type": "Point", "coordinates": [LON + 20, LAT]}
    rows = batch("toilets", {"t": place(0, 0)})
    with served_town(cluster_settings, template, catalogue, rows) as (client, _, _):
        assert "outside the city" in faults(post(client, feature(away)))["geometry"]
        assert post(client, feature()).status_code == 201


def test_what_lies_outside_the_city_is_taken_where_that_is_said(client):
    away = {"type": "Point", "coordinates": [LON + 1, LAT]}
    assert "geometry" in faults(post(client, feature(away)))
    assert post(client, feature(away), f"{ITEMS}?allow_outside=true").status_code == 201


def test_a_shape_that_is_not_changed_hinders_no_other_edit(client):
    away = {"type": "Point", "coordinates": [LON + 1, LAT]}
    address = post(client, feature(away, stalls=1), f"{ITEMS}?allow_outside=true").headers["location"]
    shown = client.get(address).json()
    shown["properties"]["stalls"] = 2
    assert put(client, address, shown).status_code == 200
    shown["geometry"]["coordinates"][0] += 0.001
    assert set(faults(patch(client, address, {"geometry": shown["geometry"]}))) == {"geometry"}


def test_what_was_mended_is_told(client):
    bow = polygon((0, 0), (4, 4), (4, 0), (0, 4))
    reply = post(client, feature(bow), "/collections/parks/items")
    assert reply.status_code == 201
    repaired = reply.json()["repaired"]
    assert (repaired["reason"], len(repaired["at"])) == ("自相交", 2)
    shape = shapely.geometry.shape(client.get(reply.headers["location"]).json()["geometry"])
    assert shape.is_valid
    assert shape.geom_type == "MultiPolygon"


NESTED = b"[" * 3000 + b"]" * 3000
DEEP = (
    b'{"type":"Feature","properties":{},"geometry":'
    + b'{"type":"GeometryCollection","geometries":[' * 200
    + b"]}" * 200
    + b"}"
)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"   ", 400),
        (b"{", 400),
        (b"\xff\xfe{}", 400),
        (b"null", 400),
        (b"[]", 400),
        (b'"Feature"', 400),
        (b'{"type": "Feature"}', 400),
        (b'{"type": ["Feature"], "geometry": null, "properties": {}}', 400),
        (b'{"type": "Point", "coordinates": [115.86, 28.68]}', 400),
        (b'{"type": "Feature", "geometry": null, "properties": []}', 400),
        (b'{"type": "FeatureCollection", "features": []}', 400),
        (b'{"type": "FeatureCollection", "features": {}}', 400),
        (b'{"type": "FeatureCollection", "features": [1, null]}', 400),
        (json.dumps({"type": "FeatureCollection", "features": [feature()] * 501}).encode(), 413),
        (b'{"type": "Feature", "geometry": {"type": "Point", "coordinates": [NaN, 28.68]}, "properties": {}}', 400),
        (b'{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1e999, 28.68]}, "properties": {}}', 400),
        (b'{"type": "Feature", "geometry": {"type": "Point", "coordinates": ' + NESTED + b'}, "properties": {}}', 400),
        (DEEP, 400),
        (NESTED, 400),
        (b'{"type": "Feature", "geometry": null, "properties": {"a":' * 900 + b"1" + b"}}" * 900, 400),
        (b" " * 1_000_001, 413),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else None,
)  # fmt: skip
def test_a_body_that_is_no_feature_is_refused(client, body, status):
    reply = post(client, body)
    assert reply.status_code == status, reply.text[:300]
    assert reply.headers["content-type"] == PROBLEM
    assert reply.json()["hint"]


def test_a_body_of_a_hundred_megabytes_is_not_read(client):
    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000_000

    reply = client.post(ITEMS, content=pieces(), headers={"Content-Type": GEOJSON})
    assert reply.status_code == 413
    assert (
        client.post(ITEMS, headers={"Content-Type": GEOJSON, "Content-Length": "100000000"}).status_code
        == 413
    )


@pytest.mark.parametrize(
    ("media", "status"),
    [(None, 400), ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("text/xml", 415),
     (MERGE_PATCH, 415), ("application/geo+json; charset=utf-8", 201), ("application/json", 201),
     ("application/vnd.geo+json", 201)],
)  # fmt: skip
def test_the_media_type_of_a_body_counts(client, media, status):
    headers = {} if media is None else {"Content-Type": media}
    assert client.post(ITEMS, content=json.dumps(feature()), headers=headers).status_code == status


def test_a_page_of_another_site_cannot_edit(client):
    address = created(client)
    away = {"Sec-Fetch-Site": "cross-site"}
    assert post(client, feature(), sec_fetch_site="cross-site").status_code == 400
    assert (
        patch(client, address, {"properties": {"stalls": 1}}, sec_fetch_site="cross-site").status_code == 400
    )
    assert client.delete(address, headers=away).status_code == 400
    assert post(client, feature(), content_encoding="gzip").status_code == 400


@pytest.mark.parametrize(
    "body",
    [{}, {"type": "Feature"}, {"properties": None}, {"propertes": {"stalls": 1}}, {"stalls": 1},
     {"properties": [1]}, {"geometry": None}, {"type": "FeatureCollection", "properties": {}}, [], None],
)  # fmt: skip
def test_a_patch_that_says_nothing_usable_is_refused(client, body):
    address = created(client, stalls=3)
    reply = patch(client, address, body)
    assert reply.status_code == 400
    assert properties(client, address)["stalls"] == 3


def test_what_only_the_server_writes_is_left_alone(client):
    address = created(client, code="RO", stalls=3)
    shown = client.get(address).json()
    assert put(client, address, shown).status_code == 200
    # As QGIS and others write it: numbers and days as text, lists as text.
    shown["properties"] |= {
        "min_zoom": str(shown["properties"]["min_zoom"]),
        "size_flag": None,
        "valid_to": "",
    }
    shown["properties"].pop("size_flag")
    assert put(client, address, shown).status_code == 200
    for name, value in {
        "area_path": "X",
        "min_zoom": 3,
        "incomplete": True,
        "id": 7,
        "code": "Other",
    }.items():
        assert set(faults(patch(client, address, {"properties": {name: value}}))) == {name}
    assert set(faults(put(client, address, {**feature(), "id": 7}))) == {"id"}


@pytest.mark.parametrize(
    "item", ["0", "-1", "1.5", "abc", "9" * 30, "9" * 19, "%00", "9223372036854775808", "１"]
)
def test_an_item_that_cannot_be_is_not_found(client, item):
    address = f"{ITEMS}/{item}"
    expected = {400, 404}
    assert patch(client, address, {"properties": {"stalls": 1}}).status_code in expected
    assert put(client, address, feature()).status_code in expected
    assert client.delete(address).status_code in expected


def test_where_versions_must_be_named_an_edit_without_one_is_refused(cluster_settings, template, catalogue):
    with clone(cluster_settings, template) as cloned:
        settings = Settings(home=cloned.home, DATABASE_URL=cloned.database_url, host="0.0.0.0")
        db = open_database(settings)
        with db.write() as conn:
            write_batches(conn, catalogue, [districts()], CHANGE)
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            address = created(client)
            for reply in (
                patch(client, address, {"properties": {"stalls": 1}}),
                put(client, address, feature()),
                client.delete(address),
            ):
                assert (reply.status_code, reply.json()["code"]) == (428, "precondition-required")
            assert patch(client, address, {"properties": {"stalls": 1}}, if_match="*").status_code == 200
            etag = client.get(address).headers["etag"]
            assert client.delete(address, headers={"If-Match": etag}).status_code == 204
        db.dispose()


def test_unconditional_edits_are_a_setting():
    assert Settings(host="127.0.0.1").takes_unconditional
    assert not Settings(host="192.0.2.1").takes_unconditional
    assert not Settings(host="127.0.0.1", unconditional_writes=False).takes_unconditional
    assert Settings(host="192.0.2.1", unconditional_writes=True).takes_unconditional
