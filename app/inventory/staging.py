"""Moves prepared rows into the tables: COPY, comparison with what is stored, history, update and insert by code.

All names in these statements come from the catalogue; all values are copied or bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from app.inventory.changes import raw
from app.inventory.prepare import Prepared
from app.inventory.tables import SCHEMA

Cursor = psycopg.Cursor[Any]


@dataclass(frozen=True, slots=True)
class Diff:
    """What a staged batch would do: `new` rows not stored yet, `changed` rows stored otherwise."""

    new: int
    changed: int


def is_empty(conn: Connection, class_id: str) -> bool:
    """Whether the class has neither current rows nor history."""
    query = sql.SQL("SELECT NOT EXISTS (SELECT FROM {}) AND NOT EXISTS (SELECT FROM {})").format(
        _table(class_id), _table(class_id, history=True)
    )
    row = raw(conn).execute(query).fetchone()
    return bool(row and row[0])


def load_first(conn: Connection, rows: Prepared, change_id: int, import_id: UUID | None) -> None:
    """Copy rows straight into an empty class, without history."""
    size = len(rows)
    columns = {**rows.columns, "change_id": [change_id] * size, "import_id": [_text(import_id)] * size}
    with raw(conn).cursor() as cursor:
        _copy(cursor, _table(rows.cls.id), columns)


def stage(conn: Connection, rows: Prepared) -> None:
    """Copy rows to a temporary table of their own, dropped with the transaction."""
    staging = _staging(rows.cls.id)
    with raw(conn).cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}, {}").format(staging, _diff(rows.cls.id)))
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                staging, _names(rows.columns), _table(rows.cls.id)
            )
        )
        _copy(cursor, staging, rows.columns)
        cursor.execute(sql.SQL("ANALYZE {}").format(staging))


def compare(conn: Connection, rows: Prepared) -> Diff:
    """Find, under the class's lock, the staged rows that are new or differ from the stored ones."""
    given = [name for name in rows.given if name != "code"]
    query = sql.SQL(
        "CREATE TEMP TABLE {diff} ON COMMIT DROP AS SELECT s.code, t.id FROM {staging} s "
        "LEFT JOIN {table} t ON t.code = s.code WHERE t.id IS NULL OR ({stored}) IS DISTINCT FROM ({staged})"
    ).format(
        diff=_diff(rows.cls.id),
        staging=_staging(rows.cls.id),
        table=_table(rows.cls.id),
        stored=_names(given, "t"),
        staged=_names(given, "s"),
    )
    count = sql.SQL("SELECT count(*) FILTER (WHERE id IS NULL), count(id) FROM {}").format(_diff(rows.cls.id))
    with raw(conn).cursor() as cursor:
        cursor.execute(query)
        new, changed = cursor.execute(count).fetchone() or (0, 0)
    return Diff(new, changed)


def apply(conn: Connection, rows: Prepared, diff: Diff, change_id: int, import_id: UUID | None) -> None:
    """Write what `compare` found: old versions to the history, changed rows in place, new rows in the batch's order."""
    with raw(conn).cursor() as cursor:
        if diff.changed:
            _keep_old(cursor, rows, change_id)
            _update(cursor, rows, change_id, import_id)
        if diff.new:
            _insert(cursor, rows, change_id, import_id)


def _keep_old(cursor: Cursor, rows: Prepared, change_id: int) -> None:
    where = sql.SQL("id IN (SELECT id FROM {})").format(_diff(rows.cls.id))
    copy_to_history(cursor, rows.cls.id, table_columns(cursor, rows.cls.id), change_id, where)


def copy_to_history(
    cursor: Cursor, class_id: str, columns: Sequence[str], change_id: int, where: sql.Composable
) -> None:
    """Keep the current versions of rows that `where` names as ended by a change."""
    cursor.execute(
        sql.SQL("INSERT INTO {} ({}, until_change) SELECT {}, %s FROM {} WHERE {}").format(
            _table(class_id, history=True), _names(columns), _names(columns), _table(class_id), where
        ),
        (change_id,),
    )


def table_columns(cursor: Cursor, class_id: str) -> list[str]:
    """The column names of a class's table as they stand in the database, also those of later revisions."""
    query = sql.SQL(
        "SELECT attname FROM pg_attribute WHERE attrelid = {}::regclass AND attnum > 0 AND NOT attisdropped "
        "ORDER BY attnum"
    ).format(sql.Literal(_table(class_id).as_string(cursor)))
    return [row[0] for row in cursor.execute(query).fetchall()]


def _update(cursor: Cursor, rows: Prepared, change_id: int, import_id: UUID | None) -> None:
    pairs = sql.SQL(", ").join(
        sql.SQL("{} = s.{}").format(sql.Identifier(name), sql.Identifier(name))
        for name in rows.columns
        if name != "code"
    )
    query = sql.SQL(
        "UPDATE {} t SET {}, change_id = %s, import_id = %s FROM {} s JOIN {} d ON d.code = s.code WHERE d.id = t.id"
    ).format(_table(rows.cls.id), pairs, _staging(rows.cls.id), _diff(rows.cls.id))
    cursor.execute(query, (change_id, import_id))


def _insert(cursor: Cursor, rows: Prepared, change_id: int, import_id: UUID | None) -> None:
    query = sql.SQL(
        "INSERT INTO {} ({}, change_id, import_id) SELECT {}, %s, %s FROM {} s JOIN {} d ON d.code = s.code "
        "WHERE d.id IS NULL ORDER BY s.ctid"
    ).format(
        _table(rows.cls.id),
        _names(rows.columns),
        _names(rows.columns, "s"),
        _staging(rows.cls.id),
        _diff(rows.cls.id),
    )
    cursor.execute(query, (change_id, import_id))


def find_stored(
    conn: Connection, class_id: str, fields: Sequence[str], codes: Sequence[str]
) -> dict[str, list[Any]]:
    """Stored values of fields for codes (n,), field → n values, None where the code is not stored."""
    query = sql.SQL("SELECT code, {} FROM {} WHERE code = ANY(%s)").format(_names(fields), _table(class_id))
    found = {row[0]: row[1:] for row in raw(conn).execute(query, (list(codes),)).fetchall()}
    nothing = (None,) * len(fields)
    rows = [found.get(code, nothing) for code in codes]
    return {name: [row[place] for row in rows] for place, name in enumerate(fields)}


def update_columns(conn: Connection, class_id: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Set derived columns of stored rows in place, without a new version; `columns` has `id` first."""
    staging = sql.Identifier(f"derived_{class_id}")
    names = [name for name in columns if name != "id"]
    pairs = sql.SQL(", ").join(
        sql.SQL("{} = s.{}").format(sql.Identifier(name), sql.Identifier(name)) for name in names
    )
    with raw(conn).cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(staging))
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                staging, _names(columns), _table(class_id)
            )
        )
        _copy(cursor, staging, columns)
        cursor.execute(sql.SQL("ANALYZE {}").format(staging))
        cursor.execute(
            sql.SQL("UPDATE {} t SET {} FROM {} s WHERE s.id = t.id").format(_table(class_id), pairs, staging)
        )


def analyze(conn: Connection, class_id: str) -> None:
    """Tell the planner what a class holds now, after many of its rows were written."""
    raw(conn).execute("SELECT city.analyze_class(%s)", (class_id,))


def delete_rows(conn: Connection, class_id: str, codes: Sequence[str], change_id: int) -> int:
    """Take rows out of the class and keep their versions as ended by the change; the number of rows taken out."""
    where = sql.SQL("code = ANY({})").format(sql.Literal(list(codes)))
    with raw(conn).cursor() as cursor:
        copy_to_history(cursor, class_id, table_columns(cursor, class_id), change_id, where)
        cursor.execute(sql.SQL("DELETE FROM {} WHERE {}").format(_table(class_id), where))
        return cursor.rowcount


def _copy(cursor: Cursor, table: sql.Composable, columns: Mapping[str, Sequence[Any]]) -> None:
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, _names(columns))) as copy:
        for row in zip(*columns.values(), strict=True):
            copy.write_row(row)


def _table(class_id: str, *, history: bool = False) -> sql.Identifier:
    return sql.Identifier(SCHEMA, f"{class_id}_history" if history else class_id)


def _staging(class_id: str) -> sql.Identifier:
    return sql.Identifier(f"staging_{class_id}")


def _diff(class_id: str) -> sql.Identifier:
    return sql.Identifier(f"diff_{class_id}")


def _names(columns: Iterable[str], alias: str | None = None) -> sql.Composable:
    names = (sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in columns)
    return sql.SQL(", ").join(names)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
