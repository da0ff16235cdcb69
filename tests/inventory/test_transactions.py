"""Writers side by side, and the answer that comes only after the commit."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
import shapely
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.access.dependencies import CatalogueDep, WriteConn
from app.database.server import admin_parameters
from app.errors import ChengtuError, Conflict
from app.inventory.areas_job import recompute
from app.inventory.service import data_version, write_batches
from tests.inventory.town import CHANGE, LAT, LON, batch, districts, place

LATER = """
    CREATE FUNCTION city.refuse_later() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'later' USING ERRCODE = '23514'; END $$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON city.markets DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION city.refuse_later();
"""


def make_app(database, catalogue) -> FastAPI:
    app = FastAPI()
    app.state.db, app.state.catalogue = database, catalogue

    @app.exception_handler(ChengtuError)
    def answer(_request: Any, error: ChengtuError) -> JSONResponse:
        return JSONResponse({"title": error.message}, error.status)

    @app.post("/{class_id}", status_code=201)
    def post(conn: WriteConn, catalogue: CatalogueDep, class_id: str) -> dict[str, int]:
        counts = write_batches(conn, catalogue, [batch(class_id, {"x": place(0, 0)})], CHANGE)
        return counts[class_id].as_dict()

    return app


def test_a_commit_that_fails_is_answered_409_and_never_201(database, settings, catalogue):
    as_administrator(settings, LATER)
    with TestClient(make_app(database, catalogue)) as client:
        assert client.post("/toilets").status_code == 201
        assert client.post("/markets").status_code == 409
    with database.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM city.markets")).scalar() == 0
        assert conn.execute(text("SELECT count(*) FROM city.toilets")).scalar() == 1
        assert conn.execute(text("SELECT count(*) FROM city.changes")).scalar() == 1


def as_administrator(settings, statements):
    with psycopg.connect(**admin_parameters(settings)) as admin:
        admin.execute(statements)


def in_background(database, catalogue, batches, told):
    def work() -> None:
        with database.write() as conn:
            told.append(write_batches(conn, catalogue, batches, CHANGE))

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_change_numbers_of_a_class_follow_the_order_of_commit(database, catalogue):
    told: list[Any] = []
    with database.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {"a": place(0, 0)})], CHANGE)
        waiting = in_background(database, catalogue, [batch("toilets", {"a": place(1, 1)})], told)
        waiting.join(0.5)
        assert waiting.is_alive()
        assert told == []
        first = data_version(conn, "toilets")
    waiting.join(20)
    assert told[0]["toilets"].changed == 1
    with database.read() as conn:
        assert data_version(conn, "toilets") > first
        assert conn.execute(text("SELECT ST_X(geom) FROM city.toilets")).scalar() == LON + 0.01


def test_writers_of_different_classes_do_not_wait(database, catalogue):
    told: list[Any] = []
    with database.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {"a": place(0, 0)})], CHANGE)
        conn.execute(text("SELECT 1"))
        other = in_background(database, catalogue, [batch("markets", {"a": place(1, 1)})], told)
        other.join(0.3)
        crs_fixed_by_first = other.is_alive()
    other.join(20)
    # The very first load alone makes others wait, since it fixes the metric CRS.
    assert crs_fixed_by_first
    told.clear()
    with database.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {"b": place(0, 0)})], CHANGE)
        other = in_background(database, catalogue, [batch("markets", {"b": place(1, 1)})], told)
        other.join(20)
        assert told[0]["markets"].new == 1


def test_features_prepared_while_areas_changed_get_the_new_areas(database, catalogue):
    told: list[Any] = []
    with database.write() as conn:
        write_batches(conn, catalogue, [batch("toilets", {"z": place(5, 5)})], CHANGE)
    with ExitStack() as open_transaction:
        conn = open_transaction.enter_context(database.write())
        write_batches(conn, catalogue, [districts()], CHANGE)
        other = in_background(database, catalogue, [batch("toilets", {"a": place(-1, 1)})], told)
        other.join(20)
        assert told[0]["toilets"].new == 1, "editors do not wait for areas"
    with database.read() as conn:
        assert conn.execute(text("SELECT area_path FROM city.toilets WHERE code = 'a'")).scalar() == ""
    assert recompute(database, catalogue)["toilets"] == 1
    with database.read() as conn:
        assert conn.execute(text("SELECT area_path FROM city.toilets WHERE code = 'a'")).scalar() == "C/W/W1"


def test_a_failed_load_leaves_nothing(database, catalogue):
    big = shapely.Point(LON, LAT)
    bad = batch("toilets", {"a": big, "b": big}, {"stalls": [1, -5]})
    with pytest.raises(Conflict, match="stalls"), database.write() as conn:
        write_batches(conn, catalogue, [batch("markets", {"m": big}), bad], CHANGE)
    with database.read() as conn:
        for name in ("markets", "toilets", "changes", "settings"):
            assert conn.execute(text(f"SELECT count(*) FROM city.{name}")).scalar() == 0
