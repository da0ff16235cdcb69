"""Writing a zipped FileGDB through GDAL: a feature class a layer, titles as aliases, types that all ArcGIS read."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

from app.exports.arrow import GEOMETRY, arrow_table
from app.exports.companions import field_map, write_zip
from app.exports.kinds import by_kind
from app.exports.model import Changed, ExportData, ExportLayer
from app.lazy import lazy_module

pyogrio = lazy_module("pyogrio")

#: Under this key GDAL takes the alias of a column from an Arrow schema.
ALIAS = "GDAL:OGR:alternative_name"


def write_filegdb(path: Path, data: ExportData) -> Changed:
    """Write a zip of one FileGDB with the map of its fields. Dates become moments at 0:00, booleans 0 and 1.

    Raises:
        OSError: The file cannot be written whole.
    """
    maps = {}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=path.name) as place:
        base = Path(place) / "city.gdb"
        for whole in data.layers:
            for layer in by_kind(whole):
                _write(base, layer, data.crs)
                maps[layer.name] = field_map(layer, {column.name: column.name for column in layer.columns})
        write_zip(path, Path(place), data, maps)
    return {}


def _write(base: Path, layer: ExportLayer, crs: str) -> None:
    try:
        with warnings.catch_warnings():
            # GDAL says of each column of dates that it becomes one of moments.
            warnings.simplefilter("ignore")
            pyogrio.raw.write_arrow(
                arrow_table(layer, ALIAS, {}, small=True),
                str(base),
                layer=layer.name,
                driver="OpenFileGDB",
                geometry_name=GEOMETRY,
                geometry_type=layer.geometry_type,
                crs=crs,
                append=base.exists(),
                layer_options={"LAYER_ALIAS": f"{layer.title.zh} {layer.title.en}"},
            )
            count = pyogrio.read_info(str(base), layer=layer.name, force_feature_count=True)["features"]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError) as error:
        raise OSError(str(error)) from error
    if count != len(layer):
        raise OSError(f"only {count} of {len(layer)} rows of {layer.name} were written")
