"""Rows of a layer as cells of a table: headings, places in columns, text that no spreadsheet takes for a formula."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import shapely

from app.catalogue.export_names import quoted
from app.exports import arrow
from app.exports.model import ExportLayer


def place_headings(layer: ExportLayer) -> list[str]:
    """The names of the columns that hold the places."""
    return ["lon", "lat"] if layer.geometry_type == "Point" else ["wkt"]


def rows(layer: ExportLayer) -> Iterator[list[Any]]:
    """The rows, the place first (lon and lat, or WKT with all its digits), then the columns' values, quoted."""
    for batch in arrow.pieces(layer):
        columns = [[quoted(v) if isinstance(v, str) else v for v in values] for values in arrow.rows(batch)]
        for place, *cells in zip(_places(layer, batch), *columns, strict=True):
            yield [*place, *cells]


def _places(layer: ExportLayer, batch: Any) -> list[list[Any]]:
    shapes = arrow.shapes(batch)
    if layer.geometry_type == "Point":
        known = (~shapely.is_missing(shapes)).tolist()
        x, y = shapely.get_x(shapes).tolist(), shapely.get_y(shapes).tolist()
        return [[a, b] if there else [None, None] for a, b, there in zip(x, y, known, strict=True)]
    texts = shapely.to_wkt(shapes, rounding_precision=-1).tolist()
    return [[text] for text in texts]
