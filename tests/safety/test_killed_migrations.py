"""`kill -9` of a migration: the schema is the old one or the new one, never between; readers go on (S41)."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.errors import LockNotAvailable

from app.database.binaries import find_binaries
from app.database.migrate import LOCK_KEY, LOCK_MS, migrate
from app.database.revision import current_revision, head
from app.database.server import admin_parameters
from app.settings import ROOT, Settings
from tests.clones import clone
from tests.safety.house import LONG, SEED, environment, tell, until

MIGRATE = (
    "from app.settings import Settings; from app.database.migrate import migrate; print(migrate(Settings()))"
)
#: From here on the classes are there, with what a city's first release had.
OLD = "0006"
#: `make soak` kills five times, `make test` twice.
TIMES = 5 if LONG else 2


@pytest.fixture(scope="module")
def older(cluster_settings: Settings) -> Iterator[Settings]:
    """A database of an older release."""
    with clone(cluster_settings, None) as settings:
        migrate(settings, to=OLD)
        yield settings


def schema_of(settings: Settings) -> list[str]:
    """The whole schema as `pg_dump` tells it, without the random words of newer ones."""
    given = admin_parameters(settings)
    names = {f"PG{name.upper()}": given[name] for name in ("host", "port", "user", "password")}  # type: ignore[literal-required]
    done = subprocess.run(
        [find_binaries().program("pg_dump"), "--schema-only", given["dbname"]],
        env={**names, "PGDATABASE": given["dbname"]}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [
        line for line in done.stdout.splitlines() if "restrict " not in line and given["dbname"] not in line
    ]


def revision_of(settings: Settings) -> str | None:
    with psycopg.connect(**admin_parameters(settings)) as connection:
        return current_revision(connection)


def migrating(admin: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether somebody holds the lock under which a migration runs."""
    query = (
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND (classid::bigint << 32) + objid::bigint = %s"
    )
    return admin.execute(query, [LOCK_KEY]).fetchone() is not None


def begun(admin: psycopg.Connection[tuple[object, ...]], process: subprocess.Popen[bytes]) -> bool:
    """Whether the migration is under way, or through; it must not fail by itself."""
    assert process.poll() in {None, 0}
    return migrating(admin) or process.poll() == 0


def test_s41_a_killed_migration_leaves_the_old_schema_or_the_new_one(older, settings):
    dice = random.Random(SEED)
    before, after = schema_of(older), schema_of(settings)
    assert before != after
    # As long as one that is let alone takes, measured on a third database.
    with psycopg.connect(**admin_parameters(older), autocommit=True) as admin:
        outcomes = []
        for _ in range(TIMES):
            process = subprocess.Popen(
                [sys.executable, "-c", MIGRATE], env=environment(older), stdout=subprocess.DEVNULL, cwd=ROOT
            )
            until(lambda process=process: begun(admin, process), "it began")  # type: ignore[misc]
            time.sleep(dice.uniform(0, 1.0))
            process.kill()
            process.wait()
            until(lambda: not migrating(admin), "the server has noticed")
            found = revision_of(older)
            assert found in {OLD, head()}
            assert schema_of(older) == (before if found == OLD else after)
            outcomes.append(found)
    tell(f"{TIMES} migrations killed: {outcomes}")
    assert migrate(older) == head()
    assert schema_of(older) == after


def test_s41_whoever_reads_holds_a_migration_up_and_not_the_other_way_round(settings):
    """A reader is in the way: the statement gives up after `LOCK_MS` with 55P03 and frees who queues behind it."""
    given, tries, told = admin_parameters(settings), [], []

    def alter(connection: psycopg.Connection[tuple[object, ...]]) -> None:
        told.append(connection.execute("SHOW lock_timeout").fetchone())
        try:
            connection.execute("ALTER TABLE city.toilets ADD COLUMN later integer")
        except LockNotAvailable as error:
            tries.append(error.sqlstate)
            raise

    with psycopg.connect(**given) as reader, psycopg.connect(**given, autocommit=True) as other:
        reader.execute("SELECT count(*) FROM city.toilets")
        thread = threading.Thread(target=migrate, args=(settings,), kwargs={"then": alter})
        thread.start()
        until(lambda: len(tries) > 1, "it was tried again")
        # Behind one that waits others wait no longer than it does.
        other.execute("SET statement_timeout = 20000")
        assert other.execute("SELECT count(*) >= 0 FROM city.toilets").fetchone() == (True,)
        reader.rollback()
        thread.join()
    assert set(tries) == {"55P03"}
    assert set(told) == {(f"{LOCK_MS}ms",)}
    assert LOCK_MS <= 1000
    with psycopg.connect(**given) as connection:
        assert connection.execute("SELECT count(later) FROM city.toilets").fetchone() == (0,)
