"""Rows of PostgreSQL's binary COPY as Arrow arrays, taken apart a whole column at a time. Pure.

The opposite of `copy_binary`: a row is the number of its cells in two bytes, then each cell as the length of its value
in four bytes and the value; -1 alone is an unknown one. All numbers have their highest byte first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg.abc import Buffer

from app.errors import BadInput
from app.inventory.copy_binary import DAY_MICROSECONDS, EPOCH_DAYS, HEAD, TAIL, Bytes, Offsets
from app.lazy import lazy_module

pa = lazy_module("pyarrow")

#: Bytes of a row before its first cell, and of the length of a cell.
_COUNT, _LENGTH = 2, 4
#: How the values of a type of the catalogue lie, and how Arrow keeps them; all others are text.
_FORMS = {"integer": (">i8", "<i8"), "number": (">f8", "<f8"), "boolean": ("u1", "u1"), "date": (">i4", "<i4"),
          "datetime": (">i8", "<i8")}  # fmt: skip
#: From PostgreSQL's year 2000 to Arrow's 1970.
_SHIFTS = {"date": EPOCH_DAYS, "datetime": EPOCH_DAYS * DAY_MICROSECONDS}


class RowBlock:
    """Rows of a COPY, end to end, and how many bytes each has.

    They are copied at once: to keep what the driver gives for each of them costs three times as much.
    """

    __slots__ = ("data", "sizes")

    def __init__(self) -> None:
        self.data = bytearray()
        self.sizes: list[int] = []

    def add(self, line: Buffer) -> None:
        """Add a row."""
        self.data += line
        self.sizes.append(len(line))

    def trim(self) -> None:
        """Take off what begins and ends a binary COPY, which came with its first row and as one more row."""
        if self.data.startswith(HEAD):
            del self.data[: len(HEAD)]
            self.sizes[0] -= len(HEAD)
        if self.data.endswith(TAIL) and self.sizes[-1] == len(TAIL):
            del self.data[-len(TAIL) :]
            self.sizes.pop()


def arrays(block: RowBlock, kinds: Sequence[str], types: Sequence[Any]) -> list[Any]:
    """The columns of the rows: cells by their types in the catalogue, all others as they came, as Arrow types.

    Raises:
        BadInput: A day or moment is without end, which no file holds.
    """
    # A value of eight bytes may be looked for where an unknown one stands last.
    data = np.zeros(len(block.data) + 8, np.uint8)
    data[:-8] = np.frombuffer(block.data, np.uint8)
    row_bytes = np.array(block.sizes, dtype=np.int64)
    places = np.cumsum(row_bytes) - row_bytes + _COUNT
    found = []
    for kind, arrow_type in zip(kinds, types, strict=True):
        sizes = _numbers(data, ">i4", places).astype(np.int64)
        places += _LENGTH
        known = sizes >= 0
        if kind in _FORMS:
            found.append(_fixed(data, places, known, kind, arrow_type))
        else:
            found.append(_ragged(data, places, sizes, known, arrow_type))
        places += np.maximum(sizes, 0)
    return found


def _fixed(data: Bytes, places: Offsets, known: NDArray[np.bool_], kind: str, arrow_type: Any) -> Any:
    form, kept = _FORMS[kind]
    values = _numbers(data, form, places).astype(kept)
    if kind in _SHIFTS:
        values = _since_1970(values, known, _SHIFTS[kind])
    if kind == "boolean":
        values = values.astype(bool)
    return pa.array(values, mask=None if known.all() else ~known).cast(arrow_type)


def _numbers(data: Bytes, form: str, places: Offsets) -> NDArray[Any]:
    """The number (n,) that begins at each of the places (n,), of which none needs to be even."""
    kind = np.dtype(form)
    return np.ndarray((len(data) - kind.itemsize + 1,), kind, data, strides=(1,))[places]


def _since_1970(values: NDArray[Any], known: NDArray[np.bool_], shift: int) -> NDArray[Any]:
    ends = np.iinfo(values.dtype)
    # The last moments of PostgreSQL, in the year 294276, are beyond those of Arrow.
    if (known & ((values > ends.max - shift) | (values == ends.min))).any():
        raise BadInput("A day or moment is without end (infinity).", "Give it a day, or leave it empty.")
    return np.asarray(values + values.dtype.type(shift))


def _ragged(data: Bytes, places: Offsets, sizes: Offsets, known: NDArray[np.bool_], arrow_type: Any) -> Any:
    """Every second piece of the rows: what stands between two values of this column is one as well."""
    ends = np.empty(2 * len(places) + 1, dtype=np.int32)
    ends[0:-1:2] = places
    ends[1::2] = places + np.maximum(sizes, 0)
    ends[-1] = len(data)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(data)]
    pieces = pa.Array.from_buffers(arrow_type, len(ends) - 1, buffers)
    wanted = pa.array(np.arange(0, len(ends) - 1, 2), mask=None if known.all() else ~known)
    return pieces.take(wanted)
