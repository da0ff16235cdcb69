"""Editing over HTTP: create, replace, update and delete features of a drawn town, with their history and versions."""

from __future__ import annotations

from datetime import timedelta

import pytest
import shapely
from fastapi.testclient import TestClient

from app.inventory.periods import today
from app.inventory.service import write_batches
from app.main import create_app
from tests.inventory.town import CHANGE, batch, place, square
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
def server(cluster_settings, template, catalogue):
    """A server over a town of two districts; its client and its database."""
    with served_town(cluster_settings, template, catalogue) as (client, _, db):
        yield client, db


@pytest.fixture
def client(server):
    return server[0]


def test_a_feature_is_created_with_its_code_and_found_everywhere(client):
    before = client.get(ITEMS).headers["etag"]
    reply = post(
        client, feature(code="N1", name_zh="滨江路公厕", kind="public", stalls=12, built_on="2020-05-01")
    )
    assert reply.status_code == 201
    told = reply.json()
    assert reply.headers["location"].endswith(f"{ITEMS}/{told['id']}")
    assert reply.headers["etag"].startswith(f'"{told["change"]}-')
    assert "type" not in told
    found = client.get(reply.headers["location"])
    assert found.headers["etag"].startswith(f'"{told["change"]}-')
    shown = found.json()["properties"]
    assert (shown["code"], shown["stalls"], shown["built_on"]) == ("N1", 12, "2020-05-01")
    assert client.head(reply.headers["location"]).headers["etag"] == found.headers["etag"]
    assert shown["area_path"] == "C/E/E1"
    assert client.get(ITEMS).headers["etag"] != before
    assert [item["id"] for item in client.get(f"{ITEMS}?code=N1").json()["features"]] == [told["id"]]
    assert any(hit["code"] == "N1" for hit in client.get("/search?q=滨江路公厕&f=json").json()["results"])


def test_without_a_code_one_is_drawn(client):
    one, other = created(client, name_zh="甲"), created(client, name_zh="甲")
    assert one != other
    assert properties(client, one)["code"] != properties(client, other)["code"]


def test_a_collection_of_features_is_created_whole_or_not_at_all(client):
    both = {"type": "FeatureCollection", "features": [feature(code="C1"), feature(code="C2", stalls=-1)]}
    reply = post(client, both)
    assert faults(reply) == {"stalls": "below the smallest value 0"}
    assert reply.json()["errors"][0]["feature"] == 2
    assert client.get(f"{ITEMS}?code=C1").json()["features"] == []
    both["features"][1]["properties"]["stalls"] = 1
    reply = post(client, both)
    assert (reply.status_code, reply.json()["numberCreated"]) == (201, 2)
    assert len(client.get(reply.headers["location"]).json()["features"]) == 2
    both["features"] = [feature(code="C3"), feature(code="C3")]
    assert "code" in faults(post(client, both))


def test_a_code_that_is_taken_is_a_conflict(client):
    created(client, code="K1")
    reply = post(client, feature(code="K1"))
    assert (reply.status_code, reply.json()["conflicts"][0]["code"]) == (409, "K1")


def test_a_patch_changes_what_it_names_and_null_empties(client):
    address = created(client, code="P1", name_zh="公厕", stalls=5, note="旧")
    reply = patch(client, address, {"properties": {"stalls": 7, "note": None}})
    assert reply.status_code == 200
    shown = properties(client, address)
    assert (shown["name_zh"], shown["stalls"], shown["note"]) == ("公厕", 7, None)
    assert shown["change_id"] == reply.json()["change"]
    assert client.get(address).headers["etag"].split("-")[0] == reply.headers["etag"].split("-")[0]


def test_a_patch_of_the_geometry_moves_the_feature_to_its_area(client):
    address = created(client, code="P2", stalls=5)
    reply = client.patch(address, json={"geometry": point(-0.5, 0.5)}, headers={"Content-Type": GEOJSON})
    assert reply.status_code == 200, reply.text
    shown = properties(client, address)
    assert (shown["area_path"], shown["stalls"]) == ("C/W/W1", 5)


def test_what_changes_nothing_makes_no_version(client):
    address = created(client, code="P3", stalls=5)
    before = client.get(address).json()
    before.pop("links")
    reply = put(client, address, before)
    assert reply.status_code == 200, reply.text
    assert reply.json()["change"] == before["properties"]["change_id"]


def test_a_put_empties_what_it_leaves_out(client):
    address = created(client, code="U1", name_zh="公厕", stalls=5)
    assert put(client, address, feature(stalls=6)).status_code == 200
    shown = properties(client, address)
    assert (shown["code"], shown["name_zh"], shown["stalls"]) == ("U1", None, 6)


def test_a_put_creates_nothing(client):
    assert put(client, f"{ITEMS}/987654", feature(), if_match='"xyz"').status_code == 404
    assert put(client, f"{ITEMS}/987654", feature(), if_none_match="*").status_code == 404
    address = created(client)
    assert put(client, address, feature(), if_none_match="*").status_code == 412


def test_a_deleted_feature_is_gone_from_today_on(client):
    address = created(client, code="D1")
    reply = client.delete(address)
    assert (reply.status_code, reply.content) == (204, b"")
    assert client.get(address).status_code == 404
    assert client.delete(address).status_code == 404
    assert f"{address.partition('/collections')[2]}/history" in client.get(address).json()["hint"]
    yesterday = today() - timedelta(days=1)
    assert client.get(f"{address}?as_of={yesterday}").json()["properties"]["code"] == "D1"
    assert [event["action"] for event in client.get(f"{address}/history").json()["events"]] == [
        "created",
        "ended",
    ]
    # The same code again is the same thing again.
    assert created(client, code="D1") == address


def test_a_mistake_is_deleted_for_all_days(client):
    address = created(client, code="D2")
    assert client.delete(f"{address}?never=true&valid_to=2020-01-01").status_code == 400
    assert client.delete(f"{address}?never=true").status_code == 204
    assert client.get(f"{address}?as_of=2020-01-01").status_code == 404
    other = created(client, code="D3")
    assert client.delete(f"{other}?valid_to=2020-01-01").status_code == 204
    assert client.get(f"{other}?as_of=2020-01-01").status_code == 404
    assert client.get(f"{other}?as_of=2019-12-31").status_code == 200


def test_an_edit_stands_in_the_history_and_can_be_taken_back(client):
    address = created(client, code="H1", stalls=5)
    first = properties(client, address)["change_id"]
    reply = client.patch(
        f"{address}?why=复核", json={"properties": {"stalls": 9}}, headers={"Content-Type": MERGE_PATCH}
    )
    events = client.get(f"{address}/history").json()["events"]
    assert [(event["action"], event["who"]) for event in events] == [("created", "http"), ("changed", "http")]
    assert events[1]["why"] == "复核 (unconditional, without If-Match)"
    assert [(field["field"], field["before"], field["after"]) for field in events[1]["fields"]] == [
        ("stalls", 5, 9)
    ]
    etag = reply.headers["etag"]
    patch(client, address, {"properties": {"stalls": 10}}, if_match=etag)
    assert client.get(f"{address}/history").json()["events"][2]["why"] == "changed over HTTP"
    assert client.post(f"{address}/restore", json={"to": first}).status_code == 200
    assert properties(client, address)["stalls"] == 5


def test_the_version_that_a_client_means_is_compared(client):
    address = created(client, code="V1", stalls=1)
    etag = client.get(address).headers["etag"]
    reply = patch(client, address, {"properties": {"stalls": 2}}, if_match=etag)
    assert reply.status_code == 200
    assert reply.headers["etag"] != etag
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 200
    now = client.get(address).headers["etag"]
    assert client.get(address, headers={"If-None-Match": now}).status_code == 304
    for change in (
        lambda: patch(client, address, {"properties": {"stalls": 3}}, if_match=etag),
        lambda: put(client, address, feature(stalls=3), if_match=f'"0-aa", {etag}'),
        lambda: client.delete(address, headers={"If-Match": etag}),
    ):
        stale = change()
        assert stale.status_code == 412, stale.text
        current = stale.json()["current"]
        assert current["feature"]["properties"]["stalls"] == 2
        assert f'"{current["change"]}-' in reply.headers["etag"]
        assert current["etag"] == now
    # Of another form, language or coding it is the same version.
    other = client.get(f"{address}?lang=en", headers={"Accept-Encoding": "identity"}).headers["etag"]
    assert other != etag
    assert patch(client, address, {"properties": {"stalls": 4}}, if_match=other).status_code == 200
    assert patch(client, address, {"properties": {"stalls": 5}}, if_match="*").status_code == 200
    assert patch(client, address, {"properties": {"stalls": 5}}, if_match="nonsense").status_code == 400
    assert properties(client, address)["stalls"] == 5


def test_a_feature_sent_back_whole_names_its_version_itself(client):
    address = created(client, code="V2", stalls=1)
    read = client.get(address).json()
    assert patch(client, address, {"properties": {"stalls": 2}}).status_code == 200
    read["properties"]["note"] = "补记"
    assert put(client, address, read).status_code == 412
    assert properties(client, address)["stalls"] == 2


def test_days_of_a_new_feature_are_kept(client):
    start = str(today() - timedelta(days=30))
    address = created(client, code="T1", valid_from=start)
    shown = properties(client, address)
    assert (shown["valid_from"], shown["valid_to"]) == (start, None)
    assert client.get(f"{address}?as_of={today() - timedelta(days=31)}").status_code == 404
    later = str(today() + timedelta(days=1))
    assert "valid_from" in faults(post(client, feature(valid_from=later)))
    assert "valid_to" in faults(post(client, feature(valid_from=start, valid_to=start)))
    assert "valid_from" in faults(patch(client, address, {"properties": {"valid_from": later}}))
    assert patch(client, address, {"properties": {"valid_from": start, "stalls": 1}}).status_code == 200


def test_what_may_be_done_is_told(client):
    items = client.options(ITEMS)
    assert (items.status_code, items.headers["allow"]) == (200, "GET, HEAD, OPTIONS, POST")
    assert GEOJSON in items.headers["accept-post"]
    item = client.options(f"{ITEMS}/1")
    assert item.headers["allow"] == "GET, HEAD, OPTIONS, PUT, PATCH, DELETE"
    assert item.headers["accept-patch"].startswith(MERGE_PATCH)
    assert client.options("/collections/toilet/items").status_code == 404
    runs = "/collections/coverage_areas/items"
    assert (
        client.options(runs).headers["allow"]
        == client.options(f"{runs}/1").headers["allow"]
        == "GET, HEAD, OPTIONS"
    )


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("PUT", "/1"), ("PATCH", "/1"), ("DELETE", "/1")])
def test_runs_are_not_edited(client, method, path):
    reply = client.request(
        method, f"/collections/coverage_areas/items{path}", json=feature(), headers={"Content-Type": GEOJSON}
    )
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert reply.headers["content-type"] == PROBLEM


def test_the_client_chooses_what_comes_back(client):
    reply = post(client, feature(code="R1"), prefer="return=representation")
    assert (reply.status_code, reply.headers["preference-applied"]) == (201, "return=representation")
    assert reply.headers["content-type"].startswith(GEOJSON)
    assert reply.json()["properties"]["code"] == "R1"
    address = reply.headers["location"]
    reply = patch(client, address, {"properties": {"stalls": 3}}, prefer="return=minimal")
    assert (reply.status_code, reply.content) == (204, b"")
    assert "etag" in reply.headers


@pytest.mark.usefixtures("database")
def test_a_city_without_data_is_not_begun_by_one_feature(settings):
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        assert post(client, feature()).status_code == 409


def test_an_area_that_is_edited_moves_what_lies_in_it(client, server, catalogue):
    _, db = server
    with db.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {"A1": place(0.2, 0.2)})], CHANGE)
    created(client, shapely.geometry.mapping(square(0, 0, 0.4)), "/collections/districts/items",
            code="E9", level="subdistrict", parent="E", name_zh="新街道")  # fmt: skip
    with db.read() as conn:
        queued = conn.exec_driver_sql("SELECT count(*) FROM city.jobs WHERE kind = 'areas'").scalar_one()
    assert queued == 1
