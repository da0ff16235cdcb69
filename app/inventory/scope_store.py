"""Between which ids the rows lie that a scope sees: rows of a district lie together, as its file brought them.

A page of a class is read in order of ids. Who sees one district of a large class would else wait until the database has
gone through the rows of all districts before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.database.scope import SCOPE
from app.inventory.changes import data_version, find_relocated, raw
from app.inventory.periods import today
from app.inventory.tables import table_name

#: Ranges kept for one database.
KEPT = 3_000


@dataclass(frozen=True, slots=True)
class _Kept:
    """First and last id, both 0 where no row is seen; the data version and day of which that is true."""

    first: int
    last: int
    version: int
    day: Any


_kept: WeakKeyDictionary[Any, dict[tuple[str, str], _Kept]] = WeakKeyDictionary()
_lock = Lock()


def seen_ids(conn: Connection, cls: FeatureClass) -> tuple[int, int] | None:
    """Ids between which all current rows lie that the scope sees; None where that is not worth asking: it sees all."""
    scope = SCOPE.get()
    if scope is None or scope.everywhere:
        return None
    key, version = (scope.key, cls.id), data_version(conn, cls)
    with _lock:
        known = _kept.setdefault(conn.engine, {})
        found = known.get(key)
    if found is None or (found.version, found.day) != (version, today()):
        found = _read(conn, cls, found, version)
        with _lock:
            known.pop(key, None)
            known[key] = found
            while len(known) > KEPT:
                known.pop(next(iter(known)))
    return found.first, found.last


def _read(conn: Connection, cls: FeatureClass, before: _Kept | None, version: int) -> _Kept:
    """The range of now: the one before and what was written since, where only that can have come into the scope."""
    day = today()
    grown = (
        before is not None and before.day == day and find_relocated(conn, cls) <= before.version <= version
    )
    since = f" WHERE change_id > {before.version}" if before is not None and grown else ""
    # Not min(id): the planner would look for it from the first row on.
    row = (
        raw(conn)
        .execute(f"SELECT min(id + 0), max(id + 0) FROM {table_name(cls)}{since}".encode())
        .fetchone()
    )
    ends = [one for one in row or () if one is not None]
    if before is not None and grown and before.last:
        ends += [before.first, before.last]
    return _Kept(min(ends, default=0), max(ends, default=0), version, day)
