"""The job worker process of `serve`: knows which room does which kind of job."""

from __future__ import annotations

import signal
from typing import Any

from app.coverage import service as coverage
from app.coverage.engine_client import EngineClient
from app.database.transactions import Database
from app.jobs.context import JobContext
from app.jobs.worker import Worker
from app.settings import Settings


def do_coverage(context: JobContext, engine: EngineClient) -> dict[str, Any]:
    """Compute one coverage request in the engine process and save the run; the result names it."""
    context.check()
    run = coverage.run(
        context.db,
        engine.answer,
        context.request,
        # The run and the end of its job are saved together: a worker that is killed leaves both or neither.
        on_saved=lambda conn, run_id: context.finish(conn, {"run": run_id}),
    )
    return {"run": run["run"]}


def make_worker(settings: Settings, engine: EngineClient) -> Worker:
    """A worker with the handlers of every kind of job."""
    return Worker(Database(settings), {"coverage": lambda context: do_coverage(context, engine)})


def work(settings: Settings, engine: EngineClient) -> None:
    """Work until SIGTERM; the job in hand goes back into the queue."""
    worker = make_worker(settings, engine)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()
