"""What `chengtu check` asks of the database's server: revision, durability, kept log, connections, clocks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

from app.database.archiving import ARCHIVER, Archiver
from app.database.cluster import ensure_started
from app.database.failures import translated
from app.database.location import find_location
from app.database.revision import check_not_newer, current_revision, head
from app.database.server import admin_parameters
from app.database.transactions import POOL_EXTRA, POOL_KEPT, STREAMS
from app.settings import Settings

#: What is found, and what to do where it is not well.
Answer = tuple[str, str | None]
#: Clocks that differ by more put entries of the record and ends of sessions in another order.
APART_S = 5.0
#: The engine and the job worker have connections as a web worker has.
BESIDE = 2
#: Above this share somebody will soon be refused.
CROWDED = 0.8
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def revision(settings: Settings) -> Answer:
    """Whether the database is at the newest revision."""
    with _asked(settings) as connection:
        found = current_revision(connection)
    check_not_newer(found)
    if found == head():
        return f"The database is at revision {found}, the newest.", None
    return (
        f"The database is at revision {found or 'none'}; the newest is {head()}.",
        "Bring it there: chengtu db migrate",
    )


def durability(settings: Settings) -> Answer:
    """Whether an acknowledged write survives a power cut."""
    with _asked(settings) as connection:
        rows = connection.execute(
            "SELECT name FROM pg_settings WHERE name = ANY (%s) AND setting = 'off' ORDER BY 1",
            [list(_DURABLE)],
        ).fetchall()
    off = [str(row[0]) for row in rows]
    if not off:
        return (
            "An acknowledged write survives a power cut (fsync, full_page_writes, synchronous_commit).",
            None,
        )
    resets = "; ".join(f"ALTER SYSTEM SET {name} = on" for name in off)
    return (
        f"An acknowledged write may be lost in a power cut: {', '.join(off)} {'is' if len(off) == 1 else 'are'} off.",
        f"As superuser: {resets}; SELECT pg_reload_conf();",
    )


def archive(settings: Settings) -> Answer:
    """Whether the log of writes is kept, where that was asked for."""
    with _asked(settings) as connection:
        row = connection.execute(ARCHIVER).fetchone()
    location = None if settings.database_url else find_location(settings.home_path)
    if row is None:
        if location is not None and settings.wal_path is not None:
            return (
                "The log of writes (WAL) is not kept: the database was started without CHENGTU_WAL_ARCHIVE.",
                "Start it anew: chengtu db stop, then chengtu db start.",
            )
        return "The log of writes (WAL) is not kept; what comes back is what backups hold.", None
    found = Archiver(*row)
    kept = "none was kept" if found.kept_at is None else f"the last one was kept at {_utc(found.kept_at)}"
    if found.failed_at is not None and found.fails:
        log = "that of its own server" if location is None else str(location.log)
        return (
            f"The log of writes (WAL) cannot be kept: a file of it failed at {_utc(found.failed_at)}, {kept}.",
            f"It fills the database's disk meanwhile. Why, the database's log says: {log}",
        )
    if found.kept_at is None:
        return "The log of writes (WAL) is kept; no file of it was full so far.", None
    return f"The log of writes (WAL) is kept, its last file at {_utc(found.kept_at)}.", None


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def connections(settings: Settings) -> Answer:
    """Whether the server has as many connections as all processes may open at once."""
    with _asked(settings) as connection:
        row = connection.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int, "
            "(SELECT sum(numbackends) FROM pg_stat_database)"
        ).fetchone()
    assert row is not None
    there, used = int(row[0]), int(row[1] or 0)
    needed = (settings.workers + BESIDE) * (POOL_KEPT + POOL_EXTRA + STREAMS)
    told = f"The database takes {there} connections; {used} are open, {needed} may be needed at once."
    if needed > there:
        return told, f"Give it max_connections = {needed + 10}, or fewer CHENGTU_WORKERS."
    if used > CROWDED * there:
        return (
            told,
            "Look at who holds them: SELECT application_name, count(*) FROM pg_stat_activity GROUP BY 1;",
        )
    return told, None


def clocks(settings: Settings) -> Answer:
    """Whether machine and database agree about the time, and nothing on record is of a time to come."""
    with _asked(settings) as connection:
        before = datetime.now(UTC)
        row = connection.execute("SELECT clock_timestamp()").fetchone()
        after = datetime.now(UTC)
        newest = _newest_entry(connection)
    assert row is not None
    there = row[0]
    apart = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    if apart > APART_S:
        return (
            f"The database's clock differs by {apart:,.0f} s.",
            "Let both machines take their time by NTP (chronyd).",
        )
    if newest is not None and (newest - after).total_seconds() > APART_S:
        return (
            f"The audit record has an entry of {newest:%Y-%m-%d %H:%M}Z, which is to come: a clock was turned back.",
            "Let the machine take its time by NTP (chronyd).",
        )
    zone = time.strftime("%Z (%z)")
    return f"The clocks of machine and database agree; the machine's time zone is {zone}.", None


def _newest_entry(connection: psycopg.Connection[Any]) -> datetime | None:
    if connection.execute("SELECT to_regclass('city.audit')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT at FROM city.audit ORDER BY seq DESC LIMIT 1").fetchone()
    return None if row is None else row[0]


@contextmanager
def _asked(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    ensure_started(settings, make=False)
    with translated(settings), psycopg.connect(**admin_parameters(settings)) as connection:
        yield connection
