"""The jobs table: a queue in which a job is held by one run at a time and ends exactly once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Text

from app.errors import Conflict

State = Literal["queued", "running", "done", "failed", "cancelled"]
#: In a job's scope: the id of the request that asked for it.
REQUEST = "request_id"
#: Channel told, with the job's id, when a job is queued.
CHANNEL = "chengtu_jobs"
#: A run that gave no sign of life for so long is dead: its worker was killed or hangs.
STALE_S = 20.0
#: How often a job is tried when its worker dies.
MAX_ATTEMPTS = 3
COLUMNS = (
    "id, kind, request, who, owner, scope, state, progress, message, result, error, cancel, attempts, worker, "
    "created_at, started_at, finished_at"
)


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the table; `worker` is the run that holds it, `scope` what who asked sees and writes (None: all).

    `owner` is whose it is (`user:7`, `key:5`; None: the service's), `who` the name alone, which others may bear.
    """

    id: UUID
    kind: str
    request: dict[str, Any]
    who: str
    owner: str | None
    scope: dict[str, Any] | None
    state: State
    progress: float | None
    message: str | None
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    cancel: bool
    attempts: int
    worker: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def request_id(self) -> str:
        """The id of the request that asked for it, "" where none did."""
        return str((self.scope or {}).get(REQUEST, ""))

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in {"done", "failed", "cancelled"}


def enqueue(
    connection: Connection,
    kind: str,
    request: Mapping[str, Any],
    who: str,
    scope: Mapping[str, Any] | None = None,
) -> UUID:
    """Queue a job in the caller's transaction; a worker takes it once that is committed, and does it in the scope."""
    statement = text(
        "WITH job AS (INSERT INTO city.jobs (kind, request, who, scope) VALUES (:kind, :request, :who, :scope) "
        "RETURNING id) SELECT id, pg_notify(:channel, id::text) FROM job"
    ).bindparams(bindparam("request", type_=JSONB), bindparam("scope", type_=JSONB(none_as_null=True)))
    values = {"kind": kind, "request": dict(request), "who": who, "scope": scope, "channel": CHANNEL}
    row = connection.execute(statement, values).one()
    return UUID(str(row.id))


def enqueue_once(connection: Connection, kind: str, request: Mapping[str, Any], who: str) -> None:
    """Queue a job unless one of its kind waits already: that one, not yet begun, will see what this one would."""
    statement = text("SELECT EXISTS (SELECT FROM city.jobs WHERE state = 'queued' AND kind = :kind)")
    if not connection.execute(statement, {"kind": kind}).scalar_one():
        enqueue(connection, kind, request, who)


def drop_queued(connection: Connection, kind: str) -> None:
    """Take jobs of a kind out of the queue: what they were to do is done."""
    connection.execute(text("DELETE FROM city.jobs WHERE state = 'queued' AND kind = :kind"), {"kind": kind})


def count_open(connection: Connection, owner: str) -> tuple[int, int]:
    """How many jobs of somebody wait or run, and how many wait in all."""
    statement = text(
        "SELECT count(*) FILTER (WHERE owner = :owner), count(*) FILTER (WHERE state = 'queued') FROM city.jobs "
        "WHERE state IN ('queued', 'running')"
    )
    own, queued = connection.execute(statement, {"owner": owner}).one()
    return int(own), int(queued)


def find_job(connection: Connection, job_id: UUID) -> Job | None:
    """The job, None where there is no such id."""
    statement = text(f"SELECT {COLUMNS} FROM city.jobs WHERE id = :id")
    return _job(connection.execute(statement, {"id": job_id}).one_or_none())


def claim(connection: Connection, kinds: Sequence[str], run: UUID) -> Job | None:
    """Take the oldest queued job of these kinds for `run`; None where nothing waits.

    Workers never wait for each other.
    """
    statement = text(
        "UPDATE city.jobs SET state = 'running', worker = :run, attempts = attempts + 1, progress = NULL, "
        "message = NULL, started_at = clock_timestamp(), heartbeat_at = clock_timestamp() "
        "WHERE id = (SELECT id FROM city.jobs WHERE state = 'queued' AND kind = ANY(:kinds) "
        f"ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING {COLUMNS}"
    ).bindparams(bindparam("kinds", type_=ARRAY(Text)))
    return _job(connection.execute(statement, {"run": run, "kinds": list(kinds)}).one_or_none())


def beat(connection: Connection, run: UUID) -> bool | None:
    """Give a sign of life; says whether cancelling was asked for, None when the job is no longer this run's."""
    statement = text(
        "UPDATE city.jobs SET heartbeat_at = clock_timestamp() WHERE worker = :run RETURNING cancel"
    )
    row = connection.execute(statement, {"run": run}).one_or_none()
    return None if row is None else bool(row.cancel)


def set_progress(connection: Connection, run: UUID, share: float | None, message: str) -> None:
    """Save how far the run is; also a sign of life."""
    statement = text(
        "UPDATE city.jobs SET progress = :share, message = :message, heartbeat_at = clock_timestamp() "
        "WHERE worker = :run"
    )
    connection.execute(statement, {"run": run, "share": share, "message": message})


def finish(connection: Connection, run: UUID, result: Mapping[str, Any]) -> None:
    """End the job with its result, in the caller's transaction; Conflict when it is no longer this run's."""
    _end(connection, run, "done", {"result": dict(result), "error": None})


def fail(connection: Connection, run: UUID, error: Mapping[str, Any]) -> None:
    """End the job with the problem that stopped it; Conflict when it is no longer this run's."""
    _end(connection, run, "failed", {"result": None, "error": dict(error)})


def finish_cancelled(connection: Connection, run: UUID) -> None:
    """End the job because somebody asked to; Conflict when it is no longer this run's."""
    _end(connection, run, "cancelled", {"result": None, "error": None})


def _end(connection: Connection, run: UUID, state: State, values: Mapping[str, Any]) -> None:
    statement = text(
        "UPDATE city.jobs SET state = :state, worker = NULL, finished_at = clock_timestamp(), result = :result, "
        "error = :error, progress = CASE :state WHEN 'done' THEN 1 ELSE progress END WHERE worker = :run"
    ).bindparams(
        bindparam("result", type_=JSONB(none_as_null=True)),
        bindparam("error", type_=JSONB(none_as_null=True)),
        bindparam("state", type_=Text),
    )
    if connection.execute(statement, {"run": run, "state": state, **values}).rowcount != 1:
        raise Conflict("The job was given to another run meanwhile; this run's work is dropped.")


def release(connection: Connection, run: UUID, *, tried: bool = False) -> bool:
    """Put the job back into the queue, as if this run had not been (the worker stops), unless the job was `tried`.

    False where this run does not hold it any more.
    """
    statement = text(
        "UPDATE city.jobs SET state = 'queued', worker = NULL, attempts = attempts - :untried, progress = NULL, "
        "message = NULL WHERE worker = :run"
    )
    return connection.execute(statement, {"run": run, "untried": 0 if tried else 1}).rowcount == 1


def cancel(connection: Connection, job_id: UUID) -> Job | None:
    """Ask to cancel: a queued job ends at once, a running one at its next check, an ended one stays as it is."""
    statement = text(
        "UPDATE city.jobs SET cancel = true, state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END, "
        "finished_at = CASE state WHEN 'queued' THEN clock_timestamp() END "
        "WHERE id = :id AND state IN ('queued', 'running')"
    )
    connection.execute(statement, {"id": job_id})
    return find_job(connection, job_id)


def reap(connection: Connection, stale_s: float = STALE_S, max_attempts: int = MAX_ATTEMPTS) -> int:
    """Take jobs from dead runs: back into the queue, or failed after `max_attempts`; returns how many."""
    statement = text(
        "UPDATE city.jobs SET worker = NULL, message = NULL, progress = NULL, "
        "state = CASE WHEN cancel THEN 'cancelled' WHEN attempts >= :most THEN 'failed' ELSE 'queued' END, "
        "finished_at = CASE WHEN cancel OR attempts >= :most THEN clock_timestamp() END, "
        "error = CASE WHEN NOT cancel AND attempts >= :most THEN CAST(:error AS jsonb) END "
        "WHERE id IN (SELECT id FROM city.jobs WHERE state = 'running' "
        "AND heartbeat_at < clock_timestamp() - make_interval(secs => :stale) FOR UPDATE SKIP LOCKED)"
    ).bindparams(bindparam("error", type_=JSONB))
    message = f"The worker ended {max_attempts} times while doing this job."
    error = {"code": "worker-died", "status": 503, "message": message, "hint": "Ask for it again."}
    return connection.execute(statement, {"stale": stale_s, "most": max_attempts, "error": error}).rowcount


def _job(row: Row[Any] | None) -> Job | None:
    return None if row is None else Job(**row._asdict())
