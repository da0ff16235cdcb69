"""GDAL's OAPIF driver, the system's (3.6) and the newer one in pyogrio: count, page, box, filter, copy the city out."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import shapely
from pyogrio.raw import read_arrow
from shapely.geometry import shape

from tests.clients.conftest import Served

pytestmark = pytest.mark.slow

NEWER = Path(__file__).with_name("newer_gdal.py")
BOX = ("115.858", "28.678", "115.862", "28.682")


def gdal(*words: str | Path) -> str:
    """Run one of GDAL's tools; its output, which must hold no error."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr
    return done.stdout


def source(served: Served) -> str:
    return f"OAPIF:{served.address}"


def codes(printed: str) -> list[str]:
    """The codes of the features that ogrinfo printed."""
    return re.findall(r"^  code \(String\) = (.+)$", printed, re.MULTILINE)


def test_ogrinfo_lists_every_collection_with_its_title_and_counts_each(served):
    listed = gdal("ogrinfo", "-q", source(served))
    assert re.findall(r"^\d+: (\w+)", listed, re.MULTILINE) == served.ids()
    assert "公共厕所" in listed
    for collection in ("toilets", "streets", "population_cells"):
        told = gdal("ogrinfo", "-so", "-ro", source(served), collection)
        assert f"Feature Count: {served.count(collection)}" in told


def test_ogrinfo_pages_to_the_end_and_each_feature_comes_once(served):
    mark = len(served.log)
    found = codes(gdal("ogrinfo", "-q", source(served), "street_lights", "-oo", "PAGE_SIZE=50"))
    pages = [item for item in served.since(mark) if item.query.get("limit") == "50"]
    expected = [item["properties"]["code"] for item in served.features("street_lights")]
    assert sorted(found) == sorted(expected)
    assert len(pages) >= -(-len(expected) // 50)


def test_spat_is_sent_as_a_box_and_answered_by_the_server(served):
    mark = len(served.log)
    found = codes(
        gdal("ogrinfo", "-q", source(served), "street_trees", "-oo", "PAGE_SIZE=100", "-spat", *BOX)
    )
    boxes = [item.query["bbox"].split(",") for item in served.since(mark) if "bbox" in item.query]
    assert [float(number) for number in boxes[0]] == pytest.approx([float(number) for number in BOX])
    expected = served.features("street_trees", f"&bbox={','.join(BOX)}")
    assert found == [item["properties"]["code"] for item in expected]
    assert found


def test_where_gives_what_the_server_finds(served):
    found = codes(gdal("ogrinfo", "-q", source(served), "toilets", "-where", "kind = 'public'"))
    assert found == [item["properties"]["code"] for item in served.features("toilets", "&kind=public")]
    assert found


@pytest.fixture(scope="module")
def copied(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole city as `ogr2ogr` copies it by its address."""
    target = tmp_path_factory.mktemp("copied") / "city.gpkg"
    gdal("ogr2ogr", target, source(served), "-oo", "PAGE_SIZE=1000")
    return target


@pytest.mark.wide
def test_ogr2ogr_copies_the_whole_city_and_stops_at_no_layer(served, copied):
    with sqlite3.connect(copied) as gpkg:
        layers = [
            row[0] for row in gpkg.execute("SELECT table_name FROM gpkg_contents WHERE data_type != 'x'")
        ]
        counts = {name: gpkg.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in layers}
    assert counts == {name: served.count(name) for name in served.ids()}
    assert sum(count == 0 for count in counts.values()) >= 2
    assert counts["coverage_areas"] > 0


@pytest.mark.parametrize("collection", ["toilets", "streets", "parks"])
def test_what_is_copied_is_what_is_stored(served, copied, collection):
    items = {item["properties"]["code"]: item for item in served.features(collection)}
    _, table = read_arrow(copied, layer=collection)
    names = dict(zip(table["code"].to_pylist(), table["name_zh"].to_pylist(), strict=True))
    shapes = dict(zip(table["code"].to_pylist(), table["geom"].to_pylist(), strict=True))
    assert names == {code: item["properties"]["name_zh"] for code, item in items.items()}
    assert any(re.search(r"[\u4e00-\u9fff]", name or "") for name in names.values())
    for code, item in items.items():
        assert shapely.equals_exact(shapely.from_wkb(shapes[code]), shape(item["geometry"]), 1e-9)


@pytest.mark.wide
def test_a_newer_gdal_reads_the_same(served):
    """GDAL 3.12 reads Parts 2 and 5 where they are there: by the storage's CRS, with fields from the schema."""
    asked = ["toilets", "streets", "population_cells", "street_trees"]
    printed = gdal(sys.executable, NEWER, served.address, ",".join(BOX), *asked)
    found = json.loads(printed)
    assert found["layers"] == served.ids()
    for name in asked:
        expected = [item["properties"]["code"] for item in served.features(name)]
        assert sorted(found["codes"][name]) == sorted(expected)
    boxed = served.features("street_trees", f"&bbox={','.join(BOX)}")
    assert sorted(found["in_box"]) == sorted(item["properties"]["code"] for item in boxed)


@pytest.mark.wide
def test_ogr2ogr_takes_one_page_without_the_driver(served, tmp_path):
    """An address of items alone is GeoJSON to every GDAL."""
    gdal("ogr2ogr", tmp_path / "trees.geojson", f"{served.address}/collections/street_trees/items?limit=1000")
    features = json.loads((tmp_path / "trees.geojson").read_text(encoding="utf-8"))["features"]
    assert len(features) == served.count("street_trees")
