"""Coordinates that no map can hold are refused by the database itself, whoever writes them, and nothing read breaks."""

from __future__ import annotations

import math
import struct

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.errors import ChengtuError
from app.main import create_app

NAN, INF = math.nan, math.inf
#: Tables of a class that are guarded.
TABLES = ("{}", "{}_history")


def point(x, y):
    return struct.pack("<BIdd", 1, 1, x, y)


def lines(*parts):
    return struct.pack("<BII", 1, 5, len(parts)) + b"".join(
        struct.pack("<BII", 1, 2, len(part)) + pairs(part) for part in parts
    )


def polygons(*parts):
    return struct.pack("<BII", 1, 6, len(parts)) + b"".join(
        struct.pack("<BII", 1, 3, len(rings))
        + b"".join(struct.pack("<I", len(ring)) + pairs(ring) for ring in rings)
        for rings in parts
    )


def pairs(places):
    return b"".join(struct.pack("<dd", *place) for place in places)


RING = [(115.0, 28.0), (115.1, 28.0), (115.1, 28.1), (115.0, 28.0)]
BAD = {
    "toilets": {
        "NaN east": point(NAN, 28), "NaN north": point(115, NAN), "NaN both": point(NAN, NAN),
        "infinite": point(INF, 28), "minus infinite": point(115, -INF), "huge": point(1e308, 28),
        "beyond 180": point(180.1, 28), "beyond the pole": point(115, -90.1),
    },
    "pipes": {
        "NaN in the middle": lines([(115, 28), (NAN, 28), (116, 28)]),
        "NaN first": lines([(NAN, NAN), (115, 28)]),
        "NaN in a second part": lines([(115, 28), (116, 28)], [(NAN, NAN), (NAN, NAN)]),
        "infinite": lines([(115, 28), (INF, 28)]), "empty": lines(), "beyond 180": lines([(115, 28), (200, 28)]),
    },
    "parks": {
        "NaN in the ring": polygons([[(115, 28), (115.1, 28), (NAN, 28.1), (115, 28)]]),
        "NaN all over": polygons([[(NAN, NAN)] * 4]),
        "NaN in a hole": polygons([RING, [(115.05, 28.01), (115.06, NAN), (115.06, 28.02), (115.05, 28.01)]]),
        "infinite": polygons([[(115, 28), (INF, 28), (115, 28.1), (115, 28)]]),
        "empty": polygons(), "empty part": polygons([]),
        "beyond 180": polygons([[(179, 0), (181, 0), (181, 1), (179, 0)]]),
    },
    "markets": {
        "NaN point": point(NAN, 28), "infinite point": point(115, INF),
        "NaN polygon": polygons([[(115, 28), (115.1, 28), (NAN, 28.1), (115, 28)]]),
        "empty": polygons(), "line": lines([(115, 28), (116, 28)]), "collection": struct.pack("<BII", 1, 7, 0),
    },
}  # fmt: skip
CASES = [(class_id, name) for class_id, shapes in BAD.items() for name in shapes]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("class_id", "name"), CASES, ids=[f"{class_id}: {name}" for class_id, name in CASES])
def test_no_writer_can_store_it(conn, class_id, name, table):
    with pytest.raises(DBAPIError) as caught:
        insert(conn, table.format(class_id), "bad", BAD[class_id][name])
    assert caught.value.orig.sqlstate in {"23514", "22023"}


def insert(conn, table, code, shape):
    number = "id, " if table.endswith("_history") else ""
    conn.execute(
        text(
            f"INSERT INTO city.{table} ({number}code, geom, valid, change_id) VALUES "
            f"({'1, ' if number else ''}:code, ST_SetSRID(CAST(:shape AS geometry), 4326), '[,)', 1)"
        ),
        {"code": code, "shape": shape.hex()},
    )


def test_every_reader_reads_on(settings, database):
    """The last places of the Earth and a hair of a polygon are stored; bad shapes are refused beside them."""
    good = {
        "toilets": point(180, 90),
        "pipes": lines([(-180, -90), (180, 90)]),
        "parks": polygons([[(115, 28), (115 + 1e-7, 28), (115, 28 + 1e-7), (115, 28)]]),
        "markets": point(-180, -90),
    }
    for class_id, shape in good.items():
        with database.write() as conn:
            insert(conn, class_id, "good", shape)
        for bad in BAD[class_id].values():
            with pytest.raises((DBAPIError, ChengtuError)), database.write() as conn:
                insert(conn, class_id, "bad", bad)
    with TestClient(create_app(settings)) as client:
        for class_id in good:
            for path in (
                f"/collections/{class_id}/items",
                f"/collections/{class_id}/items?bbox=-180,-90,180,90",
                f"/collections/{class_id}",
                f"/map/{class_id}",
                f"/collections/{class_id}/tiles/WebMercatorQuad/0/0/0",
                f"/collections/{class_id}/tiles/WebMercatorQuad/16/27306/53822",
                f"/exports/{class_id}.geojson",
                f"/exports/{class_id}.gpkg",
                f"/exports/{class_id}.csv",
                "/summary",
                "/search?q=good",
            ):
                answer = client.get(path)
                assert answer.status_code in {200, 204}, f"{path}: {answer.text[:300]}"
            assert client.get(f"/collections/{class_id}/items").json()["numberReturned"] == 1
