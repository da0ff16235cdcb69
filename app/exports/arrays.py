"""The columns of a layer as arrays that GDAL takes: of the column's exact type, with a mask of nulls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.exports.model import ExportLayer

Arrays = tuple[list[NDArray[Any]], list[NDArray[np.bool_] | None]]


def column_arrays(layer: ExportLayer) -> Arrays:
    """Values as arrays (n,) and where each is null; text has None itself."""
    arrays = [_array(column.type, values) for column, values in zip(layer.columns, layer.values, strict=True)]
    masks = [
        np.fromiter((v is None for v in values), bool, len(values)) if column.type in _FILLERS else None
        for column, values in zip(layer.columns, layer.values, strict=True)
    ]
    return arrays, masks


def zones(layer: ExportLayer, names: Mapping[str, str]) -> dict[str, NDArray[np.int64]]:
    """Column (as `names` has it in the file) → the zone of each of its moments, as GDAL numbers zones."""
    moments = [column.name for column in layer.columns if column.type == "datetime"]
    return {names.get(name, name): np.full(len(layer), _UTC) for name in moments}


def _array(kind: str, values: list[Any]) -> NDArray[Any]:
    if kind not in _FILLERS:
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array
    filler, dtype = _FILLERS[kind]
    if kind == "datetime":
        values = [None if value is None else value.astimezone(UTC).replace(tzinfo=None) for value in values]
    return np.array([filler() if value is None else value for value in values], dtype=dtype)


_FILLERS: dict[str, tuple[Callable[[], Any], str]] = {
    "integer": (int, "int64"),
    "number": (float, "float64"),
    "boolean": (bool, "bool"),
    "date": (lambda: np.datetime64("NaT"), "datetime64[D]"),
    "datetime": (lambda: np.datetime64("NaT"), "datetime64[ms]"),
}
#: What GDAL calls the zone of a moment in UTC.
_UTC = 100
