"""Notices that a client has left while its request is answered, and stops what the database does for it."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive

from app.database.stoppable import READS, Stoppable

#: A request younger than this is not watched, seconds: most are answered long before, and watching costs a task.
PATIENCE_S = 0.5
#: A handler may be between two statements: what is cancelled is cancelled again until the handler has ended, seconds.
AGAIN_S = 0.5


class Watch:
    """Watches one request without a body, from `start` to `stop`."""

    def __init__(self, receive: Receive) -> None:
        self._forward = receive
        self._reads = Stoppable()
        self._gone = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def left(self) -> bool:
        """Whether the client has left."""
        return self._gone.is_set()

    def start(self) -> None:
        """Begin to watch in a moment; transactions opened from here on are those of this request."""
        READS.set(self._reads)
        self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._begin)

    def stop(self) -> None:
        """End with the answer."""
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    async def receive(self) -> Message:
        """Take one ASGI message; once the request is watched, all that can still come is that the client leaves."""
        if self._task is None:
            return await self._forward()
        await self._gone.wait()
        return {"type": "http.disconnect"}

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._forward())["type"] != "http.disconnect":
            pass
        self._gone.set()
        while True:
            # Not by the threads of the handlers: all of them may be busy with what is to be stopped.
            await asyncio.get_running_loop().run_in_executor(None, self._reads.cancel)
            await asyncio.sleep(AGAIN_S)
