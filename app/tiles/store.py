"""Asks the database for the layers of a tile: one statement a tile."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from app.database.scope import by_role
from app.database.transactions import Connection
from app.inventory.changes import raw
from app.inventory.store import numbered as by_number
from app.tiles.attributes import FULL_FROM
from app.tiles.counts import Boxes
from app.tiles.grid_store import read_boxes
from app.tiles.layer_sql import DRAWN_BOX, drawn_sql, is_affine, matched_sql, numbered, tile_values
from app.tiles.layers import Layer
from app.tiles.limits import Size, first_limit
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
    rows = _execute(
        conn, " UNION ALL ".join(parts), values, keep=len(layers) == 1 and is_usual(layers[0], tile)
    )
    return [_drawn(row, limit) for row, limit in zip(rows, limits, strict=True)]


def draw_usual(conn: Connection, layers: Sequence[Layer], tile: Tile) -> list[Drawn]:
    """Layers of which every one `is_usual`, each with at most as many features as are tried first.

    Where dozens of layers are asked for, planning takes six times as long as reading: the server keeps the statement
    with a plan for any box, right for all tiles so large, and an empty layer costs hardly anything.
    """
    limit = first_limit(tile.z)
    query, names = _usual_sql(layers, tile, limit)
    values = tile_values(tile)
    connection = raw(conn)
    connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    rows = psycopg.RawCursor(connection).execute(
        query, [values[name] for name in names], prepare=True, binary=True
    )
    found = [_drawn(row, limit) for row in rows.fetchall()]
    connection.execute("SET LOCAL plan_cache_mode = auto")
    return found


#: Statements of `draw_usual`, by what decides them beside the classes, which are kept beside them.
_usual: OrderedDict[tuple[object, ...], tuple[Sequence[Layer], bytes, list[str]]] = OrderedDict()
USUAL = 100


def _usual_sql(layers: Sequence[Layer], tile: Tile, limit: int) -> tuple[bytes, list[str]]:
    """The statement, and the names of the values that are bound in it."""
    key = (
        by_role(""),
        is_affine(tile),
        limit,
        *((id(layer.cls), layer.source, layer.properties) for layer in layers),
    )
    found = _usual.get(key)
    if found is None:
        sql = by_role(" UNION ALL ".join(f"({drawn_sql(layer, tile, limit)})" for layer in layers))
        names = {name: name for name in tile_values(tile)}
        found = _usual[key] = (layers, *by_number(sql, names))
        while len(_usual) > USUAL:
            _usual.popitem(last=False)
    return found[1], found[2]


def _drawn(row: Any, limit: int) -> Drawn:
    body, taken, drawn, met, shown = row
    return Drawn(bytes(body or b""), met, shown, Size(limit, taken, drawn, len(body or b"")))


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


def is_usual(layer: Layer, tile: Tile) -> bool:
    """Whether the statement is that of all large tiles of a class: kept by the server, it saves half a millisecond."""
    return layer.is_whole and tile.z >= max(FULL_FROM, layer.last_zoom)


def _execute(conn: Connection, query: str, values: Mapping[str, Any], *, keep: bool = False) -> list[Any]:
    # Others are never prepared: a plan made for any box would scan a class for the smallest. Binary, or bytes come as
    # hexadecimal digits.
    statement, bound = by_number(by_role(query) if keep else query, values)
    return psycopg.RawCursor(raw(conn)).execute(statement, bound, prepare=keep, binary=True).fetchall()
