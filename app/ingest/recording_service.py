"""An import on record: running while its process lives, then done with its rows, failed, or interrupted."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from app.database.stoppable import carried_out
from app.database.transactions import Database
from app.errors import ChengtuError, error_to_plain, outside
from app.ingest import records_store
from app.jobs.context import JobCancelled, JobInterrupted

log = logging.getLogger("chengtu.ingest")
STEP_S = 10.0


@dataclass(frozen=True, slots=True)
class Record:
    """What is put on record of an import before it is read: its file by path or by the name that its sender gave it."""

    import_id: UUID
    path: str
    format: str | None


@contextmanager
def recorded(db: Database, record: Record, who: str, job: UUID | None) -> Iterator[None]:
    """Keep an import on record as running; when the block raises, why it ended.

    That it is done stands in the record with the rows, in the block's own transaction. A lock that ends with the
    process tells from outside whether what is on record as running still runs.
    """
    with _held(db, record.import_id):
        with db.write(timeout_s=STEP_S) as conn:
            records_store.begin(conn, record.import_id, record.path, record.format or "unknown", who, job)
        try:
            yield
        except BaseException as error:
            _end(db, record, *_why(error))
            raise


def _why(error: BaseException) -> tuple[Literal["failed", "interrupted"], Mapping[str, Any]]:
    if isinstance(error, ChengtuError):
        return "failed", error_to_plain(outside(error))
    if isinstance(error, JobCancelled):
        return "interrupted", {"code": "cancelled", "message": "Somebody stopped the import.", "hint": None}
    if isinstance(error, JobInterrupted):
        hint = "It goes on by itself once the server runs again."
        return "interrupted", {"code": "stopped", "message": "The server was stopped.", "hint": hint}
    if isinstance(error, Exception):
        message = f"Something failed that should not have: {type(error).__name__}."
        return "failed", {"code": "internal", "message": message, "hint": "The log has the details."}
    return "interrupted", {
        "code": "stopped",
        "message": "The command was stopped.",
        "hint": "Import it again.",
    }


def _end(
    db: Database, record: Record, state: Literal["failed", "interrupted"], error: Mapping[str, Any]
) -> None:
    """Write down how the import ended; where the database is away, its lost lock says that it was interrupted."""
    try:
        with carried_out(), db.write(timeout_s=STEP_S) as conn:
            records_store.end(conn, record.import_id, state, error)
    except ChengtuError as failure:
        log.warning("The end of an import could not be recorded: %s", failure.message)


@contextmanager
def _held(db: Database, import_id: UUID) -> Iterator[None]:
    """Hold the import's lock in a transaction that does nothing else; that it breaks is no failure of the import."""
    with ExitStack() as held:
        with carried_out():
            conn = held.enter_context(db.write())
        records_store.hold(conn, import_id)
        try:
            yield
        finally:
            with suppress(ChengtuError):
                held.close()
