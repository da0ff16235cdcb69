"""Columns of raw values as Arrow arrays and back: one Arrow type where all values fit it, else each value as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np

from app.lazy import lazy_module

#: Slow to start, and not needed by most commands.
pa = lazy_module("pyarrow")

#: Key of the field's metadata that marks a column of JSON texts.
CODING = b"coding"
JSON_CODING = {CODING: b"json"}
#: A value nested deeper than this is kept as a remark that it was: nothing of a city is.
MAX_DEPTH = 100
TOO_DEEP = "(a value nested deeper than 100 levels)"
#: Python refuses to write longer whole numbers in decimal.
MAX_DECIMAL_BITS = 4096
#: pyarrow has no types of its own.
ArrowArray: TypeAlias = Any

#: Types whose values fit one Arrow type, by the name of the function that makes it.
_PLAIN: Mapping[type, str] = {
    bool: "bool_", int: "int64", float: "float64", str: "large_string", bytes: "large_binary", date: "date32",
}  # fmt: skip
_JSON_SCALARS = frozenset({str, int, float, bool, type(None)})


def to_array(values: list[Any]) -> tuple[ArrowArray, bool]:
    """The values (n,) as an Arrow array, and whether as JSON texts; nothing is null but None."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pa.nulls(len(values)), False
    if len(kinds) == 1 and (kind := _PLAIN.get(next(iter(kinds)))) is not None:
        try:
            return pa.array(values, getattr(pa, kind)(), from_pandas=False), False
        except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
            pass  # beyond 64 bits, or lone surrogates: JSON takes both
    texts = [None if value is None else _dump(value) for value in values]
    return pa.array(texts, pa.large_string()), True


def from_array(array: ArrowArray, *, as_json: bool) -> list[Any]:
    """The values (n,) as they were."""
    if as_json:
        return [None if text is None else _load(text) for text in array.to_pylist()]
    if pa.types.is_null(array.type):
        return [None] * len(array)
    fill: Any = {pa.bool_(): False, pa.int64(): 0, pa.float64(): 0.0}.get(array.type)
    if fill is not None:
        values: list[Any] = array.fill_null(fill).to_numpy(zero_copy_only=False).tolist()
        for i in np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False)).tolist():
            values[i] = None
        return values
    found: list[Any] = (
        array.to_pylist() if pa.types.is_date(array.type) else array.to_numpy(zero_copy_only=False).tolist()
    )
    return found


def _dump(value: Any) -> str:
    try:
        plain = value if type(value) in _JSON_SCALARS else _tagged(value, 0)
        return json.dumps(plain)
    except RecursionError:
        return json.dumps(TOO_DEEP)
    except ValueError:  # a whole number longer than Python writes in decimal
        return json.dumps(_tagged(value, 0))


def _tagged(value: Any, depth: int) -> Any:
    """A value in JSON types; what JSON lacks is an object with one key that starts with `$`."""
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | float | str) or value is None:
        return value
    if isinstance(value, int):
        return value if value.bit_length() < MAX_DECIMAL_BITS else {"$int": hex(value)}
    if isinstance(value, dict):
        return _tagged_dict(value, depth)
    if isinstance(value, list):
        return [_tagged(item, depth + 1) for item in value]
    if isinstance(value, tuple):
        return {"$tuple": [_tagged(item, depth + 1) for item in value]}
    return _tagged_other(value)


def _tagged_dict(value: dict[Any, Any], depth: int) -> Any:
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: _tagged(item, depth + 1) for key, item in value.items()}
    pairs = [[_tagged(key, depth + 1), _tagged(item, depth + 1)] for key, item in value.items()]
    return {"$dict": pairs}


def _tagged_other(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):  # before date, whose subclass it is
        return {"$datetime": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, time):
        return {"$time": value.isoformat()}
    if isinstance(value, timedelta):
        return {"$timedelta": [value.days, value.seconds, value.microseconds]}
    return {"$decimal": str(value)} if isinstance(value, Decimal) else str(value)


def _load(text: str) -> Any:
    """The value of a JSON text, its tagged objects read from the innermost outwards."""
    return json.loads(text, object_hook=_untagged) if '"$' in text else json.loads(text)


def _untagged(found: dict[str, Any]) -> Any:
    if len(found) != 1:
        return found
    ((tag, value),) = found.items()
    read = _READ.get(tag)
    return found if read is None else read(value)


_READ: Mapping[str, Callable[[Any], Any]] = {
    "$int": lambda value: int(value, 16),
    "$tuple": tuple,
    "$dict": dict,
    "$bytes": base64.b64decode,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$timedelta": lambda value: timedelta(*value),
    "$decimal": Decimal,
}
