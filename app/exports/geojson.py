"""Writing GeoJSON (RFC 7946): one feature a line, exact numbers, Chinese as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

from app.catalogue.export_names import plain_time
from app.exports.model import Changed, ExportData, ExportLayer

CHUNK = 5_000


def write_geojson(path: Path, data: ExportData) -> Changed:
    """Write the first layer of `data` to `path`; what is said of it stands as members of the collection."""
    layer = data.layers[0]
    head = orjson.dumps({"type": "FeatureCollection", "name": layer.name, **data.about})[:-1]
    with path.open("wb") as file:
        file.write(head + b',"features":[\n')
        for i, chunk in enumerate(_chunks(layer)):
            file.write((b",\n" if i else b"") + chunk)
        file.write(b"\n]}\n")
    return {}


def _chunks(layer: ExportLayer) -> Iterator[bytes]:
    for start in range(0, len(layer), CHUNK):
        stop = min(start + CHUNK, len(layer))
        shapes = _shapes(layer.geometry[start:stop])
        yield b",\n".join(_feature(layer, start + i, shape) for i, shape in enumerate(shapes))


def _shapes(geometry: NDArray[np.object_]) -> list[str]:
    texts = shapely.to_geojson(shapely.from_wkb(geometry))
    return ["null" if text is None else str(text) for text in texts.tolist()]


def _feature(layer: ExportLayer, row: int, shape: str) -> bytes:
    properties = {
        column.name: _value(column.type, values[row])
        for column, values in zip(layer.columns, layer.values, strict=True)
    }
    feature = {"type": "Feature", "geometry": orjson.Fragment(shape), "properties": properties}
    return orjson.dumps(feature)


def _value(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "json":
        return orjson.Fragment(value)
    return plain_time(value) if isinstance(value, date) else value
