"""Writes staged rows that bear a time in the world: each replaces what was believed of its days, other days stay."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import sql
from sqlalchemy import Connection

from app.inventory.changes import raw
from app.inventory.prepare import Prepared
from app.inventory.rewrite import Cursor, begin, believed, finish, names, table, table_columns, temporary
from app.inventory.staging import Diff


def compare(conn: Connection, rows: Prepared) -> Diff:
    """Find, under the class's lock, the staged rows that tell more than is believed of their days."""
    cls = rows.cls
    given = [name for name in rows.given if name not in {"code", "valid"}]
    query = sql.SQL(
        "CREATE TEMP TABLE {diff} ON COMMIT DROP AS SELECT s.code, s.valid, c.id, c.new "
        "FROM {staging} s JOIN {coded} c ON c.code = s.code WHERE c.new OR NOT EXISTS (SELECT FROM {believed} v "
        "WHERE v.id = c.id AND v.valid @> s.valid AND ({stored}) IS NOT DISTINCT FROM ({staged}))"
    ).format(
        diff=temporary("diff", cls),
        staging=temporary("staging", cls),
        coded=temporary("coded", cls),
        believed=believed(cls, ["id", "valid", *given]),
        stored=names(given, "v"),
        staged=names(given, "s"),
    )
    count = sql.SQL("SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new) FROM {}")
    with raw(conn).cursor() as cursor:
        _find_ids(cursor, rows)
        cursor.execute(query)
        cursor.execute(sql.SQL("ANALYZE {}").format(temporary("diff", cls)))
        new, changed = cursor.execute(count.format(temporary("diff", cls))).fetchone() or (0, 0)
    return Diff(new, changed)


def _find_ids(cursor: Cursor, rows: Prepared) -> None:
    """One id for each code: that of the feature believed in, now or at another time, else a new one."""
    cls, coded = rows.cls, temporary("coded", rows.cls)
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(coded))
    cursor.execute(
        sql.SQL(
            "CREATE TEMP TABLE {coded} ON COMMIT DROP AS SELECT code, id, id IS NULL AS new FROM "
            "(SELECT s.code, coalesce(t.id, (SELECT max(h.id) FROM {history} h WHERE h.code = s.code "
            "AND h.until_change IS NULL)) AS id FROM (SELECT DISTINCT code FROM {staging}) s "
            "LEFT JOIN {table} t ON t.code = s.code) found"
        ).format(
            coded=coded, history=table(cls, history=True), staging=temporary("staging", cls), table=table(cls)
        )
    )
    sequence = sql.Literal(table(cls).as_string(cursor))
    cursor.execute(
        sql.SQL("UPDATE {} SET id = nextval(pg_get_serial_sequence({}, 'id')) WHERE new").format(
            coded, sequence
        )
    )
    cursor.execute(sql.SQL("ANALYZE {}").format(coded))


def apply(conn: Connection, rows: Prepared, change_id: int, import_id: UUID | None) -> None:
    """Write what `compare` found. A column that the batch lacks stays on each day as it is believed of that day."""
    cls = rows.cls
    with raw(conn).cursor() as cursor:
        begin(cursor, cls)
        cursor.execute(
            sql.SQL("INSERT INTO {} SELECT id, valid FROM {}").format(
                temporary("claim", cls), temporary("diff", cls)
            )
        )
        columns = [name for name in table_columns(cursor, cls) if name not in {"change_id", "import_id"}]
        kept = [name for name in columns if name not in rows.columns and name != "id"]
        query = sql.SQL(
            "INSERT INTO {version} ({columns}, import_id) SELECT {values}, %s FROM {diff} d "
            "JOIN {staging} s ON s.code = d.code AND s.valid = d.valid CROSS JOIN LATERAL ({parts}) b"
        ).format(
            version=temporary("version", cls),
            columns=names(columns),
            values=sql.SQL(", ").join(_value(name, kept) for name in columns),
            diff=temporary("diff", cls),
            staging=temporary("staging", cls),
            parts=_parts(rows, kept),
        )
        cursor.execute(query, (import_id,))
        finish(cursor, cls, change_id)


def _value(name: str, kept: Sequence[str]) -> sql.Composable:
    if name == "valid":
        return sql.SQL("b.part")
    return sql.Identifier("d" if name == "id" else "b" if name in kept else "s", name)


def _parts(rows: Prepared, kept: Sequence[str]) -> sql.Composed:
    """The days of a row with what is believed on them of the columns that it lacks, one part for each state of these.

    On days of which nothing is believed they are as on the first day of which something is.
    """
    if not kept:
        return sql.SQL("SELECT s.valid AS part").format()
    source = believed(rows.cls, [*kept, "id", "valid"])
    return sql.SQL(
        "SELECT {kept}, unnest(range_agg(part)) AS part FROM ("
        "SELECT {kept}, v.valid * s.valid AS part FROM {source} v WHERE v.id = d.id AND v.valid && s.valid "
        "UNION ALL SELECT {first}, unnest(datemultirange(s.valid) - coalesce("
        "(SELECT range_agg(v.valid) FROM {source} v WHERE v.id = d.id AND v.valid && s.valid), '{{}}')) "
        "FROM (SELECT) one LEFT JOIN LATERAL (SELECT {kept} FROM {source} v WHERE v.id = d.id AND v.valid && s.valid "
        "ORDER BY v.valid LIMIT 1) f ON TRUE) parts GROUP BY {kept}"
    ).format(kept=names(kept), first=names(kept, "f"), source=source)
