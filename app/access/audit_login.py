"""Notes logins that failed: under which name on record, how, why; and that somebody has to wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.access import people_store
from app.database.audit import Event, note, note_once
from app.database.scope import as_service
from app.database.transactions import Database
from app.errors import LoginFailed, TooMany

#: Whoever is told to wait is noted once in so many seconds, however often they ask.
AGAIN_S = 60


@contextmanager
def failures_noted(db: Database, means: str, name: str | None = None) -> Iterator[None]:
    """Note that the block refused a login, in a transaction of its own; of what was typed only a name on record."""
    try:
        yield
    except (LoginFailed, TooMany) as error:
        with as_service(), db.write(timeout_s=10) as conn:
            known = people_store.find_named(conn, name) if name and "\x00" not in name else None
            about = "unknown" if known is None else known.name
            if isinstance(error, TooMany):
                note_once(conn, Event.LOCKED_OUT, about, seconds=AGAIN_S, who="nobody", means=means)
            else:
                note(conn, Event.LOGIN_FAILED, about, who="nobody", means=means, why=error.message)
        raise
