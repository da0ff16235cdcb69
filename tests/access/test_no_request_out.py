"""No address that somebody writes anywhere is asked by the server: parameters, headers, bodies, names of files."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from bench.fuzz import NearEngine
from tests.access.test_permissions import address

NAMED = "canary.invalid"
HEADERS = (
    "Referer",
    "Origin",
    "X-Forwarded-Host",
    "X-Forwarded-For",
    "Forwarded",
    "X-Original-URL",
    "Link",
    "From",
)


@dataclass
class Outside:
    """A server that counts who calls, and the names that anybody looked up."""

    port: int
    listening: socket.socket
    asked: list[Any] = field(default_factory=list)

    def addresses(self) -> list[str]:
        here = f"127.0.0.1:{self.port}"
        return [
            f"http://{here}/x.json",
            f"//{here}/x",
            f"https://{NAMED}/x.geojson",
            f"/vsicurl/http://{here}/x.csv",
        ]

    def check_silent(self, about: object) -> None:
        with suppress(BlockingIOError), self.listening.accept()[0]:
            pytest.fail("The server was asked for something.")
        assert self.asked == [], about


@pytest.fixture
def outside(monkeypatch) -> Iterator[Outside]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        made = Outside(listening.getsockname()[1], listening)
        look_up = socket.getaddrinfo

        def noted(host: Any, *rest: Any, **more: Any) -> Any:
            if NAMED in str(host):
                made.asked.append(host)
            return look_up(host, *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", noted)
        yield made


@pytest.fixture
def client(database, catalogue) -> Iterator[TestClient]:
    app = create_app(database.settings, NearEngine(database, catalogue))
    # Nobody works on jobs here.
    with TestClient(app, headers={"Prefer": "wait=0"}, raise_server_exceptions=False) as client:
        yield client


def test_the_listener_would_hear_a_request(outside):
    with socket.create_connection(("127.0.0.1", outside.port)), pytest.raises(pytest.fail.Exception):
        outside.check_silent("this")


def test_no_parameter_is_asked_for_what_it_names(client, outside):
    """Each name of a parameter once, on a route that takes it."""
    taken = {
        item["name"]: (path, method)
        for path, methods in client.get("/api?f=oas31").json()["paths"].items()
        for method, operation in methods.items()
        for item in operation.get("parameters", [])
        if item["in"] == "query" and method == "get"
    }
    assert len(taken) > 40
    for name, (path, method) in taken.items():
        _, asked = address(f"{method.upper()} {path}")
        for given in outside.addresses()[::2]:
            reply = client.get(asked, params={name: given}, follow_redirects=False)
            assert reply.status_code < 500, (name, reply.text)
    outside.check_silent(taken)


def test_no_header_is_asked_for_what_it_names(client, outside):
    for given in outside.addresses():
        for name in HEADERS:
            assert client.get("/collections", headers={name: given}).status_code < 500, name
        assert (
            client.get("/", headers={"Host": given.rpartition("//")[2].partition("/")[0]}).status_code < 500
        )
    outside.check_silent(HEADERS)


def _bodies(given: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    shape = {"type": "Point", "coordinates": [115.86, 28.68]}
    link = {"type": "link", "properties": {"href": given, "type": "proj4"}}
    named = {
        "$schema": given,
        "$ref": given,
        "@context": given,
        "links": [{"href": given, "rel": "describedby"}],
    }
    fields = {"code": "c", "name_zh": given, "note": given, "photo": given}
    feature = {"type": "Feature", "geometry": shape, "properties": fields, "crs": link, **named}
    items = "/collections/toilets/items"
    yield "POST", items, {"content": json.dumps(feature), "headers": {"Content-Type": "application/geo+json"}}
    yield "POST", items, {"json": {"$ref": given}, "headers": {"Content-Crs": f"<{given}>"}}
    yield "POST", "/coverage", {"json": {"policy": given, "area": given, **named}}
    yield (
        "POST",
        "/policies",
        {"json": {"based_on": "toilet-300", "id": "x", "title": {"zh": given, "en": given}}},
    )
    yield "POST", "/policies", {"content": f"$ref: {given}", "headers": {"Content-Type": "application/yaml"}}
    yield (
        "POST",
        "/scenarios/guard",
        {"json": {"policy": "toilet-300", "remove": {"class": "toilets", "code": given}}},
    )
    yield "POST", "/imports/inspect", {"json": {"url": given, "path": given, "upload": given}}
    yield (
        "POST",
        "/imports",
        {"json": {"url": given, "source": given}, "params": {"class": "toilets", "source": given}},
    )
    collection = json.dumps({"type": "FeatureCollection", "features": [feature], "crs": link})
    disposition = {
        "Content-Disposition": f'attachment; filename="{given}"',
        "Content-Type": "application/geo+json",
    }
    # Whoever does the job is asked the same in tests/ingest/test_hostile_uploads.py
    yield (
        "POST",
        "/imports?class=toilets",
        {"content": collection, "headers": disposition},
    )


def test_no_body_is_asked_for_what_it_names(client, outside):
    for given in outside.addresses():
        for method, path, sent in _bodies(given):
            reply = client.request(method, path, **sent)
            assert reply.status_code < 500, (path, sent, reply.text)
    outside.check_silent("bodies")
