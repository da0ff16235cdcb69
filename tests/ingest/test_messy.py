"""Every defective file ends in a report that accounts for each row, or is refused with a sentence and the way out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.database.transactions import Database
from app.errors import BadInput
from tests.clones import clone, opened
from tests.importing import import_path
from tests.ingest.messy_files import MADE
from tests.width import thin

#: What UTF-8 read as Latin-1, GBK read as Latin-1 and what cannot be decoded at all look like.
MOJIBAKE = re.compile(r"[\ufffd\x00-\x08]|Ã.|Â.|å…|¹«²Þ|锟斤拷|Traceback|/tmp/chengtu")

#: File of `messy` → class, (read, loaded, rejected), what the report says somewhere.
READ: dict[str, tuple[str, tuple[int, int, int], str]] = {
    "Albania.kmz": ("toilets", (63, 63, 0), "Z values of 63 rows were dropped"),
    "badcoord.geojson": ("toilets", (1, 0, 1), "a coordinate is not a number ('f')"),
    "corrupt_too_long.shp": ("pipes", (10, 10, 0), "all 10 shapes in it were read"),
    "curvepolygon.gpkg": ("parks", (1, 1, 0), "curves were made of straight pieces"),
    "data_only_tables.gpkg": ("toilets", (11, 11, 0), "places from the columns LNG, LAT"),
    "different-first-last.geojson": ("parks", (1, 0, 1), "ring 1 is not closed"),
    "duplicate-fields.shp": ("toilets", (1, 1, 0), "EPSG:2326"),
    "ex10_bowtie.json": ("parks", (2, 2, 0), "Ring Self-intersection"),
    "hkzones-mixed-geometries.geojson": ("markets", (3, 2, 1), "the geometry is a closed line"),
    "invalid_coordinates.shp": ("toilets", (1, 0, 1), "coordinates are not longitudes and latitudes"),
    "latlon_text.csv": ("toilets", (122, 122, 0), "latitude first"),
    "line_zm.gpkg": ("pipes", (1, 1, 0), "M values were dropped"),
    "linear_ring.kml": ("streets", (1, 1, 0), "EPSG:4326"),
    "mixed_crs.gpkg": ("districts", (2, 2, 0), "EPSG:2269, EPSG:4326"),
    "mixedcase.zip": ("districts", (40, 40, 0), "Ring Self-intersection"),
    "new-zealand-antimeridian.geojson": ("districts", (2, 2, 0), "EPSG:4326"),
    "nl-null-points.shp": ("toilets", (20, 17, 3), "no geometry"),
    "null_crs_gdal.gpkg": ("toilets", (1, 1, 0), "no CRS is named"),
    "null_geometry.kml": ("toilets", (1, 0, 1), "no geometry"),
    "six_counties_three_null.json": ("districts", (6, 3, 3), "no geometry"),
    "test_gpkg_nulls.gpkg": ("toilets", (4, 4, 0), "col_bool"),
}
#: File of `messy` → what the refusal of the whole file says.
REFUSED = {
    "badzip.zip": "is not a zip archive",
    "duplicate_fields.dbf": "it has no geometry, and no columns of coordinates were found",
    "empty_zipfile.zip": "holds no file that can be read",
    "gbk.dbf": "it has no geometry, and no columns of coordinates were found",
    "invalid_coordinates.json": "no longitudes and latitudes",
    "utf16_le_bom.csv": "it has no geometry, and no columns of coordinates were found",
    "utf8_bom.csv": "it has no geometry, and no columns of coordinates were found",
}
COMPANIONS = {".shx", ".dbf", ".prj", ".cpg", ".qpj"}

#: File made here → (read, loaded, rejected), what the report says somewhere.
MADE_READ = {
    "blobs.gpkg": ((10, 7, 3), "the geometry is damaged"),
    "no_shx.shp": ((10, 10, 0), "the .shx is missing"),
    "no_dbf.shp": ((10, 10, 0), "the .dbf is missing"),
    "no_prj_cpg.shp": ((10, 10, 0), "it has no .prj"),
    "only.shp": ((10, 10, 0), "the .shx is missing"),
    "cut.shp": ((10, 9, 1), "the .shp has no shape for this row"),
    "blank_lines.csv": ((10, 10, 0), "lines without any text were passed over"),
    "nan.csv": ((13, 10, 3), "'NaN' is no coordinate"),
    "latitude_91.csv": ((11, 10, 1), "coordinates are not longitudes and latitudes"),
    "swapped_row.csv": ((11, 10, 1), "coordinates are not longitudes and latitudes"),
    "words_as_numbers.csv": ((11, 10, 1), "'北纬' is no coordinate"),
    "same_code.csv": ((11, 10, 1), "the code is already used in row 3"),
    "short_rows.csv": ((12, 10, 2), "the row has 6 cells, but there are 4 headings"),
    "gbk.csv": ((10, 10, 0), "encoding GB18030"),
    "utf16.csv": ((10, 10, 0), "encoding UTF-16"),
    "semicolons.csv": ((10, 10, 0), "delimiter semicolon"),
    "unclosed_quote.csv": ((11, 10, 1), "a quotation mark is not closed"),
    "bad_cells.xlsx": ((3, 1, 2), "lon is missing"),
    "bad.kml": ((1, 0, 1), "a coordinate is not a number ('east')"),
    "bad.gpx": ((3, 2, 1), "coordinates are not longitudes and latitudes"),
    "half_line.geojsonl": ((3, 2, 1), "the text is not valid JSON"),
    "nulls.geojson": ((5, 1, 4), "not a GeoJSON feature"),
    "bad_coordinates.geojson": ((6, 1, 5), "the geometry has no known type"),
    "nan.geojson": ((2, 1, 1), "a coordinate is not a number ('nan')"),
}
#: File made here → what the refusal of the whole file says.
MADE_REFUSED = {
    "half.gpkg": "is damaged",
    "nearly.gpkg": "is damaged",
    "no_layers.gpkg": "holds no layer",
    "half.fgb": "is damaged",
    "half.geojson": "is not valid JSON",
    "half.parquet": "damaged Parquet file",
    "zip_in_zip.zip": "it holds another archive",
    "empty.zip": "holds no file that can be read",
    "words.zip": "holds no file that can be read",
    "headings.csv": "it has no rows",
    "binary.csv": "is not read",
    "no_rows.xlsx": "it has no rows",
    "no_cells.xlsx": "the sheet is empty",
    "no_sheets.xlsx": "holds no file that can be read",
    "empty.kml": "holds no placemark",
    "half.kml": "is damaged",
    "empty.gpx": "holds no rows",
    "empty.dxf": "it has no rows",
    "half.dxf": "it has no rows",
    "no_features.geojson": "holds no features",
    "not_json.geojson": "is not valid JSON",
    "array.json": "of an unknown format",
    "picture.shp": "is a picture",
    "drawing.dwg": "Save it as DXF",
    "access.mdb": "File Geodatabase",
    **{name: "is empty" for name in MADE if name.startswith("zero.")},
}


@pytest.fixture(scope="module")
def db(cluster_settings, template) -> Iterator[Database]:
    """One database for all files; nothing is left in it."""
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        yield database


def read(db, catalogue, path: Path, class_id: str) -> dict[str, Any]:
    """The report of a trial import, which is sound whatever the file is."""
    (report,) = import_path(db, catalogue, path, class_id=class_id, dry_run=True, allow_outside=True)["files"]
    check(report)
    return report


def check(report: dict[str, Any]) -> None:
    for counts in report["classes"].values():
        parts = ("loaded", "unchanged", "rejected", "skipped")
        assert counts["read"] == sum(counts[name] for name in parts)
        assert counts["loaded"] == counts["new"] + counts["changed"]
    assert len(report["rejects"]) == sum(counts["rejected"] for counts in report["classes"].values())
    for reject in report["rejects"]:
        assert reject["row"], reject
        assert reject["field"], reject
        assert reject["reason"], reject
        assert reject["hint"], reject
    assert not MOJIBAKE.search(told(report))


def told(report: dict[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False, default=str)


def refusal(db, catalogue, path: Path, class_id: str = "toilets") -> str:
    with pytest.raises(BadInput) as caught:
        import_path(db, catalogue, path, class_id=class_id, dry_run=True, allow_outside=True)
    said = f"{caught.value.message} {caught.value.hint}"
    assert path.name in caught.value.message or path.stem in caught.value.message
    assert caught.value.hint
    assert not MOJIBAKE.search(said)
    return said


def test_every_messy_file_is_in_the_tables(data_dir):
    files = {path.name for path in (data_dir / "messy").iterdir()}
    listed = {*READ, *REFUSED}
    stems = {Path(name).stem for name in listed if name.endswith(".shp")}
    left = {
        name for name in files - listed if Path(name).stem not in stems or Path(name).suffix not in COMPANIONS
    }
    assert (left, listed - files) == (set(), set())


@pytest.mark.parametrize("name", thin(READ))
def test_messy_files_are_read_and_each_row_accounted_for(db, catalogue, data_dir, name):
    class_id, expected, words = READ[name]
    report = read(db, catalogue, data_dir / "messy" / name, class_id)
    counts = report["classes"][class_id]
    assert (counts["read"], counts["loaded"], counts["rejected"]) == expected
    assert words in told(report)


@pytest.mark.parametrize("name", thin(REFUSED))
def test_messy_files_that_hold_nothing_are_refused_with_a_way_out(db, catalogue, data_dir, name):
    assert REFUSED[name] in refusal(db, catalogue, data_dir / "messy" / name)


def test_every_file_made_here_is_in_the_tables():
    assert set(MADE) == {*MADE_READ, *MADE_REFUSED}


@pytest.mark.parametrize("name", thin(MADE_READ))
def test_made_files_are_read_and_each_row_accounted_for(db, catalogue, tmp_path, name):
    MADE[name](tmp_path / name)
    expected, words = MADE_READ[name]
    report = read(db, catalogue, tmp_path / name, "toilets")
    counts = report["classes"]["toilets"]
    assert (counts["read"], counts["loaded"], counts["rejected"]) == expected
    assert words in told(report)


@pytest.mark.parametrize("name", thin(MADE_REFUSED))
def test_made_files_that_hold_nothing_are_refused_with_a_way_out(db, catalogue, tmp_path, name):
    MADE[name](tmp_path / name)
    assert MADE_REFUSED[name] in refusal(db, catalogue, tmp_path / name)


def test_a_folder_of_good_and_bad_files_reports_each(db, catalogue, tmp_path):
    for name in ("nan.csv", "zero.gpkg", "half.geojson", "picture.shp", "words.zip", "gbk.csv"):
        MADE[name](tmp_path / name)
    reports = import_path(db, catalogue, tmp_path, class_id="toilets", dry_run=True)["files"]
    found = {Path(item["path"]).name: "error" in item for item in reports}
    assert found.pop("nan.csv") is False
    assert found.pop("gbk.csv") is False
    assert all(found.values())
    for item in reports:
        assert item.get("hint") if "error" in item else item["classes"]["toilets"]["loaded"] == 10


def test_a_file_that_is_not_there_and_a_broken_link_are_refused(db, catalogue, tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "gone.csv")
    for name in ("gone.csv", "link.csv"):
        assert name in refusal(db, catalogue, tmp_path / name)
