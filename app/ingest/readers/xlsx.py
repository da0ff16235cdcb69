"""Reading Excel workbooks: every sheet a layer, its headings found, merged cells and dates understood."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any

import numpy as np
import python_calamine as calamine

from app.errors import UnreadableFile
from app.ingest.archive import members
from app.ingest.files import SourceFile
from app.ingest.layer import CHUNK_ROWS, Ask, Layer, skipped_layer
from app.ingest.readers.headings_row import HEAD_ROWS, heading_row, is_blank, name_columns
from app.ingest.readers.select import chosen
from app.validation.values import EXACT

#: Cells between the first and the last of a sheet, empty ones too: all are held at once.
MAX_CELLS = 60_000_000
BLOCK = 1 << 20
CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*(?<!/)>')
ERROR = re.compile(rb'<(?:\w+:)?c\s[^>]*?\bt="e"')
HINT = "Save it again as XLSX from Excel, WPS or LibreOffice, or as CSV in UTF-8."
#: Row and column of the first, then of the last cell, from 0.
Merged = tuple[tuple[int, int], tuple[int, int]]
Row = list[Any]
#: The sheet of our own exports that says whose data it is.
ABOUT = "about"


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """Every sheet of an Excel workbook, in chunks; rows are numbered as the sheet numbers them.

    Whole numbers are int, dates are date or datetime, times of day and durations text; a cell that is empty or holds an
    error such as #N/A is None. What is merged over several rows counts for each of them.

    Raises:
        UnreadableFile: The workbook is damaged, protected, too large, or holds no such sheet.
    """
    errors = _check(file)
    try:
        with calamine.CalamineWorkbook.from_path(str(file.path)) as book:
            sheets = book.sheets_metadata
            for i in chosen(file, ask, [sheet.name for sheet in sheets]):
                found = None
                if sheets[i].name == ABOUT and len(sheets) > 1:
                    yield skipped_layer(ABOUT, "it tells of the other sheets")
                    continue
                if sheets[i].typ == calamine.SheetTypeEnum.WorkSheet:
                    found = book.get_sheet_by_index(i)
                yield from _sheet(sheets[i], found, errors)
                errors = 0
    except calamine.PasswordError as error:
        raise UnreadableFile(f"'{file.name}' is protected by a password.", "Save it without one.") from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise UnreadableFile(f"'{file.name}' is damaged: {error}.", HINT) from error


def _check(file: SourceFile) -> int:
    """The number of cells that hold an error, once it is sure that the workbook can be unpacked without harm."""
    members(file.path)
    try:
        with zipfile.ZipFile(file.path) as archive:
            parts = [part for part in archive.infolist() if part.filename.lower().endswith(".xml")]
            return sum(
                _check_sheet(file, archive.open(part)) for part in parts if b"heet" in _start(archive, part)
            )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UnreadableFile(f"'{file.name}' is damaged and cannot be unpacked.", HINT) from error


def _start(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as part:
        return part.read(2000)


def _check_sheet(file: SourceFile, part: IO[bytes]) -> int:
    """Errors of a sheet; its cells span no more than can be held."""
    letters: set[bytes] = set()
    last, first, errors, rest = 0, 1 << 30, 0, b""
    while block := part.read(BLOCK):
        text, mark, rest = (rest + block).rpartition(b"<")
        rest = mark + rest
        cells = CELL.findall(text)
        errors += len(ERROR.findall(text))
        if cells:
            letters |= {column for column, _ in cells}
            rows = [int(row) for _, row in cells]
            first, last = min(first, *rows), max(last, *rows)
    if not letters:
        return errors
    places = [_column(column) for column in letters]
    if (last - first + 1) * (max(places) - min(places) + 1) > MAX_CELLS:
        raise UnreadableFile(
            f"A sheet of '{file.name}' has cells {last - first + 1} rows and {max(places) - min(places) + 1} columns "
            "apart: more than is read.",
            "Delete what stands far outside the table, or save the sheet as CSV.",
        )
    return errors


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


@dataclass(frozen=True, slots=True)
class _Table:
    """What holds for a sheet: `left` and `top` its first cell (from 0), `start` its first row of data."""

    name: str
    left: int
    start: int
    headings: list[str]
    unnamed: frozenset[str]
    notes: tuple[str, ...]
    fills: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


def _sheet(
    about: calamine.SheetMetadata, sheet: calamine.CalamineSheet | None, errors: int
) -> Iterator[Layer]:
    if sheet is None or sheet.start is None:
        yield skipped_layer(about.name, "it is no table" if sheet is None else "the sheet is empty")
        return
    notes = [] if about.visible == calamine.SheetVisibleEnum.Visible else ["the sheet is hidden"]
    if errors:
        notes.append(f"{errors} cells of the workbook hold an error such as #N/A and are read as empty")
    table = _look(sheet, about.name, notes)
    rows = _filled(table, islice(enumerate(sheet.iter_rows()), table.start, None))
    blank = 0
    yield _layer(table, [], table.notes)
    while chunk := list(islice(rows, CHUNK_ROWS)):
        kept = [(number, row) for number, row in chunk if row is not None]
        blank += len(chunk) - len(kept)
        yield _layer(table, kept, ())
    if blank:
        yield _layer(table, [], (f"{blank} rows without any value were passed over",))


def _look(sheet: calamine.CalamineSheet, name: str, notes: list[str]) -> _Table:
    top, left = sheet.start or (0, 0)
    first = list(islice(sheet.iter_rows(), top, top + HEAD_ROWS))
    merged: list[Merged] = sheet.merged_cell_ranges or []
    inside = [_shift(item, top, left) for item in merged]
    place = heading_row(_spread(first, inside))
    if place is None:
        headings, start = [f"column {i + 1}" for i in range(sheet.width)], top
        more = ["the first row holds numbers, so there are no headings"]
    else:
        cells, depth = _two_rows(first, place, inside)
        headings, more = name_columns(cells)
        start = top + place + depth
        titles = sum(not all(map(is_blank, row)) for row in first[:place])
        notes += [f"{titles} title rows above the headings in row {top + place + 1}"] if titles else []
    fills: dict[int, list[tuple[int, int]]] = {}
    for (row, column), (end, _) in merged:
        if end > row >= start:
            fills.setdefault(row, []).append((column - left, end))
    if fills:
        notes.append(f"{sum(map(len, fills.values()))} merged cells count for every row they go over")
    unnamed = frozenset(h for h in headings if h.startswith("column "))
    return _Table(name, left, start, headings, unnamed, (*notes, *more), fills)


def _shift(item: Merged, top: int, left: int) -> Merged:
    (row, column), (end, last) = item
    return (row - top, column - left), (end - top, last - left)


def _spread(first: list[Row], merged: list[Merged]) -> list[Row]:
    """The rows with what is merged over several columns in each of them; a row of one or two cells is a title."""
    rows = [list(row) for row in first]
    for (row, start), (_, end) in merged:
        if row < len(rows) and sum(not is_blank(cell) for cell in first[row]) > 2:
            rows[row][start : end + 1] = [rows[row][start]] * (end + 1 - start)
    return rows


def _two_rows(first: list[Row], place: int, merged: list[Merged]) -> tuple[Row, int]:
    """The headings, and in how many rows they stand: two where one is merged over columns with names of their own."""
    cells = [_value(cell) for cell in first[place]]
    groups = [(a, b) for (row, a), (end, b) in merged if row == end == place and b > a]
    under = first[place + 1] if place + 1 < len(first) else []
    named = [g for g in groups if all(isinstance(c, str) and not is_blank(c) for c in under[g[0] : g[1] + 1])]
    if not under or not named:
        return cells, 1
    for a, b in named:
        cells[a : b + 1] = [f"{cells[a]} {name}" for name in under[a : b + 1]]
    covered = {column for a, b in named for column in range(a, b + 1)}
    rest = [i for i, cell in enumerate(under) if i not in covered and not is_blank(cell)]
    for i in rest:
        cells[i] = under[i] if is_blank(cells[i]) else cells[i]
    return cells, 2


def _filled(table: _Table, rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row | None]]:
    """Row number (from 1) and cells, None for a row without any; merged cells have their value in every row."""
    active: list[tuple[int, int, Any]] = []
    for place, row in rows:
        if all(cell == "" for cell in row):
            yield place + 1, None
            continue
        if active or place in table.fills:
            active = [item for item in active if item[1] >= place]
            for column, _, value in active:
                row[column] = value
            active += [(column, end, row[column]) for column, end in table.fills.get(place, ())]
        yield place + 1, row


def _layer(table: _Table, rows: list[tuple[int, Row]], notes: tuple[str, ...]) -> Layer:
    columns: dict[str, list[Any]] = {name: [] for name in table.headings}
    for name, cells in zip(table.headings, zip(*(row for _, row in rows), strict=True), strict=False):
        columns[name] = [_value(cell) for cell in cells]
    # Cells outside the table, such as a remark beside it, are a column only where there are any.
    columns = {
        name: v for name, v in columns.items() if name not in table.unnamed or any(c is not None for c in v)
    }
    nowhere = np.full(len(rows), None, dtype=object)
    return Layer(
        table.name, [number for number, _ in rows], nowhere, columns, None, notes=notes, spatial=False
    )


def _value(cell: Any) -> Any:
    kind = type(cell)
    if kind is str:
        return cell or None
    if kind is float:
        return int(cell) if cell.is_integer() and abs(cell) < EXACT else cell
    return str(cell) if kind in (dt.time, dt.timedelta) else cell
