"""A way to the database that can be cut: it takes connections and bytes, and passes nothing on while it is a hole."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote, urlencode

from app.database.server import admin_parameters
from app.settings import Settings


class Proxy:
    """Passes bytes between a port of its own and the cluster's socket, in a thread of its own."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._loop = asyncio.new_event_loop()
        self._through = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._call(self._start())

    def open(self) -> None:
        """Pass on what came, and what comes."""
        self._loop.call_soon_threadsafe(self._through.set)

    def close(self) -> None:
        """Go on taking all and passing on nothing: a black hole."""
        self._loop.call_soon_threadsafe(self._through.clear)

    def end(self) -> None:
        """Stop, and drop every connection."""
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)  # type: ignore[arg-type]

    async def _start(self) -> None:
        self._through.set()
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(OSError, asyncio.CancelledError):
            await self._through.wait()
            there, back = await asyncio.open_unix_connection(self._path)
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        writer.close()
        self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._through.wait()
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


@contextmanager
def proxied(settings: Settings) -> Iterator[tuple[Proxy, Settings]]:
    """A proxy before the cluster of `settings`, and settings that go through it."""
    given = admin_parameters(settings)
    proxy = Proxy(f"{given['host']}/.s.PGSQL.{given['port']}")
    place = urlencode(
        {"host": "127.0.0.1", "port": proxy.port, "sslmode": "disable", "gssencmode": "disable"}
    )
    url = f"postgresql://{given['user']}:{quote(given['password'], safe='')}@/{given['dbname']}?{place}"
    try:
        yield proxy, settings.model_copy(update={"database_url": url})
    finally:
        proxy.end()
