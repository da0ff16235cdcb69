"""Brings back what was believed at an earlier change: of one feature, of the features a change touched, of a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql
from psycopg.errors import CheckViolation, NotNullViolation, UniqueViolation
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.errors import Conflict
from app.inventory.changes import raw
from app.inventory.rewrite import Cursor, begin, believed, finish, names, table, table_columns, temporary

#: Rows of a class that a change later than one number wrote or withdrew.
_TOUCHED = sql.SQL(
    "SELECT id FROM {now} WHERE change_id > %(to)s UNION SELECT id FROM {history} "
    "WHERE change_id > %(to)s OR until_change > %(to)s"
)


def touched_since(conn: Connection, cls: FeatureClass, change_id: int) -> list[int]:
    """The ids of the features that were written or withdrawn after a change."""
    return _ids(conn, cls, _TOUCHED, {"to": change_id})


def touched_by(conn: Connection, cls: FeatureClass, change_ids: Sequence[int]) -> list[int]:
    """The ids of the features that these changes wrote or withdrew."""
    rule = sql.SQL(
        "SELECT id FROM {now} WHERE change_id = ANY(%(ids)s) UNION SELECT id FROM {history} "
        "WHERE change_id = ANY(%(ids)s) OR until_change = ANY(%(ids)s)"
    )
    return _ids(conn, cls, rule, {"ids": list(change_ids)})


def touched_after(
    conn: Connection, cls: FeatureClass, ids: Sequence[int], change_ids: Sequence[int]
) -> list[int]:
    """Those of the features `ids` that were written or withdrawn after these changes by others."""
    rule = sql.SQL(
        "SELECT id FROM {now} WHERE id = ANY(%(ids)s) AND change_id > %(last)s UNION SELECT id FROM {history} "
        "WHERE id = ANY(%(ids)s) AND ((change_id > %(first)s AND NOT change_id = ANY(%(own)s)) "
        "OR (until_change > %(first)s AND NOT until_change = ANY(%(own)s)))"
    )
    own = list(change_ids)
    return _ids(conn, cls, rule, {"ids": list(ids), "first": min(own), "last": max(own), "own": own})


def _ids(conn: Connection, cls: FeatureClass, rule: sql.SQL, values: dict[str, Any]) -> list[int]:
    query = rule.format(now=table(cls), history=table(cls, history=True))
    return sorted(row[0] for row in raw(conn).execute(query, values).fetchall())


def differing(conn: Connection, cls: FeatureClass, ids: Sequence[int], at_change: int) -> list[int]:
    """Those of the features `ids` of which something else is believed now than at a change."""
    told = ["id", "code", "valid", "geom", "incomplete", "extra", *(field.name for field in cls.fields)]
    now = sql.SQL("SELECT {0} FROM {1} v WHERE id = ANY(%(ids)s)").format(names(told), believed(cls, told))
    then = sql.SQL("SELECT {0} FROM {1} v WHERE id = ANY(%(ids)s)").format(
        names(told), _believed_at(cls, told, at_change)
    )
    query = sql.SQL("SELECT id FROM (({0} EXCEPT {1}) UNION ALL ({1} EXCEPT {0})) d GROUP BY id").format(
        now, then
    )
    return sorted(row[0] for row in raw(conn).execute(query, {"ids": list(ids)}).fetchall())


def _believed_at(cls: FeatureClass, columns: Sequence[str], change_id: int) -> sql.Composed:
    """FROM item: all versions that were held to be true after a change."""
    return sql.SQL(
        "(SELECT {0} FROM {1} WHERE change_id <= {3} UNION ALL SELECT {0} FROM {2} WHERE change_id <= {3} "
        "AND (until_change IS NULL OR until_change > {3}))"
    ).format(names(columns), table(cls), table(cls, history=True), sql.Literal(change_id))


def restore_rows(
    conn: Connection,
    cls: FeatureClass,
    ids: Sequence[int],
    to_change: int,
    change_id: int,
    hidden: Sequence[str] = (),
) -> None:
    """Let features (by id) be again what was believed of them at `to_change`, under a new change number.

    Columns that are `hidden` from who restores stay as they were last.

    Raises:
        Conflict: An earlier version does not fit the class as it is declared now, or its code is taken by another.
    """
    with raw(conn).cursor() as cursor:
        begin(cursor, cls)
        cursor.execute(
            sql.SQL("INSERT INTO {} SELECT unnest(%s::bigint[]), daterange(NULL, NULL)").format(
                temporary("claim", cls)
            ),
            (list(ids),),
        )
        _take_versions(cursor, cls, to_change)
        if hidden:
            _keep_hidden(cursor, cls, hidden)
        try:
            finish(cursor, cls, change_id)
        except (CheckViolation, NotNullViolation) as error:
            name = error.diag.constraint_name or error.diag.column_name
            raise Conflict(
                f"What {cls.id} held at change {to_change} does not fit the class as it is declared now ({name}).",
                "The class has been changed since; nothing was restored. Restore single features, or widen the class.",
            ) from error
        except UniqueViolation as error:
            raise Conflict(
                f"A code that {cls.id} had at change {to_change} belongs to another feature now: "
                f"{error.diag.message_detail}",
                "Give that feature another code first; nothing was restored.",
            ) from error


def _take_versions(cursor: Cursor, cls: FeatureClass, to_change: int) -> None:
    columns = [name for name in table_columns(cursor, cls) if name != "change_id"]
    cursor.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} v WHERE id IN (SELECT id FROM {})").format(
            temporary("version", cls),
            names(columns),
            names(columns),
            _believed_at(cls, columns, to_change),
            temporary("claim", cls),
        )
    )


def _keep_hidden(cursor: Cursor, cls: FeatureClass, hidden: Sequence[str]) -> None:
    """Let the versions have in these columns what was last recorded of the same days, else of the feature."""
    columns = names(["id", "change_id", "valid", *hidden])
    cursor.execute(
        sql.SQL(
            "UPDATE {version} t SET ({targets}) = ROW({found}) FROM (SELECT DISTINCT ON (v.ctid) v.ctid AS row, {seen} "
            "FROM {version} v JOIN (SELECT {columns}, 2^62::bigint AS until FROM {now} UNION ALL "
            "SELECT {columns}, coalesce(until_change, 2^62::bigint) FROM {history}) s ON s.id = v.id "
            "ORDER BY v.ctid, s.valid && v.valid DESC, s.until DESC, s.change_id DESC) f WHERE t.ctid = f.row"
        ).format(
            version=temporary("version", cls),
            targets=names(hidden),
            found=names(hidden, "f"),
            seen=names(hidden, "s"),
            columns=columns,
            now=table(cls),
            history=table(cls, history=True),
        )
    )


def shown_versions(
    conn: Connection, cls: FeatureClass, ids: Sequence[int], at_change: int | None = None
) -> dict[int, tuple[str, dict[str, Any]]]:
    """Id → code and values of the latest version believed now, or at a change; features without any are left out."""
    columns = ["id", "code", "valid", "geom", *(field.name for field in cls.fields)]
    source = believed(cls, columns) if at_change is None else _believed_at(cls, columns, at_change)
    query = sql.SQL(
        "SELECT DISTINCT ON (id) id, code, (to_jsonb(v) - ARRAY['id', 'code', 'geom']) "
        "|| jsonb_build_object('geometry', ST_AsText(geom, 7)) FROM {} v WHERE id = ANY(%s) ORDER BY id, valid DESC"
    ).format(source)
    return {row[0]: (row[1], row[2]) for row in raw(conn).execute(query, (list(ids),)).fetchall()}
