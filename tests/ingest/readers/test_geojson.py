"""GeoJSON row by row: no defect of one row costs another."""

from __future__ import annotations

import json
from typing import Any

import pytest
import shapely

from app.errors import UnreadableFile
from app.ingest.layer import Layer
from tests.ingest.readers.reading import read as read_all
from tests.ingest.readers.reading import read_one

SQUARE = [[[25.0, 60.0], [25.001, 60.0], [25.001, 60.001], [25.0, 60.001], [25.0, 60.0]]]


@pytest.fixture
def read(tmp_path):
    def read(root, **options: Any) -> Layer:
        path = tmp_path / "file.geojson"
        path.write_text(root if isinstance(root, str) else json.dumps(root), encoding="utf-8")
        return read_one(path, **options)

    return read


def collection(*geometries: Any, **more: Any) -> dict[str, Any]:
    features = [{"type": "Feature", "properties": {"n": i}, "geometry": g} for i, g in enumerate(geometries)]
    return {"type": "FeatureCollection", "features": features, **more}


def polygon(ring):
    return {"type": "Polygon", "coordinates": [ring]}


BAD = {
    "ring 1 is not closed": polygon(SQUARE[0][:-1]),
    "ring 1 has fewer than 4 positions": polygon(SQUARE[0][:3]),
    "a coordinate is not a number": {"type": "Point", "coordinates": [25, "f"]},
    "a coordinate is not a number ('null')": {"type": "Point", "coordinates": [25, None]},
    "the coordinates make no Point": {"type": "Point", "coordinates": [25]},
    "the geometry has no coordinates": {"type": "Point"},
    "the geometry has no known type": {"type": "Circle", "coordinates": [25, 60]},
    "the coordinates make no LineString": {"type": "LineString", "coordinates": [25, 60]},
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_geometry_is_told_and_the_good_ones_load(read, reason):
    good = {"type": "Polygon", "coordinates": SQUARE}
    layer = read(collection(good, BAD[reason], good))
    assert list(layer.faults) == [1]
    assert reason in layer.faults[1]
    assert layer.geometry[0].equals(shapely.geometry.shape(good))
    assert layer.geometry[2] is not None


def test_numbers_that_json_does_not_know_cost_only_their_row(read):
    text = json.dumps(
        collection(
            *({"type": "Point", "coordinates": [25, lat]} for lat in (60, float("nan"), float("inf"), 1e308))
        )
    )
    layer = read(text)
    assert len(layer.rows) == 4
    assert layer.geometry[0] == shapely.Point(25, 60)
    # What is no number cannot be read; what is one but no place is refused when it is cleaned.
    assert set(layer.faults) == {1, 2}
    assert layer.geometry[3].y == 1e308


def test_all_forms_of_a_root(read):
    point = {"type": "Point", "coordinates": [25, 60, 7]}
    assert len(read(point).rows) == 1
    assert len(read({"type": "Feature", "geometry": point, "properties": None}).rows) == 1
    assert len(read({"type": "GeometryCollection", "geometries": [point, point]}).rows) == 2


def test_declared_crs_extent_name_and_id(read):
    root = collection({"type": "Point", "coordinates": [3, 4]}, bbox=[24, 59, 26, 61], name="公共厕所")
    root["features"][0]["id"] = "T-1"
    root["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3067"}}
    layer = read(root)
    assert (layer.crs, layer.extent, layer.name) == ("EPSG:3067", (24.0, 59.0, 26.0, 61.0), "公共厕所")
    assert layer.columns == {"n": [0], "id": ["T-1"]}
    assert read(collection({"type": "Point", "coordinates": [3, 4]})).extent is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"type": "FeatureCollection", "features": [', "not valid JSON"),
        ('{"type": "Topology"}', "not GeoJSON"),
        ('{"type": "FeatureCollection", "features": []}', "holds no features"),
        ('{"type": "FeatureCollection", "features": 3}', "not GeoJSON"),
        ('{"a": ' + "[" * 100_000, "not valid JSON"),
    ],
)
def test_what_is_no_geojson_is_refused(read, text, said):
    with pytest.raises(UnreadableFile, match=said):
        read(text)


def test_deep_nesting_is_a_bad_row(read):
    deep: object = [25, 60]
    for _ in range(500):
        deep = [deep]
    layer = read(
        collection({"type": "MultiPolygon", "coordinates": deep}, {"type": "Point", "coordinates": [25, 60]})
    )
    assert list(layer.faults) == [0]


def test_features_that_are_none(read):
    layer = read({"type": "FeatureCollection", "features": [None, 3, {"type": "Feature", "geometry": None}]})
    assert layer.faults == {0: "not a GeoJSON feature", 1: "not a GeoJSON feature"}


def test_encodings(tmp_path):
    path = tmp_path / "gbk.geojson"
    text = json.dumps(
        collection({"type": "Point", "coordinates": [116, 29]}, name="公园绿地"), ensure_ascii=False
    )
    path.write_bytes(text.encode("gb18030"))
    with pytest.raises(UnreadableFile, match="not in UTF-8") as caught:
        read_one(path)
    assert "GB18030" in (caught.value.hint or "")
    assert read_one(path, encoding="GB18030").name == "公园绿地"
    with pytest.raises(UnreadableFile, match="no encoding"):
        read_one(path, encoding="klingon")
    path.write_bytes(text.encode("utf-16"))
    assert read_one(path).name == "公园绿地"


def test_long_files_come_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("app.ingest.readers.select.CHUNK_ROWS", 2)
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(collection(*[{"type": "Point", "coordinates": [25, i]} for i in range(5)])))
    chunks = read_all(path)
    assert [layer.rows for layer in chunks] == [[1, 2], [3, 4], [5]]
    assert {layer.name for layer in chunks} == {"a"}
