"""The job worker process of `serve`: knows which room does which kind of job."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.access.audit_service import keep as keep_audit
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.coverage import answer_service as answers
from app.coverage import service as coverage
from app.coverage.answer_service import SERIES_JOB
from app.coverage.engine_client import EngineClient
from app.database.origin import ORIGIN, SERVICE
from app.database.transactions import Database
from app.ingest import upload_service as uploads
from app.inventory import areas_job, search_job
from app.inventory.day_service import turn_day
from app.jobs.context import JobContext
from app.jobs.kinds import KINDS
from app.jobs.worker import Worker
from app.search.service import ensure_entries
from app.settings import Settings

#: Progress is a write: not more often than this.
TELL_EVERY_S = 0.5


@dataclass
class Teller:
    """Tells a job's progress at its stages, at most every half second; ends the work when the job is cancelled."""

    context: JobContext
    told_at: float = 0.0

    def __call__(self, share: float, message: str) -> None:
        """A stage begins, or goes on."""
        self.context.check()
        if time.monotonic() - self.told_at >= TELL_EVERY_S:
            self.told_at = time.monotonic()
            self.context.progress(share, message)


def do_coverage(context: JobContext, engine: EngineClient) -> dict[str, Any]:
    """Compute one coverage request in the engine process and save the run; the result names it."""
    context.check()
    run = coverage.run(
        context.db,
        lambda request: engine.answer(request, Teller(context)),
        context.request,
        # The run and the end of its job are saved together: a worker that is killed leaves both or neither.
        on_saved=lambda conn, run_id: context.finish(conn, {"run": run_id}),
    )
    return {"run": run["run"]}


def do_scenario(context: JobContext, engine: EngineClient) -> dict[str, Any]:
    """Compute a scenario in the engine process; the result is its answer, which is not saved otherwise."""
    found = coverage.scenario(lambda request: engine.answer(request, Teller(context)), context.request)
    return found or {}


def do_series(context: JobContext, engine: EngineClient) -> dict[str, Any]:
    """Compute one policy on several days; the result holds the rows."""
    request = dict(context.request)
    days = [date.fromisoformat(day) for day in request.pop("days")]
    return answers.series(engine.answer, request, days, Teller(context))


def do_areas(context: JobContext, catalogue: Catalogue) -> dict[str, Any]:
    """Locate features anew after areas have changed; the result says how many rows of each class moved."""
    moved = areas_job.recompute(
        context.db, catalogue, lambda done, total, class_id: context.progress(done / total, class_id)
    )
    return {"moved": moved}


def do_search(context: JobContext, catalogue: Catalogue) -> dict[str, Any]:
    """Make what features are found by after large first loads; the result names the classes."""
    context.check()
    return {"classes": ensure_entries(context.db, catalogue)}


def do_chores(db: Database, catalogue: Catalogue) -> None:
    """What needs no one to ask: the turn of the day, jobs that two writers at once left unqueued, uploads and records
    of imports that were killed; the head of the audit record, outside the database.
    """
    keep_audit(db)
    turn_day(db, catalogue)
    uploads.tidy_imports(db)
    with db.write() as conn:
        areas_job.requeue(conn)
        search_job.requeue(conn, catalogue)


def make_worker(settings: Settings, engine: EngineClient) -> Worker:
    """A worker with a handler of every kind of job that is declared, and of no other."""
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    handlers = {
        "coverage": lambda context: do_coverage(context, engine),
        "scenario": lambda context: do_scenario(context, engine),
        SERIES_JOB: lambda context: do_series(context, engine),
        areas_job.KIND: lambda context: do_areas(context, catalogue),
        search_job.KIND: lambda context: do_search(context, catalogue),
        uploads.KIND: lambda context: uploads.do_import(context, catalogue),
        uploads.INSPECT_KIND: lambda context: uploads.do_inspection(context, catalogue),
    }
    if handlers.keys() != KINDS.keys():
        raise LookupError(f"Kinds of jobs and handlers differ: {handlers.keys() ^ KINDS.keys()}")
    return Worker(Database(settings), handlers, chore=lambda db: do_chores(db, catalogue))


def work(settings: Settings, engine: EngineClient) -> None:
    """Work until SIGTERM; the job in hand goes back into the queue."""
    worker = make_worker(settings, engine)
    ORIGIN.set(SERVICE)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()
