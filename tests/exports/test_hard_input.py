"""What is hard to hold: every format keeps it as it is, or says in its report what it changed."""

from __future__ import annotations

import sqlite3
import zipfile
from datetime import date
from xml.etree import ElementTree as ET

import numpy as np
import openpyxl
import pyogrio
import pytest
import shapely

from app.errors import BadInput
from app.exports.service import export
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from tests.importing import import_path

NOTE = "长" * 10_000
NAMES = ["=1+1", "a\x01b\x0bc", "𠮷祥里", None]


@pytest.fixture
def toilets(database, catalogue):
    """Four toilets: a formula, control characters, a character beyond the first 65,536, nothing at all."""
    geometry = np.array([shapely.Point(115.86 + i / 700, 28.68) for i in range(4)], dtype=object)
    columns = {
        "name_zh": NAMES,
        "note": [NOTE, None, 'line\nbreak,\t"quoted" <b>&amp;', None],
        "built_on": [date(1890, 1, 2), date(1969, 12, 31), None, None],
        "stalls": [0, None, 12, None],
    }
    batch = Batch("toilets", ["a", "b", "c", "d"], geometry, columns, [{"k": "<v>"}, None, None, None])
    with database.write() as conn:
        write_batches(conn, catalogue, [batch], Change("test", "made"))


def test_a_spreadsheet_keeps_what_a_cell_can_hold(database, catalogue, toilets, tmp_path):
    export(database, catalogue, "toilets", tmp_path / "toilets.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "toilets.xlsx")["toilets"]
    head, *rows = sheet.iter_rows(values_only=True)
    name = head.index("名称 Name")
    assert [row[name] for row in rows] == ["'=1+1", "a_x0001_b_x000B_c", "𠮷祥里", None]
    assert next(row for row in rows if NOTE in row)


def test_kml_says_what_it_left_out_and_comes_back(database, catalogue, toilets, tmp_path):
    path = tmp_path / "toilets.kml"
    told = export(database, catalogue, "toilets", path)["changed"]
    assert told == {"toilets.name_zh: control characters as blanks": 1}
    root = ET.parse(path).getroot()
    spaces = {"k": "http://www.opengis.net/kml/2.2"}
    assert [item.text for item in root.iterfind(".//k:Placemark/k:name", spaces)] == [
        "=1+1",
        "a b c",
        "𠮷祥里",
        "d",
    ]
    assert (
        root.find(".//k:SimpleField[@name='stalls']/k:displayName", spaces).text == "厕位数 Stalls (pieces)"
    )
    (report,) = import_path(database, catalogue, path, dry_run=True)["files"]
    counts = report["classes"]["toilets"]
    assert (counts["unchanged"], counts["changed"], report["rejects"]) == (4, 0, [])


def test_a_drawing_is_in_metres_with_a_layer_a_class(database, catalogue, toilets, tmp_path):
    path = tmp_path / "toilets.dxf"
    told = export(database, catalogue, "toilets", path)
    assert told["crs"] == "EPSG:4548"
    assert told["changed"]["attributes beside code and name left out, no place in a drawing"] == 4
    assert path.read_bytes().isascii()
    meta, _, wkb, arrays = pyogrio.raw.read(path)
    rows = [dict(zip(meta["fields"], row, strict=True)) for row in zip(*arrays, strict=True)]
    assert {row["Layer"] for row in rows} == {"toilets", "toilets_name"}
    first = shapely.from_wkb(wkb[0])
    assert (first.x, first.y) == pytest.approx((388_578, 3_174_614), abs=500)
    assert "?\\U+7965\\U+91CC" in path.read_text("ascii")
    with pytest.raises(BadInput, match="in metres"):
        export(database, catalogue, "toilets", path, crs="EPSG:4490")


def test_a_shapefile_in_gbk(database, catalogue, toilets, tmp_path):
    told = export(database, catalogue, "toilets", tmp_path / "t.shp.zip", encoding="gbk")["changed"]
    assert told == {
        "toilets.extra left out: no place in a Shapefile": 1,
        "toilets.name_zh: characters that GBK does not have as '?'": 1,
        "toilets.note cut at 254 bytes": 1,
    }
    with zipfile.ZipFile(tmp_path / "t.shp.zip") as archive:
        table = archive.read("toilets.dbf")
        assert archive.read("toilets.cpg") == b"GBK"
    assert "?祥里".encode("gbk") in table
    assert ("长" * 127).encode("gbk") in table
    with pytest.raises(BadInput, match="not written in GBK"):
        export(database, catalogue, "toilets", tmp_path / "t.gpkg", encoding="GBK")


def test_rows_are_chosen_by_a_filter_and_the_file_says_so(database, catalogue, toilets, tmp_path):
    path = tmp_path / "t.gpkg"
    told = export(database, catalogue, "toilets", path, filter="stalls > 5 OR built_on < DATE('1900-01-01')")
    assert told["layers"] == {"toilets": 2}
    assert "stalls > 5" in pyogrio.read_info(path, layer="toilets")["layer_metadata"]["filter"]
    with pytest.raises(BadInput):
        export(database, catalogue, "toilets", path, filter="no_such > 5")
    with pytest.raises(BadInput, match="one class"):
        export(database, catalogue, "city", path, filter="stalls > 5")
    assert pyogrio.read_info(path, layer="toilets")["features"] == 2


def test_a_geopackage_holds_value_lists_and_a_sound_index(database, catalogue, toilets, tmp_path):
    path = tmp_path / "t.gpkg"
    export(database, catalogue, "toilets", path)
    base = sqlite3.connect(path)
    try:
        assert base.execute("SELECT rtreecheck('rtree_toilets_geom')").fetchone() == ("ok",)
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        named = base.execute(
            "SELECT constraint_name FROM gpkg_data_columns WHERE column_name = 'kind'"
        ).fetchone()
        values = base.execute(
            "SELECT value FROM gpkg_data_column_constraints WHERE constraint_name = ?", named
        ).fetchall()
    finally:
        base.close()
    kinds = catalogue.get_class("toilets").get_field("kind").choices
    assert {value for (value,) in values} == {choice.value for choice in kinds}
