"""A file is what its first bytes say; everything else is named in a sentence."""

from __future__ import annotations

import bz2
import gzip
import os
import sqlite3

import pytest

from app.errors import UnreadableFile
from app.ingest.files import list_files, recognise

OSM = b'<?xml version="1.0"?>\n<osm version="0.6"></osm>'
VRT = (
    b'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>'
    b"</OGRVRTDataSource>"
)


@pytest.mark.parametrize(
    ("name", "content", "kind", "osm"),
    [
        ("a.geojson", b' \n{"type": "FeatureCollection"}', "geojson", ""),
        ("bom.json", b'\xef\xbb\xbf{"type"', "geojson", ""),
        ("wrong.gpkg", b'{"type": "Feature"}', "geojson", ""),
        ("a.osm", OSM, "osm", "osm"),
        ("a.osm.gz", gzip.compress(OSM, mtime=0), "osm", "osm.gz"),
        ("a.osm.bz2", bz2.compress(OSM), "osm", "osm.bz2"),
    ],
)
def test_files_that_are_read(tmp_path, name, content, kind, osm):
    (tmp_path / name).write_bytes(content)
    found = recognise(tmp_path / name)
    assert (found.format, found.osm_format) == (kind, osm)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.geojson", b"", "is empty"),
        ("vrt.geojson", VRT, "a VRT file"),
        ("vrt.gpkg", VRT, "a VRT file"),
        ("vrt.osm", VRT, "a VRT file"),
        ("a.csv", b"lon,lat\n1,2\n", "a CSV table"),
        ("a.zip", b"PK\x05\x06" + bytes(18), "a zip archive"),
        ("a.shp", b"\x00\x00\x27\x0a" + bytes(96), "a Shapefile"),
        ("a.kml", b"<?xml version='1.0'?><kml></kml>", "a KML file"),
        ("a.dwg", b"AC1032" + bytes(20), "a DWG drawing"),
        ("noise.geojson", bytes(range(1, 200)), "of an unknown format"),
        ("http.gpkg", b"/vsicurl/http://127.0.0.1/x", "of an unknown format"),
        ("broken.gz", b"\x1f\x8b" + bytes(50), "damaged"),
        ("other.gz", gzip.compress(b"hello", mtime=0), "without OpenStreetMap data"),
    ],
)
def test_every_other_file_is_named_and_refused(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFile, match=said) as caught:
        recognise(tmp_path / name)
    assert caught.value.hint


def test_a_database_that_is_no_geopackage_is_refused(tmp_path):
    path = tmp_path / "a.gpkg"
    base = sqlite3.connect(path)
    base.execute("CREATE TABLE t (x)")
    base.close()
    with pytest.raises(UnreadableFile, match="not a GeoPackage"):
        recognise(path)


def test_what_is_not_there_or_no_file(tmp_path):
    with pytest.raises(UnreadableFile, match="There is no file"):
        recognise(tmp_path / "none.gpkg")
    os.mkfifo(tmp_path / "pipe.geojson")
    with pytest.raises(UnreadableFile, match="is not a file"):
        recognise(tmp_path / "pipe.geojson")


def test_a_folder_gives_the_files_that_can_be_read(tmp_path):
    for name in ("b.geojson", "a.GPKG", "notes.txt", "c.osm.pbf"):
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in list_files(tmp_path)] == ["a.GPKG", "b.geojson", "c.osm.pbf"]
    (tmp_path / "sub").mkdir()
    with pytest.raises(UnreadableFile, match="holds no file"):
        list_files(tmp_path / "sub")
