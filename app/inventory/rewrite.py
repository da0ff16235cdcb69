"""Rewrites what is believed of features for claimed times, as SQL:2011 does FOR PORTION OF; the rest of time stays.

Two temporary tables say what happens: `claim_<class>` (id, valid) the times that are taken, `version_<class>` the rows
put in their place (none for a deletion). What was believed of a claimed time is withdrawn by the change; its days
outside the claim are written again under the change's number, so that believed versions never overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from app.catalogue.model import FeatureClass
from app.errors import Conflict, Forbidden
from app.inventory.batch import Period
from app.inventory.periods import range_literal, today

Cursor = psycopg.Cursor[Any]


def table(cls: FeatureClass, *, history: bool = False) -> sql.Identifier:
    """The class's table."""
    return sql.Identifier(cls.schema, f"{cls.id}_history" if history else cls.id)


def temporary(kind: str, cls: FeatureClass) -> sql.Identifier:
    """The name of a temporary table of this transaction."""
    return sql.Identifier(f"{kind}_{cls.id}"[:63])


def names(columns: Iterable[str], alias: str | None = None) -> sql.Composable:
    """Columns in a list, each of them of `alias`."""
    quoted = (sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in columns)
    return sql.SQL(", ").join(quoted)


def copy_into(target: sql.Composable, columns: Iterable[str]) -> sql.Composed:
    """The statement that takes rows as `copy_binary` makes them."""
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(target, names(columns))


def together(cursor: Cursor, *statements: sql.Composable) -> list[int]:
    """Run statements in one go; the rows that each wrote or returned. What the last one returns is to be fetched.

    Under a class's lock others wait for each answer on its way: one instead of ten.
    """
    cursor.execute(sql.SQL("; ").join(statements), prepare=False)
    counts = [cursor.rowcount]
    while cursor.nextset():
        counts.append(cursor.rowcount)
    return counts


def remake(cursor: Cursor, gone: Sequence[sql.Composable], *statements: sql.Composable) -> None:
    """Drop temporary tables that an earlier write of the transaction may have left, and run statements: in one go.

    What the last one returns is there to be fetched. Dropped within a block, for after a plain DROP the driver lets the
    server forget every statement that it has prepared on the connection.
    """
    drop = sql.SQL("DO $$ BEGIN DROP TABLE IF EXISTS {}; END $$").format(sql.SQL(", ").join(gone))
    together(cursor, drop, *statements)


@contextmanager
def guarded_copy(cursor: Cursor, target: sql.Composable, columns: Iterable[str]) -> Iterator[psycopg.Copy]:
    """COPY binary rows to the end of a table with row-level security, into which PostgreSQL copies nothing itself.

    They go to a temporary table and from there, in their order, through the policies of who writes.
    """
    given = list(columns)
    listed, beside = names(given), sql.Identifier("pg_temp", "copied")
    make = sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA")
    move = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}")
    remake(cursor, [beside], make.format(sql.Identifier("copied"), listed, target))
    with cursor.copy(copy_into(beside, given)) as copy:
        yield copy
    cursor.execute(move.format(target, listed, listed, beside), prepare=False)


def table_columns(cursor: Cursor, cls: FeatureClass) -> list[str]:
    """The column names of a class's table as they stand in the database, also those of later revisions."""
    query = sql.SQL(
        "SELECT attname FROM pg_attribute WHERE attrelid = {}::regclass AND attnum > 0 AND NOT attisdropped "
        "ORDER BY attnum"
    ).format(sql.Literal(table(cls).as_string(cursor)))
    return [row[0] for row in cursor.execute(query).fetchall()]


def believed(cls: FeatureClass, columns: Sequence[str]) -> sql.Composed:
    """FROM item: all versions that are held to be true, whatever day they tell of."""
    return sql.SQL("(SELECT {0} FROM {1} UNION ALL SELECT {0} FROM {2} WHERE until_change IS NULL)").format(
        names(columns), table(cls), table(cls, history=True)
    )


def begin(cursor: Cursor, cls: FeatureClass, *then: sql.Composable) -> None:
    """Make the two tables empty, and run statements that fill them."""
    claim, version = temporary("claim", cls), temporary("version", cls)
    remake(
        cursor,
        [claim, version],
        sql.SQL("CREATE TEMP TABLE {} (id bigint NOT NULL, valid daterange NOT NULL) ON COMMIT DROP").format(
            claim
        ),
        sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT * FROM {} WITH NO DATA").format(
            version, table(cls)
        ),
        *then,
    )


def claim_codes(cls: FeatureClass, codes: Sequence[str], period: Period) -> sql.Composed:
    """The statement that claims a time of the features with these codes."""
    return sql.SQL("INSERT INTO {} SELECT DISTINCT id, {}::daterange FROM {} v WHERE code = ANY({})").format(
        temporary("claim", cls),
        sql.Literal(range_literal(period)),
        believed(cls, ["id", "code"]),
        sql.Literal(list(codes)),
    )


def finish(cursor: Cursor, cls: FeatureClass, change_id: int) -> None:
    """Withdraw what the claims take, keep its other days, write the versions; all of it as one change.

    Raises:
        Conflict: Two features would bear one code on the same day.
        Forbidden: Some rows may not be changed by who writes.
    """
    columns = [name for name in table_columns(cursor, cls) if name != "change_id"]
    now, others = _find_hits(cursor, cls)
    _withdraw(cursor, cls, columns, change_id, (now, others))
    # Asked once: at midnight a version would be written to neither table, or to both.
    day, change = today(), sql.Literal(change_id)
    put = [
        sql.SQL("INSERT INTO {} ({}, change_id) SELECT {}, {} FROM {} WHERE {} ORDER BY id").format(
            target,
            names(columns),
            names(columns),
            change,
            temporary("version", cls),
            when.format(sql.Literal(day)),
        )
        for target, when in (
            (table(cls), sql.SQL("valid @> {}")),
            (table(cls, history=True), sql.SQL("NOT valid @> {}")),
        )
    ]
    claimed = sql.SQL(" AND id IN (SELECT id FROM {})").format(temporary("claim", cls))
    together(cursor, *_moves(cls, [*columns, "change_id"], day, claimed), *put, _doubled(cls))
    row = cursor.fetchone()
    if row is not None and row[0] is not None:
        raise Conflict(
            f"Two features of {cls.id} would bear the code '{row[0]}' on the same day; nothing was changed.",
            "Give one of them another code, or end it before the other begins.",
        )


def _doubled(cls: FeatureClass) -> sql.Composed:
    """A code of the claimed that two features bear on the same day: the key of all imports would mean both."""
    # Each table by itself and no LIMIT: for the first row alone, of a history whose size is not yet known, the planner
    # compared every version with every other one (minutes for 50,000).
    return sql.SQL(
        "WITH claimed AS MATERIALIZED (SELECT DISTINCT id FROM {claim}), "
        "a AS MATERIALIZED (SELECT v.id, v.code, v.valid FROM claimed JOIN {current} v USING (id) UNION ALL "
        "SELECT v.id, v.code, v.valid FROM claimed JOIN {history} v USING (id) WHERE v.until_change IS NULL), "
        "codes AS MATERIALIZED (SELECT DISTINCT code FROM a), "
        "b AS (SELECT v.id, v.code, v.valid FROM codes JOIN {current} v USING (code) UNION ALL "
        "SELECT v.id, v.code, v.valid FROM codes JOIN {history} v USING (code) WHERE v.until_change IS NULL) "
        "SELECT min(a.code) FROM a JOIN b ON b.code = a.code AND b.id <> a.id AND b.valid && a.valid"
    ).format(claim=temporary("claim", cls), current=table(cls), history=table(cls, history=True))


def _find_hits(cursor: Cursor, cls: FeatureClass) -> tuple[int, int]:
    """The believed versions that a claim meets, by the key of their row, with the days that stay theirs.

    The number of them in the class's table, and in its history.
    """
    hit, claim = temporary("hit", cls), temporary("claim", cls)
    remake(
        cursor,
        [hit],
        sql.SQL("ANALYZE {}").format(claim),
        sql.SQL(
            "CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT v.*, datemultirange(v.valid) - c.taken AS rest FROM "
            "(SELECT id, change_id, valid, TRUE AS now FROM {} UNION ALL "
            "SELECT id, change_id, valid, FALSE FROM {} WHERE until_change IS NULL) v "
            "JOIN (SELECT id, range_agg(valid) AS taken FROM {} GROUP BY id) c ON c.id = v.id AND v.valid && c.taken"
        ).format(hit, table(cls), table(cls, history=True), claim),
        sql.SQL("ANALYZE {}").format(hit),
        sql.SQL("SELECT count(*) FILTER (WHERE now), count(*) FILTER (WHERE NOT now) FROM {}").format(hit),
    )
    now, others = cursor.fetchone() or (0, 0)
    return now, others


#: The row of the history that a hit means.
_SAME = sql.SQL(
    "NOT h.now AND v.id = h.id AND v.change_id = h.change_id AND v.valid = h.valid AND v.until_change IS NULL"
)


def _withdraw(
    cursor: Cursor, cls: FeatureClass, columns: Sequence[str], change_id: int, hits: tuple[int, int]
) -> None:
    """Let what a claim meets be believed no longer; its days that stay become versions.

    Each table by itself: joined with both at once the planner went through the history once a row.
    """
    now, others = hits
    current, history, hit = table(cls), table(cls, history=True), temporary("hit", cls)
    listed, change = names([*columns, "change_id"]), sql.Literal(change_id)
    gone = sql.SQL(
        "WITH gone AS (DELETE FROM {current} WHERE id IN (SELECT id FROM {hit} WHERE now) RETURNING {listed}) "
        "INSERT INTO {history} ({listed}, until_change) SELECT {listed}, {change} FROM gone"
    ).format(current=current, history=history, hit=hit, listed=listed, change=change)
    ended = sql.SQL("UPDATE {} v SET until_change = {} FROM {} h WHERE {}").format(
        history, change, hit, _SAME
    )
    if now:
        kept = _remainders(cls, columns, current, sql.SQL("h.now AND v.id = h.id"))
        check_written(cls, together(cursor, kept, gone)[-1], now)
    if others:
        kept = _remainders(cls, columns, history, _SAME)
        check_written(cls, together(cursor, kept, ended)[-1], others)


def _remainders(
    cls: FeatureClass, columns: Sequence[str], source: sql.Composable, where: sql.Composable
) -> sql.Composed:
    rest = [name for name in columns if name != "valid"]
    return sql.SQL(
        "INSERT INTO {} ({}, valid) SELECT {}, part FROM {} h JOIN {} v ON {} "
        "CROSS JOIN LATERAL unnest(h.rest) part WHERE NOT isempty(h.rest)"
    ).format(temporary("version", cls), names(rest), names(rest, "v"), temporary("hit", cls), source, where)


def check_written(cls: FeatureClass, written: int, wanted: int) -> None:
    """Refuse a write of which policies let through a part only: rows that one sees and may not write are passed over.

    Raises:
        Forbidden: Some rows were not written.
    """
    if written < wanted:
        raise Forbidden(
            f"{wanted - written} of the {cls.id} may not be changed by you; nothing was changed.",
            "Change only features at home in the areas, and of the party, that you may write for.",
        )


def settle(cursor: Cursor, cls: FeatureClass, day: date) -> set[int]:
    """Let the class's table hold the versions valid on a day; the ids of rows moved.

    A day that passes ends one version and begins another without any change of what is believed.
    """
    moved: set[int] = set()
    for query in _moves(cls, table_columns(cursor, cls), day, sql.SQL("")):
        moved.update(row[0] for row in cursor.execute(query).fetchall())
    return moved


def _moves(
    cls: FeatureClass, columns: Sequence[str], day: date, which: sql.Composable
) -> Iterator[sql.Composed]:
    """The statements that let versions of the rows `which` (more of a condition) change places for a day."""
    current, history, listed = table(cls), table(cls, history=True), names(columns)
    for source, target, when in (
        (current, history, sql.SQL("NOT valid @> {}")),
        (history, current, sql.SQL("until_change IS NULL AND valid @> {}")),
    ):
        yield sql.SQL(
            "WITH moved AS (DELETE FROM {} WHERE {}{} RETURNING {}) "
            "INSERT INTO {} ({}) SELECT {} FROM moved RETURNING id"
        ).format(source, when.format(sql.Literal(day)), which, listed, target, listed, listed)
