"""Who asks is found before anything else, and the whole request runs in their scope."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse

from app.access import gate, key_service, key_store, people_service
from app.access.gate import COOKIE
from app.access.keys import new_key
from app.access.people_service import NewPerson
from app.access.permissions import ROUTES
from app.access.principal import NOBODY, OPEN, Grant, Principal, Role
from app.database.engine import Database
from app.database.scope import SCOPE
from app.main import create_app
from app.web import assets
from tests.clones import clone, opened

DISTRICT, OTHER = "990201", "990202"
NEAR, FAR = ("127.0.0.1", 40000), ("192.0.2.77", 40000)
JSON = {"Accept": "application/json"}
PAGE = {"Accept": "text/html"}


@dataclass(frozen=True)
class House:
    """A server with the sample town at which a person is named."""

    app: Any
    database: Database

    def key(self, *grants: Grant, level: Any = "internal", name: str = "key") -> str:
        with self.database.write() as conn:
            return key_service.make_key(conn, name, grants, 1, level)[0]

    def client(self, key: str | None = None, peer: tuple[str, int] = FAR) -> TestClient:
        headers = JSON if key is None else {**JSON, "Authorization": f"Bearer {key}"}
        return TestClient(self.app, client=peer, headers=headers, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def house(cluster_settings, town_template) -> Iterator[House]:
    assets.fetch()
    with clone(cluster_settings, town_template) as settings, opened(settings) as database:
        with database.write() as conn:
            people_service.make_person(conn, NewPerson("first", grants=(Grant("security"),)))
        app = create_app(settings.model_copy(update={"open": None}))
        with TestClient(app):
            yield House(app, database)


@pytest.mark.parametrize("peer", [NEAR, FAR], ids=["this machine", "another"])
@pytest.mark.parametrize("path", ["/", "/collections/toilets/items", "/docs", "/map", "/nothing", "/jobs/1"])
def test_once_a_person_is_named_nobody_is_let_in_unknown(house, peer, path):
    reply = house.client(peer=peer).get(path)
    assert reply.status_code == 401
    assert reply.json()["code"] == "login-required"
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("taken", [True, False])
def test_the_setting_opens_nothing_once_a_person_is_named(house, taken):
    settings = house.database.settings.model_copy(update={"open": taken})
    with TestClient(create_app(settings), client=NEAR) as client:
        assert client.get("/collections", headers=JSON).status_code == 401


def test_a_browser_is_sent_to_log_in_and_back(house):
    reply = house.client().get("/map/toilets?lang=en&f=html", follow_redirects=False)
    assert reply.status_code == 303
    assert reply.headers["location"] == "/login?next=%2Fmap%2Ftoilets%3Flang%3Den%26f%3Dhtml"
    assert house.client().get("/map", headers=PAGE, follow_redirects=False).status_code == 303
    for path, method in (("/map?f=json", "GET"), ("/collections/toilets/items", "POST")):
        assert house.client().request(method, path, headers=PAGE).status_code == 401, path


def test_a_wrong_key_is_refused_even_where_none_is_needed(house, database):
    with TestClient(create_app(database.settings.model_copy(update={"open": True})), client=NEAR) as client:
        assert client.get("/collections", headers=JSON).status_code == 200
        for wrong in (new_key(), "ck_", "nonsense", "a.b.c", "é"):
            sent = {**JSON, "Authorization": f"Bearer {wrong}".encode()}
            assert client.get("/collections", headers=sent).status_code == 401, wrong
        assert client.get("/health", headers={"Authorization": "Bearer ck_wrong"}).status_code == 200
    assert house.client(new_key()).get("/collections").status_code == 401


def test_a_cookie_that_has_ended_counts_as_none(house, database):
    stale = {"Cookie": f"{COOKIE}={new_key()}; chengtu=cs_{'x' * 43}; __Host-chengtu=cs_{'x' * 43}"}
    with TestClient(create_app(database.settings.model_copy(update={"open": True})), client=NEAR) as client:
        assert client.get("/collections", headers=JSON | stale).status_code == 200
    assert house.client().get("/collections", headers=stale).status_code == 401
    assert house.client().get("/login", headers=PAGE | stale).status_code == 200


def test_a_key_in_a_cookie_opens_the_phone_page_alone(house):
    phone, editor = house.key(Grant("field")), house.key(Grant("editor"), Grant("field"))
    client = house.client()
    assert client.get("/field", headers={"Cookie": f"{COOKIE}={phone}"}).status_code == 200
    assert client.get("/field", headers={"Cookie": f"{COOKIE}={editor}"}).status_code == 401
    assert house.client(editor).get("/field").status_code == 200
    reply = client.get(f"/field/start?key={editor}", follow_redirects=False)
    assert (reply.status_code, "set-cookie" in reply.headers) == (403, False)


def test_a_revoked_key_ends(house, monkeypatch):
    key = house.key(Grant("viewer"))
    client = house.client(key)
    assert client.get("/collections").status_code == 200
    with house.database.write() as conn:
        found = key_store.find_key(conn, key)
        assert found is not None
        key_store.revoke_key(conn, found.id)
    assert gate.TRUSTED_S == 5.0
    monkeypatch.setattr(gate, "TRUSTED_S", -1.0)
    with TestClient(create_app(house.database.settings), client=FAR) as other:
        assert other.get("/collections", headers=client.headers).status_code == 401


def test_what_is_looked_up_is_asked_once_in_five_seconds(house, monkeypatch):
    key, asked = house.key(Grant("viewer")), []
    look = gate.principals.by_key
    monkeypatch.setattr(
        gate.principals, "by_key", lambda conn, token: asked.append(token) or look(conn, token)
    )
    client = house.client(key)
    for _ in range(5):
        assert client.get("/conformance").status_code == 200
    assert asked == [key]


def seen_codes(client: TestClient, path: str) -> set[str]:
    return {row["code"] for row in csv.DictReader(io.StringIO(client.get(path).text.lstrip("\ufeff")))}


def test_a_stream_is_made_in_the_scope_of_who_asks(house):
    """A download is written by threads after the handler has returned."""
    path = "/collections/street_trees/items?f=csv&limit=10000"
    whole = seen_codes(house.client(house.key(Grant("viewer"))), path)
    here = seen_codes(house.client(house.key(Grant("viewer", DISTRICT))), path)
    there = seen_codes(house.client(house.key(Grant("viewer", OTHER))), path)
    assert here
    assert there
    assert here < whole
    assert there < whole
    assert not here & there or len(here & there) < min(len(here), len(there)) / 10  # some stand on the border


def test_every_thread_of_a_request_knows_its_scope(house, monkeypatch):
    """Handlers, the bodies that they leave behind, and the threads of both."""
    app = create_app(house.database.settings)
    found: dict[str, Any] = {}

    def note(place: str) -> None:
        scope = SCOPE.get()
        found[place] = (
            scope is not None and scope.areas,
            threading.current_thread() is threading.main_thread(),
        )

    def body() -> Iterator[bytes]:
        note("body")
        yield b"1"
        note("later")
        yield b"2"

    def handler(request: Request) -> StreamingResponse:
        note("handler")
        return StreamingResponse(body())

    app.add_api_route("/probe", handler)
    monkeypatch.setitem(ROUTES, "GET /probe", "read")
    with TestClient(app, client=FAR) as client:
        key = house.key(Grant("viewer", DISTRICT))
        assert client.get("/probe", headers={"Authorization": f"Bearer {key}"}).text == "12"
    assert {place: areas for place, (areas, _) in found.items()} == dict.fromkeys(
        ("handler", "body", "later"), (DISTRICT,)
    )
    assert SCOPE.get() is None


def test_requests_at_the_same_time_keep_their_scopes(house):
    """Tiles of one question are made by tasks that several requests wait for."""
    path = "/collections/street_trees/tiles/WebMercatorQuad/12/1707/3366"
    keys = {area: house.key(Grant("viewer", area)) for area in (None, DISTRICT, OTHER)}
    alone = {area: house.client(key).get(path).content for area, key in keys.items()}
    assert len(set(alone.values())) == 3
    replies: list[tuple[str | None, bytes]] = []

    def ask(area: str | None) -> None:
        replies.append((area, house.client(keys[area]).get(path).content))

    threads = [threading.Thread(target=ask, args=(area,)) for area in keys for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 12
    assert [area for area, content in replies if content != alone[area]] == []


@pytest.mark.parametrize(
    ("grants", "areas", "edits", "level"),
    [
        ([("viewer", None)], None, (), "restricted"),
        ([("viewer", "a"), ("editor", "b")], ("a", "b"), ("b",), "restricted"),
        ([("viewer", "a"), ("editor", None)], None, None, "restricted"),
        ([("field", "a")], ("a",), (), "restricted"),
        ([("assessor", "a"), ("planner", "b"), ("planner", "a")], ("a", "b"), (), "restricted"),
        ([("auditor", None)], (), (), "public"),
        ([("system", None)], (), (), "public"),
        ([("security", None)], (), (), "public"),
        ([], (), (), "public"),
    ],
)
def test_what_grants_add_up_to(grants, areas, edits, level):
    held = [Grant(role, area) for role, area in grants]
    scope = Principal.granted("user", "somebody", held, "restricted").scope
    assert (scope.areas, scope.edits, scope.level, scope.who) == (areas, edits, level, "somebody")


def test_only_reports_write_where_one_is_in_the_field():
    grants = [Grant("field", "a"), Grant("editor", "b")]
    principal = Principal.granted("key", "somebody", grants, "internal")
    assert principal.scope_for("edit").edits == ("b",)
    assert principal.scope_for("report").edits == ("a", "b")
    assert principal.scope_for("report").areas == principal.scope.areas
    assert OPEN.scope_for("report").whole
    assert NOBODY.scope.areas == ()


@pytest.mark.parametrize(
    ("role", "home"),
    [("security", "/users"), ("auditor", "/audit"), ("system", "/me"), ("field", "/field")],
)
def test_who_sees_no_map_begins_elsewhere(house, role: Role, home):
    reply = house.client(house.key(Grant(role))).get("/?f=html&lang=en", follow_redirects=False)
    assert (reply.status_code, reply.headers.get("location")) == (303, f"{home}?lang=en")


def test_pages_offer_what_one_may_do(house):
    viewer, editor = (house.client(house.key(Grant(role), name="n1")) for role in ("viewer", "editor"))
    for client, offered in ((viewer, False), (editor, True)):
        page = client.get("/collections?f=html&lang=en").text
        assert ("/imports/new" in page, 'href="/me?' in page) == (offered, True)
        script = client.get("/map/page.js?lang=en").text
        assert ("/imports/new" in script, '"plan"' in script) == (offered, False)
    planner = house.client(house.key(Grant("planner")))
    assert '"may":["plan","export"]' in planner.get("/map/page.js?lang=en").text


def test_a_page_of_one_person_is_not_anothers(house):
    """The ETag of a page tells for whom it was made."""
    first, second = (house.client(house.key(Grant("viewer"), name=name)) for name in ("n1", "n2"))
    page = first.get("/collections?f=html&lang=en")
    again = first.get("/collections?f=html&lang=en", headers={"If-None-Match": page.headers["etag"]})
    other = second.get("/collections?f=html&lang=en", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, other.status_code) == (304, 200)
    assert ("n1" in page.text, "n2" in other.text) == (True, True)


def test_without_a_database_only_what_holds_nothing_is_there(database):
    settings = database.settings.model_copy(
        update={"database_url": "postgresql://u@127.0.0.1:1/none", "open": True}
    )
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        for path, status in (
            ("/health", 200), ("/conformance", 200), ("/tileMatrixSets", 200), ("/collections", 503),
            ("/policies", 503),
        ):  # fmt: skip
            assert client.get(path, headers=JSON).status_code == status, path
        # Who has said who they are is not taken for nobody; what is theirs waits.
        for path in ("/conformance", "/docs", "/me"):
            for token in (new_key(), "a.b.c"):
                reply = client.get(path, headers=JSON | {"Authorization": f"Bearer {token}"})
                assert reply.status_code == (401 if token == "a.b.c" else 503), path
        assert client.get("/me", headers=JSON).status_code == 503
