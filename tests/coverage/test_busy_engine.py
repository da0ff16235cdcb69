"""While the engine is at work on something long, who asks it waits, and nobody else does."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access import dependencies
from app.access.dependencies import ASKERS, READERS
from app.coverage import service
from app.coverage.engine import Engine
from app.database.transactions import POOL_EXTRA, POOL_KEPT
from app.main import create_app
from app.refused import REFUSED
from tests.clones import clone, opened
from tests.safety.house import until
from tests.width import few

PLACE = "lon=115.86&lat=28.68"
#: More than there are connections: were each to hold one, there would be none for pages.
MANY = POOL_KEPT + POOL_EXTRA + 4


class Busy:
    """An engine that answers once it is let go on."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._go = engine, threading.Event()
        self.asked = 0

    def answer(self, request: Mapping[str, Any], _report: Any = None) -> dict[str, Any]:
        self.asked += 1
        self._go.wait(60)
        return self._engine.answer(request)

    def stop(self) -> None:
        self.asked = 0
        self._go.clear()

    def go_on(self) -> None:
        self._go.set()


@pytest.fixture(scope="module")
def house(cluster_settings, town_template, catalogue):
    """A client of a town whose engine is busy when told so, and a run."""
    with clone(cluster_settings, town_template) as settings, opened(settings) as db:
        engine = Engine(db, catalogue)
        run = service.run(db, engine.answer, {"policy": "toilet-300", "mode": "straight"})["run"]
        busy = Busy(engine)
        with TestClient(create_app(settings, engine=busy), raise_server_exceptions=False) as client:
            yield client, busy, run


def asking(run: str) -> dict[str, tuple[str, str, Any]]:
    """Every way to ask the engine."""
    two = f"a={run}&b={run}"
    place = {"policy": "toilet-300", "mode": "straight"}
    code = "TL-000001"
    return {
        "reach": ("GET", f"/reach?{PLACE}", None),
        "network": ("GET", "/network", None),
        "merged gaps": ("GET", f"/coverage/{run}/gaps?merged=true", None),
        "entrances": ("GET", f"/coverage/{run}/entrances", None),
        "service area of a run": ("GET", f"/coverage/{run}/service-area?mode=straight", None),
        "service area": ("POST", "/coverage/service-area", place),
        "land of two": ("GET", f"/coverage/compare/land?{two}", None),
        "land of two, drawn": ("GET", f"/coverage/compare/map/land/straight/toilet.json?{two}", None),
        "classes": ("GET", f"/coverage/{run}/map/classes.json", None),
        "guard": ("POST", "/scenarios/guard", {"remove": {"class": "toilets", "code": code}, "policy": "toilet-300"}),
    }  # fmt: skip


WAYS = list(asking("run"))


@pytest.mark.parametrize("way", few(WAYS, ("reach", "merged gaps", "classes")))
def test_pages_go_on_while_many_wait_for_the_engine(house, way):
    client, busy, run = house
    method, path, body = asking(run)[way]
    pool = client.app.state.db._pool.pool
    busy.stop()
    with ThreadPoolExecutor(MANY) as threads:
        waiting = [threads.submit(client.request, method, path, json=body) for _ in range(MANY)]
        try:
            until(
                lambda: busy.asked >= ASKERS and pool.checkedout() == 0,
                "the engine is asked, no connection held",
            )
            for page in (
                "/collections/toilets/items?f=json",
                "/search?f=json&q=gc",
                "/collections",
                "/policies",
            ):
                assert client.get(page).status_code == 200, page
            assert busy.asked == ASKERS
        finally:
            busy.go_on()
        assert {one.result().status_code for one in waiting} <= {200, 202}, waiting[0].result().text


def test_who_waits_too_long_is_told_so_and_counted(house, monkeypatch):
    client, busy, _ = house
    monkeypatch.setattr(dependencies, "ASKERS_WAIT_S", 0.01)
    busy.stop()
    before = REFUSED.value("engine")
    with ThreadPoolExecutor(ASKERS) as threads:
        waiting = [threads.submit(client.get, f"/reach?{PLACE}") for _ in range(ASKERS)]
        try:
            until(lambda: busy.asked == ASKERS, "the engine is asked", 60)
            reply = client.get(f"/reach?{PLACE}")
        finally:
            busy.go_on()
        assert {one.result().status_code for one in waiting} == {200}
    assert (reply.status_code, reply.json()["code"]) == (503, "unavailable")
    assert reply.headers["retry-after"]
    assert REFUSED.value("engine") == before + 1


def test_askers_leave_readers_their_connections():
    assert READERS + ASKERS < POOL_KEPT + POOL_EXTRA
