"""A store for arrays; every key holds the data versions that its value was made from."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import date
from typing import NamedTuple, TypeVar, cast

T = TypeVar("T")
MISSING = object()


class Stamp(NamedTuple):
    """A class at a data version and, unless its current rows are meant, a day in the world, as part of a key.

    `as_of` is the first of the days on which the same is so, where that is known.
    `turned` is the day since which the same of its current rows stand: features are built and removed on days that
    they bear themselves, without a new version.
    """

    class_id: str
    version: int
    as_of: date | None = None
    turned: date | None = None

    @property
    def age(self) -> tuple[int, date]:
        """What grows whenever other rows are meant by "now"."""
        return self.version, self.turned or date.min


class ArrayCache:
    """Values by key. A newer stamp in a key drops every value of an older one; beyond `size` the oldest goes first.

    Beside what is made of current rows, values of at most `days` days of a class are kept: those last asked for.
    """

    def __init__(self, size: int = 256, days: int = 2) -> None:
        self._size = size
        self._days = days
        self._asked_days: defaultdict[str, OrderedDict[date, None]] = defaultdict(OrderedDict)
        self._values: OrderedDict[tuple[Hashable, ...], object] = OrderedDict()
        self._newest: dict[str, tuple[int, date]] = {}
        self._lock = threading.Lock()
        self._making: dict[tuple[Hashable, ...], threading.RLock] = {}

    def __len__(self) -> int:
        return len(self._values)

    @property
    def newest(self) -> int:
        """The highest data version of what is kept, 0 where nothing is."""
        return max((version for version, _ in list(self._newest.values())), default=0)

    def __contains__(self, key: tuple[Hashable, ...]) -> bool:
        """Whether a value is kept for the key."""
        return key in self._values

    def get(self, key: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """The value of a key, made once; two keys may be made at the same time, one key never twice."""
        with self._lock:
            self._drop_days(key)
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
            self._drop_days(key)

    def _drop(self, key: tuple[Hashable, ...]) -> None:
        for stamp in _stamps(key):
            if stamp.age > self._newest.get(stamp.class_id, (stamp.version - 1, date.max)):
                self._newest[stamp.class_id] = stamp.age
                self._drop_older(stamp)
        while len(self._values) > self._size:
            self._values.popitem(last=False)

    def _drop_older(self, newest: Stamp) -> None:
        for key in list(self._values):
            if any(_older(stamp, newest) for stamp in _stamps(key)):
                del self._values[key]

    def _drop_days(self, key: tuple[Hashable, ...]) -> None:
        for stamp in _stamps(key):
            if stamp.as_of is not None:
                self._drop_day(stamp.class_id, stamp.as_of)

    def _drop_day(self, class_id: str, asked: date) -> None:
        days = self._asked_days[class_id]
        days[asked] = None
        days.move_to_end(asked)
        while len(days) > self._days:
            gone = (class_id, days.popitem(last=False)[0])
            for other in list(self._values):
                if any((stamp.class_id, stamp.as_of) == gone for stamp in _stamps(other)):
                    del self._values[other]


class Given(ArrayCache):
    """A cache over another one, to which some values are given; keys of unstamped objects are not kept in the other."""

    def __init__(self, below: ArrayCache, values: Mapping[tuple[Hashable, ...], object]) -> None:
        super().__init__()
        self._below = below
        self._given = dict(values)

    def get(self, key: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """The value given, else that of the cache below."""
        return cast("T", self._given[key]) if key in self._given else self._below.get(key, make)


class Apart(ArrayCache):
    """A cache over another one that keeps what is made of some classes to itself: they are read otherwise here."""

    def __init__(self, below: ArrayCache, classes: frozenset[str]) -> None:
        super().__init__()
        self._below = below
        self._classes = classes

    def get(self, key: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """The value of a key, made once: here where a class of this cache is in the key, else below."""
        own = any(stamp.class_id in self._classes for stamp in _stamps(key))
        return super().get(key, make) if own else self._below.get(key, make)


def _older(stamp: Stamp, newest: Stamp) -> bool:
    """Whether a stamp is of rows before those of the newest stamp of its class; a past day stays what it was."""
    if stamp.class_id != newest.class_id:
        return False
    return stamp.version < newest.version or (stamp.as_of is None and stamp.age < newest.age)


def _stamps(key: tuple[Hashable, ...]) -> Iterator[Stamp]:
    for part in key:
        if isinstance(part, Stamp):
            yield part
        elif isinstance(part, tuple):
            yield from _stamps(part)
