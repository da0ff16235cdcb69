"""Failures of the database as they leave a block: as errors of the app, counted where something was refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.database.deadline import DEADLINE
from app.database.errors import translate
from app.database.stoppable import READS, WORK
from app.errors import Away, Unavailable
from app.refused import LimitName, refused
from app.settings import Settings

#: The limit that a statement was over, by SQLSTATE.
_LIMITS: dict[str, LimitName] = {"57014": "request_time", "55P03": "lock_time"}
#: A statement that was cancelled, and one that comes after it in the same transaction.
_CANCELLED = frozenset({"57014", "25P02"})


@contextmanager
def translated(settings: Settings | None = None, *, writes: bool = True) -> Iterator[None]:
    """Turn database failures in the block into app errors; `settings` let a full disk be told.

    It is told as what kept something from being saved (507) where the block `writes` or serves a request that does,
    and else as why there is no answer (503): a request that reads saves nothing, even where it keeps a record of it.
    """
    try:
        yield
    except (SQLAlchemyError, psycopg.Error, Away) as error:
        stopped = _stopped(error)
        if stopped is not None:
            raise stopped from error
        told = translate(error, settings, saves=_saves(writes=writes))
        _count(error, told)
        if told is error:
            raise
        raise told from error


def _saves(*, writes: bool) -> bool:
    """Whether something was to be saved. Of requests those that only read can be left (`READS`)."""
    return READS.get() is None and (writes or DEADLINE.get() is not None)


def _stopped(error: Exception) -> Exception | None:
    """What a statement raises that was stopped because nobody waits for it any more; None for any other failure."""
    if _state_of(error) not in _CANCELLED:
        return None
    return next((work.ended() for work in (READS.get(), WORK.get()) if work is not None and work.left), None)


def _state_of(error: Exception) -> str:
    """The SQLSTATE of a failure, "" where it has none."""
    return str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")


def _count(error: Exception, told: Exception) -> None:
    """Count what was refused because the database is busy, or away."""
    if isinstance(error, PoolTimeoutError):
        refused("connections")
    elif isinstance(told, Unavailable):
        refused(_LIMITS.get(_state_of(error), "database"))
