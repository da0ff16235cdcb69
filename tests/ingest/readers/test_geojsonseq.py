"""GeoJSON text sequences: a bad line costs only its row."""

from __future__ import annotations

import json

import pytest
import shapely

from app.errors import UnreadableFile
from app.ingest.files import recognise
from tests.ingest.readers.reading import read, read_one


def feature(number: int) -> str:
    shape = {"type": "Point", "coordinates": [115.8, 28 + number]}
    properties = {"名称": f"公厕{number}"}
    return json.dumps({"type": "Feature", "properties": properties, "geometry": shape}, ensure_ascii=False)


def test_lines_are_rows_and_a_bad_one_is_a_fault(tmp_path):
    path = tmp_path / "厕所.geojsonl"
    lines = [
        feature(0),
        '{"type": "Feature", "geom',
        "",
        feature(1),
        '{"type": "Point", "coordinates": [1, 2]}',
        "[1]",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert recognise(path).format == "geojsonseq"
    layer = read_one(path)
    assert layer.rows == [1, 2, 4, 5, 6]
    assert layer.faults == {1: "the text is not valid JSON", 4: "not a GeoJSON feature"}
    assert layer.columns["名称"] == ["公厕0", None, "公厕1", None, None]
    assert layer.geometry[3] == shapely.Point(1, 2)
    assert (layer.name, layer.crs) == ("厕所", "EPSG:4326")


def test_records_behind_separators_may_span_lines(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(
        "".join(f"\x1e{feature(i).replace('{', '{' + chr(10), 1)}\n" for i in range(3)), encoding="utf-8"
    )
    assert recognise(path).format == "geojsonseq"
    layer = read_one(path)
    assert (layer.rows, layer.faults) == ([1, 2, 3], {})
    assert layer.columns["名称"] == ["公厕0", "公厕1", "公厕2"]


def test_one_feature_or_a_written_out_collection_is_no_sequence(tmp_path):
    one = tmp_path / "a.json"
    one.write_text(feature(0), encoding="utf-8")
    assert recognise(one).format == "geojson"
    one.write_text('{\n"type": "FeatureCollection",\n"features": [\n' + feature(0) + "\n]}", encoding="utf-8")
    assert recognise(one).format == "geojson"
    long = feature(0).replace("公厕0", "长" * 70_000)
    one.write_text(long, encoding="utf-8")
    assert recognise(one).format == "geojson"
    one.write_text(long + "\n" + long, encoding="utf-8")
    assert recognise(one).format == "geojsonseq"
    assert len(read_one(one).rows) == 2


def test_encodings(tmp_path):
    path = tmp_path / "a.geojsonl"
    path.write_bytes(f"{feature(0)}\n{feature(1)}\n".encode("gb18030"))
    assert set(read_one(path).faults.values()) == {"the text is not in UTF-8"}
    assert read_one(path, encoding="GB18030").columns["名称"] == ["公厕0", "公厕1"]
    with pytest.raises(UnreadableFile, match="no encoding"):
        read(path, encoding="klingon")
