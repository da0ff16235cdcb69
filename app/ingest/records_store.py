"""The SQL of import records: begun before a file is read, ended in whatever state, with the rows that were refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from app.database.scope import own_key
from app.ingest.rejects import RejectsFile
from app.inventory.history_store import IMPORT_LOCK
from app.jobs import store as jobs

#: What of a request is what was sent: the same under the same key is the same import.
SENT = ("sha256", "options")
#: Largest file of refused rows that is kept in the database.
KEPT_BYTES = 16 * 1024**2
_HOLD = text("SELECT pg_advisory_xact_lock(:space, :key)")
_BEGIN = text(
    "INSERT INTO city.imports (id, path, format, state, who, started_at, job) "
    "VALUES (:id, :path, :format, 'running', :who, clock_timestamp(), :job) "
    # A job that is done again after its worker died.
    "ON CONFLICT (id) DO UPDATE SET state = 'running', started_at = excluded.started_at, finished_at = NULL, "
    "error = NULL WHERE imports.state <> 'done'"
)
_END = text(
    "UPDATE city.imports SET state = :state, error = CAST(:error AS jsonb), finished_at = clock_timestamp() "
    "WHERE id = :id AND state IN ('running', 'interrupted')"
)
_KEEP_REJECTS = text(
    "INSERT INTO city.import_rejects (import_id, name, content) VALUES (:id, :name, :content) "
    "ON CONFLICT (import_id, name) DO UPDATE SET content = excluded.content"
)
_ENQUEUE = text(
    "INSERT INTO city.jobs (kind, request, who, scope, idempotency_key) "
    "VALUES ('import', CAST(:request AS jsonb), :who, CAST(:scope AS jsonb), :key) "
    "ON CONFLICT (kind, idempotency_key) DO NOTHING RETURNING id"
)
#: A failure of 500 and more was the machine's: its disk was full, its database away, its worker killed.
_KNOWN_JOB = text(
    "SELECT id, request, state = 'failed' AND coalesce((error ->> 'status')::int, 0) >= 500 AS of_machine "
    "FROM city.jobs WHERE kind = 'import' AND idempotency_key = :key FOR UPDATE"
)
_LET_GO = text("UPDATE city.jobs SET idempotency_key = NULL WHERE id = :id")
_WANTED = text(
    "SELECT request ->> 'upload' FROM city.jobs WHERE kind IN ('import', 'inspect') AND state IN ('queued', 'running')"
)


def hold(conn: Connection, import_id: UUID) -> None:
    """Hold the import's lock while the transaction lasts, however long nothing is said in it."""
    conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    key = int.from_bytes(import_id.bytes[:4], signed=True)
    conn.execute(_HOLD, {"space": IMPORT_LOCK, "key": key})


def begin(conn: Connection, import_id: UUID, path: str, file_format: str, who: str, job: UUID | None) -> None:
    """Put an import on record as running."""
    conn.execute(_BEGIN, {"id": import_id, "path": path, "format": file_format, "who": who, "job": job})


def end(
    conn: Connection,
    import_id: UUID,
    state: Literal["failed", "interrupted"],
    error: Mapping[str, Any],
) -> None:
    """Note why a running import ended; one that is done stays so."""
    values = {"id": import_id, "state": state, "error": orjson.dumps(error).decode()}
    conn.execute(_END, values)


def keep_rejects(conn: Connection, import_id: UUID, files: Iterable[RejectsFile]) -> None:
    """Keep refused rows beside the record of their import; those of more than KEPT_BYTES are not kept."""
    for file in files:
        if len(file.content) <= KEPT_BYTES:
            conn.execute(_KEEP_REJECTS, {"id": import_id, "name": file.name, "content": file.content})


def enqueue_import(
    conn: Connection,
    request: Mapping[str, Any],
    who: str,
    key: str | None,
    scope: Mapping[str, Any] | None = None,
) -> tuple[UUID, dict[str, Any]]:
    """Queue an import, or find the one that the same asked for under the same key: the job's id and its request.

    One that the machine made fail is no answer to whoever sends the same again: it is queued anew and has the key.
    """
    if key is None:
        return jobs.enqueue(conn, "import", request, who, scope), dict(request)
    key = own_key(key) if own_key(key) != key else f"{who}: {key}"
    plain = None if scope is None else orjson.dumps(scope).decode()
    values = {"request": orjson.dumps(request).decode(), "who": who, "scope": plain, "key": key}
    while (new := conn.execute(_ENQUEUE, values).scalar()) is None:
        row = conn.execute(_KNOWN_JOB, {"key": key}).one_or_none()
        if row is None:
            continue  # another request let it go meanwhile, and has the key now
        if not row.of_machine or any(row.request[name] != request[name] for name in SENT):
            return UUID(str(row.id)), row.request
        conn.execute(_LET_GO, {"id": row.id})
    conn.execute(text("SELECT pg_notify(:channel, :id)"), {"channel": jobs.CHANNEL, "id": str(new)})
    return UUID(str(new)), dict(request)


def wanted_uploads(conn: Connection) -> set[str]:
    """The uploads whose jobs have not ended."""
    return {str(name) for name in conn.execute(_WANTED).scalars()}
