"""Records of delimited text, each with the line it starts in; a quotation mark that nobody closes costs one line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from operator import contains

from app.ingest.layer import CHUNK_ROWS

#: A record that goes over more lines than this is an unclosed quotation mark.
MAX_LINES = 2_000
#: Characters of one cell: shapes as text are long.
MAX_CELL = 64 << 20
UNCLOSED = "a quotation mark is not closed"


@dataclass(frozen=True, slots=True)
class Records:
    """Some records: the line of the file (from 1) each starts in, its cells, and position → why it is not trusted.

    Where all have the cells that they should, and something in the first, these are `columns` instead of `cells`.
    """

    lines: Sequence[int]
    cells: list[list[str]]
    faults: dict[int, str]
    columns: list[list[str]] | None = None


class _Unclosed(Exception):  # noqa: N818 - a signal inside this module
    pass


class _Lines:
    """The lines of a file, of which those of the record being read are held and can be given back."""

    def __init__(self, source: Iterator[str], number: int) -> None:
        self.source = source
        self.number = number
        self.held: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.source)
        self.number += 1
        self.held.append(line)
        if len(self.held) > MAX_LINES:
            raise _Unclosed
        return line

    def give_back(self) -> str:
        """All held lines but the first, which is returned, are read again."""
        first, *rest = self.held
        self.source = chain(rest, self.source)
        self.number -= len(rest)
        self.held.clear()
        return first


def records(
    source: Iterator[str], delimiter: str, width: int | None = None, before: int = 0
) -> Iterator[Records]:
    """The records of `source` (lines with their ends, `before` lines into the file), some CHUNK_ROWS at once.

    `width` is the number of cells that a record should have. A record over several lines counts only where its
    quotation marks are closed as they should be and it has `width` cells; else its first line alone is a record with a
    fault, and the lines after it are read on their own.
    """
    csv.field_size_limit(MAX_CELL)
    while block := list(islice(source, CHUNK_ROWS)):
        columns = _regular(block, delimiter, width)
        rows = [] if columns is not None else _plain(block, delimiter)
        if rows is not None:
            yield Records(range(before + 1, before + len(block) + 1), rows, {}, columns)
            before += len(block)
            continue
        lines = _Lines(chain(block, source), before)
        yield _careful(lines, before + len(block), delimiter, width)
        before, source = lines.number, lines.source


def _regular(block: list[str], delimiter: str, width: int | None) -> list[list[str]] | None:
    """The columns of lines without quotation marks that all have `width` cells, None where they are not so.

    Lists of cells of each line would be looked through by the garbage collector: half of the time of a long table.
    """
    marks = map(str.count, block, repeat(delimiter))
    if (
        width is None
        or delimiter == " "
        or set(marks) != {width - 1}
        or any(map(contains, block, repeat('"')))
    ):
        return None
    cells = delimiter.join([line.rstrip("\r\n") for line in block]).split(delimiter)
    return None if "" in cells[::width] else [cells[i::width] for i in range(width)]


def _plain(block: list[str], delimiter: str) -> list[list[str]] | None:
    """The records of lines that are one each, None where any is not."""
    try:
        rows = list(csv.reader(block, delimiter=delimiter, strict=True, skipinitialspace=delimiter == " "))
    except csv.Error:
        return None
    return rows if len(rows) == len(block) else None


def _careful(lines: _Lines, end: int, delimiter: str, width: int | None) -> Records:
    """The records that start up to line `end`, one by one."""
    starts: list[int] = []
    rows: list[list[str]] = []
    faults: dict[int, str] = {}
    while lines.number < end:
        cells = _next(lines, delimiter, width)
        if cells is None:
            cells = lines.give_back().rstrip("\r\n").split(delimiter)
            faults[len(rows)] = UNCLOSED
            lines.held = [""]
        starts.append(lines.number - len(lines.held) + 1)
        rows.append(cells)
        lines.held.clear()
    return Records(starts, rows, faults)


def _next(lines: _Lines, delimiter: str, width: int | None) -> list[str] | None:
    """The cells of the next record, None where its quotation marks are not in order."""
    spaced = delimiter == " "
    try:
        cells: list[str] = next(csv.reader(lines, delimiter=delimiter, skipinitialspace=spaced))
        # In a line of its own, text after a closing quotation mark is let pass, as spreadsheets do.
        if len(lines.held) == 1 and not (cells and cells[-1].endswith(("\n", "\r"))):
            return cells
        again = list(csv.reader(lines.held, strict=True, delimiter=delimiter, skipinitialspace=spaced))
    except (_Unclosed, csv.Error):
        return None
    return cells if len(again) == 1 and width in (None, len(cells)) else None
