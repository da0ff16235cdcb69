"""Writing GeoJSON (RFC 7946), one feature a line, and sequences of it (RFC 8142): exact numbers, Chinese as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import shapely

from app.catalogue.export_names import plain_time
from app.exports import arrow
from app.exports.model import Changed, ExportData, ExportLayer

#: What begins each text of a sequence.
RECORD_SEPARATOR = b"\x1e"


def write_geojson(path: Path, data: ExportData) -> Changed:
    """Write the first layer of `data` to `path`; what is said of it stands as members of the collection.

    JSON has no NaN and nothing infinite: such numbers are null, and told.
    """
    changed: dict[str, int] = {}
    layer = arrow.without_nan(data.layers[0], changed, infinite=True)
    head = orjson.dumps({"type": "FeatureCollection", "name": layer.name, **data.about})[:-1]
    with path.open("wb") as file:
        file.write(head + b',"features":[\n')
        for i, features in enumerate(_chunks(layer)):
            file.write((b",\n" if i else b"") + b",\n".join(features))
        file.write(b"\n]}\n")
    return changed


def write_geojson_sequence(path: Path, data: ExportData) -> Changed:
    """Write the first layer as a sequence of texts; nothing is said of the whole, for it has no place there."""
    changed: dict[str, int] = {}
    with path.open("wb") as file:
        for features in _chunks(arrow.without_nan(data.layers[0], changed, infinite=True)):
            file.writelines(RECORD_SEPARATOR + feature + b"\n" for feature in features)
    return changed


def _chunks(layer: ExportLayer) -> Iterator[list[bytes]]:
    for batch in arrow.pieces(layer):
        columns = [
            _values(column.type, values)
            for column, values in zip(layer.columns, arrow.rows(batch), strict=True)
        ]
        texts = shapely.to_geojson(arrow.shapes(batch)).tolist()
        names = [column.name for column in layer.columns]
        if len(batch):
            yield [_feature(names, values, text) for text, *values in zip(texts, *columns, strict=True)]


def _feature(names: list[str], values: list[Any], shape: str | None) -> bytes:
    geometry = None if shape is None else orjson.Fragment(shape)
    properties = dict(zip(names, values, strict=True))
    return orjson.dumps({"type": "Feature", "geometry": geometry, "properties": properties})


def _values(kind: str, values: list[Any]) -> list[Any]:
    if kind == "json":
        return [None if value is None else orjson.Fragment(value) for value in values]
    if kind in ("date", "datetime"):
        return [plain_time(value) if isinstance(value, date) else value for value in values]
    return values
