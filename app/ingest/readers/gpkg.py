"""Reading GeoPackage layers as plain SQLite tables: read-only, real tables only, no view or trigger is ever run."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.layer import CHUNK_ROWS, Ask, Layer, skipped_layer
from app.ingest.readers.ogr import linear
from app.ingest.readers.select import chosen
from app.ingest.readers.wkb import shapes

#: Bytes of the box in a GeoPackage geometry header, by its envelope code (OGC 12-128r19 §2.1.3.1).
ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
#: Table, geometry column and CRS number of a layer; None for a table without geometry.
Content = tuple[str, str | None, int | None]
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_PRAGMA}
#: A file that keeps SQLite busy for longer than this over one statement is not a table of a city.
MAX_SECONDS = 300.0
FIRST_ROWID = -(2**63)
HINT = "Save the layer again as GeoPackage from QGIS or ogr2ogr."


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """Every feature and attribute table of a GeoPackage in chunks; views and virtual tables are named as skipped.

    Rows are numbered by their fid. Curves are made linear by GDAL; a table without geometry is not `spatial`.

    Raises:
        UnreadableFile: The file is damaged, lacks its tables of contents or holds no layer.
    """
    with _open(file) as base:
        kinds = dict(
            base.execute("SELECT lower(name), sql FROM sqlite_master WHERE type = 'table'").fetchall()
        )
        contents = _contents(base, kinds, file)
        if not contents:
            raise UnreadableFile(f"'{file.name}' holds no layer.", HINT)
        positions = chosen(file, ask, [content[0] for content in contents])
        for position in positions:
            content = contents[position]
            if _is_real(kinds.get(content[0].lower())):
                for layer in _read_layer(base, file, content):
                    yield replace(layer, alone=len(positions) == 1)
            else:
                yield skipped_layer(content[0], "it is a view or virtual table, which are never run")


@contextmanager
def _open(file: SourceFile) -> Iterator[sqlite3.Connection]:
    base = sqlite3.connect(f"file:{quote(str(file.path))}?mode=ro&immutable=1", uri=True)
    started = time.monotonic()
    try:
        base.set_authorizer(
            lambda action, *_: sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY
        )
        base.set_progress_handler(lambda: int(time.monotonic() - started > MAX_SECONDS), 1_000_000)
        yield base
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
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
        " WHERE c.data_type IN ('features', 'attributes') AND lower(c.table_name) <> 'layer_styles' ORDER BY c.rowid"
    )
    return [(str(table), column, srs) for table, column, srs in base.execute(query)]


def _is_real(sql: Any) -> bool:
    return isinstance(sql, str) and not sql.lstrip().upper().startswith("CREATE VIRTUAL")


def _read_layer(base: sqlite3.Connection, file: SourceFile, content: Content) -> Iterator[Layer]:
    table, column, srs = content
    crs = None if column is None or srs is None else _crs(base, srs)
    info = [
        (str(row[1]), str(row[2]).upper(), row[5])
        for row in base.execute(f"PRAGMA table_info({_name(table)})")
    ]
    place = (column or "").lower()
    attributes = [(name, kind) for name, kind, key in info if name.lower() != place and not key]
    names = [_name(column) if column else "NULL", *(_name(name) for name, _ in attributes)]
    query = f"SELECT rowid, {', '.join(names)} FROM {_name(table)} WHERE rowid >= ? ORDER BY rowid LIMIT {CHUNK_ROWS}"
    spatial = column is not None and _has_places(base, table, column)
    notes = ("its geometry column is empty throughout",) if column and not spatial else ()
    rows = _fetch(base, query, FIRST_ROWID)
    while True:
        layer = _chunk(file, content, attributes, rows)
        yield replace(layer, crs=crs, spatial=spatial, notes=(*notes, *layer.notes))
        if len(rows) < CHUNK_ROWS:
            return
        rows = _fetch(base, query, rows[-1][0] + 1)
        if not rows:
            return


def _fetch(base: sqlite3.Connection, query: str, start: int) -> list[Any]:
    """Rows from row id `start` on; text that is not UTF-8 stays bytes, so that only its row is refused."""
    try:
        return base.execute(query, (start,)).fetchall()
    except sqlite3.OperationalError as error:
        if "UTF-8" not in str(error):
            raise
        base.text_factory = _text
        return base.execute(query, (start,)).fetchall()


def _has_places(base: sqlite3.Connection, table: str, column: str) -> bool:
    query = f"SELECT 1 FROM {_name(table)} WHERE {_name(column)} IS NOT NULL LIMIT 1"
    return base.execute(query).fetchone() is not None or not _has_rows(base, table)


def _has_rows(base: sqlite3.Connection, table: str) -> bool:
    return base.execute(f"SELECT 1 FROM {_name(table)} LIMIT 1").fetchone() is not None


def _chunk(file: SourceFile, content: Content, attributes: list[tuple[str, str]], rows: list[Any]) -> Layer:
    values = list(zip(*rows, strict=True)) or [()] * (len(attributes) + 2)
    columns = {name: _typed(values[i], kind) for i, (name, kind) in enumerate(attributes, start=2)}
    fids = list(values[0])
    found = shapes([_wkb(blob) for blob in values[1]], lambda which: _linear(file, content[0], fids, which))
    return Layer(
        content[0], fids, found.geometry, columns, None, found.faults, encoding="UTF-8", notes=found.notes
    )


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _typed(values: tuple[Any, ...], kind: str) -> list[Any]:
    """A BOOLEAN column holds 0 and 1 in SQLite."""
    return [bool(v) if v in (0, 1) else v for v in values] if kind == "BOOLEAN" else list(values)


def _wkb(blob: Any) -> bytes | None:
    """The WKB inside a GeoPackage geometry, None where there is none; no bytes at all where its header is broken."""
    if blob is None:
        return None
    if not isinstance(blob, bytes) or len(blob) < 13 or not blob.startswith(b"GP"):
        return b""
    size = ENVELOPE_BYTES.get((blob[3] >> 1) & 7)
    return b"" if size is None else blob[8 + size :]


def _linear(file: SourceFile, table: str, fids: list[int], which: list[int]) -> dict[int, Any]:
    """Position → geometry with its curves made linear by GDAL, which is told only of a file of known bytes."""
    return linear(file.path, ".gpkg", table, {fids[i]: i for i in which})


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
    # A local or "undefined" system says only that nobody knows; but for those that bear the name of a city's own.
    if "(fingerprint " in str(definition):
        return str(definition)
    unknown = ("", "undefined", "unknown", "local_cs", "engcrs", "engineeringcrs")
    start = str(definition or "").strip().lower().split("[")[0]
    return None if start in unknown else definition
