"""Use cases of long work: ask for it, look at it, wait for it, cancel it.

A job belongs to who asked for it and is done in their scope; the queue itself is the service's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from anyio import to_thread

from app.access.principal import Principal
from app.database.audit import Event, note
from app.database.deadline import not_counted
from app.database.scope import SCOPE, as_service, author
from app.database.transactions import Connection, Database
from app.errors import NotFound, TooMany, Unavailable
from app.jobs import store
from app.jobs.store import REQUEST, Job
from app.refused import refused
from app.traces import REQUEST_ID

#: Waiting looks soon at first, then each time that so large a share more of the wait is over, at least once a second.
FIRST_LOOK_S, LOOK_SHARE, LAST_LOOK_S = 0.01, 0.1, 1.0
#: Jobs that wait at most, of all people together.
MOST_QUEUED = 1000


def enqueue(db: Database, kind: str, request: Mapping[str, Any], who: str = "server") -> UUID:
    """Queue a job and return its id; it is on disk when this returns. `request` holds plain JSON values."""
    asked_in = scope_of_job()
    with as_service(), db.write(timeout_s=10) as connection:
        check_room(db, connection)
        return store.enqueue(connection, kind, request, author(who), asked_in)


def check_room(db: Database, connection: Connection) -> None:
    """Refuse a job more than whoever asks, or everybody together, may have waiting.

    Raises:
        TooMany: It would be more than one person or key may have.
        Unavailable: The queue is full.
    """
    scope, most = SCOPE.get(), db.settings.jobs_per_person
    owner = "" if scope is None else scope.owner
    own, queued = store.count_open(connection, owner)
    if owner and own >= most:
        refused("own_jobs")
        raise TooMany(
            f"{own} of your jobs are waiting or running.",
            "Wait until one of them has ended, or stop one: DELETE /jobs/….",
            wait_s=5,
        )
    if queued >= MOST_QUEUED:
        refused("queued_jobs")
        raise Unavailable("Too many jobs are waiting.", "Try again in a moment.")


def scope_of_job() -> dict[str, Any] | None:
    """The scope that holds here, as a job keeps it; None where none was set."""
    scope = SCOPE.get()
    return None if scope is None else {**scope.plain(), REQUEST: REQUEST_ID.get()}


def get(db: Database, job_id: UUID, by: Principal | None = None) -> Job:
    """The job; NotFound where there is none, or none of those that `by` may see."""
    with as_service(), db.read(timeout_s=10) as connection:
        return _known(store.find_job(connection, job_id), job_id, by)


def is_own(job: Job, by: Principal) -> bool:
    """Whether who asks asked for the job, or nobody is named."""
    return by.kind == "open" or (job.scope is not None and bool(by.owner) and job.owner == by.owner)


async def wait(db: Database, job_id: UUID, seconds: float) -> Job:
    """The job once it has ended, or as it is after `seconds`; NotFound where there is none.

    Neither a connection nor a thread is held between two looks: as many may wait as like. A request's own time stands
    still meanwhile.
    """
    started = time.monotonic()
    with not_counted():
        while not (job := await to_thread.run_sync(get, db, job_id)).ended:
            waited = time.monotonic() - started
            pause = min(max(waited * LOOK_SHARE, FIRST_LOOK_S), LAST_LOOK_S)
            if waited + pause > seconds:
                break
            await asyncio.sleep(pause)
    return job


def cancel(db: Database, job_id: UUID, by: Principal | None = None) -> Job:
    """Ask to cancel the job; NotFound where there is none, or none of those that `by` may see."""
    with as_service(), db.write(timeout_s=10) as connection:
        _known(store.find_job(connection, job_id), job_id, by)
        note(connection, Event.CANCELLED, str(job_id))
        return _known(store.cancel(connection, job_id), job_id, by)


def _known(job: Job | None, job_id: UUID, by: Principal | None) -> Job:
    """The job; as unknown as none is another's to all but system administrators."""
    if job is None or not (by is None or is_own(job, by) or "system" in by.roles):
        raise NotFound(f"There is no job {job_id}.", "Its id is in the answer that started it.")
    return job
