"""Small requests while three exports of a million rows and two imports run: does anybody wait for them?"""

from __future__ import annotations

import http.client
import json
import threading
import time
from http import HTTPStatus

import numpy as np

from app import console
from app.catalogue.loader import load_catalogue
from app.database.engine import Database
from app.database.scope import as_service
from app.settings import Settings
from bench.features_data import MILLION, SIDE, SOUTH, WEST, fill
from bench.health import server
from bench.tools import table

SECONDS = 60.0
#: A download of the whole class by each of three people, and as many files sent in as may be.
FORMS = ("geojsonseq", "flatgeobuf", "csv")
IMPORTS = 2
ROWS = 100_000
HEALTH_BAR_MS = 50.0
READ = f"/collections/{MILLION}/items?f=json&limit=10&bbox={WEST},{SOUTH},{WEST + SIDE},{SOUTH + SIDE}"
BLOCK = 1 << 20


def run(*, peers: bool) -> None:
    """Print how long `/health` and a page of ten take, idle and beside the heavy work."""
    del peers
    with server("town") as (port, _, home):
        settings = Settings(home=home, DATABASE_URL=None)
        console.step("A million trees …")
        db = Database(settings)
        with as_service():
            fill(settings, load_catalogue(settings.geodata), db)
        db.dispose()
        idle = _ask(port, SECONDS / 6)
        stop, done = threading.Event(), _Done()
        heavy = [threading.Thread(target=_download, args=(port, form, stop, done)) for form in FORMS]
        heavy += [threading.Thread(target=_send, args=(port, n, stop, done)) for n in range(IMPORTS)]
        for one in heavy:
            one.start()
        console.step(f"Asking for {SECONDS:g} s beside {len(FORMS)} exports and {IMPORTS} imports …")
        busy = _ask(port, SECONDS)
        stop.set()
        for one in heavy:
            one.join()
    rows = []
    for name in idle:
        for when, took in (("idle", idle[name]), ("busy", busy[name])):
            told = np.percentile(np.array(took) * 1000, [50, 95, 99])
            bar = f" (bar: ≤ {HEALTH_BAR_MS:g} ms)" if (name, when) == ("/health", "busy") else ""
            rows.append(
                (f"{name}, {when}", "p50 {:,.1f} ms, p95 {:,.1f} ms, p99 {:,.1f} ms".format(*told) + bar)
            )
    rows.append(("  p95 of a page, busy ÷ idle", f"{_p95(busy) / _p95(idle):.2f} × (bar: ≤ 2 ×)"))
    rows.append(
        (
            "meanwhile",
            f"{done.megabytes:,.0f} MB downloaded, {done.imports} imports ended, {done.failed} failed",
        )
    )
    table("Small requests beside heavy work, two workers", rows)


class _Done:
    """What the heavy work came to."""

    def __init__(self) -> None:
        self.megabytes, self.imports, self.failed = 0.0, 0, 0


def _p95(took: dict[str, list[float]]) -> float:
    return float(np.percentile(took["a page of ten"], 95))


def _ask(port: int, seconds: float) -> dict[str, list[float]]:
    """Seconds of each `/health` and of each page, asked in turns without hurry."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    took: dict[str, list[float]] = {"/health": [], "a page of ten": []}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for name, path in (("/health", "/health"), ("a page of ten", READ)):
            started = time.monotonic()
            connection.request("GET", path)
            reply = connection.getresponse()
            reply.read()
            took[name].append(time.monotonic() - started)
            if reply.status != HTTPStatus.OK:
                raise SystemExit(f"{path} was answered {reply.status}.")
        time.sleep(0.02)
    connection.close()
    return took


def _download(port: int, form: str, stop: threading.Event, done: _Done) -> None:
    while not stop.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        connection.request("GET", f"/collections/{MILLION}/items?f={form}")
        reply = connection.getresponse()
        while not stop.is_set() and (block := reply.read(BLOCK)):
            done.megabytes += len(block) / 1e6
        done.failed += reply.status != HTTPStatus.OK
        connection.close()


def _send(port: int, number: int, stop: threading.Event, done: _Done) -> None:
    """Files of a hundred thousand rows, one after another, each waited for."""
    sent = 0
    while not stop.is_set():
        sent += 1
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        connection.request(
            "POST", f"/imports?filename=busy-{number}-{sent}.geojson&class=manholes", _file(number, sent),
            {"Content-Type": "application/octet-stream", "Prefer": "wait=0"},
        )  # fmt: skip
        reply = connection.getresponse()
        told = json.loads(reply.read())
        while reply.status == HTTPStatus.ACCEPTED or told.get("state") in {"queued", "running"}:
            time.sleep(0.5)
            connection.request("GET", f"/jobs/{told['job']}?f=json")
            reply = connection.getresponse()
            told = json.loads(reply.read())
        done.imports += 1
        done.failed += reply.status >= HTTPStatus.BAD_REQUEST or told.get("state", "done") != "done"
        connection.close()


def _file(number: int, sent: int) -> bytes:
    """A file of points that are nowhere else."""
    rng = np.random.default_rng(1000 * number + sent)
    places = np.stack(
        (WEST + rng.uniform(0, 10 * SIDE, ROWS), SOUTH + rng.uniform(0, 10 * SIDE, ROWS)), axis=1
    )
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [round(x, 7), round(y, 7)]},
            "properties": {"code": f"B{number}-{sent}-{n}"},
        }
        for n, (x, y) in enumerate(places.tolist())
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()
