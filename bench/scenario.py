"""Scenarios of one facility and the reach of one place on the sample city: in the engine, and asked over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app import console
from app.catalogue.loader import load_catalogue
from app.coverage.engine import Engine
from app.database.cluster import stop
from app.database.engine import Database, open_database
from app.sample.service import load
from app.settings import ROOT, Settings
from bench.tools import table

TIMES = 200
CENTRE = (115.86, 28.68)
HALF_DEGREES = 0.05
#: Milliseconds that the issue allows: a scenario in the engine and over HTTP, the reach of a place (99th percentile).
BARS = {"engine": 50, "http": 150, "reach": 30}
POLICIES = {"toilets": "toilet-10min", "parks": "park-500"}
START_S = 60.0
Ask = Callable[[dict[str, Any]], object]


def run(*, peers: bool) -> None:
    """Load the city into a database of its own, then ask the engine and a server (`peers`: there is none for this)."""
    del peers
    given = os.environ.get("CHENGTU_BENCH_HOME")
    with tempfile.TemporaryDirectory(prefix="chengtu-bench-") as folder:
        home = Path(given or folder)
        Path(folder).chmod(0o755)
        settings = Settings(home=home, DATABASE_URL=None)
        catalogue = load_catalogue(settings.geodata, settings.local_path)
        db = open_database(settings, make=True)
        try:
            if not _codes(db, "toilets"):
                with console.progress("Sample city") as report:
                    load(db, catalogue, "city", report)
            codes = {name: _codes(db, name) for name in POLICIES}
            engine = Engine(db, catalogue)
            rows = _measured(
                "in the engine", lambda asked: engine.answer({"op": "scenario", **asked}), codes, "engine"
            )
            rows += _reach("in the engine", lambda at: engine.answer({"op": "reach", **at}))
            with _server(home) as ask:
                rows += _measured("over HTTP", lambda asked: ask("POST", "/coverage", asked), codes, "http")
                rows += _reach(
                    "over HTTP", lambda at: ask("GET", f"/reach?lon={at['lon']}&lat={at['lat']}", None)
                )
        finally:
            db.dispose()
            if given is None:
                stop(settings)
    table(f"One facility added or removed, one place asked, on the sample city ({TIMES} times each)", rows)


def _codes(db: Database, class_id: str) -> list[str]:
    statement = (
        f"SELECT code FROM city.{class_id} WHERE coalesce(state, 'in_service') = 'in_service' ORDER BY id"
    )
    with db.read() as conn:
        return [str(code) for code in conn.execute(text(statement)).scalars()]


def _measured(where: str, ask: Ask, codes: dict[str, list[str]], bar: str) -> list[tuple[str, str]]:
    rows = []
    for class_id, policy in POLICIES.items():
        for do in ("remove", "add"):
            draw = random.Random(f"{class_id} {do}")
            asked = [
                {"policy": policy, "scenario": {"patches": [_patch(draw, do, class_id, codes[class_id])]}}
                for _ in range(TIMES + 1)
            ]
            rows.append((f"{do} one of {class_id}, {where}", f"{_timed(ask, asked)} (bar {BARS[bar]} ms)"))
    return rows


def _patch(draw: random.Random, do: str, class_id: str, codes: list[str]) -> dict[str, Any]:
    if do == "remove":
        return {"do": do, "class": class_id, "code": draw.choice(codes)}
    lon, lat = _place(draw)
    ring = [[lon + x, lat + y] for x, y in ((0, 0), (0.002, 0), (0.002, 0.002), (0, 0.002), (0, 0))]
    shape = {"type": "Point", "coordinates": [lon, lat]}
    if class_id == "parks":
        shape = {"type": "Polygon", "coordinates": [ring]}
    return {"do": do, "class": class_id, "geometry": shape, "properties": {"state": "in_service"}}


def _place(draw: random.Random) -> tuple[float, float]:
    return tuple(round(middle + draw.uniform(-HALF_DEGREES, HALF_DEGREES), 7) for middle in CENTRE)  # type: ignore[return-value]


def _reach(where: str, ask: Ask) -> list[tuple[str, str]]:
    draw = random.Random("reach")
    asked = [dict(zip(("lon", "lat"), _place(draw), strict=True)) for _ in range(TIMES + 1)]
    return [
        (
            f"every default policy for one place, {where}",
            f"{_timed(ask, asked)} (bar {BARS['reach']} ms at p99)",
        )
    ]


def _timed(ask: Ask, asked: list[dict[str, Any]]) -> str:
    """Milliseconds of all but the first, which loads what the others find."""
    ask(asked[0])
    taken = []
    for one in asked[1:]:
        started = time.perf_counter()
        ask(one)
        taken.append((time.perf_counter() - started) * 1000)
    taken.sort()
    return f"p50 {taken[len(taken) // 2]:.1f}, p99 {taken[int(len(taken) * 0.99) - 1]:.1f}, best {taken[0]:.1f} ms"


@contextmanager
def _server(home: Path) -> Iterator[Callable[[str, str, dict[str, Any] | None], None]]:
    """A server over the database of `home`; yields what asks it over one kept connection, and stops it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "CHENGTU_HOME": str(home), "PORT": str(port)}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "-m", "app.cli", "serve"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            _wait(port)
            yield lambda method, path, body: _ask(connection, method, path, body)
        finally:
            connection.close()
            process.terminate()


def _wait(port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/ready")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.2)
        finally:
            connection.close()
    raise SystemExit("The server did not start.")


def _ask(connection: http.client.HTTPConnection, method: str, path: str, body: dict[str, Any] | None) -> None:
    headers = {"accept": "application/json", "content-type": "application/json", "prefer": "wait=60"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    reply = connection.getresponse()
    reply.read()
    if reply.status != http.HTTPStatus.OK:
        raise SystemExit(f"{method} {path} answered {reply.status}.")
