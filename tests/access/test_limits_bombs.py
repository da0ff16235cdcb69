"""Requests made to keep the server busy: each is answered or refused, and nothing works on after its answer."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import psycopg
import pytest
import shapely
from fastapi.testclient import TestClient

from app.database.server import admin_parameters
from app.main import create_app
from tests.clones import clone, opened
from tests.importing import import_path

#: Longest for which the database may still work after an answer, seconds.
AFTER_S = 5.0
#: `make soak` holds each to its time, seconds.
WITHIN_S = float(os.environ.get("CHENGTU_SOAK_BOMB_S", "inf"))


def star(points: int, turned: float = 0.0, digits: int = 7) -> shapely.Polygon:
    """A zig-zag around a place in the city: each of its sides crosses many of those of another one."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False) + turned
    reach = np.where(np.arange(points) % 2, 0.02, 0.002)
    places = np.column_stack((115.86 + reach * np.cos(angle), 28.68 + reach * np.sin(angle)))
    return shapely.Polygon(places.round(digits))


def collection(*shapes: shapely.Geometry) -> str:
    features = [
        {
            "type": "Feature",
            "properties": {"code": f"b{place}", "name": "星"},
            "geometry": shapely.geometry.mapping(one),
        }
        for place, one in enumerate(shapes)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.fixture(scope="module")
def city(cluster_settings, template, catalogue, tmp_path_factory):
    """A city whose parks are as ragged as a class stores them."""
    with clone(cluster_settings, template) as settings, opened(settings) as db:
        path = tmp_path_factory.mktemp("bombs") / "parks.geojson"
        path.write_text(collection(*[star(10_000, turn / 1000) for turn in range(2)]), encoding="utf-8")
        import_path(db, catalogue, path, class_id="parks")
        yield settings


@pytest.fixture(scope="module")
def client(city):
    with TestClient(create_app(city), raise_server_exceptions=False) as client:
        yield client


SHAPE = shapely.to_wkt(star(300, 0.0003, digits=5), rounding_precision=5).replace(", ", ",")
HUGE = "MULTIPOINT(" + ",".join(["1 2"] * 1001) + ")"
PARKS = "/collections/parks/items"
RAGGED = shapely.geometry.mapping(star(1001))
DRAWN = shapely.geometry.mapping(star(100))
TANGLED = shapely.Polygon(np.random.default_rng(1).uniform((115.8, 28.6), (115.9, 28.7), (3000, 2)))
PATCH = {"do": "add", "class": "parks", "properties": {}}


def _scenario(*patches: dict) -> dict:
    return {"json": {"policy": "green-300-500", "scenario": {"patches": list(patches)}}}


def _drawn(shape: shapely.Geometry) -> dict:
    body = {"type": "Feature", "properties": {"code": "x"}, "geometry": shapely.geometry.mapping(shape)}
    return {"content": json.dumps(body), "headers": {"Content-Type": "application/geo+json"}}


BOMBS: dict[str, tuple[str, str, dict]] = {
    **{
        f"filter {name}": ("GET", PARKS, {"params": {"filter": f"{name}(geom,{SHAPE})", "limit": "1"}})
        for name in (
            "S_INTERSECTS", "S_DISJOINT", "S_TOUCHES", "S_CROSSES", "S_WITHIN", "S_CONTAINS", "S_OVERLAPS", "S_EQUALS",
        )
    },
    "vertices": ("GET", PARKS, {"params": {"filter": f"S_INTERSECTS(geom,{HUGE})"}}),
    "many shapes": (
        "GET", PARKS, {"params": {"filter": " OR ".join(["S_TOUCHES(geom,POINT(115.86 28.68))"] * 150)}},
    ),
    "nested": ("GET", PARKS, {"params": {"filter": "(" * 4000 + "1=1" + ")" * 4000}}),
    "powers": ("GET", PARKS, {"params": {"filter": "area_m2 = " + "9^" * 60 + "9"}}),
    "patterns": ("GET", PARKS, {"params": {"filter": "name_zh LIKE '" + "%a_" * 2000 + "'"}}),
    "another system": ("GET", PARKS, {"params": {"crs": "http://www.opengis.net/def/crs/EPSG/0/4549"}}),
    "a box in another system": (
        "GET", PARKS,
        {"params": {"bbox": "0,0,9000000,9000000", "bbox-crs": "http://www.opengis.net/def/crs/EPSG/0/4549"}},
    ),
    "all at once": ("GET", PARKS, {"params": {"limit": "10000"}}),
    "all pages": ("GET", PARKS, {"params": {"limit": "9" * 30}}),
    "a stream": ("GET", PARKS, {"params": {"f": "csv", "filter": f"S_INTERSECTS(geom,{SHAPE})"}}),
    "the world's tile": ("GET", "/collections/parks/tiles/WebMercatorQuad/0/0/0", {}),
    "a tile among the teeth": ("GET", "/collections/parks/tiles/WebMercatorQuad/12/1705/3366", {}),
    "a scenario": ("POST", "/coverage", _scenario({**PATCH, "geometry": RAGGED})),
    "many patches": (
        "POST", "/coverage", _scenario(*[{**PATCH, "geometry": DRAWN}] * 51),
    ),
    "an edit": ("POST", PARKS, _drawn(star(10_001))),
    "a tangle": ("POST", PARKS, _drawn(TANGLED)),
    "an export": ("GET", "/exports/parks.geojson", {"params": {"filter": f"S_OVERLAPS(geom,{SHAPE})"}}),
}  # fmt: skip
assert len(BOMBS) >= 24
#: What is refused before the database hears of it.
REFUSED = {"vertices", "nested", "a scenario", "many patches", "an edit", "a tangle"}


def _at_work(settings) -> int:
    statement = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with psycopg.connect(**admin_parameters(settings), autocommit=True) as conn:
        row = conn.execute(statement).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_answered_or_refused_and_leaves_nothing_at_work(city, client, name):
    method, path, given = BOMBS[name]
    started = time.monotonic()
    reply = client.request(method, path, **given)
    spent = time.monotonic() - started
    assert reply.status_code in ({400, 413, 422} if name in REFUSED else {200, 204, 400, 503}), reply.text[
        :300
    ]
    if reply.status_code >= 400:
        assert reply.json()["hint"]
    ended = time.monotonic()
    while _at_work(city):
        assert time.monotonic() - ended < AFTER_S
        time.sleep(0.05)
    assert spent <= WITHIN_S
