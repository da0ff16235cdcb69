"""Every route × every role, asked over HTTP: what the table says is what the server does; all else is shut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient

from app.access import key_service, people_service
from app.access.permissions import HOLDERS, PERMISSIONS, ROUTES, Permission
from app.access.principal import ALONE, READING, ROLES, Grant
from app.access.routing import lines_of
from app.main import create_app
from app.settings import Settings
from app.web import assets
from tests.clones import clone, opened
from tests.width import few

#: What fills the names in a path; what is not here is `x`.
NAMES = {
    "collection": "toilets", "item": "1", "feature": "1", "run": "00000000-0000-0000-0000-000000000000",
    "import_id": "00000000-0000-0000-0000-000000000000", "job": "00000000-0000-0000-0000-000000000000",
    "photo": "00000000-0000-0000-0000-000000000000", "tileMatrixSetId": "WebMercatorQuad", "tileMatrix": "3",
    "tileRow": "1", "tileCol": "1", "mode": "straight", "tier": "x", "ext": "csv", "kind": "csv", "person": "999",
    "key": "999", "id": "999",
}  # fmt: skip
#: Who asks: each role alone; a contractor's editor; somebody without a role; nobody; whoever, where nobody is named.
ASKERS = (*ROLES, "contractor", "powerless", "nobody", "open")
LEVELS = {"viewer": "restricted", "editor": "restricted", "planner": "restricted"}


@pytest.fixture(scope="module")
def named(cluster_settings: Settings, template: str) -> Iterator[tuple[FastAPI, dict[str, str]]]:
    """A server at which a person is named, and a key for each who asks."""
    assets.fetch()
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        with database.write() as conn:
            people_service.make_person(conn, people_service.NewPerson("first", grants=(Grant("security"),)))
            people_service.make_party(conn, "Gas works", "contractor")
            keys = {role: _key(conn, role, [Grant(role)]) for role in ROLES}
            keys["contractor"] = _key(conn, "contractor", [Grant("editor")], "Gas works")
            keys["powerless"] = _key(conn, "powerless", [])
        yield create_app(settings), keys


def _key(conn: Any, name: str, grants: list[Grant], party: str | None = None) -> str:
    return key_service.make_key(conn, name, grants, 1, LEVELS.get(name, "internal"), party)[0]


@pytest.fixture(scope="module")
def unnamed(cluster_settings: Settings, template: str) -> Iterator[FastAPI]:
    """A server at which nobody is named."""
    with clone(cluster_settings, template) as settings, opened(settings):
        yield create_app(settings.model_copy(update={"open": None}))


def address(line: str) -> tuple[str, str]:
    """Method and path of a line, with something in place of each name."""
    method, _, path = line.partition(" ")
    path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda name: NAMES.get(name[1], "x"), path)
    return method, "/static/vendor/leaflet/leaflet.js" if path == "/static" else path


def outcome(reply: Any) -> str:
    """`let in`, whatever came of it; else why not."""
    if reply.status_code == 401 and "www-authenticate" in reply.headers:  # a login that fails bears none
        return "unknown"
    refused = reply.status_code == 403 and "permission" in reply.json()
    return f"needs {reply.json()['permission']}" if refused else "let in"


def expected(asker: str, permission: Permission) -> str:
    if permission == "open" or asker == "open":
        return "let in"
    if asker == "nobody":
        return "unknown"
    roles = {"contractor": {"editor"}, "powerless": set()}.get(asker, {asker})
    # Somebody without a role is still somebody.
    allowed = permission == "self" or HOLDERS[permission] & roles
    return "let in" if allowed else f"needs {permission}"


def ask(app: FastAPI, key: str | None, line: str, client: TestClient) -> str:
    method, path = address(line)
    headers = {"Accept": "application/json"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
    return outcome(client.request(method, path, headers=headers, follow_redirects=False))


@pytest.mark.parametrize("asker", few(ASKERS, ["open", "viewer", "contractor", "powerless"]))
def test_every_route_lets_in_whom_the_table_says_and_no_one_else(asker, named, request):
    app, keys = (request.getfixturevalue("unnamed"), {}) if asker == "open" else named
    near = ("127.0.0.1", 40000)
    with TestClient(app, "http://127.0.0.1:8000", client=near, raise_server_exceptions=False) as client:
        said = {line: ask(app, keys.get(asker), line, client) for line in ROUTES}
    assert said == {line: expected(asker, permission) for line, permission in ROUTES.items()}


def test_every_route_stands_in_the_table_and_every_line_is_a_route(named):
    lines = [line for line, _ in lines_of(named[0].router.routes)]
    assert set(lines) == set(ROUTES), "say in app/access/permissions.py what a new route needs"
    assert len(lines) == len(set(lines)) > 100


def add_before(app: FastAPI, path: str, answer: Callable[[], Response]) -> None:
    """A route that no line names, before all others."""
    app.add_api_route(path, answer, methods=["GET", "DELETE"])
    app.router.routes.insert(0, app.router.routes.pop())


@pytest.mark.parametrize("asked_before", [False, True], ids=["at start", "later"])
def test_a_route_that_is_not_listed_is_open_to_nobody(database, asked_before):
    app = create_app(database.settings.model_copy(update={"open": True}))
    with TestClient(app, raise_server_exceptions=False) as client:
        if asked_before:
            assert client.get("/conformance").status_code == 200
        add_before(app, "/unlisted", lambda: Response("secret"))
        for method in ("GET", "DELETE"):
            reply = client.request(method, "/unlisted")
            assert (reply.status_code, "secret" in reply.text) == (403, False)
        assert client.get("/conformance").status_code == 200


def test_a_route_put_before_a_listed_one_is_refused_too(database):
    """What is let in for one route never runs another one."""
    app = create_app(database.settings.model_copy(update={"open": True}))
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/conformance").status_code == 200
        add_before(app, "/{any}", lambda: Response("secret"))
        assert client.get("/conformance").status_code == 403


def test_administration_sees_no_feature_and_readers_administrate_nothing():
    data = {"read", "street", "report", "export", "edit", "import", "plan", "assess"}
    assert set(PERMISSIONS) - data == {"open", "self", "jobs", "audit", "administer", "people", "watch"}
    for permission in data:
        assert not HOLDERS[permission] & ALONE, permission
    for permission in ("audit", "administer", "people"):
        assert not HOLDERS[permission] & READING, permission
        assert len(HOLDERS[permission]) == 1, permission


def test_what_changes_features_is_for_those_who_may_write():
    writes = {line for line in ROUTES if line.partition(" ")[0] not in {"GET", "OPTIONS"}}
    free = {line for line in writes if ROUTES[line] in {"open", "read", "street", "export", "audit"}}
    assert free == {"POST /login", "POST /field/start"}
