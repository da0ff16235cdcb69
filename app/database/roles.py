"""The roles of the database: an owner for migrations, three groups for the service, and the service's own login."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from app.database.passwords import Login

OWNER = "chengtu_owner"
READER = "chengtu_ro"
WRITER = "chengtu_rw"
ENGINE = "chengtu_engine"
#: Who sees less than READER and writes less than WRITER: up to a level of sensitivity, in the areas and of the party
#: that the transaction names (`scope`); `see_all` in all areas, without asking each row.
_LEVELS = ("public", "internal", "restricted")
SEE = tuple(f"chengtu_see_{level}" for level in _LEVELS)
SEE_ALL = tuple(f"chengtu_see_all_{level}" for level in _LEVELS[:2])
EDIT = tuple(f"chengtu_edit_{level}" for level in _LEVELS)
GROUPS = (OWNER, READER, WRITER, ENGINE, *SEE, *SEE_ALL, *EDIT)
_TAKEN = (READER, WRITER, ENGINE)
SCHEMA = "city"


def see_role(level: str) -> str:
    """Who reads the rows of some areas or of one party, up to a level of sensitivity."""
    return SEE[_LEVELS.index(level)]


def see_all_role(level: str) -> str:
    """Who reads the rows of all areas up to a level of sensitivity."""
    return READER if level == "restricted" else SEE_ALL[_LEVELS.index(level)]


def edit_role(level: str) -> str:
    """Who writes the rows of some areas or of one party, up to a level of sensitivity."""
    return EDIT[_LEVELS.index(level)]


def prepare(connection: Connection[Any], login: Login) -> None:
    """Make roles, the login, the database's privileges and the schema where they are missing; right at every call.

    Roles belong to the whole server: another database's migration may make the same ones at the same time.
    """
    make_groups(connection)
    connection.execute(_create_role(login.user))
    _set_password(connection, login)
    _grant(connection, login)


def make_groups(connection: Connection[Any]) -> None:
    """Make the roles that tables are granted to, and let who is connected act as their owner."""
    for name in GROUPS:
        connection.execute(_create_role(name))
    if not _is_member(connection, OWNER):
        connection.execute(SQL("GRANT {} TO CURRENT_USER").format(Identifier(OWNER)))


def _create_role(name: str) -> Composed:
    return SQL(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal}) THEN CREATE ROLE {name} NOLOGIN; "
        "END IF; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    ).format(name=Identifier(name), literal=Literal(name))


def _set_password(connection: Connection[Any], login: Login) -> None:
    """The server gets the verifier, never the password: a statement may end up in its log."""
    verifier = connection.pgconn.encrypt_password(
        login.password.encode(), login.user.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        SQL("ALTER ROLE {} LOGIN NOINHERIT PASSWORD {}").format(Identifier(login.user), Literal(verifier))
    )


def _is_member(connection: Connection[Any], role: str) -> bool:
    row = connection.execute("SELECT pg_has_role(current_user, %s, 'member')", [role]).fetchone()
    return bool(row and row[0])


def _grant(connection: Connection[Any], login: Login) -> None:
    database = Identifier(connection.info.dbname)
    user = Identifier(login.user)
    for statement in (
        SQL("GRANT {} TO {}").format(SQL(", ").join(map(Identifier, (*_TAKEN, *SEE, *SEE_ALL, *EDIT))), user),
        SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, user),
        SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, Identifier(OWNER)),
        # Only writers stage rows in temporary tables.
        SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(database),
        SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(
            database, SQL(", ").join(map(Identifier, (WRITER, *EDIT)))
        ),
        SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(Identifier(SCHEMA), Identifier(OWNER)),
    ):
        connection.execute(statement)
