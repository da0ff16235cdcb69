"""New databases on a server: made for a copy, put right, given the name of another one, dropped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.errors import ObjectInUse
from psycopg.sql import SQL, Identifier, Literal

from app.backup.manifest import Place
from app.database import roles
from app.database.audit import Event
from app.database.origin import ORIGIN, machine
from app.errors import Conflict, SetupFailed
from app.inventory.schema_store import LEAKING

#: Between a database's name and the rest of that of a copy for looking at, of one replaced, of a new one.
SCRATCH, BEFORE, FRESH = "_check_", "_before_", "_restored_"
_RESTS = {SCRATCH: "[0-9a-f]{8}", BEFORE: r"\d{8}t\d{6}", FRESH: r"\d{8}t\d{6}"}
#: PostgreSQL cuts names after 63 bytes: of the database's own name so many stand in those of its copies.
NAME_MAX = 40
#: How often a name is changed again where somebody connected in the same moment.
ATTEMPTS = 20


def exists(admin: psycopg.Connection[Any], name: str) -> bool:
    """Whether there is a database of this name."""
    return admin.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def size_of(admin: psycopg.Connection[Any], name: str) -> int:
    """Bytes of a database on the disk; 0 where there is none."""
    row = admin.execute(
        "SELECT coalesce((SELECT pg_database_size(oid) FROM pg_database WHERE datname = %s), 0)", [name]
    ).fetchone()
    return int(row[0]) if row else 0


def create(admin: psycopg.Connection[Any], name: str, place: Place) -> None:
    """An empty database that sorts as the one that was backed up; SetupFailed where the server cannot."""
    try:
        admin.execute(
            SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
                Identifier(name), Literal(place.encoding), Literal(place.collate), Literal(place.ctype)
            )
        )
    except psycopg.errors.WrongObjectType as error:
        raise SetupFailed(
            f"This server does not know the locale {place.collate}, by which the database sorts.",
            "Make it known to the machine of the server (locale-gen), and start the server again.",
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise SetupFailed(
            "The user of DATABASE_URL may not make databases.",
            "Let the administrator run ALTER ROLE … CREATEDB, or make the backup with --no-verify.",
        ) from error


def drop(admin: psycopg.Connection[Any], name: str) -> None:
    """Drop a database, whoever is connected to it."""
    admin.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


def drop_if_possible(admin: psycopg.Connection[Any], name: str) -> None:
    """The same where something failed already: a server that is gone is told of by that; the next one drops it."""
    with suppress(psycopg.Error):
        drop(admin, name)


@contextmanager
def scratch(admin: psycopg.Connection[Any], name: str, place: Place) -> Iterator[str]:
    """The name of an empty database beside `name`, dropped at the end; those of killed backups go as well."""
    for left in named_after(admin, name, SCRATCH):
        drop(admin, left)
    fresh = name_after(name, SCRATCH, uuid4().hex[:8])
    create(admin, fresh, place)
    try:
        yield fresh
    finally:
        drop_if_possible(admin, fresh)


def name_after(name: str, kind: str, rest: str) -> str:
    """The name of a copy."""
    return name[:NAME_MAX] + kind + rest


def named_after(admin: psycopg.Connection[Any], name: str, kind: str) -> list[str]:
    """The databases that bear such names."""
    rows = admin.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()
    pattern = re.compile(re.escape(name[:NAME_MAX] + kind) + _RESTS[kind])
    return [str(row[0]) for row in rows if pattern.fullmatch(row[0])]


def users_of(admin: psycopg.Connection[Any], name: str) -> int:
    """How many are connected to a database."""
    row = admin.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend' "
        "AND pid <> pg_backend_pid()",
        [name],
    ).fetchone()
    return int(row[0]) if row else 0


def take_place(admin: psycopg.Connection[Any], fresh: str, name: str, old: str | None, *, end: bool) -> None:
    """Give `fresh` the name, and the database that bore it the name `old` (None: there is none): both or neither.

    `end` ends the connections to it.

    Raises:
        Conflict: Somebody is connected.
    """
    for attempt in range(1, ATTEMPTS + 1):
        if end:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            with admin.transaction():
                if old is not None:
                    admin.execute(
                        SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(name), Identifier(old))
                    )
                admin.execute(
                    SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(fresh), Identifier(name))
                )
        except ObjectInUse as error:
            if attempt == ATTEMPTS or not end:
                raise Conflict(
                    "Somebody connected to the database meanwhile; nothing was replaced.",
                    "Stop the server and try again, or give --yes to end the connections.",
                ) from error
        else:
            return


def make_roles(connection: psycopg.Connection[Any]) -> None:
    """The roles that a dump names, before it is read: they belong to the server, not to the database."""
    roles.make_groups(connection)
    connection.commit()


def put_right(connection: psycopg.Connection[Any]) -> None:
    """Mark the functions that are known not to leak, which no dump keeps; who may not is told by `chengtu check`."""
    for (statement,) in connection.execute(LEAKING).fetchall():
        with suppress(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute(str(statement).encode())


def set_as(admin: psycopg.Connection[Any], connection: psycopg.Connection[Any], place: Place) -> None:
    """What is set for a database as a whole: its settings, and whether everybody may connect."""
    name = Identifier(connection.info.dbname)
    for line in place.settings:
        setting, _, value = line.partition("=")
        connection.execute("SELECT set_config(%s, %s, false)", [setting, value])
        connection.execute(
            SQL("ALTER DATABASE {} SET {} FROM CURRENT").format(name, Identifier(*setting.split(".")))
        )
    connection.commit()
    if not place.open_to_all:
        admin.execute(SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(name))


def reached(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """The highest number that each sequence gave."""
    rows = connection.execute(
        "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences "
        "WHERE schemaname IN ('city', 'local') AND last_value IS NOT NULL"
    )
    return {str(name): int(last) for name, last in rows}


def jump_ahead(connection: psycopg.Connection[Any], least: Mapping[str, int]) -> None:
    """Let sequences go on behind these numbers, so that none is given again: tags and links of clients bear them."""
    now = reached(connection)
    for name, last in least.items():
        is_there = connection.execute("SELECT to_regclass(%s)", [name]).fetchone() != (None,)
        if is_there and last > now.get(name, 0):
            connection.execute("SELECT setval(%s, %s)", [name, last])


def end_sessions(connection: psycopg.Connection[Any]) -> None:
    """Whoever was logged in at the time of the backup logs in again: some had logged out since."""
    for table in ("city.sessions", "city.login_states"):
        if connection.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,):
            connection.execute(f"DELETE FROM {table}".encode())


def note(connection: psycopg.Connection[Any], event: Event, about: str, **detail: Any) -> None:
    """Note an event in the audit record of this database; nothing at revisions that had none."""
    if connection.execute("SELECT to_regprocedure('city.note(text,text,jsonb,text)')").fetchone() == (None,):
        return
    origin = ORIGIN.get() or machine()
    connection.execute(f"SET LOCAL ROLE {roles.OWNER}{origin.setting()}".encode())
    connection.execute("SELECT city.note(%s, %s, %s::jsonb, NULL)", [str(event), about, json.dumps(detail)])
    connection.commit()
