"""Transactions: each takes a role that may do no more than its name says, with limits, in one round trip."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Self
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection as Connection
from sqlalchemy import Engine, Pool, QueuePool, create_engine
from sqlalchemy.exc import SQLAlchemyError

from app.database.deadline import within_deadline
from app.database.failures import translated
from app.database.origin import ORIGIN, machine
from app.database.origin import SERVICE as ITSELF
from app.database.pulse import LATER_S, OPENING_S, Pulse, Silent, WatchedConnection
from app.database.roles import ENGINE
from app.database.scope import NOTHING, SCOPE, SERVICE, Scope
from app.database.server import Parameters, login_parameters
from app.database.stoppable import READS, WORK, Stoppable
from app.errors import Conflict, InDoubt, Unavailable
from app.meters import counter, gauge
from app.settings import Settings
from app.traces import application_name, trace_setting

SNAPSHOT = "ISOLATION LEVEL REPEATABLE READ READ ONLY"
#: Connections a process keeps, and may open beside them for a moment; a server has 100 for all processes. One that is
#: opened for a moment costs more than a page, and knows no statement yet.
POOL_KEPT = 8
POOL_EXTRA = 4
#: Statements that the server keeps prepared for a connection: of dozens of classes there are more than the driver's
#: hundred, and the one that is dropped for another may be the one that takes longest to plan.
STATEMENTS = 500
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
#: A connection that took longer to get was waited for, or made, seconds.
WAITED_S = 0.001
_POOLS = ("pages", "streams")
_IN_USE = gauge("chengtu_db_connections_in_use", "Connections held now.", by_process=True, pool=_POOLS)
#: Held by who puts a new pool in an old one's place.
_REPLACING = threading.RLock()
_WAITED = counter("chengtu_db_connection_wait_seconds_total", "Time spent waiting for one.", pool=_POOLS)


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
        #: A database that says nothing is noticed, and asked nothing until it does.
        self.pulse = Pulse(settings, self.dispose)
        # The driver is in autocommit because we send BEGIN ourselves, together with role and limits.
        self._pool = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            isolation_level="AUTOCOMMIT",
            pool_size=POOL_KEPT,
            max_overflow=POOL_EXTRA,
            pool_timeout=POOL_WAIT_S,
            pool_use_lifo=True,
            logging_name="pages",
            hide_parameters=True,
        )
        # Apart from the others: as many slow downloads as may be leave the pages their connections.
        self._streams = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            max_overflow=STREAMS - 1,
            pool_timeout=STREAM_WAIT_S,
            logging_name="streams",
            hide_parameters=True,
        )

    @contextmanager
    def read(self, timeout_s: float = 30) -> Iterator[Connection]:
        """A snapshot to read from, in the scope that holds; a statement is stopped after `timeout_s` seconds.

        Where the client for whom it is read has left (`READS`), its statement is stopped as well; a request has no more
        than is left of its time (`deadline`).
        """
        limit_s = within_deadline(timeout_s)
        opening = _reading(self.scope, limit_s)
        with (
            self._transaction(opening, limit_s=limit_s) as connection,
            _stopped_with(READS.get(), connection),
        ):
            _SNAPSHOTS[connection] = {}
            yield connection

    @contextmanager
    def stream(self) -> Iterator[Connection]:
        """A snapshot to read a whole class from, piece by piece, in the scope that holds: one of `STREAMS` at once."""
        opening = _reading(self.scope, STREAM_S)
        with (
            self._transaction(opening, self._streams) as connection,
            _stopped_with(READS.get(), connection),
        ):
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
        opening += origin.setting()
        with self._transaction(opening, writes=True, limit_s=limit_s) as connection:
            yield connection

    @contextmanager
    def engine(self, timeout_s: float = 300) -> Iterator[Connection]:
        """A snapshot for the analysis engine, as chengtu_engine: it sees all areas of the classes it may read."""
        opening = _opening(ENGINE, SNAPSHOT, timeout_s, lock_s=2, idle_s=300)
        with self._transaction(opening, limit_s=timeout_s) as connection:
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
        for engine in (self._pool, self._streams):
            _replace(engine, engine.pool)

    def _connect(self) -> psycopg.Connection[Any]:
        self.pulse.check()
        # Asked each time: a cluster that was started again listens in another folder.
        login = get_login(self.settings)
        login["application_name"] = application_name()
        try:
            made = WatchedConnection.connect(**login)
        except psycopg.errors.ConnectionTimeout:
            self.pulse.note_silent()
            raise
        made.pulse = self.pulse
        made.prepared_max = STATEMENTS
        return made

    @contextmanager
    def _transaction(
        self, opening: str, pool: Engine | None = None, *, writes: bool = False, limit_s: float = 0
    ) -> Iterator[Connection]:
        with translated(self.settings, writes=writes):
            engine = pool or self._pool
            self.pulse.check()
            connection, kept = _open(engine, opening + trace_setting(), limit_s)
            _tell_use(engine)
            try:
                with _stopped_with(WORK.get(), connection):
                    yield connection
                _check_whole(connection)
                with _in_doubt(connection) if writes else nullcontext():
                    _commit(connection)
            finally:
                _give_back(engine, connection, kept)
                _tell_use(engine)


#: Of transactions that read: what was asked in their snapshot, where it stays the same.
_SNAPSHOTS: WeakKeyDictionary[Connection, dict[str, Any]] = WeakKeyDictionary()


def remembered(connection: Connection) -> dict[str, Any] | None:
    """What a transaction that reads remembers of its snapshot; None in one that writes."""
    return _SNAPSHOTS.get(connection)


def _open(engine: Engine, opening: str, limit_s: float) -> tuple[Connection, Pool]:
    """A connection with its transaction begun, and its pool; one that died in the pool is replaced unseen."""
    connection, kept = _take(engine)
    driver = driver_of(connection)
    try:
        _begin(driver, opening, limit_s)
    except psycopg.Error as error:
        died = driver.closed
        _give_back(engine, connection, kept)
        if not died:
            raise
        _replace(engine, kept)  # those beside it died with it
        if isinstance(error, Silent):  # its successor would be as silent
            raise
        connection, kept = _take(engine)
        try:
            _begin(driver_of(connection), opening, limit_s)
        except psycopg.Error:
            _give_back(engine, connection, kept)
            raise
    return connection, kept


def _replace(engine: Engine, pool: Pool) -> None:
    """Close the connections of this pool that nobody uses, and the others once they come back; another takes its place.

    Nothing is done where that has happened: one of many who found a dead connection replaces them all.
    """
    with _REPLACING:
        if engine.pool is pool:
            engine.dispose()
            pool.dispose()  # what came back before there was a new one


def _give_back(engine: Engine, connection: Connection, kept: Pool) -> None:
    """Give a connection back to its pool; one that was lost is dropped, nothing can be rolled back over it.

    So is one whose pool was replaced meanwhile: nobody would ever take it from there, or close it.
    """
    stays = engine.pool is kept
    is_held = not (connection.closed or connection.invalidated)
    if is_held and (driver_of(connection).closed or not stays):
        connection.invalidate()
    connection.close()
    # Not otherwise: who waits there for a place would wait in vain.
    if stays and engine.pool is not kept:
        kept.dispose()


def _take(engine: Engine) -> tuple[Connection, Pool]:
    """A connection and its pool, or one before that; how long it took is counted where it had to be waited for."""
    kept = engine.pool
    started = time.perf_counter()
    connection = engine.connect()
    took = time.perf_counter() - started
    if took > WAITED_S:
        _WAITED.add(str(engine.logging_name), by=took)
    return connection, kept


def _tell_use(pool: Engine) -> None:
    """What is in use now is read anew each time: it cannot drift."""
    if isinstance(pool.pool, QueuePool):
        _IN_USE.set(str(pool.logging_name), to=pool.pool.checkedout())


def _begin(driver: psycopg.Connection[Any], opening: str, limit_s: float) -> None:
    """Straight to the driver, here and at the end: it is asked at every request, and SQLAlchemy takes twice as long."""
    if not isinstance(driver, WatchedConnection):
        driver.execute(opening.encode())
        return
    driver.limit_s = OPENING_S
    driver.execute(opening.encode())
    # The server ends a statement at its limit; nothing is waited for much longer.
    driver.limit_s = limit_s + LATER_S if limit_s else None


def _commit(connection: Connection) -> None:
    if connection.in_transaction():
        connection.commit()
    driver_of(connection).commit()


@contextmanager
def _in_doubt(connection: Connection) -> Iterator[None]:
    """Say so where the connection is lost in a commit: it may have been saved, though nobody was told."""
    try:
        yield
    except (SQLAlchemyError, psycopg.Error) as error:
        if not (connection.invalidated or driver_of(connection).closed):
            raise
        raise InDoubt(
            "The database went away while this was being saved: it is saved whole or not at all.",
            "Look which, or send it again under the same Idempotency-Key: it is never saved twice.",
        ) from error


@contextmanager
def _stopped_with(work: Stoppable | None, connection: Connection) -> Iterator[None]:
    """Let the transaction be stopped when nobody waits for the work any more; its commit is not."""
    if work is None:
        yield
        return
    driver = driver_of(connection)
    work.enter(driver)
    try:
        yield
    finally:
        work.leave(driver)


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
