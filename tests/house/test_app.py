"""The web application: errors as problem documents, headers on every reply, health, readiness, documentation."""

from __future__ import annotations

import threading
from pathlib import Path
from unittest.mock import patch

import pytest
from fastapi import APIRouter
from fastapi.dependencies import utils as dependencies
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from app.access.middleware import SECURITY_HEADERS
from app.access.parameters import OWN_PARAMETERS
from app.access.permissions import ROUTES
from app.coverage.engine_client import EngineClient
from app.coverage.engine_server import EngineServer
from app.database.server import admin_parameters
from app.errors import ChengtuError, Conflict, NoSpace, SetupFailed, unknown
from app.main import create_app, make_ready
from app.problems import TITLES
from app.settings import Settings

MEMBERS = {"type", "title", "status", "detail", "code", "instance"}


@pytest.fixture(scope="module")
def client(shared_database):
    app = create_app(shared_database.settings)
    trouble = APIRouter()
    trouble.add_api_route("/trouble/bug", _bug)
    trouble.add_api_route("/trouble/conflict", _conflict)
    trouble.add_api_route("/trouble/full", _full)
    trouble.add_api_route("/trouble/away", _away)
    trouble.add_api_route("/trouble/setup", _foreign)
    trouble.add_api_route("/trouble/assets", _lacking)
    app.include_router(trouble)
    listed = {f"GET {route.path}": "open" for route in trouble.routes if isinstance(route, APIRoute)}
    with patch.dict(ROUTES, listed), TestClient(app, raise_server_exceptions=False) as client:
        yield client


def _bug() -> None:
    raise RuntimeError("password=hunter2")


def _conflict() -> None:
    raise Conflict("Somebody else was first.", "Load it again.")


def _full() -> None:
    raise NoSpace("The disk is full.")


def _away() -> None:
    """What every request meets where the embedded database is stopped."""
    admin_parameters(Settings(home=Path("/srv/chengtu/home"), database_url=None))


def _foreign() -> None:
    raise SetupFailed("The data folder /srv/chengtu/home belongs to another user.", "Run as that user.")


def _lacking() -> None:
    raise SetupFailed("The map's scripts are missing.", "Fetch them: make setup; /map shows it then.")


@pytest.mark.parametrize(("accept", "lang"), [("application/json", "en"), ("text/html", "zh")])
def test_no_caller_is_told_a_folder_of_the_machine(client, caplog, accept, lang):
    for path, status, kept in (("away", 503, False), ("setup", 500, False), ("assets", 500, True)):
        reply = client.get(f"/trouble/{path}?lang={lang}", headers={"Accept": accept})
        assert reply.status_code == status
        assert "srv" not in reply.text
        assert ("make setup" in reply.text) is (kept and lang == "en")
    # whoever runs it finds it in the log
    assert [record.getMessage() for record in caplog.records if "/srv/chengtu/home" in record.getMessage()]


def _problem(reply, status: int) -> dict:
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert body.keys() >= MEMBERS
    assert body["status"] == status
    assert body["type"] == f"urn:chengtu:problem:{body['code']}"
    assert body["instance"].endswith(reply.headers["x-request-id"])
    return body


@pytest.mark.parametrize(
    ("path", "status", "detail", "hint"),
    [
        ("/nothing", 404, "nothing at /nothing", "/docs"),
        ("/trouble/conflict", 409, "Somebody else was first.", "Load it again."),
        ("/trouble/full", 507, "The disk is full.", ""),
        ("/collections/toilet", 404, "no collection named 'toilet'", "toilets"),
        ("/policies/green-300", 404, "no policy named", "green-300-500"),
        ("/collections/toilets/items?bbx=1,2,3,4", 400, "'bbx'", "bbox"),
        ("/collections?limit=3", 400, "'limit'", "lang"),
        ("/collections/toilets/items?limit=0", 400, "'limit' '0'", ""),
        ("/collections/toilets/items?limit=x", 400, "'limit' 'x'", ""),
        ("/collections/toilets/items?limit=1&limit=2", 400, "more than once", ""),
        ("/collections/toilets/items?lang=fr", 400, "'lang' 'fr'", "zh"),
        ("/coverage/nonsense", 404, "no run 'nonsense'", "/coverage"),
        ("/static/nothing.js", 404, "nothing at", ""),
        ("/collections/toilets/items/%00", 404, "no feature", ""),
    ],
)
def test_an_error_is_a_problem_document_with_a_way_out(client, path, status, detail, hint):
    body = _problem(client.get(path), status)
    assert detail in body["detail"]
    assert hint in body.get("hint", "")


def test_a_bug_leaks_nothing_and_has_the_headers(client):
    reply = client.get("/trouble/bug")
    _problem(reply, 500)
    assert "hunter2" not in reply.text
    assert reply.headers["content-security-policy"]


def test_a_method_that_is_not_allowed_says_which_are(client):
    reply = client.post("/health")
    assert _problem(reply, 405)["hint"] == "Allowed here: GET."
    assert reply.headers["allow"] == "GET"


def test_all_methods_of_a_path_are_listed(client):
    reply = client.put("/coverage")
    assert _problem(reply, 405)["hint"] == "Allowed here: GET, POST."
    assert reply.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{x", "at character 2"),
        (b'{"a": "\xff"}', "byte 8 is not UTF-8"),
        (b"[" * 200_000, "nested too deeply"),
    ],
    ids=["syntax", "encoding", "depth"],
)
def test_a_body_that_is_no_json_is_one_sentence(client, body, reason):
    reply = client.post("/coverage", content=body, headers={"content-type": "application/json"})
    detail = _problem(reply, 400)["detail"]
    assert detail.startswith("The request body is not valid JSON: ")
    assert reason in detail


@pytest.mark.parametrize(
    "body", [b" " * 1_000_001, (b" " * 100_000 for _ in range(11))], ids=["whole", "chunked"]
)
def test_a_body_over_the_limit_is_refused(client, body):
    reply = client.post("/coverage", content=body, headers={"content-type": "application/json"})
    assert "larger than 1 MB" in _problem(reply, 413)["detail"]
    assert reply.headers["content-security-policy"]


def test_a_hint_lists_twelve_names_at_most():
    hint = unknown("thing", "zzz", [f"name{n:02}" for n in range(40)]).hint
    assert hint is not None
    assert hint.count("name") - hint.count("names") == 12
    assert "28 more" in hint


def test_the_title_follows_the_language(client):
    chinese = client.get("/nothing", headers={"accept-language": "zh-CN"}).json()
    assert chinese["title"] == "未找到"
    assert client.get("/nothing?lang=en", headers={"accept-language": "zh"}).json()["title"] == "Not found"


@pytest.mark.parametrize(
    "path", ["/", "/health", "/nothing", "/static/docs.js", "/api", "/docs", "/overview"]
)
def test_every_reply_has_the_security_headers(client, path):
    headers = client.get(path).headers
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "unsafe" not in headers["content-security-policy"]


def test_head_is_get_without_a_body(client):
    get, head = client.get("/conformance"), client.head("/conformance")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


def test_long_replies_are_compressed_where_the_client_takes_it(client):
    assert client.get("/api", headers={"accept-encoding": "gzip"}).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in client.get("/api", headers={"accept-encoding": "identity"}).headers


def test_openapi_names_every_route_with_examples_and_no_unknown_parameter_is_accepted(client):
    document = client.get("/api").json()
    assert {"/collections/{collection}/items", "/policies", "/coverage", "/reach", "/summary"} <= document[
        "paths"
    ].keys()
    items = document["paths"]["/collections/{collection}/items"]["get"]
    assert items[OWN_PARAMETERS] is True
    assert items["responses"]["200"]["content"]["application/geo+json"]["example"]["features"]


def test_the_documentation_asks_nothing_of_others_and_has_no_inline_script(client):
    page = client.get("/docs").text
    assert "//" not in page.replace("<!doctype", "")
    for path in ("/static/docs.js", "/static/vendor/swagger-ui/swagger-ui-bundle.js"):
        assert path in page
        assert client.get(path).status_code == 200


def test_health_lives_and_ready_needs_the_engine(client, tmp_path, monkeypatch):
    assert client.get("/health").json()["status"] == "ok"
    body = _problem(client.get("/ready"), 503)
    assert "engine" in body["detail"]
    path = tmp_path / "e.sock"
    with EngineServer(path, lambda request, _: request) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(client.app.state, "engine", EngineClient(path))
        assert client.get("/ready").json() == {"status": "ready"}
        server.shutdown()
        thread.join()


def test_it_starts_without_a_database_and_says_so(tmp_path):
    away = Settings(home=tmp_path, DATABASE_URL="postgresql://nobody:nothing@127.0.0.1:1/none")
    with TestClient(create_app(away), raise_server_exceptions=False) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/conformance").status_code == 200
        # Nobody can be told from anybody: what holds anything of the city waits.
        for path in ("/ready", "/collections", "/summary", "/policies"):
            reply = client.get(path)
            assert _problem(reply, 503)["hint"]
            assert reply.headers["retry-after"]


def test_every_error_kind_has_a_title_in_both_languages():
    def kinds(kind: type[ChengtuError]) -> list[type[ChengtuError]]:
        return [kind, *(below for sub in kind.__subclasses__() for below in kinds(sub))]

    untitled = {kind.code for kind in kinds(ChengtuError)} - TITLES.keys() - {"error", "bad-setting"}
    assert untitled == set()


def test_the_first_request_waits_for_no_route(shared_database, monkeypatch):
    """What routes ask of a request is worked out before: in each worker the first would wait for it."""

    def fail(**_: object) -> None:
        raise AssertionError("a route is worked out while somebody waits")

    make_ready()
    monkeypatch.setattr(dependencies, "analyze_param", fail)
    with TestClient(create_app(shared_database.settings)) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/collections/toilets/items").status_code == 200
        assert client.get("/static/nothing").status_code == 404
