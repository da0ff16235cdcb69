"""Tiles built in a test and read back by mapbox-vector-tile, an independent decoder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import mapbox_vector_tile
import numpy as np
import shapely
from pyproj import Transformer

from app.catalogue.model import Catalogue
from app.database.engine import Database
from app.database.transactions import Connection
from app.inventory.batch import Batch
from app.inventory.service import write_batches
from app.settings import Settings
from app.tiles.asked import TilesAsked
from app.tiles.layers import Built
from app.tiles.matrix import EXTENT, Tile
from app.tiles.plan import plan_of
from app.tiles.service import build
from bench.places import place
from tests.clones import clone, opened
from tests.inventory.town import CHANGE, LAT, LON, STEP, batch, square
from tests.inventory.town import place as place_of

#: The drawn town with what hangs over its edges.
TOWN = (LON - STEP, LAT - STEP, LON + 1.5 * STEP, LAT + 1.5 * STEP)
MERCATOR = Transformer.from_crs(4326, 3857, always_xy=True)


def tile_at(z: int, lon: float, lat: float) -> Tile:
    row, col = place(lon, lat, z)
    return Tile(z, row, col)


def built(conn: Connection, catalogue: Catalogue, tile: Tile, *collections: str, **asked: Any) -> Built:
    """The tile of collections (none: the default ones) with what an address may say of it."""
    plan = plan_of(conn, catalogue, collections or None, TilesAsked(**asked))
    return build(conn, plan, tile)


def decoded(body: bytes) -> dict[str, list[dict[str, Any]]]:
    """Layer → features with `id`, `properties` and `shape` in units of the tile's grid, y from the north."""
    layers = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})
    for layer in layers.values():
        assert layer["extent"] == EXTENT
        assert layer["version"] == 2
        for feature in layer["features"]:
            feature["shape"] = shapely.geometry.shape(feature["geometry"])
    return {name: layer["features"] for name, layer in layers.items()}


def units(tile: Tile, lon: float, lat: float) -> tuple[float, float]:
    """A place in units of the tile's grid as pyproj has it, y from the north."""
    west, south, east, north = tile.bounds
    x, y = MERCATOR.transform(lon, lat)
    return (x - west) / (east - west) * EXTENT, (north - y) / (north - south) * EXTENT


@contextmanager
def tiled_town(
    cluster_settings: Settings, template: str, catalogue: Catalogue, *batches: Batch
) -> Iterator[Database]:
    """A database that holds some batches."""
    with clone(cluster_settings, template) as settings, opened(settings) as db:
        with db.write() as conn:
            write_batches(conn, catalogue, list(batches), CHANGE)
        yield db


def points(class_id: str, count: int, seed: int, **columns: Any) -> Batch:
    """Points strewn over the drawn town."""
    places = np.random.default_rng(seed).uniform(-2, 2, (count, 2))
    return batch(class_id, {f"{class_id}{n}": place_of(*xy) for n, xy in enumerate(places)}, columns)


def squares(class_id: str, count: int, seed: int, largest: float = 0.6, **columns: Any) -> Batch:
    """Squares of all sizes up to `largest` hundredths of a degree, strewn over the drawn town and beyond its edges."""
    rng = np.random.default_rng(seed)
    sides = largest * rng.uniform(0.05, 1, count) ** 3
    places = rng.uniform(-2, 2, (count, 2))
    shapes = {
        f"{class_id}{n}": square(*xy, side) for n, (xy, side) in enumerate(zip(places, sides, strict=True))
    }
    return batch(class_id, shapes, columns)


def rows_of(conn: Connection, sql: str) -> list[Any]:
    return list(conn.exec_driver_sql(sql).fetchall())


def bounds_of(conn: Connection, class_id: str) -> dict[int, tuple[float, float, float, float]]:
    """Id → west, south, east, north as shapely has them."""
    rows = rows_of(conn, f"SELECT id, ST_AsBinary(geom) FROM city.{class_id} ORDER BY id")
    return {row[0]: shapely.from_wkb(bytes(row[1])).bounds for row in rows}


def meeting(tile: Tile, bounds: dict[int, tuple[float, float, float, float]]) -> set[int]:
    """The ids of those whose box meets the tile's square, found in Mercator metres by pyproj."""
    west, south, east, north = tile.bounds
    boxes = np.array(list(bounds.values())).T
    left, bottom = MERCATOR.transform(boxes[0], boxes[1])
    right, top = MERCATOR.transform(boxes[2], boxes[3])
    met = (right >= west) & (left < east) & (bottom <= north) & (top > south)
    return set(np.array(list(bounds))[met].tolist())
