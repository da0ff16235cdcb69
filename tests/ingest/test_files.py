"""A file is what its first bytes say; everything else is named in a sentence."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import sqlite3
import zipfile

import pytest

from app.errors import UnreadableFile
from app.ingest.files import list_files, recognise

OSM = b'<?xml version="1.0"?>\n<osm version="0.6"></osm>'
VRT = (
    b'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>'
    b"</OGRVRTDataSource>"
)


def packed(name: str) -> bytes:
    """A zip with one member."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(name, "x")
    return archive.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kind", "osm"),
    [
        ("a.geojson", b' \n{"type": "FeatureCollection"}', "geojson", ""),
        ("bom.json", b'\xef\xbb\xbf{"type"', "geojson", ""),
        ("wrong.gpkg", b'{"type": "Feature"}', "geojson", ""),
        ("a.osm", OSM, "osm", "osm"),
        ("a.osm.gz", gzip.compress(OSM, mtime=0), "osm", "osm.gz"),
        ("a.osm.bz2", bz2.compress(OSM), "osm", "osm.bz2"),
        ("a.shp", b"\x00\x00\x27\x0a" + bytes(96), "shapefile", ""),
        ("a.bin", b"fgb\x03fgb\x00" + bytes(8), "flatgeobuf", ""),
        ("a.bin", b"PAR1" + bytes(8), "parquet", ""),
        ("a.geojsonl", b'{"type": "Feature"}\n{"type": "Feature"}\n', "geojsonseq", ""),
        ("a.kml", b"<?xml version='1.0'?><!-- a --><kml></kml>", "kml", ""),
        ("a.txt", b'<kml:kml xmlns:kml="x"></kml:kml>', "kml", ""),
        ("a.gpx", b"<gpx></gpx>", "gpx", ""),
        ("a.dxf", b"999\r\nmade by\r\n  0\r\nSECTION\r\n", "dxf", ""),
        ("a.dxf", b"AutoCAD Binary DXF\r\n\x1a\x00" + bytes(9), "dxf", ""),
        ("a.csv", b"lon,lat\n1,2\n", "delimited", ""),
        ("a.csv", b"one column\nvalue\n", "delimited", ""),
        ("a.txt", "名称\t经度\n厕所\t115\n".encode("gbk"), "delimited", ""),
        ("a.csv", "名称;经度\n厕所;115\n".encode("utf-16"), "delimited", ""),
        ("a.dat", b"id|x|y\n1|2|3\n", "delimited", ""),
        ("a.bin", packed("xl/workbook.xml"), "xlsx", ""),
        ("a.bin", packed("doc.kml"), "kmz", ""),
        ("a.bin", packed("a.csv"), "zip", ""),
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
        ("vrt.csv", VRT, "a VRT file"),
        ("vrt.kml", b"\xef\xbb\xbf" + VRT, "a VRT file"),
        ("a.zip", b"PK\x03\x04" + bytes(18), "its end is missing"),
        ("a.shx", b"\x00\x00\x27\x0a" + bytes(96), "index of a Shapefile"),
        ("a.kml", b"<!DOCTYPE kml [<!ENTITY a 'b'>]><kml></kml>", "a document type of its own"),
        (
            "a.gpx",
            b"<?xml version='1.0'?>\n<!DOCTYPE gpx SYSTEM 'http://127.0.0.1/x'><gpx></gpx>",
            "document type",
        ),
        ("a.html", b"<!doctype html><html></html>", "a web page"),
        ("a.gml", b"<?xml version='1.0'?><gml:FeatureCollection/>", "a GML file"),
        ("a.xlsx", b"nothing", "not a zip archive, though its name says so"),
        ("a.bin", packed("xl/workbook.bin"), "a binary Excel workbook"),
        ("a.bin", packed("content.xml"), "an ODS table"),
        ("a.tab", b"!table\n!version 300\n", "a MapInfo table"),
        ("a.mif", b'Version 300\nCharset "Neutral"\nDelimiter ","\n', "a MapInfo file"),
        ("a.pdf", b"%PDF-1.7", "a PDF"),
        ("a.dbf", b"nothing", "a damaged dBase table"),
        ("a.txt", b"nothing", "a text without columns"),
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


@pytest.mark.parametrize(
    ("name", "content", "called", "way_out"),
    [
        ("a.dwg", b"AC1032" + bytes(20), "a DWG drawing", "DXF"),
        ("a.mdb", b"\x00\x01\x00\x00Standard Jet DB\x00", "an Access database", "File Geodatabase"),
        ("a.accdb", b"\x00\x01\x00\x00Standard ACE DB\x00", "an Access database", "GeoPackage"),
        (
            "a.dat",
            b"1,,500000.1,3170000.2,20.5\n2,A11,500001.1,3170001.2,\n",
            "a CASS file of points",
            "点号",
        ),
        ("a.txt", b"1,,500000.1,3170000.2,20.5\r\n", "a CASS file of points", ".csv"),
        ("a.wt", b"WMAP9022" + bytes(9), "a MapGIS file", "Shapefile"),
        ("a.wp", bytes(range(1, 99)), "a MapGIS file", "Shapefile"),
        ("a.udbx", b"SQLite format 3\x00" + bytes(84), "a SuperMap data source", "iDesktop"),
        ("a.udb", bytes(range(1, 99)), "a SuperMap data source", "iDesktop"),
        ("a.sdb", bytes(range(1, 99)), "a SuperMap data source", "iDesktop"),
        ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(99), "an old Excel workbook", ".xlsx"),
        ("a.dgn", b"\x08\x09\xfe\x02" + bytes(99), "a DGN drawing", "DXF"),
    ],
)
def test_what_cannot_be_read_has_a_way_out(tmp_path, name, content, called, way_out):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFile, match=called) as caught:
        recognise(tmp_path / name)
    assert way_out in (caught.value.hint or "")


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
    with pytest.raises(UnreadableFile, match="is a folder"):
        recognise(tmp_path)
    os.mkfifo(tmp_path / "pipe.geojson")
    with pytest.raises(UnreadableFile, match="is not a file"):
        recognise(tmp_path / "pipe.geojson")


def test_a_folder_gives_each_dataset_once(tmp_path):
    names = """b.geojson a.GPKG notes.txt c.osm.pbf p.SHP p.Dbf p.shx p.prj p.cpg p.shp.xml p.qml p.sbn lone.dbf
        lone.shx old.dwg m.tab m.map m.dat m.id .hidden.csv ~$x.xlsx x.xlsx readme.txt photo.jpg sub/t.CSV
        sub/.git/a.csv __MACOSX/b.geojson g.gdb/a00000001.gdbtable g.gdb/gdb list.txt"""
    for name in names.split():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "list.txt").write_text("a,b\n1,2\n")
    (tmp_path / "noname").write_text('{"type": "FeatureCollection", "features": []}')
    found = [path.relative_to(tmp_path).as_posix() for path in list_files(tmp_path)]
    assert found == [
        "a.GPKG", "b.geojson", "c.osm.pbf", "g.gdb", "list.txt", "lone.dbf", "lone.shx", "m.tab", "noname", "old.dwg",
        "p.SHP", "sub/t.CSV", "x.xlsx",
    ]  # fmt: skip
    assert list_files(tmp_path / "g.gdb") == [tmp_path / "g.gdb"]
    assert recognise(tmp_path / "g.gdb").format == "filegdb"
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableFile, match="holds no file"):
        list_files(tmp_path / "empty")
