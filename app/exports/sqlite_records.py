"""Rows as the records of a SQLite table, made a whole batch at a time (https://www.sqlite.org/fileformat2.html §2.1).

Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.inventory.copy_binary import Bytes, Offsets, binary, even_array, joined
from app.lazy import lazy_module

pa = lazy_module("pyarrow")
pc = lazy_module("pyarrow.compute")

#: Serial types: whole numbers by their bytes, then the others; of texts and bytes the least one.
_NULL, _REAL, _FALSE, _BYTES, _TEXT = 0, 7, 8, 12, 13
_INTEGERS = {1: 1, 2: 2, 4: 4, 8: 6}
#: Numbers from here on take nine bytes of another form.
_LARGEST = 2**56


@dataclass(frozen=True, slots=True)
class Column:
    """A column of n records: the serial type of each value (n,), or one for all; their bytes (n), if any."""

    serial: Offsets | int
    body: Any = None


NULLS = Column(_NULL)


def column(array: Any) -> Column:
    """The values (n,) of an Arrow array: truths, whole numbers, numbers, bytes or texts."""
    if array.null_count == len(array):
        return NULLS
    known = np.asarray(array.is_valid()) if array.null_count else None
    kind = array.type
    if pa.types.is_boolean(kind):
        values = np.asarray(array.cast("int8").fill_null(0)).astype(np.int64)
        return Column(_where(known, _FALSE + values))
    if pa.types.is_integer(kind):
        return _whole(np.asarray(array.fill_null(0)).astype(np.int64), known)
    if pa.types.is_floating(kind):
        return _even(np.asarray(array.fill_null(0)).astype(">f8"), _REAL, known)
    return _uneven(
        array, _TEXT if pa.types.is_string(kind) or pa.types.is_large_string(kind) else _BYTES, known
    )


def _where(known: NDArray[np.bool_] | None, serial: Offsets) -> Offsets:
    return serial if known is None else np.where(known, serial, _NULL)


def _whole(values: Offsets, known: NDArray[np.bool_] | None) -> Column:
    """In as many bytes as the largest of them takes."""
    low, high = int(values.min()), int(values.max())
    size = next(n for n in _INTEGERS if -(2 ** (8 * n - 1)) <= low and high < 2 ** (8 * n - 1))
    return _even(values.astype(f">i{size}"), _INTEGERS[size], known)


def _even(values: NDArray[Any], serial: int, known: NDArray[np.bool_] | None) -> Column:
    cells = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)
    if known is None:
        return Column(serial, even_array(cells))
    return Column(np.where(known, serial, _NULL), binary(_ends(known * cells.shape[1]), cells[known]))


def _uneven(array: Any, least: int, known: NDArray[np.bool_] | None) -> Column:
    body = array.cast(pa.large_binary())
    if known is not None:
        body = body.fill_null(b"")
    return Column(_where(known, least + 2 * _sizes(body)), body)


def cells(ids: Offsets, columns: Sequence[Column]) -> tuple[Any, Offsets]:
    """Of each row the length of its record, its id (n,), its record, as bytes (n); how many stand before that (n,)."""
    types = _joined_matrices(list(_types(columns)), len(ids))
    bodies = [item.body for item in columns if item.body is not None]
    size = types[1].sum(axis=1)
    # The length of the head counts its own bytes: one up to 127, then two.
    head = varints(size + 1 + (size + 1 > 127))
    length = head[1].sum(axis=1) + size + sum((_sizes(body) for body in bodies), np.zeros(len(ids), np.int64))
    before = _joined_matrices([varints(length), varints(ids)], len(ids))
    data, kept = _joined_matrices([before, head, types], len(ids))
    heads = binary(_ends(kept.sum(axis=1)), data[kept])
    return joined([heads, *bodies]), before[1].sum(axis=1)


def _types(columns: Sequence[Column]) -> Iterator[tuple[Bytes, NDArray[np.bool_]]]:
    """The serial types; those that are one for all rows together, for most columns of a table hold nothing."""
    for alike, group in groupby(columns, lambda item: isinstance(item.serial, int) and item.serial < 128):
        if alike:
            found = np.array([[item.serial for item in group]], dtype=np.uint8)
            yield found, np.ones_like(found, dtype=bool)
        else:
            yield from (varints(np.asarray(item.serial)) for item in group)


def varints(values: NDArray[Any]) -> tuple[Bytes, NDArray[np.bool_]]:
    """Numbers (n,) or one alone, of as many groups of seven bits as each takes: bytes (n, w), and which of them count.

    Raises:
        OSError: A number is below nothing or has more than 56 bits.
    """
    values = np.atleast_1d(values).astype(np.int64)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= _LARGEST:
        raise OSError(f"{low if low < 0 else high} cannot be the number of a row")
    width = max(1, -(-high.bit_length() // 7))
    shifts = 7 * np.arange(width - 1, -1, -1)
    groups = values[:, np.newaxis] >> shifts
    data = (groups & 127).astype(np.uint8)
    data[:, :-1] |= 128
    kept = groups > 0
    kept[:, -1] = True
    return data, kept


def _joined_matrices(
    parts: Sequence[tuple[Bytes, NDArray[np.bool_]]], count: int
) -> tuple[Bytes, NDArray[np.bool_]]:
    """Side by side; what stands once counts for all rows."""
    data, kept = ([np.broadcast_to(item[k], (count, item[k].shape[1])) for item in parts] for k in (0, 1))
    return np.hstack(data), np.hstack(kept)


def _sizes(body: Any) -> Offsets:
    return np.asarray(pc.binary_length(body), dtype=np.int64)


def _ends(sizes: NDArray[Any]) -> Offsets:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
