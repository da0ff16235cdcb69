"""An upload of who writes in one area goes through the worker in the sender's scope; a report stays in its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.access import key_store, people_service, people_store
from app.access.key_service import make_key
from app.access.principal import Grant
from app.access.principals import of_person
from app.database.scope import SERVICE, Scope, within
from app.ingest.upload_service import do_import
from app.jobs import service as jobs
from app.jobs.worker import Worker
from tests.access.writers import GREEN, written_town
from tests.inventory.town import LAT, LON


@pytest.fixture
def town(cluster_settings, template, catalogue):
    with written_town(cluster_settings, template, catalogue) as served:
        yield served


@pytest.fixture
def upload(town, catalogue):
    """What comes of a CSV (code, name, hundredths of a degree from the crossing) that somebody sends."""

    def upload(who, class_id, rows, **options) -> dict:
        lines = [f"{code},{name},{LON + dx / 100},{LAT + dy / 100}" for code, name, dx, dy in rows]
        table = "\n".join(["code,name_zh,lon,lat", *lines]).encode()
        sent = town.client.post(
            "/imports",
            files={"file": ("rows.csv", table, "text/csv")},
            data={"class": class_id, "key": "code", **options},
            headers={"Authorization": f"Bearer {town.keys[who]}", "Prefer": "wait=0"},
        )
        assert sent.status_code == 202, sent.text
        assert Worker(town.db, {"import": lambda context: do_import(context, catalogue)}).run_one()
        return dict(town.ask(who, "GET", sent.headers["location"]).json())

    return upload


def test_an_upload_is_imported_as_its_sender_may(town, upload):
    rows = [("n1", "新一", -1, 1.2), ("n2", "东边", 1, 1.2), ("e1", "抢来", -1, 1.4), ("w1", "改名", -1, 1)]
    job = upload("west", "toilets", rows)
    assert job["state"] == "done", job
    record = town.ask("west", "GET", f"/imports/{job['result']['import']}").json()
    assert record["who"] == "west"
    assert [(one["row"], one["field"]) for one in record["report"]["rejects"]] == [
        (3, "geometry"),
        (4, "code"),
    ]
    stored = town.sql("SELECT code, name_zh FROM city.toilets ORDER BY code")
    assert stored == [("e1", "东一"), ("e2", "东二"), ("n1", "新一"), ("w1", "改名"), ("w2", "西二")]
    assert town.ask("west too", "GET", f"/imports/{job['result']['import']}").status_code == 404
    undone = town.ask("west", "POST", f"/imports/{job['result']['import']}/undo", {})
    assert undone.status_code == 200, undone.text
    assert [code for code, _ in town.sql("SELECT code, name_zh FROM city.toilets ORDER BY code")] == [
        "e1", "e2", "w1", "w2",
    ]  # fmt: skip


def test_a_class_above_the_level_fails_and_a_contractor_brings_its_own(town, upload):
    lamps = upload("green", "street_lights", [("n1", "一", 1, 1.2), ("l2", "二", -1, 1)])
    assert lamps["state"] == "done", lamps
    stored = town.sql(
        "SELECT code, maintainer FROM city.street_lights WHERE code IN ('n1', 'l2') ORDER BY code"
    )
    assert stored[1] == ("n1", GREEN)
    assert stored[0][1] != GREEN
    sent = town.client.post(
        "/imports",
        files={"file": ("rows.csv", b"code,lon,lat\ng1,115.85,28.69", "text/csv")},
        data={"class": "gas_devices"},
        headers={"Authorization": f"Bearer {town.keys['west']}"},
    )
    assert sent.status_code == 404


def test_a_report_from_the_street_stays_in_its_own_area(town):
    def report(who, code, key=None) -> int:
        address = f"/collections/toilets/items/{town.id_of('toilets', code)}/reports"
        more = {"If-Match": town.tag("toilets", code)} | ({} if key is None else {"Idempotency-Key": key})
        return town.ask(who, "POST", address, {"state": "closed"}, **more).status_code

    assert (report("field", "w1", "r1"), report("field", "e1")) == (201, 404)
    assert town.sql("SELECT state FROM city.toilets WHERE code = 'w1'") == [("out_of_use",)]
    assert town.sql("SELECT who FROM city.changes ORDER BY id DESC LIMIT 1") == [("field: field",)]
    assert (report("reads all", "w2"), report("reads all", "e1")) == (201, 403)
    patch = town.change("field", "PATCH", "toilets", "w1", {"properties": {"stalls": 9}})
    assert patch.status_code == 403


@pytest.mark.wide
def test_a_key_named_like_another_owns_nothing_of_it(town, upload):
    """Jobs, imports and keys of idempotency go by whose they are, not by the name that they show."""
    with town.db.write() as conn:
        town.keys["twin"] = make_key(conn, "west", [Grant("editor", "W")], 24)[0]
    job = upload("west", "toilets", [("n1", "新一", -1, 1.2)])
    address, record = f"/jobs/{job['job']}", f"/imports/{job['result']['import']}"
    assert [town.ask(who, "GET", address).status_code for who in ("west", "twin")] == [200, 404]
    assert town.ask("twin", "DELETE", address).status_code == 404
    assert [town.ask(who, "GET", record).status_code for who in ("west", "twin")] == [200, 404]
    assert town.ask("twin", "GET", "/imports").json()["imports"] == []
    assert town.ask("twin", "POST", f"{record}/undo", {}).status_code == 404
    codes = {}
    for who, dx in (("west", -1.3), ("twin", -1.4), ("west", -1.3)):
        body = {
            "type": "Feature", "properties": {"code": f"k{dx}"},
            "geometry": {"type": "Point", "coordinates": [LON + dx / 100, LAT + 0.01]},
        }  # fmt: skip
        made = town.ask(who, "POST", "/collections/toilets/items", body, **{"Idempotency-Key": "same"})
        assert made.status_code == 201, made.text
        codes.setdefault(who, set()).add(made.headers["location"])
    assert [len(found) for found in codes.values()] == [1, 1]


def revoked(conn, number):
    key_store.revoke_key(conn, number)


def expired(conn, number):
    past = datetime.now(UTC) - timedelta(seconds=1)
    conn.exec_driver_sql("UPDATE city.access_keys SET expires_at = %s WHERE id = %s", (past, number))


def ungranted(conn, number):
    conn.exec_driver_sql(f"DELETE FROM city.grants WHERE key_id = {number}")


def moved(conn, number):
    conn.exec_driver_sql(f"UPDATE city.grants SET area = 'E' WHERE key_id = {number}")


def lowered(conn, number):
    conn.exec_driver_sql(f"UPDATE city.access_keys SET level = 'public' WHERE id = {number}")


def demoted(conn, number):
    conn.exec_driver_sql(f"UPDATE city.grants SET role = 'viewer' WHERE key_id = {number}")


def untouched(conn, number):
    conn.exec_driver_sql(f"UPDATE city.access_keys SET level = 'restricted' WHERE id = {number}")


@pytest.mark.parametrize("change", [revoked, expired, ungranted, moved, lowered, demoted, untouched])
def test_what_waited_is_done_for_who_may_have_it_done_still(town, catalogue, change):
    with town.db.write() as conn:
        token, key = make_key(conn, "short", [Grant("editor", "W")], 24)
    rows = f"code,name_zh,lon,lat\nq1,新,{LON - 0.01},{LAT + 0.012}"
    sent = town.client.post(
        "/imports",
        files={"file": ("rows.csv", rows.encode(), "text/csv")},
        data={"class": "toilets", "key": "code"},
        headers={"Authorization": f"Bearer {token}", "Prefer": "wait=0"},
    )
    assert sent.status_code == 202, sent.text
    with town.db.write() as conn:
        change(conn, key.id)
    assert Worker(town.db, {"import": lambda context: do_import(context, catalogue)}).run_one()
    ((state, error),) = town.sql(
        f"SELECT state, error ->> 'message' FROM city.jobs WHERE owner = 'key:{key.id}' AND kind = 'import'"
    )
    stored = town.sql("SELECT count(*) FROM city.toilets WHERE code = 'q1'")
    if change is untouched:
        assert (state, error, stored) == ("done", None, [(1,)])
    else:
        assert (state, stored) == ("failed", [(0,)])
        assert "no longer allowed" in error


def test_a_person_who_is_disabled_has_nothing_done_any_more(town):
    with town.db.write() as conn:
        grants = (Grant("planner"),)
        person = people_service.make_person(conn, people_service.NewPerson("hu", grants))
    done = []
    worker = Worker(town.db, {"coverage": lambda context: done.append(context.who) or {}})
    with within(of_person(person).scope):
        first = jobs.enqueue(town.db, "coverage", {})
    assert worker.run_one()
    with within(of_person(person).scope):
        second = jobs.enqueue(town.db, "coverage", {})
    with town.db.write() as conn:
        people_store.set_disabled(conn, person.id, disabled=True)
    # What nobody by name asked for is the machine's own.
    with within(SERVICE):
        third = jobs.enqueue(town.db, "coverage", {})
    with within(Scope("internal", None, (), None, "who knows")):
        fourth = jobs.enqueue(town.db, "coverage", {})
    while worker.run_one():
        pass
    assert [jobs.get(town.db, one).state for one in (first, second, third, fourth)] == [
        "done", "failed", "done", "failed",
    ]  # fmt: skip
    assert done == ["hu", "server"]
