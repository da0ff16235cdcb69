"""Export, edit elsewhere, import: exactly the edited rows and fields change, in each format that people edit."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyogrio
import pytest
import shapely

from app.catalogue.export_names import class_headings, class_short_names
from app.exports.service import export
from app.inventory.batch import Batch, Change
from app.inventory.service import delete_features, write_batches
from tests.importing import import_path
from tests.inventory.town import LAT, LON
from tests.width import few

ENDINGS = ["gpkg", "gdb.zip", "shp.zip", "xlsx"]
CODES = ["a", "b", "=c", "d", "e"]
THIRD = 1 / 3


def shape(i: int, size: float = 0.0004) -> shapely.Geometry:
    """A park with a hole, at a place with all digits."""
    ring = shapely.Point(LON + i * 0.001 + THIRD / 1e6, LAT).buffer(size)
    return ring.difference(shapely.Point(LON + i * 0.001, LAT).buffer(size / 4))


def parks() -> Batch:
    columns = {
        "name_zh": ["东湖公园", "长" * 120, "=SUM(A1)", None, "五"],
        "built_on": [date(1999, 12, 31), date(1890, 1, 2), None, None, None],
        "accessible": [True, False, None, True, None],
        "registered_area_m2": [12.5, THIRD * 1e4, None, 7.0, None],
    }
    shapes = np.array([shape(i) for i in range(5)], dtype=object)
    return Batch("parks", CODES, shapes, columns, [{"轮椅": "yes"}, None, {"n": 1}, None, None])


@pytest.fixture
def loaded(database, catalogue):
    """Five parks, the last of them changed in a later change."""
    with database.write() as conn:
        write_batches(conn, catalogue, [parks()], Change("t", "made"))
    return database


def change_here(database, catalogue, code: str, **values: Any) -> None:
    """Somebody changes one park meanwhile."""
    batch = parks()
    i = CODES.index(code)
    columns = {name: [values.get(name, column[i])] for name, column in batch.columns.items()}
    with database.write() as conn:
        one = Batch("parks", [code], batch.geometry[[i]], columns, [batch.extra[i]])
        write_batches(conn, catalogue, [one], Change("t", "meanwhile"))


Rows = list[dict[str, Any]]
Edit = Callable[[Rows], Rows]


def edit(path: Path, catalogue, change: Edit) -> Path:
    """The file with its rows (field → value, and `shape`) edited by another program, which writes it in its own way."""
    cls = catalogue.get_class("parks")
    if path.name.endswith(".xlsx"):
        return _edit_workbook(path, class_headings(cls), change)
    names = (
        class_short_names(cls)
        if path.name.endswith(".shp.zip")
        else {name: name for name in class_headings(cls)}
    )
    ours = {short: name for name, short in names.items()}
    inner = f"/vsizip/{path}" if path.suffix == ".zip" else str(path)
    inner += "/city.gdb" if path.name.endswith(".gdb.zip") else ""
    meta, _, geometry, arrays = pyogrio.raw.read(inner, layer="parks")
    columns = [ours[field] for field in meta["fields"]]
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*arrays, strict=True)]
    for row, found in zip(rows, shapely.from_wkb(geometry), strict=True):
        row["shape"] = found
    return _write(
        path.with_name(f"edited.{path.name.partition('.')[2]}"), change(rows), columns[::-1], names, meta
    )


def _write(path: Path, rows: Rows, columns: list[str], names: dict[str, str], meta: dict[str, Any]) -> Path:
    """Columns in another order, integers as floats, a counter of its own: as QGIS and ArcGIS save a layer."""
    drivers = {"edited.gpkg": "GPKG", "edited.gdb.zip": "OpenFileGDB", "edited.shp.zip": "ESRI Shapefile"}
    folder = path.with_name(f"made.{path.name}")
    folder.mkdir()
    target = {"GPKG": path, "OpenFileGDB": folder / "x.gdb", "ESRI Shapefile": folder / "parks.shp"}[
        drivers[path.name]
    ]
    arrays, masks = zip(*(_array([row.get(name) for row in rows]) for name in columns), strict=True)
    with warnings.catch_warnings():
        # Dates become moments in a FileGDB.
        warnings.simplefilter("ignore")
        pyogrio.raw.write(
            str(target),
            shapely.to_wkb(np.array([row["shape"] for row in rows], dtype=object)),
            [*arrays, np.arange(len(rows))],
            [*(names[name] for name in columns), "OBJECTID_1"],
            field_mask=[*masks, None],
            layer="parks",
            driver=drivers[path.name],
            geometry_type="MultiPolygon",
            crs=meta["crs"],
            promote_to_multi=True,
            **({"encoding": "UTF-8"} if "shp" in path.name else {}),
        )
    if target != path:
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, file.relative_to(folder).as_posix())
    return path


def _array(values: list[Any]) -> tuple[np.ndarray, np.ndarray | None]:
    known = [value for value in values if value is not None and value == value]  # noqa: PLR0124 - NaN is not itself
    if all(isinstance(value, date | np.datetime64) for value in known) and known:
        return np.array(
            [np.datetime64("NaT") if v is None else v for v in values], dtype="datetime64[D]"
        ), None
    if known and not any(isinstance(value, str) for value in known):
        numbers = [np.nan if value is None else float(value) for value in values]
        return np.array(numbers), np.isnan(np.array(numbers))
    texts = np.empty(len(values), dtype=object)
    texts[:] = [value if isinstance(value, str) else None for value in values]
    return texts, None


def _edit_workbook(path: Path, headings: dict[str, str], change: Edit) -> Path:
    book = openpyxl.load_workbook(path)
    sheet = book["parks"]
    ours = {heading: name for name, heading in headings.items()}
    head, *cells = sheet.iter_rows(values_only=True)
    columns = [ours.get(name, name) for name in head]
    rows = [dict(zip(columns, values, strict=True)) for values in cells]
    for row in rows:
        row["shape"] = shapely.from_wkt(row["wkt"])
    edited = change(rows)
    sheet.delete_rows(2, len(rows))
    for row in edited:
        sheet.append([row["shape"].wkt if name == "wkt" else row.get(name) for name in columns])
    book.save(path.with_name("edited.xlsx"))
    return path.with_name("edited.xlsx")


def by_code(rows: Rows, code: str) -> dict[str, Any]:
    return next(row for row in rows if row["code"] in (code, f"'{code}"))


@pytest.mark.parametrize(
    "ending", few([*ENDINGS, "csv", "fgb", "parquet", "geojson"], ["gdb.zip", "csv", "parquet", "geojson"])
)
def test_an_unedited_file_changes_nothing_though_others_worked_meanwhile(loaded, catalogue, tmp_path, ending):
    path = tmp_path / f"parks.{ending}"
    export(loaded, catalogue, "parks", path)
    change_here(loaded, catalogue, "b", registered_area_m2=99.0)
    with loaded.write() as conn:
        delete_features(conn, catalogue, "parks", ["d"], Change("t", "gone"))
    (report,) = import_path(loaded, catalogue, path)["files"]
    counts = report["classes"]["parks"]
    assert (counts["read"], counts["unchanged"], counts["loaded"], report["rejects"]) == (5, 5, 0, [])


@pytest.mark.parametrize("ending", few(ENDINGS, ["gpkg"]))
def test_exactly_the_edited_rows_and_fields_change(loaded, catalogue, tmp_path, ending):
    before = stored(loaded)
    path = tmp_path / f"parks.{ending}"
    export(loaded, catalogue, "parks", path)

    def change(rows: Rows) -> Rows:
        by_code(rows, "a")["registered_area_m2"] = 33.5
        by_code(rows, "b")["shape"] = shape(1, 0.0003)
        new = {"code": None, "name_zh": "新公园", "shape": shape(9)}
        return [*(row for row in rows if row["code"] != "d"), new]

    edited = edit(path, catalogue, change)
    (report,) = import_path(loaded, catalogue, edited)["files"]
    counts = report["classes"]["parks"]
    assert report["rejects"] == []
    assert (counts["read"], counts["new"], counts["changed"], counts["unchanged"]) == (5, 1, 2, 2)
    after = stored(loaded)
    assert after["a"] == {**before["a"], "registered_area_m2": 33.5}
    assert {**after["b"], "geometry": None} == {**before["b"], "geometry": None}
    assert shapely.from_wkb(after["b"]["geometry"]).symmetric_difference(shape(1, 0.0003)).area < 1e-12
    assert {code: after[code] for code in ("=c", "d", "e")} == {
        code: before[code] for code in ("=c", "d", "e")
    }
    assert [row["name_zh"] for code, row in after.items() if code not in CODES] == ["新公园"]
    (again,) = import_path(loaded, catalogue, edited)["files"]
    assert again["classes"]["parks"]["loaded"] == 0


def stored(database) -> dict[str, dict[str, Any]]:
    """Each park as it is stored, by code."""
    names = ("name_zh", "built_on", "accessible", "registered_area_m2", "extra")
    with database.read() as conn:
        rows = database.raw(conn).execute(
            f"SELECT code, {', '.join(names)}, ST_AsBinary(geom) FROM city.parks".encode()
        )
        return {row[0]: dict(zip((*names, "geometry"), row[1:], strict=True)) for row in rows.fetchall()}


@pytest.mark.parametrize("ending", few(ENDINGS, ["xlsx"]))
def test_a_row_changed_on_both_sides_is_shown_with_both_values(loaded, catalogue, tmp_path, ending):
    path = tmp_path / f"parks.{ending}"
    export(loaded, catalogue, "parks", path)
    change_here(loaded, catalogue, "a", registered_area_m2=50.0)

    def change(rows: Rows) -> Rows:
        by_code(rows, "a")["registered_area_m2"] = 33.5
        return rows

    edited = edit(path, catalogue, change)
    (report,) = import_path(loaded, catalogue, edited)["files"]
    (conflict,) = report["conflicts"]
    assert (conflict["code"], conflict["fields"]) == (
        "a", [{"field": "registered_area_m2", "base": 12.5, "file": 33.5, "stored": 50.0}],
    )  # fmt: skip
    assert report["classes"]["parks"]["rejected"] == 1
    assert stored(loaded)["a"]["registered_area_m2"] == 50.0
    import_path(loaded, catalogue, edited, on_conflict="file")
    assert stored(loaded)["a"]["registered_area_m2"] == 33.5


@pytest.mark.wide
def test_deletions_are_shown_first_and_made_on_request(loaded, catalogue, tmp_path):
    path = tmp_path / "parks.gpkg"
    export(loaded, catalogue, "parks", path)
    change_here(loaded, catalogue, "e", name_zh="此处")
    edited = edit(path, catalogue, lambda rows: [row for row in rows if row["code"] not in ("d", "e")])
    (report,) = import_path(loaded, catalogue, edited, dry_run=True)["files"]
    found = report["missing"]["parks"]
    assert (found["rows"], found["deleted"], found["changed_here"]) == (1, False, 1)
    assert found["examples"][0]["code"] == "d"
    import_path(loaded, catalogue, edited)
    assert set(stored(loaded)) == set(CODES)
    import_path(loaded, catalogue, edited, delete_missing=True)
    assert set(stored(loaded)) == {"a", "b", "=c", "e"}


def test_a_dry_run_tells_the_difference(loaded, catalogue, tmp_path):
    path = tmp_path / "parks.gpkg"
    export(loaded, catalogue, "parks", path)

    def change(rows: Rows) -> Rows:
        by_code(rows, "a")["registered_area_m2"] = 33.5
        return rows

    edited = edit(path, catalogue, change)
    (report,) = import_path(loaded, catalogue, edited, dry_run=True)["files"]
    found = report["difference"]["parks"]
    assert (found["new"], found["changed"], found["fields"]) == (0, 1, {"registered_area_m2": 1})
    assert stored(loaded)["a"]["registered_area_m2"] == 12.5


@pytest.mark.wide
def test_a_file_saved_in_another_crs_changes_nothing(loaded, catalogue, tmp_path):
    path = tmp_path / "parks.shp.zip"
    export(loaded, catalogue, "parks", path, crs="EPSG:4548")
    (report,) = import_path(loaded, catalogue, path)["files"]
    assert report["classes"]["parks"]["unchanged"] == 5


@pytest.mark.parametrize("ending", few(["shp.zip", "gdb.zip", "xlsx"], ["gdb.zip"]))
def test_points_and_polygons_of_one_class_come_back(database, catalogue, tmp_path, ending):
    shapes = np.array(
        [shapely.Point(LON, LAT), shapely.box(LON, LAT, LON + 0.001, LAT + 0.001)], dtype=object
    )
    with database.write() as conn:
        batch = Batch("markets", ["p", "q"], shapes, {"name_zh": ["甲", "乙"]}, [None, None])
        write_batches(conn, catalogue, [batch], Change("t", "made"))
    path = tmp_path / f"markets.{ending}"
    export(database, catalogue, "markets", path)
    (report,) = import_path(database, catalogue, path)["files"]
    assert (report["classes"]["markets"]["unchanged"], report["rejects"]) == (2, [])


@pytest.mark.parametrize("ending", few(["csv", "xlsx", "shp.zip", "gdb.zip"], ["csv", "shp.zip"]))
def test_points_in_columns_come_back(database, catalogue, tmp_path, ending):
    shapes = np.array([shapely.Point(LON + i / 7000, LAT + i / 3000) for i in range(3)], dtype=object)
    with database.write() as conn:
        batch = Batch("toilets", ["01", "+2", "3"], shapes, {"stalls": [1, None, 3]}, [None] * 3)
        write_batches(conn, catalogue, [batch], Change("t", "made"))
    path = tmp_path / f"toilets.{ending}"
    export(database, catalogue, "toilets", path)
    (report,) = import_path(database, catalogue, path)["files"]
    assert (report["classes"]["toilets"]["unchanged"], report["rejects"]) == (3, [])


@pytest.mark.wide
def test_monaco_brought_back_with_changes_shows_exactly_these(database, catalogue, data_dir, tmp_path):
    import_path(database, catalogue, data_dir / "monaco" / "monaco-231225.osm.pbf", class_id="toilets")
    path = tmp_path / "toilets.gpkg"
    count = export(database, catalogue, "toilets", path)["layers"]["toilets"]
    meta, _, geometry, arrays = pyogrio.raw.read(path, layer=path.stem)
    names = list(meta["fields"])
    arrays[names.index("name_en")][0] = "Renamed"
    moved = shapely.from_wkb(geometry[1:])
    moved[0] = shapely.Point(moved[0].x + 1e-5, moved[0].y)
    kept = [np.delete(values, 2) for values in arrays]
    shapes = np.delete(np.array([geometry[0], *shapely.to_wkb(moved)], dtype=object), 2)
    pyogrio.raw.write(
        str(tmp_path / "toilets_2.gpkg"), shapes, kept, names, layer="toilets", driver="GPKG",
        geometry_type="Point", crs=meta["crs"],
    )  # fmt: skip
    (report,) = import_path(database, catalogue, tmp_path / "toilets_2.gpkg", dry_run=True)["files"]
    found, counts = report["difference"]["toilets"], report["classes"]["toilets"]
    assert (found["new"], found["changed"], found["fields"]) == (0, 2, {"geometry": 1, "name_en": 1})
    assert (counts["unchanged"], report["missing"]["toilets"]["rows"]) == (count - 3, 1)


def test_a_shape_that_no_cell_holds_stays_when_its_row_is_edited(database, catalogue, tmp_path):
    round_ = shapely.Point(LON, LAT).buffer(0.001, quad_segs=500)
    with database.write() as conn:
        shapes = np.array([round_, shape(1)], dtype=object)
        batch = Batch("parks", ["a", "b"], shapes, {"capacity": [1, 2]}, [None, None])
        write_batches(conn, catalogue, [batch], Change("t", "made"))
    before = stored(database)
    path = tmp_path / "parks.xlsx"
    export(database, catalogue, "parks", path)
    book = openpyxl.load_workbook(path)
    head = [cell.value for cell in book["parks"][1]]
    assert book["parks"].cell(2, head.index("wkt") + 1).value is None
    name = class_headings(catalogue.get_class("parks"))["name_zh"]
    book["parks"].cell(2, head.index(name) + 1).value = "圆"
    book.save(path)
    (report,) = import_path(database, catalogue, path)["files"]
    assert (report["classes"]["parks"]["changed"], report["rejects"]) == (1, [])
    assert stored(database) == {**before, "a": {**before["a"], "name_zh": "圆"}}


@pytest.mark.wide
def test_a_past_day_comes_back_and_its_edit_stays_in_its_time(database, catalogue, tmp_path):
    periods = [(date(2010, 1, 1), date(2020, 1, 1)), (date(2020, 1, 1), None)]
    for period, name in zip(periods, ("旧", "新"), strict=True):
        with database.write() as conn:
            batch = Batch(
                "parks",
                ["a"],
                np.array([shape(0)], dtype=object),
                {"name_zh": [name]},
                [None],
                valid=[period],
            )
            write_batches(conn, catalogue, [batch], Change("t", name))
    path = tmp_path / "parks.gpkg"
    export(database, catalogue, "parks", path, as_of="2015-06-01")
    (report,) = import_path(database, catalogue, path)["files"]
    assert (report["classes"]["parks"]["unchanged"], report["rejects"]) == (1, [])

    def change(rows: Rows) -> Rows:
        rows[0]["name_zh"] = "旧名"
        return rows

    (report,) = import_path(database, catalogue, edit(path, catalogue, change))["files"]
    assert (report["classes"]["parks"]["changed"], report["rejects"]) == (1, [])
    assert stored(database)["a"]["name_zh"] == "新"
    export(database, catalogue, "parks", tmp_path / "then.csv", as_of="2015-06-01")
    assert "旧名" in (tmp_path / "then.csv").read_text(encoding="utf-8-sig")
