"""The record over HTTP and on the command line: history, changes, imports, restore, undo."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from app.database.engine import open_database
from app.inventory.batch import Change, ImportSource
from app.inventory.service import write_batches
from app.main import create_app
from tests.commandline import chengtu
from tests.inventory.town import batch, districts, place


@pytest.fixture
def record(settings, catalogue):
    """A toilet of 4 stalls, an import that makes it 8 and adds another; the import's id."""
    db = open_database(settings)
    name = uuid4()
    with db.write() as conn:
        write_batches(conn, catalogue, [districts(), rows(a=4)], Change("li", "survey"))
    with db.write() as conn:
        source = ImportSource("厕所.gpkg", "gpkg")
        write_batches(conn, catalogue, [rows(a=8, b=2)], Change("wang", "import", name, source))
    yield name
    db.dispose()


def rows(**stalls: int):
    shapes = {code: place(0, n / 10) for n, code in enumerate(sorted(stalls))}
    return batch(
        "toilets", shapes, {"stalls": [stalls[code] for code in shapes], "name_zh": ["甲"] * len(stalls)}
    )


@pytest.fixture
def client(settings, record):
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def items(client) -> dict[str, dict]:
    found = client.get("/collections/toilets/items").json()["features"]
    return {item["properties"]["code"]: {**item["properties"], "id": item["id"]} for item in found}


def test_a_feature_tells_its_history_and_goes_back(client, record):
    feature = items(client)["a"]
    told = client.get(f"/collections/toilets/items/{feature['id']}/history").json()
    assert [(event["who"], event["action"]) for event in told["events"]] == [
        ("li", "created"),
        ("wang", "changed"),
    ]
    assert told["events"][1]["import"] == str(record)
    changed = told["events"][1]["fields"]
    assert [
        (field["field"], field["before"], field["after"]) for field in changed if field["field"] == "stalls"
    ] == [("stalls", 4, 8)]
    address = f"/collections/toilets/items/{feature['id']}/restore"
    done = client.post(address, json={"change": told["events"][0]["change"], "why": "counted again"})
    assert done.status_code == 200, done.text
    assert items(client)["a"]["stalls"] == 4
    newest = client.get("/changes?class=toilets&limit=1").json()
    assert newest["changes"][0]["why"] == "counted again"
    assert newest["next_before"] == newest["changes"][0]["change"] == done.json()["change"]


def test_an_import_is_taken_back_and_still_known_before(client, record):
    assert [one["id"] for one in client.get("/imports").json()["imports"]] == [str(record)]
    told = client.get(f"/imports/{record}").json()
    done = client.post(f"/imports/{record}/undo", json={})
    assert done.json()["classes"] == {"toilets": 2}
    assert {code: item["stalls"] for code, item in items(client).items()} == {"a": 4}
    before = client.get(f"/collections/toilets/items?known_at={told['change']}").json()
    assert {f["properties"]["code"]: f["properties"]["stalls"] for f in before["features"]} == {
        "a": 8,
        "b": 2,
    }


def test_an_import_is_named_by_the_first_digits_of_its_id_and_taken_back_once(client, record):
    short = str(record)[:8]
    assert client.get(f"/imports/{short}").json()["id"] == str(record)
    assert client.get("/imports/xyz").json()["code"] == "bad-input"
    assert client.post(f"/imports/{short}/undo").status_code == 200
    again = client.post(f"/imports/{short}/undo")
    assert again.status_code == 409
    undo = client.get("/changes?limit=1").json()["changes"][0]
    told = f"already taken back on {undo['at'][:10]} by http (change {undo['change']})"
    assert told in again.json()["detail"]


def test_conflicts_come_with_both_values(client, record, settings, catalogue):
    db = open_database(settings)
    with db.write() as conn:
        write_batches(conn, catalogue, [rows(a=9)], Change("sun", "counted"))
    db.dispose()
    refused = client.post(f"/imports/{record}/undo", json={})
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    [conflict] = refused.json()["conflicts"]
    assert {"field": "stalls", "now": 9, "before_import": 4} in conflict["fields"]
    assert items(client)["a"]["stalls"] == 9
    kept = client.post(f"/imports/{record}/undo", json={"on_conflict": "keep"}).json()
    assert kept["kept_count"] == 1
    assert {code: item["stalls"] for code, item in items(client).items()} == {"a": 9}


def test_a_class_goes_back_to_a_data_version(client, record):
    first = client.get("/changes?class=toilets").json()["changes"][-1]["change"]
    done = client.post("/collections/toilets/restore", json={"change": first})
    assert done.json()["classes"] == {"toilets": 2}
    assert list(items(client)) == ["a"]
    assert client.get("/search?q=甲").json()["numberReturned"] == 1


@pytest.mark.parametrize(
    ("method", "address", "body", "status"),
    [
        ("GET", "/collections/toilets/items/999999/history", None, 404),
        ("GET", "/collections/nothing/items/1/history", None, 404),
        ("GET", "/collections/toilets/items/1x/history", None, 400),
        ("GET", "/imports/7", None, 400),
        ("GET", f"/imports/{UUID(int=1)}", None, 404),
        ("GET", "/changes?limit=0", None, 400),
        ("GET", "/changes?class=nothing", None, 404),
        ("POST", f"/imports/{UUID(int=1)}/undo", {}, 404),
        ("POST", f"/imports/{UUID(int=1)}/undo", {"on_conflict": "perhaps"}, 400),
        ("POST", "/collections/toilets/restore", {"change": 10**12}, 404),
        ("POST", "/collections/toilets/restore", {"change": -1}, 400),
        ("POST", "/collections/toilets/restore", {"change": 1, "more": 2}, 400),
        ("POST", "/collections/toilets/items/9999/restore", {"change": 1}, 404),
        ("POST", "/collections/coverage_gaps/restore", {"change": 1}, 404),
    ],
)
def test_what_cannot_be_done_is_told(client, method, address, body, status):
    reply = client.request(method, address, json=body)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"


def test_the_command_line_does_the_same(environment, record):
    told = json.loads(chengtu(environment, "history", "toilets", "a", "--json").stdout)
    first = told["events"][0]["change"]
    assert "wang" in chengtu(environment, "history", "toilets", f"#{told['id']}").stdout
    assert chengtu(environment, "restore", "toilets", "--item", "a", "--to", str(first)).returncode == 0
    listed = json.loads(chengtu(environment, "imports", "--json").stdout)["imports"]
    # The restored toilet stands as it did before the import, so that it is no conflict.
    assert chengtu(environment, "undo", listed[0]["id"], "--why", "wrong").returncode == 0
    assert chengtu(environment, "undo", listed[0]["id"]).returncode == 1
    changes = json.loads(chengtu(environment, "changes", "--class", "toilets", "--json").stdout)["changes"]
    assert changes[0]["why"] == "wrong"
    assert chengtu(environment, "undo", "no-id").returncode == 2
