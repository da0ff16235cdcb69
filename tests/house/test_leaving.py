"""A client that leaves: the database stops what it did for it, nothing stays open, half a file is told from a whole."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
import uvicorn
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send
from uvicorn.lifespan.off import LifespanOff

from app.access.dependencies import DatabaseDep, ReadConn
from app.access.leaving import PATIENCE_S
from app.access.middleware import HouseMiddleware
from app.access.permissions import ROUTES
from app.access.streaming import Streamed
from app.database.server import admin_parameters
from app.database.transactions import STREAMS
from app.main import create_app
from app.meters import BOARD
from app.refused import REFUSED
from app.serve import Answering

#: The bar is 2 s after the client has left.
SOON_S = 2.0


@pytest.fixture
def app(settings, database, monkeypatch) -> FastAPI:
    """The application with routes that take long: one statement, several, a stream, a stream that fails."""
    app = create_app(settings)

    def slow(conn: ReadConn) -> str:
        return str(
            conn.exec_driver_sql("SELECT count(n) FROM (SELECT generate_series(1, 10000000000) n) s").scalar()
        )

    def stream(db: DatabaseDep, fails_at: int = 0) -> Streamed:
        statement = f"SELECT repeat('x', 100000) || 1 / ({fails_at} - n) FROM (SELECT generate_series(1, 1000000) n) s"

        def blocks() -> Iterator[bytes]:
            copied = f"COPY ({statement}) TO STDOUT"
            with db.stream() as conn, db.raw(conn).cursor() as cursor, cursor.copy(copied) as copy:
                yield from map(bytes, copy)

        return Streamed(blocks(), "text/plain", {})

    for path in ("/slow", "/stream"):
        monkeypatch.setitem(ROUTES, f"GET {path}", "read")
    app.add_api_route("/slow", slow)
    app.add_api_route("/stream", stream, response_model=None)
    return app


@pytest.fixture
def port(app) -> Iterator[int]:
    with _serving(app) as port:
        yield port


@contextmanager
def _serving(app: FastAPI) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def _ask(port: int, path: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return client


@pytest.fixture
def server(settings) -> Iterator[psycopg.Connection]:
    """The database server, asked by who sees what all backends do."""
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as connection:
        yield connection


def _at_work(server) -> int:
    """Backends of the test's database that do something, beside the one that asks."""
    statement = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND state <> 'idle' AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    return int(server.execute(statement).fetchone()[0])


def _until(server, wanted: int, within_s: float) -> float:
    """How long it takes until so many are at work."""
    start = time.monotonic()
    while _at_work(server) != wanted:
        assert time.monotonic() - start < within_s, _at_work(server)
        time.sleep(0.02)
    return time.monotonic() - start


@pytest.mark.parametrize("path", ["/slow", "/stream"])
def test_what_runs_for_a_client_that_leaves_is_stopped(server, port, path):
    with _ask(port, path):
        _until(server, 1, 10)
    _until(server, 0, SOON_S + PATIENCE_S)


def test_a_client_that_takes_nothing_up_costs_no_memory_and_leaves_nothing_open(server, port):
    clients = [_ask(port, "/stream") for _ in range(STREAMS)]
    _until(server, STREAMS, 10)
    refused = http.client.HTTPConnection("127.0.0.1", port)
    refused.request("GET", "/stream")
    reply = refused.getresponse()
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    # Pages have connections of their own.
    clients.append(_ask(port, "/collections/toilets/items"))
    assert b" 200 " in clients[-1].recv(100)
    for client in clients:
        client.close()
    refused.close()
    _until(server, 0, SOON_S + PATIENCE_S)


def test_what_fails_before_anything_is_sent_is_a_problem(port):
    asked = http.client.HTTPConnection("127.0.0.1", port)
    asked.request("GET", "/stream?fails_at=1")
    reply = asked.getresponse()
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json")
    asked.close()


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_half_a_stream_never_looks_like_a_whole_one(server, port, coding):
    asked = http.client.HTTPConnection("127.0.0.1", port)
    asked.request("GET", "/stream?fails_at=100", headers={"Accept-Encoding": coding})
    reply = asked.getresponse()
    assert reply.status == 200
    with pytest.raises(http.client.IncompleteRead):
        reply.read()
    asked.close()
    assert _at_work(server) == 0


def _refused() -> dict[tuple[str, ...], float]:
    """What was refused so far, by limit."""
    return {limit: BOARD.sum(cell) for limit, cell in REFUSED.series.items()}


def _lines(caplog) -> list[tuple[int, int]]:
    """Status and bytes of the request lines so far."""
    told = [record.told for record in caplog.records if record.name == "chengtu.request"]
    return [(line["status"], line["bytes"]) for line in told]


@pytest.mark.parametrize("path", ["/slow", "/stream"])
def test_an_answer_that_its_client_cut_is_told_as_499_and_not_as_refused(server, port, path, caplog):
    caplog.set_level("INFO", "chengtu.request")
    before = _refused()
    with _ask(port, path) as client:
        _until(server, 1, 10)
        if path == "/stream":
            assert b" 200 " in client.recv(100)
        # Those who leave sooner are not watched.
        time.sleep(2 * PATIENCE_S)
    _until(server, 0, 60)
    while not _lines(caplog):
        time.sleep(0.02)
    [(status, sent)] = _lines(caplog)
    # Of 100 GB what the buffers of both sides hold.
    assert (status, sent < 1e9, sent > 0) == (499, True, path == "/stream")
    assert _refused() == before


def test_an_answer_that_fails_in_the_middle_is_told_so(port, caplog):
    caplog.set_level("INFO", "chengtu.request")
    asked = http.client.HTTPConnection("127.0.0.1", port)
    for path, status in (("/stream?fails_at=100", 500), ("/health", None), ("/collections", 200)):
        caplog.clear()
        asked.request("GET", path)
        with suppress(http.client.IncompleteRead):
            asked.getresponse().read()
        asked.close()
        while status is not None and not _lines(caplog):
            time.sleep(0.02)
        assert [found for found, _ in _lines(caplog)] == ([] if status is None else [status])


def test_a_server_that_stops_waits_until_what_it_broke_off_is_told(settings, caplog):
    """It ends its process by the signal that it heard: what is not told by then never is."""
    caplog.set_level("INFO", "chengtu.request")

    async def endless(scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        try:
            await asyncio.Event().wait()
        finally:
            # As a download does, which gives its connection back by a thread.
            await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.2)

    async def sent(_message: Message) -> None:
        pass

    async def stop() -> list[tuple[int, int]]:
        app = HouseMiddleware(endless)
        scope = {"type": "http", "method": "GET", "path": "/x", "headers": [], "app": create_app(settings)}
        server = Answering(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=0))
        server.servers, server.lifespan = [], LifespanOff(server.config)
        server.server_state.tasks.add(asyncio.create_task(app(scope, asyncio.Event().wait, sent)))
        await asyncio.sleep(0)
        await server.shutdown()
        return _lines(caplog)

    with start_blocking_portal() as portal:
        assert portal.call(stop) == [(503, 4)]
