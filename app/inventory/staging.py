"""Moves rows into the tables: COPY, comparison with what is stored, history, update and insert by code.

All names in these statements come from the catalogue; all values are copied or bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import sql
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.errors import BadInput
from app.inventory.batch import Period
from app.inventory.changes import raw
from app.inventory.copy_binary import HEAD, TAIL, Rows, Values, constant, encoded
from app.inventory.periods import today
from app.inventory.prepare import Prepared
from app.inventory.rewrite import (
    Cursor,
    begin,
    believed,
    check_written,
    claim_codes,
    copy_into,
    finish,
    guarded_copy,
    names,
    remake,
    table,
    table_columns,
    temporary,
)

#: Rows that are read back, computed and copied at a time.
CHUNK = 50_000
#: So many are read at once: a cursor takes three more questions.
FEW_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Diff:
    """What a staged batch would do: `new` rows not stored yet, `changed` rows stored otherwise."""

    new: int
    changed: int


def is_empty(conn: Connection, cls: FeatureClass) -> bool:
    """Whether the class has neither current rows nor history, seen or not."""
    row = raw(conn).execute("SELECT city.is_empty(%s, %s)", [cls.schema, cls.id]).fetchone()
    return bool(row and row[0])


def load_first(conn: Connection, rows: Prepared, change_id: int, import_id: UUID | None) -> None:
    """Copy rows straight into an empty class, without history."""
    with raw(conn).cursor() as cursor:
        copy_guarded(cursor, table(rows.cls), {**rows.columns, **written_by(change_id, import_id)})


def written_by(change_id: int, import_id: UUID | None) -> dict[str, Values]:
    """The columns that tell which change wrote a row."""
    return {
        "change_id": constant(change_id.to_bytes(8)),
        "import_id": constant(None if import_id is None else import_id.bytes),
    }


def stage(conn: Connection, rows: Prepared) -> None:
    """Copy rows to a temporary table of their own, dropped with the transaction."""
    with raw(conn).cursor() as cursor:
        _make(cursor, rows.cls, list(rows.columns))
        copy_rows(cursor, temporary("staging", rows.cls), rows.columns)
        cursor.execute(sql.SQL("ANALYZE {}").format(temporary("staging", rows.cls)))


def make_staging(conn: Connection, cls: FeatureClass) -> None:
    """An empty temporary table for whatever columns the chunks of a batch bring."""
    with raw(conn).cursor() as cursor:
        _make(cursor, cls, given_names(cls))


def given_names(cls: FeatureClass) -> list[str]:
    """The columns that a batch may give."""
    return ["code", *(item.name for item in cls.fields), "geom", "incomplete", "extra"]


def _make(cursor: Cursor, cls: FeatureClass, columns: Sequence[str]) -> None:
    staging = temporary("staging", cls)
    remake(
        cursor,
        [staging, *(temporary(kind, cls) for kind in ("diff", "chunk"))],
        sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            staging, names(columns), table(cls)
        ),
    )


def close_staging(conn: Connection, cls: FeatureClass) -> None:
    """Tell the planner of the rows that were staged."""
    raw(conn).execute(sql.SQL("ANALYZE {} (code)").format(temporary("staging", cls)))


def doubled(cls: FeatureClass, code: str) -> BadInput:
    """What is said of a code that two rows bear."""
    return BadInput(
        f"The code '{code}' stands more than once among the {cls.id}.",
        "Give each object a code of its own, or name another key with --key.",
    )


def compare(conn: Connection, cls: FeatureClass, given: Sequence[str]) -> Diff:
    """Find the staged rows that are new or differ from the stored ones in one of the `given` columns.

    A feature that is believed at other times only is there again, for the days until the next of them.
    """
    compared = [name for name in given if name != "code"]
    query = sql.SQL(
        "CREATE TEMP TABLE {diff} ON COMMIT DROP AS SELECT s.code, t.id, other.id AS known, other.gap FROM {staging} s "
        "LEFT JOIN {table} t ON t.code = s.code LEFT JOIN LATERAL (SELECT max(h.id) AS id, "
        "daterange(max(upper(h.valid)) FILTER (WHERE upper(h.valid) <= {today}), "
        "min(lower(h.valid)) FILTER (WHERE lower(h.valid) > {today})) AS gap FROM {history} h "
        "WHERE t.id IS NULL AND h.code = s.code AND h.until_change IS NULL) other ON TRUE "
        "WHERE t.id IS NULL OR ({stored}) IS DISTINCT FROM ({staged})"
    ).format(
        diff=temporary("diff", cls),
        staging=temporary("staging", cls),
        table=table(cls),
        history=table(cls, history=True),
        stored=names(compared, "t"),
        staged=names(compared, "s"),
        today=sql.Literal(today()),
    )
    count = sql.SQL("SELECT count(*) FILTER (WHERE id IS NULL), count(id) FROM {}").format(
        temporary("diff", cls)
    )
    told = sql.SQL("ANALYZE {} (code)").format(temporary("staging", cls))
    found = sql.SQL("ANALYZE {}").format(temporary("diff", cls))
    with raw(conn).cursor() as cursor:
        remake(cursor, [temporary("diff", cls)], told, query, found, count)
        new, changed = cursor.fetchone() or (0, 0)
    return Diff(new, changed)


def is_overtaken(conn: Connection, cls: FeatureClass, version: int) -> bool:
    """Whether a change after `version` wrote to a staged code, or took away what bore it."""
    query = sql.SQL(
        "SELECT EXISTS (SELECT FROM {staging} s JOIN {table} t ON t.code = s.code WHERE t.change_id > %(version)s) "
        "OR EXISTS (SELECT FROM {history} h JOIN {staging} s ON s.code = h.code WHERE h.until_change > %(version)s) "
        "OR EXISTS (SELECT FROM {staging} s JOIN {history} h ON h.code = s.code "
        "WHERE h.until_change IS NULL AND h.change_id > %(version)s)"
    ).format(staging=temporary("staging", cls), table=table(cls), history=table(cls, history=True))
    row = raw(conn).execute(query, {"version": version}, prepare=False).fetchone()
    return bool(row and row[0])


def read_differing(
    conn: Connection, cls: FeatureClass, given: Sequence[str], fields: Sequence[str], diff: Diff
) -> Iterator[list[tuple[Any, ...]]]:
    """Rows that `compare` found, in chunks: code, shape as WKB, and `fields` as they will be once it is written."""
    if not diff.new + diff.changed:
        return
    values = [sql.Identifier("s" if name in given else "t", name) for name in fields]
    query = sql.SQL("SELECT {} FROM {} d JOIN {} s ON s.code = d.code LEFT JOIN {} t ON t.id = d.id").format(
        sql.SQL(", ").join([sql.Identifier("s", "code"), sql.Identifier("s", "geom"), *values]),
        temporary("diff", cls),
        temporary("staging", cls),
        table(cls),
    )
    if diff.new + diff.changed <= FEW_ROWS:
        yield raw(conn).cursor(binary=True).execute(query, prepare=False).fetchall()
        return
    with raw(conn).cursor("differing", binary=True) as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(CHUNK):
            yield rows


def make_derived(conn: Connection, cls: FeatureClass, columns: Sequence[str]) -> None:
    """An empty temporary table for what is computed of the rows that differ."""
    derived = temporary("computed", cls)
    with raw(conn).cursor() as cursor:
        remake(
            cursor,
            [derived],
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT code, {} FROM {} WITH NO DATA").format(
                derived, names(columns), table(cls)
            ),
        )


def copy_derived(conn: Connection, cls: FeatureClass, columns: Mapping[str, Values]) -> None:
    """Keep what was computed of rows, by code."""
    with raw(conn).cursor() as cursor:
        copy_rows(cursor, temporary("computed", cls), columns)


def apply(
    conn: Connection,
    cls: FeatureClass,
    columns: tuple[Sequence[str], Sequence[str]],
    diff: Diff,
    change_id: int,
    import_id: UUID | None,
) -> None:
    """Write what `compare` found: old versions to the history, changed rows in place, new rows in the batch's order.

    `columns` are the given ones, as staged, and those computed.
    """
    with raw(conn).cursor() as cursor:
        if diff.changed:
            _keep_old(cursor, cls, change_id)
            _update(cursor, cls, columns, change_id, import_id)
            check_written(cls, cursor.rowcount, diff.changed)
        if diff.new:
            _insert(cursor, cls, columns, change_id, import_id)


def _keep_old(cursor: Cursor, cls: FeatureClass, change_id: int) -> None:
    where = sql.SQL("id IN (SELECT id FROM {})").format(temporary("diff", cls))
    columns = names(table_columns(cursor, cls))
    cursor.execute(
        sql.SQL("INSERT INTO {} ({}, until_change) SELECT {}, %s FROM {} WHERE {}").format(
            table(cls, history=True), columns, columns, table(cls), where
        ),
        (change_id,),
    )


def _update(
    cursor: Cursor,
    cls: FeatureClass,
    columns: tuple[Sequence[str], Sequence[str]],
    change_id: int,
    import_id: UUID | None,
) -> None:
    pairs = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier(source, name))
        for source, group in zip("sc", columns, strict=True)
        for name in group
        if name != "code"
    )
    query = sql.SQL(
        "UPDATE {} t SET {}, change_id = %s, import_id = %s FROM {} s JOIN {} d ON d.code = s.code "
        "JOIN {} c ON c.code = s.code WHERE d.id = t.id"
    ).format(table(cls), pairs, temporary("staging", cls), temporary("diff", cls), temporary("computed", cls))
    cursor.execute(query, (change_id, import_id))


def _insert(
    cursor: Cursor,
    cls: FeatureClass,
    columns: tuple[Sequence[str], Sequence[str]],
    change_id: int,
    import_id: UUID | None,
) -> None:
    given, derived = columns
    query = sql.SQL(
        "INSERT INTO {} (id, valid, {}, change_id, import_id) SELECT "
        "coalesce(known, nextval(pg_get_serial_sequence({}, 'id'))), gap, {}, %s, %s FROM "
        "(SELECT d.known, d.gap, {}, {} FROM {} s JOIN {} d ON d.code = s.code JOIN {} c ON c.code = s.code "
        "WHERE d.id IS NULL ORDER BY s.ctid) new"
    ).format(
        table(cls),
        names([*given, *derived]),
        sql.Literal(table(cls).as_string(cursor)),
        names([*given, *derived], "new"),
        names(given, "s"),
        names(derived, "c"),
        temporary("staging", cls),
        temporary("diff", cls),
        temporary("computed", cls),
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
    columns: Mapping[str, Values],
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
        remake(
            cursor,
            [staging],
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
                staging, names(columns), target
            ),
        )
        copy_rows(cursor, staging, columns)
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
        begin(cursor, cls, claim_codes(cls, codes, period))
        finish(cursor, cls, change_id)


def copy_rows(cursor: Cursor, target: sql.Composable, columns: Mapping[str, Values]) -> None:
    """Copy columns, each (n,), to the end of a table."""
    send(cursor, target, encoded(columns))


def copy_guarded(cursor: Cursor, target: sql.Composable, columns: Mapping[str, Values]) -> None:
    """Copy columns, each (n,), to the end of a table with row-level security."""
    rows = encoded(columns)
    with guarded_copy(cursor, target, rows.names) as copy:
        for part in (HEAD, rows.data, TAIL):
            copy.write(part)


def send(cursor: Cursor, target: sql.Composable, rows: Rows) -> None:
    """Copy rows that are encoded already to the end of a table."""
    with cursor.copy(copy_into(target, rows.names)) as copy:
        for part in (HEAD, rows.data, TAIL):
            copy.write(part)
