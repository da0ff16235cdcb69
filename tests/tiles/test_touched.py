"""An edit leaves the tiles elsewhere as they are kept, and never one of those that it changes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient

from app.database.engine import Database
from app.database.transactions import Connection
from app.inventory.service import delete_features, write_batches
from app.main import create_app
from app.settings import Settings
from app.tiles import tile_service, touched_store
from app.tiles.asked import TilesAsked
from app.tiles.background import background_plan
from app.tiles.layers import Built, Plan
from app.tiles.matrix import NAME, Tile
from app.tiles.plan import plan_of
from app.tiles.service import build
from tests.clones import clone, opened
from tests.inventory.town import CHANGE, LAT, LON, batch, districts
from tests.inventory.town import place as spot
from tests.tiles.tiled import points, squares, tile_at

STEPS, LOOKS = 30, 12
CLASSES = ("toilets", "street_trees", "parks", "water_bodies")


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue) -> Iterator[tuple[Settings, Database]]:
    with clone(cluster_settings, template) as settings, opened(settings) as db:
        with db.write() as conn:
            rows = [districts(), points("toilets", 60, 1), points("street_trees", 300, 2)]
            write_batches(
                conn, catalogue, [*rows, squares("parks", 60, 3), squares("water_bodies", 30, 4)], CHANGE
            )
        yield settings, db


@pytest.fixture
def built(monkeypatch) -> list[Tile]:
    """The tiles that were built for requests since the test began."""
    seen: list[Tile] = []
    real = tile_service.service.build

    def build_and_note(conn: Connection, plan: Plan, tile: Tile, known: Any) -> Built:
        seen.append(tile)
        return real(conn, plan, tile, known)

    monkeypatch.setattr(tile_service.service, "build", build_and_note)
    return seen


def floors(settings: Settings) -> Path:
    """Where the city's workers agree from which versions on changes are told."""
    return settings.home_path / "tiles" / f"{tile_service.city_mark(settings)}.json"


def address(kind: str, tile: Tile) -> str:
    return f"{kind}/tiles/{NAME}/{tile.z}/{tile.row}/{tile.col}"


def anew(db: Database, catalogue, kind: str, tile: Tile) -> bytes:
    """The tile as the data has it now, of no store."""
    with db.read() as conn:
        if kind == "/background":
            return build(conn, background_plan(catalogue), tile).body
        chosen = [kind.rpartition("/")[2]] if kind else None
        return build(conn, plan_of(conn, catalogue, chosen, TilesAsked()), tile).body


def edit(db: Database, catalogue, chance: random.Random, step: int) -> None:
    """One change of chance: a new feature of any size, one that moves or is told otherwise, one that is gone."""
    name = chance.choice(CLASSES)
    with db.write() as conn:
        table = f"SELECT code, ST_AsText(geom) FROM city.{name} ORDER BY code"
        rows = conn.exec_driver_sql(table).fetchall()
        code, shape = chance.choice(rows)
        draw = chance.random()
        if draw < 0.2:
            delete_features(conn, catalogue, name, [code], CHANGE)
            return
        if draw < 0.4:
            told = batch(name, {code: shapely.from_wkt(shape)}, {"name_en": [f"Told {step}"]})
        else:
            point = spot(chance.uniform(-2, 2), chance.uniform(-2, 2))
            side = chance.choice((0.0002, 0.002, 0.02))
            flat = name in {"toilets", "street_trees"}
            drawn = point if flat else shapely.box(point.x, point.y, point.x + side, point.y + side)
            told = batch(name, {f"new{step}" if draw < 0.7 else code: drawn})
        if name == "street_trees":
            told.columns.pop("name_en", None)
        write_batches(conn, catalogue, [told], CHANGE)


def looked(chance: random.Random) -> tuple[str, Tile]:
    zoom = chance.choice((8, 10, 12, 13, 14, 15, 16, 17))
    lon, lat = LON + chance.uniform(-0.02, 0.02), LAT + chance.uniform(-0.02, 0.02)
    kinds = ("", "", "/background", *(f"/collections/{name}" for name in CLASSES))
    return chance.choice(kinds), tile_at(zoom, lon, lat)


@pytest.mark.wide
def test_every_tile_is_of_the_data_as_it_is_whatever_was_edited_where(town, catalogue):
    settings, db = town
    chance = random.Random(11)
    asked = [looked(chance) for _ in range(60)]
    with TestClient(create_app(settings)) as client:
        for step in range(STEPS):
            edit(db, catalogue, chance, step)
            for kind, tile in chance.sample(asked, LOOKS):
                got = client.get(address(kind, tile))
                assert got.content == anew(db, catalogue, kind, tile), (step, kind, tile)


def test_tiles_elsewhere_are_not_built_again(town, catalogue, built):
    settings, db = town
    here, there = (tile_at(15, LON + east, LAT) for east in (-0.015, 0.015))
    with TestClient(create_app(settings)) as client:
        for tile in (here, there):
            assert client.get(address("", tile)).status_code == 200
        built.clear()
        with db.write() as conn:
            told = batch("toilets", {"elsewhere": shapely.Point(LON - 0.015, LAT)}, {"name_zh": ["别处"]})
            write_batches(conn, catalogue, [told], CHANGE)
        for tile in (here, there):
            assert client.get(address("", tile)).status_code == 200
        assert built == [here]


def test_workers_and_those_after_a_restart_name_tiles_alike(town, catalogue, built):
    settings, db = town
    path = address("", tile_at(15, LON - 0.012, LAT - 0.012))
    with TestClient(create_app(settings)) as first:
        first.get(path)
    for east in (0.017, 0.018):
        with db.write() as conn:
            write_batches(
                conn, catalogue, [batch("toilets", {"far": shapely.Point(LON + east, LAT)})], CHANGE
            )
        built.clear()
        with TestClient(create_app(settings)) as later:
            assert later.get(path).status_code == 200
        assert built == []


def test_after_many_changes_a_class_is_told_anew(town, catalogue, monkeypatch):
    settings, db = town
    monkeypatch.setattr(touched_store, "MOST", 20)
    file = floors(settings)
    far = tile_at(16, LON - 0.018, LAT - 0.018)
    with TestClient(create_app(settings)) as client:
        client.get(address("/collections/toilets", far))
        before = json.loads(file.read_text())["toilets"]
        with db.write() as conn:
            write_batches(conn, catalogue, [points("toilets", 50, 9)], CHANGE)
        got = client.get(address("/collections/toilets", far))
        assert got.content == anew(db, catalogue, "/collections/toilets", far)
        assert json.loads(file.read_text())["toilets"] != before


@pytest.mark.parametrize(
    "content", ["", "[]", '{"toilets": "999999999@1"}', '{"toilets": "1@1"}', '{"toilets": "x"}']
)
def test_a_file_that_tells_nothing_costs_nothing_but_time(town, catalogue, content: Any):
    settings, db = town
    file = floors(settings)
    file.write_text(content)
    tile = tile_at(14, LON, LAT)
    with TestClient(create_app(settings)) as client:
        for _ in range(2):
            got = client.get(address("/collections/toilets", tile))
            assert got.content == anew(db, catalogue, "/collections/toilets", tile)
            with db.write() as conn:
                there = batch(
                    "toilets", {"here": shapely.Point(LON + np.random.default_rng(3).uniform(0, 0.001), LAT)}
                )
                write_batches(conn, catalogue, [there], CHANGE)
