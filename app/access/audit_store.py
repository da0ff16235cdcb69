"""The SQL of the audit record: its chain as it is hashed, its entries as they are shown, pruning as the owner."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.errors import CheckViolation
from sqlalchemy import Connection, text

from app.access.audit_chain import Entry
from app.database.failures import translated
from app.database.roles import OWNER
from app.database.server import admin_parameters
from app.database.transactions import Database
from app.errors import BadInput
from app.settings import Settings

#: Entries that are fetched at once: the memory of a check does not grow with the record.
AT_ONCE = 20_000
_CHAIN = (
    "SELECT seq, (extract(epoch FROM at) * 1000000)::bigint, who, kind, address, event, object, detail::text, "
    "previous, hash FROM city.audit WHERE seq >= %s ORDER BY seq"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for: all that is given holds. `event` may be its first part (`key` of `key.made`).

    `since` counts, `until` does not any more; `before` is a number to go on below.
    """

    who: str | None = None
    event: str | None = None
    object: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


def read_chain(conn: Connection, start: int = 0) -> Generator[Entry, None, None]:
    """The entries from a number on, in their order, as they are hashed; to be closed within the transaction."""
    return chain_of(Database.raw(conn), start)


def chain_of(driver: psycopg.Connection[Any], start: int = 0) -> Generator[Entry, None, None]:
    """The same by the driver's own connection, as for a backup."""
    with driver.cursor(name="audit", binary=True) as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(_CHAIN, [start])
        for row in cursor:
            yield Entry(*row)


def newest(conn: Connection) -> tuple[int, bytes] | None:
    """Number and hash of the newest entry; None where there is none."""
    row = conn.execute(text("SELECT seq, hash FROM city.audit ORDER BY seq DESC LIMIT 1")).one_or_none()
    return None if row is None else (int(row.seq), bytes(row.hash))


def list_entries(conn: Connection, wanted: Wanted, limit: int) -> list[dict[str, Any]]:
    """Entries as plain values, the newest first."""
    terms = ["true"]
    if wanted.who is not None:
        terms.append("who = :who")
    if wanted.event is not None:
        terms.append(
            "(event = :event OR event LIKE replace(replace(:event, '_', '\\_'), '%', '\\%') || '.%')"
        )
    if wanted.object is not None:
        terms.append("object = :object")
    if wanted.since is not None:
        terms.append("at >= :since")
    if wanted.until is not None:
        terms.append("at < :until")
    if wanted.before is not None:
        terms.append("seq < :before")
    statement = text(
        "SELECT seq, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS at, who, kind, address, "
        f"event, object, detail, encode(hash, 'hex') AS hash FROM city.audit WHERE {' AND '.join(terms)} "
        "ORDER BY seq DESC LIMIT :limit"
    )
    values = {name: getattr(wanted, name) for name in ("who", "event", "object", "since", "until", "before")}
    return [dict(row) for row in conn.execute(statement, {**values, "limit": limit}).mappings()]


def prune(settings: Settings, days: int, keep: Callable[[int, bytes], None]) -> tuple[int, bytes, int] | None:
    """Remove the entries older than so many days; the last number, its hash and how many. None where there are none.

    As the owner of the tables, which the service is not. `keep` is told number and hash before they are gone for good:
    should the commit fail, it was told of a pruning that did not happen, which hides nothing.

    Raises:
        BadInput: Fewer days than entries are kept for.
    """
    with _as_owner(settings) as connection:
        try:
            row = connection.execute("SELECT * FROM city.audit_prune(%s)", [days]).fetchone()
        except CheckViolation as error:
            raise BadInput(str(error.diag.message_primary), "Prune with --days 180 or more.") from error
        if row is None:
            return None
        keep(int(row[0]), bytes(row[1]))
    return int(row[0]), bytes(row[1]), int(row[2])


@contextmanager
def _as_owner(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    with translated(settings), psycopg.connect(**admin_parameters(settings)) as connection:
        connection.execute(f"SET LOCAL ROLE {OWNER}")
        yield connection
