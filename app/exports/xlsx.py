"""Writing XLSX: a sheet a class with headings in both languages, and a sheet `about` that says what the columns are."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import shapely

from app.catalogue.export_names import CELL_CHARACTERS, heading, plain_time
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
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": str(path.parent)})
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    try:
        for layer in data.layers:
            _write_sheet(book.add_worksheet(layer.name[:31]), layer, bold, day, changed)
        _write_about(book.add_worksheet(ABOUT), data, bold)
        book.close()
    except xlsxwriter.exceptions.XlsxFileError as error:
        raise OSError(str(error)) from error
    return changed


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


def _write_cell(sheet: Any, y: int, x: int, value: Any, day: Any, told: str, changed: Counter[str]) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(y, x, value)
    elif isinstance(value, float) and not math.isfinite(value):
        # A cell has no such number.
        changed.update({f"{told}: {value} as text": 1})
        sheet.write_string(y, x, str(value))
    elif isinstance(value, int | float):
        sheet.write_number(y, x, value)
    elif isinstance(value, date) and not isinstance(value, datetime) and value >= FIRST_DAY:
        sheet.write_datetime(y, x, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001 - a day has no zone
    else:
        text = plain_time(value) if isinstance(value, date) else str(value)
        if len(text) > CELL_CHARACTERS:
            changed.update({f"{told} cut at {CELL_CHARACTERS} characters": 1})
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
