"""Writing XLSX: a sheet a class with headings in both languages, and a sheet `about` that says what the columns are."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import shapely

from app.catalogue.export_names import CELL_CHARACTERS, as_xml, heading, plain_time
from app.errors import BadInput
from app.exports.cells import place_headings, rows
from app.exports.model import Changed, ExportColumn, ExportData, ExportLayer
from app.lazy import lazy_module

xlsxwriter = lazy_module("xlsxwriter")

MAX_ROWS = 1_048_575
#: Excel takes 1900 for a leap year: earlier days would be a day off, or cannot be written at all.
FIRST_DAY = date(1900, 3, 1)
#: Digits of a coordinate in degrees (1 cm) where all of them do not fit into a cell.
FEWER_DIGITS = 7
ABOUT = "about"
NO_CELL = ("\ufffe", "\uffff")


def write_xlsx(path: Path, data: ExportData) -> Changed:
    """Write a workbook with constant memory. A place or text that no cell holds is told and left out or cut.

    Raises:
        BadInput: A layer has more rows than a sheet.
        OSError: The file cannot be written whole.
    """
    changed: Counter[str] = Counter()
    for layer in data.layers:
        if len(layer) > MAX_ROWS:
            raise BadInput(
                f"{layer.name} has {len(layer):,} rows; a sheet holds {MAX_ROWS:,}.",
                "Export it as .csv or .gpkg.",
            )
    # Whatever the library leaves where a disk is full goes with the folder.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=path.name) as place:
        book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": place})
        try:
            _write_book(book, data, changed)
        except xlsxwriter.exceptions.XlsxFileError as error:
            raise OSError(str(error)) from error
        finally:
            _close_parts(book)
    return changed


def _write_book(book: Any, data: ExportData, changed: Counter[str]) -> None:
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    for layer in data.layers:
        _write_sheet(book.add_worksheet(layer.name[:31]), layer, bold, day, changed)
    _write_about(book.add_worksheet(ABOUT), data, bold)
    book.close()


def _close_parts(book: Any) -> None:
    """Close the files in which sheets wait to be packed: the library does not where it fails."""
    for sheet in book.worksheets():
        with suppress(OSError, AttributeError):
            sheet.row_data_fh.close()


def _headings(layer: ExportLayer) -> list[str]:
    return [*place_headings(layer), *(heading(column.title, column.unit) for column in layer.columns)]


def _write_sheet(sheet: Any, layer: ExportLayer, bold: Any, day: Any, changed: Counter[str]) -> None:
    names = _headings(layer)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(names) - 1, 16)
    for x, name in enumerate(names):
        sheet.write_string(0, x, name, bold)
    places = len(place_headings(layer))
    for y, row in enumerate(rows(layer), start=1):
        if places == 1:
            row[0] = _fitting(row[0], layer, changed)
        for x, value in enumerate(row):
            if value is not None:
                told = f"{layer.name}.{layer.columns[x - places].name}" if x >= places else layer.name
                shown = layer.columns[x - places].labels.get(value, value) if x >= places else value
                _write_cell(sheet, y, x, shown, day, told, changed)


def _fitting(wkt: str | None, layer: ExportLayer, changed: Counter[str]) -> str | None:
    """The WKT with as many digits as fit into a cell; nothing where even few do not."""
    if wkt is None or len(wkt) <= CELL_CHARACTERS:
        return wkt
    fewer = shapely.to_wkt(shapely.from_wkt(wkt), rounding_precision=FEWER_DIGITS)
    if len(fewer) <= CELL_CHARACTERS:
        changed.update(
            {f"{layer.name}: shapes with {FEWER_DIGITS} digits a coordinate, or no cell holds them": 1}
        )
        return str(fewer)
    changed.update({f"{layer.name}: shapes left out, no cell holds them; an import keeps what is stored": 1})
    return None


class _Exact(float):
    """A number that is written with all its digits: the library would write 16."""

    def __format__(self, _spec: str) -> str:
        return repr(float(self))


def _write_cell(sheet: Any, y: int, x: int, value: Any, day: Any, told: str, changed: Counter[str]) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(y, x, value)
    elif isinstance(value, int | float) and not (math.isfinite(value) and (value == float(value))):
        # A cell has no such number.
        known = "integers of more digits than a cell has" if isinstance(value, int) else str(value)
        changed.update({f"{told}: {known} as text": 1})
        sheet.write_string(y, x, str(value))
    elif isinstance(value, int | float):
        sheet.write_number(y, x, _Exact(value))
    elif isinstance(value, date) and not isinstance(value, datetime) and value >= FIRST_DAY:
        sheet.write_datetime(y, x, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001 - a day has no zone
    else:
        _write_text(sheet, y, x, plain_time(value) if isinstance(value, date) else str(value), told, changed)


def _write_text(sheet: Any, y: int, x: int, text: str, told: str, changed: Counter[str]) -> None:
    """The text; control characters stand as escapes (_x0001_), which programs read back, but for U+FFFE and U+FFFF."""
    if len(text) > CELL_CHARACTERS:
        changed.update({f"{told} cut at {CELL_CHARACTERS} characters": 1})
    if any(mark in text for mark in NO_CELL):
        changed.update({f"{told}: characters that no cell has as blanks": 1})
        text = as_xml(text)
    sheet.write_string(y, x, text[:CELL_CHARACTERS])


def _write_about(sheet: Any, data: ExportData, bold: Any) -> None:
    """What is said of the whole and of each layer, then the columns: heading, field, titles, type, unit, values."""
    sheet.set_column(0, 7, 20)
    lines: list[tuple[Any, ...]] = [(name, value) for name, value in data.about.items()]
    for layer in data.layers:
        lines += [(layer.name, name, value) for name, value in layer.about.items()]
    lines += [(), ("sheet", "heading", "field", "title_zh", "title_en", "type", "unit", "values")]
    head = len(lines) - 1
    for layer in data.layers:
        lines += [
            (
                layer.name,
                heading(c.title, c.unit),
                c.name,
                c.title.zh,
                c.title.en,
                c.type,
                c.unit or "",
                _values(c),
            )
            for c in layer.columns
        ]
    for y, line in enumerate(lines):
        for x, value in enumerate(line):
            sheet.write_string(y, x, str(value)[:CELL_CHARACTERS], bold if y == head or x == 0 else None)


def _values(column: ExportColumn) -> str:
    """What the labels in a column stand for."""
    return "; ".join(f"{label} = {value}" for value, label in column.labels.items())
