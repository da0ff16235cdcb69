"""Tables as CSV and XLSX, read back by other means: what a spreadsheet sees."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest

from app.errors import BadInput
from app.reports.files import check_target, csv_text, save, xlsx_bytes
from app.reports.tables import COUNT, KM, Column, Table

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", '=cmd|"/c calc"!A1', 'a"b', "甲,乙\n丙", "bell\x07"]
TABLE = Table(
    "合计", "合计", [Column("名称"), Column("数量", COUNT), Column("长度", KM)],
    [[text, place, place / 4] for place, text in enumerate(HOSTILE)] + [["空", None, -2.5]],
)  # fmt: skip


def read_csv(text):
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_csv_opens_right_in_excel_and_runs_nothing():
    text = csv_text(TABLE)
    assert text.encode().startswith(b"\xef\xbb\xbf")
    head, *rows = read_csv(text)
    assert head == ["名称", "数量", "长度"]
    assert [row[0] for row in rows] == [
        "'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "'=cmd|\"/c calc\"!A1", 'a"b', "甲,乙\n丙", "bell\x07", "空",
    ]  # fmt: skip
    assert rows[3][1:] == ["3", "0.75"]
    assert rows[-1][1:] == ["", "-2.5"], "numbers below zero stay numbers"


def test_a_workbook_has_numbers_formats_and_no_formula():
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes([TABLE], {"城市": "=澄图"}, "说明")))
    assert book.sheetnames == ["说明", "合计"]
    assert book["说明"]["B1"].value == "=澄图"
    sheet = book["合计"]
    assert [cell.value for cell in sheet[1]] == ["名称", "数量", "长度"]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)][:7] == HOSTILE[:7]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {
        "s",
        "n",
    }
    assert (sheet["C5"].value, sheet["C5"].number_format, sheet["B5"].number_format) == (0.75, KM, COUNT)
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:C11"
    assert sheet["A10"].value == "bell"


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(BadInput):
        check_target(tmp_path / "a.pdf")
    with pytest.raises(BadInput):
        check_target(tmp_path / "nowhere" / "a.csv")
    assert check_target(tmp_path / "a.XLSX") == "xlsx"
    save(tmp_path / "a.csv", b"1")
    save(tmp_path / "a.csv", b"22")
    assert (tmp_path / "a.csv").read_bytes() == b"22"
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(BadInput):
        save(tmp_path / "b.csv", b"1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]
