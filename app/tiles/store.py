"""Asks the database for the layers of a tile: one statement a tile."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from app.database.transactions import Connection
from app.inventory.changes import raw
from app.inventory.store import numbered as by_number
from app.tiles.attributes import FULL_FROM
from app.tiles.counts import Boxes
from app.tiles.grid_store import read_boxes
from app.tiles.layer_sql import DRAWN_BOX, drawn_sql, matched_sql, numbered, tile_values
from app.tiles.layers import Layer
from app.tiles.limits import Size
from app.tiles.matrix import Tile


@dataclass(frozen=True, slots=True)
class Drawn:
    """A layer as the database drew it: MVT, its size, how many taken rows `met` the tile's square and are `shown`."""

    body: bytes
    met: int
    shown: int
    size: Size


def draw(conn: Connection, layers: Sequence[Layer], tile: Tile, limits: Sequence[int]) -> list[Drawn]:
    """Each layer with at most as many features as its limit."""
    if not layers:
        return []
    parts, values = [], tile_values(tile)
    for place, (layer, limit) in enumerate(zip(layers, limits, strict=True)):
        sql, bound = numbered(layer, drawn_sql(layer, tile, limit), place)
        parts.append(f"({sql})")
        values |= bound
    rows = _execute(conn, " UNION ALL ".join(parts), values, keep=_is_usual(layers, tile))
    return [
        Drawn(bytes(body or b""), met, shown, Size(limit, taken, drawn, len(body or b"")))
        for (body, taken, drawn, met, shown), limit in zip(rows, limits, strict=True)
    ]


def count(conn: Connection, layer: Layer, tile: Tile, limit: int) -> int:
    """The features whose box meets the tile's square, counted up to `limit`."""
    sql, bound = numbered(layer, matched_sql(layer, limit), 0)
    return int(_execute(conn, sql, {**tile_values(tile), **bound})[0][0])


def boxes_in(conn: Connection, layer: Layer, tile: Tile) -> Boxes:
    """The boxes of a layer's features that meet the tile or the edge around it."""
    return read_boxes(conn, layer, f"geom && {DRAWN_BOX}", **tile_values(tile))


def run_exists(conn: Connection, run: uuid.UUID) -> bool:
    """Whether a run is saved."""
    found = raw(conn).execute("SELECT EXISTS (SELECT FROM city.coverage_runs WHERE id = %s)", [run])
    return bool((found.fetchone() or [False])[0])


def _is_usual(layers: Sequence[Layer], tile: Tile) -> bool:
    """Whether the statement is that of all large tiles of a class: kept by the server, it saves half a millisecond."""
    (layer, *others) = layers
    return not others and layer.is_whole and tile.z >= max(FULL_FROM, layer.last_zoom)


def _execute(conn: Connection, query: str, values: Mapping[str, Any], *, keep: bool = False) -> list[Any]:
    # Others are never prepared: a plan made for any box would scan a class for the smallest. Binary, or bytes come as
    # hexadecimal digits.
    statement, bound = by_number(query, values)
    return psycopg.RawCursor(raw(conn)).execute(statement, bound, prepare=keep, binary=True).fetchall()
