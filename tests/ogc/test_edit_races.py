"""Editors at the same time: nothing is lost, nothing is made twice, nobody is told of what was not stored."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest

from app.catalogue.loader import load_catalogue
from app.database.server import admin_parameters
from app.inventory import staging
from app.inventory.changes import lock_classes
from app.inventory.service import delete_features, write_batches
from app.ogc import edit_routes
from tests.inventory.town import CHANGE, batch, place
from tests.ogc.edits import ITEMS, created, feature, patch, post, properties, served_town, until_it_waits

WRITERS = 20
#: Edits of each of the writers of one feature; `make soak` makes it 50, and there are more of them.
EDITS = int(os.environ.get("CHENGTU_SOAK_EDITS", "3"))
EDITORS = WRITERS if "CHENGTU_SOAK_EDITS" in os.environ else 4


@pytest.fixture(scope="module")
def server(cluster_settings, template, catalogue):
    with served_town(cluster_settings, template, catalogue) as served:
        yield served


@pytest.fixture
def client(server):
    return server[0]


def at_once(work, count: int = WRITERS) -> list:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def test_s26_of_many_writers_with_if_match_no_edit_is_lost(client):
    address = created(client, code="S26", stalls=0)

    def write(_writer: int) -> int:
        refused = 0
        etag, stalls = client.get(address).headers["etag"], properties(client, address)["stalls"]
        for _ in range(EDITS):
            while True:
                reply = patch(client, address, {"properties": {"stalls": stalls + 1}}, if_match=etag)
                if reply.status_code == 200:
                    etag, stalls = reply.headers["etag"], stalls + 1
                    break
                assert reply.status_code == 412, reply.text
                current = reply.json()["current"]
                etag, stalls, refused = (
                    current["etag"],
                    current["feature"]["properties"]["stalls"],
                    refused + 1,
                )
        return refused

    refused = at_once(write, EDITORS)
    assert properties(client, address)["stalls"] == EDITORS * EDITS
    events = client.get(f"{address}/history").json()["events"]
    assert len(events) == EDITORS * EDITS + 1
    assert sum(refused) > 0


def test_s27_the_same_request_twenty_times_makes_one_feature(client):
    body = feature(name_zh="只建一次")
    replies = at_once(lambda _: post(client, body, idempotency_key="once"))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.headers["location"] for reply in replies}) == 1
    assert len({reply.headers["etag"].split("-")[0] for reply in replies}) == 1
    assert len(client.get(f"{ITEMS}?name_zh=只建一次").json()["features"]) == 1
    other = post(client, feature(name_zh="另一个"), idempotency_key="once")
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


def test_a_request_that_comes_again_after_its_feature_is_gone_is_told_as_before(client):
    body = feature(code="GONE")
    first = post(client, body, idempotency_key="gone")
    assert client.delete(first.headers["location"]).status_code == 204
    again = post(client, body, idempotency_key="gone", prefer="return=representation")
    assert (again.status_code, again.json()) == (201, first.json())
    assert "preference-applied" not in again.headers


def test_a_key_is_free_again_where_the_features_are_refused(client):
    assert post(client, feature(stalls=-1), idempotency_key="again").status_code == 400
    assert post(client, feature(stalls=1), idempotency_key="again").status_code == 201


def test_one_code_is_given_once(client):
    replies = at_once(lambda _: post(client, feature(code="ONE")))
    assert Counter(reply.status_code for reply in replies) == {201: 1, 409: WRITERS - 1}


def test_what_fails_at_the_commit_is_never_told_as_stored(server):
    client, settings, _ = server
    with psycopg.connect(**admin_parameters(settings)) as admin:
        admin.execute(
            "CREATE FUNCTION city.refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.note = 'late' THEN RAISE EXCEPTION 'too late' USING ERRCODE = '23514'; END IF; RETURN NULL; END $$;"
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON city.toilets DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION city.refuse_late()"
        )
    assert post(client, feature(code="LATE", note="late"), idempotency_key="late").status_code == 409
    assert client.get(f"{ITEMS}?code=LATE").json()["features"] == []
    address = created(client, code="LATER")
    assert patch(client, address, {"properties": {"note": "late"}}).status_code == 409
    assert properties(client, address)["note"] is None
    assert post(client, feature(code="LATE"), idempotency_key="late").status_code == 201


def beside(server, ask, write):
    """The reply to `ask`, which is planned before `write` is done, and made after: it waits for the class's lock."""
    _, settings, db = server
    with ThreadPoolExecutor(1) as pool:
        with db.write() as conn:
            lock_classes(conn, ["toilets"])
            asked = pool.submit(ask)
            until_it_waits(settings, asked)
            write(conn, load_catalogue(settings.geodata))
        return asked.result()


def written(code, dx=0.5, **columns):
    """Writes a toilet."""
    rows = batch("toilets", {code: place(dx, dx)}, {name: [value] for name, value in columns.items()})
    return lambda conn, catalogue: write_batches(conn, catalogue, [rows], CHANGE)


def test_a_change_that_is_overtaken_keeps_what_the_other_said(server):
    client = server[0]
    address = created(client, code="OVER", stalls=1)
    ask = partial(patch, client, address, {"properties": {"stalls": 2}})
    reply = beside(server, ask, written("OVER", note="theirs"))
    assert reply.status_code == 200, reply.text
    found = properties(client, address)
    assert (found["stalls"], found["note"]) == (2, "theirs")
    assert len(client.get(f"{address}/history").json()["events"]) == 3


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_change_of_a_version_that_is_overtaken_is_refused(server, method):
    client = server[0]
    address = created(client, code=f"STALE-{method}", stalls=1)
    etag = client.get(address).headers["etag"]

    def ask() -> Any:
        if method == "DELETE":
            return client.delete(address, headers={"If-Match": etag})
        return patch(client, address, {"properties": {"stalls": 2}}, if_match=etag)

    reply = beside(server, ask, written(f"STALE-{method}", stalls=7))
    assert reply.status_code == 412, reply.text
    assert reply.json()["current"]["feature"]["properties"]["stalls"] == 7
    assert properties(client, address)["stalls"] == 7


def test_a_code_that_is_given_meanwhile_is_taken(server):
    client = server[0]
    ask = partial(post, client, feature(code="TAKEN", stalls=1))
    reply = beside(server, ask, written("TAKEN", stalls=7))
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict"), reply.text
    (found,) = client.get(f"{ITEMS}?code=TAKEN").json()["features"]
    assert found["properties"]["stalls"] == 7


def test_edits_of_other_features_meanwhile_change_nothing_of_the_plan(server, monkeypatch):
    client = server[0]
    address = created(client, code="MINE", stalls=1)
    planned = []
    compare = staging.compare
    monkeypatch.setattr(
        staging, "compare", lambda conn, cls, given: planned.append(cls.id) or compare(conn, cls, given)
    )
    asks = (
        partial(patch, client, address, {"properties": {"stalls": 2}}),
        partial(post, client, feature(code="MINE-TOO", stalls=2)),
    )
    for stalls, ask in enumerate(asks):
        planned.clear()
        reply = beside(server, ask, written("THEIRS", 0.4, stalls=stalls))
        assert reply.status_code in {200, 201}, reply.text
        # Once by the edit, once by the other write.
        assert planned == ["toilets"] * 2
    assert properties(client, address)["stalls"] == 2


def test_a_feature_that_is_deleted_meanwhile_is_gone(server):
    client = server[0]
    address = created(client, code="AWAY")
    ask = partial(patch, client, address, {"properties": {"stalls": 2}})
    reply = beside(
        server,
        ask,
        lambda conn, catalogue: delete_features(conn, catalogue, "toilets", ["AWAY"], CHANGE),
    )
    assert reply.status_code == 404


def test_an_edit_beside_a_long_write_is_told_to_come_again(server, monkeypatch):
    client, _, db = server
    monkeypatch.setattr(edit_routes, "PATIENCE_S", 0.2)
    with db.write() as conn:
        lock_classes(conn, ["toilets"])
        reply = post(client, feature(code="WAIT"))
        assert post(client, feature(), "/collections/monuments/items").status_code == 201
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
    assert post(client, feature(code="WAIT")).status_code == 201


@pytest.mark.wide
def test_more_editors_than_threads_are_all_served(server):
    client, _, _ = server
    count = 45  # a server runs handlers in 40 threads
    codes = Counter(reply.status_code for reply in at_once(lambda _: post(client, feature()), count))
    assert codes == {201: count}


def test_more_edits_than_may_be_made_at_once_wait_for_their_turn(server, monkeypatch):
    client, _, db = server
    monkeypatch.setattr(edit_routes, "PATIENCE_S", 0.5)
    with db.write() as conn:
        lock_classes(conn, ["toilets"])
        codes = Counter(reply.status_code for reply in at_once(lambda _: post(client, feature()), 12))
        assert client.get(ITEMS).status_code == 200
    assert codes == {503: 12}
