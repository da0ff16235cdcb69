"""Excel workbooks: every sheet a layer, headings found, cells as they are meant; what would fill the memory refused."""

from __future__ import annotations

import datetime as dt
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from app.errors import UnreadableFile
from app.ingest.files import recognise
from app.ingest.layer import Ask, LayerSource, whole
from app.ingest.readers import READERS
from app.ingest.spool import sources


@pytest.fixture
def make(tmp_path) -> Callable[[list[list[Any]]], Path]:
    def make(rows: list[list[Any]], merged: tuple[str, ...] = ()) -> Path:
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "公厕"
        for row in rows:
            sheet.append(row)
        for cells in merged:
            sheet.merge_cells(cells)
        path = tmp_path / "book.xlsx"
        book.save(path)
        return path

    return make


def read(path: Path, **ask: Any) -> list[LayerSource]:
    file = recognise(path)
    return sources(READERS[file.format](file, Ask(**ask)))


def test_cells_are_what_they_mean(make):
    day, moment = dt.date(2021, 3, 4), dt.datetime(2021, 3, 4, 5, 6, 7)  # noqa: DTZ001 - cells have no zone
    path = make(
        [
            ["编码", "名称", "数量", "面积", "日期", "时刻", "有", "时间"],
            [3601020000000001, "东湖公厕", 3.0, 2.5, day, moment, True, dt.time(8, 30)],
            ["B", None, None, "", None, None, False, None],
        ]
    )
    (source,) = read(path)
    assert (source.name, source.spatial, source.count) == ("公厕", False, 2)
    layer = whole(source)
    assert layer.rows == [2, 3]
    columns = {name: values[0] for name, values in layer.columns.items()}
    assert columns == {
        "编码": 3601020000000001, "名称": "东湖公厕", "数量": 3, "面积": 2.5, "日期": day, "时刻": moment, "有": True,
        "时间": "08:30:00",
    }  # fmt: skip
    assert isinstance(columns["数量"], int)
    assert [values[1] for values in layer.columns.values()] == [
        "B",
        None,
        None,
        None,
        None,
        None,
        False,
        None,
    ]


def test_a_title_merged_over_the_table_is_no_heading(make):
    rows = [
        ["南昌市公厕一览表"],
        ["单位：城管局", None, "2024年"],
        ["名称", "经度", "纬度", "备注"],
        ["甲", 115.8, 28.6, None],
    ]
    (source,) = read(make(rows, ("A1:D1",)))
    layer = whole(source)
    assert layer.rows == [4]
    assert layer.columns == {"名称": ["甲"], "经度": [115.8], "纬度": [28.6], "备注": [None]}
    assert "2 title rows above the headings in row 3" in source.notes


def test_headings_in_two_rows_are_joined(make):
    rows = [["名称", "坐标", None, "备注"], [None, "X", "Y", None], ["甲", 3174669.1, 388382.9, "好"]]
    (source,) = read(make(rows, ("A1:A2", "B1:C1", "D1:D2")))
    layer = whole(source)
    assert layer.rows == [3]
    assert layer.columns == {"名称": ["甲"], "坐标 X": [3174669.1], "坐标 Y": [388382.9], "备注": ["好"]}


def test_what_is_merged_over_rows_counts_for_each(make):
    rows = [["街道", "名称"], ["东湖", "甲"], [None, "乙"], [None, "丙"], ["西湖", "丁"]]
    (source,) = read(make(rows, ("A2:A4",)))
    assert whole(source).columns["街道"] == ["东湖", "东湖", "东湖", "西湖"]
    assert "1 merged cells count for every row they go over" in source.notes


def test_blank_rows_are_passed_over_and_numbers_stay_those_of_the_sheet(make):
    (source,) = read(make([["a", "b"], [1, 2], [None, None], [3, 4]]))
    assert whole(source).rows == [2, 4]
    assert "1 rows without any value were passed over" in source.notes


def test_a_table_that_starts_inside_the_sheet(tmp_path):
    book = openpyxl.Workbook()
    for cell, value in {"C5": "name", "D5": "lon", "C6": "a", "D6": 115.8}.items():
        book.active[cell] = value
    book.save(tmp_path / "inside.xlsx")
    (source,) = read(tmp_path / "inside.xlsx")
    assert (whole(source).rows, whole(source).columns) == ([6], {"name": ["a"], "lon": [115.8]})


def test_every_sheet_is_a_layer_hidden_ones_too(tmp_path):
    path = tmp_path / "sheets.xlsx"
    book = xlsxwriter.Workbook(path)
    for name in ("WS点", "空", "隐藏"):
        sheet = book.add_worksheet(name)
        if name != "空":
            sheet.write_row(0, 0, ["a", "b"])
            sheet.write_row(1, 0, [name, 2])
    sheet.hide()
    book.add_chartsheet("图")
    book.close()
    found = read(path)
    assert [(s.name, s.count, s.skipped) for s in found] == [
        ("WS点", 1, None), ("空", 0, "the sheet is empty"), ("隐藏", 1, None), ("图", 0, "it is no table"),
    ]  # fmt: skip
    assert "the sheet is hidden" in found[2].notes
    assert [s.name for s in read(path, layer="隐藏")] == ["隐藏"]
    with pytest.raises(UnreadableFile, match="no layer 'x'"):
        read(path, layer="x")


def test_errors_are_empty_and_counted(tmp_path):
    path = tmp_path / "errors.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["a", "b"])
    sheet.write(1, 0, "x")
    sheet.write_formula(1, 1, "=VLOOKUP(1,A:A,1)", None, "#N/A")
    book.close()
    (source,) = read(path)
    assert whole(source).columns == {"a": ["x"], "b": [None]}
    assert any(note.startswith("1 cells of the workbook hold an error") for note in source.notes)


def rewrite(path: Path, change: Callable[[str], str]) -> Path:
    """The workbook with another first sheet."""
    other = path.with_name("other.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, change(text.decode()) if name.endswith("sheet1.xml") else text)
    return other


def test_a_cell_at_the_far_end_of_a_sheet_does_not_fill_the_memory(make):
    path = make([["a", "b"], [1, 2]])
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    with pytest.raises(UnreadableFile, match="1048576 rows and 16384 columns"):
        read(rewrite(path, lambda text: text.replace("</sheetData>", far)))


def test_a_workbook_that_unpacks_to_far_more_is_refused(make):
    with pytest.raises(UnreadableFile, match="times its size"):
        read(rewrite(make([["a"], [1]]), lambda text: text + " " * (80 << 20)))


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: data[:200] + bytes(400) + data[600:]]
)
def test_a_damaged_workbook_is_told(make, tmp_path, damage):
    path = make([["a", "b"], [1, 2]])
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UnreadableFile):
        list(READERS["xlsx"](type(recognise(path))(broken, "xlsx"), Ask()))


def test_thousands_of_rows_take_seconds(tmp_path):
    path = tmp_path / "large.xlsx"
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet("路灯")
    sheet.write_row(0, 0, ["编号", "名称", "经度", "纬度", *(f"c{i}" for i in range(16))])
    for i in range(6_000):
        sheet.write_row(i + 1, 0, [f"P{i}", f"路灯{i}", 115 + i / 1e5, 28 + i / 1e5, *range(16)])
    book.close()
    started = time.monotonic()
    (source,) = read(path)
    assert time.monotonic() - started < 5
    assert source.count == 6_000
    assert whole(source).columns["名称"][-1] == "路灯5999"
