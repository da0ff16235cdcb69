"""Columns as PostgreSQL's binary COPY takes them, made a whole column at a time. Pure.

A cell is the length of its value in four bytes, then the value; -1 alone is an unknown one. A row is the number of its
cells in two bytes, then these (PostgreSQL, COPY, "Binary Format"). All numbers have their highest byte first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from app.errors import BadInput
from app.inventory.batch import Period
from app.lazy import lazy_module

pa = lazy_module("pyarrow")
pc = lazy_module("pyarrow.compute")

#: What stands before all rows, and after them.
HEAD, TAIL = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_UNKNOWN = b"\xff\xff\xff\xff"
#: Days from 1970, where Arrow begins, to 2000, where PostgreSQL does.
EPOCH_DAYS = 10_957
DAY_MICROSECONDS = 86_400_000_000
_LOWER_KEPT, _LOWER_OPEN, _UPPER_OPEN = 2, 8, 16
_TEXT_OID = 25
#: A text[] without any.
NO_TEXTS = bytes(8) + _TEXT_OID.to_bytes(4)
#: What Arrow raises at a value that does not fit; its own errors are kinds of ValueError and TypeError.
_ODD = (ValueError, TypeError, OverflowError, NotImplementedError)
Bytes: TypeAlias = NDArray[np.uint8]
Offsets: TypeAlias = NDArray[np.int64]
#: Values (n,) of one kind, None where unknown, or cells made before.
Values: TypeAlias = "Sequence[Any] | NDArray[Any] | Cells"


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a column of n rows: all of one width (n, w), of any width (Arrow binary, n), or one for all rows."""

    even: Bytes | None = None
    uneven: Any = None
    same: bytes | None = None

    def __len__(self) -> int:
        """The number of rows; 1 where all are one."""
        return len(self.even) if self.even is not None else 1 if self.uneven is None else len(self.uneven)

    def take(self, places: Sequence[int]) -> Cells:
        """The cells of the rows at these places."""
        if self.even is not None:
            return Cells(even=self.even[np.asarray(places, dtype=np.int64)])
        if self.uneven is not None:
            return Cells(uneven=self.uneven.take(pa.array(places, pa.int64())))
        return self


def constant(value: bytes | None) -> Cells:
    """One value, as PostgreSQL sends it, for all rows."""
    return Cells(same=_UNKNOWN if value is None else len(value).to_bytes(4) + value)


def texts(values: Values) -> Cells:
    """Texts (n,); what is no text is written as Python writes it.

    Raises:
        BadInput: A text is no Unicode (half of a pair of surrogates).
    """
    return values if isinstance(values, Cells) else framed(_strings(values).cast(pa.large_binary()))


def _strings(values: Sequence[Any] | NDArray[Any]) -> Any:
    try:
        return pa.array(values, pa.large_string(), from_pandas=False)
    except UnicodeEncodeError as error:
        raise BadInput(
            f"A text holds a character that is no Unicode: {error.object[error.start :][:1]!r}.",
            "Correct the encoding of the text.",
        ) from error
    except (ValueError, TypeError):
        return _strings([None if value is None else str(value) for value in values])


def integers(values: Values, size: int = 8) -> Cells:
    """Whole numbers (n,) of `size` bytes: 2 smallint, 4 integer, 8 bigint.

    Raises:
        BadInput: A value is no whole number of that size.
    """
    if isinstance(values, Cells):
        return values
    return _numeric(_typed(values, {2: "int16", 4: "int32", 8: "int64"}[size], "whole number"), f">i{size}")


def numbers(values: Values) -> Cells:
    """Numbers (n,) of double precision. NaN stays: a rule of the table refuses it.

    Raises:
        BadInput: A value is no number.
    """
    return values if isinstance(values, Cells) else _numeric(_typed(values, "float64", "number"), ">f8")


def booleans(values: Values) -> Cells:
    """Truths (n,).

    Raises:
        BadInput: A value is neither true nor false.
    """
    if isinstance(values, Cells):
        return values
    return _numeric(_typed(values, "bool", "true or false").cast(pa.uint8()), ">u1")


def days(values: Values) -> Cells:
    """Days (n,).

    Raises:
        BadInput: A value is no day.
    """
    if isinstance(values, Cells):
        return values
    found = _typed(values, "date32", "day").cast(pa.int32())
    return _numeric(pc.subtract(found, pa.scalar(EPOCH_DAYS, pa.int32())), ">i4")


def moments(values: Values) -> Cells:
    """Moments (n,) with their zones; those without one are in UTC.

    Raises:
        BadInput: A value is no moment.
    """
    if isinstance(values, Cells):
        return values
    kind = pa.timestamp("us", "UTC")
    try:
        found = pa.array(values, kind, from_pandas=False)
    except _ODD as error:
        raise BadInput("A value cannot be stored as a moment.") from error
    counted = pc.subtract(found.cast(pa.int64()), pa.scalar(EPOCH_DAYS * DAY_MICROSECONDS, pa.int64()))
    return _numeric(counted, ">i8")


def _typed(values: Sequence[Any] | NDArray[Any], name: str, said: str) -> Any:
    try:
        return _cast(values, name)
    except _ODD:
        # Numbers beyond 64 bits, kinds mixed in one column: each by itself.
        return pa.array([_one(value, name, said) for value in values], pa.type_for_alias(name))


def _cast(values: Sequence[Any] | NDArray[Any], name: str) -> Any:
    # Whole numbers beyond 2^53 are rounded, as PostgreSQL rounds them.
    return pa.array(values, from_pandas=False).cast(pa.type_for_alias(name), safe=name != "float64")


def _one(value: Any, name: str, said: str) -> Any:
    try:
        given = float(value) if name == "float64" and isinstance(value, int) else value
        return _cast([given], name)[0].as_py()
    except _ODD as error:
        raise BadInput(f"'{str(value)[:60]}' cannot be stored as a {said}.") from error


def _numeric(found: Any, kind: str) -> Cells:
    known = None if not found.null_count else np.asarray(found.is_valid())
    plain = np.asarray(found if known is None else found.fill_null(0))
    return even(np.ascontiguousarray(plain, dtype=kind).view(np.uint8).reshape(len(plain), -1), known)


def even(values: Bytes, known: NDArray[np.bool_] | None = None) -> Cells:
    """Values (n, w) of one width as PostgreSQL sends them, unknown where `known` (n,) is false."""
    count, width = values.shape
    cells = np.empty((count, 4 + width), dtype=np.uint8)
    cells[:, :4] = np.frombuffer(width.to_bytes(4), np.uint8)
    cells[:, 4:] = values
    if known is None or known.all():
        return Cells(even=cells)
    cells[~known, :4] = 255
    kept = np.ones_like(cells, dtype=bool)
    kept[~known, 4:] = False
    return Cells(uneven=binary(_ends(np.where(known, 4 + width, 4)), cells[kept]))


def ranges(periods: Sequence[Period]) -> Cells:
    """Days (n,) from, until before: as a daterange."""
    return framed([_range(*period) for period in periods])


def _range(start: date | None, end: date | None) -> bytes:
    flags = (_LOWER_OPEN if start is None else _LOWER_KEPT) | (_UPPER_OPEN if end is None else 0)
    days_known = [day.toordinal() - date(2000, 1, 1).toordinal() for day in (start, end) if day is not None]
    return bytes([flags]) + b"".join(b"\0\0\0\x04" + day.to_bytes(4, signed=True) for day in days_known)


def objects(values: Sequence[bytes | None]) -> Cells:
    """JSON texts (n,) as jsonb."""
    return framed([None if value is None else b"\x01" + value for value in values])


def lists(values: Sequence[tuple[str, ...]]) -> Cells:
    """Texts in lists (n,) as text[]; few different ones."""
    made = {value: _list([text.encode() for text in value]) for value in set(values)}
    return framed([made[value] for value in values])


def _list(items: Sequence[bytes]) -> bytes:
    if not items:
        return NO_TEXTS
    head = np.array([1, 0, _TEXT_OID, len(items), 1], dtype=">i4")
    return head.tobytes() + b"".join(len(item).to_bytes(4) + item for item in items)


def vectors(values: Sequence[Sequence[str]]) -> Cells:
    """Words (n,) without places as tsvector."""
    made = [
        len(words).to_bytes(4) + b"".join([word.encode() + b"\0\0\0" for word in words]) for words in values
    ]
    return framed(made)


def binary(offsets: Offsets, data: Any) -> Any:
    """An Arrow array of bytes that lie end to end in `data`, the i-th from `offsets[i]`."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets, dtype=np.int64)), pa.py_buffer(data)]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)


def _ends(sizes: NDArray[Any]) -> Offsets:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def framed(values: Any) -> Cells:
    """Values (n,) of any width, bytes as PostgreSQL receives them or an Arrow array of such, each behind its length."""
    found = pa.array(values, pa.large_binary()) if isinstance(values, list) else values
    sizes = np.asarray(pc.binary_length(found).fill_null(-1)).astype(">i4")
    filled = found.fill_null(b"") if found.null_count else found
    return Cells(uneven=joined([even_array(sizes.view(np.uint8).reshape(-1, 4)), filled]))


def windows(data: Bytes, width: int, places: Offsets) -> Bytes:
    """(n, w) bytes at each of the places (n,)."""
    return np.asarray(sliding_window_view(data, width)[places])


def even_array(values: Bytes) -> Any:
    """An Arrow array of the bytes in each row of `values` (n, w)."""
    count, width = values.shape
    return binary(np.arange(count + 1, dtype=np.int64) * width, np.ascontiguousarray(values))


def joined(parts: Sequence[Any]) -> Any:
    """Arrow arrays of bytes (n,), those of each row one after the other."""
    if len(parts) == 1:
        return parts[0]
    return pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.large_binary()))


_BY_KIND: Mapping[type, Callable[[Any], Cells]] = {
    bool: booleans,
    int: integers,
    float: numbers,
    datetime: moments,  # before date, whose subclass it is
    date: days,
    str: texts,
}


def cells(values: Values) -> Cells:
    """Values (n,) of one Python kind, as the type of PostgreSQL that is most like it."""
    if isinstance(values, Cells):
        return values
    first = next((value for value in values if value is not None), "")
    return next(make for kind, make in _BY_KIND.items() if isinstance(first, kind))(values)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as binary COPY takes them, without what stands before and after them, and the names of their columns."""

    names: tuple[str, ...]
    data: memoryview


def encoded(columns: Mapping[str, Values]) -> Rows:
    """Columns, each (n,) and in their order, as rows."""
    return Rows(tuple(columns), binary_rows(columns))


def binary_rows(columns: Mapping[str, Values]) -> memoryview:
    """Columns, each (n,) and in their order, as the rows of binary COPY, without what stands before and after them."""
    made = [cells(values) for values in columns.values()]
    count = next((len(item) for item in made if item.same is None), 1)
    parts: list[Any] = []
    block: list[Bytes] = [_broadcast(len(made).to_bytes(2), count)]
    for item in made:
        if item.uneven is None:
            block.append(_broadcast(item.same or b"", count) if item.even is None else item.even)
            continue
        parts += [even_array(np.hstack(block))] if block else []
        parts.append(item.uneven)
        block = []
    if block:
        parts.append(even_array(np.hstack(block)))
    rows = joined(parts)
    _, offsets, data = rows.buffers()
    # The buffer may be longer than what it holds.
    end = int(np.frombuffer(offsets, np.int64)[rows.offset + len(rows)])
    return memoryview(data or b"")[:end]


def _broadcast(value: bytes, count: int) -> Bytes:
    return np.broadcast_to(np.frombuffer(value, np.uint8), (count, len(value)))
