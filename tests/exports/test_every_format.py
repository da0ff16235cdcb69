"""Hostile values in every format: each keeps them exactly or tells which it changed, and comes back unchanged."""

from __future__ import annotations

import json
import math
import re
import zipfile
from datetime import date

import numpy as np
import openpyxl
import pytest
import shapely
from sqlalchemy import text

from app.exports.formats import FORMATS
from app.exports.service import export
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from tests.clones import clone, opened
from tests.exports.reading import read_rows
from tests.exports.runs import store_run
from tests.importing import import_path

#: What spreadsheets, tables, XML, JSON and drawings each give a meaning of their own, or cannot hold.
TEXTS = [
    "=1+1", "'=1", "'quoted", "+86", "-x", "@a", "\tTab", "\rCR", "a\x01b\x0bc\x1f", "\x7f\x85\u2028x",
    "line\nbreak\r\nx\ry", " lead trail ", "", "007", "1e5", "NaN", "null", "None", "true", "𠮷祥里😀",
    "a\"b'c,d;e\tf", "_x0041_", "\\U+4E00 %%c \\P", "<b>&amp;]]>", "长" * 10_000, "\ufeffbom", "\ufffe",
    "e\u0301", "1999-01-02", "  ", "'", "''=1", '{"a":1}', "N/A", "无", "-",
]  # fmt: skip
DAYS = [date(1, 1, 1), date(1890, 1, 2), date(1900, 2, 28), date(1969, 12, 31), date(9999, 12, 31), None]
NUMBERS = [0.1 + 0.2, 1 / 3 * 1e6, 1e-320, 1e300, 123456789012345.67, None]
INTEGERS = [0, 2**31 - 1, 12, None]
ROWS = len(TEXTS)
CODES = [f"c{i}" for i in range(ROWS)]
#: Formats in which every value is as it was.
EXACT = ("gpkg", "fgb", "parquet", "geojson", "geojsons", "csv", "gdb.zip")
EACH = ("csv.zip", "geojson.zip", "fgb.zip", "parquet.zip")
EARLY = sum(DAYS[i % 6] == DAYS[0] for i in range(ROWS))
#: Rows of which a Shapefile left a number or a day empty.
EMPTIED = sum(NUMBERS[i % 6] == 1e300 or DAYS[i % 6] == DAYS[0] for i in range(ROWS))
WIDE, SMALL = (sum(NUMBERS[i % 6] == n for i in range(ROWS)) for n in (1e300, 1e-320))


def _column(values: list) -> list:
    return [values[i % len(values)] for i in range(ROWS)]


COLUMNS = {
    "name_zh": TEXTS, "note": TEXTS, "built_on": _column(DAYS), "floor_area_m2": _column(NUMBERS),
    "stalls": _column(INTEGERS), "accessible": _column([True, False, None]),
}  # fmt: skip


@pytest.fixture(scope="module")
def hard(cluster_settings, template, catalogue):
    """Toilets with all of these, a market that is a point and one that is an area, each without a value."""
    shapes = np.array([shapely.Point(115.86 + i / 7001, 28.68 + i / 3e4) for i in range(ROWS)], dtype=object)
    extra = [{"k": value, "n": [value]} if value else None for value in TEXTS]
    toilets = Batch("toilets", CODES, shapes, COLUMNS, extra)
    places = np.array(
        [shapely.Point(115.86, 28.68), shapely.box(115.87, 28.68, 115.871, 28.681)], dtype=object
    )
    markets = Batch("markets", ["m", "n"], places, {}, [None, None])
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        with database.write() as conn:
            write_batches(conn, catalogue, [toilets, markets], Change("test", "made"))
        yield database


def _told(ending: str) -> dict[str, int]:
    """What an export of the toilets must say that it changed, and how many values."""
    long, astral = TEXTS[24], [TEXTS[19]]
    rounded = WIDE and {"toilets.floor_area_m2 rounded to 15 decimals": SMALL + WIDE}
    shapefile = {
        "toilets.name_zh cut at 254 bytes": 1,
        "toilets.note cut at 254 bytes": 1,
        "toilets.extra left out: no place in a Shapefile": sum(1 for value in TEXTS if value),
        "toilets.floor_area_m2: numbers from 1e+22 on left empty": WIDE,
        "toilets.built_on: days before the year 1000 left empty": EARLY,
        **(rounded or {}),
    }
    assert (len(long), len(astral)) == (10_000, 1)
    kml = {f"toilets.{name}: control characters as blanks": 2 for name in ("name_zh", "note")}
    return {
        "xlsx": {f"toilets.{name}: characters that no cell has as blanks": 1 for name in ("name_zh", "note", "extra")},
        "shp.zip": shapefile,
        "kml": {**kml, "toilets.extra: control characters as blanks": 1},
    }.get(ending, {})  # fmt: skip


@pytest.mark.parametrize("ending", [*EXACT, "xlsx", "kml", "shp.zip"])
def test_what_comes_back_is_what_was_stored(hard, catalogue, tmp_path, ending):
    path = tmp_path / f"toilets.{ending}"
    assert export(hard, catalogue, "toilets", path).get("changed", {}) == _told(ending)
    (report,) = import_path(hard, catalogue, path, dry_run=True)["files"]
    counts = report["classes"]["toilets"]
    lost = EMPTIED if ending == "shp.zip" else 0
    assert report["rejects"] == []
    assert (counts["read"], counts["unchanged"], counts["changed"]) == (ROWS, ROWS - lost, lost)
    if ending in EXACT:
        rows = read_rows(path, "toilets")
        assert list(rows) == CODES if ending != "fgb" else set(rows) == set(CODES)
        for i, code in enumerate(CODES):
            _same(rows[code], i, ending)


def _same(row: dict, i: int, ending: str) -> None:
    """The values of a row as another program has them are those that were stored."""
    for name in ("name_zh", "note"):
        found = row[name] or ""
        quoted = ending == "csv" and re.match(r"'*[=+\-@\t\r]", TEXTS[i])
        assert found == ("'" if quoted else "") + TEXTS[i], (name, i)
    day, number, whole = (COLUMNS[name][i] for name in ("built_on", "floor_area_m2", "stalls"))
    assert str(row["built_on"] or None)[:10].removesuffix("T00:00:00") == str(day), i
    for name, value in (("floor_area_m2", number), ("stalls", whole)):
        found = None if row[name] in (None, "") else float(row[name])
        assert (None if found is None or math.isnan(found) else found) == value, (name, i)


def test_gbk_comes_back_too(hard, catalogue, tmp_path):
    path = tmp_path / "toilets.shp.zip"
    told = export(hard, catalogue, "toilets", path, encoding="GBK")["changed"]
    lacking = sum(text.encode("GBK", "replace").decode("GBK") != text for text in TEXTS)
    assert told["toilets.name_zh: characters that GBK does not have as '?'"] == lacking >= 3
    (report,) = import_path(hard, catalogue, path, dry_run=True)["files"]
    assert (report["classes"]["toilets"]["unchanged"], report["rejects"]) == (ROWS - EMPTIED, [])


def test_a_drawing_holds_no_line_break_that_would_end_a_value(hard, catalogue, tmp_path):
    told = export(hard, catalogue, "toilets", tmp_path / "t.dxf")["changed"]
    assert told["attributes beside code and name left out, no place in a drawing"] == ROWS
    lines = (tmp_path / "t.dxf").read_bytes().split(b"\r\n")
    # Pairs of a group code and its value, to the end.
    assert all(line.strip().isdigit() for line in lines[:-1:2])
    assert lines[-3:] == [b"0", b"EOF", b""]


@pytest.mark.parametrize("ending", list(FORMATS))
def test_layers_without_features_or_values_and_mixed_ones(hard, catalogue, tmp_path, ending):
    path = tmp_path / f"bridges.{ending}"
    assert export(hard, catalogue, "bridges", path)["layers"] == {"bridges": 0}
    told = export(hard, catalogue, "markets", tmp_path / f"markets.{ending}")
    assert told["layers"] == {"markets": 2}
    assert "changed" not in told or ending == "dxf"
    # Zips of files of one layer are read again with all layers, below.
    if ending not in ("dxf", *EACH):
        (report,) = import_path(hard, catalogue, tmp_path / f"markets.{ending}", dry_run=True)["files"]
        assert (report["classes"]["markets"]["unchanged"], report["rejects"]) == (2, [])


@pytest.mark.wide
def test_the_whole_city_in_formats_of_one_layer_is_a_zip_of_files(hard, catalogue, tmp_path):
    for ending in EACH:
        path = tmp_path / f"city.{ending}"
        assert export(hard, catalogue, "city", path)["layers"] == {"toilets": ROWS, "markets": 2}
        (report,) = import_path(hard, catalogue, path, dry_run=True)["files"]
        counts = {name: item["unchanged"] for name, item in report["classes"].items()}
        assert (counts, report["rejects"]) == ({"toilets": ROWS, "markets": 2}, []), (ending, report)
    assert [item.name for item in sorted(tmp_path.iterdir())] == sorted(f"city.{ending}" for ending in EACH)


@pytest.fixture(scope="module")
def gap(hard):
    """A run whose one gap has numbers that are none."""
    with hard.write() as conn:
        run = store_run(conn)
        conn.execute(
            text(
                "INSERT INTO city.coverage_gaps (run, mode, tier, code, name, people, nearest_m, geom) VALUES"
                " (:run, 'straight', 'main', 'g1', '东湖', 'NaN', 'Infinity',"
                "  ST_Multi(ST_MakeEnvelope(115, 28, 116, 29, 4326)))"
            ),
            {"run": run},
        )
    return run


#: Format → what it says of NaN and of an infinite number; nothing where it has both.
NONE = {
    **{ending: frozenset() for ending in ("fgb", "parquet", "csv", "kml")},
    **{ending: {"people: NaN left empty"} for ending in ("gpkg", "gdb.zip")},
    **{
        ending: {"people: NaN left empty", "nearest_m: infinite numbers left empty"}
        for ending in ("geojson", "geojsons")
    },
    "shp.zip": {"people: NaN left empty", "nearest_m: numbers from 1e+22 on left empty"},
    "xlsx": {"people: nan as text", "nearest_m: inf as text"},
}


@pytest.mark.parametrize("ending", list(NONE))
def test_numbers_that_are_none_stay_or_are_told(hard, gap, catalogue, tmp_path, ending):
    path = tmp_path / f"gaps.{ending}"
    told = export(hard, catalogue, gap, path, part="gaps").get("changed", {})
    assert {name for name in told if "coverage_gaps." in name} == {
        f"coverage_gaps.{name}" for name in NONE[ending]
    }
    (row,) = read_rows(path, "coverage_gaps").values()
    people, nearest = row["people"], row["nearest_m"] if "nearest_m" in row else row["nearest_m"[:10]]
    kept = not NONE[ending] or ending == "xlsx"
    assert str(people).lower() == "nan" if kept else people is None or math.isnan(people)
    if kept or ending in ("gpkg", "gdb.zip"):
        assert math.isinf(float(nearest))
    else:
        assert nearest is None or math.isnan(nearest)


def test_a_filter_chooses_rows_of_a_run(hard, gap, catalogue, tmp_path):
    for wanted, count in (("tier = 'main'", 1), ("tier = 'x'", 0)):
        told = export(hard, catalogue, gap, tmp_path / "gaps.csv", part="gaps", filter=wanted)
        assert (told["layers"], told["filter"]) == ({"coverage_gaps": count}, wanted)


def test_a_workbook_has_no_formula(hard, catalogue, tmp_path):
    export(hard, catalogue, "toilets", tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    starts = {
        str(cell.value)[:1] for row in book["toilets"].iter_rows() for cell in row if cell.data_type == "s"
    }
    assert not starts & set("=+-@\t\r")


def test_what_is_said_of_the_whole_is_in_every_zip(hard, catalogue, tmp_path):
    export(hard, catalogue, "markets", tmp_path / "m.csv.zip")
    with zipfile.ZipFile(tmp_path / "m.csv.zip") as archive:
        assert sorted(archive.namelist()) == ["about.json", "markets.csv", "markets_fields.csv"]
        assert json.loads(archive.read("about.json"))["crs"] == "EPSG:4490"
