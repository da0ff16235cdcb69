"""One stored row for an edit, as its table holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from psycopg import sql
from psycopg.rows import dict_row
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory.changes import raw
from app.inventory.rewrite import names, table


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A current row: `fields` name → value, `shown` all its columns as JSON values, `shape` in lon/lat."""

    id: int
    code: str
    change_id: int
    fields: Mapping[str, Any]
    shown: Mapping[str, Any]
    shape: shapely.Geometry
    incomplete: bool


def bound_waiting(conn: Connection, seconds: float) -> None:
    """Let the transaction wait for a lock no longer than this."""
    raw(conn).execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{int(seconds * 1000)}ms")))


def find_row(conn: Connection, cls: FeatureClass, item: int) -> StoredRow | None:
    """The current row with an id, None where there is none."""
    if not 0 < item < 2**63:
        return None
    fields = [field.name for field in cls.fields]
    query = sql.SQL(
        "SELECT code AS code_, change_id AS change_id_, ST_AsBinary(geom) AS geom_, incomplete AS incomplete_, "
        "(to_jsonb(v) - 'geom') || jsonb_build_object('valid_from', lower(valid), 'valid_to', upper(valid)) AS shown_, "
        "{} FROM {} v WHERE id = %s"
    ).format(names(fields), table(cls))
    with raw(conn).cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query, [item]).fetchone()
    if row is None:
        return None
    (shape,) = shapely.from_wkb([row["geom_"]])
    return StoredRow(
        item, row["code_"], row["change_id_"], {name: row[name] for name in fields}, row["shown_"],
        shape, row["incomplete_"],
    )  # fmt: skip


def find_version(conn: Connection, cls: FeatureClass, item: int) -> tuple[int, str | None] | None:
    """The last change of the current row with an id and the day since when it holds, None where there is none.

    One change may write several versions of a feature; a day that passes makes another one of them the current row.
    """
    query = sql.SQL("SELECT change_id, lower(valid)::text FROM {} WHERE id = %s").format(table(cls))
    row = raw(conn).execute(query, [item]).fetchone()
    return None if row is None else (row[0], row[1])


def looks_empty(conn: Connection, cls: FeatureClass) -> bool:
    """Whether no page of the class was ever written, so that a first load may be under way.

    A look at the rows would hold their table until the transaction ends, and a load could not take its place.
    """
    query = "SELECT pg_relation_size(format('%%I.%%I', %s::text, %s::text)::regclass) = 0"
    row = raw(conn).execute(query, [cls.schema, cls.id]).fetchone()
    return bool(row and row[0])


def find_versions(conn: Connection, cls: FeatureClass, codes: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Code → id and last change of the current rows that bear these codes."""
    query = sql.SQL("SELECT code, id, change_id FROM {} WHERE code = ANY(%s)").format(table(cls))
    return {row[0]: (row[1], row[2]) for row in raw(conn).execute(query, [list(codes)])}
