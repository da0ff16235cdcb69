"""From another machine nothing is had without a key; a key opens the phone page in its area, until it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.access import gate, key_store
from app.access.keys import FIELD, is_loopback, new_key
from app.access.principal import Grant
from app.errors import BadInput, NotFound
from tests.commandline import chengtu
from tests.field.conftest import DISTRICT, OTHER, number_of

CLOSED = ("/", "/map", "/collections", "/collections/toilets/items", "/field", "/field/near.json?lon=115&lat=28",
          "/docs", "/metrics", "/nothing")  # fmt: skip


@pytest.mark.parametrize("path", CLOSED)
def test_without_a_key_another_machine_gets_nothing(field, path):
    reply = field.far(None).get(path)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.json()["code"] == "key-required"
    assert field.far(new_key()).get(path).status_code == 401


@pytest.mark.parametrize("host", ["x/health?", "x/field/start?", "x/field#", "/health", ""])
def test_no_header_opens_what_the_address_does_not(field, host):
    reply = field.far(None).get("/collections/toilets/items", headers={"Host": host})
    assert reply.status_code == 401
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
        assert field.far(None).get("/map", headers={name: "127.0.0.1"}).status_code == 401


@pytest.mark.parametrize(
    "path", ["/field/../map", "/field%2f..%2fmap", "/health%3f/../map", "/field/start/../../map"]
)
def test_no_spelling_of_an_address_passes_by_the_gate(field, path):
    assert field.far(None).get(path).status_code in {401, 404}
    assert field.far(field.key()).get(path).status_code in {403, 404}


def test_the_machine_itself_needs_no_key(field):
    assert field.here.get("/collections/toilets/items?limit=1").status_code == 200
    assert field.here.get("/field").status_code == 200


def test_a_key_opens_the_phone_page_and_nothing_else(field):
    client = field.far(field.key())
    assert client.get("/field").status_code == 200
    assert client.get("/field/near.json?lon=115.86&lat=28.68&limit=5").json()["features"]
    for path in ("/map", "/collections/toilets/items", "/changes", "/collections/toilets/items/1/history"):
        assert client.get(path).status_code == 403, path
    for method, path in (
        ("POST", "/collections/toilets/items"), ("DELETE", "/collections/toilets/items/1"),
        ("PATCH", "/collections/toilets/items/1"), ("POST", "/imports"), ("POST", "/coverage"),
    ):  # fmt: skip
        assert client.request(method, path).status_code == 403, (method, path)


def test_an_area_bound_key_shows_its_area_alone(field):
    client, item = field.far(field.key(DISTRICT)), field.toilet(OTHER)[0]
    whole = field.here.get("/field/near.json?lon=115.86&lat=28.68&limit=100&classes=toilets").json()
    seen = client.get("/field/near.json?lon=115.86&lat=28.68&limit=100&classes=toilets").json()
    own = {one["id"] for one in seen["features"]}
    assert own < {one["id"] for one in whole["features"]}
    assert item not in own
    assert client.get(f"/field/toilets/{item}.json").status_code == 404
    assert client.get(f"/field/near.json?lon=115.86&lat=28.68&area={OTHER}").status_code == 403
    assert client.get(f"/field?area={OTHER}").status_code == 403
    assert client.get("/field").text.count('"areas":[]') == 1


#: What browsers say of an address that was scanned or typed, to a server that they trust.
SCANNED = {"Sec-Fetch-Site": "none"}


def test_the_qr_code_leaves_a_cookie_and_no_key_in_the_address(field):
    client, key = field.far(None), field.key()
    reply = client.get(f"/field/start?key={key}", headers=SCANNED, follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (303, "/field")
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert client.get("/field").status_code == 200
    assert key not in client.get("/field").text
    assert client.get("/field/start?key=ck_wrong", headers=SCANNED).status_code == 401


@pytest.mark.parametrize("site", ["cross-site", "same-site", None])
def test_who_comes_from_elsewhere_is_asked_first(field, site):
    client, key = field.far(None), field.key(DISTRICT, name="别人<b>")
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    page = client.get(f"/field/start?key={key}", headers=headers)
    assert (page.status_code, "set-cookie" in page.headers) == (200, False)
    assert "别人&lt;b&gt;" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert client.get("/field").status_code == 401
    reply = client.post(
        "/field/start", data={"key": key}, headers={"Origin": "http://testserver"}, follow_redirects=False
    )
    assert (reply.status_code, reply.headers["location"]) == (303, "/field")
    assert client.get("/field").status_code == 200


def test_a_phone_that_is_somebodys_is_asked_first(field):
    client, own, other = field.far(None), field.key(), field.key()
    for key, status in ((own, 303), (own, 303), (other, 200)):
        reply = client.get(f"/field/start?key={key}", headers=SCANNED, follow_redirects=False)
        assert reply.status_code == status
    assert client.cookies["chengtu_key"] == own
    browser = field.far(None)
    browser.cookies.set("chengtu", "cs_" + "x" * 43)
    assert browser.get(f"/field/start?key={own}", headers=SCANNED, follow_redirects=False).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
)
def test_no_other_sites_page_says_yes(field, headers):
    client = field.far(None)
    reply = client.post("/field/start", data={"key": field.key()}, headers=headers, follow_redirects=False)
    assert (reply.status_code, "set-cookie" in reply.headers) == (400, False)


def test_keys_end(field, monkeypatch):
    monkeypatch.setattr(gate, "TRUSTED_S", 0.0)
    key = field.key()
    client = field.far(key)
    assert client.get("/field").status_code == 200
    with field.database.write() as conn:
        assert key_store.revoke_key(conn, number_of(field.database, key)) is not None
    assert "revoked" in client.get("/field").json()["detail"]
    late = new_key()
    with field.database.write() as conn:
        key_store.make_key(conn, late, "old", [Grant(FIELD)], datetime.now(UTC) - timedelta(seconds=1))
    assert "expired" in field.far(late).get("/field").json()["detail"]


def test_only_hashes_are_stored(field):
    key = field.key()
    with field.database.read() as conn:
        stored = conn.exec_driver_sql("SELECT to_jsonb(k)::text FROM city.access_keys k").scalars().all()
    assert stored
    assert not any(key in row or key[12:] in row for row in stored)


def run_json(environment: Mapping[str, str], *words: str) -> Any:
    done = chengtu(environment, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_commands(environment, database):
    made = run_json(environment, "keys", "new", "--hours", "2", "--name", "李四")
    assert made["key"].startswith("ck_")
    (listed,) = run_json(environment, "keys", "list")["keys"]
    assert (listed["name"], listed["state"], listed["area"]) == ("李四", "holds", None)
    assert "key" not in listed
    assert run_json(environment, "keys", "revoke", str(made["id"]))["state"] == "revoked"


def test_a_key_names_an_area_that_is_there_and_an_end(field):
    with pytest.raises(NotFound):
        field.key("no such area")
    with pytest.raises(BadInput):
        field.key(hours=0)
    for name in ("", " ", "x" * 101):
        with pytest.raises(BadInput):
            field.key(name=name)


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True),
     ("192.0.2.1", False), ("::ffff:192.0.2.1", False), ("localhost", False), ("", False), (None, False)],
)  # fmt: skip
def test_loopback(host, own):
    assert is_loopback(host) is own
