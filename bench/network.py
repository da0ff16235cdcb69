"""The metropolis's streets from PostGIS into the network's arrays, with the trees that places are put on it by."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sqlalchemy import text

from app import console
from app.catalogue.loader import load_catalogue
from app.coverage.cache import ArrayCache
from app.coverage.loader import Loader
from app.coverage.model import Streets
from app.database.cluster import stop
from app.database.engine import Database, open_database
from app.garbage import seldom_collected
from app.inventory.changes import get_metric_crs
from app.sample.service import load
from app.settings import Settings
from bench.tools import best_of, peak_gib, table

BOUND_S = 5.0
TIMES = 5


def run(*, peers: bool) -> None:
    """Time the network alone (`peers`: there is none for this).

    CHENGTU_BENCH_METROPOLIS names a home that holds the metropolis or takes it: else it is drawn anew, in minutes.
    """
    del peers
    given = os.environ.get("CHENGTU_BENCH_METROPOLIS")
    with tempfile.TemporaryDirectory(prefix="chengtu-bench-") as folder:
        Path(folder).chmod(0o755)
        settings = Settings(home=Path(given or folder), DATABASE_URL=None)
        catalogue = load_catalogue(settings.geodata, settings.local_path)
        db = open_database(settings, make=True)
        try:
            if not _holds_streets(db):
                with console.progress("Metropolis") as report:
                    load(db, catalogue, "metropolis", report)

            def read() -> Streets:
                # what the engine does at a request for a walk, its cache empty
                with db.engine() as conn, seldom_collected():
                    found = Loader(conn, catalogue, get_metric_crs(conn), ArrayCache()).streets()
                assert found is not None, "the metropolis has streets"
                return found

            seconds, streets = best_of(1, read)
            for _ in range(TIMES - 1):
                del streets  # letting it go takes time of its own
                again, streets = best_of(1, read)
                seconds = min(seconds, again)
        finally:
            db.dispose()
            if given is None:
                stop(settings)
    network = streets.network
    table(
        f"The walking network from PostGIS: {network.nodes:,} nodes, {network.edges:,} edges",
        [
            ("rows to arrays, snapping trees included", f"{seconds:8.2f} s   (bar: ≤ {BOUND_S:.0f} s)"),
            ("peak memory", f"{peak_gib():8.2f} GiB"),
        ],
    )


def _holds_streets(db: Database) -> bool:
    with db.read() as conn:
        return bool(conn.execute(text("SELECT EXISTS (SELECT FROM city.streets)")).scalar_one())
