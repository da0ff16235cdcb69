"""A layer as an Arrow table: exact types and nulls, titles in the metadata of its columns."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from app.exports.model import ExportColumn, ExportLayer

GEOMETRY = "geometry"
_TYPES = {
    "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
    "datetime": pa.timestamp("us", "UTC"),
}  # fmt: skip
_LONGEST = 2**31 - 1


def arrow_table(layer: ExportLayer, title: str, about: dict[str, str], *, small: bool = False) -> Any:
    """The columns and WKB of a layer; `title` is the key of a column's title, `about` the table's own metadata.

    `small`: integers of 32 bits where all values fit, for formats that would make longer ones floats.
    """
    fields = [
        pa.field(column.name, _type(column, values, small=small), metadata={title: _shown(column)})
        for column, values in zip(layer.columns, layer.values, strict=True)
    ]
    schema = pa.schema([*fields, pa.field(GEOMETRY, pa.binary())], metadata=about)
    arrays = [pa.array(values, field.type) for field, values in zip(fields, layer.values, strict=True)]
    return pa.Table.from_arrays([*arrays, pa.array(layer.geometry.tolist(), pa.binary())], schema=schema)


def _shown(column: ExportColumn) -> str:
    return f"{column.title.zh} {column.title.en}"


def _type(column: ExportColumn, values: list[Any], *, small: bool) -> Any:
    if column.type == "integer" and small and all(v is None or abs(v) <= _LONGEST for v in values):
        return pa.int32()
    return _TYPES.get(column.type, pa.string())
