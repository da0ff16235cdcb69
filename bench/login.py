"""Whether the time of a login that fails tells that a name is on record: known, unknown and disabled names in turn."""

from __future__ import annotations

import time
from collections import defaultdict
from itertools import count

import numpy as np
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.access import people_service
from app.access.people_service import NewPerson
from app.access.principal import Grant
from app.database.transactions import Database
from app.main import create_app
from bench.scratch import scratch
from bench.tools import table

TRIES = 300
BAR = 1.1
PASSWORD = "vier Worte am Morgen"
_DISABLE = text("UPDATE city.people SET disabled_at = now() WHERE name = 'disabled'")
#: Who fails ten times has to wait: not here.
_FORGET = text("DELETE FROM city.login_failures")
Taken = dict[str, list[tuple[float, float]]]


def run(*, peers: bool, tries: int = TRIES) -> None:
    """Print the time of wrong logins by kind of name, and how far apart they are."""
    del peers
    with scratch() as (settings, _, db):
        with db.write() as conn:
            people_service.make_person(conn, NewPerson("known", (Grant("security"),), password=PASSWORD))
            people_service.make_person(conn, NewPerson("disabled", password=PASSWORD))
            conn.execute(_DISABLE)
        app = create_app(settings.model_copy(update={"requests_per_minute": 0}))
        with TestClient(app, "http://127.0.0.1:8000", client=("127.0.0.1", 40_000)) as client:
            _print(_taken(client, db, tries), tries)


def _taken(client: TestClient, db: Database, tries: int) -> Taken:
    """Kind of name → seconds and processor seconds of each try; in turns, so that a busy moment hits all alike."""
    found: Taken = defaultdict(list)
    numbers, draw = count(), np.random.default_rng(2026)
    kinds = ["known", "unknown", "disabled"]
    for turn in range(tries + 5):
        draw.shuffle(kinds)
        for kind in kinds:
            name = f"nobody{next(numbers)}" if kind == "unknown" else kind
            with db.write() as conn:
                conn.execute(_FORGET)
            started, spent = time.perf_counter(), time.process_time()
            reply = client.post("/login", data={"name": name, "password": "wrong, but as long"})
            took = time.perf_counter() - started, time.process_time() - spent
            if reply.status_code != 401:
                raise SystemExit(f"A wrong login was answered {reply.status_code}.")
            if turn >= 5:
                found[kind].append(took)
    return found


def _print(taken: Taken, tries: int) -> None:
    for place, what in enumerate(("seconds", "processor's seconds")):
        figures = {kind: np.array([one[place] for one in found]) * 1000 for kind, found in taken.items()}
        known = np.percentile(figures["known"], (50, 99))
        rows = []
        for kind, found in sorted(figures.items()):
            middle, late = np.percentile(found, (50, 99))
            told = f"{middle / known[0]:.3f} × and {late / known[1]:.3f} × of known names"
            rows.append((kind, f"p50 {middle:7.1f} ms, p99 {late:7.1f} ms: {told}"))
        # A half: no better than chance. One: it tells each time.
        guess = np.mean(figures["known"][:, None] > figures["unknown"][None, :])
        rows.append(("told apart by one try", f"{max(guess, 1 - guess):.3f} (0.5 is chance)"))
        table(f"Wrong logins, {tries} of each kind, {what} (bar: p99 within {BAR - 1:.0%})", rows)
