"""Turns: few of many requests do something at a time, the others wait without a thread to do it in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from app.errors import Unavailable


class Turns:
    """At most `at_once` at the same time in an event loop, in the order in which they came.

    Requests that waited in threads would, once there are as many as threads, keep from theirs those whose turn it is.
    """

    def __init__(self, at_once: int, line: int | None = None) -> None:
        """With a `line` no more than so many wait: who comes after them is refused at once."""
        self._at_once = at_once
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
            raise Unavailable(refusal, "Try again in a moment.")
        self._waiting += 1
        try:
            async with asyncio.timeout(patience_s):
                await gate.acquire()
        except TimeoutError as error:
            raise Unavailable(refusal, "Try again in a moment.") from error
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            gate.release()
