"""dBase tables, alone or as the attributes of a Shapefile: read field by field, text in the encoding that fits."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.layer import Ask, Layer
from app.ingest.readers.dbf_text import Chosen, choose, decode_cell
from app.ingest.readers.select import chosen, distinct, spans

HINT = "Save it again from the program that wrote it, or as .xlsx or CSV."
#: Field types of which no value can be read here, and what they are called.
_ELSEWHERE = {"M": "memo", "G": "OLE object", "P": "picture", "W": "blob"}
#: Texts of a column that tell its encoding; what comes later and does not fit it stays bytes, and its row is refused.
ENOUGH_CELLS = 100_000
#: Day 0 of the Julian days in which FoxPro counts, as a proleptic ordinal of Python.
_JULIAN = 1_721_425


@dataclass(frozen=True, slots=True)
class Column:
    """A field: its name as it stands, type letter, first byte and width within a record, digits behind the point."""

    raw: bytes
    kind: str
    start: int
    width: int
    decimals: int


@dataclass(frozen=True, slots=True)
class Table:
    """A dBase table; `records` (n, width) bytes on disk, `deleted` (n,) marks of deletion."""

    records: NDArray[np.uint8]
    columns: list[Column]
    headings: list[str]
    text: Chosen
    notes: tuple[str, ...]

    @property
    def count(self) -> int:
        """Records in the file, those marked as deleted among them."""
        return len(self.records)

    @property
    def deleted(self) -> NDArray[np.bool_]:
        """(n,) Whether each record is marked as deleted."""
        return np.asarray(self.records[:, 0] == ord("*"))

    def values(self, positions: NDArray[np.intp]) -> dict[str, list[Any]]:
        """Heading → values of the records at `positions`; text that does not fit the encoding stays bytes."""
        rows = self.records[positions]
        return {
            heading: _values(np.ascontiguousarray(rows[:, c.start : c.start + c.width]), c, self.text.codec)
            for heading, c in zip(self.headings, self.columns, strict=True)
        }


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """A dBase table without shapes, in chunks; rows are numbered from 1, those marked as deleted are passed over.

    Raises:
        UnreadableFile: It is damaged, or its text is in no encoding that can be told.
    """
    name = file.path.stem
    chosen(file, ask, [name])
    table = open_table(file.path, ask.encoding, None)
    kept = np.flatnonzero(~table.deleted)
    for start, end in spans(len(kept)):
        positions = kept[start:end]
        nothing = np.full(len(positions), None, dtype=object)
        yield Layer(
            name, (positions + 1).tolist(), nothing, table.values(positions), None, encoding=table.text.title,
            notes=table.notes, spatial=False,
        )  # fmt: skip


def open_table(path: Path, encoding: str | None, declared: str | None) -> Table:
    """The table with its headings and encoding; `declared` is what a `.cpg` says.

    Raises:
        UnreadableFile: It is damaged, or its text is in no encoding that can be told.
    """
    header = _header(path)
    columns, notes = _readable(_columns(header, path))
    count, more = _count(header, path)
    shape = (count, header.width)
    records: NDArray[np.uint8] = (
        np.memmap(path, np.uint8, "r", header.size, shape) if count else np.empty(shape, np.uint8)
    )
    cells = [(column.raw, 10) for column in columns]
    cells += (cell for column in columns if column.kind in "CV" for cell in _high_cells(records, column))
    text = choose(path.name, cells, encoding, declared, header.language)
    headings = distinct(
        [str(decode_cell(c.raw, 10, text.codec, "replace") or f"field_{i}") for i, c in enumerate(columns, 1)]
    )
    gone = int((records[:, 0] == ord("*")).sum())
    wide = sum(int((records[:, c.start] == ord("*")).sum()) for c in columns if c.kind in "NF")
    stars = (f"{wide} numbers stand as *** in the .dbf: empty, or too wide for their field",) if wide else ()
    deleted = (f"{gone} rows are marked as deleted in the .dbf and were passed over",) if gone else ()
    return Table(records, columns, headings, text, (*text.notes, *notes, *more, *deleted, *stars))


@dataclass(frozen=True, slots=True)
class _Header:
    count: int
    size: int
    width: int
    language: int
    fields: bytes


def _header(path: Path) -> _Header:
    with path.open("rb") as file:
        head = file.read(32)
        if len(head) < 32:
            raise UnreadableFile(f"'{path.name}' is damaged: it ends within its header.", HINT)
        count, size, width = struct.unpack_from("<IHH", head, 4)
        fields = file.read(max(size - 32, 0))
    if head[0] & 7 == 4:
        raise UnreadableFile(f"'{path.name}' is a dBase 7 table, which is not read.", HINT)
    if size < 33 or width < 2 or len(fields) < size - 32:
        raise UnreadableFile(f"'{path.name}' is damaged: its header is no header.", HINT)
    return _Header(count, size, width, head[29], fields)


def _columns(header: _Header, path: Path) -> list[Column]:
    columns: list[Column] = []
    start = 1
    for at in range(0, len(header.fields) - 31, 32):
        field = header.fields[at : at + 32]
        if field[0] == 0x0D:
            break
        columns.append(Column(field[:11].split(b"\0")[0], chr(field[11]), start, field[16], field[17]))
        start += field[16]
    if not columns or start > header.width:
        raise UnreadableFile(f"'{path.name}' is damaged: its fields are wider than its rows.", HINT)
    return columns


def _readable(columns: list[Column]) -> tuple[list[Column], tuple[str, ...]]:
    lost = [column for column in columns if column.kind in _ELSEWHERE]
    notes = tuple(
        f"the field {column.raw.decode('ascii', 'replace')} ({_ELSEWHERE[column.kind]}) was left out: its values "
        "stand in another file"
        for column in lost
    )
    # `0` is FoxPro's own column of null flags.
    return [column for column in columns if column.kind not in {*_ELSEWHERE, "0"} and column.width], notes


def _count(header: _Header, path: Path) -> tuple[int, tuple[str, ...]]:
    """Records that stand in the file, and a note where the header says otherwise."""
    stands = max(path.stat().st_size - header.size, 0) // header.width
    if stands < header.count:
        return stands, (f"the .dbf says it has {header.count} rows, only {stands} stand in it",)
    if stands > header.count:
        flags = np.memmap(path, np.uint8, "r", header.size, (stands, header.width))[header.count :, 0]
        if np.isin(flags, (ord(" "), ord("*"))).all():
            return stands, (f"the .dbf says it has {header.count} rows, {stands} stand in it and were read",)
    return header.count, ()


def _high_cells(records: NDArray[np.uint8], column: Column) -> set[tuple[bytes, int]]:
    """Distinct texts of a column with bytes beyond ASCII, enough to tell the encoding; each with its field's width."""
    found: set[tuple[bytes, int]] = set()
    for start, end in spans(len(records)):
        cells = records[start:end, column.start : column.start + column.width]
        high = cells[(cells > 127).any(axis=1)]
        found |= {(cell, column.width) for cell in _cells(np.ascontiguousarray(high))}
        if len(found) > ENOUGH_CELLS:
            break
    return found


def _cells(block: NDArray[np.uint8]) -> list[bytes]:
    """Rows of bytes (n, width) as texts without what fills them up."""
    if not block.size:
        return []
    cells: list[bytes] = block.view(f"S{block.shape[1]}").ravel().tolist()
    return [cell.split(b"\0")[0].rstrip() if b"\0" in cell else cell.rstrip() for cell in cells]


def _values(block: NDArray[np.uint8], column: Column, codec: str) -> list[Any]:
    kind = column.kind
    if kind in _BINARY and column.width == _BINARY[kind][0]:
        return [_BINARY[kind][1](row) for row in block.view(f"V{column.width}").ravel().tolist()]
    cells = _cells(block)
    if kind in "NF":
        return [_number(cell) for cell in cells]
    if kind in "DL":
        reader = _date if kind == "D" else _truth
        return [reader(cell) for cell in cells]
    known = _Known(partial(decode_cell, width=column.width, codec=codec, errors="bytes"))
    return [known[cell] for cell in cells]


class _Known(dict[bytes, Any]):
    """Texts that were decoded before: columns repeat themselves."""

    def __init__(self, decode: Callable[[bytes], Any]) -> None:
        super().__init__()
        self._decode = decode

    def __missing__(self, cell: bytes) -> Any:
        value = self[cell] = self._decode(cell)
        return value


def _number(cell: bytes) -> Any:
    """A number, None where there is none (`***`: empty, or too wide for its field); text where it is none."""
    cell = cell.strip()
    if not cell or cell.startswith(b"*"):
        return None
    try:
        return int(cell) if b"_" not in cell else cell.decode("latin-1")
    except ValueError:
        try:
            return float(cell.replace(b",", b"."))
        except ValueError:
            return cell.decode("latin-1")


def _date(cell: bytes) -> str | None:
    """ISO date; None where it is blank or zero, the text as it stands where it is no date."""
    text = cell.decode("latin-1").strip()
    if not text.strip("0"):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])).isoformat()
    except ValueError:
        return text


def _truth(cell: bytes) -> bool | None:
    return {b"T": True, b"Y": True, b"F": False, b"N": False}.get(cell.strip().upper())


def _moment(raw: bytes) -> str | None:
    """FoxPro's date and time: Julian day and milliseconds."""
    day, milliseconds = struct.unpack("<ii", raw)
    if not 0 < day - _JULIAN < 3_652_059:
        return None
    return (datetime.fromordinal(day - _JULIAN) + timedelta(milliseconds=milliseconds)).isoformat()


#: Field types of a fixed width in bytes, and how their bytes are read.
_BINARY: dict[str, tuple[int, Callable[[bytes], Any]]] = {
    "I": (4, lambda raw: struct.unpack("<i", raw)[0]),
    "+": (4, lambda raw: struct.unpack("<i", raw)[0]),
    "B": (8, lambda raw: struct.unpack("<d", raw)[0]),
    "O": (8, lambda raw: struct.unpack("<d", raw)[0]),
    "Y": (8, lambda raw: struct.unpack("<q", raw)[0] / 10_000),
    "T": (8, _moment),
}
