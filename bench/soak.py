"""The whole service under two hundred clients for ten minutes, and what is left behind: memory, connections."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Self

import numpy as np
import psycopg

from app import console
from app.database.server import admin_parameters
from app.settings import Settings
from bench.crowd import MIX, Ledger, crowd
from bench.health import server
from bench.tools import table

CLIENTS, MINUTES = 200, 10.0
#: What a client waits on average between a reply and its next request, seconds: two hundred ask some hundred and more
#: times a second, which the machine must carry beside the clients themselves.
PAUSE_S = 1.5
SAMPLED_S = 5.0
#: How long everything is asked for the first time, before memory is weighed.
FIRST_S = 30
#: MiB a minute that memory may grow: safety bar S44.
SLOPE_BAR = 1.0
#: How the shares of all processes are named.
TOGETHER = "all together"
#: In the data folder: what grows by right, the database and the tiles that are kept.
APART = frozenset(("postgres", "tiles"))


def run(*, peers: bool, clients: int = CLIENTS, minutes: float = MINUTES) -> None:
    """Print failures, how long replies took, how memory went, and what was left behind."""
    del peers
    with server("city") as (port, pid, home):
        settings = Settings(home=home, DATABASE_URL=None)
        console.step("Everything is asked once …")
        first = crowd(port, clients, FIRST_S, PAUSE_S)
        time.sleep(SAMPLED_S)
        before = _left(settings, pid)
        console.step(f"{clients} clients for {minutes:g} minutes …")
        with _Watch(port, pid) as watch:
            ledger = crowd(port, clients, minutes * 60, PAUSE_S, first=clients)
        time.sleep(3 * SAMPLED_S)
        after = _left(settings, pid)
        lost = _lost(port, ledger)
    _print(ledger, watch, minutes)
    table(
        f"The first {FIRST_S} s after the start",
        [("requests", f"{_asked(first):,}"), ("failed", _failed(first))],
    )
    rows = [(name, f"{before[name]:,} before, {after[name]:,} after") for name in before]
    table("Left behind", [*rows, ("acknowledged writes lost", f"{lost:,} of {_written(ledger):,}")])


def _written(ledger: Ledger) -> int:
    return len(ledger.trees) + len(ledger.felled)


def _asked(ledger: Ledger) -> int:
    return sum(map(len, ledger.took.values()))


def _failed(ledger: Ledger) -> str:
    return ", ".join(f"{name} × {n}" for name, n in ledger.failed.most_common()) or "0"


def _print(ledger: Ledger, watch: _Watch, minutes: float) -> None:
    asked = _asked(ledger)
    rows = [("requests", f"{asked:,}, {asked / minutes / 60:.0f} a second"), ("failed", _failed(ledger))]
    for kind in (*MIX, "health"):
        took = np.array((ledger.took | {"health": watch.health})[kind] or [0.0]) * 1000
        rows.append(
            (
                kind,
                "p50 {:,.0f} ms, p95 {:,.0f} ms, p99 {:,.0f} ms".format(*np.percentile(took, [50, 95, 99])),
            )
        )
    table(f"{minutes:g} minutes of {len(ledger.took)} kinds of requests", rows)
    memory = [
        (name, f"{told[0]:7.1f} MiB at first, {told[1]:7.1f} at last, {told[2]:+.2f} MiB/min")
        for name, told in watch.memory().items()
    ]
    table(f"Memory in which each process resides (bar: ≤ {SLOPE_BAR:g} MiB/min)", memory)


class _Watch:
    """Meanwhile: the memory of each process every few seconds, and how long `/health` takes."""

    def __init__(self, port: int, pid: int) -> None:
        self._port, self._pid, self._stop = port, pid, threading.Event()
        self._samples: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.health: list[float] = []
        self._threads = [threading.Thread(target=work) for work in (self._weigh, self._ask)]

    def __enter__(self) -> Self:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for one in self._threads:
            one.join()

    def _weigh(self) -> None:
        while not self._stop.wait(SAMPLED_S):
            now, shares = time.monotonic(), 0.0
            for child in children(self._pid):
                resident, share = child.memory_mib()
                self._samples[f"{child.name} {child.pid}"].append((now, resident))
                shares += share
            self._samples[TOGETHER].append((now, shares))

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self._stop.wait(0.05):
            started = time.monotonic()
            connection.request("GET", "/health")
            connection.getresponse().read()
            self.health.append(time.monotonic() - started)
        connection.close()

    def memory(self) -> dict[str, tuple[float, float, float]]:
        """Process → MiB at first, at last, and how much a minute the line through the later two thirds rises."""
        told = {}
        for name, samples in self._samples.items():
            later = np.array(samples[len(samples) // 3 :])
            slope = np.polyfit(later[:, 0] / 60, later[:, 1], 1)[0] if len(later) > 2 else 0.0
            told[name] = (samples[0][1], samples[-1][1], float(slope))
        return told


class Child:
    """A process of the server."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()

    def memory_mib(self) -> tuple[float, float]:
        """What it resides in, and its share of all, in which pages of several processes count for each in part.

        What a process alone holds tells nothing of growth: forked from one, each comes to hold alone what the others
        have written to since, and had a page of their own for.
        """
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        told = {line.partition(":")[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
        return told["Rss"], told["Pss"]

    def open_files(self) -> int:
        """Files and connections that it holds open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


def children(pid: int) -> list[Child]:
    """The processes that the supervisor of that number has started."""
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [child for child in map(Child, map(int, told)) if child.name.startswith("chengtu")]


def _left(settings: Settings, pid: int) -> dict[str, int]:
    """What could be left behind, counted."""
    home = settings.home_path
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as admin:
        told = admin.execute(
            "SELECT count(*) FILTER (WHERE state LIKE 'idle in%%'), count(*), (SELECT count(*) FROM pg_tables "
            "WHERE tablename ~ '_load_|_stage') FROM pg_stat_activity WHERE backend_type = 'client backend'"
        ).fetchone()
    assert told is not None
    kept = [
        found
        for found in home.rglob("*")
        if found.is_file() and found.relative_to(home).parts[0] not in APART
    ]
    return {
        "connections of the database": told[1],
        "transactions left open": told[0],
        "tables of loads": told[2],
        "open files of all processes": sum(child.open_files() for child in children(pid)),
        "other files in the data folder": len(kept),
    }


def _lost(port: int, ledger: Ledger) -> int:
    """Acknowledged writes that are not there as they were acknowledged."""
    connection, lost = http.client.HTTPConnection("127.0.0.1", port, timeout=60), 0
    for address, girth in [*ledger.trees.items(), *((one, None) for one in ledger.felled)]:
        connection.request("GET", f"{address}?f=json")
        reply = connection.getresponse()
        body = reply.read()
        there = json.loads(body)["properties"]["trunk_cm"] if reply.status == http.HTTPStatus.OK else None
        lost += there != girth
    connection.close()
    return lost
