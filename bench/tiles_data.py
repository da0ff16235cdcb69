"""The tables that all servers of the tile benchmark read, and the places in them that are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import psycopg
import shapely

from app.catalogue.model import Catalogue
from app.database.engine import Database
from app.database.server import admin_parameters
from app.inventory.batch import Batch
from app.inventory.service import write_batches
from app.settings import Settings
from app.tiles.matrix import Tile
from bench.features_data import CHANGE, copy_aside
from bench.places import place, tiles_over

#: 250,000 polygons that zoom 14 draws one by one and zoom 10 as clusters; 250,000 of which zoom 10 draws the largest,
#: by an area rule; 1,000,000 points.
PLAIN, RANKED, MILLION = "residential_areas", "water_bodies", "street_trees"
SEEDS = 1000
COPIES = {PLAIN: 250, RANKED: 250, MILLION: 1000}
WEST, SOUTH = 115.68, 28.32
#: Side of the square of the seeds in degrees: the first class lies so that a tile of zoom 14 takes some 50 KB, the
#: others fit into one tile of zoom 10.
SIDES = {PLAIN: 0.031, RANKED: 0.018, MILLION: 0.0095}
#: Of the ranked class one in so many is 14 ha, which zoom 10 draws; the others are a tenth of a hectare.
LARGE = 30
LARGE_DEG, SMALL_DEG = 0.0021, 0.0002


def fill(settings: Settings, catalogue: Catalogue, db: Database) -> None:
    """Write a thousand features of each class, then copy them side by side until there are as many as wanted."""
    rng = np.random.default_rng(2026)
    with db.write(timeout_s=0) as conn:
        write_batches(conn, catalogue, [_seeds(name, rng) for name in COPIES], CHANGE)
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as admin:
        for class_id, copies in COPIES.items():
            copy_aside(admin, class_id, copies, SIDES[class_id])


def _seeds(class_id: str, rng: np.random.Generator) -> Batch:
    side = SIDES[class_id]
    shapes = np.asarray(
        shapely.points(
            np.stack((WEST + rng.uniform(0, side, SEEDS), SOUTH + rng.uniform(0, side, SEEDS)), axis=1)
        )
    )
    numbers = range(SEEDS)
    if class_id != MILLION:
        large = np.array([class_id == RANKED and n % LARGE == 0 for n in numbers])
        shapes = np.asarray(shapely.buffer(shapes, np.where(large, LARGE_DEG, SMALL_DEG), quad_segs=4))
    columns: dict[str, list[object]] = {
        "name_zh": [f"示例{n}" for n in numbers],
        "owner": ["市住房和城乡建设局"] * SEEDS,
        "address": [f"滨江路{n}号" for n in numbers],
    }
    codes = [f"{class_id[:2]}{n:04}" for n in numbers]
    return Batch(class_id, codes, shapes, columns, [None] * SEEDS)


def tiles_of(class_id: str, z: int) -> list[Tile]:
    """The tiles of a zoom that lie wholly in the square of a class."""
    across = int(np.ceil(np.sqrt(COPIES[class_id]))) * SIDES[class_id]
    # Less a row of copies that may not be full.
    box = (WEST, SOUTH, WEST + across, SOUTH + across - SIDES[class_id])
    return list(tiles_over(z, box, inset=1))


def any_tiles(class_id: str, count: int, zoom: int | None = None) -> Iterator[Tile]:
    """Tiles of a zoom, or of all from 0 to 18 in turn, at places of chance in the square of a class."""
    rng = np.random.default_rng(7)
    across = int(np.ceil(np.sqrt(COPIES[class_id]))) * SIDES[class_id]
    for n in range(count):
        lon, lat = WEST + rng.uniform(0, across), SOUTH + rng.uniform(0, across)
        z = n % 19 if zoom is None else zoom
        yield Tile(z, *place(lon, lat, z))
