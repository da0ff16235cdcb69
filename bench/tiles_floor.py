"""The floor of a tile: the fastest `SELECT ST_AsMVT` that we know for the same features and attributes, no HTTP."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from typing import Any

import mapbox_vector_tile
import psycopg

from app.database.server import admin_parameters
from app.settings import Settings
from app.tiles.matrix import BUFFER, EXTENT, Tile

CONNECTIONS = 8
DERIVED = {"valid_from": "lower(valid)", "valid_to": "upper(valid) - 1"}
#: How shapes come into the tile: through the Mercator plane, as PostGIS has it; straight from degrees, which is
#: within a tenth of a unit of it at these zooms.
WAYS = {
    "ST_AsMVT": "ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope({z}, {col}, {row}), {extent}, {buffer})",
    "ST_AsMVT from degrees": "ST_AsMVTGeom(geom, ST_MakeEnvelope({west}, {south}, {east}, {north}, 4326)::box2d, "
    "{extent}, {buffer})",
}


def statements(class_id: str, way: str, tiles: Sequence[Tile], body: bytes) -> list[bytes]:
    """A statement for each tile; it shows the attributes that the tile `body` has."""
    layer = mapbox_vector_tile.decode(body)[class_id]
    names = sorted({name for item in layer["features"] for name in item["properties"]})
    columns = ", ".join(f'{DERIVED.get(name, chr(34) + name + chr(34))} AS "{name}"' for name in names)
    return [_statement(class_id, WAYS[way], columns, tile) for tile in tiles]


def _statement(class_id: str, shape: str, columns: str, tile: Tile) -> bytes:
    west, south, east, north = tile.lonlat()
    placed = shape.format(
        z=tile.z, row=tile.row, col=tile.col, west=west, south=south, east=east, north=north, extent=EXTENT,
        buffer=BUFFER,
    )  # fmt: skip
    around = ", ".join(map(str, tile.lonlat(BUFFER / EXTENT)))
    return (
        f"SELECT ST_AsMVT(t, '{class_id}', {EXTENT}, 'shape', 'id') FROM (SELECT id, {columns}, {placed} AS shape "
        f"FROM city.{class_id} WHERE geom && ST_MakeEnvelope({around}, 4326)) t WHERE shape IS NOT NULL"
    ).encode()


def one_client_ms(settings: Settings, asked: Sequence[bytes]) -> list[float]:
    """How long each statement takes one client that keeps its connection."""
    took = []
    with _connect(settings) as conn:
        for statement in asked:
            started = time.perf_counter()
            conn.execute(statement, binary=True).fetchall()
            took.append((time.perf_counter() - started) * 1000)
    return took


def rate(settings: Settings, asked: Sequence[bytes], seconds: float) -> float:
    """Tiles a second over 8 connections, one tile after another."""
    counts = [0] * CONNECTIONS
    turns = itertools.cycle(asked)
    lock = threading.Lock()
    until = time.monotonic() + seconds

    def work(place: int) -> None:
        with _connect(settings) as conn:
            while time.monotonic() < until:
                with lock:
                    statement = next(turns)
                conn.execute(statement, binary=True).fetchall()
                counts[place] += 1

    workers = [threading.Thread(target=work, args=(place,)) for place in range(CONNECTIONS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / seconds


def _connect(settings: Settings) -> psycopg.Connection[Any]:
    conn = psycopg.connect(**admin_parameters(settings), autocommit=True)
    conn.execute("SET max_parallel_workers_per_gather = 0; SET jit = off")
    return conn
