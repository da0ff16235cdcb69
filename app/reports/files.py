"""Tables as files: CSV that Excel opens right, and XLSX with real numbers."""

from __future__ import annotations

import csv
import errno
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from app.errors import BadInput
from app.lazy import lazy_module
from app.reports.tables import TEXT, Cell, Table

openpyxl = lazy_module("openpyxl")

#: What a spreadsheet would read as the start of a formula (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
#: Characters that XML 1.0, and so a sheet, cannot hold.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8; header=present",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
#: Widest column of a sheet, characters.
MAX_WIDTH = 48
SHEET_NAME_LENGTH = 31


def csv_text(table: Table) -> str:
    """The table as CSV (RFC 4180) with a byte order mark, without which Excel reads Chinese as Latin letters.

    Text that a spreadsheet would take for a formula has an apostrophe before it; numbers are written plainly.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([_guarded(column.title) for column in table.columns])
    writer.writerows([_guarded(cell) for cell in row] for row in table.rows)
    return "\ufeff" + out.getvalue()


def _guarded(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return "'" + cell
    return cell


def xlsx_bytes(tables: Sequence[Table], about: Mapping[str, str], about_name: str) -> bytes:
    """A workbook: one sheet a table, headings fixed and filtered, and a sheet of what is said `about` them all."""
    book = openpyxl.Workbook(write_only=True)
    _about_sheet(book.create_sheet(about_name[:SHEET_NAME_LENGTH]), about)
    for table in tables:
        _sheet(book.create_sheet(table.name[:SHEET_NAME_LENGTH]), table)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _about_sheet(sheet: Any, about: Mapping[str, str]) -> None:
    sheet.column_dimensions["A"].width = 16
    sheet.column_dimensions["B"].width = 90
    for name, text in about.items():
        sheet.append([_cell(sheet, name, TEXT, bold=True), _cell(sheet, text, TEXT)])


def _sheet(sheet: Any, table: Table) -> None:
    for place, width in enumerate(_widths(table)):
        sheet.column_dimensions[openpyxl.utils.get_column_letter(place + 1)].width = width
    sheet.freeze_panes = "A2"
    last = openpyxl.utils.get_column_letter(len(table.columns))
    sheet.auto_filter.ref = f"A1:{last}{len(table.rows) + 1}"
    sheet.append([_cell(sheet, column.title, TEXT, bold=True) for column in table.columns])
    for row in table.rows:
        sheet.append(
            [_cell(sheet, cell, column.format) for cell, column in zip(row, table.columns, strict=True)]
        )


def _cell(sheet: Any, value: Cell, number_format: str, *, bold: bool = False) -> Any:
    if value is None:
        return None
    cell = openpyxl.cell.WriteOnlyCell(sheet, FORBIDDEN.sub("", value) if isinstance(value, str) else value)
    if isinstance(value, str):
        cell.data_type = "s"  # never a formula, whatever it begins with
    elif number_format != TEXT:
        cell.number_format = number_format
    if bold:
        cell.font = openpyxl.styles.Font(bold=True)
    return cell


def _widths(table: Table) -> list[int]:
    rows = [[column.title for column in table.columns], *table.rows[:500]]
    return [min(max(map(_width, column)) + 3, MAX_WIDTH) for column in zip(*rows, strict=True)]


def _width(cell: Cell) -> int:
    """Characters that a cell takes; Chinese ones are twice as wide."""
    if isinstance(cell, float):
        return len(f"{cell:,.2f}")
    text = "" if cell is None else str(cell)
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def check_target(to: Path) -> str:
    """The form of a file by the ending of its name; BadInput for others, and where the folder is not there."""
    form = to.suffix.lower().removeprefix(".")
    if form not in MEDIA_TYPES:
        raise BadInput(f"'{to.name}' is no file that a report is written to.", "Name a .csv or an .xlsx.")
    if not to.parent.is_dir():
        raise BadInput(f"There is no folder '{to.parent}'.", "Make it first.")
    return form


def save(to: Path, content: bytes) -> None:
    """Write a file that appears under its name only when it is whole; BadInput where that cannot be done."""
    beside = to.with_name(f".{uuid4().hex}{to.suffix}")
    try:
        beside.write_bytes(content)
        beside.replace(to)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise  # a full disk has a sentence of its own
        raise BadInput(
            f"'{to}' cannot be written: {error.strerror or error}.", "Check the folder and its permissions."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
