"""Small requests: 100 on one kept connection to `/health`, against two workers; without uvloop each takes 43 ms."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.tools import best_of, table

REQUESTS = 100
BOUND_S = 1.0


@contextmanager
def server() -> Iterator[tuple[int, int]]:
    """A server of two workers over a database of its own; yields its port and process id, and stops it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="chengtu-bench-") as home:
        # The database's own user must reach it: so the cluster lies here and is removed with the folder.
        Path(home).chmod(0o755)
        environment = {**os.environ, "CHENGTU_HOME": home, "PORT": str(port), "CHENGTU_WORKERS": "2"}
        environment.pop("DATABASE_URL", None)
        command = [sys.executable, "-m", "app.cli"]
        process = subprocess.Popen(
            [*command, "run", "--size", "town"], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            _wait_for(port, process)
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            subprocess.run([*command, "db", "stop"], env=environment, check=False, stderr=subprocess.DEVNULL)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            if _get(http.client.HTTPConnection("127.0.0.1", port, timeout=5), "/ready") == http.HTTPStatus.OK:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit("The server did not start.")


def _get(connection: http.client.HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    reply = connection.getresponse()
    reply.read()
    return reply.status


def hundred(port: int) -> None:
    """100 requests one after another on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _ in range(REQUESTS):
        _get(connection, "/health")
    connection.close()


def run(*, peers: bool) -> None:
    """Print the time of 100 requests beside its bound; it has no peer."""
    del peers
    with server() as (port, _):
        seconds, _ = best_of(5, lambda: hundred(port))
    verdict = "kept" if seconds < BOUND_S else "MISSED"
    table(
        "100 keep-alive requests to /health, two workers",
        [("ours", f"{seconds:.3f} s"), ("bound", f"{BOUND_S} s, {verdict}")],
    )


PATHS = (
    "/health",
    "/collections",
    "/collections/toilets/items?limit=1000",
    "/summary",
    "/reach?lon=115.86&lat=28.68",
    "/map/toilets",
)
SOAK_S = 120.0


def soak(*, peers: bool) -> None:
    """Ask the server for two minutes, bounded, from one client, and print how its memory grew."""
    del peers
    with server() as (port, pid):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        statuses = [_get(connection, path) for path in PATHS * 5]
        before, until, asked = _memory_mib(pid), time.monotonic() + SOAK_S, 0
        while time.monotonic() < until:
            statuses += [_get(connection, path) for path in PATHS]
            asked += len(PATHS)
        connection.close()
        grown = _memory_mib(pid) - before
    failed = sum(status >= http.HTTPStatus.INTERNAL_SERVER_ERROR for status in statuses)
    table(
        "Two minutes of requests",
        [("asked", f"{asked:,}"), ("failed", str(failed)), ("memory grew", f"{grown:.1f} MiB")],
    )


def _memory_mib(pid: int) -> float:
    """Memory of a process's children that they alone hold."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    lines = [
        line
        for child in children
        for line in Path(f"/proc/{child}/smaps_rollup").read_text(encoding="ascii").splitlines()
    ]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1024
