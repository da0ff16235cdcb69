"""What two times and areas cost: bulk load with and without areas, reads with and without versions, `as_of`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import psycopg
import shapely

from app import console
from app.catalogue.model import Catalogue
from app.database.engine import Connection, Database
from app.database.server import admin_parameters
from app.inventory.arrays import read_arrays
from app.inventory.batch import Batch, Change, Period
from app.inventory.query import FeatureQuery
from app.inventory.service import data_version, write_batches
from app.inventory.store import features_page
from app.inventory.times import NOW, Times
from app.settings import Settings
from bench.scratch import scratch
from bench.tools import best_of, race, table

#: The class that is loaded, its rows, those that have ten versions each, and the box of the city in degrees.
CLASS, ROWS, VERSIONED, VERSIONS = "residential_areas", 100_000, 50_000, 10
BOX = (115.5, 28.4, 116.1, 29.0)
#: Areas side by side at each level: 1 city, 9 districts, 81 subdistricts, 729 communities.
SIDES = {"city": 1, "district": 3, "subdistrict": 9, "community": 27}
CHANGE = Change("bench", "bench")


def run(*, peers: bool) -> None:
    """Print the ratios that the bars name; the floor of a load is a bare COPY of the same columns."""
    del peers
    with scratch() as (settings, catalogue, db):
        rows = [*_load(settings, catalogue, db), *_read(settings, catalogue, db)]
    table(f"Inventory: {ROWS:,} polygons loaded, {VERSIONED:,} of {VERSIONS} versions each read", rows)


def _load(settings: Settings, catalogue: Catalogue, db: Database) -> list[tuple[str, str]]:
    batch = _squares(ROWS)
    bare = min(_timed(settings, catalogue, db, batch) for _ in range(3))
    with db.write() as conn:
        write_batches(conn, catalogue, [_areas()], CHANGE)
    with_areas = min(_timed(settings, catalogue, db, batch) for _ in range(3))
    return [
        ("load without areas", f"{bare:8.2f} s"),
        ("load, each feature in five areas", f"{with_areas:8.2f} s"),
        ("  ratio", f"{with_areas / bare:8.2f} ×   (bar: ≤ 1.30 ×)"),
    ]


def _timed(settings: Settings, catalogue: Catalogue, db: Database, batch: Batch) -> float:
    """Seconds of one first load, commit and all."""
    _empty(settings)
    started = time.perf_counter()
    with db.write(timeout_s=0) as conn:
        write_batches(conn, catalogue, [batch], CHANGE)
    return time.perf_counter() - started


def _empty(settings: Settings) -> None:
    with psycopg.connect(**admin_parameters(settings)) as admin:
        admin.execute(f"TRUNCATE city.{CLASS}, city.{CLASS}_history, city.search_entries".encode())


def _read(settings: Settings, catalogue: Catalogue, db: Database) -> list[tuple[str, str]]:
    _empty(settings)
    batch = _squares(VERSIONED)
    with db.write(timeout_s=0) as conn:
        write_batches(conn, catalogue, [batch], CHANGE)
    _vacuum(settings)
    before = _readings(db, catalogue, NOW)
    console.step(f"{VERSIONED * (VERSIONS - 1):,} versions more …")
    _add_versions(catalogue, db, batch)
    _vacuum(settings)
    now = _readings(db, catalogue, NOW)
    then = _readings(db, catalogue, Times(date(2015, 6, 1)))
    lines = [
        line
        for name in now
        for line in (
            (f"{name}: now, before there were versions", f"{before[name] * 1000:8.2f} ms"),
            (
                "  now, with versions",
                f"{now[name] * 1000:8.2f} ms, {now[name] / before[name]:.2f} × (bar: ≤ 1.10 ×)",
            ),
            ("  as_of", f"{then[name] * 1000:8.2f} ms, {then[name] / now[name]:.2f} × (bar: ≤ 2 ×)"),
        )
    ]
    return [*lines, ("data version of a class", f"{_version_ms(db, catalogue):8.3f} ms (bar: ≤ 0.2 ms)")]


def _vacuum(settings: Settings) -> None:
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as admin:
        admin.execute(f"VACUUM ANALYZE city.{CLASS}, city.{CLASS}_history".encode())


def _add_versions(catalogue: Catalogue, db: Database, batch: Batch) -> None:
    """One earlier version a year, as nine surveys would have brought them."""
    for year in range(2011, 2011 + VERSIONS - 1):
        period: Period = (date(year, 1, 1), date(year + 1, 1, 1))
        columns = {**batch.columns, "people": [year] * len(batch.codes)}
        with db.write(timeout_s=0) as conn:
            write_batches(
                conn, catalogue, [replace(batch, columns=columns, valid=[period] * len(batch.codes))], CHANGE
            )


def _readings(db: Database, catalogue: Catalogue, times: Times) -> dict[str, float]:
    """Seconds of the fastest of several reads of each kind."""
    middle = (BOX[0] + 0.25, BOX[1] + 0.25, BOX[0] + 0.35, BOX[1] + 0.35)
    page = FeatureQuery(CLASS, limit=1000, times=times, count="none")
    with db.read() as conn:
        works: dict[str, Callable[[], Any]] = {
            "1,000 items": lambda: features_page(conn, catalogue, page),
            "1,000 items in a box": lambda: features_page(conn, catalogue, replace(page, bbox=middle)),
            "the whole class as arrays": lambda: read_arrays(conn, catalogue, CLASS, ["people"], times=times),
        }
        for work in works.values():
            work()
        return dict(zip(works, race(7, *works.values()), strict=True))


def _version_ms(db: Database, catalogue: Catalogue) -> float:
    with db.read() as conn:
        return best_of(5, lambda: _ask_versions(conn, catalogue))[0] * 1000 / 100


def _ask_versions(conn: Connection, catalogue: Catalogue) -> None:
    for _ in range(100):
        data_version(conn, catalogue.classes[CLASS])


def _squares(count: int) -> Batch:
    """`count` parcels of about 30 m in rows over the box, with a name each."""
    side = int(np.ceil(np.sqrt(count)))
    west, south, east, north = BOX
    x = np.linspace(west, east - 0.001, side)[np.arange(count) % side]
    y = np.linspace(south, north - 0.001, side)[np.arange(count) // side]
    columns = {"people": list(range(count)), "kind": ["estate"] * count}
    return Batch(
        CLASS,
        [f"R{n:07}" for n in range(count)],
        shapely.box(x, y, x + 0.0003, y + 0.0003),
        columns,
        [None] * count,
    )


def _areas() -> Batch:
    codes, shapes, levels, parents = [], [], [], []
    west, south, east, north = BOX
    for level, side in SIDES.items():
        step_x, step_y = (east - west) / side, (north - south) / side
        for n in range(side * side):
            x, y = n % side, n // side
            codes.append(f"{level}{x:02}{y:02}")
            shapes.append(
                shapely.box(
                    west + x * step_x, south + y * step_y, west + (x + 1) * step_x, south + (y + 1) * step_y
                )
            )
            levels.append(level)
            parents.append(
                None if side == 1 else f"{list(SIDES)[list(SIDES).index(level) - 1]}{x // 3:02}{y // 3:02}"
            )
    geometry = np.array([*shapes, None], dtype=object)[:-1]
    return Batch("districts", codes, geometry, {"level": levels, "parent": parents}, [None] * len(codes))
