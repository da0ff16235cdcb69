"""Columns as the text that COPY takes, made a whole column at a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.errors import BadInput
from app.lazy import lazy_module

pa = lazy_module("pyarrow")
pc = lazy_module("pyarrow.compute")

#: What stands for an unknown value, and what COPY would take for something else within a text.
_NULL = "\\N"
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
#: An Arrow array of texts as COPY takes them, or one text for all rows.
Texts: TypeAlias = Any
Values: TypeAlias = "Sequence[Any] | NDArray[Any] | Texts"


def texts(values: Values) -> Texts:
    """Values (n,) of one column as texts for COPY, nulls left null; arrays that are such texts already stay.

    Values are None, text, number, boolean or day; numbers come back exactly as they were. NaN of a NumPy array of
    floats is kept: a rule of the table refuses it.

    Raises:
        BadInput: A text is no Unicode (half of a pair of surrogates).
    """
    if isinstance(values, pa.LargeStringArray | pa.LargeStringScalar):
        return values
    found = _array(values)
    if pa.types.is_string(found.type) or pa.types.is_large_string(found.type):
        return _escaped(found.cast(pa.large_string()))
    return found.cast(pa.large_string())


def _array(values: Values) -> Any:
    if isinstance(values, np.ndarray):
        return pa.array(values, from_pandas=False)
    try:
        return pa.array(values)
    except UnicodeEncodeError as error:
        raise BadInput(
            f"A text holds a character that is no Unicode: {error.object[error.start :][:1]!r}.",
            "Correct the encoding of the text.",
        ) from error
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        # Kinds mixed in one column, or numbers beyond 64 bits: each is written as Python writes it.
        return pa.array([None if value is None else str(value) for value in values], pa.large_string())


def _escaped(found: Texts) -> Texts:
    data = found.buffers()[2]
    held = b"" if data is None else data.to_pybytes()
    if not any(mark.encode() in held for mark, _ in _ESCAPES):
        return found
    for mark, escape in _ESCAPES:
        found = pc.replace_substring(found, mark, escape)
    return found


def constant(text: str | None) -> Texts:
    """One text for COPY in all rows; it holds nothing that must be escaped."""
    return pa.scalar(text, pa.large_string())


def is_constant(values: Texts) -> bool:
    """Whether this is one text for all rows."""
    return isinstance(values, pa.LargeStringScalar)


def taken(values: Texts, places: Sequence[int]) -> Texts:
    """The texts at these places; one text for all rows stays one."""
    return values if is_constant(values) else values.take(pa.array(places, pa.int64()))


def plain(offsets: NDArray[np.int64], data: bytes) -> Texts:
    """Texts that lie end to end in `data`, the i-th from `offsets[i]`; they hold nothing that must be escaped."""
    return pa.LargeStringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(np.ascontiguousarray(offsets, dtype=np.int64)), pa.py_buffer(data)
    )


def copy_text(columns: Mapping[str, Values]) -> memoryview:
    """Columns, each (n,) and in their order, as the bytes that COPY … FROM STDIN takes in its text format."""
    *first, last = [texts(values) for values in columns.values()]
    # The end of the line goes to the last column: one text a row, and the rows lie end to end.
    rows = pc.binary_join_element_wise(
        *first,
        _ended(last),
        pa.scalar("\t", pa.large_string()),
        null_handling="replace",
        null_replacement=_NULL,
    )
    _, offsets, data = rows.buffers()
    # The buffer may be longer than what it holds.
    end = int(np.frombuffer(offsets, np.int64)[rows.offset + len(rows)])
    return memoryview(data or b"")[:end]


def _ended(last: Texts) -> Texts:
    filled = pc.fill_null(last, _NULL)
    return pc.binary_join_element_wise(
        filled, pa.scalar("", pa.large_string()), pa.scalar("\n", pa.large_string())
    )
