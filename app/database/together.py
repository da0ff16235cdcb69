"""Small questions of many requests, put to the database together over one connection of the event loop's own."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import psycopg

from app.database.errors import translate
from app.database.roles import READER
from app.database.transactions import get_login
from app.errors import Unavailable
from app.settings import Settings

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Answers = Mapping[str, str]
#: A scalar expression of SQL, and what is bound in it.
Term = tuple[str, Sequence[object]]
#: Each question is a transaction of its own; a role's settings do not apply under SET ROLE, so all stand here.
_OPENING = (
    f"SET ROLE {READER}; SET default_transaction_read_only=on; SET jit=off; SET max_parallel_workers_per_gather=0;"
    "SET statement_timeout=3000; SET lock_timeout=2000"
)
#: Stays the same until a transaction that wrote anything ends (PostgreSQL, "Transaction ID and Snapshot Information").
_SNAPSHOT = "pg_current_snapshot()::text"
#: After so long a connection that says nothing is given up, seconds: the server itself would have stopped before.
PATIENCE_S = 4.0


@dataclass(slots=True, weakref_slot=True)
class _Desk:
    """What one event loop asks: the names that wait with who waits for them; the connection, and what it has heard."""

    waiting: list[tuple[Collection[str], asyncio.Future[Answers]]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    connection: Connection | None = None
    snapshot: str = ""
    answers: dict[str, str] = field(default_factory=dict)


class Together:
    """Answers by name: a request that comes while a question is under way waits for the next one.

    So an answer is never older than its request, and as many requests as come meanwhile cost one question; where nobody
    has written anything since the last one, it is but whether anybody has. The connection is made at the first question
    and again where it was lost.
    """

    def __init__(self, settings: Settings, term_of: Callable[[str], Term]) -> None:
        self._settings = settings
        self._term_of = term_of
        self._desks: WeakKeyDictionary[asyncio.AbstractEventLoop, _Desk] = WeakKeyDictionary()
        #: Connections that are being given up: the driver waits for the server to hear of it, nobody else does.
        self._leaving: set[asyncio.Task[None]] = set()

    async def ask(self, names: Collection[str]) -> Answers:
        """What is true of each name now, or at a later moment than this call.

        Raises:
            Unavailable: The database does not answer.
        """
        loop = asyncio.get_running_loop()
        desk = self._desks.setdefault(loop, _Desk())
        answer: asyncio.Future[Answers] = loop.create_future()
        desk.waiting.append((names, answer))
        if desk.task is None:
            desk.task = loop.create_task(self._work(desk))
        return await answer

    async def close(self) -> None:
        """End the connection of the running loop; the next question would make another."""
        desk = self._desks.pop(asyncio.get_running_loop(), None)
        if desk is not None:
            if desk.task is not None:
                await desk.task
            await _drop(desk)

    async def _work(self, desk: _Desk) -> None:
        """Ask until nobody waits."""
        try:
            while desk.waiting:
                asked, desk.waiting = desk.waiting, []
                found, error = await self._attempt(
                    desk, sorted({name for names, _ in asked for name in names})
                )
                for _, answer in asked:
                    if answer.done():
                        continue
                    if found is None:
                        answer.set_exception(error)
                    else:
                        answer.set_result(found)
        finally:
            desk.task = None

    async def _attempt(self, desk: _Desk, names: Collection[str]) -> tuple[Answers | None, Exception]:
        """The answers; else why there are none."""
        try:
            kept = desk.connection is not None
            try:
                return await self._once(desk, names), Unavailable("")
            except psycopg.OperationalError:
                if not kept or desk.connection is not None:
                    raise
                return await self._once(desk, names), Unavailable("")
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            return None, translate(error, self._settings, saves=False)

    async def _once(self, desk: _Desk, names: Collection[str]) -> Answers:
        reading = asyncio.ensure_future(self._read(desk, names))
        done, _ = await asyncio.wait({reading}, timeout=PATIENCE_S)
        if not done:
            reading.cancel()
            leaving = asyncio.ensure_future(_leave(reading, _forget(desk)))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            raise Unavailable("The database does not answer in time.", "Try again in a moment.")
        try:
            return reading.result()
        except psycopg.Error:
            if desk.connection is not None and desk.connection.closed:
                await _drop(desk)
            raise

    async def _read(self, desk: _Desk, names: Collection[str]) -> Answers:
        connection = desk.connection or await self._connect(desk)
        if all(name in desk.answers for name in names):
            (snapshot,) = await _row(connection, f"SELECT {_SNAPSHOT}", ())
            if snapshot == desk.snapshot:
                return desk.answers
        statement, values = select(map(self._term_of, names))
        snapshot, *found = await _row(connection, f"SELECT {_SNAPSHOT}, {statement}", values)
        answers = dict(zip(names, (str(value or "") for value in found), strict=True))
        # Replaced, not changed: others hold the answers of the snapshot before.
        desk.answers = answers | desk.answers if snapshot == desk.snapshot else answers
        desk.snapshot = snapshot
        return desk.answers

    async def _connect(self, desk: _Desk) -> Connection:
        # Where the server listens is read from files.
        login = await asyncio.get_running_loop().run_in_executor(None, get_login, self._settings)
        connection: Connection = await psycopg.AsyncConnection.connect(**login, autocommit=True)
        # A loop that ends without `close` takes its connection with it.
        weakref.finalize(desk, connection.pgconn.finish)
        try:
            await connection.execute(_OPENING)
        except BaseException:
            await connection.close()
            raise
        desk.connection = connection
        return connection


async def _row(connection: Connection, statement: str, values: Sequence[object]) -> tuple[Any, ...]:
    cursor = await connection.execute(statement.encode(), values, prepare=True)
    row = await cursor.fetchone()
    assert row is not None
    return row


def select(terms: Iterable[Term]) -> tuple[str, list[object]]:
    """The list of a SELECT and what is bound in it."""
    found = list(terms)
    return ", ".join(sql for sql, _ in found), [value for _, values in found for value in values]


def _forget(desk: _Desk) -> Connection | None:
    """The desk's connection, which it has no longer; nor what it heard over it."""
    connection, desk.connection = desk.connection, None
    desk.snapshot, desk.answers = "", {}
    return connection


async def _drop(desk: _Desk) -> None:
    connection = _forget(desk)
    if connection is not None:
        await connection.close()


async def _leave(reading: asyncio.Future[Answers], connection: Connection | None) -> None:
    """Wait for the end of what was cancelled, then end its connection."""
    await asyncio.gather(reading, return_exceptions=True)
    if connection is not None:
        await connection.close()
