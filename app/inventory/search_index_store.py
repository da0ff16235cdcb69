"""Keeps what features are found by: entries of a whole class, or only of the rows that a change wrote or took away.

The caller holds the class's lock, so that no other writer makes the same entries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from psycopg import sql
from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.inventory.changes import find_setting, raw, set_setting, writes_all
from app.inventory.copier import Spool
from app.inventory.copy_binary import Cells, framed
from app.inventory.guards import closed_rows
from app.inventory.search_entries import Found, code_columns, entry_columns
from app.inventory.search_fields import SearchFields, fingerprint, search_fields
from app.inventory.staging import copy_guarded
from app.inventory.tables import SCHEMA, quoted, table_name
from app.jobs import store as jobs

#: The kind of job that makes the entries of classes that were put off.
KIND = "search"
#: Rows read, made into entries and written at a time.
CHUNK = 20_000
#: From so many entries on the index is put in order at once; fewer wait for the server to do so.
MANY = 1_000
#: In place of the rule by which the entries of a class were made: they are made later.
_LATER = "later"
#: Entries wait beside the index and go into it in lots of this size, sorted: ten times faster than one by one.
_BULK = (
    "SET LOCAL gin_pending_list_limit = '128MB'; SET LOCAL work_mem = '64MB'; "
    "SET LOCAL maintenance_work_mem = '256MB'"
)
_RESTORE = (
    "SET LOCAL gin_pending_list_limit TO DEFAULT; SET LOCAL work_mem TO DEFAULT; "
    "SET LOCAL maintenance_work_mem TO DEFAULT"
)


def stale_classes(conn: Connection, catalogue: Catalogue) -> list[FeatureClass]:
    """The classes whose entries were never made, or by another rule than today's."""
    query = f"SELECT key, value FROM {SCHEMA}.settings WHERE starts_with(key, 'search.')"
    known = dict(raw(conn).execute(query.encode()).fetchall())
    return [cls for cls in catalogue.classes.values() if known.get(_key(cls)) != fingerprint(cls)]


def is_stale(conn: Connection, cls: FeatureClass) -> bool:
    """Whether the entries of a class were never made, or by another rule than today's."""
    return find_setting(conn, _key(cls)) != fingerprint(cls)


def put_off(conn: Connection, cls: FeatureClass) -> None:
    """Let the entries of a class be made later, all at once; no change makes any until then."""
    set_setting(conn, _key(cls), _LATER)


def is_put_off(conn: Connection, cls: FeatureClass) -> bool:
    """Whether the entries of a class are to be made later."""
    return find_setting(conn, _key(cls)) == _LATER


def mark_stale(conn: Connection, cls: FeatureClass) -> None:
    """Let the entries of a class be made anew by the next change."""
    set_setting(conn, _key(cls), "")


def index_class(conn: Connection, cls: FeatureClass) -> int:
    """Make all entries of a class anew; the number of them."""
    for table in ("search_entries", "search_codes"):
        raw(conn).execute(f"DELETE FROM {SCHEMA}.{table} WHERE class = %s".encode(), [cls.id])
    written = _write(conn, cls, "TRUE", {})
    set_setting(conn, _key(cls), fingerprint(cls))
    return _tidied(conn, written)


def _anew(conn: Connection, cls: FeatureClass) -> int:
    """Make all entries of a class by the change that finds them lacking; who sees a part only leaves it to the job."""
    if writes_all(conn):
        return index_class(conn, cls)
    put_off(conn, cls)
    jobs.enqueue_once(conn, KIND, {}, KIND)
    return 0


def index_change(conn: Connection, cls: FeatureClass, change_id: int) -> int:
    """Bring the entries of a class up to what a change wrote or took away; the number of entries written."""
    rule = find_setting(conn, _key(cls))
    if rule == _LATER:
        return 0
    if rule != fingerprint(cls):
        return _anew(conn, cls)
    # A change of another day's version leaves the current row as it is, which is found as before.
    values = {"change": change_id}
    history = table_name(cls, history=True)
    current = f"SELECT id FROM {table_name(cls)} WHERE change_id = %(change)s"
    touched = (
        f"WITH past AS MATERIALIZED (SELECT id FROM {history} WHERE until_change = %(change)s "
        f"UNION SELECT id FROM {history} WHERE change_id = %(change)s) "
        f"SELECT id FROM past UNION {current} AND EXISTS (SELECT FROM past)"
    )
    ids = [row[0] for row in raw(conn).execute(touched.encode(), values).fetchall()]
    if ids:
        return _index_anew(conn, cls, ids)
    _remove(conn, cls, current, values)
    return _tidied(conn, _write(conn, cls, "change_id = %(change)s", values))


def index_first(conn: Connection, cls: FeatureClass, entries: Spool, codes: Spool) -> None:
    """Keep the entries made of all rows of a class that held none before."""
    for table in ("search_entries", "search_codes"):
        raw(conn).execute(f"DELETE FROM {SCHEMA}.{table} WHERE class = %s".encode(), [cls.id])
    if entries.rows >= MANY:
        raw(conn).execute(_BULK)
    with raw(conn).cursor() as cursor:
        entries.copy_to(cursor, sql.Identifier(SCHEMA, "search_entries"))
        codes.copy_to(cursor, sql.Identifier(SCHEMA, "search_codes"))
    set_setting(conn, _key(cls), fingerprint(cls))
    _tidied(conn, entries.rows)


def index_ids(conn: Connection, cls: FeatureClass, ids: Collection[int]) -> int:
    """Make the entries of these rows anew, for what is derived may change without a new version; their number."""
    if is_put_off(conn, cls):
        return 0
    if is_stale(conn, cls):
        return _anew(conn, cls)
    return _index_anew(conn, cls, ids)


def _index_anew(conn: Connection, cls: FeatureClass, ids: Collection[int]) -> int:
    ordered, written = sorted(ids), 0
    for start in range(0, len(ordered), CHUNK):
        values = {"ids": ordered[start : start + CHUNK]}
        _remove(conn, cls, "SELECT unnest(%(ids)s::bigint[])", values)
        written += _write(conn, cls, "id = ANY(%(ids)s)", values)
    return _tidied(conn, written)


def analyze(conn: Connection) -> None:
    """Tell the planner what there is to be found; after the commit of many entries, since writers wait for it."""
    raw(conn).execute(f"SELECT {SCHEMA}.analyze_search()".encode())


def _key(cls: FeatureClass) -> str:
    return f"search.{cls.id}"


def _remove(conn: Connection, cls: FeatureClass, ids: str, values: Mapping[str, Any]) -> None:
    gone = f"DELETE FROM {SCHEMA}.{{}} WHERE class = %(class)s AND id IN ({ids})"
    statement = f"WITH entries AS ({gone.format('search_entries')}) {gone.format('search_codes')}"
    raw(conn).execute(statement.encode(), {**values, "class": cls.id})


def _write(conn: Connection, cls: FeatureClass, where: str, values: Mapping[str, Any]) -> int:
    fields = search_fields(cls)
    if not fields.worded and not fields.codes:
        return 0
    written = 0
    for rows in _chunks(conn, cls, fields, where, values):
        if written == 0 and len(rows.ids) >= MANY:
            raw(conn).execute(_BULK)
        written += _copy(conn, "search_entries", entry_columns(cls, fields, rows))
        _copy(conn, "search_codes", code_columns(cls, fields, rows))
    return written


def _copy(conn: Connection, table: str, columns: Mapping[str, Cells]) -> int:
    if not columns:
        return 0
    with raw(conn).cursor() as cursor:
        copy_guarded(cursor, sql.Identifier(SCHEMA, table), columns)
    return len(columns["id"])


def _tidied(conn: Connection, written: int) -> int:
    """Put the index in order after many entries; the number of them."""
    if written >= MANY:
        raw(conn).execute(f"SELECT {SCHEMA}.tidy_search()".encode())
        raw(conn).execute(_RESTORE)
    return written


def _chunks(
    conn: Connection, cls: FeatureClass, fields: SearchFields, where: str, values: Mapping[str, Any]
) -> Iterator[Found]:
    """Rows that have anything but their key to be found by, a chunk at a time."""
    searched = [*fields.worded, *fields.codes]
    filled = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in searched)
    # Of which field a value makes a row restricted, and that is asked for once more where it is searched as well.
    deciding = list(cls.restricted_rows)
    columns = ", ".join(map(quoted, [*deciding, *searched]))
    query = (
        f"SELECT id, area_path, areas_touched, {_size(cls)}, ST_AsBinary({_place(cls)}), {columns} "
        f"FROM {table_name(cls)} WHERE id > %(after)s AND ({filled}) AND {where} ORDER BY id LIMIT {CHUNK}"
    )
    after, full = 0, True
    while full:
        rows = raw(conn).execute(query.encode(), {**values, "after": after}, prepare=False).fetchall()
        full = len(rows) == CHUNK
        if rows:
            ids, paths, touched, sizes, places, *found = zip(*rows, strict=True)
            after = ids[-1]
            closed = closed_rows(cls, dict(zip(deciding, found, strict=False)), len(ids))
            values_of = dict(zip(searched, found[len(deciding) :], strict=True))
            yield Found(ids, paths, touched, closed, sizes, framed(list(places)), values_of)


def _size(cls: FeatureClass) -> str:
    """The power of ten of a feature's m² or m, 0 for points, at most 9."""
    column = {"line": "length_m", "polygon": "area_m2", "mixed": "area_m2"}.get(cls.geometry)
    return "0" if column is None else f"least(9, floor(log(greatest(1, coalesce({column}, 0)))))::int"


def _place(cls: FeatureClass) -> str:
    return "geom" if cls.geometry == "point" else "ST_PointOnSurface(geom)"
