"""The job worker: takes one job after another, does it, and never loses or doubles one, even when killed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal, get_args
from uuid import uuid4

from app.access.standing_service import check_standing
from app.database.origin import Origin, originating
from app.database.scope import SERVICE, Scope, within
from app.database.stoppable import WORK, Stoppable
from app.database.transactions import Connection, Database
from app.errors import Away, ChengtuError, Conflict, Unavailable, error_to_plain, outside
from app.jobs import store
from app.jobs.context import Handler, JobCancelled, JobContext, JobInterrupted
from app.jobs.kinds import KINDS
from app.jobs.stopping import SLICE_S, StopFlag
from app.jobs.store import Job
from app.logs import TOLD
from app.meters import counter
from app.traces import tracing

log = logging.getLogger("chengtu.jobs")

BEAT_S = 2.0
#: Longest sleep between two looks at the queue; a new job wakes the worker at once.
IDLE_S = 2.0
REAP_EVERY_S = 5.0
#: Pause after the database was not reachable.
RETRY_S = 1.0
CHORE_EVERY_S = 300.0
#: Work may be between two statements: what is stopped is stopped again until the handler has ended, seconds.
AGAIN_S = 0.5
Outcome = Literal["done", "failed", "cancelled", "released", "again"]
ENDED = counter(
    "chengtu_jobs_ended_total",
    "Runs of jobs, by kind and how they ended.",
    kind=tuple(KINDS),
    outcome=get_args(Outcome),
)


class Worker:
    """Runs jobs of the kinds in `handlers`, one at a time, until `stop` is called; `chore` every five minutes."""

    def __init__(
        self,
        db: Database,
        handlers: Mapping[str, Handler],
        beat_s: float = BEAT_S,
        stale_s: float = store.STALE_S,
        chore: Callable[[Database], object] | None = None,
    ) -> None:
        self._db = db
        self._handlers = dict(handlers)
        self._beat_s = beat_s
        self._stale_s = stale_s
        self._stopping = StopFlag()
        self._is_away = False
        self._reap_at = 0.0
        self._chore = chore
        self._chore_at = 0.0

    def stop(self) -> None:
        """Ask to stop: statements of the running job are stopped, and it goes back into the queue.

        Safe in a signal handler.
        """
        self._stopping.set()

    def run(self) -> None:
        """Work until `stop`; a database that is away is waited for."""
        while not self._stopping.is_set():
            try:
                self._work_and_listen()
            except Unavailable as error:
                self._note(error)
                self._stopping.wait(RETRY_S)

    def _note(self, failure: Unavailable | None) -> None:
        """Tell once that the database is away, and once that it is back."""
        if self._is_away == (failure is not None):
            return
        self._is_away = failure is not None
        if failure is not None:
            log.warning("Waiting for the database: %s", failure.message)
        else:
            log.warning("The database is back.")

    def run_one(self) -> bool:
        """Do one job if one waits; says whether there was one."""
        self._reap_if_due()
        self._do_chore_if_due()
        with self._db.write(timeout_s=10) as connection:
            job = store.claim(connection, list(self._handlers), uuid4())
        if job is not None:
            self._do(job)
        return job is not None

    def _work_and_listen(self) -> None:
        with self._db.listen(store.CHANNEL) as heard:
            while not self._stopping.is_set():
                found = self.run_one()
                self._note(None)
                if not found:
                    self._idle(heard)

    def _idle(self, heard: Any) -> None:
        """Sleep until a job is announced; in slices, so that a request to stop is heard too."""
        until = time.monotonic() + IDLE_S
        while time.monotonic() < until and not self._stopping.is_set():
            if heard(0.2):
                return

    def _reap_if_due(self) -> None:
        if time.monotonic() < self._reap_at:
            return
        with self._db.write(timeout_s=10) as connection:
            store.reap(connection, self._stale_s)
        self._reap_at = time.monotonic() + min(REAP_EVERY_S, self._stale_s)

    def _do_chore_if_due(self) -> None:
        """What the house needs done now and then, whether or not anybody asks; a failure is told and tried again."""
        if self._chore is None or time.monotonic() < self._chore_at:
            return
        self._chore_at = time.monotonic() + CHORE_EVERY_S
        try:
            with self._stoppable(lambda: JobInterrupted() if self._stopping.is_set() else None):
                self._chore(self._db)
        except Unavailable:
            raise
        except JobInterrupted:
            log.info("The chores are left to the next worker.")
        except ChengtuError as error:
            log.warning("The chores could not be done: %s", error.message)

    def _do(self, job: Job) -> None:
        with tracing(job.request_id or f"job-{job.id}"):
            started = time.monotonic()
            outcome = self._run(job)
            took = time.monotonic() - started
            ENDED.add(job.kind, outcome)
            log.info(
                "job",
                extra={
                    TOLD: {
                        "job": str(job.id),
                        "kind": job.kind,
                        "outcome": outcome,
                        "seconds": round(took, 3),
                    }
                },
            )

    def _run(self, job: Job) -> Outcome:
        """Do a job; how this run of it ended."""
        assert job.worker is not None
        context = JobContext(self._db, job.id, job.worker, job.request, job.who, stopping=self._stopping)
        try:
            # In the scope of who asked; the queue itself, before and after, is the service's.
            scope = SERVICE if job.scope is None else self._standing(job, job.scope)
            with (
                self._heartbeat(context),
                self._stoppable(context.why_ended),
                within(scope),
                originating(Origin("job", who=job.who)),
            ):
                result = self._handlers[job.kind](context)
            if not context.finished:
                with self._db.write() as connection:
                    context.finish(connection, result)
        except JobInterrupted:
            # Not where its end was saved already, and only what follows from it was stopped.
            held = self._settle(lambda connection: store.release(connection, context.run))
            return "done" if held is False else "released"
        except JobCancelled:
            self._settle(lambda connection: store.finish_cancelled(connection, context.run))
            return "cancelled"
        except Away as error:
            self._settle_away(context, job, error)
            return "again"
        except Exception as error:  # noqa: BLE001 - a handler may fail in any way; the worker goes on
            self._settle_failure(context, error)
            return "failed"
        return "done"

    def _standing(self, job: Job, asked_in: dict[str, Any]) -> Scope:
        """The scope of a job that somebody asked for; raises Forbidden where it was taken from them meanwhile."""
        scope = replace(Scope.of(asked_in), owner=job.owner or "")
        with self._db.read(timeout_s=10) as connection:
            check_standing(connection, job.owner, scope, KINDS.get(job.kind))
        return scope

    def _settle_away(self, context: JobContext, job: Job, error: Away) -> None:
        """What the job needs is gone for the moment: it is done again, as one is whose worker died."""
        if job.attempts >= store.MAX_ATTEMPTS:
            self._settle_failure(context, error)
            return
        log.warning("Job %s is done again: %s", context.job_id, error.message)
        self._settle(lambda connection: store.release(connection, context.run, tried=True))

    def _settle_failure(self, context: JobContext, error: Exception) -> None:
        told = _problem(error)
        why = error.message if isinstance(error, ChengtuError) else told["message"]
        log.warning("Job %s failed: %s", context.job_id, why, exc_info=not isinstance(error, ChengtuError))
        self._settle(lambda connection: store.fail(connection, context.run, told))

    def _settle(self, change: Callable[[Connection], bool | None]) -> bool | None:
        """Save how the run ended, and give what `change` gives.

        Where the run no longer holds the job, or the database is away, the reaper decides.
        """
        try:
            with self._db.write(timeout_s=10) as connection:
                return change(connection)
        except (Conflict, Unavailable) as error:
            log.warning("The end of a job could not be saved: %s", error.message)
            return None

    @contextmanager
    def _stoppable(self, why_ended: Callable[[], Exception | None]) -> Iterator[None]:
        """Stop the statements of the block as soon as `why_ended` says why; it is raised where they stand.

        Without this a worker that is to stop would wait for the end of a statement of minutes, and be killed.
        """
        done, work = threading.Event(), Stoppable(lambda: why_ended() or JobInterrupted())

        def look() -> None:
            while not done.wait(SLICE_S):
                if why_ended() is not None:
                    work.cancel()
                    done.wait(AGAIN_S)

        thread = threading.Thread(target=look, name="stopper", daemon=True)
        thread.start()
        token = WORK.set(work)
        try:
            yield
        finally:
            WORK.reset(token)
            done.set()
            thread.join()

    @contextmanager
    def _heartbeat(self, context: JobContext) -> Iterator[None]:
        done = threading.Event()
        thread = threading.Thread(target=self._beat, args=(context, done), name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _beat(self, context: JobContext, done: threading.Event) -> None:
        while not done.wait(self._beat_s):
            try:
                with self._db.write(timeout_s=5) as connection:
                    asked = store.beat(connection, context.run)
            except ChengtuError as error:
                log.warning("No sign of life could be given: %s", error.message)
                continue
            # A job that is no longer ours is not worth going on with.
            if asked is None or asked:
                context.cancelled.set()


def _problem(error: Exception) -> dict[str, Any]:
    if isinstance(error, ChengtuError):
        return error_to_plain(outside(error))
    return {
        "code": "error",
        "status": 500,
        "message": f"Something failed that should not have: {type(error).__name__}.",
    }
