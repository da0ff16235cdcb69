"""The SQL of writing in a part of the city: which stored features the scope that holds may write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from psycopg import sql
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.errors import Forbidden
from app.inventory.areas import AREA_CLASSES
from app.inventory.changes import raw
from app.inventory.rewrite import table
from app.inventory.territory import writing_scope


def writable_codes(conn: Connection, cls: FeatureClass, codes: Iterable[str]) -> set[str]:
    """Those of the codes whose current features may be written."""
    query = sql.SQL("SELECT code FROM {} WHERE code = ANY(%s) AND {}").format(table(cls), _written(cls))
    return {row[0] for row in raw(conn).execute(query, [list(codes)])}


def taken_codes(conn: Connection, cls: FeatureClass, codes: Iterable[str]) -> set[str]:
    """Those of the codes that a feature bears, seen or not."""
    query = "SELECT * FROM city.taken_codes(%s, %s, %s)"
    return {row[0] for row in raw(conn).execute(query, [cls.schema, cls.id, list(codes)])}


def check_own(
    conn: Connection,
    cls: FeatureClass,
    at_change: int,
    changes: Sequence[int] | None = None,
    ids: Collection[int] | None = None,
) -> None:
    """Refuse to bring back what was at a change where that touches features which the scope that holds may not edit.

    All features touched since then, those touched by `changes`, or those with some `ids`.

    Raises:
        Forbidden: With the number of such features.
    """
    if writing_scope() is None:
        return
    found = _foreign_touched(conn, cls, at_change, changes)
    count = len(found if ids is None else found & set(ids))
    if count:
        raise Forbidden(
            f"{count} features that this would bring back lie outside what you may edit; nothing was changed.",
            "Restore features of your own one by one, or ask who may edit all of them.",
        )


def _foreign_touched(
    conn: Connection, cls: FeatureClass, at_change: int, changes: Sequence[int] | None
) -> set[int]:
    """Ids of features that were touched since `at_change` (or by `changes`) and may not be brought back.

    Of them a version that is believed now, or was believed at that change, may not be seen or not be written.
    """
    own = sql.SQL(
        "SELECT id, count(*) FROM (SELECT id FROM {now} WHERE {written} UNION ALL SELECT id FROM {history} "
        "WHERE {written} AND (until_change IS NULL OR (change_id <= %(at)s AND until_change > %(at)s))) v "
        "WHERE id = ANY(%(ids)s) GROUP BY id"
    ).format(now=table(cls), history=table(cls, history=True), written=_written(cls))
    every = "SELECT * FROM city.touched_versions(%s, %s, %s, %s, %s)"
    after = at_change if changes is None else None
    touched = dict(
        raw(conn).execute(every, [cls.schema, cls.id, after, list(changes or ()), at_change]).fetchall()
    )
    mine = dict(raw(conn).execute(own, {"at": at_change, "ids": list(touched)}).fetchall())
    return {one for one, count in touched.items() if mine.get(one, 0) < count}


def _written(cls: FeatureClass) -> sql.Composable:
    """What the policies ask of rows that are written, in areas; of a party one sees its own rows alone."""
    if cls.id in AREA_CLASSES:
        return sql.SQL("(SELECT city.scope_edits()) IS NULL")
    return sql.SQL(
        "((SELECT city.scope_edits()) IS NULL OR string_to_array(area_path, '/') && (SELECT city.scope_edits()))"
    )
