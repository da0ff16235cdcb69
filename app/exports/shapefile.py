"""Writing zipped Shapefiles: short names with their map, texts cut at the width of a cell, UTF-8 or GBK."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.catalogue.export_names import DBF_TEXT_BYTES, cut_bytes, plain_time, short_names
from app.exports import arrow
from app.exports.companions import field_map, write_zip
from app.exports.kinds import by_kind
from app.exports.model import Batches, Changed, ExportColumn, ExportData, ExportLayer
from app.exports.ogr import write_layer
from app.lazy import lazy_module

pa = lazy_module("pyarrow")

#: Encodings that a dBase table of ours may have, by the name that its .cpg says.
ENCODINGS = ("UTF-8", "GBK")
#: Characters of a moment, 2021-12-31T10:00:00.123456Z.
_MOMENT_BYTES = 27


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
    return values


def _texts(values: list[str | None], name: str, encoding: str, changed: dict[str, int]) -> Any:
    given = values
    if encoding != "UTF-8":
        given = [None if v is None else v.encode(encoding, "replace").decode(encoding) for v in values]
        lost = sum(a != b for a, b in zip(given, values, strict=True))
        if lost:
            arrow.tell(changed, f"{name}: characters that {encoding} does not have as '?'", lost)
    cut = [None if v is None else _cut(v, encoding) for v in given]
    shortened = sum(a != b for a, b in zip(cut, given, strict=True))
    if shortened:
        arrow.tell(changed, f"{name} cut at {DBF_TEXT_BYTES} bytes", shortened)
    return pa.array(cut, pa.string())


def _cut(text: str, encoding: str) -> str:
    if encoding == "UTF-8":
        return cut_bytes(text)
    return text.encode(encoding)[:DBF_TEXT_BYTES].decode(encoding, "ignore")
