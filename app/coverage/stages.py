"""Stages of a long computation: told to whoever watches, who may end the work between two of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

#: Told the share done (0-1) and what begins now; what it raises ends the computation.
Report = Callable[[float, str], None]
#: Of what is left, a stage that says no share takes this much: the number of stages is not known beforehand.
STEP = 0.12


@dataclass
class _Watch:
    """One watched computation; its stages may begin in several threads."""

    report: Report
    share: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, message: str, share: float | None) -> None:
        with self.lock:
            aim = self.share + (1.0 - self.share) * STEP if share is None else share
            self.share = max(self.share, aim)
            self.report(self.share, message)


_watch: ContextVar[_Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(report: Report | None) -> Iterator[None]:
    """Within it `stage` tells `report`; without one nothing is told."""
    token = _watch.set(None if report is None else _Watch(report))
    try:
        yield
    finally:
        _watch.reset(token)


def stage(message: str, share: float | None = None) -> None:
    """A stage begins: raises what the watcher raises, so that a computation that nobody wants any more ends here.

    `share` (0-1) of all work that lies before it; without it, a little more than before.
    """
    found = _watch.get()
    if found is not None:
        found.begin(message, share)
