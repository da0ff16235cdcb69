"""Refused rows of an import as a workbook in one language, whatever the file was: to be mended and imported again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from app.catalogue.model import Lang
from app.lazy import lazy_module
from app.words.rejected import ADDED, ADDED_CHINESE, ADDED_SPOKEN

openpyxl = lazy_module("openpyxl")
xlsxwriter = lazy_module("xlsxwriter")

#: Texts that are numbers and nothing else: no code that begins with 0, none that a spreadsheet would round.
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,13})(?:\.\d{1,10})?")
_SHEET = re.compile(r"[\[\]:*?/\\]")
#: Longest cell of a kept CSV, characters: what the reading of files takes; the library's own limit is 131,072.
_CELL = 64 << 20
#: Widths of columns in characters: of the file's own, of reasons.
_WIDTH, _WIDE = 16, 44


def rejected_workbook(files: Sequence[tuple[str, bytes]], lang: Lang) -> tuple[str, bytes]:
    """Name and content of one workbook with a sheet for each file of refused rows (CSV or XLSX, as they are kept)."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        head = book.add_format({"bold": True, "bg_color": "#fde8df", "border": 1, "text_wrap": True})
        plain = book.add_format({"bold": True, "border": 1})
        days = book.add_format({"num_format": "yyyy-mm-dd"})
        used: set[str] = set()
        for name, rows in (sheet for file in files for sheet in _sheets(*file)):
            sheet = book.add_worksheet(_unused(name, used))
            sheet.freeze_panes(1, 0)
            _write(sheet, list(rows), lang, {"head": head, "plain": plain, "days": days})
    stem = files[0][0].rpartition(".")[0]
    return f"{stem}.xlsx", out.getvalue()


def _sheets(name: str, content: bytes) -> Iterable[tuple[str, Iterable[Sequence[Any]]]]:
    """The tables of one kept file: name and rows, the headings first."""
    if not name.endswith(".xlsx"):
        csv.field_size_limit(_CELL)
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        return [(name.split(".", maxsplit=1)[0], ([_value(cell) for cell in row] for row in rows))]
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    return [(sheet.title, sheet.iter_rows(values_only=True)) for sheet in book.worksheets]


def _value(cell: str) -> Any:
    if not _NUMBER.fullmatch(cell):
        return cell or None
    return float(cell) if "." in cell else int(cell)


def _unused(name: str, used: set[str]) -> str:
    """A name of a sheet that a workbook takes and has not yet."""
    base = _SHEET.sub("_", name).strip("'")[:28] or "rows"
    found = next(one for one in (base, *(f"{base}-{n}" for n in range(2, 100))) if one.casefold() not in used)
    used.add(found.casefold())
    return found


def _write(sheet: Any, rows: list[Sequence[Any]], lang: Lang, formats: dict[str, Any]) -> None:
    """The rows, with what was added in one language: its other words are left out."""
    headings = [str(cell or "") for cell in rows[0]]
    keep = [i for i, heading in enumerate(headings) if heading not in _other_words(lang)]
    for column, i in enumerate(keep):
        spoken = ADDED_SPOKEN[lang].get(headings[i])
        sheet.set_column(
            column, column, _WIDE if "reason" in headings[i] or "hint" in headings[i] else _WIDTH
        )
        sheet.write_string(0, column, spoken or headings[i], formats["head" if spoken else "plain"])
        for number, row in enumerate(rows[1:], 1):
            _put(sheet, number, column, row[i] if i < len(row) else None, formats["days"])


def _other_words(lang: Lang) -> frozenset[str]:
    """The columns that say in the other language what is said in this one."""
    return frozenset(ADDED_CHINESE if lang == "en" else ADDED[2:])


def _put(sheet: Any, row: int, column: int, value: Any, days: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif hasattr(value, "year"):
        sheet.write_datetime(row, column, value, days)
    else:
        sheet.write_string(row, column, str(value))
