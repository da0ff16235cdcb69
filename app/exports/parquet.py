"""Writing GeoParquet 1.1: WKB in a column, typed columns, what is said in the file's own metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from pyarrow import Table, parquet
from pyproj import CRS

from app.exports import arrow
from app.exports.model import Changed, ExportData, ExportLayer

ROW_GROUP = 50_000


def write_parquet(path: Path, data: ExportData) -> Changed:
    """Write the first layer of `data` to `path` in groups of rows, nothing changed."""
    layer = data.layers[0]
    about = {**data.about, **layer.about, "geo": orjson.dumps(_geo(layer, data.crs)).decode()}
    kind = arrow.schema(layer.columns, lambda column: {"title": arrow.shown(column)}, about)
    with parquet.ParquetWriter(path, kind, compression="zstd") as writer:
        group: list[Any] = []
        for batch in layer.read():
            group.append(batch)
            if sum(map(len, group)) >= ROW_GROUP:
                _write(writer, group, kind)
                group = []
        _write(writer, group, kind)
    return {}


def _write(writer: Any, group: list[Any], kind: Any) -> None:
    if group:
        writer.write_table(Table.from_batches(group).cast(kind), row_group_size=ROW_GROUP)


def _geo(layer: ExportLayer, crs: str) -> dict[str, Any]:
    """The member `geo` of https://geoparquet.org/releases/v1.1.0/; no types are those that are not known."""
    box = layer.extent()
    column = {
        "encoding": "WKB",
        "geometry_types": [] if layer.geometry_type == "Unknown" else [layer.geometry_type],
        "crs": CRS.from_user_input(crs).to_json_dict(),
        **({"bbox": list(box)} if box else {}),
    }
    return {"version": "1.1.0", "primary_column": arrow.GEOMETRY, "columns": {arrow.GEOMETRY: column}}
