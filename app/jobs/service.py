"""Use cases of long work: ask for it, look at it, wait for it, cancel it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.database.transactions import Database
from app.errors import NotFound
from app.jobs import store
from app.jobs.store import Job

#: Waiting looks soon at first, then ten times a second.
FIRST_LOOK_S = 0.01
LAST_LOOK_S = 0.1


def enqueue(db: Database, kind: str, request: Mapping[str, Any], who: str = "server") -> UUID:
    """Queue a job and return its id; it is on disk when this returns. `request` holds plain JSON values."""
    with db.write(timeout_s=10) as connection:
        return store.enqueue(connection, kind, request, who)


def get(db: Database, job_id: UUID) -> Job:
    """The job; NotFound where there is none."""
    with db.read(timeout_s=10) as connection:
        return _known(store.find_job(connection, job_id), job_id)


def wait(db: Database, job_id: UUID, seconds: float) -> Job:
    """The job once it has ended, or as it is after `seconds`; NotFound where there is none.

    No connection is held between two looks.
    """
    deadline = time.monotonic() + seconds
    pause = FIRST_LOOK_S
    while not (job := get(db, job_id)).ended and time.monotonic() + pause <= deadline:
        time.sleep(pause)
        pause = min(pause * 1.5, LAST_LOOK_S)
    return job


def cancel(db: Database, job_id: UUID) -> Job:
    """Ask to cancel the job; NotFound where there is none."""
    with db.write(timeout_s=10) as connection:
        return _known(store.cancel(connection, job_id), job_id)


def _known(job: Job | None, job_id: UUID) -> Job:
    if job is None:
        raise NotFound(f"There is no job {job_id}.", "Its id is in the answer that started it.")
    return job
