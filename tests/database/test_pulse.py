"""A database that takes connections and answers nothing is noticed in seconds, refused at once and found again."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from fastapi.testclient import TestClient

from app.access.metrics import metrics
from app.database import pulse
from app.database.pulse import Pulse, answers
from app.database.server import admin_parameters
from app.errors import Unavailable
from app.main import create_app
from tests.clones import opened
from tests.database.black_hole import proxied

#: What is promised is 5 s, and 2 s for `/ready`: `python -m bench silence` measures it. This machine may be busy with
#: other tests; without what is tested here, nothing would be answered for ever.
SOON_S, READY_S = 25.0, 15.0
ONE = "SELECT 1"
ENDLESS = "SELECT count(n) FROM (SELECT generate_series(1, 10000000000) n) s"


@pytest.fixture
def way(settings):
    with proxied(settings) as (proxy, through), opened(through) as database:
        yield proxy, database


def _read(database) -> int:
    with database.read() as conn:
        return int(conn.exec_driver_sql(ONE).scalar_one())


def _refusal(database) -> float:
    """How long it took to be refused."""
    started = time.monotonic()
    with pytest.raises(Unavailable):
        _read(database)
    return time.monotonic() - started


def _again(database) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            assert _read(database) == 1
        except Unavailable:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return


@pytest.mark.parametrize("warm", [True, False], ids=["connections that were there", "new connections"])
def test_a_black_hole_is_noticed_and_what_comes_after_it_found_by_itself(way, warm):
    proxy, database = way
    if warm:
        assert _read(database) == 1
    else:
        database.dispose()
    proxy.close()
    assert _refusal(database) < SOON_S
    assert not answers(database.settings)
    # Known now: only one of those who ask looks again.
    with ThreadPoolExecutor(20) as threads:
        assert max(threads.map(lambda _: _refusal(database), range(40))) < SOON_S
    proxy.open()
    _again(database)
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: _read(database), range(40))) == 40


def test_all_who_wait_when_it_falls_silent_are_told(way):
    """Also those in line for a connection: there are fewer than who ask."""
    proxy, database = way
    assert _read(database) == 1
    proxy.close()
    with ThreadPoolExecutor(30) as threads:
        assert max(threads.map(lambda _: _refusal(database), range(60))) < SOON_S
    proxy.open()
    _again(database)


def test_a_slow_statement_is_waited_for_as_long_as_the_server_lives(way):
    _, database = way
    with psycopg.connect(**admin_parameters(database.settings)) as held:
        held.execute("LOCK TABLE city.imports IN ACCESS EXCLUSIVE MODE")
        threading.Timer(2.5, held.rollback).start()
        started = time.monotonic()
        with database.write() as conn:
            assert conn.exec_driver_sql("SELECT count(*) FROM city.imports").scalar_one() == 0
        assert time.monotonic() - started > 2
    assert not database.pulse.is_silent()


def test_a_statement_under_way_is_given_up_and_its_connection_with_it(way):
    proxy, database = way
    cut = threading.Timer(0.5, proxy.close)
    cut.start()
    started = time.monotonic()
    with pytest.raises(Unavailable), database.read() as conn:
        conn.exec_driver_sql(ENDLESS)
    assert time.monotonic() - started < SOON_S
    proxy.open()
    _again(database)


def test_requests_are_answered_while_the_database_is_a_black_hole(way):
    proxy, database = way
    with TestClient(create_app(database.settings), raise_server_exceptions=False) as client:
        assert client.get("/collections").status_code == 200
        proxy.close()
        started = time.monotonic()
        assert client.get("/ready").status_code == 503
        assert time.monotonic() - started < READY_S
        started = time.monotonic()
        reply = client.get("/collections/toilets/items")
        assert time.monotonic() - started < SOON_S
        assert (reply.status_code, int(reply.headers["retry-after"]) > 0) == (503, True)
        tile = client.get("/collections/toilets/tiles/WebMercatorQuad/3/1/2")
        assert tile.status_code == 503
        assert client.get("/health").status_code == 200
        told = metrics(database, {}, engine_up=False)
        proxy.open()
        _again(database)
        until = time.monotonic() + 60
        while client.get("/collections/toilets/items").status_code != 200:
            assert time.monotonic() < until
    assert "\nchengtu_database_up 0\n" in told


def test_a_server_that_was_heard_a_moment_ago_is_slow_and_not_silent(settings, monkeypatch):
    lost: list[int] = []
    asked = Pulse(settings, lambda: lost.append(1))
    monkeypatch.setattr(pulse, "AGAIN_S", 0.0)
    monkeypatch.setattr(
        pulse, "answers", lambda _settings: False
    )  # an overloaded machine lets it wait too long
    asked.note_heard()
    asked.note_silent()
    assert (asked.is_silent(), lost) == (False, [])
    monkeypatch.setattr(pulse, "HEARD_S", 0.0)
    assert (asked.is_silent(), lost) == (True, [1])


def test_whatever_comes_is_heard(database):
    with database.read() as conn:
        conn.exec_driver_sql(ONE)
        assert database.pulse._was_heard()
