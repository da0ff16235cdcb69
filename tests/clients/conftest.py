"""The sample town with a coverage run, served by uvicorn on loopback to clients that know nothing of its inside."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
import uvicorn

from app.catalogue.model import Catalogue
from app.coverage.engine import Engine
from app.coverage.service import run
from app.main import create_app
from app.settings import Settings
from tests.clones import clone, opened

POLICY = "toilet-300"


@dataclass
class Asked:
    """One request: its method, path, query and headers (lower case), and the status of the reply."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int = 0


@dataclass
class Served:
    """A running server: its address, and every request that it got, in order."""

    address: str
    log: list[Asked] = field(default_factory=list)

    def get(self, path: str, accept: str = "application/json") -> Any:
        """A document of the server, as its own client sees it."""
        asked = urllib.request.Request(f"{self.address}{path}", headers={"Accept": accept})
        with urllib.request.urlopen(asked, timeout=30) as reply:
            return json.loads(reply.read())

    def ids(self) -> list[str]:
        return [item["id"] for item in self.get("/collections")["collections"]]

    def features(self, collection: str, query: str = "") -> list[dict[str, Any]]:
        """Every feature, page after page."""
        found: list[dict[str, Any]] = []
        address: str | None = f"/collections/{collection}/items?limit=1000{query}"
        while address is not None:
            assert len(found) < 10_000
            page = self.get(address)
            found += page["features"]
            links = {link["rel"]: link["href"] for link in page["links"]}
            address = links["next"].removeprefix(self.address) if "next" in links else None
        return found

    def count(self, collection: str, query: str = "") -> int:
        return len(self.features(collection, query))

    def since(self, mark: int) -> list[Asked]:
        """The requests after the first `mark` ones."""
        return self.log[mark:]


class Recorder:
    """An ASGI application that notes each request and passes it on."""

    def __init__(self, app: Any, log: list[Asked]) -> None:
        self.app, self.log = app, log

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        asked = Asked(scope["method"], unquote(scope["path"]), query, headers)
        self.log.append(asked)

        async def reply(message: Any) -> None:
            asked.status = message.get("status", asked.status)
            await send(message)

        await self.app(scope, receive, reply)


@pytest.fixture(scope="session")
def town_settings(cluster_settings: Settings, town_template: str, catalogue: Catalogue) -> Iterator[Settings]:
    """A database of the sample town with a run, which all tests read."""
    with town_with_a_run(cluster_settings, town_template, catalogue) as settings:
        yield settings


@pytest.fixture
def own_town(cluster_settings: Settings, town_template: str, catalogue: Catalogue) -> Iterator[Settings]:
    """The same for a test that changes who may ask."""
    with town_with_a_run(cluster_settings, town_template, catalogue) as settings:
        yield settings


@contextmanager
def town_with_a_run(
    cluster_settings: Settings, town_template: str, catalogue: Catalogue
) -> Iterator[Settings]:
    with clone(cluster_settings, town_template) as cloned, opened(cloned) as database:
        engine = Engine(database, catalogue)
        run(database, engine.answer, {"policy": POLICY, "mode": "both"})
        yield cloned


@pytest.fixture(scope="session")
def served(town_settings: Settings) -> Iterator[Served]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        town = Served(f"http://127.0.0.1:{listener.getsockname()[1]}")
        app = Recorder(create_app(town_settings), town.log)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        until = time.monotonic() + 30
        while not server.started and time.monotonic() < until:
            time.sleep(0.02)
        assert server.started
        yield town
        server.should_exit = True
        thread.join(timeout=10)
