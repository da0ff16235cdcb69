"""The features that small scales draw, largest first, in memory by data version: a tile takes those that meet it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from app.database.scope import scope_key
from app.database.transactions import Connection
from app.inventory.changes import raw
from app.inventory.periods import today
from app.inventory.tables import quoted
from app.tiles.layer_sql import MARGIN, size_of, tile_values
from app.tiles.layers import Layer
from app.tiles.matrix import Tile

#: Features of a class that are kept at most: as many are read in less time than a tile may take.
MOST = 30_000
#: Rankings that are kept for one database: at most 1.7 MB each.
KEPT = 24
_ENDS = ("ST_XMin(geom)", "ST_YMin(geom)", "ST_XMax(geom)", "ST_YMax(geom)")


@dataclass(frozen=True, slots=True)
class Ranking:
    """n features, largest first, then by id.

    `box` (4, n) west, south, east, north in degrees; `size` (n,) in metres or square metres, NaN where unknown; `zoom`
    (n,) from which on each is drawn; `id` (n,).
    """

    box: NDArray[np.float64]
    size: NDArray[np.float64]
    zoom: NDArray[np.int64]
    id: NDArray[np.int64]

    def first(self, tile: Tile, least: float, limit: int) -> list[int]:
        """The ids of the largest that a tile with its edge draws, none of them smaller than `least`."""
        west, south, east, north = tile.lonlat(MARGIN)
        left, bottom, right, top = self.box
        met = (right >= west) & (left <= east) & (top >= south) & (bottom <= north)
        drawn = met & (self.zoom <= tile.z) & ~(self.size < least)
        found: list[int] = self.id[np.flatnonzero(drawn)[:limit]].tolist()
        return found


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int | str
    day: date
    ranking: Ranking


_kept: WeakKeyDictionary[Any, dict[tuple[str, str, int], _Kept]] = WeakKeyDictionary()
_lock = Lock()


def largest(
    conn: Connection, layer: Layer, tile: Tile, limit: int, *, drawn_at: int, version: int | str
) -> list[int]:
    """The ids of the largest features that a tile draws, at most `limit`, of those that zoom `drawn_at` draws.

    `version` is the data version of the layer's class in this snapshot.
    """
    key = (scope_key(), layer.collection, drawn_at)
    with _lock:
        known = _kept.setdefault(conn.engine, {})
        found = known.get(key)
    if found is None or (found.version, found.day) != (version, today()):
        found = _Kept(version, today(), _read(conn, layer, drawn_at))
        with _lock:
            known.pop(key, None)
            known[key] = found
            while len(known) > KEPT:
                known.pop(next(iter(known)))
    (size,) = size_of(layer)
    return found.ranking.first(tile, float(tile_values(tile)[f"{size}_seen"]), limit)


def _read(conn: Connection, layer: Layer, drawn_at: int) -> Ranking:
    size = quoted(*size_of(layer))
    rows = (
        raw(conn)
        .execute(
            f"SELECT {', '.join(_ENDS)}, {size}, min_zoom, id FROM {layer.source} v "
            f"WHERE min_zoom <= {drawn_at} ORDER BY {size} DESC NULLS LAST, id".encode(),
            binary=True,
        )
        .fetchall()
    )
    columns = list(zip(*rows, strict=True)) or [()] * 7
    sizes = [np.nan if value is None else value for value in columns[4]]
    return Ranking(
        np.array(columns[:4], dtype=np.float64),
        np.array(sizes, dtype=np.float64),
        np.array(columns[5], dtype=np.int64),
        np.array(columns[6], dtype=np.int64),
    )
