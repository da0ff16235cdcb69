"""Reading GeoPackage layers as plain SQLite tables: read-only, real tables only, no view or trigger is ever run."""

from __future__ import annotations

import sqlite3
import struct
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import numpy as np
import shapely
from numpy.typing import NDArray

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.layer import Layer, skipped_layer
from app.lazy import lazy_module

#: It loads GDAL, and pandas where that is installed: a second that most commands do not need.
pyogrio = lazy_module("pyogrio")

#: Bytes of the box in a GeoPackage geometry header, by its envelope code (OGC 12-128r19 §2.1.3.1).
ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
#: Table, geometry column and CRS number of a layer; None for a table without geometry.
Content = tuple[str, str | None, int | None]
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_PRAGMA}
#: A file that keeps SQLite busy for longer than this over one statement is not a table of a city.
MAX_SECONDS = 300.0
HINT = "Save the layer again as GeoPackage from QGIS or ogr2ogr."


def read_gpkg(file: SourceFile) -> list[Layer]:
    """Every feature layer of a GeoPackage; views, virtual tables and tables without geometry are named as skipped.

    Rows are numbered by their fid. Curves are made linear by GDAL.

    Raises:
        UnreadableFile: The file is damaged, lacks its tables of contents or holds no layer.
    """
    with _open(file) as base:
        kinds = dict(
            base.execute("SELECT lower(name), sql FROM sqlite_master WHERE type = 'table'").fetchall()
        )
        contents = _contents(base, kinds, file)
        layers = [
            _read_layer(base, file, row)
            if _is_real(kinds.get(row[0].lower()))
            else skipped_layer(row[0], "it is a view or virtual table, which are never run")
            for row in contents
        ]
    if not layers:
        raise UnreadableFile(f"'{file.name}' holds no layer.", HINT)
    return layers


@contextmanager
def _open(file: SourceFile) -> Iterator[sqlite3.Connection]:
    base = sqlite3.connect(f"file:{quote(str(file.path))}?mode=ro&immutable=1", uri=True)
    started = time.monotonic()
    try:
        base.text_factory = _text
        base.set_authorizer(
            lambda action, *_: sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY
        )
        base.set_progress_handler(lambda: int(time.monotonic() - started > MAX_SECONDS), 1_000_000)
        yield base
    except sqlite3.DatabaseError as error:
        raise UnreadableFile(f"'{file.name}' is damaged: {error}.", HINT) from error
    finally:
        base.close()


def _text(raw: bytes) -> Any:
    """Text as text; bytes that are not UTF-8 stay bytes, so that only their row is refused."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def _contents(base: sqlite3.Connection, kinds: dict[str, Any], file: SourceFile) -> list[Content]:
    for table in ("gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"):
        if not _is_real(kinds.get(table)):
            raise UnreadableFile(f"'{file.name}' lacks the table {table} of a GeoPackage.", HINT)
    query = (
        "SELECT c.table_name, g.column_name, g.srs_id FROM gpkg_contents c"
        " LEFT JOIN gpkg_geometry_columns g ON lower(g.table_name) = lower(c.table_name)"
        " WHERE c.data_type IN ('features', 'attributes') ORDER BY c.rowid"
    )
    return [(str(table), column, srs) for table, column, srs in base.execute(query)]


def _is_real(sql: Any) -> bool:
    return isinstance(sql, str) and not sql.lstrip().upper().startswith("CREATE VIRTUAL")


def _read_layer(base: sqlite3.Connection, file: SourceFile, content: Content) -> Layer:
    table, column, srs = content
    if column is None or srs is None:
        return skipped_layer(table, "it has no geometry column")
    info = [
        (str(row[1]), str(row[2]).upper(), row[5])
        for row in base.execute(f"PRAGMA table_info({_name(table)})")
    ]
    attributes = [(name, kind) for name, kind, key in info if name.lower() != column.lower() and not key]
    names = ", ".join(_name(name) for name in [column, *(name for name, _ in attributes)])
    rows = base.execute(f"SELECT rowid, {names} FROM {_name(table)} ORDER BY rowid").fetchall()
    columns = {
        name: [_typed(row[i], kind) for row in rows] for i, (name, kind) in enumerate(attributes, start=2)
    }
    fids = [int(row[0]) for row in rows]
    geometry, faults = _geometries([row[1] for row in rows], fids, file, table)
    return Layer(table, fids, geometry, columns, _crs(base, srs), faults)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _typed(value: Any, kind: str) -> Any:
    """A BOOLEAN column holds 0 and 1 in SQLite."""
    return bool(value) if kind == "BOOLEAN" and value in (0, 1) else value


def _geometries(
    blobs: list[Any], fids: list[int], file: SourceFile, table: str
) -> tuple[NDArray[np.object_], dict[int, str]]:
    wkb = np.array([_wkb(blob) for blob in blobs] + [None], dtype=object)[:-1]
    curved = [i for i, value in enumerate(wkb) if value is not None and _is_curved(value)]
    wkb[curved] = None
    geometry = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
    if curved:
        linear = _linear(file, table)
        geometry[curved] = [linear.get(fids[i]) for i in curved]
    faults = {
        i: "the geometry is damaged"
        for i in np.flatnonzero(shapely.is_missing(geometry)).tolist()
        if blobs[i] is not None
    }
    return geometry, faults


def _wkb(blob: Any) -> bytes | None:
    """The WKB inside a GeoPackage geometry, None where there is none (null) or the header is broken."""
    if not isinstance(blob, bytes) or len(blob) < 13 or not blob.startswith(b"GP"):
        return None
    size = ENVELOPE_BYTES.get((blob[3] >> 1) & 7)
    return None if size is None else blob[8 + size :]


def _is_curved(wkb: bytes) -> bool:
    order = "<" if wkb[:1] == b"\x01" else ">"
    kind = struct.unpack(f"{order}I", wkb[1:5])[0] % 1000 if len(wkb) >= 5 else 0
    return 8 <= kind <= 14


def _linear(file: SourceFile, table: str) -> dict[int, Any]:
    """Row id → geometry with its curves made linear; GDAL is told nothing but a file whose bytes were looked at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        _, fids, geometry, _ = pyogrio.raw.read(str(file.path), layer=table, columns=[], return_fids=True)
    return dict(zip(fids.tolist(), shapely.from_wkb(geometry, on_invalid="ignore"), strict=True))


def _crs(base: sqlite3.Connection, srs: int) -> str | None:
    """`EPSG:n` or the WKT that the file keeps; None where the file says that it does not know."""
    row = base.execute(
        "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?",
        (srs,),
    ).fetchone()
    if row is None or srs in (0, -1):
        return None
    organization, code, definition = row
    if str(organization).upper() == "EPSG":
        return f"EPSG:{code}"
    # A local or "undefined" system says only that nobody knows.
    unknown = ("", "undefined", "unknown", "local_cs", "engcrs", "engineeringcrs")
    start = str(definition or "").strip().lower().split("[")[0]
    return None if start in unknown else definition
