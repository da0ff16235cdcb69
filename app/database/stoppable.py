"""The transactions of one request or job, so that they end with it when nobody waits for it any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Lock
from typing import Any

import psycopg

from app.errors import Unavailable

#: How long the server may take to hear that a statement is to stop, seconds.
CANCEL_S = 1.0


def client_left() -> Exception:
    """What the statements of a request raise when its client has left: nobody is there to hear it."""
    return Unavailable("The client has left.")


class Stoppable:
    """Connections that work for one request or job; any thread may enter or leave one, another one cancel them all."""

    def __init__(self, ended: Callable[[], Exception] = client_left) -> None:
        """`ended` makes what is raised by a statement that was stopped, and instead of a transaction after it."""
        self.left = False
        self.ended = ended
        self._lock = Lock()
        self._open: list[psycopg.Connection[Any]] = []

    def enter(self, driver: psycopg.Connection[Any]) -> None:
        """Note a connection whose transaction begins; raises `ended()` where there is nobody to work for any more."""
        with self._lock:
            if self.left:
                raise self.ended()
            self._open.append(driver)

    def leave(self, driver: psycopg.Connection[Any]) -> None:
        """Forget a connection before it goes back to the pool: what is cancelled later is never another's statement."""
        with self._lock, suppress(ValueError):
            self._open.remove(driver)

    def cancel(self) -> None:
        """Stop the statements that run, and let no transaction begin after them."""
        with self._lock:
            self.left = True
            for driver in self._open:
                with suppress(psycopg.Error):
                    driver.cancel_safe(timeout=CANCEL_S)


#: Reading transactions of the request that is being served; threads that work for it see the same ones.
READS: ContextVar[Stoppable | None] = ContextVar("chengtu_reads", default=None)
#: All transactions of the job that is being done.
WORK: ContextVar[Stoppable | None] = ContextVar("chengtu_work", default=None)


@contextmanager
def carried_out() -> Iterator[None]:
    """Let transactions that begin in the block be carried out, even where the job they belong to is being stopped."""
    token = WORK.set(None)
    try:
        yield
    finally:
        WORK.reset(token)
