"""The tables that all servers of the feature benchmark read: some features written as any are, then copied by SQL."""

from __future__ import annotations

import numpy as np
import psycopg
import shapely

from app.catalogue.model import Catalogue
from app.database.engine import Database
from app.database.server import admin_parameters
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from app.settings import Settings

#: 250,000 polygons of 16 corners, 20,000 points, 1,000,000 points.
POLYGONS, POINTS, MILLION = "buildings", "manholes", "street_trees"
SEEDS = 1000
COPIES = {POLYGONS: 250, POINTS: 20, MILLION: 1000}
WEST, SOUTH, SIDE = 115.80, 28.60, 0.02
CHANGE = Change("bench", "bench")


def fill(settings: Settings, catalogue: Catalogue, db: Database) -> None:
    """Write a thousand features of each class, then copy them side by side until there are as many as wanted."""
    rng = np.random.default_rng(2026)
    with db.write(timeout_s=0) as conn:
        write_batches(conn, catalogue, [_seeds(name, rng) for name in COPIES], CHANGE)
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as admin:
        for class_id, copies in COPIES.items():
            copy_aside(admin, class_id, copies, SIDE)


def _seeds(class_id: str, rng: np.random.Generator) -> Batch:
    places = np.stack((WEST + rng.uniform(0, SIDE, SEEDS), SOUTH + rng.uniform(0, SIDE, SEEDS)), axis=1)
    points = shapely.points(places)
    numbers = range(SEEDS)
    columns: dict[str, list[object]] = {
        "name_zh": [f"示例{n}" for n in numbers],
        "owner": ["市住房和城乡建设局"] * SEEDS,
        "address": [f"滨江路{n}号" for n in numbers],
    }
    if class_id == POLYGONS:
        columns |= {
            "storeys": [1 + n % 30 for n in numbers],
            "height_m": [3.0 * (1 + n % 30) for n in numbers],
        }
        points = shapely.buffer(points, 0.0002, quad_segs=4)
    elif class_id == POINTS:
        columns |= {"depth_m": [0.5 + n % 40 / 10 for n in numbers]}
    return Batch(
        class_id, [f"{class_id[:2]}{n:04}" for n in numbers], np.asarray(points), columns, [None] * SEEDS
    )


def copy_aside(
    admin: psycopg.Connection[tuple[object, ...]], class_id: str, copies: int, side: float
) -> None:
    """Every row again `copies - 1` times, moved east and north by whole `side`s of the drawn square."""
    names = [
        str(row[0])
        for row in admin.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'city' AND table_name = %s "
            "AND column_name NOT IN ('id', 'code', 'geom') AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [class_id],
        )
    ]
    listed = ", ".join(f'"{name}"' for name in names)
    across = int(np.ceil(np.sqrt(copies)))
    admin.execute(
        f"INSERT INTO city.{class_id} (code, geom, {listed}) "
        f"SELECT code || '-' || k, ST_Translate(geom, {side} * (k %% {across}), {side} * (k / {across})), {listed} "
        f"FROM city.{class_id}, generate_series(1, %s) k".encode(),
        [copies - 1],
    )
    admin.execute(f"VACUUM ANALYZE city.{class_id}".encode())
