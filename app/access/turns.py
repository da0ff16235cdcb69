"""Turns: few of many requests do something at a time, the others wait without a thread to do it in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from app.errors import Unavailable
from app.meters import gauge
from app.refused import LimitName, refused

_LINES = ("readers", "downloads", "builds", "edits", "engine")
_BUSY = gauge("chengtu_turns_in_use", "Turns that are taken.", by_process=True, limit=_LINES)
_WAITING = gauge("chengtu_turns_waiting", "Requests that wait for a turn.", by_process=True, limit=_LINES)


class Turns:
    """At most `at_once` at the same time in an event loop, in the order in which they came.

    Requests that waited in threads would, once there are as many as threads, keep from theirs those whose turn it is.
    """

    def __init__(
        self, at_once: int, line: int | None = None, *, name: str = "", limit: LimitName = "readers"
    ) -> None:
        """With a `line` no more than so many wait: who comes after them is refused at once.

        `name` is what is told of them, `limit` what refusals count as.
        """
        self._at_once = at_once
        self._name, self._limit = name, limit
        self._busy = 0
        self._line = line
        self._waiting = 0
        self._gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    @asynccontextmanager
    async def take(self, patience_s: float, refusal: str) -> AsyncIterator[None]:
        """A turn, for the length of the block.

        Raises:
            Unavailable: With the sentence `refusal`, where none came within `patience_s` seconds or the line is full.
        """
        gate = self._gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._at_once))
        if gate.locked() and self._line is not None and self._waiting >= self._line:
            refused(self._limit)
            raise Unavailable(refusal, "Try again in a moment.")
        self._waiting += 1
        _WAITING.set(self._name, to=self._waiting)
        try:
            async with asyncio.timeout(patience_s):
                await gate.acquire()
        except TimeoutError as error:
            refused(self._limit)
            raise Unavailable(refusal, "Try again in a moment.") from error
        finally:
            self._waiting -= 1
            _WAITING.set(self._name, to=self._waiting)
        self._tell(1)
        try:
            yield
        finally:
            self._tell(-1)
            gate.release()

    def _tell(self, more: int) -> None:
        self._busy += more
        _BUSY.set(self._name, to=self._busy)
