"""All policies in both modes on the sample city, from a cold engine: loading, computing, then the same warm."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from app import console
from app.catalogue.loader import load_catalogue
from app.coverage.engine import Engine
from app.database.cluster import stop
from app.database.engine import open_database
from app.parallel import share
from app.sample.service import load
from app.settings import Settings
from bench.tools import best_of, peak_gib, table

BOUND_S = 5.0


def run(*, peers: bool) -> None:
    """Load the city into a database of its own, then time the engine alone (`peers`: there is none for this)."""
    del peers
    with tempfile.TemporaryDirectory(prefix="chengtu-bench-") as home:
        Path(home).chmod(0o755)
        settings = Settings(home=Path(home), DATABASE_URL=None)
        catalogue = load_catalogue(settings.geodata, settings.local_path)
        db = open_database(settings, make=True)
        try:
            started = time.perf_counter()
            with console.progress("Sample city") as report:
                load(db, catalogue, "city", report)
            loaded = time.perf_counter() - started
            engine = Engine(db, catalogue)
            names = list(catalogue.default_policies())

            def all_policies() -> None:
                share(lambda name: engine.answer({"op": "coverage", "policy": name}), names)

            cold, _ = best_of(1, all_policies)
            engine = Engine(db, catalogue)
            engine.warm()
            served, _ = best_of(1, all_policies)
            warm, _ = best_of(3, all_policies)
            place = {"op": "reach", "lon": 115.86, "lat": 28.68}
            engine.answer(place)
            reach, _ = best_of(20, lambda: engine.answer(place))
        finally:
            db.dispose()
            stop(settings)
    table(
        "Coverage: every policy in both modes on the sample city",
        [
            ("draw and load the city", f"{loaded:.1f} s"),
            (f"{len(names)} policies, nothing loaded yet", f"{cold:.2f} s (bar {BOUND_S:.0f} s)"),
            ("on a server's engine, which loads beforehand", f"{served:.2f} s"),
            ("the same again", f"{warm:.2f} s"),
            ("one place, every policy, with the way", f"{reach * 1000:.0f} ms"),
            ("memory of the process", f"{peak_gib():.2f} GiB"),
        ],
    )
