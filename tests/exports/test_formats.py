"""Each format holds the same rows, says what it could not hold, and carries key, feature version and data version."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date, datetime

import numpy as np
import openpyxl
import pyarrow.parquet
import pyogrio
import pytest
import shapely

from app.catalogue.export_names import class_headings, class_short_names, cut_bytes, short_names
from app.errors import BadInput
from app.exports.service import export
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from tests.commandline import chengtu

LONG = "长" * 100
ENDINGS = ["gpkg", "xlsx", "csv", "shp.zip", "gdb.zip", "fgb", "parquet"]


@pytest.fixture
def toilets(database, catalogue):
    """Three toilets: every kind of value, a formula, a long text; the last one has nothing but a place."""
    geometry = np.array([shapely.Point(115.8 + i / 7, 28.7) for i in range(3)], dtype=object)
    columns = {
        "name_zh": ["=1+1", LONG, None],
        "stalls": [0, 12, None],
        "accessible": [True, False, None],
        "built_on": [date(1999, 12, 31), date(1890, 1, 2), None],
        "floor_area_m2": [0.1 + 0.2, 1e-7, None],
    }
    extra = [{"轮椅": "yes", "n": 2**53 + 1}, None, None]
    with database.write() as conn:
        write_batches(
            conn,
            catalogue,
            [Batch("toilets", ["a", "b", "c"], geometry, columns, extra)],
            Change("test", "made"),
        )


@pytest.fixture
def markets(database, catalogue):
    """A class of points and polygons."""
    shapes = np.array([shapely.Point(115.8, 28.7), shapely.box(115.8, 28.7, 115.81, 28.71)], dtype=object)
    with database.write() as conn:
        write_batches(
            conn,
            catalogue,
            [Batch("markets", ["p", "q"], shapes, {"name_zh": ["甲", "乙"]}, [None, None])],
            Change("test", "made"),
        )


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_format_carries_key_and_versions(database, catalogue, toilets, tmp_path, ending):
    file = tmp_path / f"toilets.{ending}"
    written = export(database, catalogue, "toilets", file)
    assert written["layers"] == {"toilets": 3}
    assert [item.name for item in tmp_path.iterdir()] == [file.name]
    rows = _rows(file, ending)
    change, version = ("chg_id", "data_ver") if ending == "shp.zip" else ("change_id", "data_version")
    assert sorted(row["code"] for row in rows) == ["a", "b", "c"]
    assert (
        {int(row[change]) for row in rows}
        == {int(row[version]) for row in rows}
        == {int(written["known_at"])}
    )


def _rows(file, ending) -> list[dict]:
    if ending == "csv":
        return list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"))))
    if ending == "xlsx":
        head, *rows = openpyxl.load_workbook(file)["toilets"].iter_rows(values_only=True)
        names = {
            "变更号 Change number": "change_id",
            "数据版本 Data version": "data_version",
            "编码 Code": "code",
        }
        return [dict(zip([names.get(h, h) for h in head], row, strict=True)) for row in rows]
    if ending == "parquet":
        return pyarrow.parquet.read_table(file).to_pylist()
    meta, _, _, arrays = pyogrio.raw.read(_inner(file), layer="toilets")
    return [dict(zip(meta["fields"], row, strict=True)) for row in zip(*arrays, strict=True)]


def _inner(file) -> str:
    return (
        f"/vsizip/{file}/city.gdb"
        if file.name.endswith(".gdb.zip")
        else f"/vsizip/{file}" * file.name.endswith(".zip") or str(file)
    )


def test_a_spreadsheet_has_titles_types_and_no_formulas(database, catalogue, toilets, tmp_path):
    export(database, catalogue, "toilets", tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == ["toilets", "about"]
    head, first, second, third = book["toilets"].iter_rows(values_only=True)
    row, other = dict(zip(head, first, strict=True)), dict(zip(head, second, strict=True))
    titles = class_headings(catalogue.get_class("toilets"))
    assert titles["stalls"] == "厕位数 Stalls (pieces)"
    assert (row["lon"], row["lat"]) == (115.8, 28.7)
    assert row[titles["name_zh"]] == "'=1+1"
    assert (row[titles["stalls"]], row[titles["accessible"]]) == (0, True)
    assert (row[titles["built_on"]], other[titles["built_on"]]) == (datetime(1999, 12, 31), "1890-01-02")  # noqa: DTZ001
    assert row[titles["floor_area_m2"]] == 0.1 + 0.2
    assert json.loads(row[titles["extra"]]) == {"轮椅": "yes", "n": 2**53 + 1}
    assert [value for value in third if value is not None][2:4] == [3, "c"]
    about = [line[:3] for line in book["about"].iter_rows(values_only=True)]
    assert ("toilets", titles["stalls"], "stalls") in about
    assert any(line[0] == "known_at" for line in about)


def test_a_shapefile_says_what_it_lost(database, catalogue, toilets, tmp_path):
    written = export(database, catalogue, "toilets", tmp_path / "t.shp.zip")
    assert written["changed"] == {
        "toilets.extra left out: no place in a Shapefile": 1, "toilets.name_zh cut at 254 bytes": 1,
        "toilets.floor_area_m2 rounded to 15 decimals": 1,
    }  # fmt: skip
    with zipfile.ZipFile(tmp_path / "t.shp.zip") as archive:
        names = set(archive.namelist())
        fields = list(csv.DictReader(io.StringIO(archive.read("toilets_fields.csv").decode("utf-8-sig"))))
        about = json.loads(archive.read("about.json"))
        assert archive.read("toilets.cpg") == b"UTF-8"
    ends = ("shp", "shx", "dbf", "prj", "cpg")
    assert names == {*(f"toilets.{end}" for end in ends), "toilets_fields.csv", "about.json"}
    assert about["known_at"] == written["known_at"]
    short = {row["field"]: row["short_name"] for row in fields}
    assert short == {k: v for k, v in class_short_names(catalogue.get_class("toilets")).items() if k in short}
    meta, _, _, arrays = pyogrio.raw.read(f"/vsizip/{tmp_path}/t.shp.zip")
    name = arrays[list(meta["fields"]).index(short["name_zh"])][1]
    assert name == cut_bytes(LONG) == "长" * 84


@pytest.mark.parametrize("ending", ["shp.zip", "gdb.zip"])
def test_points_and_polygons_are_two_layers_where_a_layer_holds_one_kind(
    database, catalogue, markets, tmp_path, ending
):
    export(database, catalogue, "markets", tmp_path / f"m.{ending}")
    found = pyogrio.list_layers(_inner(tmp_path / f"m.{ending}")).tolist()
    kinds = {"Polygon" if ending == "shp.zip" else "MultiPolygon", "Point"}
    assert {name for name, _ in found} == {"markets", "markets_point"}
    assert {kind for _, kind in found} == kinds


def test_a_filegdb_bears_chinese_aliases_and_plain_integers(database, catalogue, toilets, tmp_path):
    export(database, catalogue, "toilets", tmp_path / "t.gdb.zip")
    info = pyogrio.read_info(_inner(tmp_path / "t.gdb.zip"))
    types = dict(zip(info["fields"], info["ogr_types"], strict=True))
    assert (types["stalls"], types["change_id"], types["floor_area_m2"]) == (
        "OFTInteger",
        "OFTInteger",
        "OFTReal",
    )
    with zipfile.ZipFile(tmp_path / "t.gdb.zip") as archive:
        tables = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".gdbtable"))
    assert "厕位数 Stalls".encode("utf-16-le") in tables


def test_points_and_polygons_are_text_in_tables(database, catalogue, markets, tmp_path):
    export(database, catalogue, "markets", tmp_path / "m.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "m.csv").read_bytes().decode("utf-8-sig"))))
    assert shapely.from_wkt(rows[0]["wkt"]) == shapely.Point(115.8, 28.7)
    assert shapely.from_wkt(rows[1]["wkt"]).equals(shapely.box(115.8, 28.7, 115.81, 28.71))


def test_a_shape_too_long_for_a_cell_is_left_out_and_told(database, catalogue, tmp_path):
    circle = shapely.Point(115.86, 28.68).buffer(0.001, quad_segs=500)
    larger = shapely.Point(115.9, 28.68).buffer(0.001, quad_segs=300)
    batch = Batch("parks", ["round", "less"], np.array([circle, larger], dtype=object), {}, [None, None])
    with database.write() as conn:
        write_batches(conn, catalogue, [batch], Change("test", "made"))
    told = export(database, catalogue, "parks", tmp_path / "p.xlsx")["changed"]
    assert list(told.values()) == [1, 1]
    rows = list(openpyxl.load_workbook(tmp_path / "p.xlsx")["parks"].iter_rows(values_only=True))
    assert rows[1][0] is None
    assert shapely.from_wkt(rows[2][0]).equals_exact(shapely.MultiPolygon([larger]), 1e-7)


def test_short_names_differ_whatever_the_case():
    names = ["change_id", "floor_area_total", "floor_area_m2", "FLOOR_AREA", "floor_area_used"]
    short = short_names(names)
    assert short["change_id"] == "chg_id"
    assert len({name.casefold() for name in short.values()}) == len(names)
    assert all(len(name.encode()) <= 10 and name.isascii() for name in short.values())
    assert short_names([*names, "floor_area_new"]) | short == short_names([*names, "floor_area_new"])


def test_a_file_says_cgcs2000_or_the_crs_asked_for(database, catalogue, toilets, tmp_path):
    export(database, catalogue, "toilets", tmp_path / "t.gpkg")
    zone = export(database, catalogue, "toilets", tmp_path / "z.gpkg", crs="EPSG:4548")
    assert zone["crs"] == "EPSG:4548"
    for name, crs in (("t.gpkg", "EPSG:4490"), ("z.gpkg", "EPSG:4548")):
        assert pyogrio.read_info(tmp_path / name, layer="toilets")["crs"] == crs
    point = shapely.from_wkb(pyogrio.raw.read(tmp_path / "z.gpkg", layer="toilets")[2][0])
    # standards.md §6.1: (115.858, 28.683) is E 388382.945 N 3174669.149 there.
    assert (point.x, point.y) == pytest.approx((382734, 3176611), abs=400)
    with pytest.raises(BadInput, match="longitude and latitude"):
        export(database, catalogue, "toilets", tmp_path / "t.csv", crs="EPSG:4548")
    with pytest.raises(BadInput):
        export(database, catalogue, "toilets", tmp_path / "t.gpkg", crs="gcj02")
    export(database, catalogue, "toilets", tmp_path / "t.parquet")
    geo = json.loads(pyarrow.parquet.read_schema(tmp_path / "t.parquet").metadata[b"geo"])
    assert geo["columns"]["geometry"]["crs"]["id"] == {"authority": "EPSG", "code": 4490}


def test_the_command_says_what_the_format_changed(environment, toilets, tmp_path):
    done = chengtu(
        environment, "export", "toilets", "--to", str(tmp_path / "t.shp.zip"), "--crs", "EPSG:4548"
    )
    assert done.returncode == 0
    assert "toilets.name_zh cut at 254 bytes: 1." in done.stdout + done.stderr
    done = chengtu(
        environment, "export", "toilets", "--to", str(tmp_path / "t.geojson"), "--crs", "EPSG:4548"
    )
    assert done.returncode != 0
    assert "longitude and latitude" in done.stdout + done.stderr
