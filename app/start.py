"""What `chengtu run` does before it serves: a database, a city in it, a current run of every policy."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app import console
from app.catalogue.model import Catalogue
from app.coverage import service as coverage
from app.coverage.edition_service import with_editions
from app.database import cluster
from app.database.engine import Connection, Database, open_database
from app.errors import ChengtuError
from app.inventory.local_growth import LocalGrowth
from app.inventory.store import class_counts, data_version
from app.sample.service import load
from app.settings import Settings

#: How often it is looked whether others are connected, and seconds between two looks.
LOOKS, LOOK_S = 5, 0.05


@contextmanager
def started_database(settings: Settings) -> Iterator[Database]:
    """The database, opened; a cluster that was started for it is stopped afterwards, unless others use it."""
    ran_before = cluster.status(settings).running
    if not ran_before and settings.database_url is None:
        console.step(f"Starting the database in {settings.home_path} …")
    db = open_database(settings, LocalGrowth(settings), make=True)
    try:
        yield db
    finally:
        if not ran_before and settings.database_url is None:
            stop_unless_used(settings, db)
        db.dispose()


def stop_unless_used(settings: Settings, db: Database) -> None:
    """Close `db` and stop the embedded cluster, unless others are connected to it."""
    # Our own connections stand idle in the pool: closed, they are not taken for somebody else's.
    db.dispose()
    used = others_connected(db)
    db.dispose()
    if not used:
        cluster.stop(settings)


def others_connected(db: Database) -> bool:
    """Whether another client is connected to the server; False where it can no longer be asked."""
    try:
        with db.read(timeout_s=5) as conn:
            # A connection that was just closed is seen for some moments more.
            for _ in range(LOOKS):
                if not _count_others(conn):
                    return False
                time.sleep(LOOK_S)
            return True
    except ChengtuError:
        return False


def _count_others(conn: Connection) -> int:
    # Background processes have no user; this connection bears our own pid.
    found = conn.exec_driver_sql(
        "SELECT count(*) FROM pg_stat_activity WHERE usesysid IS NOT NULL AND datname IS NOT NULL "
        "AND pid <> pg_backend_pid()"
    )
    return int(found.scalar_one())


def load_sample_if_empty(db: Database, catalogue: Catalogue, size: str) -> bool:
    """Load the sample city into a database without any feature; says whether it did."""
    with db.read() as conn:
        counts = class_counts(conn, catalogue)
    if any(counts.values()):
        return False
    with console.progress(f"Sample city ({size})") as report:
        load(db, catalogue, size, report)
    return True


def outdated_policies(db: Database, catalogue: Catalogue) -> list[str]:
    """The default policies without a run of the whole city, in both modes, of data and policy as they are now."""
    with db.read() as conn:
        catalogue = with_editions(conn, catalogue)
        return [
            policy
            for policy in catalogue.default_policies()
            if find_current_run(conn, catalogue, policy) is None
        ]


def find_current_run(conn: Connection, catalogue: Catalogue, policy: str) -> dict[str, Any] | None:
    """The newest run of `policy` that is the city's own, if it was made from the data as they are now, else None."""
    runs = coverage.list_runs(conn, catalogue, policy, limit=1, newest_only=True)
    return next((run for run in runs if _is_current(conn, catalogue, run)), None)


def _is_current(conn: Connection, catalogue: Catalogue, run: Mapping[str, Any]) -> bool:
    versions: Mapping[str, int] = run["inputs"]["versions"]
    return run["policy"]["version"] == catalogue.get_policy(run["policy"]["id"]).version and all(
        class_id in catalogue.classes and data_version(conn, catalogue.classes[class_id]) == seen
        for class_id, seen in versions.items()
    )


def current_runs(db: Database, catalogue: Catalogue) -> list[dict[str, Any]]:
    """The current run of every default policy that has one."""
    with db.read() as conn:
        catalogue = with_editions(conn, catalogue)
        found = [find_current_run(conn, catalogue, policy) for policy in catalogue.default_policies()]
    return [run for run in found if run is not None]
