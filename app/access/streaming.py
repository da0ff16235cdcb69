"""A reply that is sent while it is made: as much at once as the client takes, never more in memory than a block."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import suppress

import anyio
from anyio import to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.access.leaving import Watch

#: A client that takes up nothing for so long is given up, seconds: its download holds a connection and a snapshot.
STALL_S = 60.0
#: In a scope: who watches the request's client; whether only the headers of the reply are wanted.
WATCH, HEADERS_ONLY = "chengtu.watch", "chengtu.headers_only"


class Streamed(Response):
    """Blocks made one by one by a generator, whose first one is made before the reply starts.

    What fails at once is so an ordinary problem; what fails later breaks the connection off, so that half a file is
    never taken for a whole one. The generator is closed however the reply ends.
    """

    def __init__(
        self, blocks: Generator[bytes, None, None], media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(None, media_type=media_type, headers=dict(headers))
        del self.headers["content-length"]
        self._blocks = blocks
        self._first = next(blocks, b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - `Watch` listens
        """Send the reply; silently ends where the client has left."""
        watch: Watch | None = scope.get(WATCH)
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        try:
            await send(start)
            if not scope.get(HEADERS_ONLY):
                await self._send(send, watch)
            if watch is None or not watch.left:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except Exception:
            # Nobody is there to hear of what was stopped because nobody is there.
            if watch is None or not watch.left:
                raise
        finally:
            # Where the server is stopped while a block is made, it goes on in its thread until the process ends.
            with anyio.CancelScope(shield=True), suppress(ValueError):
                await to_thread.run_sync(self._blocks.close)

    async def _send(self, send: Send, watch: Watch | None) -> None:
        block: bytes | None = self._first
        self._first = b""
        while block is not None and not (watch is not None and watch.left):
            with anyio.fail_after(STALL_S):
                await send({"type": "http.response.body", "body": block, "more_body": True})
            block = await to_thread.run_sync(next, self._blocks, None)
