"""The SQL of `Idempotency-Key`: an edit under a key is on record as a job that was done at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, text

from app.database.scope import author, own_key

#: The kind under which edits stand among the jobs; no worker takes it, since none of them is ever queued.
KIND = "edit"
_TAKE = text(
    "INSERT INTO city.jobs (kind, request, who, state, idempotency_key, started_at) "
    "VALUES (:kind, CAST(:request AS jsonb), :who, 'done', :key, clock_timestamp()) "
    "ON CONFLICT (kind, idempotency_key) DO NOTHING RETURNING id"
)
_KNOWN = text("SELECT request, result FROM city.jobs WHERE kind = :kind AND idempotency_key = :key")
_KEEP = text(
    "UPDATE city.jobs SET result = CAST(:result AS jsonb), progress = 1, finished_at = clock_timestamp() "
    "WHERE kind = :kind AND idempotency_key = :key"
)


def take_key(
    conn: Connection, key: str, request: Mapping[str, Any], who: str
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Take a key for the request of this transaction, or give request and result of the one that had it before.

    Where another transaction has taken it and is not through, this one waits: then it is known, or free again.
    """
    values = {
        "kind": KIND,
        "key": own_key(key),
        "request": orjson.dumps(request).decode(),
        "who": author(who),
    }
    if conn.execute(_TAKE, values).scalar() is not None:
        return None
    row = conn.execute(_KNOWN, {"kind": KIND, "key": own_key(key)}).one()
    return row.request, row.result


def keep_result(conn: Connection, key: str, result: Mapping[str, Any]) -> None:
    """Put what came of it beside the key."""
    conn.execute(_KEEP, {"kind": KIND, "key": own_key(key), "result": orjson.dumps(result).decode()})
