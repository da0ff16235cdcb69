"""What a running job may ask and tell: its request, its database, progress, cancellation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.database.scope import as_service
from app.database.transactions import Connection, Database
from app.jobs import store
from app.jobs.stopping import StopFlag

#: What a room registers under a kind: does the work, returns the result (plain values for JSON).
Handler = Callable[["JobContext"], dict[str, Any]]


class JobCancelled(Exception):  # noqa: N818 - it ends a job as it was asked to, nothing went wrong
    """Raised inside a handler by `check` after somebody asked to cancel the job."""


class JobInterrupted(Exception):  # noqa: N818 - the worker is stopping; the job goes back to the queue
    """Raised inside a handler by `check` when the worker is asked to stop."""


@dataclass(slots=True)
class JobContext:
    """One run of one job. `run` is this run's own id: the job can be finished with it alone, and once."""

    db: Database
    job_id: UUID
    run: UUID
    request: Mapping[str, Any]
    who: str
    cancelled: threading.Event = field(default_factory=threading.Event)
    stopping: StopFlag = field(default_factory=StopFlag)
    finished: bool = False

    def why_ended(self) -> JobCancelled | JobInterrupted | None:
        """Why the work is to end before it is done, None where it is not."""
        # A job that is finished is no longer this run's either, and what is done after its end may go on.
        if self.cancelled.is_set() and not self.finished:
            return JobCancelled()
        return JobInterrupted() if self.stopping.is_set() else None

    def check(self) -> None:
        """Call now and then in long work: raises when the job is cancelled or the worker stops.

        Statements need no check: the worker stops them, and they raise the same.
        """
        why = self.why_ended()
        if why is not None:
            raise why

    def progress(self, share: float | None, message: str = "") -> None:
        """Tell how far the work is: `share` 0-1, None while unknown. Also checks for cancellation."""
        self.check()
        with as_service(), self.db.write(timeout_s=5) as connection:
            store.set_progress(connection, self.run, share, message)

    def finish(self, connection: Connection, result: Mapping[str, Any]) -> None:
        """Finish the job in the handler's own write transaction, so that work and end are saved together or not at all.

        Handlers that write must end with it. Raises Conflict (and so undoes the work) when the job has meanwhile been
        given to another run.
        """
        store.finish(connection, self.run, result)
        self.finished = True
