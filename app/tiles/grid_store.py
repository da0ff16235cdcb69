"""Reads the boxes of a layer's features, and keeps its grid of them by data version, brought up to date after edits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from psycopg import sql

from app.catalogue.model import FeatureClass
from app.database.scope import scope_key
from app.database.transactions import Connection
from app.inventory.changes import find_relocated, raw
from app.inventory.periods import today
from app.inventory.store import numbered
from app.inventory.tables import quoted, readable_columns, table_name
from app.tiles.counts import Boxes, Grid, boxes, make_grid
from app.tiles.layers import Layer

#: Memory that a process keeps grids in, bytes, and how many; one of a city of 40 by 40 km takes 1 MB.
LIMIT_BYTES, LIMIT = 96 * 2**20, 300
#: Of so large a share of features changed, all of them are read anew.
MANY = 0.1
#: How long a whole class may be read, milliseconds.
SCAN_MS = 30_000
_TIMEOUT = "SELECT current_setting('statement_timeout')"
_LONGER = sql.SQL("SET LOCAL statement_timeout = {}")
#: An array in PostgreSQL's binary form: dimensions, whether it has nulls, type, length, first index; then its elements,
#: each with its size before it.
_HEAD = 20


@dataclass(slots=True)
class _Kept:
    """A grid, the data version and the day that it is of."""

    grid: Grid
    version: int | str
    day: date


@dataclass(slots=True)
class _Shelf:
    """The grids of one database, least recently used first, and a lock for each that is being made."""

    grids: OrderedDict[tuple[object, ...], _Kept] = field(default_factory=OrderedDict)
    making: dict[tuple[object, ...], Lock] = field(default_factory=dict)


_shelves: WeakKeyDictionary[Any, _Shelf] = WeakKeyDictionary()
_lock = Lock()


def find_grid(conn: Connection, layer: Layer, version: int | str) -> Grid | None:
    """The grid of a layer at a version, where it is kept."""
    key, day = _key(layer), today()
    with _lock:
        shelf = _shelves.setdefault(conn.engine, _Shelf())
        kept = shelf.grids.get(key)
        if kept is None or (kept.version, kept.day) != (version, day):
            return None
        shelf.grids.move_to_end(key)
        return kept.grid


def grid_of(conn: Connection, layer: Layer, version: int | str) -> Grid:
    """The grid of a layer's features; `version` is the data version of its class (or of the runs) in this snapshot."""
    found = find_grid(conn, layer, version)
    if found is not None:
        return found
    key = _key(layer)
    with _lock:
        shelf = _shelves[conn.engine]
        making = shelf.making.setdefault(key, Lock())
    # Many tiles are asked for at once when a map opens: one of them reads, the others wait for it.
    try:
        with making:
            kept, day = shelf.grids.get(key), today()
            if kept is None or (kept.version, kept.day) != (version, day):
                kept = _Kept(_brought(conn, layer, kept, version, day), version, day)
                with _lock:
                    shelf.grids.pop(key, None)
                    shelf.grids[key] = kept
                    _drop_oldest(shelf)
    finally:
        shelf.making.pop(key, None)
    return kept.grid


def _key(layer: Layer) -> tuple[object, ...]:
    return (scope_key(), layer.collection, layer.source, layer.where, repr(sorted(layer.values.items())))


def _drop_oldest(shelf: _Shelf) -> None:
    size = sum(kept.grid.nbytes for kept in shelf.grids.values())
    while (size > LIMIT_BYTES or len(shelf.grids) > LIMIT) and len(shelf.grids) > 1:
        size -= shelf.grids.popitem(last=False)[1].grid.nbytes


def _brought(conn: Connection, layer: Layer, kept: _Kept | None, version: int | str, day: date) -> Grid:
    """The grid of now: from the one before and what has changed since, where that is told, else read anew."""
    if kept is not None and layer.cls is not None and kept.day == day and isinstance(kept.version, int):
        found = _changes(conn, layer, layer.cls, kept, version)
        if found is not None:
            return found
    # It serves all tiles of a version, so it may take longer than one of them.
    before = raw(conn).execute(_TIMEOUT).fetchone() or ("0",)
    raw(conn).execute(_LONGER.format(SCAN_MS))
    grid = make_grid(read_boxes(conn, layer))
    raw(conn).execute(_LONGER.format(sql.Literal(before[0])))
    return grid


def _changes(
    conn: Connection, layer: Layer, cls: FeatureClass, kept: _Kept, version: int | str
) -> Grid | None:
    """The same, or None where the record of changes does not tell all, or too much."""
    grid, old = kept.grid, int(kept.version)
    # A day that passed moves versions between the tables without a change of theirs; it marks the class instead.
    if not layer.current or int(version) < old or find_relocated(conn, cls) > old:
        return None
    since = {**layer.values, "since": old, "today": kept.day}
    many = int(grid.total * MANY) + 1
    names = ", ".join(quoted(name) for name in readable_columns(cls))
    left = (
        f"(SELECT {names} FROM {table_name(cls, history=True)} "
        "WHERE until_change > %(since)s AND change_id <= %(since)s AND valid @> %(today)s::date)"
    )
    came = f"(SELECT {names} FROM {table_name(cls)} WHERE change_id > %(since)s)"
    added, removed = (_read(conn, layer, source, since, limit=many) for source in (came, left))
    if max(len(added), len(removed)) >= many or not (grid.fits(added) and grid.fits(removed)):
        return None
    return grid.changed(added, removed)


def read_boxes(conn: Connection, layer: Layer, condition: str = "TRUE", **values: Any) -> Boxes:
    """The boxes of a layer's features under one more condition."""
    return _read(conn, layer, layer.source, {**layer.values, **values}, condition)


def _read(
    conn: Connection,
    layer: Layer,
    source: str,
    values: Mapping[str, Any],
    condition: str = "TRUE",
    limit: int | None = None,
) -> Boxes:
    point = layer.cls is not None and layer.cls.geometry == "point"
    ends = ("ST_X", "ST_Y") if point else ("ST_XMin", "ST_YMin", "ST_XMax", "ST_YMax")
    kinds = list(kinds_of(layer))
    columns = [
        *(f"{end}(geom)" for end in ends),
        _kind(kinds),
        "0::int2" if layer.cls is None else "min_zoom",
    ]
    named = ", ".join(f"{column} AS c{place}" for place, column in enumerate(columns))
    rows = f"SELECT {named} FROM {source} v WHERE geom IS NOT NULL AND {condition} AND ({layer.where})"
    arrays = ", ".join(f"array_agg(c{place})" for place in range(len(columns)))
    rows += "" if limit is None else f" LIMIT {limit}"
    # A row a feature takes the driver seconds for a million of them; as arrays they are read without a loop.
    statement, bound = numbered(f"SELECT {arrays} FROM ({rows}) r", {**values, "kinds": kinds})
    result = psycopg.RawCursor(raw(conn)).execute(statement, bound, prepare=False, binary=True).pgresult
    assert result is not None
    given = [result.get_value(0, place) for place in range(len(columns))]
    numbers = [_array(value, ">f8") for value in given[: len(ends)]]
    kind, zoom = (_array(value, ">i2").astype(np.int64) for value in given[len(ends) :])
    lonlat = np.stack(numbers * 2 if point else numbers).astype(np.float64)
    return boxes(lonlat, kind, zoom)


def kinds_of(layer: Layer) -> tuple[str, ...]:
    """The kinds of a layer's features, by number from 1 on."""
    if layer.cls is None:
        return ()
    return next(
        (tuple(c.value for c in item.choices) for item in layer.cls.fields if item.name == "kind"), ()
    )


def _kind(kinds: list[str]) -> str:
    return "coalesce(array_position(%(kinds)s::text[], kind), 0)::int2" if kinds else "0::int2"


def _array(value: bytes | None, kind: str) -> np.ndarray[Any, Any]:
    """The elements of an array without nulls; none of nothing."""
    held = np.dtype([("size", ">i4"), ("value", kind)])
    return np.frombuffer(value or b"", held, offset=_HEAD if value else 0)["value"]
