"""Moves prepared rows into the tables: COPY, comparison with what is stored, history, update and insert by code.

All names in these statements come from the catalogue; all values are copied or bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory.batch import Period
from app.inventory.changes import raw
from app.inventory.periods import today
from app.inventory.prepare import Prepared
from app.inventory.rewrite import (
    Cursor,
    begin,
    believed,
    claim_codes,
    finish,
    names,
    table,
    table_columns,
    temporary,
)


@dataclass(frozen=True, slots=True)
class Diff:
    """What a staged batch would do: `new` rows not stored yet, `changed` rows stored otherwise."""

    new: int
    changed: int


def is_empty(conn: Connection, cls: FeatureClass) -> bool:
    """Whether the class has neither current rows nor history."""
    query = sql.SQL("SELECT NOT EXISTS (SELECT FROM {}) AND NOT EXISTS (SELECT FROM {})").format(
        table(cls), table(cls, history=True)
    )
    row = raw(conn).execute(query).fetchone()
    return bool(row and row[0])


def load_first(conn: Connection, rows: Prepared, change_id: int, import_id: UUID | None) -> None:
    """Copy rows straight into an empty class, without history."""
    size = len(rows)
    columns = {**rows.columns, "change_id": [change_id] * size, "import_id": [_text(import_id)] * size}
    with raw(conn).cursor() as cursor:
        _copy(cursor, table(rows.cls), columns)


def stage(conn: Connection, rows: Prepared) -> None:
    """Copy rows to a temporary table of their own, dropped with the transaction."""
    staging = temporary("staging", rows.cls)
    with raw(conn).cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}, {}").format(staging, temporary("diff", rows.cls)))
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                staging, names(rows.columns), table(rows.cls)
            )
        )
        _copy(cursor, staging, rows.columns)
        cursor.execute(sql.SQL("ANALYZE {}").format(staging))


def compare(conn: Connection, rows: Prepared) -> Diff:
    """Find, under the class's lock, the staged rows that are new or differ from the stored ones.

    A feature that is believed at other times only is there again, for the days until the next of them.
    """
    given = [name for name in rows.given if name != "code"]
    query = sql.SQL(
        "CREATE TEMP TABLE {diff} ON COMMIT DROP AS SELECT s.code, t.id, other.id AS known, other.gap FROM {staging} s "
        "LEFT JOIN {table} t ON t.code = s.code LEFT JOIN LATERAL (SELECT max(h.id) AS id, "
        "daterange(max(upper(h.valid)) FILTER (WHERE upper(h.valid) <= %(today)s), "
        "min(lower(h.valid)) FILTER (WHERE lower(h.valid) > %(today)s)) AS gap FROM {history} h "
        "WHERE t.id IS NULL AND h.code = s.code AND h.until_change IS NULL) other ON TRUE "
        "WHERE t.id IS NULL OR ({stored}) IS DISTINCT FROM ({staged})"
    ).format(
        diff=temporary("diff", rows.cls),
        staging=temporary("staging", rows.cls),
        table=table(rows.cls),
        history=table(rows.cls, history=True),
        stored=names(given, "t"),
        staged=names(given, "s"),
    )
    count = sql.SQL("SELECT count(*) FILTER (WHERE id IS NULL), count(id) FROM {}").format(
        temporary("diff", rows.cls)
    )
    with raw(conn).cursor() as cursor:
        cursor.execute(query, {"today": today()})
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
    where = sql.SQL("id IN (SELECT id FROM {})").format(temporary("diff", rows.cls))
    columns = names(table_columns(cursor, rows.cls))
    cursor.execute(
        sql.SQL("INSERT INTO {} ({}, until_change) SELECT {}, %s FROM {} WHERE {}").format(
            table(rows.cls, history=True), columns, columns, table(rows.cls), where
        ),
        (change_id,),
    )


def _update(cursor: Cursor, rows: Prepared, change_id: int, import_id: UUID | None) -> None:
    pairs = sql.SQL(", ").join(
        sql.SQL("{} = s.{}").format(sql.Identifier(name), sql.Identifier(name))
        for name in rows.columns
        if name != "code"
    )
    query = sql.SQL(
        "UPDATE {} t SET {}, change_id = %s, import_id = %s FROM {} s JOIN {} d ON d.code = s.code WHERE d.id = t.id"
    ).format(table(rows.cls), pairs, temporary("staging", rows.cls), temporary("diff", rows.cls))
    cursor.execute(query, (change_id, import_id))


def _insert(cursor: Cursor, rows: Prepared, change_id: int, import_id: UUID | None) -> None:
    query = sql.SQL(
        "INSERT INTO {} (id, valid, {}, change_id, import_id) SELECT "
        "coalesce(known, nextval(pg_get_serial_sequence({}, 'id'))), gap, {}, %s, %s FROM "
        "(SELECT d.known, d.gap, s.* FROM {} s JOIN {} d ON d.code = s.code WHERE d.id IS NULL ORDER BY s.ctid) new"
    ).format(
        table(rows.cls),
        names(rows.columns),
        sql.Literal(table(rows.cls).as_string(cursor)),
        names(rows.columns, "new"),
        temporary("staging", rows.cls),
        temporary("diff", rows.cls),
    )
    cursor.execute(query, (change_id, import_id))


def find_stored(
    conn: Connection, cls: FeatureClass, fields: Sequence[str], codes: Sequence[str]
) -> dict[str, list[Any]]:
    """Stored values of fields for codes (n,), field → n values, None where the code is not stored."""
    query = sql.SQL("SELECT code, {} FROM {} WHERE code = ANY(%s)").format(names(fields), table(cls))
    found = {row[0]: row[1:] for row in raw(conn).execute(query, (list(codes),)).fetchall()}
    nothing = (None,) * len(fields)
    rows = [found.get(code, nothing) for code in codes]
    return {name: [row[place] for row in rows] for place, name in enumerate(fields)}


def believed_codes(conn: Connection, cls: FeatureClass, codes: Sequence[str]) -> set[str]:
    """Those of the codes that a feature bears, now or at another time that is believed."""
    query = sql.SQL("SELECT DISTINCT code FROM {} v WHERE code = ANY(%s)").format(believed(cls, ["code"]))
    return {row[0] for row in raw(conn).execute(query, (list(codes),)).fetchall()}


def update_columns(
    conn: Connection,
    cls: FeatureClass,
    columns: Mapping[str, Sequence[Any]],
    key: Sequence[str] = ("id",),
    *,
    history: bool = False,
) -> None:
    """Set derived columns of stored rows in place, without a new version; `columns` has those of the `key` too."""
    staging, target = temporary("derived", cls), table(cls, history=history)
    derived = [name for name in columns if name not in key]
    same = sql.SQL(" AND ").join(
        sql.SQL("s.{} = t.{}").format(sql.Identifier(name), sql.Identifier(name)) for name in key
    )
    pairs = sql.SQL(", ").join(
        sql.SQL("{} = s.{}").format(sql.Identifier(name), sql.Identifier(name)) for name in derived
    )
    with raw(conn).cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(staging))
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                staging, names(columns), target
            )
        )
        _copy(cursor, staging, columns)
        cursor.execute(sql.SQL("ANALYZE {}").format(staging))
        cursor.execute(sql.SQL("UPDATE {} t SET {} FROM {} s WHERE {}").format(target, pairs, staging, same))


def analyze(conn: Connection, cls: FeatureClass) -> None:
    """Tell the planner what a class holds now, after many of its rows were written."""
    raw(conn).execute("SELECT city.analyze_class(%s, %s)", (cls.schema, cls.id))


def end_rows(
    conn: Connection, cls: FeatureClass, codes: Sequence[str], change_id: int, period: Period = (None, None)
) -> None:
    """Withdraw what is believed of features for a time, by default for all days: they were never there."""
    with raw(conn).cursor() as cursor:
        begin(cursor, cls)
        claim_codes(cursor, cls, codes, period)
        finish(cursor, cls, change_id)


def _copy(cursor: Cursor, table: sql.Composable, columns: Mapping[str, Sequence[Any]]) -> None:
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, names(columns))) as copy:
        for row in zip(*columns.values(), strict=True):
            copy.write_row(row)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
