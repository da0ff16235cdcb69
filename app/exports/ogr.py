"""Writing zipped Shapefiles and FlatGeobuf through GDAL."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.catalogue.export_names import DBF_TEXT_BYTES, cut_bytes, plain_time, short_names
from app.exports.arrays import column_arrays, zones
from app.exports.companions import field_map, write_zip
from app.exports.kinds import by_kind
from app.exports.model import Changed, ExportData, ExportLayer
from app.lazy import lazy_module

pyogrio = lazy_module("pyogrio")


def write_shapefiles(path: Path, data: ExportData) -> Changed:
    """Write a zip of shapefiles in UTF-8: short names with their map, text cut at 254 bytes, without `extra`.

    Raises:
        OSError: The file cannot be written whole.
    """
    changed: Counter[str] = Counter()
    maps = {}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=path.name) as place:
        folder = Path(place)
        for whole in data.layers:
            for layer in by_kind(_without_json(whole, changed)):
                fitted = _cut(layer, changed)
                short = short_names(column.name for column in fitted.columns)
                _write(
                    folder / f"{layer.name}.shp",
                    "ESRI Shapefile",
                    fitted,
                    data,
                    encoding="UTF-8",
                    names=short,
                )
                maps[layer.name] = field_map(fitted, short)
        write_zip(path, folder, data, maps)
    return changed


def _without_json(layer: ExportLayer, changed: Counter[str]) -> ExportLayer:
    """Objects do not fit into cells of 254 bytes; half an object is none."""
    kept = [i for i, column in enumerate(layer.columns) if column.type != "json"]
    for i in set(range(len(layer.columns))) - set(kept):
        told = f"{layer.name}.{layer.columns[i].name} left out: no place in a Shapefile"
        lost = sum(value is not None for value in layer.values[i])
        changed.update({told: lost} if lost else {})
    return replace(
        layer, columns=tuple(layer.columns[i] for i in kept), values=tuple(layer.values[i] for i in kept)
    )


def _cut(layer: ExportLayer, changed: Counter[str]) -> ExportLayer:
    values = []
    for column, given in zip(layer.columns, layer.values, strict=True):
        if column.type in ("text", "choice"):
            cut = [None if value is None else cut_bytes(value) for value in given]
            shortened = sum(a != b for a, b in zip(cut, given, strict=True))
            told = f"{layer.name}.{column.name} cut at {DBF_TEXT_BYTES} bytes"
            changed.update({told: shortened} if shortened else {})
            values.append(cut)
        elif column.type == "datetime":
            values.append([None if value is None else plain_time(value) for value in given])
        else:
            values.append(given)
    # A dBase table has days, not moments.
    columns = (replace(item, type="text") if item.type == "datetime" else item for item in layer.columns)
    return replace(layer, columns=tuple(columns), values=tuple(values))


def write_flatgeobuf(path: Path, data: ExportData) -> Changed:
    """Write the first layer to a FlatGeobuf with its spatial index; rows come in the order of that index.

    Raises:
        OSError: The file cannot be written whole.
    """
    (layer, *_) = data.layers
    said = {name: value for name, value in {**data.about, **layer.about}.items() if value}
    options = {"TITLE": f"{layer.title.zh} {layer.title.en}", "DESCRIPTION": said.get("attribution", "")}
    _write(path, "FlatGeobuf", layer, data, layer_options=options, layer_metadata=said)
    return {}


def _write(
    path: Path,
    driver: str,
    layer: ExportLayer,
    data: ExportData,
    *,
    names: dict[str, str] | None = None,
    **options: Any,
) -> None:
    fields, masks = column_arrays(layer)
    with _told():
        pyogrio.raw.write(
            str(path),
            layer.geometry,
            fields,
            [(names or {}).get(column.name, column.name) for column in layer.columns],
            field_mask=masks,
            gdal_tz_offsets=zones(layer, names or {}),
            layer=layer.name,
            driver=driver,
            geometry_type=layer.geometry_type,
            crs=data.crs,
            promote_to_multi=False,
            **options,
        )
        count = pyogrio.read_info(str(path), layer=layer.name, force_feature_count=True)["features"]
    if count != len(layer):
        raise OSError(f"only {count} of {len(layer)} rows of {layer.name} were written")


@contextmanager
def _told() -> Iterator[None]:
    """GDAL's failures as OSError; what it warns of (dates as moments, no CRS) is known and told by us."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError) as error:
        raise OSError(str(error)) from error
