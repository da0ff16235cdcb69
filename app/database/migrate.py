"""Brings a database to the newest revision: one transaction, under one lock, as the owner."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
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
from app.settings import Settings

#: Any constant: whoever migrates a Chengtu database takes this advisory lock first.
LOCK_KEY = 7_310_582_604_519
ATTEMPTS = 5


def migrate(settings: Settings) -> str:
    """Make the database where it is missing and bring it to the newest revision, which is returned.

    All revisions run in one transaction: either all or none. Two at once both end right. A statement that must wait
    for a reader gives up after 2 s and all is tried again, so that readers never queue behind it for long.
    """
    ensure_started(settings)
    try:
        if settings.database_url is None:
            _create_database(admin_parameters(settings, "postgres"))
        _upgrade_patiently(settings)
    except (DBAPIError, psycopg.Error) as error:
        raise _explain(error) from error
    return head()


def _create_database(parameters: Parameters) -> None:
    with psycopg.connect(**parameters, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            return
        try:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))
        except (DuplicateDatabase, UniqueViolation):
            return  # another process made it in the meantime


def _upgrade_patiently(settings: Settings) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _upgrade(settings)
        except DBAPIError as error:
            if attempt == ATTEMPTS or not isinstance(error.orig, LockNotAvailable):
                raise
            time.sleep(0.2 * attempt)
        else:
            return


def _upgrade(settings: Settings) -> None:
    parameters = admin_parameters(settings)
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(**parameters), poolclass=NullPool
    )
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"SET LOCAL lock_timeout = '120s'; SELECT pg_advisory_xact_lock({LOCK_KEY})"
        )
        _check_postgis(driver_of(connection))
        roles.prepare(driver_of(connection), make_login(settings))
        _run_revisions(connection)


def _run_revisions(connection: Connection) -> None:
    found = current_revision(driver_of(connection))
    check_not_newer(found)
    if found == head():
        return
    connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


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
