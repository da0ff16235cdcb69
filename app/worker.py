"""The job worker process of `serve` (`python -m app.worker`): knows which room does which kind of job."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from typing import Any

from app.coverage import service as coverage
from app.coverage.engine_client import SOCKET_VARIABLE, EngineClient
from app.database.engine import Database
from app.jobs.context import JobContext
from app.jobs.worker import Worker
from app.settings import Settings


def do_coverage(context: JobContext, engine: EngineClient) -> dict[str, Any]:
    """Compute one coverage request in the engine process and save the run; the result names it."""
    context.check()
    run = coverage.run(context.db, engine.answer, context.request)
    return {"run": run["run"]}


def make_worker(settings: Settings, engine: EngineClient) -> Worker:
    """A worker with the handlers of every kind of job."""
    return Worker(Database(settings), {"coverage": lambda context: do_coverage(context, engine)})


def main() -> None:
    """Work until SIGTERM; the job in hand goes back into the queue."""
    settings = Settings()
    logging.basicConfig(level=settings.log_level.upper(), format="worker %(levelname)s %(message)s")
    # A job may wait for an engine that is being started.
    worker = make_worker(settings, EngineClient(Path(os.environ[SOCKET_VARIABLE]), patience_s=30))
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker.run()


if __name__ == "__main__":
    main()
