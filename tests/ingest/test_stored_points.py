"""Lines of a survey that come without their points find them among what is stored, by their numbers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from app.errors import Conflict
from app.ingest.stored_points import StoredIndex, StoredPoint
from tests.importing import import_path

POINTS = [["物探点号", "X", "Y", "特征"], ["W1", 3174669.1, 388382.9, "三通"], ["W2", 3174679.1, 388392.9, "弯头"],
          ["W3", 3174689.1, 388402.9, "弯头"]]  # fmt: skip
LINES = [["起点点号", "连接点号", "管径", "材质"], ["W1", "W2", 300, "砼"], ["W2", "W9", 300, "砼"]]


def workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def imported(db, catalogue, path: Path, **given: Any) -> dict[str, Any]:
    (report,) = import_path(db, catalogue, path, allow_outside=True, **given)["files"]
    return report


def pipes(db) -> dict[str, tuple[str, str, str]]:
    query = b"SELECT code, from_node, to_node, ST_AsText(ST_GeometryN(geom, 1), 4) FROM city.pipes"
    with db.read() as conn:
        return {row[0]: row[1:] for row in db.raw(conn).execute(query).fetchall()}


@pytest.fixture
def surveyed(database, catalogue, tmp_path):
    """A database with the points, the first line, and the file of the refused second one."""
    path = workbook(tmp_path / "污水.xlsx", WS点=POINTS, WS线=LINES)
    report = imported(database, catalogue, path, crs="EPSG:4548", rejects=tmp_path / "rejects")
    assert report["classes"]["pipes"]["rejected"] == 1
    return database, tmp_path / "rejects"


def mend(folder: Path, to: str) -> Path:
    (path,) = folder.rglob("*.xlsx") if folder.is_dir() else [folder.with_suffix(".xlsx")]
    book = openpyxl.load_workbook(path)
    (sheet,) = book.worksheets
    head = [cell.value for cell in sheet[1]]
    sheet.cell(2, head.index("终止点号") + 1).value = to
    book.save(path)
    return path


def test_a_refused_line_that_was_mended_is_drawn_between_stored_points(surveyed, catalogue):
    database, folder = surveyed
    report = imported(database, catalogue, mend(folder, "W3"), crs="EPSG:4548")
    assert (report["rejects"], report["classes"]["pipes"]["new"]) == ([], 1)
    found = pipes(database)
    assert found["W2-W3"][:2] == ("W2", "W3")
    # It begins where the first one ends.
    assert (
        found["W2-W3"][2].split("(")[1].split(",")[0] == found["W1-W2"][2].split(",")[1].rstrip(")").strip()
    )


def test_a_number_that_is_not_stored_is_named(surveyed, catalogue):
    database, folder = surveyed
    report = imported(database, catalogue, mend(folder, "W8"), crs="EPSG:4548")
    (reject,) = report["rejects"]
    assert reject["reason"] == "end point 'W8' is no number of a stored pipe node"


def test_a_table_of_lines_alone(surveyed, catalogue, tmp_path):
    database, _ = surveyed
    path = tmp_path / "管线.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([LINES[0], ["W3", "W1", 400, "PE"], ["W3", "W77", 400, "PE"]])
    report = imported(database, catalogue, path)
    assert report["classes"]["pipes"]["new"] == 1
    assert any("looked up among the stored pipe nodes" in note for note in report["layers"][0]["notes"])
    assert "W3-W1" in pipes(database)


def test_of_points_of_one_number_only_the_one_of_its_kind_is_meant():
    stored = [StoredPoint("WS1", "1", (0, 0)), StoredPoint("YS1", "1", (1, 1)), StoredPoint("x", "2", (2, 2))]
    index = StoredIndex([], stored)
    found = index.find("1", "YS")
    assert found is not None
    assert index.code("1", found.table) == "YS1"
    assert index.find("1", None) is None
    assert index.lack("start", "1") == "start point '1' may be any of 2 stored pipe nodes of this number"
    assert (index.find("2", "YS") is not None, index.find("3", None)) == (True, None)


def test_another_survey_that_numbers_alike_does_not_take_the_place_of_the_first(
    surveyed, catalogue, tmp_path
):
    database, _ = surveyed
    before = pipes(database)
    elsewhere = [POINTS[0], *([name, x + 5000, y, kind] for name, x, y, kind in POINTS[1:])]
    path = workbook(tmp_path / "东区.xlsx", WS点=elsewhere, WS线=LINES)
    with pytest.raises(Conflict, match="3 points of this survey bear the numbers of stored pipe_nodes"):
        imported(database, catalogue, path, crs="EPSG:4548")
    assert pipes(database) == before
    # Measured once more, or said to be the same, they are.
    again = [POINTS[0], *([name, x + 0.2, y, kind] for name, x, y, kind in POINTS[1:])]
    report = imported(database, catalogue, workbook(path, WS点=again, WS线=LINES), crs="EPSG:4548")
    assert report["classes"]["pipe_nodes"]["changed"] == 3
    report = imported(
        database, catalogue, workbook(path, WS点=elsewhere, WS线=LINES), crs="EPSG:4548", key="code"
    )
    assert report["classes"]["pipe_nodes"]["changed"] == 3


def test_a_number_that_is_the_code_of_one_and_with_its_kind_of_another_is_neither():
    stored = [StoredPoint("1", "1", (0, 0)), StoredPoint("WS1", "1", (1, 1))]
    index = StoredIndex([], stored)
    assert index.find("1", "WS") is None
    assert index.lack("start", "1") == "start point '1' may be any of 2 stored pipe nodes of this number"
    found = index.find("WS1", None)
    assert found is not None
    assert index.code("WS1", found.table) == "WS1"
