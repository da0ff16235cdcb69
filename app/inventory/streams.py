"""All rows that a query asks for, as one COPY in one snapshot: made by the database, in blocks of whole rows.

COPY runs ahead of who reads by no more than the socket holds, so that a million rows take no more memory than a
thousand. Its statement cannot have values bound by the server: the driver writes them into it as literals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn
from sqlalchemy import Connection, text

from app.catalogue.model import FeatureClass
from app.inventory.boxes import projected
from app.inventory.changes import raw
from app.inventory.copy_arrow import RowBlock
from app.inventory.ordering import order_by
from app.inventory.pages import Rows
from app.inventory.tables import table_name
from app.space.served_crs import served_crs

#: The first block is sent as soon as there is something, the others are large enough to cost little each.
FIRST_BYTES, BLOCK_BYTES = 8 * 1024, 512 * 1024
#: Tables are made of larger ones: each has many columns, and each column costs something of its own.
TABLE_BYTES = 2 * 1024 * 1024
#: What begins each text of a sequence (RFC 7464 §2.2).
RECORD_SEPARATOR = "\x1e"
#: COPY with quotes and separators that no JSON text holds: it escapes all control characters.
_AS_IT_IS = "FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02'"
#: What `copy_arrow` reads of each type of the catalogue; all others are text.
_SQL_TYPES = {
    "integer": "bigint", "number": "double precision", "boolean": "boolean", "date": "date",
    "datetime": "timestamptz",
}  # fmt: skip
#: What makes a cell a formula to a spreadsheet (as `catalogue.export_names.quoted`); few texts begin below 'A'.
_FORMULA = "E'^''*[=+@\\t\\r-]'"


@dataclass(frozen=True, slots=True)
class StreamColumn:
    """A column of a stream: its name, its type as the catalogue names it, and what it is as SQL over a row."""

    name: str
    type: str
    sql: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is streamed: `rows` in their order, at most `limit`; `feature` is the GeoJSON text of one as SQL over a row.

    `columns` are those of tables, the id first. `srid` is the system of the coordinates, x before y in all tables;
    `geometry_type` the simple-feature type of the shapes, `Unknown` where there are several.
    """

    name: str
    title: str
    rows: Rows
    columns: tuple[StreamColumn, ...]
    feature: str
    geometry_type: str
    srid: int = 4326
    limit: int | None = None


def count_rows(conn: Connection, cls: FeatureClass) -> int:
    """How many current features a class has."""
    return int(conn.execute(text(f"SELECT count(*) FROM {table_name(cls)}")).scalar_one())


def geojson_blocks(conn: Connection, selection: Selection) -> Iterator[bytes]:
    """A sequence of GeoJSON texts (RFC 8142)."""
    return _texts(conn, selection, [f"chr({ord(RECORD_SEPARATOR)}) || {selection.feature}"], _AS_IT_IS)


def csv_blocks(conn: Connection, selection: Selection) -> Iterator[bytes]:
    """Lines of CSV after one of names: the place (lon and lat of points, else WKT), then the columns.

    Text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    crs = served_crs(selection.srid)
    shape = projected("geom", crs)
    if selection.geometry_type == "Point":
        names = ("lon", "lat") if crs.stored else ("x", "y")
        places = [f'ST_X({shape}) AS "{names[0]}"', f'ST_Y({shape}) AS "{names[1]}"']
    else:
        places = [f"ST_AsText({shape}) AS wkt"]
    cells = [f'{_cell(column)} AS "{column.name}"' for column in selection.columns]
    return _texts(conn, selection, [*places, *cells], "FORMAT csv, HEADER")


def table_blocks(conn: Connection, selection: Selection) -> Iterator[RowBlock]:
    """Rows of binary COPY: the columns, then the shape as WKB."""
    cells = [_plain(column) for column in selection.columns]
    shape = f"ST_AsBinary({projected('geom', served_crs(selection.srid))})"
    blocks = _copied(conn, selection, [*cells, shape], "FORMAT binary", TABLE_BYTES)
    for block in blocks:
        block.trim()
        yield block


def _plain(column: StreamColumn) -> str:
    """A value of the width that `copy_arrow` reads of its type."""
    return f"({column.sql})::{_SQL_TYPES.get(column.type, 'text')}"


def _cell(column: StreamColumn) -> str:
    """A value as CSV has it."""
    match column.type:
        case "text":
            value = f"({column.sql})::text"
            formula = f"{value} COLLATE \"C\" < 'A' AND {value} ~ {_FORMULA}"
            return f"CASE WHEN {formula} THEN '''' || {value} ELSE {value} END"
        case "boolean":
            return f"({column.sql})::text"
        case "datetime":
            return f"to_char({column.sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        case _:
            return column.sql


def _texts(
    conn: Connection, selection: Selection, expressions: Sequence[str], options: str
) -> Iterator[bytes]:
    return (bytes(block.data) for block in _copied(conn, selection, expressions, options, BLOCK_BYTES))


def _copied(
    conn: Connection, selection: Selection, expressions: Sequence[str], options: str, block_bytes: int
) -> Iterator[RowBlock]:
    """The rows as they came, in blocks; what the first one fails at is raised before anything is given."""
    rows = selection.rows
    values: Mapping[str, Any] = {**rows.values, "rows": selection.limit}
    limit = "" if selection.limit is None else " LIMIT %(rows)s"
    statement = (
        f"COPY (SELECT {', '.join(expressions)} FROM {rows.source} v WHERE {rows.where} "
        f"ORDER BY {order_by(rows.keys)}{limit}) TO STDOUT ({options})"
    )
    if rows.where == "TRUE" and not rows.keys:
        # The whole table along its key begins at once; the planner may like a sort better, which would not.
        conn.execute(text("SET LOCAL enable_sort = off"))
    return _blocks(conn, statement, values, block_bytes)


def _blocks(
    conn: Connection, statement: str, values: Mapping[str, Any], block_bytes: int
) -> Iterator[RowBlock]:
    enough, block = FIRST_BYTES, RowBlock()
    with raw(conn).cursor() as cursor, cursor.copy(statement.encode(), values) as copy:
        # The driver waits for a row; those that came with it are taken at a fifth of what it costs.
        while line := copy.read():
            block.add(line)
            ended = False
            while not ended:
                ended = _take(copy.connection.pgconn, block, enough)
                if len(block.data) < enough:
                    break
                yield block
                enough, block = block_bytes, RowBlock()
            if ended:
                _check_end(copy.connection.pgconn)
                break
    if block.data:
        yield block


def _take(driver: PGconn, block: RowBlock, enough: int) -> bool:
    """Add rows that are there until the block has so many bytes; whether there are no more at all."""
    size, add = 0, block.add
    while len(block.data) < enough:
        size, line = driver.get_copy_data(1)
        if size <= 0:
            break
        add(line)
    return size < 0


def _check_end(driver: PGconn) -> None:
    """Take the result that stands behind the last row; raises what the statement failed at."""
    result = driver.get_result()
    while driver.get_result() is not None:
        pass
    if result is not None and result.status != ExecStatus.COMMAND_OK:
        raise error_from_result(result)
