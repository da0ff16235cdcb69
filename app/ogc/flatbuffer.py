"""Writes one FlatBuffer (https://flatbuffers.dev/internals/) front to back: tables, texts, vectors. Pure."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number in a table; `form` is its struct format: B, i, Q."""

    form: str
    value: int


@dataclass(frozen=True, slots=True)
class Doubles:
    """A vector of numbers of double precision."""

    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: place of the field in the schema → what it holds."""

    fields: Mapping[int, Field]


Child: TypeAlias = str | Doubles | Table | Sequence[Table]
Field: TypeAlias = Scalar | Child


def size_prefixed(root: Table) -> bytes:
    """The buffer of `root` behind its length in four bytes; positions are multiples of 8 counted from that length."""
    data = bytearray(8)
    at = _table(data, root)
    struct.pack_into("<I", data, 4, at - 4)
    _align(data, 8)
    struct.pack_into("<I", data, 0, len(data) - 4)
    return bytes(data)


def _align(data: bytearray, size: int) -> None:
    data.extend(bytes(-len(data) % size))


def _table(data: bytearray, table: Table) -> int:
    """Write a table and all that hangs on it; where it stands."""
    places, size = _layout(table)
    vtable = struct.pack(f"<{len(places) + 2}H", 4 + 2 * len(places), size, *places)
    # The table begins at a multiple of 8, so that its fields are aligned as they are within it.
    data.extend(bytes(-(len(data) + len(vtable)) % 8))
    data.extend(vtable)
    start = len(data)
    data.extend(bytes(size))
    struct.pack_into("<i", data, start, len(vtable))
    for number, value in table.fields.items():
        at = start + places[number]
        if isinstance(value, Scalar):
            struct.pack_into(f"<{value.form}", data, at, value.value)
        else:
            struct.pack_into("<I", data, at, _child(data, value) - at)
    return start


def _layout(table: Table) -> tuple[list[int], int]:
    """Where each field stands within the table, 0 for those left out, and the table's size."""
    places = [0] * (max(table.fields, default=-1) + 1)
    size = 4
    for number, value in table.fields.items():
        width = struct.calcsize(value.form) if isinstance(value, Scalar) else 4
        size += -size % width
        places[number] = size
        size += width
    return places, size


def _child(data: bytearray, value: Child) -> int:
    if isinstance(value, Table):
        return _table(data, value)
    if isinstance(value, Doubles):
        # The numbers behind their count are aligned, not the count.
        data.extend(bytes((4 - len(data)) % 8))
        at = len(data)
        data.extend(struct.pack(f"<I{len(value.values)}d", len(value.values), *value.values))
        return at
    _align(data, 4)
    at = len(data)
    if isinstance(value, str):
        text = value.encode()
        data.extend(struct.pack("<I", len(text)) + text + b"\0")
        return at
    data.extend(struct.pack("<I", len(value)) + bytes(4 * len(value)))
    for i, table in enumerate(value):
        entry = at + 4 + 4 * i
        struct.pack_into("<I", data, entry, _table(data, table) - entry)
    return at
