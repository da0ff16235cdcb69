"""HTTP for long work: how a job stands, and stopping it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path

from app.access.dependencies import DatabaseDep
from app.jobs import service
from app.jobs.store import Job
from app.words.sentences import told

router = APIRouter(tags=["jobs"])
JobId = Annotated[UUID, Path(description="The id in the answer that started the job.")]


@router.get("/jobs/{job}", summary="How a job stands: state, progress, and its result or error")
def get_job(db: DatabaseDep, job: JobId) -> dict[str, Any]:
    """The job; `result.run` names the run of a finished coverage job."""
    return view(service.get(db, job))


@router.delete("/jobs/{job}", summary="Stop a job")
def cancel_job(db: DatabaseDep, job: JobId) -> dict[str, Any]:
    """The job after it was asked to stop; one that has ended stays as it is."""
    return view(service.cancel(db, job))


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
