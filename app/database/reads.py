"""The reading transactions of one request, so that they end with it when its client has left."""

from __future__ import annotations

from contextlib import suppress
from contextvars import ContextVar
from threading import Lock
from typing import Any

import psycopg

from app.errors import Unavailable

#: How long the server may take to hear that a statement is to stop, seconds.
CANCEL_S = 1.0


class Reads:
    """Connections that read for one client; any thread may enter or leave one, another one cancel them all."""

    def __init__(self) -> None:
        self.left = False
        self._lock = Lock()
        self._open: list[psycopg.Connection[Any]] = []

    def enter(self, driver: psycopg.Connection[Any]) -> None:
        """Note a connection whose transaction begins; raises Unavailable where there is nobody to read for any more."""
        with self._lock:
            if self.left:
                raise Unavailable("The client has left.")
            self._open.append(driver)

    def leave(self, driver: psycopg.Connection[Any]) -> None:
        """Forget a connection before it goes back to the pool: what is cancelled later is never another's statement."""
        with self._lock, suppress(ValueError):
            self._open.remove(driver)

    def cancel(self) -> None:
        """Stop the statements that run for the client, and let none begin after them."""
        with self._lock:
            self.left = True
            for driver in self._open:
                with suppress(psycopg.Error):
                    driver.cancel_safe(timeout=CANCEL_S)


#: Those of the request that is being served; threads that work for it see the same ones.
READS: ContextVar[Reads | None] = ContextVar("chengtu_reads", default=None)
