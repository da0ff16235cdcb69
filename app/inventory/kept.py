"""What readings keep between requests: results at a data version, by database and by the scope they were read in.

The longest unasked are dropped, so that whoever asks in many scopes does not push out what all others share.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from app.database.scope import scope_key

T = TypeVar("T")

#: Results kept for one database.
LIMIT = 3_000

_kept: WeakKeyDictionary[Any, dict[tuple[object, ...], Any]] = WeakKeyDictionary()
_lock = Lock()


def once(conn: Connection, key: tuple[object, ...], make: Callable[[], T]) -> T:
    """`make()` once for each key, database and scope; the key must name every data version that it was read from."""
    key = (scope_key(), *key)
    with _lock:
        known = _kept.setdefault(conn.engine, {})
        if key in known:
            found = known[key] = known.pop(key)
            return cast("T", found)
    made = make()
    with _lock:
        known.pop(key, None)
        while len(known) >= LIMIT:
            known.pop(next(iter(known)))
        known[key] = made
    return made


_latest: WeakKeyDictionary[Any, dict[str, tuple[object, Any]]] = WeakKeyDictionary()


def latest(conn: Connection, name: str, version: object, make: Callable[[], T]) -> T:
    """`make()` once for each version, of which the one asked for last is kept: for what is large and the same for all.

    It must not depend on the scope.
    """
    with _lock:
        known = _latest.setdefault(conn.engine, {})
        if name in known and known[name][0] == version:
            return cast("T", known[name][1])
    made = make()
    with _lock:
        known[name] = (version, made)
    return made


#: Numbers kept for one database: addresses may ask for anything, so they must not push out what is dear to find.
COUNTS = 1_000
_counts: WeakKeyDictionary[Any, dict[tuple[object, ...], tuple[int, bool]]] = WeakKeyDictionary()


def find_count(conn: Connection, key: tuple[object, ...]) -> tuple[int, bool] | None:
    """How many rows a question was found to match, and whether exactly; None where it is not kept."""
    with _lock:
        return _counts.setdefault(conn.engine, {}).get((scope_key(), *key))


def keep_count(conn: Connection, key: tuple[object, ...], count: tuple[int, bool]) -> None:
    """Keep how many rows a question matches; the key must name the data version that it was counted at."""
    with _lock:
        known = _counts.setdefault(conn.engine, {})
        while len(known) >= COUNTS:
            known.pop(next(iter(known)))
        known[scope_key(), *key] = count
