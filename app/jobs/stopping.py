"""The request to stop, as a signal handler may make it."""

from __future__ import annotations

import time

#: Longest sleep between two looks at the flag, seconds.
SLICE_S = 0.1


class StopFlag:
    """A plain flag that is asked for again and again.

    A `threading.Event` has a lock that is not re-entrant: `set` in a signal handler would wait for ever for the `wait`
    of the main thread that it interrupts.
    """

    __slots__ = ("_asked",)

    def __init__(self) -> None:
        self._asked = False

    def set(self) -> None:
        """Ask to stop. Takes no lock, so it is safe in a signal handler, again and again."""
        self._asked = True

    def is_set(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Sleep so long, or until somebody asks to stop; says whether somebody did."""
        until = time.monotonic() + seconds
        while not self._asked and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SLICE_S))
        return self._asked
