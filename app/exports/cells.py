"""Rows of a layer as cells of a table: headings, places in columns, text that no spreadsheet takes for a formula."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import shapely

from app.catalogue.export_names import quoted
from app.exports.model import ExportLayer

CHUNK = 5_000


def place_headings(layer: ExportLayer) -> list[str]:
    """The names of the columns that hold the places."""
    return ["lon", "lat"] if layer.geometry_type == "Point" else ["wkt"]


def rows(layer: ExportLayer) -> Iterator[list[Any]]:
    """The rows, the place first (lon and lat, or WKT with all its digits), then the columns' values, quoted."""
    for start in range(0, len(layer), CHUNK):
        stop = min(start + CHUNK, len(layer))
        places = _places(layer, start, stop)
        columns = [
            [quoted(v) if isinstance(v, str) else v for v in values[start:stop]] for values in layer.values
        ]
        for place, *cells in zip(places, *columns, strict=True):
            yield [*place, *cells]


def _places(layer: ExportLayer, start: int, stop: int) -> list[list[Any]]:
    shapes = shapely.from_wkb(layer.geometry[start:stop])
    if layer.geometry_type == "Point":
        return list(
            map(list, zip(shapely.get_x(shapes).tolist(), shapely.get_y(shapes).tolist(), strict=True))
        )
    texts = shapely.to_wkt(shapes, rounding_precision=-1).tolist()
    return [[text] for text in texts]
