"""Writing GeoPackage through GDAL, with exact integers and nulls, titles as column aliases, and source and licence."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from app.exports.arrays import column_arrays, zones
from app.exports.model import ORIGIN, Changed, ExportData, ExportLayer
from app.lazy import lazy_module

#: It loads GDAL, and pandas where that is installed: a second that most commands do not need.
pyogrio = lazy_module("pyogrio")

#: OGC 12-128r19, extension "schema": titles of columns.
_TITLES = """
CREATE TABLE IF NOT EXISTS gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT, mime_type TEXT,
  constraint_name TEXT, CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE IF NOT EXISTS gpkg_data_column_constraints (
  constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN,
  max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
CREATE TABLE IF NOT EXISTS gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
INSERT INTO gpkg_extensions VALUES
  ('gpkg_data_columns', NULL, 'gpkg_schema', 'http://www.geopackage.org/spec/#extension_schema', 'read-write'),
  ('gpkg_data_column_constraints', NULL, 'gpkg_schema', 'http://www.geopackage.org/spec/#extension_schema',
   'read-write');
"""


def write_gpkg(path: Path, data: ExportData) -> Changed:
    """Write every layer of `data` to a new GeoPackage at `path`, nothing changed.

    Raises:
        OSError: The file cannot be written whole.
    """
    try:
        for i, layer in enumerate(data.layers):
            _write_layer(path, layer, data, append=i > 0)
        _write_titles(path, data)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError) as error:
        raise OSError(str(error)) from error
    except sqlite3.Error as error:
        raise OSError(str(error)) from error
    return {}


def _write_layer(path: Path, layer: ExportLayer, data: ExportData, *, append: bool) -> None:
    fields, masks = column_arrays(layer)
    pyogrio.raw.write(
        str(path),
        layer.geometry,
        fields,
        [column.name for column in layer.columns],
        field_mask=masks,
        gdal_tz_offsets=zones(layer, {}),
        layer=layer.name,
        driver="GPKG",
        geometry_type=layer.geometry_type,
        crs=data.crs,
        promote_to_multi=False,
        append=append,
        dataset_metadata=None if append else dict(data.about),
        layer_metadata=_about(layer, data),
        layer_options={
            "IDENTIFIER": layer.name,
            "DESCRIPTION": _describe(layer, data),
            "GEOMETRY_NAME": "geom",
        },
    )


def _about(layer: ExportLayer, data: ExportData) -> dict[str, str]:
    """What is said of the whole, with the origin of this layer's own rows instead of that of all."""
    whole = {name: value for name, value in data.about.items() if name not in ORIGIN}
    return {**whole, **layer.about}


def _describe(layer: ExportLayer, data: ExportData) -> str:
    said = [layer.title.zh, layer.title.en, data.about.get("notice"), layer.about.get("attribution")]
    return " · ".join(part for part in said if part)


def _write_titles(path: Path, data: ExportData) -> None:
    """Give every column its titles, check that every row is there, and leave one file without a journal."""
    base = sqlite3.connect(path)
    try:
        base.executescript(_TITLES)
        rows = [
            (layer.name, column.name, f"{column.title.zh} {column.title.en}")
            for layer in data.layers
            for column in layer.columns
        ]
        base.executemany(
            "INSERT INTO gpkg_data_columns (table_name, column_name, title) VALUES (?, ?, ?)", rows
        )
        base.commit()
        for layer in data.layers:
            _check_count(base, layer)
    finally:
        base.close()


def _check_count(base: sqlite3.Connection, layer: ExportLayer) -> None:
    (count,) = base.execute(f'SELECT count(*) FROM "{layer.name}"').fetchone()
    if count != len(layer):
        raise OSError(f"only {count} of {len(layer)} rows of {layer.name} were written")
