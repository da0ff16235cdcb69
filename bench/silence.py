"""A database that takes connections and says nothing: how soon requests are refused, and answered again after it."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.settings import Settings
from bench.tools import table
from tests.database.black_hole import Proxy, proxied
from tests.house.running import Server, wait

CLIENTS, HOLES, HOLE_S = 20, 5, 8.0
BOUND_S, READY_BOUND_S = 5.0, 2.0
CHENGTU = [sys.executable, "-m", "app.cli"]


@contextmanager
def _server(home: str) -> Iterator[tuple[Server, Proxy]]:
    """A server that reaches its database through a way that can be cut."""
    environment = {**os.environ, "CHENGTU_HOME": home, "CHENGTU_OPEN": "true"}
    environment.pop("DATABASE_URL", None)
    subprocess.run([*CHENGTU, "db", "migrate"], env=environment, check=True, stderr=subprocess.DEVNULL)
    try:
        with proxied(Settings(home=Path(home))) as (proxy, through), socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            probe.close()
            command = [*CHENGTU, "serve", "--port", str(port)]
            served = environment | {"DATABASE_URL": str(through.database_url)}
            process = subprocess.Popen(command, env=served, stderr=subprocess.DEVNULL)
            try:
                server = Server(process, port, Path(home))
                wait(lambda: server.ask("/ready")[0] == 200)
                yield server, proxy
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
    finally:
        subprocess.run([*CHENGTU, "db", "stop"], env=environment, check=False, stderr=subprocess.DEVNULL)


def _ask(server: Server, path: str, until: float, found: list[tuple[float, float, int]]) -> None:
    while time.monotonic() < until:
        started = time.monotonic()
        status, _, _ = server.ask(path)
        found.append((started, time.monotonic() - started, status))
        time.sleep(0.02)


def run(*, peers: bool) -> None:
    """Print the longest replies while it is silent, and how soon all is well after it."""
    del peers
    pages: list[tuple[float, float, int]] = []
    ready: list[tuple[float, float, int]] = []
    back: list[float] = []
    with tempfile.TemporaryDirectory(prefix="chengtu-bench-") as home:
        Path(home).chmod(0o755)
        with _server(home) as (server, proxy):
            for _ in range(HOLES):
                until = time.monotonic() + HOLE_S + 6
                paths = ["/collections/toilets/items"] * CLIENTS
                threads = [threading.Thread(target=_ask, args=(server, path, until, pages)) for path in paths]
                threads.append(threading.Thread(target=_ask, args=(server, "/ready", until, ready)))
                for thread in threads:
                    thread.start()
                time.sleep(2)
                proxy.close()
                time.sleep(HOLE_S)
                opened = time.monotonic()
                proxy.open()
                for thread in threads:
                    thread.join()
                good = [at + took for at, took, status in pages if at > opened and status == 200]
                back.append(min(good, default=float("inf")) - opened)
    statuses = sorted({status for _, _, status in pages + ready})
    slowest, slowest_ready = max(took for _, took, _ in pages), max(took for _, took, _ in ready)
    refused = [took for _, took, status in pages if status == 503]
    table(
        f"A silent database, {HOLES} times for {HOLE_S:.0f} s, {CLIENTS} clients",
        [
            ("statuses", ", ".join(map(str, statuses))),
            ("longest reply", f"{slowest:.2f} s, {'kept' if slowest <= BOUND_S else 'MISSED'}"),
            ("median of those refused", f"{statistics.median(refused):.3f} s"),
            (
                "longest of /ready",
                f"{slowest_ready:.2f} s, {'kept' if slowest_ready <= READY_BOUND_S else 'MISSED'}",
            ),
            ("first page after it", f"{max(back):.2f} s at most"),
        ],
    )
