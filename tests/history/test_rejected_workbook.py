"""Refused rows as a workbook: texts stay texts, however they begin and however long they are."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest

from app.history.rejected_workbook import rejected_workbook

#: Most characters that a cell of a workbook holds.
CELL = 32_767


def cells(*row: str) -> list[openpyxl.cell.Cell]:
    out = io.StringIO()
    csv.writer(out).writerows([["name", "note"], list(row)])
    name, book = rejected_workbook([("rows.csv", out.getvalue().encode("utf-8-sig"))], "zh")
    assert name == "rows.xlsx"
    return list(openpyxl.load_workbook(io.BytesIO(book)).active[2])


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|'/c calc'!A1", "@SUM(A1)", "-2+3", "http://x.example/", "0012"]
)
def test_no_text_becomes_a_formula_a_link_or_a_number(text):
    cell, other = cells(text, "b")
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)
    assert other.value == "b"


def test_a_cell_longer_than_any_workbook_takes_is_cut():
    csv.field_size_limit(131_072)  # as in a process that has read no file yet
    cell, other = cells("POLYGON" * 30_000, "b")
    assert cell.value == ("POLYGON" * 30_000)[:CELL]
    assert other.value == "b"
