"""`chengtu serve` as a user has it: children start, come back when they die, and stop; a taken port is told at once."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.errors import SetupFailed
from app.jobs.stopping import StopFlag
from app.serve import check_port
from tests.effort import is_little
from tests.safety.house import may_be_huge

CHENGTU = [sys.executable, "-m", "app.cli"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(until: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)


def _status(port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def _children(pid: int) -> list[int]:
    return [
        int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    ]


def _engine(pid: int) -> int | None:
    """Process id of the supervisor's engine."""
    names = {
        child: Path(f"/proc/{child}/comm").read_text(encoding="utf-8").strip() for child in _children(pid)
    }
    return next((child for child, name in names.items() if name == "chengtu engine"), None)


def _heaps(pid: int) -> int:
    """How many heaps of 64 MiB the C library made for threads of a process, beside that of its first one."""
    maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    starts = [int(line.partition("-")[0], 16) for line in maps if " rw-p 00000000 00:00 0" in line]
    return sum(start % (64 * 2**20) == 0 for start in starts)


@pytest.fixture
def server(environment, database, tmp_path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = _free_port()
    command = [*CHENGTU, "serve", "--port", str(port), "--workers", "2"]
    log = tmp_path / "serve.log"
    with log.open("wb") as told:
        process = subprocess.Popen(command, env=environment, stdout=told, stderr=told)
    try:
        _wait(lambda: _status(port, "/ready") == 200)
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_serve_answers_heals_and_stops(server):
    process, port = server
    assert _status(port, "/collections") == 200

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def ask() -> None:
        for _ in range(100):
            connection.request("GET", "/health")
            assert connection.getresponse().read()

    # Idle machines need 0.1 s; without uvloop it is 4.3 s by construction (43 ms a request).
    is_little(ask, 2.5, time.perf_counter)
    connection.close()
    for child in _children(process.pid):
        # A heap that is full goes on in another one; without a bound there are a dozen and more.
        assert _heaps(child) <= 2 * max(2, len(os.sched_getaffinity(0)) // 2)

    engine = _engine(process.pid)
    if may_be_huge(os.getpid()):
        # Huge pages are copied for each process: what it shares with its parent would be its own, one after another.
        assert [one for one in (process.pid, *_children(process.pid)) if may_be_huge(one)] == [engine]
    os.kill(engine, signal.SIGKILL)
    _wait(lambda: _engine(process.pid) not in {engine, None})
    _wait(lambda: _status(port, "/ready") == 200)

    family = _children(process.pid)
    assert len(family) == 4
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert [pid for pid in family if Path(f"/proc/{pid}").exists()] == []
    assert _status(port, "/health") is None


@pytest.mark.wide
def test_a_burst_of_signals_stops_it_all_the_same(server):
    process, _ = server
    family = _children(process.pid)
    for _ in range(200):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
        time.sleep(0.002)
    assert process.wait(30) == 0
    assert [pid for pid in family if Path(f"/proc/{pid}").exists()] == []


def test_a_stop_flag_is_set_in_a_handler_while_it_is_waited_for():
    """With a threading.Event this hangs within a second: its lock is not re-entrant."""
    flag, calls = StopFlag(), 0

    def ask(*_: object) -> None:
        nonlocal calls
        calls += 1
        flag.set()

    before = signal.signal(signal.SIGALRM, ask)
    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
    try:
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            flag.wait(0.01)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert flag.is_set()
    assert calls > 10


@pytest.mark.wide
def test_a_taken_port_is_one_sentence_before_anything_slow(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = {**os.environ, "CHENGTU_HOME": str(tmp_path / "home"), "PORT": str(port)}
        told = subprocess.run([*CHENGTU, "run"], env=environment, capture_output=True, text=True)
    assert told.returncode == 2
    assert f"127.0.0.1:{port}" in told.stderr
    assert "PORT=" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7", "not an address"])
def test_an_address_that_is_not_this_machines_is_told(host):
    with pytest.raises(SetupFailed, match="Nothing can be served") as raised:
        check_port(host, 8000)
    assert "address of this machine" in str(raised.value.hint)
    assert "Choose another port" not in str(raised.value.hint)
