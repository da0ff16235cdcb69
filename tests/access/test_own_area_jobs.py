"""An upload of who writes in one area goes through the worker in the sender's scope; a report stays in its own."""

from __future__ import annotations

import pytest

from app.ingest.upload_service import do_import
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
