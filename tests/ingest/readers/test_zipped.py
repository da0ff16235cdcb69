"""A zip gives the layers of all that is in it, each once."""

from __future__ import annotations

import json
import zipfile

import pytest

from app.errors import UnreadableFile
from app.ingest.files import recognise
from tests.ingest.readers.reading import read, read_one
from tests.ingest.readers.shapefiles import shapefile

GEOJSON = json.dumps(
    {"type": "Feature", "properties": {"a": 1}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
)


def pack(path, *files, **texts: str):
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, file.name)
        for name, text in texts.items():
            archive.writestr(name, text)
    return path


def test_a_zipped_shapefile_of_any_case(tmp_path):
    shapefile(tmp_path / "公厕.shp", [(b"NAME", "C", 20, 0)], [["八一公园".encode("gbk")]])
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in ("shp", "dbf", "shx"):
            archive.write(tmp_path / f"公厕.{part}", f"数据/公厕.{part.upper()}")
        archive.writestr("数据/readme.txt", "a,b\n1,2\n3,4\n")
    assert recognise(path).format == "zip"
    layer = read_one(path)
    assert (layer.name, layer.columns, layer.encoding) == ("公厕", {"NAME": ["八一公园"]}, "GB18030")


def test_several_datasets_and_those_that_cannot_be_read(tmp_path):
    path = pack(
        tmp_path / "a.zip",
        **{"a.geojson": GEOJSON, "b/a.geojson": GEOJSON, "c.csv": "x,y\n1,2\n", "d.dwg": "AC1032"},
    )
    layers = read(path)
    assert [(layer.name, len(layer.rows)) for layer in layers if layer.rows] == [
        ("a", 1), ("b/a.geojson: a", 1), ("c", 1)
    ]  # fmt: skip
    (skipped,) = [layer for layer in layers if layer.skipped]
    assert skipped.name == "d.dwg"
    assert "DXF" in (skipped.skipped or "")


def test_a_damaged_dataset_costs_only_itself(tmp_path):
    path = pack(tmp_path / "a.zip", **{"a.geojson": GEOJSON, "b.geojson": '{"type": "Topology"}'})
    good, bad = read(path)
    assert (good.name, bad.name) == ("a", "b.geojson")
    assert "not GeoJSON" in (bad.skipped or "")
    with pytest.raises(UnreadableFile, match="not GeoJSON"):
        read(pack(tmp_path / "b.zip", **{"b.geojson": '{"type": "Topology"}'}))


def test_one_layer_of_several(tmp_path):
    path = pack(tmp_path / "a.zip", **{"a.geojson": GEOJSON, "b.geojson": GEOJSON})
    assert read_one(path, layer="b").name == "b"
    with pytest.raises(UnreadableFile, match="no layer 'x'") as caught:
        read(path, layer="x")
    assert "'a'" in (caught.value.hint or "")


def test_archives_without_data(tmp_path, data_dir):
    with pytest.raises(UnreadableFile, match="holds no file that can be read"):
        read(data_dir / "messy" / "empty_zipfile.zip")
    with pytest.raises(UnreadableFile, match="not a zip archive, though its name says so"):
        read(data_dir / "messy" / "badzip.zip")
    inner = pack(tmp_path / "inner.bin", **{"a.geojson": GEOJSON})
    with pytest.raises(UnreadableFile, match="holds no file that can be read"):
        read(pack(tmp_path / "outer.zip", inner))
    osm = '<?xml version="1.0"?><osm version="0.6"></osm>'
    skipped = [
        layer.skipped
        for layer in read(pack(tmp_path / "osm.zip", **{"a.osm": osm, "b.geojson": GEOJSON}))
        if layer.skipped
    ]
    assert len(skipped) == 1
    assert "import it by itself" in skipped[0]


def test_archives_from_outside(data_dir):
    (senate,) = read(data_dir / "messy" / "mixedcase.zip")
    assert (senate.name, len(senate.rows)) == ("senate", 40)
    assert senate.columns["SENDISTNUM"][:2] == [36, 38]
    found = {
        path.stem: (layer.name, len(layer.rows), sum(shape is None for shape in layer.geometry))
        for path in sorted((data_dir / "vancouver").glob("*.zip"))
        for layer in read(path)
    }
    assert found == {
        "burnaby_parks": ("Park_Inventory", 402, 0),
        "coquitlam_parks": ("Parks", 278, 0),
        "langley_township_parks": ("Parks", 216, 0),
        "vancouver_parks": ("parks-polygon-representation", 254, 0),
    }
