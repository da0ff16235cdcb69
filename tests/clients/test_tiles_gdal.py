"""GDAL reads tiles: its MVT driver over HTTP and from a file, its OGC API driver by the documents' links."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import shapely
from pyogrio.raw import read_arrow
from shapely.geometry import shape

from tests.clients.conftest import Served
from tests.clients.test_gdal import gdal
from tests.clients.tiles import Place, fetch, layers_of, place_of

NEWER = Path(__file__).with_name("newer_gdal_tiles.py")
MIDDLE = (115.8605, 28.6795)
WEB_MERCATOR = "EPSG:3857"


def options(at: Place) -> list[str]:
    """What the driver must be told, since rows come before columns in our addresses."""
    return [
        word
        for name, value in (("Z", at.z), ("X", at.col), ("Y", at.row))
        for word in ("-oo", f"{name}={value}")
    ]


@pytest.fixture(scope="module")
def at() -> Place:
    return place_of(15, *MIDDLE)


@pytest.fixture(scope="module")
def copied(served: Served, at: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tile of three classes as `ogr2ogr` copies it from its address."""
    target = tmp_path_factory.mktemp("tiles") / "tile.gpkg"
    address = f"MVT:{served.address}/tiles/{at.path}?collections=toilets,streets,parks&f=mvt"
    gdal("ogr2ogr", target, address, *options(at), "-t_srs", "EPSG:4326")
    return target


def test_ogrinfo_lists_the_layers_of_an_address_with_their_counts(served, at):
    path = f"/tiles/{at.path}?collections=toilets,streets,parks"
    told = gdal("ogrinfo", "-so", "-al", "-ro", f"MVT:{served.address}{path}&f=mvt", *options(at))
    counts = dict(
        zip(
            re.findall(r"^Layer name: (\w+)", told, re.MULTILINE),
            re.findall(r"Feature Count: (\d+)", told),
            strict=True,
        )
    )
    known = layers_of(fetch(served, path)[2])
    assert {name: int(count) for name, count in counts.items()} == {
        name: len(each) for name, each in known.items()
    }
    assert counts.keys() - {"thinned"} == {"toilets", "streets", "parks"}
    assert "Pseudo-Mercator" in told


@pytest.mark.parametrize("collection", ["toilets", "streets", "parks"])
def test_what_is_copied_from_a_tile_is_what_is_stored(served, copied, at, collection):
    items = {one["properties"]["code"]: one for one in served.features(collection)}
    _, table = read_arrow(copied, layer=collection)
    rows: list[dict[str, Any]] = table.to_pylist()
    assert len(rows) >= 1
    for row in rows:
        stored = items[row["code"]]
        assert row["mvt_id"] == stored["id"]
        known = stored["properties"]
        same = {
            name: row[name]
            for name in ("name_zh", "name_en", "kind", "min_zoom")
            if row.get(name) is not None
        }
        assert same == {name: known[name] for name in same}
        assert same["name_zh"] if collection != "streets" else True
        drawn, whole = shapely.from_wkb(row["geom"]), shape(stored["geometry"])
        apart = at.units(whole).distance(at.units(drawn))
        assert apart < 1


def test_a_saved_tile_is_read_from_its_file(served, at, tmp_path):
    body = fetch(served, f"/collections/streets/tiles/{at.path}")[2]
    (tmp_path / "tile.mvt").write_bytes(body)
    told = gdal("ogrinfo", "-so", "-al", tmp_path / "tile.mvt", *options(at))
    assert f"Feature Count: {len(layers_of(body)['streets'])}" in told
    assert re.search(r"^name_zh: String", told, re.MULTILINE)
    assert re.search(r"^min_zoom: Integer", told, re.MULTILINE)


def test_gdal_finds_tiles_by_the_links_of_a_collection(served):
    """GDAL 3.12 goes from the collection to its tilesets, the tileset, the matrix set and a tile."""
    mark = len(served.log)
    found = json.loads(gdal(sys.executable, NEWER, served.address, "toilets"))
    assert found["crs"] == WEB_MERCATOR
    assert sum(row["point_count"] for row in found["rows"]) == served.count("toilets")
    paths = [item.path for item in served.since(mark)]
    assert "/collections/toilets/tiles" in paths
    assert "/tileMatrixSets/WebMercatorQuad" in paths
    assert "/collections/toilets/tiles/WebMercatorQuad/0/0/0" in paths
    assert [item.status for item in served.since(mark) if item.status >= 400] == []
