"""A store for arrays; every key holds the data versions that its value was made from."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import NamedTuple, TypeVar, cast

T = TypeVar("T")
MISSING = object()


class Stamp(NamedTuple):
    """A class at a data version, as part of a key."""

    class_id: str
    version: int


class ArrayCache:
    """Values by key. A newer stamp in a key drops every value of an older one; beyond `size` the oldest goes first."""

    def __init__(self, size: int = 128) -> None:
        self._size = size
        self._values: OrderedDict[tuple[Hashable, ...], object] = OrderedDict()
        self._newest: dict[str, int] = {}
        self._lock = threading.Lock()
        self._making: dict[tuple[Hashable, ...], threading.RLock] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """The value of a key, made once; two keys may be made at the same time, one key never twice."""
        with self._lock:
            making = self._making.setdefault(key, threading.RLock())
        with making:
            found = self._find(key)
            if found is MISSING:
                found = make()
                self._keep(key, found)
        return cast("T", found)

    def _find(self, key: tuple[Hashable, ...]) -> object:
        with self._lock:
            if key not in self._values:
                return MISSING
            self._values.move_to_end(key)
            return self._values[key]

    def _keep(self, key: tuple[Hashable, ...], value: object) -> None:
        with self._lock:
            self._values[key] = value
            self._making.pop(key, None)
            self._drop(key)

    def _drop(self, key: tuple[Hashable, ...]) -> None:
        for stamp in _stamps(key):
            if stamp.version > self._newest.get(stamp.class_id, stamp.version - 1):
                self._newest[stamp.class_id] = stamp.version
                self._drop_older(stamp)
        while len(self._values) > self._size:
            self._values.popitem(last=False)

    def _drop_older(self, newest: Stamp) -> None:
        for key in list(self._values):
            if any(s.class_id == newest.class_id and s.version < newest.version for s in _stamps(key)):
                del self._values[key]


def _stamps(key: tuple[Hashable, ...]) -> Iterator[Stamp]:
    return (part for part in key if isinstance(part, Stamp))
