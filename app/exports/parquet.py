"""Writing GeoParquet 1.1: WKB in a column, typed columns, what is said in the file's own metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from pyarrow import parquet
from pyproj import CRS

from app.exports.arrow import GEOMETRY, arrow_table
from app.exports.model import Changed, ExportData, ExportLayer

ROW_GROUP = 50_000


def write_parquet(path: Path, data: ExportData) -> Changed:
    """Write the first layer of `data` to `path`, nothing changed."""
    layer = data.layers[0]
    about = {**data.about, **layer.about, "geo": orjson.dumps(_geo(layer, data.crs)).decode()}
    table = arrow_table(layer, "title", about)
    parquet.write_table(table, path, compression="zstd", row_group_size=ROW_GROUP)
    return {}


def _geo(layer: ExportLayer, crs: str) -> dict[str, Any]:
    """The member `geo` of https://geoparquet.org/releases/v1.1.0/."""
    shapes = shapely.from_wkb(layer.geometry)
    kinds = sorted({str(shape.geom_type) for shape in shapes if shape is not None})
    bounds = shapely.total_bounds(shapes).tolist() if len(shapes) else []
    box = {"bbox": bounds} if len(bounds) == 4 and np.isfinite(bounds).all() else {}
    column = {
        "encoding": "WKB",
        "geometry_types": kinds,
        "crs": CRS.from_user_input(crs).to_json_dict(),
        **box,
    }
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
