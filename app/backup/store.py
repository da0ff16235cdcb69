"""The SQL of backups: what a database holds, in one snapshot; new databases, and which of them bears the name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import UndefinedTable

from app.access.audit_chain import Heads, Verdict, check
from app.access.audit_store import chain_of
from app.backup.catalog_lines import LINES
from app.backup.manifest import Contents, Place
from app.database.failures import translated
from app.database.roles import OWNER
from app.database.server import Parameters
from app.errors import Conflict, SetupFailed, Unavailable

#: Where databases are made and named from, by which each server has at least one.
MAINTENANCE = ("postgres", "template1")
#: Any constant: whoever makes or restores a backup of this server's databases holds it, with the database's name.
LOCK_KEY = 7_310_583
#: How often a name is changed again where somebody connected in the same moment.
ATTEMPTS = 20
#: How long a table is waited for that somebody changes in form.
LOCK_S = 60
_TABLES = (
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname IN ('city', 'local') AND c.relkind = 'r' ORDER BY 1"
)
_ONE_WAY = (
    "SET LOCAL search_path = pg_catalog; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, MDY'; "
    "SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; "
    "SET LOCAL max_parallel_workers_per_gather = 2; SET LOCAL statement_timeout = 0"
)
#: Tables of which the owner does not see every row: policies bind it as well, where it is not allowed all of it.
_HIDDEN = (
    "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname IN ('city', 'local') AND c.relrowsecurity AND c.relforcerowsecurity AND (NOT EXISTS ("
    "SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('*', 'r') "
    "AND p.polroles && ARRAY[0::oid, %(owner)s::regrole::oid] AND pg_get_expr(p.polqual, p.polrelid) = 'true') "
    "OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive "
    "AND p.polroles && ARRAY[0::oid, %(owner)s::regrole::oid]))"
)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A database at one moment: the connection whose transaction holds it, and the snapshot's name for others.

    `as_owner` says that the administrator is bound by policies, so that all is read as the owner of the tables, who
    sees every row.
    """

    connection: psycopg.Connection[Any]
    snapshot: str
    as_owner: bool


def connect(parameters: Parameters, *, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A connection of the administrator's."""
    return psycopg.connect(**parameters, autocommit=autocommit)


@contextmanager
def opened(parameters: Parameters, *, autocommit: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """The same for a block, committed at its end; failures of the database leave it as ours."""
    with translated(), connect(parameters, autocommit=autocommit) as connection:
        yield connection


@contextmanager
def alone(server: Parameters, name: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database beside `name`, which holds the turn to back it up or restore it.

    Raises:
        Conflict: Another backup or restore of it is running.
    """
    with translated(), closing(_maintenance(server)) as connection:
        held = connection.execute(
            "SELECT pg_try_advisory_lock(%s, hashtext(%s))", [LOCK_KEY, name]
        ).fetchone()
        if not held or not held[0]:
            raise Conflict(
                "Another backup or restore of this database is running.",
                "Wait until it has ended, and try again.",
            )
        yield connection


def _maintenance(server: Parameters) -> psycopg.Connection[Any]:
    first, *others = (name for name in MAINTENANCE if name != server.get("dbname"))
    try:
        return connect(server | Parameters(dbname=first), autocommit=True)
    except psycopg.OperationalError:
        if not others:
            raise
        return connect(server | Parameters(dbname=others[0]), autocommit=True)


@contextmanager
def frozen(parameters: Parameters) -> Iterator[Frozen]:
    """The database as it is now, until the block ends; writers go on beside it."""
    with translated(), closing(connect(parameters)) as connection:
        as_owner = _is_bound(connection)
        for _ in range(ATTEMPTS):
            snapshot = _freeze(connection, as_owner=as_owner)
            if snapshot is not None:
                yield Frozen(connection, snapshot, as_owner)
                connection.rollback()
                return
        raise Unavailable("Tables are being replaced again and again.", "Wait until the imports are done.")


def _freeze(connection: psycopg.Connection[Any], *, as_owner: bool) -> str | None:
    """A snapshot in which no table can be replaced any more; None where one was replaced just now."""
    names = [str(row[0]) for row in connection.execute(_TABLES)]
    connection.rollback()
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    connection.execute(
        f"SET LOCAL lock_timeout = '{LOCK_S}s'; SET LOCAL idle_in_transaction_session_timeout = 0"
    )
    connection.execute("SET LOCAL statement_timeout = 0")
    try:
        if names:
            # Before the first question, so that the snapshot is younger than the locks.
            connection.execute(f"LOCK TABLE {', '.join(names)} IN ACCESS SHARE MODE".encode())
        if not as_owner:
            connection.execute("SET LOCAL row_security = off")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
    except UndefinedTable:
        connection.rollback()
        return None
    if row is None or [str(one[0]) for one in connection.execute(_TABLES)] != names:
        connection.rollback()
        return None
    if as_owner:
        connection.execute(f"SET LOCAL ROLE {OWNER}")
    return str(row[0])


def _is_bound(connection: psycopg.Connection[Any]) -> bool:
    """Whether policies bind the administrator; SetupFailed where the owner would not see every row either."""
    row = connection.execute(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row and row[0]:
        return False
    hidden = connection.execute(_HIDDEN, {"owner": OWNER}).fetchall()
    if hidden:
        raise SetupFailed(
            f"The user of DATABASE_URL does not see every row of {hidden[0][0]}: a backup would not be whole.",
            "Give a superuser, or let the administrator run ALTER ROLE … BYPASSRLS.",
        )
    return True


def contents_of(connection: psycopg.Connection[Any]) -> Contents:
    """What the database holds, as the connection's transaction sees it; values are written in one way everywhere."""
    connection.execute(_ONE_WAY)
    names = [str(row[0]) for row in connection.execute(_TABLES)]
    return Contents(
        {name: _checksum(connection, name) for name in names},
        sequences_of(connection),
        sorted({str(row[0]) for row in connection.execute(LINES)}),
    )


def _checksum(connection: psycopg.Connection[Any], table: str) -> tuple[int, str]:
    row = connection.execute(
        "SELECT count(*), coalesce(sum(('x' || left(md5(one::text), 16))::bit(64)::bigint), 0)::text "
        f"FROM {table} one".encode()
    ).fetchone()
    assert row is not None
    return int(row[0]), str(row[1])


def sequences_of(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, bool]]:
    """Where each sequence stands now, and whether it gave that number."""
    rows = connection.execute(
        "SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value), last_value IS NOT NULL "
        "FROM pg_sequences WHERE schemaname IN ('city', 'local')"
    )
    return {str(name): (int(last), bool(called)) for name, last, called in rows}


def versions_of(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """The data version of each class; nothing at revisions that had no function for it."""
    # The functions see all rows by a policy of their owner, and say no more than a number.
    connection.execute("SET LOCAL row_security = on")
    functions = connection.execute(
        "SELECT oid::regproc::text, substr(proname, 12) FROM pg_proc WHERE proname LIKE 'version\\_of\\_%%' "
        "AND pronamespace::regnamespace::text IN ('city', 'local') ORDER BY 2"
    ).fetchall()
    found = {
        str(name): connection.execute(f"SELECT {call}()".encode()).fetchone() for call, name in functions
    }
    return {name: int(row[0]) for name, row in found.items() if row and row[0]}


def place_of(connection: psycopg.Connection[Any], mark: str) -> Place:
    """Where the database is."""
    row = connection.execute(
        "SELECT d.datname, pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, "
        "coalesce((SELECT s.setconfig FROM pg_db_role_setting s WHERE s.setdatabase = d.oid AND s.setrole = 0), '{}'), "
        "coalesce((SELECT extversion FROM pg_extension WHERE extname = 'postgis'), ''), "
        "has_database_privilege('public', d.oid, 'CONNECT'), pg_database_size(d.oid) "
        "FROM pg_database d WHERE d.datname = current_database()"
    ).fetchone()
    assert row is not None
    name, encoding, collate, ctype, settings, postgis, open_to_all, size = row
    server = connection.info.server_version // 10000
    return Place(
        name, mark, server, postgis, encoding, collate, ctype, list(settings), bool(open_to_all), int(size)
    )


def chain_verdict(connection: psycopg.Connection[Any], heads: Heads) -> Verdict | None:
    """Whether the audit record is whole and fits the heads; None at revisions that had none."""
    row = connection.execute("SELECT to_regclass('city.audit') IS NOT NULL").fetchone()
    if not row or not row[0]:
        return None
    with closing(chain_of(connection)) as entries:
        return check(entries, heads)


def newest_entry(connection: psycopg.Connection[Any]) -> tuple[int, bytes] | None:
    """Number and hash of the newest entry of the audit record; None where there is none."""
    row = connection.execute("SELECT to_regclass('city.audit') IS NOT NULL").fetchone()
    if not row or not row[0]:
        return None
    found = connection.execute("SELECT seq, hash FROM city.audit ORDER BY seq DESC LIMIT 1").fetchone()
    return None if found is None else (int(found[0]), bytes(found[1]))
