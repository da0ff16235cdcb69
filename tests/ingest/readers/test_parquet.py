"""Parquet: GeoParquet in every encoding, its CRS, and tables without places."""

from __future__ import annotations

import json
from typing import Any

import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely

from app.errors import UnreadableFile
from tests.ingest.readers.reading import read, read_one

SHAPES = {
    "Point": [shapely.Point(1, 2), None, shapely.Point(3, 4)],
    "LineString": [shapely.LineString([(0, 0), (1, 1), (2, 0)]), None, shapely.LineString([(5, 5), (6, 6)])],
    "Polygon": [shapely.box(0, 0, 9, 9).difference(shapely.box(1, 1, 2, 2)), None, shapely.box(3, 3, 4, 4)],
    "MultiPoint": [shapely.MultiPoint([(1, 2), (3, 4)]), None, shapely.MultiPoint([(5, 6)])],
    "MultiPolygon": [shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)]), None,
                     shapely.MultiPolygon([shapely.box(5, 5, 6, 6)])],
}  # fmt: skip


def frame(shapes: list[Any], crs: str | None = "EPSG:4548") -> geopandas.GeoDataFrame:
    return geopandas.GeoDataFrame(
        {"名称": ["甲", None, "𠮷"], "n": [2**53 + 1, 2, 3]}, geometry=shapes, crs=crs
    )


@pytest.mark.parametrize("encoding", ["WKB", "geoarrow"])
@pytest.mark.parametrize("kind", SHAPES)
def test_every_encoding_and_kind(tmp_path, encoding, kind):
    frame(SHAPES[kind]).to_parquet(
        tmp_path / "厕所.parquet", geometry_encoding=encoding, schema_version="1.1.0"
    )
    layer = read_one(tmp_path / "厕所.parquet")
    assert (layer.name, layer.crs, layer.rows) == ("厕所", "EPSG:4548", [1, 2, 3])
    assert layer.columns == {"名称": ["甲", None, "𠮷"], "n": [2**53 + 1, 2, 3]}
    assert list(layer.geometry) == SHAPES[kind]
    assert layer.faults == {}


def test_the_covering_box_is_no_column_and_chunks_follow(tmp_path, monkeypatch):
    monkeypatch.setattr("app.ingest.readers.parquet.CHUNK_ROWS", 2)
    frame(SHAPES["Point"]).to_parquet(tmp_path / "a.parquet", write_covering_bbox=True)
    first, second = read(tmp_path / "a.parquet")
    assert (first.rows, second.rows) == ([1, 2], [3])
    assert list(first.columns) == ["名称", "n"]


def geo(path: Any, **about: Any) -> None:
    """The file at `path` with other metadata of its geometry column."""
    table = pq.read_table(path)
    meta = json.loads(table.schema.metadata[b"geo"])
    column = meta["columns"]["geometry"]
    column.update(about)
    for name in [name for name, value in about.items() if value == "absent"]:
        del column[name]
    pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(meta).encode()}), path)


def test_crs_as_the_file_says(tmp_path):
    path = tmp_path / "a.parquet"
    frame(SHAPES["Point"]).to_parquet(path)
    geo(path, crs=None)
    assert read_one(path).crs is None
    geo(path, crs="absent")
    assert read_one(path).crs == "EPSG:4326"
    geo(path, crs=pyproj.CRS("OGC:CRS84").to_json_dict())
    assert read_one(path).crs == "EPSG:4326"
    local = pyproj.CRS("+proj=tmerc +lon_0=115.48724 +k=1 +x_0=501700 +ellps=GRS80").to_json_dict()
    geo(path, crs=local)
    assert pyproj.CRS.from_user_input(read_one(path).crs) == pyproj.CRS.from_json_dict(local)


def test_a_damaged_geometry_costs_only_its_row(tmp_path):
    path = tmp_path / "a.parquet"
    frame(SHAPES["Point"]).to_parquet(path)
    table = pq.read_table(path)
    wkb = [shapely.to_wkb(shapely.Point(1, 2)), b"\x01\x02nothing", None]
    table = table.set_column(table.schema.get_field_index("geometry"), "geometry", pa.array(wkb, pa.binary()))
    pq.write_table(table, path)
    layer = read_one(path)
    assert layer.faults == {1: "the geometry is damaged"}
    assert layer.geometry[0] == shapely.Point(1, 2)


def test_a_table_without_places(tmp_path):
    table = pa.table({"经度": [115.8, None], "名称": pa.array(["甲", "甲"]).dictionary_encode()})
    pq.write_table(table, tmp_path / "a.parquet")
    layer = read_one(tmp_path / "a.parquet")
    assert (layer.spatial, layer.crs, layer.columns) == (
        False,
        None,
        {"经度": [115.8, None], "名称": ["甲", "甲"]},
    )
    pq.write_table(table.slice(0, 0), tmp_path / "b.parquet")
    assert read_one(tmp_path / "b.parquet").columns == {"经度": [], "名称": []}


def test_damage_is_told(tmp_path):
    path = tmp_path / "a.parquet"
    frame(SHAPES["Point"]).to_parquet(path)
    geo(path, encoding="twkb")
    with pytest.raises(UnreadableFile, match="known encoding"):
        read(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableFile, match="damaged Parquet"):
        read(path)


def test_a_network_from_outside(data_dir):
    layers = read(data_dir / "wuhan" / "wuhan_streets.parquet")
    assert sum(len(layer.rows) for layer in layers) == 92_667
    assert layers[1].rows[0] == 20_001
    assert not any(shape is None for layer in layers for shape in layer.geometry)
    assert np.isin([shape.geom_type for shape in layers[0].geometry], ["LineString"]).all()
