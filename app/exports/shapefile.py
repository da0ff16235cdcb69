"""Writing zipped Shapefiles: short names with their map, texts cut at the width of a cell, UTF-8 or GBK."""

from __future__ import annotations

import errno
import os
import struct
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from app.catalogue.export_names import DBF_TEXT_BYTES, as_gbk, cut_bytes, plain_time, short_names
from app.exports import arrow
from app.exports.companions import field_map, write_zip
from app.exports.kinds import by_kind
from app.exports.model import Batches, Changed, ExportColumn, ExportData, ExportLayer
from app.exports.ogr import write_layer
from app.lazy import lazy_module

pa = lazy_module("pyarrow")
pc = lazy_module("pyarrow.compute")

#: Characters of a moment, 2021-12-31T10:00:00.123456Z.
_MOMENT_BYTES = 27
#: A number has 24 characters, 15 of them decimals: from here on digits would be missing.
LARGEST, DECIMALS, DECIMALS_TELL = 1e22, 15, 8
#: Bytes before the entries of an index of shapes.
SHX_HEAD = 100
#: GDAL writes earlier years with fewer digits than a day in a cell has.
FIRST_YEAR = 1000


def write_shapefiles(path: Path, data: ExportData) -> Changed:
    """Write a zip of shapefiles: without `extra`, moments as text; what is cut or replaced is told.

    Raises:
        OSError: The file cannot be written whole.
    """
    changed: dict[str, int] = {}
    maps = {}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=path.name) as place:
        folder = Path(place)
        for whole in data.layers:
            for layer in by_kind(arrow.without_nan(whole, changed)):
                fitted = _fitted(layer, data.encoding, changed)
                short = short_names(column.name for column in fitted.columns)
                _write(folder / f"{layer.name}.shp", layer, fitted, short, data)
                maps[layer.name] = field_map(fitted, short)
        write_zip(path, folder, data, maps)
    return changed


def _write(
    path: Path, whole: ExportLayer, layer: ExportLayer, short: dict[str, str], data: ExportData
) -> None:
    """Texts get the width that the longest of `whole` needs, moments theirs."""
    widths = layer.measure()
    texts = {column.name for column in whole.columns if column.type != "datetime"}

    def width(column: ExportColumn) -> dict[str, str]:
        if column.type not in ("text", "choice"):
            return {}
        most = DBF_TEXT_BYTES if column.name in texts else _MOMENT_BYTES
        return {"GDAL:OGR:width": str(min(max(widths.get(column.name, most), 1), DBF_TEXT_BYTES))}

    kind = arrow.schema(layer.columns, width)
    write_layer(path, "ESRI Shapefile", layer, data.crs, kind=kind, names=short, encoding=data.encoding)
    _check_whole(path, len(layer))


def _check_whole(path: Path, count: int) -> None:
    """Compare the sizes of the files with what they say of themselves: GDAL does not tell when a disk is full.

    Raises:
        OSError: One of them is shorter than its rows.
    """
    table, index = path.with_suffix(".dbf"), path.with_suffix(".shx")
    size = table.stat().st_size
    with table.open("rb") as file:
        head = file.read(12)
    rows, start, width = struct.unpack("<4xIHH", head) if len(head) == 12 else (-1, 0, 0)
    # A head that could not be written again says that rows have no width.
    whole = rows == count and start > 0 < width and size >= start + count * width
    whole = whole and index.stat().st_size == SHX_HEAD + 8 * count
    if whole and count:
        with index.open("rb") as file:
            file.seek(-8, os.SEEK_END)
            begin, length = struct.unpack(">II", file.read(8))
        whole = path.stat().st_size == 2 * (begin + length) + 8
    if not whole:
        raise OSError(errno.ENOSPC, f"{path.name} was not written whole")


def _fitted(layer: ExportLayer, encoding: str, changed: dict[str, int]) -> ExportLayer:
    """The layer as a dBase table can hold it; what is lost is counted as the rows go by."""
    kept = [i for i, column in enumerate(layer.columns) if column.type != "json"]
    columns = tuple(
        replace(layer.columns[i], type="text") if layer.columns[i].type == "datetime" else layer.columns[i]
        for i in kept
    )
    kind = arrow.schema(columns)

    def read() -> Batches:
        for batch in layer.read():
            arrays = [
                _column(layer, i, batch.columns[i], encoding, changed) for i in range(len(layer.columns))
            ]
            yield pa.RecordBatch.from_arrays([*(arrays[i] for i in kept), batch.columns[-1]], schema=kind)

    return replace(layer, columns=columns, read=read)


def _column(layer: ExportLayer, i: int, values: Any, encoding: str, changed: dict[str, int]) -> Any:
    column = layer.columns[i]
    name = f"{layer.name}.{column.name}"
    if values.null_count == len(values):
        return values.cast("string") if column.type == "datetime" else values
    if column.type == "json":
        # Half an object is none.
        arrow.tell(changed, f"{name} left out: no place in a Shapefile", len(values) - values.null_count)
    elif column.type == "datetime":
        return pa.array([None if v is None else plain_time(v) for v in values.to_pylist()], pa.string())
    elif column.type in ("text", "choice"):
        return _texts(values.to_pylist(), name, encoding, changed)
    elif column.type == "number":
        return _numbers(values, name, changed)
    elif column.type == "date":
        return _days(values, name, changed)
    return values


def _texts(values: list[str | None], name: str, encoding: str, changed: dict[str, int]) -> Any:
    given = values
    if encoding != "UTF-8":
        given = [None if v is None else as_gbk(v) for v in values]
        lost = sum(a != b for a, b in zip(given, values, strict=True))
        if lost:
            arrow.tell(changed, f"{name}: characters that {encoding} does not have as '?'", lost)
    cut = [None if v is None else cut_bytes(v, encoding=encoding) for v in given]
    shortened = sum(a != b for a, b in zip(cut, given, strict=True))
    if shortened:
        arrow.tell(changed, f"{name} cut at {DBF_TEXT_BYTES} bytes", shortened)
    return pa.array(cut, pa.string())


def _days(values: Any, name: str, changed: dict[str, int]) -> Any:
    """Days whose year has four digits, as the cell has; others are left empty."""
    early = pc.less(pc.year(values), FIRST_YEAR)
    count = pc.sum(early).as_py() or 0
    if count:
        arrow.tell(changed, f"{name}: days before the year {FIRST_YEAR} left empty", count)
        values = pc.if_else(early, pa.scalar(None, values.type), values)
    return values


def _numbers(values: Any, name: str, changed: dict[str, int]) -> Any:
    """Numbers as 24 characters with 15 decimals hold them: most as they are, of others a part or nothing."""
    found = values.to_numpy(zero_copy_only=False)
    size = np.abs(found)
    large = size >= LARGEST
    if large.any():
        arrow.tell(changed, f"{name}: numbers from {LARGEST:g} on left empty", int(large.sum()))
        values = pc.if_else(pa.array(large, from_pandas=False), pa.scalar(None, values.type), values)
    # From 8 on two numbers are farther apart than the last decimal.
    small = found[(size < DECIMALS_TELL) & (found != 0)].tolist()
    rounded = sum(float(f"{value:.{DECIMALS}f}") != value for value in small)
    if rounded:
        arrow.tell(changed, f"{name} rounded to {DECIMALS} decimals", rounded)
    return values
