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
def server(size: str = "town") -> Iterator[tuple[int, int, Path]]:
    """A server of two workers over a database of its own; yields its port, process id and data folder, and stops it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="chengtu-bench-") as home:
        # The database's own user must reach it: so the cluster lies here and is removed with the folder.
        Path(home).chmod(0o755)
        environment = {
            **os.environ,
            "CHENGTU_HOME": home,
            "PORT": str(port),
            "CHENGTU_WORKERS": "2",
            "CHENGTU_LOG_LEVEL": "warning",
        }
        environment.pop("DATABASE_URL", None)
        command = [sys.executable, "-m", "app.cli"]
        process = subprocess.Popen(
            [*command, "run", "--size", size], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            _wait_for(port, process)
            yield port, process.pid, Path(home)
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
    with server() as (port, _, _):
        seconds, _ = best_of(5, lambda: hundred(port))
    verdict = "kept" if seconds < BOUND_S else "MISSED"
    table(
        "100 keep-alive requests to /health, two workers",
        [("ours", f"{seconds:.3f} s"), ("bound", f"{BOUND_S} s, {verdict}")],
    )
