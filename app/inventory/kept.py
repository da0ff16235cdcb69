"""What readings keep between requests: results at a data version, by database and by the scope they were read in.

The longest unasked are dropped, so that whoever asks in many scopes does not push out what all others share.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock, RLock
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection

from app.database.scope import scope_key

T = TypeVar("T")

#: Questions whose results are kept for one database, and of each the versions that were asked for last: a class that
#: many edit has a new one every second, and nobody asks for the one before again.
LIMIT, VERSIONS = 3_000, 2
Key = tuple[object, ...]

_kept: WeakKeyDictionary[Any, OrderedDict[Key, dict[Key, Any]]] = WeakKeyDictionary()
#: What is being made now, with a lock that who makes it holds.
_making: WeakKeyDictionary[Any, dict[Key, RLock]] = WeakKeyDictionary()
_lock = Lock()


def once(conn: Connection, key: Key, make: Callable[[], T]) -> T:
    """`make()` once for each key, database and scope; the key must name every data version that it was read from.

    The numbers in a key are taken for versions: of keys that differ in them alone the last ones are kept. Of many who
    ask at once one makes it and the others wait for that; where it fails the next one tries.
    """
    key = (scope_key(), *key)
    question = _without_numbers(key)
    found = _find(conn, question, key)
    if found:
        return cast("T", found[0])
    with _lock:
        making = _making.setdefault(conn.engine, {})
        turn = making.setdefault(key, RLock())
    with turn:
        found = _find(conn, question, key)
        if found:
            return cast("T", found[0])
        try:
            made = make()
            _keep(conn, question, key, made)
        finally:
            with _lock:
                making.pop(key, None)
    return made


def _find(conn: Connection, question: Key, key: Key) -> tuple[Any, ...]:
    """The result in a tuple, where it is kept."""
    with _lock:
        known = _kept.setdefault(conn.engine, OrderedDict())
        results = known.get(question, {})
        if key not in results:
            return ()
        known.move_to_end(question)
        return (results[key],)


def _keep(conn: Connection, question: Key, key: Key, made: object) -> None:
    with _lock:
        known = _kept[conn.engine]
        results = known.setdefault(question, {})
        results[key] = made
        while len(results) > VERSIONS:
            results.pop(next(iter(results)))
        known.move_to_end(question)
        while len(known) > LIMIT:
            known.popitem(last=False)


def _without_numbers(key: Key) -> Key:
    return tuple(
        _without_numbers(part) if isinstance(part, tuple) else part
        for part in key
        if not isinstance(part, int) or isinstance(part, bool)
    )


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
