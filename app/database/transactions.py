"""Transactions: each takes a role that may do no more than its name says, with limits, in one round trip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection as Connection
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError

from app.database.deadline import within_deadline
from app.database.errors import translate
from app.database.origin import ORIGIN, machine
from app.database.origin import SERVICE as ITSELF
from app.database.reads import READS
from app.database.roles import ENGINE
from app.database.scope import NOTHING, SCOPE, SERVICE, Scope
from app.database.server import Parameters, login_parameters
from app.errors import Conflict, Unavailable
from app.settings import Settings

SNAPSHOT = "ISOLATION LEVEL REPEATABLE READ READ ONLY"
#: Connections a process keeps, and may open beside them for a moment; a server has 100 for all processes. One that is
#: opened for a moment costs more than a page, and knows no statement yet.
POOL_KEPT = 8
POOL_EXTRA = 2
POOL_WAIT_S = 5.0
#: Downloads that a process makes at once, and how long the next one waits for its turn, seconds.
STREAMS = 4
STREAM_WAIT_S = 2.0
#: How long a lock that another writer holds is waited for, seconds.
LOCK_S = 30.0
#: How long the statement of a download may run, seconds; what a client takes up too slowly ends before.
STREAM_S = 3600
#: Among what is noted with a connection: how to wait for the thread that works on it.
BUSY = "chengtu.busy"


class Database:
    """The database as the service sees it; makes no connection before the first transaction.

    The login it connects as may do nothing by itself: outside the three transactions every statement is refused.
    Database failures leave the transactions as `app.errors`.
    """

    def __init__(self, settings: Settings, *, closed: bool = False) -> None:
        """With `closed` (a server) a transaction that no scope was set for sees and writes nothing."""
        self.settings = settings
        self._otherwise = NOTHING if closed else SERVICE
        self._closed = closed
        # The driver is in autocommit because we send BEGIN ourselves, together with role and limits.
        self._pool = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            isolation_level="AUTOCOMMIT",
            pool_size=POOL_KEPT,
            max_overflow=POOL_EXTRA,
            pool_timeout=POOL_WAIT_S,
            pool_use_lifo=True,
        )
        # Apart from the others: as many slow downloads as may be leave the pages their connections.
        self._streams = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            max_overflow=STREAMS - 1,
            pool_timeout=STREAM_WAIT_S,
        )

    @contextmanager
    def read(self, timeout_s: float = 30) -> Iterator[Connection]:
        """A snapshot to read from, in the scope that holds; a statement is stopped after `timeout_s` seconds.

        Where the client for whom it is read has left (`READS`), its statement is stopped as well; a request has no more
        than is left of its time (`deadline`).
        """
        opening = _reading(self.scope, within_deadline(timeout_s))
        with self._transaction(opening) as connection, _for_client(connection):
            yield connection

    @contextmanager
    def stream(self) -> Iterator[Connection]:
        """A snapshot to read a whole class from, piece by piece, in the scope that holds: one of `STREAMS` at once."""
        opening = _reading(self.scope, STREAM_S)
        with self._transaction(opening, self._streams) as connection, _for_client(connection):
            yield connection

    @contextmanager
    def write(self, timeout_s: float = 0) -> Iterator[Connection]:
        """A transaction that writes in the scope that holds: committed at the end of the block, else rolled back.

        Where the block ends without an error, the data is on disk. A lock held by another writer is waited for 30 s,
        within a request as long as its time lasts.
        """
        scope = self.scope
        limit_s = within_deadline(timeout_s)
        # A lock is given up before the statement is, so that what is told is that somebody else is writing.
        lock_s = min(LOCK_S, 0.9 * limit_s) if limit_s else LOCK_S
        opening = (
            _opening(scope.writes_as, "READ WRITE", limit_s, lock_s=lock_s, idle_s=600) + scope.settings()
        )
        origin = ORIGIN.get() or (ITSELF if self._closed else machine())
        with self._transaction(opening + origin.setting()) as connection:
            yield connection

    @contextmanager
    def engine(self, timeout_s: float = 300) -> Iterator[Connection]:
        """A snapshot for the analysis engine, as chengtu_engine: it sees all areas of the classes it may read."""
        with self._transaction(_opening(ENGINE, SNAPSHOT, timeout_s, lock_s=2, idle_s=300)) as connection:
            yield connection

    @contextmanager
    def listen(self, channel: str) -> Iterator[Callable[[float], bool]]:
        """A connection that hears NOTIFY on `channel`: `heard(seconds)` waits so long and says whether one came."""
        with translated(self.settings), self._connect() as connection:
            connection.autocommit = True
            connection.execute(SQL("LISTEN {}").format(Identifier(channel)))
            yield lambda seconds: any(True for _ in connection.notifies(timeout=seconds, stop_after=1))

    @property
    def scope(self) -> Scope:
        """What a transaction that begins here and now sees and writes."""
        return SCOPE.get() or self._otherwise

    @staticmethod
    def raw(connection: Connection) -> psycopg.Connection[Any]:
        """The psycopg connection under `connection`, for COPY, inside the same transaction.

        Where a thread works on it (`info[BUSY]`), that is waited for.
        """
        wait = connection.info.get(BUSY)
        if wait is not None:
            wait()
        return driver_of(connection)

    def __enter__(self) -> Self:
        """The database, for as long as a command runs."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections kept."""
        self.dispose()

    def dispose(self) -> None:
        """Close the connections kept; the next transaction opens new ones."""
        self._pool.dispose()
        self._streams.dispose()

    def _connect(self) -> psycopg.Connection[Any]:
        # Asked each time: a cluster that was started again listens in another folder.
        return psycopg.connect(**get_login(self.settings))

    @contextmanager
    def _transaction(self, opening: str, pool: Engine | None = None) -> Iterator[Connection]:
        with translated(self.settings):
            engine = pool or self._pool
            connection = _open(engine, opening)
            kept = engine.pool
            try:
                yield connection
                _check_whole(connection)
                _commit(connection)
            finally:
                connection.close()
                if engine.pool is not kept:  # disposed of meanwhile: nobody would close what comes back to it
                    kept.dispose()


def _open(pool: Engine, opening: str) -> Connection:
    """A connection with its transaction begun; one that died in the pool is replaced unseen."""
    connection = pool.connect()
    driver = driver_of(connection)
    try:
        # Straight to the driver, here and at the end: it is asked at every request, and SQLAlchemy takes twice as long.
        driver.execute(opening.encode())
    except psycopg.Error:
        if not driver.closed:
            connection.close()
            raise
        connection.invalidate()
        connection.close()
        pool.dispose()  # those beside it died with it
        connection = pool.connect()
        driver_of(connection).execute(opening.encode())
    return connection


def _commit(connection: Connection) -> None:
    if connection.in_transaction():
        connection.commit()
    driver_of(connection).commit()


@contextmanager
def _for_client(connection: Connection) -> Iterator[None]:
    """Let the transaction be stopped when the client leaves, where there is one."""
    reads = READS.get()
    if reads is None:
        yield
        return
    driver = driver_of(connection)
    reads.enter(driver)
    try:
        yield
    finally:
        reads.leave(driver)


@contextmanager
def translated(settings: Settings | None = None) -> Iterator[None]:
    """Turn database failures in the block into app errors; `settings` let a full disk be told."""
    try:
        yield
    except (SQLAlchemyError, psycopg.Error) as error:
        told = translate(error, settings)
        if told is error:
            raise
        raise told from error


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    """The psycopg connection under a SQLAlchemy one."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def get_login(settings: Settings) -> Parameters:
    """How the service connects; raises Unavailable before the first migration."""
    parameters = login_parameters(settings)
    if parameters is None:
        raise Unavailable("The database is not set up yet.", "Set it up: chengtu db migrate")
    return parameters


def _opening(role: str, mode: str, timeout_s: float, lock_s: float, idle_s: float) -> str:
    """The statements that begin a transaction; a role's own settings do not apply under SET ROLE, so all stand here."""
    return (
        f"BEGIN {mode};SET LOCAL ROLE {role};SET LOCAL jit=off;SET LOCAL max_parallel_workers_per_gather=0;"
        f"SET LOCAL statement_timeout={int(timeout_s * 1000)};SET LOCAL lock_timeout={int(lock_s * 1000)};"
        f"SET LOCAL idle_in_transaction_session_timeout={int(idle_s * 1000)}"
    )


def _reading(scope: Scope, timeout_s: float) -> str:
    return _opening(scope.reads_as, SNAPSHOT, timeout_s, lock_s=2, idle_s=60) + scope.settings()


def _check_whole(connection: Connection) -> None:
    """Refuse to commit a transaction in which a statement failed: the server would answer it with a silent rollback."""
    if driver_of(connection).info.transaction_status == TransactionStatus.INERROR:
        raise Conflict(
            "A part of the change failed; nothing was saved.", "Look at the error before this one."
        )
