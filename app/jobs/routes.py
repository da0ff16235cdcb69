"""HTTP for long work: how a job stands, and stopping it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from app.access.dependencies import DatabaseDep
from app.access.prefer import wait_s
from app.access.principal import Principal, principal_of
from app.database.transactions import Database
from app.errors import error_from_plain
from app.jobs import service
from app.jobs.store import Job
from app.words.sentences import told

router = APIRouter(tags=["jobs"])
JobId = Annotated[UUID, Path(description="The id in the answer that started the job.")]


@router.get("/jobs/{job}", summary="How a job stands: state, progress, and its result or error")
def get_job(request: Request, db: DatabaseDep, job: JobId) -> dict[str, Any]:
    """The job; `result.run` names the run of a finished coverage job."""
    by = principal_of(request)
    return _told(service.get(db, job, by), by)


@router.delete("/jobs/{job}", summary="Stop a job")
def cancel_job(request: Request, db: DatabaseDep, job: JobId) -> dict[str, Any]:
    """The job after it was asked to stop; one that has ended stays as it is."""
    by = principal_of(request)
    return _told(service.cancel(db, job, by), by)


def _told(job: Job, by: Principal) -> dict[str, Any]:
    """A job as who asks may see it: administrators of the system see how others' work stands, not what came of it."""
    told = view(job)
    if service.is_own(job, by):
        return told
    # The sentence of an error may quote what was read.
    error = None if job.error is None else {"code": job.error.get("code")}
    return told | {"result": None, "message": None, "error": error}


async def result_in_time(
    db: Database, kind: str, request: Mapping[str, Any], prefer: str | None
) -> tuple[dict[str, Any] | None, Response | None]:
    """Queue a job and wait as long as the client prefers: its result, or else the 202 that names the job that goes on.

    Raises the job's own error where it failed.
    """
    job_id = await run_in_threadpool(service.enqueue, db, kind, request)
    job = await service.wait(db, job_id, wait_s(prefer))
    if job.error is not None:
        raise error_from_plain(job.error)
    if job.result is not None:
        return job.result, None
    going_on = {"job": str(job_id), "state": job.state}
    return None, JSONResponse(going_on, 202, headers={"Location": f"/jobs/{job_id}"})


def view(job: Job) -> dict[str, Any]:
    """A job as plain values."""
    times = {"created_at": job.created_at, "started_at": job.started_at, "finished_at": job.finished_at}
    return {
        "job": str(job.id),
        "kind": job.kind,
        "state": job.state,
        "progress": job.progress,
        "message": job.message,
        "result": job.result,
        "error": None if job.error is None else told(job.error, http=True),
        **{name: at.isoformat() if at else None for name, at in times.items()},
    }
