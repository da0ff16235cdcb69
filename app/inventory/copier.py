"""Measures and copies chunks of rows by threads of their own, so that the next ones are made in the meantime."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Any, Self, TypeVar

import psycopg
from psycopg import Cursor, sql
from sqlalchemy import Connection, event

from app.database.transactions import BUSY
from app.inventory.changes import raw
from app.inventory.copy_binary import HEAD, TAIL, Values, binary_rows
from app.inventory.rewrite import guarded_copy
from app.parallel import PREFIX

#: What a spool keeps in memory; more goes to a temporary file.
SPOOLED_BYTES = 32 * 1024**2
_BLOCK = 1024**2
#: Chunks that are under way at once: one is sent, one made.
_CHUNKS = 2
T = TypeVar("T")


class Copier:
    """One piece of work at a time on a connection; whoever wants to ask something there waits, without knowing."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self._driver = raw(conn)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="copy")
        # The threads of an import share the cores already: what is made here is not shared once more.
        self._maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{PREFIX}-make")
        self._running: deque[Future[None]] = deque()
        self._files = ExitStack()

    def file(self) -> IO[bytes]:
        """A file in memory, on disk where it grows large; closed with the copier."""
        return self._files.enter_context(tempfile.SpooledTemporaryFile(SPOOLED_BYTES))

    def start(self, work: Callable[[Cursor[Any]], object]) -> None:
        """Begin work on the connection; an error of what was begun before is raised here."""
        self.wait()
        self._running.append(self._thread.submit(_run, self._driver, work))

    def run(self, work: Callable[[Cursor[Any]], object]) -> None:
        """Work on the connection here and now: for a few rows a thread costs more than it wins."""
        self.wait()
        _run(self._driver, work)

    def feed(self, make: Callable[[], T], send: Callable[[Cursor[Any], T], object]) -> None:
        """Make something without the connection while what was made before is sent; an error is raised later."""
        while len(self._running) >= _CHUNKS:
            self._running.popleft().result()
        made = self._maker.submit(make)
        work = self._thread.submit(_run, self._driver, lambda cursor: send(cursor, made.result()))
        self._running.append(work)

    def wait(self) -> None:
        """Wait until nothing is under way; raises what the statement raised."""
        while self._running:
            self._running.popleft().result()

    def __enter__(self) -> Self:
        """The copier, for as long as a write takes."""
        self.conn.info[BUSY] = self.wait
        event.listen(self.conn, "before_cursor_execute", self._before)
        return self

    def _before(self, *_: object) -> None:
        self.wait()

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End the threads; where the block failed, what they were doing does not matter any more."""
        self._thread.shutdown(wait=True, cancel_futures=error is not None)
        self._maker.shutdown(wait=True)
        del self.conn.info[BUSY]
        event.remove(self.conn, "before_cursor_execute", self._before)
        self._files.close()
        if error is None:
            self.wait()


def _run(driver: psycopg.Connection[Any], work: Callable[[Cursor[Any]], object]) -> None:
    with driver.cursor() as cursor:
        work(cursor)


class Spool:
    """Rows kept in a file, for a later COPY."""

    def __init__(self, file: IO[bytes]) -> None:
        self.rows = 0
        self._names: tuple[str, ...] = ()
        self._file = file

    def add(self, columns: Mapping[str, Values], rows: int) -> None:
        """Keep `rows` rows; the columns are the same each time."""
        if rows:
            self._names = tuple(columns)
            self._file.write(binary_rows(columns))
            self.rows += rows

    def copy_to(self, cursor: Cursor[Any], target: sql.Composable) -> None:
        """Copy all rows kept to a table with row-level security, and forget them."""
        if not self.rows:
            return
        self._file.seek(0)
        with guarded_copy(cursor, target, self._names) as copy:
            copy.write(HEAD)
            while block := self._file.read(_BLOCK):
                copy.write(block)
            copy.write(TAIL)
        self._file.truncate(0)
