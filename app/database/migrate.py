"""Brings a database to the newest revision: one transaction, under one lock, as the owner."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

import psycopg
from psycopg.errors import DuplicateDatabase, InsufficientPrivilege, LockNotAvailable, UniqueViolation
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from app.database import roles
from app.database.cluster import DATABASE, ensure_started
from app.database.errors import translate
from app.database.revision import FOLDER, check_not_newer, current_revision, head
from app.database.server import Parameters, admin_parameters, make_login
from app.database.transactions import driver_of
from app.errors import SetupFailed, Unavailable
from app.lazy import lazy_module
from app.settings import Settings

#: A third of a second that only a database which is behind needs.
command = lazy_module("alembic.command")
config = lazy_module("alembic.config")

#: Any constant: whoever migrates a Chengtu database takes this advisory lock first.
LOCK_KEY = 7_310_582_604_519
#: How long a statement waits for a lock that a reader or writer holds: whoever comes after it waits as long, too.
LOCK_MS = 800
#: So often all is tried again, with a pause between that grows to the longest, seconds.
ATTEMPTS, LONGEST_S = 15, 2.0
#: What a caller does in the migration's transaction; it may be called again after a rollback.
Then: TypeAlias = Callable[[psycopg.Connection[Any]], None]


def migrate(
    settings: Settings, *, then: Then | None = None, to: str | None = None, database: str | None = None
) -> str:
    """Make the database where it is missing and bring it to the newest revision, which is returned.

    All revisions run in one transaction: either all or none. Two at once both end right. A statement that must wait
    for a reader gives up after 0.8 s and all is tried again, so that nobody queues behind it for longer.
    `then` is called in the same transaction, as the owner, after the last revision; `to` names one to stop at.
    `database` names another one of the same server, which is there.
    """
    ensure_started(settings)
    try:
        if settings.database_url is None and database is None:
            _create_database(admin_parameters(settings, "postgres"))
        _upgrade_patiently(admin_parameters(settings, database), settings, then, to or head())
    except (DBAPIError, psycopg.Error) as error:
        raise _explain(error) from error
    return to or head()


def _create_database(parameters: Parameters) -> None:
    with psycopg.connect(**parameters, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            return
        try:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))
        except (DuplicateDatabase, UniqueViolation):
            return  # another process made it in the meantime


def _upgrade_patiently(parameters: Parameters, settings: Settings, then: Then | None, to: str) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _upgrade(parameters, settings, then, to)
        except (DBAPIError, psycopg.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if attempt == ATTEMPTS or not isinstance(cause, LockNotAvailable):
                raise
            time.sleep(min(0.25 * attempt, LONGEST_S))
        else:
            return


def _upgrade(parameters: Parameters, settings: Settings, then: Then | None, to: str) -> None:
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(**parameters), poolclass=NullPool
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"SET LOCAL lock_timeout = '120s'; SELECT pg_advisory_xact_lock({LOCK_KEY})"
        )
        _check_postgis(driver_of(connection))
        roles.prepare(driver_of(connection), make_login(settings))
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_MS}")
        _run_revisions(connection, to)
        if then is not None:
            driver_of(connection).execute(f"SET LOCAL ROLE {roles.OWNER}")
            then(driver_of(connection))


def _run_revisions(connection: Connection, to: str) -> None:
    found = current_revision(driver_of(connection))
    check_not_newer(found)
    if found == to:
        return
    asked = config.Config()
    asked.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    asked.attributes["connection"] = connection
    command.upgrade(asked, to)


def _check_postgis(connection: psycopg.Connection[Any]) -> None:
    if not connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'").fetchone():
        version = connection.info.server_version // 10000
        raise SetupFailed(
            "The database server has no PostGIS.",
            f"Install it there: apt install postgresql-{version}-postgis-3",
        )


def _explain(error: DBAPIError | psycopg.Error) -> Exception:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, InsufficientPrivilege):
        return SetupFailed(
            f"The user of DATABASE_URL may not set up the database: {cause.diag.message_primary}.",
            "Give an owner of the database who may create roles and extensions, or let the administrator run "
            "CREATE EXTENSION postgis there first.",
        )
    if isinstance(cause, LockNotAvailable):
        return Unavailable("The database is too busy to be migrated now.", "Stop long readers and try again.")
    return translate(error)
