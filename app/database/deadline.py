"""Until when a request is worked for: what is left of its time is the limit of every statement that it makes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from app.errors import Unavailable
from app.refused import refused

#: With less than this left a statement is not begun, seconds.
LEAST_S = 0.05


class Deadline:
    """The time of one request: `seconds` from when it has come whole. Any thread that works for it may ask."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def restart(self) -> None:
        """Count from now on: the time that a client takes to send is its own."""
        self._at = time.monotonic() + self.seconds

    def extend(self, seconds: float) -> None:
        """Give it so much more."""
        self._at += seconds

    @property
    def left_s(self) -> float:
        """What is left, seconds."""
        return self._at - time.monotonic()

    def limit_s(self, timeout_s: float) -> float:
        """What a statement may take that may take `timeout_s` (0: without end) by itself.

        Raises:
            Unavailable: Nothing is left; the database is not asked any more.
        """
        left = self.left_s
        if left < LEAST_S:
            refused("request_time")
            raise Unavailable(
                f"The request took longer than {self.seconds:g} s and was stopped.",
                "Ask for less at once, or for a job.",
            )
        return min(timeout_s, left) if timeout_s else left


#: That of the request that is being served; none where a command or the worker does something.
DEADLINE: ContextVar[Deadline | None] = ContextVar("chengtu_deadline", default=None)


def within_deadline(timeout_s: float) -> float:
    """How long a statement may take, seconds: at most `timeout_s`, and what is left of the request's time."""
    deadline = DEADLINE.get()
    return timeout_s if deadline is None else deadline.limit_s(timeout_s)


def extend_deadline(seconds: float) -> None:
    """Give the request that is being served so much more time: what it asks for is known to take longer."""
    deadline = DEADLINE.get()
    if deadline is not None:
        deadline.extend(seconds)


@contextmanager
def not_counted() -> Iterator[None]:
    """Let the block take what it takes: the request's time stands still while it waits for work of another process."""
    deadline = DEADLINE.get()
    started = time.monotonic()
    token = DEADLINE.set(None)
    try:
        yield
    finally:
        DEADLINE.reset(token)
        if deadline is not None:
            deadline.extend(time.monotonic() - started)
