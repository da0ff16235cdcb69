"""The stored versions of the city's own policies; a row is never changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.database.transactions import Connection
from app.errors import Conflict

COLUMNS = "id, version, text, retired, who, why, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS at"


def mark(conn: Connection) -> tuple[Any, ...]:
    """What differs whenever an edition was added: how many there are, the newest number, the newest moment."""
    row = conn.execute(text("SELECT count(*), max(number), max(at) FROM city.policy_editions")).one()
    return tuple(row)


def newest(conn: Connection) -> list[dict[str, Any]]:
    """The newest version of each policy, also where it is retired, by id."""
    rows = conn.execute(
        text(f"SELECT DISTINCT ON (id) {COLUMNS} FROM city.policy_editions ORDER BY id, version DESC")
    )
    return [dict(row) for row in rows.mappings()]


def versions(conn: Connection, policy_id: str) -> list[dict[str, Any]]:
    """Every version of a policy, newest first; none where no text of the database could be its id."""
    if "\x00" in policy_id:
        return []
    rows = conn.execute(
        text(f"SELECT {COLUMNS} FROM city.policy_editions WHERE id = :id ORDER BY version DESC"),
        {"id": policy_id},
    )
    return [dict(row) for row in rows.mappings()]


def add(
    conn: Connection,
    policy_id: str,
    version: int,
    text_: str,
    who: str,
    why: str | None,
    *,
    retired: bool = False,
) -> None:
    """Store a version; raises Conflict where another transaction was first."""
    try:
        conn.execute(
            text(
                "INSERT INTO city.policy_editions (id, version, text, retired, who, why)"
                " VALUES (:id, :version, :text, :retired, :who, :why)"
            ),
            {"id": policy_id, "version": version, "text": text_, "retired": retired, "who": who, "why": why},
        )
    except IntegrityError as error:
        raise Conflict(
            f"Somebody else has just saved version {version} of '{policy_id}'.",
            "Look at it, then send yours again.",
        ) from error
