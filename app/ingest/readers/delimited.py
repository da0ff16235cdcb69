"""Reading CSV, TSV and other delimited text in chunks: encoding and delimiter by evidence, every line accounted for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.layer import Ask, Layer
from app.ingest.readers.encoding import TextEncoding, find_encoding
from app.ingest.readers.headings_row import HEAD_ROWS, heading_row, name_columns
from app.ingest.readers.records import Records, records

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar", "^": "caret", " ": "space"}
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
SAMPLE_LINES = 500
SAMPLE_CHARACTERS = 1 << 20
HINT = "Save it again as CSV in UTF-8, with a comma between cells and one row of headings."


@dataclass(slots=True)
class _Count:
    """What was passed over so far."""

    blank: int = 0
    long: int = 0
    short: int = 0


@dataclass(frozen=True, slots=True)
class _Table:
    """What holds for the whole file; `before` lines stand before the first row."""

    name: str
    headings: list[str]
    before: int
    delimiter: str
    encoding: TextEncoding
    notes: tuple[str, ...]


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """The table of a delimited text file, in chunks; rows are numbered by the line they start in.

    Values are text, None where a cell is empty. Rows without any text are passed over and counted in a note; a row
    with more cells than there are headings is a fault, a shorter one is filled up.

    Raises:
        UnreadableFile: The text is in no encoding that can be told, or there is no row of headings.
    """
    encoding = find_encoding(file.path, ask.encoding)
    table = _look(file.path, encoding)
    with _opened(file.path, encoding) as text:
        lines = islice(_lines(text, table.delimiter), table.before, None)
        yield from _chunks(table, records(lines, table.delimiter, len(table.headings), table.before))


def _opened(path: Path, encoding: TextEncoding) -> TextIO:
    return path.open(encoding=encoding.codec, errors="strict", newline="", buffering=1 << 18)


def _lines(text: Iterable[str], delimiter: str) -> Iterator[str]:
    """Cells parted by spaces may be aligned with more of them, at the end too."""
    return (line.rstrip() + "\n" for line in text) if delimiter == " " else iter(text)


def _look(path: Path, encoding: TextEncoding) -> _Table:
    with _opened(path, encoding) as text:
        lines = list(islice(iter(lambda: text.readline(SAMPLE_CHARACTERS), ""), SAMPLE_LINES))
    if lines:
        lines[0] = lines[0].removeprefix("\ufeff")
    if not any(line.strip() for line in lines):
        raise UnreadableFile(f"'{path.name}' holds no text.", HINT)
    delimiter, evidence = _delimiter(lines)
    first = next(records(_lines(lines, delimiter), delimiter))
    place = heading_row(first.cells)
    notes = [encoding.evidence, evidence]
    if place is None:
        headings = [f"column {i + 1}" for i in range(max(map(len, first.cells[:HEAD_ROWS])))]
        notes.append("the first line holds numbers, so there are no headings")
    else:
        headings, more = name_columns(_trimmed(first.cells[place]))
        notes += more
        titles = sum(any(cells) for cells in first.cells[:place])
        notes += [f"{titles} title lines above the headings in line {first.lines[place]}"] if titles else []
    rows = first.lines[0 if place is None else place + 1 :]
    before = rows[0] - 1 if rows else len(lines)
    return _Table(path.stem, headings, before, delimiter, encoding, tuple(notes))


def _trimmed(cells: list[str]) -> list[str]:
    """Without the empty cells at the end, which spreadsheets leave behind."""
    end = len(cells)
    while end > 1 and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _delimiter(lines: list[str]) -> tuple[str, str]:
    """The character that parts the cells, and the evidence: it gives most lines the same number of cells, above one."""
    share, width, mark = max((*_fit(lines, mark), mark) for mark in DELIMITERS if mark != " ")
    if share < 0.5 and _is_aligned(lines):
        share, width, mark = *_fit(lines, " "), " "
    if share == 0.0:
        return ",", "delimiter: none, one column"
    return mark, f"delimiter {DELIMITERS[mark]}: {width} cells in most of the first {len(lines)} lines"


def _fit(lines: list[str], mark: str) -> tuple[float, int]:
    """How well `mark` parts the lines, 0 to 1, and the usual number of cells."""
    found = next(records(_lines(lines, mark), mark))
    widths = Counter(len(_trimmed(cells)) for cells in found.cells if any(cells))
    several = {width: count for width, count in widths.items() if width > 1}
    if not several:
        return 0.0, 1
    width = max(several, key=lambda w: (several[w], w))
    # Half counts that all have the same number: a text's commas come as they like, empty cells at the end are trimmed.
    return (sum(several.values()) + several[width]) / 2 / widths.total(), width


def _is_aligned(lines: list[str]) -> bool:
    """Columns of numbers parted by spaces, as instruments write them; not sentences."""
    rows = [line.split() for line in lines if line.strip()]
    numeric = [sum(bool(NUMBER.fullmatch(word)) for word in row) >= 2 for row in rows[1:]]
    return len(numeric) > 0 and all(numeric) and len({len(row) for row in rows[1:]}) == 1


def _chunks(table: _Table, found: Iterator[Records]) -> Iterator[Layer]:
    """Chunks of the rows, and at the end one without rows for the notes that only the end can tell."""
    count = _Count()
    yield _layer(table, Records([], [], {}), table.notes)
    for some in found:
        yield _layer(table, _whole(some, len(table.headings), count), ())
    yield _layer(table, Records([], [], {}), _told(count))


def _whole(some: Records, width: int, count: _Count) -> Records:
    """The records with as many cells as there are headings each, without the blank ones."""
    if some.columns is not None:
        return some
    odd = [i for i, cells in enumerate(some.cells) if len(cells) != width or not (cells[0] or any(cells))]
    if not odd:
        return some
    rows, faults, blank = some.cells.copy(), some.faults.copy(), set()
    for i in odd:
        if not any(map(str.strip, rows[i])):
            blank.add(i)
            continue
        rows[i], fault = _fitted(rows[i], width, faults.get(i), count)
        faults |= {i: fault} if fault else {}
    count.blank += len(blank)
    kept = [i for i in range(len(rows)) if i not in blank]
    places = {old: new for new, old in enumerate(kept)}
    return Records(
        [some.lines[i] for i in kept], [rows[i] for i in kept], {places[i]: why for i, why in faults.items()}
    )


def _layer(table: _Table, some: Records, notes: tuple[str, ...]) -> Layer:
    columns: dict[str, list[Any]] = {name: [] for name in table.headings}
    cells = some.columns or zip(*some.cells, strict=True)
    for name, column in zip(table.headings, cells, strict=False):
        columns[name] = [cell or None for cell in column]
    lines, title = list(some.lines), table.encoding.title
    nowhere = np.full(len(lines), None, dtype=object)
    return Layer(
        table.name, lines, nowhere, columns, None, some.faults, encoding=title, notes=notes, spatial=False
    )


def _fitted(cells: list[str], width: int, fault: str | None, count: _Count) -> tuple[list[str], str | None]:
    """A row with as many cells as there are headings, and what is wrong with it."""
    given = _trimmed(cells)
    if len(given) < width:
        count.short += len(cells) < width
        return given + [""] * (width - len(given)), fault
    if len(given) > width:
        count.long += 1
        fault = fault or f"the row has {len(given)} cells, but there are {width} headings"
    return given[:width], fault


def _told(count: _Count) -> tuple[str, ...]:
    notes = []
    if count.blank:
        notes.append(f"{count.blank} lines without any text were passed over")
    if count.short:
        notes.append(f"{count.short} rows have fewer cells than there are headings: the rest is empty")
    if count.long:
        notes.append(f"{count.long} rows have more cells than there are headings and are refused")
    return tuple(notes)
