"""Reads what was recorded: all versions of a feature, changes, imports."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from psycopg import sql
from sqlalchemy import Connection, RowMapping, text

from app.catalogue.model import FeatureClass
from app.errors import NotFound
from app.inventory.changes import raw
from app.inventory.history import Version
from app.inventory.id_prefix import IMPORTS, find_id
from app.inventory.query import derived_names
from app.inventory.rewrite import names, table
from app.inventory.tables import SCHEMA
from app.space.served_crs import DEGREE_DIGITS

_CHANGES = f"SELECT id, at, who, why, import_id, classes FROM {SCHEMA}.changes"
#: First half of the advisory lock that an import holds for as long as its process lives.
IMPORT_LOCK = zlib.crc32(b"chengtu.imports") & 0x7FFFFFFF
#: What is on record as running and holds no lock any more was interrupted: its process is gone.
_STATE = (
    "CASE WHEN i.state = 'running' AND NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted "
    f"AND classid = {IMPORT_LOCK} AND objid::bigint = ('x' || left(i.id::text, 8))::bit(32)::bigint "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) THEN 'interrupted' "
    "ELSE i.state END"
)
_IMPORTS = (
    f"SELECT i.id, {_STATE} AS state, i.path, i.format, i.at, i.started_at, i.finished_at, i.crs, i.encoding, "
    "i.classes, i.source, i.licence, i.attribution, i.report, i.error, i.job, i.undone_by, c.id AS change, "
    f"coalesce(c.who, i.who) AS who, c.why, ARRAY(SELECT name FROM {SCHEMA}.import_rejects r "
    "WHERE r.import_id = i.id ORDER BY 1) AS rejected_files "
    f"FROM {SCHEMA}.imports i LEFT JOIN {SCHEMA}.changes c ON c.id = i.change_id"
)
#: Changes looked at for a page of those that somebody sees, and so many of them at once.
LOOKED_AT, AT_ONCE = 10_000, 500
_NOT_SHOWN = ["id", "change_id", "until_change", "current", "valid", "geom"]


def list_versions(
    conn: Connection, cls: FeatureClass, item: int | str, *, extra: bool = True
) -> list[Version]:
    """All versions of the feature with this id (int) or code (text), as they were recorded; `extra` is a value too.

    Raises:
        NotFound: Nothing was ever recorded of such a feature.
    """
    known = {
        "code",
        "import_id",
        *(["extra"] if extra else []),
        *(field.name for field in cls.fields),
        *derived_names(cls),
    }
    columns = names(["id", "change_id", "valid", "geom", *sorted(known - {"change_id", "min_zoom"})])
    query = sql.SQL(
        "SELECT id, change_id, until_change, current, lower(valid)::text, upper(valid)::text, "
        "to_jsonb(v) - %(hidden)s::text[], ST_AsGeoJSON(geom, {digits})::jsonb FROM ("
        "SELECT {columns}, NULL::bigint AS until_change, TRUE AS current FROM {now} WHERE {key} = %(item)s UNION ALL "
        "SELECT {columns}, until_change, FALSE FROM {history} WHERE {key} = %(item)s) v "
        "ORDER BY change_id, lower(valid) NULLS FIRST"
    ).format(
        digits=sql.Literal(DEGREE_DIGITS),
        columns=columns,
        now=table(cls),
        history=table(cls, history=True),
        key=sql.Identifier("id" if isinstance(item, int) else "code"),
    )
    reachable = not isinstance(item, int) or 0 < item < 2**63
    rows = raw(conn).execute(query, {"item": item, "hidden": _NOT_SHOWN}).fetchall() if reachable else []
    if not rows:
        key = f"the id {item}" if isinstance(item, int) else f"the code '{item}'"
        raise NotFound(f"No {cls.id} with {key} was ever recorded.")
    return [Version(row[0], row[1], row[2], row[3], (row[4], row[5]), row[6], row[7]) for row in rows]


def get_changes(conn: Connection, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Change id → who, when, why and the import, of the changes named."""
    rows = conn.execute(text(f"{_CHANGES} WHERE id = ANY(:ids)"), {"ids": sorted(ids)}).mappings()
    return {row["id"]: _told(row) for row in rows}


def list_changes(
    conn: Connection, class_id: str | None = None, before: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """The newest changes first, of one class or of all; `before` goes on from a change's number."""
    statement = text(
        f"{_CHANGES} WHERE id < coalesce(:before, 9223372036854775807) "
        "AND (CAST(:class_id AS text) IS NULL OR classes @> ARRAY[CAST(:class_id AS text)]) "
        "ORDER BY id DESC LIMIT :limit"
    )
    rows = conn.execute(statement, {"class_id": class_id, "before": before, "limit": limit}).mappings()
    return [{"change": row["id"], **_told(row), "classes": row["classes"]} for row in rows]


def seen_changes(
    conn: Connection,
    classes: Mapping[str, FeatureClass],
    class_id: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[list[dict[str, Any]], int | None]:
    """The same of the changes that touched a row which the scope sees, each with the `classes` in which it did so.

    Also where the next page begins, None at the end of the record. At most `LOOKED_AT` changes are looked at.
    """
    found: list[dict[str, Any]] = []
    for _ in range(LOOKED_AT // AT_ONCE):
        some = list_changes(conn, class_id, before, AT_ONCE)
        touched = _touched(conn, classes, some)
        for one in some:
            names = [name for name in one["classes"] if (name, one["change"]) in touched]
            if class_id in names if class_id else names:
                found.append({**one, "classes": names})
                if len(found) == limit:
                    return found, one["change"]
        if len(some) < AT_ONCE:
            return found, None
        before = some[-1]["change"]
    return found, before


def _touched(
    conn: Connection, classes: Mapping[str, FeatureClass], changes: Iterable[Mapping[str, Any]]
) -> set[tuple[str, int]]:
    """Class id and change of those that wrote or withdrew a row of the class which the scope sees."""
    numbers: dict[str, list[int]] = {}
    for one in changes:
        for name in one["classes"]:
            if name in classes:
                numbers.setdefault(name, []).append(one["change"])
    found: set[tuple[str, int]] = set()
    for name, asked in numbers.items():
        cls = classes[name]
        query = sql.SQL(
            "SELECT n FROM unnest(%(asked)s::bigint[]) n WHERE EXISTS (SELECT FROM {now} WHERE change_id = n) "
            "OR EXISTS (SELECT FROM {history} WHERE change_id = n) "
            "OR EXISTS (SELECT FROM {history} WHERE until_change = n)"
        ).format(now=table(cls), history=table(cls, history=True))
        found |= {(name, number) for (number,) in raw(conn).execute(query, {"asked": asked})}
    return found


def _told(row: RowMapping) -> dict[str, Any]:
    import_id = None if row["import_id"] is None else str(row["import_id"])
    return {"at": row["at"].isoformat(), "who": row["who"], "why": row["why"], "import": import_id}


def list_imports(conn: Connection, limit: int = 50) -> list[dict[str, Any]]:
    """The newest imports first."""
    rows = conn.execute(
        text(f"{_IMPORTS} ORDER BY i.at DESC, i.id LIMIT :limit"), {"limit": limit}
    ).mappings()
    return [_import(row) for row in rows]


def get_import(conn: Connection, import_id: UUID) -> dict[str, Any]:
    """One import.

    Raises:
        NotFound: There is none with this id.
    """
    row = conn.execute(text(f"{_IMPORTS} WHERE i.id = :id"), {"id": import_id}).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no import {import_id}.", "`chengtu imports` lists them.")
    return _import(row)


def find_import(conn: Connection, given: str) -> UUID:
    """The id of the import that `given` is, or begins; raises as `find_id`."""
    return find_id(conn, IMPORTS, given)


def _import(row: RowMapping) -> dict[str, Any]:
    times = {name: row[name] and row[name].isoformat() for name in ("at", "started_at", "finished_at")}
    return {**row, **times, "id": str(row["id"]), "job": row["job"] and str(row["job"])}


def read_rejects(conn: Connection, import_id: UUID) -> list[tuple[str, bytes]]:
    """The files of refused rows kept for an import: name and content, by name."""
    query = text(f"SELECT name, content FROM {SCHEMA}.import_rejects WHERE import_id = :id ORDER BY name")
    return [(row[0], bytes(row[1])) for row in conn.execute(query, {"id": import_id})]


def interrupt_dead_imports(conn: Connection) -> int:
    """Write down as interrupted the imports on record as running whose process is gone; returns how many."""
    statement = text(
        f"UPDATE {SCHEMA}.imports SET state = 'interrupted', finished_at = clock_timestamp() WHERE id IN "
        f"(SELECT i.id FROM {SCHEMA}.imports i WHERE i.state = 'running' AND {_STATE} = 'interrupted') "
        "AND state = 'running'"
    )
    return conn.execute(statement).rowcount


def mark_undone(conn: Connection, import_id: UUID, change_id: int) -> None:
    """Note the change that took an import back: it frames the data no longer."""
    statement = text(f"UPDATE {SCHEMA}.imports SET undone_by = :change WHERE id = :id")
    conn.execute(statement, {"change": change_id, "id": import_id})


def changes_of_import(conn: Connection, import_id: UUID) -> dict[str, list[int]]:
    """Class id → numbers of the changes by which an import wrote to it."""
    statement = text(
        f"SELECT id, unnest(classes) AS class FROM {SCHEMA}.changes WHERE import_id = :id ORDER BY id"
    )
    found: dict[str, list[int]] = {}
    for row in conn.execute(statement, {"id": import_id}):
        found.setdefault(row[1], []).append(row[0])
    return found
