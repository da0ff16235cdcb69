"""What row-level security costs: items and tiles as somebody reads them who sees one district, beside who sees all."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import psycopg
import shapely
from sqlalchemy import text

from app import console
from app.catalogue.model import Catalogue
from app.catalogue.public_part import parts_of
from app.database.engine import Connection, Database
from app.database.scope import SERVICE, Scope, within
from app.database.server import admin_parameters
from app.inventory.batch import Batch
from app.inventory.query import Condition, FeatureQuery
from app.inventory.service import write_batches
from app.inventory.store import features_page, row_count
from app.inventory.tables import table_name
from app.settings import Settings
from app.tiles import service
from app.tiles.asked import TilesAsked
from app.tiles.layers import Plan
from app.tiles.matrix import Tile
from app.tiles.plan import plan_of
from bench.features_data import CHANGE, SEEDS, SIDE, SOUTH, WEST, copy_aside
from bench.places import place
from bench.scratch import scratch
from bench.tools import race, table

#: Class → copies of a thousand rows: one of which all rows are alike, one of which some are restricted.
COPIES = {"street_trees": 1000, "manholes": 250}
#: Districts on each side of the square that is drawn.
ACROSS = 3
ROUNDS = 15
SCOPES = {
    "the whole": SERVICE,
    "level internal, all areas": Scope("internal", None),
    "level internal, one district": Scope("internal", ("D11",)),
}
#: What touches the district in the middle, as a condition: a page or a number over the whole of a class is another one
#: in a district, whoever asks for it.
MIDDLE = Condition("areas_touched && %(c_0)s::text[]", {"c_0": ["D11"]}, frozenset())
CHOSEN = "the same district asked for"
BAR = 1.15


def run(*, peers: bool) -> None:
    """Print the fastest of each kind of reading in each scope, and its ratio to who sees the whole."""
    del peers
    with scratch() as (settings, catalogue, db):
        console.step("A million points, a quarter million, nine districts …")
        side = _fill(settings, catalogue, db)
        for class_id, copies in COPIES.items():
            table(f"Scopes: {class_id}, {copies * SEEDS:,} rows", _rows(db, catalogue, class_id, side))


def _fill(settings: Settings, catalogue: Catalogue, db: Database) -> float:
    """The classes with their areas; the side of a district in degrees."""
    rng = np.random.default_rng(2026)
    width = SIDE * int(np.ceil(np.sqrt(max(COPIES.values()))))
    side = width / ACROSS
    with db.write(timeout_s=0) as conn:
        write_batches(conn, catalogue, [_districts(side), *(_seeds(name, rng) for name in COPIES)], CHANGE)
    column, row = (
        f"least({ACROSS - 1}, floor((ST_{axis}(p) - {start}) / {side}))::int"
        for axis, start in (("X", WEST), ("Y", SOUTH))
    )
    path = f"'C/D' || {column} || {row}"
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as admin:
        for class_id, copies in COPIES.items():
            # Smaller classes lie in the same square, only less densely.
            copy_aside(admin, class_id, copies, width / int(np.ceil(np.sqrt(copies))))
            admin.execute(
                f"UPDATE city.{class_id} SET area_path = path, areas_touched = string_to_array(path, '/') FROM ("
                f"SELECT id AS one, {path} AS path FROM (SELECT id, geom AS p FROM city.{class_id}) f) found "
                "WHERE id = one".encode()
            )
            admin.execute(f"VACUUM FULL ANALYZE city.{class_id}".encode())
    return side


def _seeds(class_id: str, rng: np.random.Generator) -> Batch:
    places = np.stack((WEST + rng.uniform(0, SIDE, SEEDS), SOUTH + rng.uniform(0, SIDE, SEEDS)), axis=1)
    names: dict[str, list[object]] = {"name_zh": [f"示例{n}" for n in range(SEEDS)]}
    if class_id == "manholes":
        names["kind"] = ["police" if n % 20 == 0 else "sewer" for n in range(SEEDS)]
    codes = [f"{class_id[:2]}{n:04}" for n in range(SEEDS)]
    return Batch(class_id, codes, np.asarray(shapely.points(places)), names, [None] * SEEDS)


def _districts(side: float) -> Batch:
    shapes = {"C": shapely.box(WEST, SOUTH, WEST + ACROSS * side, SOUTH + ACROSS * side)}
    for x in range(ACROSS):
        for y in range(ACROSS):
            west, south = WEST + x * side, SOUTH + y * side
            shapes[f"D{x}{y}"] = shapely.box(west, south, west + side, south + side)
    columns = {
        "level": ["city", *["district"] * ACROSS**2],
        "parent": [None, *["C"] * ACROSS**2],
    }
    return Batch("districts", list(shapes), np.array(list(shapes.values())), columns, [None] * len(shapes))


def _rows(db: Database, catalogue: Catalogue, class_id: str, side: float) -> list[tuple[str, str]]:
    works, chosen = _works(db, catalogue, class_id, side), _chosen(db, catalogue, class_id)
    rows = []
    for name, work in works.items():
        placed = [partial(_in_scope, scope, work) for scope in SCOPES.values()]
        if name in chosen:
            placed.append(partial(_in_scope, SERVICE, chosen[name]))
        for one in placed:
            one()  # once for what is kept
        whole, open_to, district, *asked = race(ROUNDS, *placed)
        rows.append((name, f"{whole * 1000:8.2f} ms"))
        # Where the answer itself is another one, it is held against the same one asked for.
        floors = (whole, *(asked or [whole]))
        for scope, seconds, floor in zip(
            list(SCOPES)[1:], (open_to, district), (whole, floors[-1]), strict=True
        ):
            rows.append((f"  {scope}", f"{seconds * 1000:8.2f} ms, {seconds / floor:.2f} × (bar: ≤ {BAR} ×)"))
        rows.extend(
            (f"    {CHOSEN} by who sees the whole", f"{seconds * 1000:8.2f} ms, 1.00 ×") for seconds in asked
        )
    return rows


def _in_scope(scope: Scope, work: Callable[[], object]) -> None:
    with within(scope):
        work()


def _works(db: Database, catalogue: Catalogue, class_id: str, side: float) -> dict[str, Callable[[], object]]:
    """Readings of what the district in the middle holds, each with its transaction."""
    x, y = WEST + 1.5 * side, SOUTH + 1.5 * side
    page = FeatureQuery(class_id, limit=1000, count="none")
    small = (x - 0.01, y - 0.01, x + 0.01, y + 0.01)
    wide = (x - side / 4, y - side / 4, x + side / 4, y + side / 4)

    parts = parts_of(catalogue)

    def reading(work: Callable[[Connection, Catalogue], Any]) -> Callable[[], object]:
        def read() -> object:
            with db.read() as conn:
                return work(conn, parts[db.scope.level])

        return read

    def asked(**given: Any) -> Callable[[], object]:
        query = FeatureQuery(class_id, **{"limit": 1000, "count": "none", **given})
        return reading(lambda conn, seen: features_page(conn, seen, query))

    return {
        "first page of 1,000": reading(lambda conn, seen: features_page(conn, seen, page)),
        "1,000 in a box": asked(bbox=small),
        "10 in a wide box": asked(bbox=wide, limit=10),
        "10 in a wide box, with their number": asked(bbox=wide, limit=10, count="auto"),
        "all counted": reading(lambda conn, seen: row_count(conn, seen.classes[class_id])),
        **{
            f"a tile of zoom {z}": reading(partial(_tile, class_id, Tile(z, *place(x, y, z))))
            for z in (12, 14, 16)
        },
    }


def _chosen(db: Database, catalogue: Catalogue, class_id: str) -> dict[str, Callable[[], object]]:
    """The readings that are over the whole of a class, for the district in the middle alone."""
    page = FeatureQuery(class_id, limit=1000, count="none", condition=MIDDLE)
    number = text(
        f"SELECT count(*) FROM {table_name(catalogue.classes[class_id])} WHERE areas_touched && :codes"
    )

    def read() -> object:
        with db.read() as conn:
            return features_page(conn, catalogue, page)

    def count() -> object:
        with db.read() as conn:
            return conn.execute(number, {"codes": ["D11"]}).scalar()

    return {"first page of 1,000": read, "all counted": count}


def _tile(class_id: str, tile: Tile, conn: Connection, catalogue: Catalogue) -> object:
    plan: Plan = plan_of(conn, catalogue, [class_id], TilesAsked())
    return service.build(conn, plan, tile)
