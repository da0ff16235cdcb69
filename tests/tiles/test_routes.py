"""Tiles over HTTP: what is in them, their headers, HEAD, tags and 304, nothing there, the ground, a run."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import mapbox_vector_tile
import pytest
from fastapi.testclient import TestClient

from app.database.engine import Database
from app.inventory.service import write_batches
from app.settings import Settings
from bench.places import place
from tests.inventory.town import CHANGE, LAT, LON, batch
from tests.inventory.town import place as spot
from tests.ogc.edits import created, served_town

MVT = "application/vnd.mapbox-vector-tile"


@pytest.fixture(scope="module")
def served(cluster_settings, template, catalogue) -> Iterator[tuple[TestClient, Settings, Database]]:
    """Two toilets in the tile of `tile_path`, sixty in another."""
    with served_town(cluster_settings, template, catalogue) as found:
        for name in ("one", "two"):
            created(found[0], name_zh=name)
        with found[2].write() as conn:
            many = {f"m{n}": spot(-1 - n / 1000, -1) for n in range(60)}
            rows = batch("toilets", many, {"name_zh": [f"公厕{n}" for n in range(60)]})
            write_batches(conn, catalogue, [rows], CHANGE)
        yield found


@pytest.fixture
def client(served) -> TestClient:
    return served[0]


def tile_path(z: int = 14, start: str = "/collections/toilets") -> str:
    row, col = place(LON + 0.005, LAT + 0.005, z)
    return f"{start}/tiles/WebMercatorQuad/{z}/{row}/{col}"


def test_a_tile_of_a_collection(client):
    reply = client.get(tile_path(16))
    assert (reply.status_code, reply.headers["content-type"]) == (200, MVT)
    assert reply.headers["cache-control"] == "private, no-cache, max-age=0"
    layers = mapbox_vector_tile.decode(reply.content)
    assert list(layers) == ["toilets"]
    assert {item["properties"]["name_zh"] for item in layers["toilets"]["features"]} == {"one", "two"}


def test_a_tile_of_several_collections_has_them_as_layers_in_their_order(client):
    reply = client.get(tile_path(16, "") + "?collections=toilets,districts")
    assert list(mapbox_vector_tile.decode(reply.content)) == ["toilets", "districts"]


def test_without_a_choice_every_class_that_holds_anything_is_a_layer(client):
    reply = client.get(tile_path(16, ""))
    assert set(mapbox_vector_tile.decode(reply.content)) == {"toilets", "districts"}


def test_what_is_asked_chooses_what_is_drawn(client):
    path = tile_path(16)
    found = mapbox_vector_tile.decode(client.get(f"{path}?filter=name_zh='one'").content)
    assert [item["properties"]["name_zh"] for item in found["toilets"]["features"]] == ["one"]
    found = mapbox_vector_tile.decode(client.get(f"{path}?name_zh=two&properties=code").content)
    assert [set(item["properties"]) for item in found["toilets"]["features"]] == [{"code"}]


def test_the_ground(client):
    reply = client.get(tile_path(12, "/background"))
    assert (reply.status_code, reply.headers["content-type"]) == (200, MVT)
    assert "borders" in mapbox_vector_tile.decode(reply.content)
    assert client.get(tile_path(12, "/background") + "?datetime=2020-01-01").status_code == 400


def test_nothing_there_is_204(client):
    reply = client.get("/collections/toilets/tiles/WebMercatorQuad/16/0/0")
    assert (reply.status_code, reply.content) == (204, b"")
    assert "content-type" not in reply.headers
    assert client.get("/collections/parks/tiles/WebMercatorQuad/0/0/0").status_code == 204


@pytest.mark.parametrize("start", ["/collections/toilets", "", "/background"])
def test_head_has_the_headers_of_get(client, start):
    path = tile_path(12, start)
    for _ in range(2):  # built, remembered
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        same = ("etag", "content-type", "content-length", "cache-control", "vary")
        assert [head.headers[name] for name in same] == [got.headers[name] for name in same]


def test_headers_of_the_house_are_on_every_tile(client):
    for _ in range(3):
        reply = client.get(tile_path(15))
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert len(reply.headers["x-request-id"]) == 16


def test_a_tile_is_packed_for_those_who_take_that(client):
    path = tile_path(12)
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for taken in ("gzip", "gzip, deflate, br, zstd", "*"):
        with client.stream("GET", path, headers={"Accept-Encoding": taken}) as reply:
            raw = b"".join(reply.iter_raw())
        assert reply.headers["content-encoding"] == "gzip"
        assert reply.headers["etag"] != plain.headers["etag"]
        assert (len(raw) < len(plain.content), gzip.decompress(raw)) == (True, plain.content)
        asked = {"Accept-Encoding": taken, "If-None-Match": reply.headers["etag"]}
        assert client.get(path, headers=asked).status_code == 304
    for refused in ("br, zstd", "gzip;q=0", ""):
        again = client.get(path, headers={"Accept-Encoding": refused})
        assert (again.headers.get("content-encoding"), again.content) == (None, plain.content)
        assert again.headers["etag"] == plain.headers["etag"]


def test_a_small_tile_is_not_packed(client):
    reply = client.get(tile_path(16), headers={"Accept-Encoding": "gzip"})
    assert reply.status_code == 200
    assert "content-encoding" not in reply.headers


def test_the_definition_tells_of_tiles(client):
    paths = client.get("/api?f=oas31").json()["paths"]
    for start in ("/collections/{collection}", "", "/coverage/{run}", "/background"):
        told = paths[start + "/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"]["get"]["responses"]
        assert {"200", "204", "304", "400", "404"} <= set(told)
        assert set(told["200"]["content"]) == {MVT}
