"""Layers of tiles of small scales as they were built: an edit of one class leaves those of the others as they are.

Most tiles of a large scale are asked for once, and hold little; a tile of a small scale is asked for by everybody, and
every edit in the city changes it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from app.database.scope import scope_key
from app.database.transactions import Connection
from app.inventory.periods import today
from app.tiles.attributes import FULL_FROM
from app.tiles.layers import Layer
from app.tiles.matrix import Tile

#: What a process keeps of them, bytes, and what an entry takes beside the bytes of its layer.
LIMIT_BYTES, ENTRY_BYTES = 16 * 2**20, 600
Key = tuple[Hashable, ...]


@dataclass(slots=True)
class _Shelf:
    parts: OrderedDict[Key, tuple[Any, int]] = field(default_factory=OrderedDict)
    size: int = 0


_shelves: WeakKeyDictionary[Any, _Shelf] = WeakKeyDictionary()
_lock = Lock()


def part_key(layer: Layer, version: int | str, tile: Tile, *what: Hashable) -> Key | None:
    """Names what is built of a layer in a tile, by all that decides it; None where it is not worth keeping."""
    if tile.z >= FULL_FROM:
        return None
    values = repr(sorted(layer.values.items()))
    asked = (layer.collection, id(layer.cls), layer.source, layer.where, values, layer.properties)
    return (scope_key(), *asked, version, today(), tile, *what)


def find_part(conn: Connection, key: Key | None) -> Any:
    """What was kept under a key, None where there is nothing."""
    if key is None:
        return None
    with _lock:
        shelf = _shelves.get(conn.engine)
        found = None if shelf is None else shelf.parts.get(key)
        if shelf is None or found is None:
            return None
        shelf.parts.move_to_end(key)
        return found[0]


def keep_part(conn: Connection, key: Key | None, part: Any, nbytes: int) -> None:
    """Keep what was built, of so many bytes; those not asked for the longest go first."""
    if key is None:
        return
    size = nbytes + ENTRY_BYTES
    with _lock:
        shelf = _shelves.setdefault(conn.engine, _Shelf())
        before = shelf.parts.pop(key, None)
        shelf.parts[key] = (part, size)
        shelf.size += size - (before[1] if before else 0)
        while shelf.size > LIMIT_BYTES:
            shelf.size -= shelf.parts.popitem(last=False)[1][1]
