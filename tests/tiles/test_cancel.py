"""Tiles that take long: stopped when their client leaves, bounded in time, built once for all who ask at once."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from app.access.leaving import PATIENCE_S
from app.database.server import admin_parameters
from app.database.transactions import Connection
from app.errors import Unavailable
from app.inventory.service import write_batches
from app.main import create_app
from app.tiles import tile_service
from app.tiles.asked import TilesAsked
from app.tiles.layers import Built, Plan
from app.tiles.matrix import Tile
from app.tiles.plan import plan_of
from app.tiles.tile_service import BUILDS, MakePlan, Tiles
from tests.database.test_together import run
from tests.house.test_leaving import SOON_S, _ask, _serving, _until
from tests.inventory.town import CHANGE, LAT, LON, batch
from tests.inventory.town import place as spot
from tests.tiles.test_routes import tile_path
from tests.tiles.tiled import tile_at

COLLECTION = "/collections/toilets/tiles/WebMercatorQuad"


@pytest.fixture
def town(database, catalogue) -> Any:
    with database.write() as conn:
        rows = batch("toilets", {f"t{n}": spot(0.5, 0.5) for n in range(40)}, {"name_zh": ["名" * 30] * 40})
        write_batches(conn, catalogue, [rows], CHANGE)
    return database


@pytest.fixture
def slow(monkeypatch) -> None:
    """Every tile takes hours."""

    def build(conn, *_: object) -> object:
        return conn.exec_driver_sql(
            "SELECT count(n) FROM (SELECT generate_series(1, 10000000000) n) s"
        ).scalar()

    monkeypatch.setattr(tile_service.service, "build", build)


@pytest.fixture
def port(settings, town) -> Iterator[int]:
    with _serving(create_app(settings)) as port:
        yield port


@pytest.fixture
def server(settings) -> Iterator[psycopg.Connection]:
    """The database server, asked by who sees what all backends do."""
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as connection:
        yield connection


def _get(port: int, path: str) -> tuple[int, http.client.HTTPMessage]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as client:
        client.request("GET", path)
        reply = client.getresponse()
        reply.read()
        return reply.status, reply.headers


def test_the_tile_of_a_client_that_leaves_is_stopped_and_tiles_have_no_more_than_their_share(
    server, port, slow, monkeypatch
):
    monkeypatch.setattr(tile_service, "TURN_S", 0.2)
    clients = [_ask(port, f"{COLLECTION}/16/{n}/0") for n in range(BUILDS)]
    _until(server, BUILDS, 10)
    status, headers = _get(port, f"{COLLECTION}/16/{BUILDS}/0")
    assert (status, headers["content-type"], headers["retry-after"]) == (503, "application/problem+json", "5")
    # Pages have connections and threads of their own.
    assert _get(port, "/collections/toilets/items")[0] == 200
    for client in clients:
        client.close()
    _until(server, 0, SOON_S + PATIENCE_S)
    monkeypatch.undo()
    assert _get(port, tile_path(16))[0] == 200


def test_a_tile_that_takes_too_long_is_503(server, port, slow, monkeypatch):
    monkeypatch.setattr(tile_service, "STATEMENT_S", 0.2)
    status, headers = _get(port, tile_path(16))
    assert (status, headers["content-type"], headers["retry-after"]) == (503, "application/problem+json", "5")
    _until(server, 0, 1)


ADDRESS = (COLLECTION, b"", "")


def _with_tiles(
    settings, catalogue, db, work: Callable[[Tiles, MakePlan], Awaitable[list[Any]]]
) -> list[Any]:
    """What `work` finds with the tiles of a worker of these settings, and the plan of the toilets' tiles."""

    def plan(conn: Connection) -> Plan:
        return plan_of(conn, catalogue, ("toilets",), TilesAsked())

    async def done() -> list[Any]:
        tiles = Tiles(settings, catalogue, db)
        try:
            return await work(tiles, plan)
        finally:
            await tiles.close()

    return run(done())


def _all_at_once(settings, catalogue, db, tile: Tile, count: int) -> list[Any]:
    """What `count` requests of one moment for a tile of a known question get."""

    async def work(tiles: Tiles, plan: MakePlan) -> list[Any]:
        question = await tiles.learn(ADDRESS, plan)
        assert (await tiles.get(question, Tile(16, 0, 0), pack=False)).body == b""
        assert await tiles.current(ADDRESS) == question
        asked = [tiles.get(question, tile, pack=n % 2 == 1) for n in range(count)]
        return await asyncio.gather(*asked, return_exceptions=True)

    return _with_tiles(settings, catalogue, db, work)


def test_a_question_that_many_ask_at_once_is_read_once(settings, catalogue, town):
    read = []

    async def work(tiles: Tiles, plan: MakePlan) -> list[Any]:
        def counted(conn: Connection) -> Plan:
            read.append(conn)
            return plan(conn)

        return await asyncio.gather(*(tiles.learn(ADDRESS, counted) for _ in range(8)))

    assert len(_with_tiles(settings, catalogue, town, work)) == 8
    assert len(read) == 1


@pytest.mark.parametrize("store_mb", [0, 16])
def test_a_tile_that_many_ask_for_at_once_is_built_once(settings, catalogue, town, monkeypatch, store_mb):
    built, build = [], tile_service.service.build
    tile = tile_at(16, LON + 0.005, LAT + 0.005)

    def counted(conn, plan, tile, known) -> Built:
        built.append(tile)
        return build(conn, plan, tile, known)

    monkeypatch.setattr(tile_service.service, "build", counted)
    found = _all_at_once(
        settings.model_copy(update={"tile_store_mb": store_mb}), catalogue, town, tile, count=8
    )
    assert built == [Tile(16, 0, 0), tile]
    assert len({item.body for item in found}) == 1
    assert all(item.packed for item in found[1::2])


def test_whoever_waited_for_a_tile_whose_client_left_gets_it_all_the_same(
    settings, catalogue, town, monkeypatch
):
    build = tile_service.service.build
    tile = tile_at(16, LON + 0.005, LAT + 0.005)
    left: list[Tile] = []

    def leaving(conn, plan, asked, known) -> Built:
        if asked == tile and not left:
            left.append(asked)
            raise Unavailable("The client has left.")
        return build(conn, plan, asked, known)

    monkeypatch.setattr(tile_service.service, "build", leaving)
    first, *others = _all_at_once(
        settings.model_copy(update={"tile_store_mb": 0}), catalogue, town, tile, count=5
    )
    assert isinstance(first, Unavailable)
    assert len({item.body for item in others}) == 1
    assert others[0].body
