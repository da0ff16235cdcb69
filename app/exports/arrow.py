"""Batches of a layer: their Arrow schema, their rows as Python values, their shapes, changed copies of them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.exports.model import Batches, Changed, ExportColumn, ExportLayer
from app.lazy import lazy_module

pa = lazy_module("pyarrow")
pc = lazy_module("pyarrow.compute")

GEOMETRY = "geometry"
_TYPES = {"integer": "int64", "number": "float64", "boolean": "bool_", "date": "date32"}
#: Rows that are Python objects at once.
PIECE_ROWS = 500
#: The largest integer of 32 bits.
LONGEST = 2**31 - 1


def arrow_type(column: ExportColumn) -> Any:
    """The type of a column's values in Arrow."""
    if column.type == "datetime":
        return pa.timestamp("us", "UTC")
    return getattr(pa, _TYPES.get(column.type, "string"))()


def schema(
    columns: Sequence[ExportColumn],
    metadata: Callable[[ExportColumn], Mapping[str, str]] | None = None,
    about: Mapping[str, str] | None = None,
) -> Any:
    """The columns and the shapes; `metadata` says what stands with each column, `about` what with the whole."""
    fields = [
        pa.field(column.name, arrow_type(column), metadata=dict(metadata(column)) if metadata else None)
        for column in columns
    ]
    return pa.schema([*fields, pa.field(GEOMETRY, pa.binary())], metadata=dict(about) if about else None)


def shown(column: ExportColumn) -> str:
    """The titles of a column in both languages."""
    return f"{column.title.zh} {column.title.en}" if column.title.zh != column.title.en else column.title.zh


def pieces(layer: ExportLayer) -> Batches:
    """The batches in pieces of few rows, for formats whose rows are Python texts: those of a batch take 100 MiB."""
    for batch in layer.read():
        for start in range(0, len(batch), PIECE_ROWS):
            yield batch.slice(start, PIECE_ROWS)


def rows(batch: Any) -> list[list[Any]]:
    """The values of each column (without the shapes) as Python has them."""
    return [
        [None] * len(batch) if column.null_count == len(batch) else column.to_pylist()
        for column in batch.columns[:-1]
    ]


def shapes(batch: Any) -> NDArray[np.object_]:
    """The shapes (n,), None where a row has none."""
    wkb = batch.columns[-1].to_numpy(zero_copy_only=False)
    return np.asarray(shapely.from_wkb(wkb), dtype=object)


def with_shapes(batch: Any, found: NDArray[np.object_]) -> Any:
    """The batch with other shapes."""
    wkb = pa.array(np.asarray(shapely.to_wkb(found), dtype=object), pa.binary())
    return pa.RecordBatch.from_arrays([*batch.columns[:-1], wkb], schema=batch.schema)


def with_nulls(batch: Any, columns: Sequence[ExportColumn], held: Sequence[int]) -> Any:
    """The batch, whose columns are those at the positions `held`, with all columns; the others hold nothing."""
    kind = schema(columns)
    nothing = {type_: pa.nulls(len(batch), type_) for type_ in set(kind.types)}
    arrays = [nothing[type_] for type_ in kind.types]
    for place, array in zip(held, batch.columns, strict=False):
        arrays[place] = array
    return pa.RecordBatch.from_arrays([*arrays[:-1], batch.columns[-1]], schema=kind)


def changed_reader(layer: ExportLayer, change: Callable[[Any], Any]) -> ExportLayer:
    """The layer with each of its batches changed."""

    def read() -> Batches:
        return (change(batch) for batch in layer.read())

    return replace(layer, read=read)


def made(columns: Sequence[ExportColumn], values: Sequence[Sequence[Any]], wkb: Any) -> Any:
    """A batch of Python values by column and of shapes."""
    kind = schema(columns)
    arrays = [pa.array(column, field.type) for column, field in zip(values, kind, strict=False)]
    return pa.RecordBatch.from_arrays([*arrays, wkb], schema=kind)


def without_nan(layer: ExportLayer, changed: dict[str, int], *, infinite: bool = False) -> ExportLayer:
    """The layer with nothing where a number is none (NaN), for formats that have no such; `changed` counts them.

    With `infinite` the same is done to infinite numbers.
    """
    numbers = [i for i, column in enumerate(layer.columns) if column.type == "number"]

    def change(batch: Any) -> Any:
        arrays = list(batch.columns)
        for i in numbers:
            if arrays[i].null_count == len(batch):
                continue
            name = f"{layer.name}.{layer.columns[i].name}"
            arrays[i] = _emptied(arrays[i], pc.is_nan(arrays[i]), f"{name}: NaN left empty", changed)
            if infinite:
                told = f"{name}: infinite numbers left empty"
                arrays[i] = _emptied(arrays[i], pc.is_inf(arrays[i]), told, changed)
        return pa.RecordBatch.from_arrays(arrays, schema=batch.schema)

    return changed_reader(layer, change) if numbers else layer


def _emptied(values: Any, bad: Any, told: str, changed: dict[str, int]) -> Any:
    """The values with nothing where they are `bad`, which is counted."""
    count = pc.sum(bad).as_py() or 0
    if not count:
        return values
    tell(changed, told, count)
    return pc.if_else(bad, pa.scalar(None, values.type), values)


def tell(changed: dict[str, int], sentence: str, count: int = 1) -> None:
    """Count what a format could not hold."""
    changed[sentence] = changed.get(sentence, 0) + count


def told(changed: Changed) -> Changed:
    """What was changed at all."""
    return {sentence: count for sentence, count in changed.items() if count}
