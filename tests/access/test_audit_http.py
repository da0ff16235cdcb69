"""The audit record over HTTP: what is noted of requests, who may read it, what leaves only with a reason."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access import audit_service, key_service
from app.access.audit_store import Wanted
from app.access.audit_words import EVENT_WORDS
from app.access.principal import Grant
from app.catalogue.loader import load_catalogue
from app.catalogue.restricted import restricted_in, restricted_of
from app.database.audit import TABLE_EVENTS, Event
from app.settings import ROOT
from tests.access.entrance import PASSWORD, Door, door, log_in, token_of

REASON = "移交燃气公司核对管线"


@pytest.fixture
def town(cluster_settings: Any, town_template: str) -> Iterator[Door]:
    with door(cluster_settings, town_template) as made:
        made.person("shen", "auditor")
        yield made


def entries(town: Door, **wanted: Any) -> list[dict[str, Any]]:
    return list(audit_service.entries(town.database, Wanted(**wanted), 1000)["entries"])


def client(town: Door, *roles: Any, level: Any = "restricted", name: str = "robot") -> TestClient:
    """A program with a key."""
    with town.database.write() as conn:
        key, _ = key_service.make_key(conn, name, [Grant(role) for role in roles], 1, level, None)
    made = town.browser()
    made.headers.update({"Authorization": f"Bearer {key}", "Accept": "application/json"})
    return made


def test_who_comes_in_is_noted_and_who_fails_to(town: Door) -> None:
    browser = town.browser()
    assert log_in(browser, "li", "wrong password, really").status_code == 401
    assert log_in(browser, "my secret typed as a name", PASSWORD).status_code == 401
    assert log_in(browser, "li").status_code == 303
    browser.post("/logout", data={"csrf": token_of(browser)})
    told = [(one["event"], one["who"], one["object"]) for one in reversed(entries(town, event="log"))]
    assert told == []
    told = [
        (one["event"], one["who"], one["object"]) for one in reversed(entries(town)) if "log" in one["event"]
    ]
    assert told == [
        ("login.failed", "nobody", "li"),
        ("login.failed", "nobody", "unknown"),
        ("login", "li", "li"),
        ("logout", "li", "li"),
    ]
    assert all(one["address"] == "192.0.2.1" for one in entries(town, event="login"))
    assert "my secret" not in json.dumps(entries(town), ensure_ascii=False)
    assert PASSWORD not in json.dumps(entries(town), ensure_ascii=False)
    assert "argon2" not in json.dumps(entries(town))


def test_who_is_locked_out_is_noted_once_a_minute(town: Door) -> None:
    browser = town.browser()
    for _ in range(14):
        log_in(browser, "li", "wrong password, really")
    assert len(entries(town, event="login.failed")) == 10
    assert len(entries(town, event="login.locked")) in (1, 2)


def test_people_roles_and_keys_are_noted_with_who_granted_them(town: Door) -> None:
    browser = town.browser()
    log_in(browser, "zhou")
    form = {"csrf": token_of(browser), "name": "wang", "role": "editor", "area": "", "level": "internal"}
    assert browser.post("/users", data=form).status_code in (200, 303)
    found = {one["event"]: one for one in reversed(entries(town, who="zhou"))}
    assert found["person.made"]["object"] == "wang"
    assert found["person.made"]["detail"]["level"] == "internal"
    assert found["grant.made"]["object"] == "wang"
    assert found["grant.made"]["detail"]["role"] == "editor"
    assert found["grant.made"]["kind"] == "user"


def test_an_edit_is_noted_with_who_and_how_many(town: Door) -> None:
    robot = client(town, "editor", name="robot")
    feature = robot.get("/collections/toilets/items?limit=1").json()["features"][0]
    reply = robot.patch(
        f"/collections/toilets/items/{feature['id']}",
        json={"type": "Feature", "properties": {"stalls": 3}},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert reply.status_code in (200, 204), reply.text
    found = entries(town, event="changed", who="robot")[0]
    assert (found["object"], found["kind"], found["address"]) == ("toilets", "key", "192.0.2.1")
    assert found["detail"]["versions"] == {"toilets": {"written": 1, "withdrawn": 1}}


def test_a_key_is_noted_at_its_first_use_of_the_day(town: Door) -> None:
    robot = client(town, "viewer", level="internal")
    for _ in range(3):
        assert robot.get("/collections").status_code == 200
    assert [one["who"] for one in entries(town, event="key.used")] == ["robot"]


def test_reading_a_restricted_class_is_noted_once_an_hour_and_of_those_who_see_it(town: Door) -> None:
    catalogue = load_catalogue(ROOT / "geodata")
    secret = next(iter(restricted_in(catalogue)))
    plain = next(cls.id for cls in catalogue.classes.values() if not restricted_of(cls))
    cleared = client(town, "viewer", name="cleared")
    other = client(town, "viewer", level="internal", name="other")
    for robot in (cleared, other):
        for path in (f"/collections/{secret}/items", f"/collections/{secret}", f"/collections/{plain}/items"):
            robot.get(path)
            robot.get(path)
    cleared.get(f"/collections/{secret}/items?view=public")
    told = [(one["who"], one["object"]) for one in entries(town, event="read.restricted")]
    assert told == [("cleared", secret)]
    assert cleared.get("/search?q=x").status_code == 200
    assert [one["object"] for one in entries(town, event="read.restricted")] == ["search", secret]


def whole_class() -> str:
    """A class that is restricted as a whole."""
    catalogue = load_catalogue(ROOT / "geodata")
    return next(cls.id for cls in catalogue.classes.values() if restricted_of(cls) == ("*",))


def part_class() -> tuple[str, str]:
    """A class that is not, with a field that is."""
    catalogue = load_catalogue(ROOT / "geodata")
    return next(
        (cls.id, field.name)
        for cls in catalogue.classes.values()
        for field in cls.fields
        if cls.sensitivity != "restricted" and field.sensitivity == "restricted" and "=" not in field.name
    )


@pytest.mark.parametrize("path", ["/exports/{}.csv", "/exports/{}.gpkg", "/collections/{}/items?f=csv"])
def test_a_restricted_class_leaves_only_with_a_reason(town: Door, path: str) -> None:
    robot, address = client(town, "viewer"), path.format(whole_class())
    more = "&" if "?" in address else "?"
    refused = robot.get(address)
    assert refused.status_code == 403, refused.text
    assert "reason=" in refused.json()["hint"]
    assert robot.get(f"{address}{more}reason=kurz").status_code == 400
    assert entries(town, event="exported") == []
    assert robot.get(f"{address}{more}reason={REASON}").status_code == 200
    found = entries(town, event="exported")[0]
    assert (found["who"], found["object"]) == ("robot", whole_class())
    assert found["detail"]["reason"] == REASON
    assert found["detail"]["restricted"] == {whole_class(): "*"}


def columns(text: str) -> list[str]:
    return next(csv.reader(io.StringIO(text.lstrip("\ufeff"))))


@pytest.mark.parametrize("path", ["/exports/{}.csv", "/collections/{}/items?f=csv"])
def test_restricted_fields_are_left_out_without_a_reason_and_that_is_said(town: Door, path: str) -> None:
    name, field = part_class()
    robot, address = client(town, "viewer"), path.format(name)
    more = "&" if "?" in address else "?"
    without, given = robot.get(address), robot.get(f"{address}{more}reason={REASON}")
    assert without.status_code == given.status_code == 200, without.text
    assert without.headers["Chengtu-Left-Out"] == "restricted"
    assert "Chengtu-Left-Out" not in given.headers
    assert len(columns(given.text)) > len(columns(without.text))
    assert without.headers["ETag"] != given.headers["ETag"]
    reasons = [one["detail"].get("reason") for one in entries(town, event="exported")]
    assert reasons == [REASON, None]
    assert field in str(entries(town, event="exported")[0]["detail"]["restricted"])


@pytest.mark.parametrize("place", ["/collections/{}", "/collections/{}/items"])
def test_the_pages_ask_for_a_reason_where_something_is_restricted_for_who_sees_it(
    town: Door, place: str
) -> None:
    name, _ = part_class()
    for level, asks in (("restricted", True), ("internal", False)):
        robot = client(town, "viewer", level=level, name=level)
        page = robot.get(place.format(name), params={"f": "html"}).text
        assert ('name="reason"' in page) == asks
        assert (f'formaction="/exports/{name}.gpkg"' in page) == asks
    assert (
        'name="reason"' not in client(town, "viewer").get(place.format("toilets"), params={"f": "html"}).text
    )


def test_what_is_not_restricted_needs_no_reason_and_is_noted(town: Door) -> None:
    robot = client(town, "viewer", level="internal")
    reply = robot.get("/exports/toilets.geojson?filter=stalls%20%3E%201")
    assert reply.status_code == 200
    assert "Chengtu-Left-Out" not in reply.headers
    found = entries(town, event="exported")[0]
    assert (found["object"], found["detail"]["form"]) == ("toilets", "geojson")
    assert found["detail"]["filter"] == "stalls > 1"
    assert found["detail"]["rows"] == len(reply.json()["features"])
    again = robot.get("/exports/toilets.geojson", headers={"If-None-Match": "x"})
    unchanged = robot.get("/exports/toilets.geojson", headers={"If-None-Match": again.headers["ETag"]})
    assert unchanged.status_code == 304
    assert len(entries(town, event="exported")) == 2


def test_auditors_read_the_record_and_nobody_else(town: Door) -> None:
    for role in ("viewer", "editor", "system", "security"):
        assert client(town, role).get("/audit").status_code == 403
        assert client(town, role).get("/audit/verify").status_code == 403
    auditor = client(town, "auditor")
    assert auditor.get("/collections/toilets/items").status_code == 403
    found = auditor.get("/audit?limit=2").json()
    assert len(found["entries"]) == 2
    more = auditor.get(f"/audit?limit=1000&before={found['next_before']}").json()
    assert more["entries"][0]["seq"] == found["entries"][1]["seq"] - 1
    assert more["next_before"] is None
    verdict = auditor.get("/audit/verify").json()
    assert (verdict["whole"], verdict["last"]) == (True, found["entries"][0]["seq"])


def test_the_record_is_filtered_and_taken_away_as_a_table_which_is_noted_too(town: Door) -> None:
    auditor = client(town, "auditor")
    town.person("=cmd|' /C calc'!A0")
    assert auditor.get("/audit?event=person&who=&since=2020-01-01&until=2099-12-31").json()["entries"]
    assert auditor.get("/audit?until=2020-01-01").json()["entries"] == []
    assert auditor.get("/audit?since=yesterday").status_code == 400
    reply = auditor.get("/audit?f=csv&event=person.made")
    rows = list(csv.DictReader(io.StringIO(reply.text.lstrip("\ufeff"))))
    assert {row["object"] for row in rows} >= {"zhou", "li", "'=cmd|' /C calc'!A0"}
    assert entries(town, event="exported")[0]["object"] == "audit"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_says_whether_the_record_is_whole(town: Door, lang: str) -> None:
    browser = town.browser()
    log_in(browser, "shen")
    address = f"/audit?f=html&lang={lang}"
    assert ("尚未核验" if lang == "zh" else "Not checked yet") in browser.get(address).text
    assert audit_service.keep(town.database)
    page = browser.get(address).text
    assert ("记录完整" if lang == "zh" else "The record is whole") in page
    town.person("<b>bold</b>")
    assert "<b>bold</b>" not in browser.get(address).text
    assert "&lt;b&gt;bold" in browser.get(address).text


def test_every_event_has_words(town: Door) -> None:
    assert set(EVENT_WORDS) == {*map(str, Event), *TABLE_EVENTS}
    assert {one["event"] for one in entries(town)} <= set(EVENT_WORDS)


@pytest.mark.wide
def test_the_page_fits_wide_and_narrow(town: Door, browser: Any, tmp_path: Path) -> None:
    """Its pictures are kept to be looked at where CHENGTU_SHOTS names a folder."""
    shots = os.environ.get("CHENGTU_SHOTS", tmp_path)
    shen = town.browser()
    log_in(shen, "shen")
    client(town, "viewer").get(f"/exports/{whole_class()}.csv?reason={REASON}")
    audit_service.keep(town.database)
    for width in (1280, 390):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.route("**/*", lambda route: answer(shen, route))
        page.goto("http://city.example.org/audit?f=html&lang=zh")
        page.screenshot(path=f"{shots}/audit-{width}.png")
        wide = page.evaluate("document.documentElement.scrollWidth")
        page.close()
        assert wide <= width


def answer(client: TestClient, route: Any) -> None:
    """What the server says to a request of the browser."""
    reply = client.get(route.request.url.removeprefix("http://city.example.org"))
    route.fulfill(status=reply.status_code, headers=dict(reply.headers), body=reply.content)
