"""Every tile is of the data as it is: after edits of another worker, a new day, new areas, a lost connection."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import mapbox_vector_tile
import psycopg
import pytest
import shapely
from fastapi.testclient import TestClient
from psycopg.sql import SQL, Identifier
from sqlalchemy import text

from app.database.engine import Database
from app.database.server import admin_parameters
from app.inventory import day_service, periods, rewrite
from app.inventory.areas_job import recompute
from app.inventory.service import write_batches
from app.main import create_app
from app.settings import Settings
from app.tiles import tile_service
from tests.inventory.town import CHANGE, LAT, LON, batch, districts
from tests.inventory.town import place as spot
from tests.ogc.edits import created, patch, point, served_town
from tests.ogc.test_runs import RUN
from tests.tiles.test_routes import tile_path

PATH = tile_path(16)
GAP = text(
    "INSERT INTO city.coverage_gaps (run, mode, tier, geom)"
    " VALUES (:run, 'walk', 'all', ST_Multi(ST_GeomFromText(:shape, 4326)))"
)
IN, OUT = (0.5, 0.5), (-1.5, -1.5)


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue) -> Iterator[tuple[TestClient, Settings, Database]]:
    with served_town(cluster_settings, template, catalogue) as found:
        yield found


@pytest.fixture(scope="module")
def workers(town) -> Iterator[tuple[TestClient, TestClient]]:
    """Two workers over one town and one store."""
    with TestClient(create_app(town[1]), raise_server_exceptions=False) as other:
        yield town[0], other


def drawn(client: TestClient, path: str = PATH, **query: str) -> Counter[str]:
    """Name → how many toilets of that name a tile draws."""
    reply = client.get(path, params=query or None)
    assert reply.status_code in {200, 204}, reply.text
    layers: dict[str, Any] = mapbox_vector_tile.decode(reply.content) if reply.content else {}
    return Counter(
        item["properties"]["name_zh"] for item in layers.get("toilets", {"features": []})["features"]
    )


def test_an_edit_of_any_worker_shows_in_the_next_tile_of_every_worker(workers):
    """Edits in an order of chance, each looked at from both sides, beside a list that is kept here."""
    chance = random.Random(7)
    known: dict[str, tuple[str, bool]] = {}
    for step in range(12):
        writer, name, inside = chance.choice(workers), f"n{step}", chance.random() < 0.7
        address = chance.choice([*known, None, None])
        place = point(*(IN if inside else OUT))
        if address is None:
            known[created(writer, place, name_zh=name)] = (name, inside)
        elif chance.random() < 0.3:
            assert writer.delete(address, headers={"If-Match": "*"}).status_code == 204
            del known[address]
        else:
            change = {"geometry": place, "properties": {"name_zh": name}}
            assert patch(writer, address, change, If_Match="*").status_code < 300
            known[address] = (name, inside)
        expected = Counter(name for name, inside in known.values() if inside)
        path = chance.choice([PATH, tile_path(16, "")])
        assert [drawn(client, path) for client in workers] == [expected, expected]


def test_the_store_outlives_the_worker_and_serves_another(town, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("it is stored already")

    path = tile_path(15, "")
    with TestClient(create_app(town[1])) as first:
        before = first.get(path)
    monkeypatch.setattr(tile_service.service, "build", refuse)
    with TestClient(create_app(town[1])) as second:
        after = second.get(path)
    assert (after.status_code, after.content) == (200, before.content)
    assert after.headers["etag"] == before.headers["etag"]


def test_two_cities_in_one_data_folder_never_see_each_others_tiles(
    town, cluster_settings, template, catalogue
):
    """Their numbers of changes are the same; restoring a backup makes such a pair, too."""
    with served_town(cluster_settings, template, catalogue) as (other, settings, _):
        assert settings.home_path == town[1].home_path
        fresh = [TestClient(create_app(item)) for item in (town[1], settings)]
        with fresh[0], fresh[1]:
            created(fresh[1], name_zh="elsewhere")
            assert drawn(fresh[1]) == Counter(["elsewhere"])
            assert drawn(other) == Counter(["elsewhere"])
            assert "elsewhere" not in drawn(fresh[0])


def test_a_new_day_shows(town, catalogue, monkeypatch):
    client, _, db = town
    tomorrow = periods.today() + timedelta(days=1)
    with db.write() as conn:
        for name, valid in (("today", (None, tomorrow)), ("tomorrow", (tomorrow, None))):
            rows = batch("toilets", {"day": spot(*IN)}, {"name_zh": [name]})
            write_batches(conn, catalogue, [replace(rows, valid=[valid])], CHANGE)
    day_service.turn_day(db, catalogue)
    asked = {"code": "day"}
    assert drawn(client, **asked) == Counter(["today"])
    assert drawn(client, **asked, datetime=tomorrow.isoformat()) == Counter(["tomorrow"])
    for module in (day_service, rewrite):
        monkeypatch.setattr(module, "today", lambda: tomorrow)
    assert day_service.turn_day(db, catalogue)["toilets"] == 1
    assert drawn(client, **asked) == Counter(["tomorrow"])


def test_new_areas_show(town, catalogue):
    client, _, db = town
    with db.write() as conn:
        rows = batch("toilets", {"border": spot(*IN)}, {"name_zh": ["border"]})
        write_batches(conn, catalogue, [rows], CHANGE)
    asked = {"code": "border"}
    assert drawn(client, **asked, area="E") == Counter(["border"])
    assert drawn(client, **asked, area="W") == Counter()
    with db.write() as conn:
        wider = {
            "W": shapely.box(LON - 0.02, LAT - 0.02, LON + 0.015, LAT + 0.02),
            "E": shapely.box(LON + 0.015, LAT - 0.02, LON + 0.02, LAT + 0.02),
        }
        write_batches(conn, catalogue, [districts(**wider)], CHANGE)
    recompute(db, catalogue)
    assert drawn(client, **asked, area="W") == Counter(["border"])
    assert drawn(client, **asked, area="E") == Counter()


def test_areas_decide_tiles_however_the_parameter_is_written(town, catalogue):
    client, _, db = town
    with db.write() as conn:
        shape = shapely.box(LON + 0.021, LAT - 0.02, LON + 0.03, LAT + 0.02)
        write_batches(conn, catalogue, [districts(E9=shape)], CHANGE)
    (area,) = client.get("/collections/districts/items", params={"code": "E9"}).json()["features"]
    paths = [f"{PATH}?{name}=E9" for name in ("area", "are%61")]
    assert [client.get(path).status_code for path in paths] == [204, 204]
    gone = client.delete(f"/collections/districts/items/{area['id']}", headers={"If-Match": "*"})
    assert gone.status_code == 204
    assert [client.get(path).status_code for path in paths] == [404, 404]


def test_a_lost_connection_is_made_again(workers, town):
    address = created(workers[0], name_zh="kept")
    assert drawn(workers[0])["kept"] == 1
    with psycopg.connect(**admin_parameters(town[1]), autocommit=True) as admin:
        for name in ("once", "twice"):
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            # Nobody has to ask twice.
            assert drawn(workers[0])["kept" if name == "once" else "once"] == 1
            assert (
                patch(workers[1], address, {"properties": {"name_zh": name}}, If_Match="*").status_code < 300
            )
            assert drawn(workers[0])[name] == 1


def test_a_run_that_is_dropped_is_gone_and_a_new_one_is_there(town):
    client, _, db = town
    runs = [str(uuid4()) for _ in range(2)]
    paths = [tile_path(14, f"/coverage/{run}") for run in runs]
    assert [client.get(path).status_code for path in paths] == [404, 404]
    for run in runs:
        with db.write() as conn:
            conn.execute(RUN, {"run": run, "policy": "toilet-300", "age": 0})
            conn.execute(GAP, {"run": run, "shape": shapely.box(LON, LAT, LON + 0.01, LAT + 0.01).wkt})
        path = tile_path(14, f"/coverage/{run}")
        layers = mapbox_vector_tile.decode(client.get(path).content)
        assert [item["properties"]["run"] for item in layers["coverage_gaps"]["features"]] == [run]
    tag = client.get(paths[1]).headers["etag"]
    with db.write() as conn:
        conn.execute(text("DELETE FROM city.coverage_runs WHERE id = :run"), {"run": runs[0]})
    assert client.get(paths[0]).status_code == 404
    assert client.get(paths[1], headers={"If-None-Match": tag}).status_code == 304


def test_while_the_database_is_away_tiles_are_503_and_then_they_are_back(town):
    client, settings, _ = town
    before = client.get(PATH)
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as inside:
        name = inside.info.dbname
    with psycopg.connect(**admin_parameters(settings, "postgres"), autocommit=True) as admin:
        allow = SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        admin.execute(allow.format(Identifier(name), SQL("false")))
        try:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [name],
            )
            for _ in range(2):
                away = client.get(PATH, headers={"If-None-Match": before.headers.get("etag", "*")})
                assert (away.status_code, away.headers["content-type"]) == (503, "application/problem+json")
                assert "retry-after" in away.headers
        finally:
            admin.execute(allow.format(Identifier(name), SQL("true")))
    after = client.get(PATH)
    assert (after.status_code, after.content) == (before.status_code, before.content)
