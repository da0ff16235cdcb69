"""The tables that make a SQLite file a GeoPackage (OGC 12-128r18), and what stands in them of a layer. Pure."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from app.exports.arrow import shown
from app.exports.model import ExportColumn, ExportLayer
from app.exports.sqlite_pages import PAGE

#: "GPKG", and the version of the standard.
APPLICATION_ID, VERSION = 0x47504B47, 10300
#: Systems without a code are numbered from here.
OWN_SRS = 100_000
#: The standard's own rows come first: unknown systems and WGS 84.
_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL, CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT, mime_type TEXT,
  constraint_name TEXT, CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE gpkg_data_column_constraints (
  constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN,
  max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
CREATE TABLE gpkg_metadata (
  id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL, md_scope TEXT NOT NULL DEFAULT 'dataset',
  md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml', metadata TEXT NOT NULL DEFAULT '');
CREATE TABLE gpkg_metadata_reference (
  reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT, row_id_value INTEGER,
  timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')), md_file_id INTEGER NOT NULL,
  md_parent_id INTEGER, CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
  CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id));
CREATE TABLE gpkg_ogr_contents (table_name TEXT NOT NULL PRIMARY KEY, feature_count INTEGER DEFAULT NULL);
INSERT INTO gpkg_spatial_ref_sys VALUES
  ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined Cartesian coordinate reference system'),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system');
INSERT INTO gpkg_extensions VALUES
  ('gpkg_data_columns', NULL, 'gpkg_schema', 'http://www.geopackage.org/spec/#extension_schema', 'read-write'),
  ('gpkg_data_column_constraints', NULL, 'gpkg_schema', 'http://www.geopackage.org/spec/#extension_schema',
   'read-write'),
  ('gpkg_metadata', NULL, 'gpkg_metadata', 'http://www.geopackage.org/spec/#extension_metadata', 'read-write'),
  ('gpkg_metadata_reference', NULL, 'gpkg_metadata', 'http://www.geopackage.org/spec/#extension_metadata',
   'read-write');
"""
_BOX = 'ST_MinX(NEW."geom"), ST_MaxX(NEW."geom"), ST_MinY(NEW."geom"), ST_MaxY(NEW."geom")'
_HAS, _HAD = (f'({row}."geom" NOTNULL AND NOT ST_IsEmpty({row}."geom"))' for row in ("NEW", "OLD"))
#: Annex F.3: what keeps the index right when somebody edits; {t} is the table, {r} its index.
_TRIGGERS = {
    "insert": f'AFTER INSERT ON {{t}} WHEN {_HAS} BEGIN INSERT OR REPLACE INTO {{r}} VALUES (NEW."fid", {_BOX}); END',
    "update2": f'AFTER UPDATE OF "geom" ON {{t}} WHEN OLD."fid" = NEW."fid" AND NOT {_HAS} '
    'BEGIN DELETE FROM {r} WHERE id = OLD."fid"; END',
    "update4": f'AFTER UPDATE ON {{t}} WHEN OLD."fid" != NEW."fid" AND NOT {_HAS} '
    'BEGIN DELETE FROM {r} WHERE id IN (OLD."fid", NEW."fid"); END',
    "update5": f'AFTER UPDATE ON {{t}} WHEN OLD."fid" != NEW."fid" AND {_HAS} BEGIN DELETE FROM {{r}} '
    f'WHERE id = OLD."fid"; INSERT OR REPLACE INTO {{r}} VALUES (NEW."fid", {_BOX}); END',
    "update6": f'AFTER UPDATE OF "geom" ON {{t}} WHEN OLD."fid" = NEW."fid" AND {_HAS} AND {_HAD} BEGIN UPDATE {{r}} '
    f'SET (minx, maxx, miny, maxy) = ({_BOX}) WHERE id = NEW."fid"; END',
    "update7": f'AFTER UPDATE OF "geom" ON {{t}} WHEN OLD."fid" = NEW."fid" AND {_HAS} AND NOT {_HAD} '
    f'BEGIN INSERT INTO {{r}} VALUES (NEW."fid", {_BOX}); END',
    "delete": 'AFTER DELETE ON {t} WHEN OLD."geom" NOTNULL BEGIN DELETE FROM {r} WHERE id = OLD."fid"; END',
}
_SQL_TYPES = {
    "integer": "INTEGER", "number": "REAL", "boolean": "BOOLEAN", "date": "DATE", "datetime": "DATETIME",
}  # fmt: skip


def begin(base: sqlite3.Connection, crs: str) -> int:
    """Make the tables of a new file; the number of the system in which all its layers are."""
    base.executescript(
        f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION}; PRAGMA page_size={PAGE};"
        "PRAGMA auto_vacuum=NONE; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN;" + _TABLES
    )
    found = {4326: CRS.from_epsg(4326)}
    known = CRS.from_user_input(crs)
    code = known.to_epsg()
    number = code if code is not None else OWN_SRS
    found[number] = known
    for srs_id, system in found.items():
        organization = "NONE" if srs_id == OWN_SRS else "EPSG"
        values = (system.name, srs_id, organization, srs_id, _wkt1(system))
        base.execute("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, NULL)", values)
    return number


def _wkt1(crs: CRS) -> str:
    try:
        return str(crs.to_wkt("WKT1_GDAL"))
    except CRSError:
        return "undefined"


def add_layer(base: sqlite3.Connection, layer: ExportLayer, srs: int, description: str) -> None:
    """Make the table of a layer and its index, which both have no rows yet, and say what it is.

    The index and the number of rows follow edits.
    """
    name, table, index = layer.name, sql_name(layer.name), _index(layer.name)
    kind = {"Unknown": "GEOMETRY"}.get(layer.geometry_type, layer.geometry_type.upper())
    columns = "".join(f", {sql_name(c.name)} {_SQL_TYPES.get(c.type, 'TEXT')}" for c in layer.columns)
    base.execute(
        f'CREATE TABLE {table} ("fid" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "geom" {kind}{columns})'
    )
    base.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id)"
        " VALUES (?, 'features', ?, ?, ?)",
        (name, name, description, srs),
    )
    base.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)", (name, kind, srs))
    base.execute(
        "INSERT INTO gpkg_extensions VALUES (?, 'geom', 'gpkg_rtree_index',"
        " 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')",
        (name,),
    )
    base.execute(f"CREATE VIRTUAL TABLE {index} USING rtree(id, minx, maxx, miny, maxy)")
    for end, text in _TRIGGERS.items():
        base.execute(f'CREATE TRIGGER "rtree_{name}_geom_{end}" {text.format(t=table, r=index)}')
    for word, sign in (("insert", "+"), ("delete", "-")):
        base.execute(
            f'CREATE TRIGGER "trigger_{word}_feature_count_{name}" AFTER {word.upper()} ON {table} BEGIN UPDATE'
            f" gpkg_ogr_contents SET feature_count = feature_count {sign} 1 WHERE table_name = '{name}'; END"
        )
    _add_columns(base, layer)


def finish_layer(
    base: sqlite3.Connection, name: str, count: int, newest: int, bounds: NDArray[np.float64]
) -> None:
    """Tell where the rows of a layer are, how many and what the highest id is."""
    base.execute("INSERT INTO gpkg_ogr_contents VALUES (?, ?)", (name, count))
    if count:
        base.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (name, newest))
    if np.isfinite(bounds).all():
        base.execute(
            "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?",
            (*bounds.tolist(), name),
        )


def roots(base: sqlite3.Connection) -> dict[str, int]:
    """The page at which each table begins."""
    return dict(
        base.execute("SELECT name, rootpage FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
    )


def _index(name: str) -> str:
    return f'"rtree_{name}_geom"'


def sql_name(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _add_columns(base: sqlite3.Connection, layer: ExportLayer) -> None:
    """Extension "schema": titles, units and what the columns may hold."""
    for column in layer.columns:
        constraint = f"{layer.name}_{column.name}" if column.choices else None
        mime = "application/json" if column.type == "json" else None
        base.execute(
            "INSERT INTO gpkg_data_columns VALUES (?, ?, NULL, ?, ?, ?, ?)",
            (layer.name, column.name, shown(column), _described(column), mime, constraint),
        )
        base.executemany(
            "INSERT INTO gpkg_data_column_constraints VALUES (?, 'enum', ?, NULL, NULL, NULL, NULL, ?)",
            [(constraint, value, f"{title.zh} {title.en}") for value, title in column.choices.items()],
        )


def _described(column: ExportColumn) -> str | None:
    return "; ".join(filter(None, [column.description, column.unit])) or None


def add_metadata(base: sqlite3.Connection, about: Mapping[str, str], layer: str | None = None) -> None:
    """What is said of the whole file, or of a layer, as GDAL writes and reads it."""
    if not about:
        return
    items = "".join(f"<MDI key={quoteattr(name)}>{escape(value)}</MDI>" for name, value in _plain(about))
    text = f"<GDALMultiDomainMetadata><Metadata>{items}</Metadata></GDALMultiDomainMetadata>"
    made = base.execute(
        "INSERT INTO gpkg_metadata (md_standard_uri, metadata) VALUES ('http://gdal.org', ?)", (text,)
    )
    base.execute(
        "INSERT INTO gpkg_metadata_reference (reference_scope, table_name, md_file_id) VALUES (?, ?, ?)",
        ("table" if layer else "geopackage", layer, made.lastrowid),
    )


def _plain(about: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Without the control characters that XML cannot hold."""
    for name, value in about.items():
        yield name, "".join(c for c in str(value) if c >= " " or c in "\n\t")


#: What QGIS looks for when it opens a layer.
_STYLES = """CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT, f_table_schema TEXT, f_table_name TEXT,
  f_geometry_column TEXT, styleName TEXT, styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
  owner TEXT, ui TEXT, update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"""


def add_styles(base: sqlite3.Connection, styles: Sequence[tuple[str, str, str]]) -> None:
    """Styles that QGIS takes by itself: table, name of the style, QML."""
    if not styles:
        return
    base.execute(_STYLES)
    base.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES"
        " ('layer_styles', 'attributes', 'layer_styles', 0)"
    )
    base.executemany(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
        " styleQML, styleSLD, useAsDefault, owner) VALUES ('', '', ?, 'geom', ?, ?, '', 1, '')",
        styles,
    )
