"""Clients that are slow on purpose: the server goes on answering others, and lets go of them."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn

from app.access import patient
from app.main import create_app
from app.problems import MAX_BODY_BYTES

#: `make soak` takes 500.
SOCKETS = int(os.environ.get("CHENGTU_SOAK_SOCKETS", "50"))


@contextmanager
def _serving(settings) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        config = uvicorn.Config(
            create_app(settings),
            http=patient.patient_protocol(settings),
            ws="none",
            log_level="critical",
            lifespan="on",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def port(shared_database):
    with _serving(shared_database.settings) as port:
        yield port


@pytest.fixture
def impatient(monkeypatch):
    for name in ("HEADERS_S", "BODY_S", "STALL_S"):
        monkeypatch.setattr(patient, name, 0.5)


def _open(port: int, sent: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(sent)
    return client


def _rest(client: socket.socket) -> bytes:
    """What the server still says until it closes the connection."""
    said = b""
    try:
        while piece := client.recv(65_536):
            said += piece
    except ConnectionResetError:
        pass
    return said


def _taken(client: socket.socket, piece: bytes, times: int, pause_s: float = 0) -> int:
    """How often a piece is taken before the connection ends."""
    for sent in range(times):
        try:
            client.sendall(piece)
        except OSError:
            return sent
        time.sleep(pause_s)
    return times


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


HEAD = b"POST /coverage HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SLOW = {
    "says nothing": b"",
    "a first line without end": b"GET /heal",
    "headers without end": b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: ",
    "a body that does not come": HEAD + b"Content-Length: 1000\r\n\r\n{",
    "pieces that do not come": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
}


def test_the_server_answers_beside_many_that_are_slow(port):
    with ExitStack() as stack:
        kinds = list(SLOW.values())
        slow = [stack.enter_context(_open(port, kinds[one % len(kinds)])) for one in range(SOCKETS)]
        assert [_status(port, "/health") for _ in range(20)] == [200] * 20
        assert [_status(port, "/collections?f=json") for _ in range(5)] == [200] * 5
        assert len(slow) == SOCKETS


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
def test_who_does_not_come_to_an_end_is_let_go(port, impatient, sent):
    with _open(port, sent) as client:
        said = _rest(client)
    # Where the application was already asked, the connection ends without a word or with its own.
    assert said == b"" or said.split(b" ")[1] in {b"408", b"400"}


def test_a_drop_now_and_then_is_too_little(port, impatient):
    with _open(port, HEAD + b"Content-Length: 100000\r\n\r\n") as client:
        assert _taken(client, b"1", 1000, pause_s=0.05) < 1000


def test_who_is_slow_but_steady_is_served(port, monkeypatch):
    monkeypatch.setattr(patient, "BODY_S", 1.0)
    with _open(port, HEAD + b"Connection: close\r\nContent-Length: 30000\r\n\r\n") as client:
        for _ in range(10):
            client.sendall(b" " * 3000)
            time.sleep(0.2)
        assert _rest(client).split(b" ")[1] == b"400"  # what came is no JSON


def test_headers_without_end_are_refused(port):
    with _open(port, b"GET /health HTTP/1.1\r\nHost: x\r\n") as client:
        assert _taken(client, b"X-A: " + b"a" * 1000 + b"\r\n", 40_000) < 40_000


def test_headers_too_long_at_once_are_refused(port):
    with _open(port, b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n") as client:
        said = _rest(client)
    assert b" 200 " not in said[:20]


def test_who_takes_nothing_up_is_let_go(port, impatient):
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(30)
        client.connect(("127.0.0.1", port))
        for _ in range(200):
            try:
                client.sendall(b"GET /api HTTP/1.1\r\nHost: x\r\n\r\n")
            except OSError:
                break
            time.sleep(0.02)
        # Taken up only now: it ends long before 200 replies.
        assert _rest(client).count(b"HTTP/1.1 200") < 100


def test_a_body_over_the_limit_is_refused_before_it_has_come(port):
    with _open(port, HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1)) as client:
        assert client.recv(65_536).split(b" ")[1] == b"413"


def test_a_body_without_a_length_is_refused_at_the_limit(port):
    with _open(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n") as client:
        pieces = _taken(client, b"10000\r\n" + b" " * 0x10000 + b"\r\n", 300)
        assert pieces < 300


def test_one_address_has_so_many_connections(shared_database, monkeypatch):
    monkeypatch.setattr(patient, "MAX_PER_ADDRESS", 5)
    monkeypatch.setattr(patient, "is_loopback", lambda _: False)
    with _serving(shared_database.settings) as port, ExitStack() as stack:
        held = [stack.enter_context(_open(port)) for _ in range(5)]
        assert not _answered(port)
        held.pop().close()
        tries = 0
        while not _answered(port):
            tries += 1
            assert tries < 200, "the place of a closed connection is never given again"
            time.sleep(0.05)


def _answered(port: int) -> bool:
    try:
        with _open(port, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") as client:
            return b" 200 " in _rest(client)[:20]
    except ConnectionError:
        return False
