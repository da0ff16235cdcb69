"""Rows that are no features are passed over and counted: totals at the foot of a table, annotations of a drawing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from app.database.transactions import Database
from app.ingest.layer import Layer
from app.ingest.passed import find_totals
from tests.clones import clone, opened
from tests.effort import is_little
from tests.importing import import_path
from tests.ingest.readers.test_ogr import CIRCLE, TEXT, dxf

HEAD = ["序号", "名称", "建筑面积", "厕位数", "经度", "纬度"]
FIRST: list[Any] = [1, "东湖公厕", 60.5, 8, 115.861, 28.681]
SECOND: list[Any] = [2, "西湖公厕", 40.0, 6, 115.862, 28.682]
LINE = [(0, "LINE"), (5, "1E"), (100, "AcDbEntity"), (8, "管"), (100, "AcDbLine"),
        (10, 388382), (20, 3174669), (11, 388392), (21, 3174679)]  # fmt: skip
MTEXT = [(0, "MTEXT"), (5, "1F"), (100, "AcDbEntity"), (8, "管"), (100, "AcDbMText"), (10, 388382), (20, 3174669),
         (40, 1), (1, "DN300")]  # fmt: skip


@pytest.fixture(scope="module")
def db(cluster_settings, template) -> Iterator[Database]:
    """One database for trials; nothing is left in it."""
    with clone(cluster_settings, template) as settings, opened(settings) as database:
        yield database


def workbook(path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (HEAD, *rows):
        sheet.append(row)
    book.save(path)
    return path


def trial(db, catalogue, path: Path, **given: Any) -> dict[str, Any]:
    given = {"class_id": "toilets", "dry_run": True, "allow_outside": True} | given
    (report,) = import_path(db, catalogue, path, **given)["files"]
    return report


def numbers(report: dict[str, Any], class_id: str = "toilets") -> tuple[int, ...]:
    found = report["classes"][class_id]
    return tuple(found[name] for name in ("read", "loaded", "rejected", "skipped"))


@pytest.mark.parametrize(
    "foot",
    [
        ["合计", None, 100.5, 14, None, None],
        [None, "合 计：", 100.5, 14, None, None],
        [None, "青山湖区小计", None, 14, None, None],
        ["Total", None, None, None, None, None],
        [3, "总计", "100.50", None, None, None],
    ],
)
def test_a_row_of_totals_is_no_feature(db, catalogue, tmp_path, foot):
    report = trial(db, catalogue, workbook(tmp_path / "公厕.xlsx", FIRST, SECOND, foot))
    assert numbers(report) == (3, 2, 0, 1)
    (layer,) = report["layers"]
    assert any("1 row of totals passed over" in note and "row 4" in note for note in layer["notes"])
    # Without the foot each row has a number of its own, so that it is the key.
    assert layer["key"] == "序号"


@pytest.mark.parametrize(
    ("odd", "hint"),
    [
        ([3, "南湖公厕", 50, 7, None, None], "Give the row a geometry"),
        ([3, "合计", 50, 7, "东", None], ""),
        ([3, "合计", 55.5, 7, None, None], "Give the row a geometry"),
        ([3, "合计公厕", 100.5, 14, None, None], "Give the row a geometry"),
    ],
)
def test_other_rows_without_a_place_are_refused_as_before(db, catalogue, tmp_path, odd, hint):
    report = trial(db, catalogue, workbook(tmp_path / "公厕.xlsx", FIRST, SECOND, odd))
    assert numbers(report) == (3, 2, 1, 0)
    assert hint in report["rejects"][0]["hint"]


def test_a_row_of_totals_is_no_reason_to_keep_what_is_missing(database, catalogue, tmp_path):
    foot = [None, "合计", 100.5, 14, None, None]
    path = workbook(tmp_path / "公厕.xlsx", FIRST, SECOND, foot)
    trial(database, catalogue, path, dry_run=False)
    workbook(path, FIRST, [None, "合计", 60.5, 8, None, None])
    report = trial(database, catalogue, path, dry_run=False, delete_missing=True)
    assert (report["missing"]["toilets"]["rows"], report["missing"]["toilets"]["deleted"]) == (1, True)


def drawing(path: Path) -> Path:
    path.write_text(dxf(LINE, TEXT, MTEXT), encoding="utf-8")
    return path


def test_writing_in_a_drawing_is_no_feature(db, catalogue, tmp_path):
    path = drawing(tmp_path / "管线.dxf")
    report = trial(db, catalogue, path, class_id="pipes", crs="EPSG:4548")
    assert numbers(report, "pipes") == (3, 1, 0, 2)
    assert any(
        "2 annotations passed over" in note and "MText 1" in note for note in report["layers"][0]["notes"]
    )


def test_writing_that_is_asked_for_is_read(db, catalogue, tmp_path):
    path = drawing(tmp_path / "管线.dxf")
    given = {"crs": "EPSG:4548", "where": "Entity = 'MText'"}
    report = trial(db, catalogue, path, class_id="toilets", **given)
    assert numbers(report) == (3, 1, 0, 2)


def test_writing_of_old_drawings_is_known_by_its_text(db, catalogue, tmp_path):
    bare = [[pair for pair in entity if pair[0] != 100] for entity in (LINE, MTEXT)]
    path = tmp_path / "管线.dxf"
    path.write_text(dxf(*bare, CIRCLE, version="AC1009"), encoding="utf-8")
    report = trial(db, catalogue, path, class_id="pipes", crs="EPSG:4548", where="\"Layer\" = '管'")
    assert numbers(report, "pipes") == (3, 1, 0, 2)


def test_a_table_of_nothing_but_totals_does_not_take_for_ever():
    count = 20_000
    nowhere = np.full(count, None, dtype=object)
    columns = {
        "名称": ["合计"] * count,
        "厕位数": [1.0] * count,
        "经度": [None] * count,
        "纬度": [None] * count,
    }
    layer = Layer("toilets", list(range(count)), nowhere, columns, None, spatial=False)
    # Only the second row is the sum of those above it.
    assert is_little(lambda: find_totals(layer, ["经度", "纬度"]), 2) == [1]
