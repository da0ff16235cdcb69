"""Keeps what features are found by: entries of a whole class, or only of the rows that a change wrote or took away.

The caller holds the class's lock, so that no other writer makes the same entries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.inventory.changes import find_setting, raw, set_setting
from app.inventory.search_fields import SearchFields, fingerprint, search_fields
from app.inventory.search_words import area_tag, class_tag, code_of, entry, lexeme
from app.inventory.tables import SCHEMA, quoted, table_name

#: Rows read, made into entries and written at a time.
CHUNK = 20_000
#: From so many entries on the index is put in order at once; fewer wait for the server to do so.
MANY = 1_000
#: Entries wait beside the index and go into it in lots of this size, sorted: ten times faster than one by one.
_BULK = (
    "SET LOCAL gin_pending_list_limit = '128MB'; SET LOCAL work_mem = '64MB'; "
    "SET LOCAL maintenance_work_mem = '256MB'"
)
_RESTORE = (
    "SET LOCAL gin_pending_list_limit TO DEFAULT; SET LOCAL work_mem TO DEFAULT; "
    "SET LOCAL maintenance_work_mem TO DEFAULT"
)
#: Power of ten of m² or m from which a feature is large; of the others one in so many is in the sample.
LARGE = 5
SAMPLE = 20


def stale_classes(conn: Connection, catalogue: Catalogue) -> list[FeatureClass]:
    """The classes whose entries were never made, or by another rule than today's."""
    query = f"SELECT key, value FROM {SCHEMA}.settings WHERE starts_with(key, 'search.')"
    known = dict(raw(conn).execute(query.encode()).fetchall())
    return [cls for cls in catalogue.classes.values() if known.get(_key(cls)) != fingerprint(cls)]


def is_stale(conn: Connection, cls: FeatureClass) -> bool:
    """Whether the entries of a class were never made, or by another rule than today's."""
    return find_setting(conn, _key(cls)) != fingerprint(cls)


def index_class(conn: Connection, cls: FeatureClass) -> int:
    """Make all entries of a class anew; the number of them."""
    for table in ("search_entries", "search_codes"):
        raw(conn).execute(f"DELETE FROM {SCHEMA}.{table} WHERE class = %s".encode(), [cls.id])
    written = _write(conn, cls, "TRUE", {})
    set_setting(conn, _key(cls), fingerprint(cls))
    return _tidied(conn, written)


def index_change(conn: Connection, cls: FeatureClass, change_id: int) -> int:
    """Bring the entries of a class up to what a change wrote or took away; the number of entries written."""
    if is_stale(conn, cls):
        return index_class(conn, cls)
    # A change of another day's version leaves the current row as it is, which is found as before.
    values = {"change": change_id}
    history = table_name(cls, history=True)
    past = (
        f"SELECT id FROM {history} WHERE until_change = %(change)s "
        f"UNION SELECT id FROM {history} WHERE change_id = %(change)s"
    )
    touched = raw(conn).execute(past.encode(), values).fetchall()
    if touched:
        current = f"SELECT id FROM {table_name(cls)} WHERE change_id = %(change)s"
        touched += raw(conn).execute(current.encode(), values).fetchall()
        return index_ids(conn, cls, {row[0] for row in touched})
    _remove(conn, cls, f"SELECT id FROM {table_name(cls)} WHERE change_id = %(change)s", values)
    return _tidied(conn, _write(conn, cls, "change_id = %(change)s", values))


def index_ids(conn: Connection, cls: FeatureClass, ids: Collection[int]) -> int:
    """Make the entries of these rows anew, for what is derived may change without a new version; their number."""
    if is_stale(conn, cls):
        return index_class(conn, cls)
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
    for table in ("search_entries", "search_codes"):
        statement = f"DELETE FROM {SCHEMA}.{table} WHERE class = %(class)s AND id IN ({ids})"
        raw(conn).execute(statement.encode(), {**values, "class": cls.id})


def _write(conn: Connection, cls: FeatureClass, where: str, values: Mapping[str, Any]) -> int:
    fields = search_fields(cls)
    if not fields.worded and not fields.codes:
        return 0
    written = 0
    for rows in _chunks(conn, cls, fields, where, values):
        if written == 0 and len(rows) >= MANY:
            raw(conn).execute(_BULK)
        written += _write_entries(conn, cls, fields, rows)
        _write_codes(conn, cls, fields, rows)
    return written


def _tidied(conn: Connection, written: int) -> int:
    """Put the index in order after many entries; the number of them."""
    if written >= MANY:
        raw(conn).execute(f"SELECT {SCHEMA}.tidy_search()".encode())
        raw(conn).execute(_RESTORE)
    return written


def _chunks(
    conn: Connection, cls: FeatureClass, fields: SearchFields, where: str, values: Mapping[str, Any]
) -> Iterator[list[dict[str, Any]]]:
    """Rows that have anything but their key to be found by, as dicts, a chunk at a time."""
    texts = [*fields.worded, *fields.codes]
    filled = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in texts)
    query = (
        f"SELECT id, area_path, {_size(cls)} AS size, {_place(cls)}::text AS place, {', '.join(map(quoted, texts))} "
        f"FROM {table_name(cls)} WHERE id > %(after)s AND ({filled}) AND {where} ORDER BY id LIMIT {CHUNK}"
    )
    after, full = 0, True
    while full:
        found = raw(conn).execute(query.encode(), {**values, "after": after}, prepare=False).fetchall()
        full = len(found) == CHUNK
        if found:
            after = found[-1][0]
            names = ("id", "area_path", "size", "place", *texts)
            yield [dict(zip(names, row, strict=True)) for row in found]


def _size(cls: FeatureClass) -> str:
    """The power of ten of a feature's m² or m, 0 for points, at most 9."""
    column = {"line": "length_m", "polygon": "area_m2", "mixed": "area_m2"}.get(cls.geometry)
    return "0" if column is None else f"least(9, floor(log(greatest(1, coalesce({column}, 0)))))::int"


def _place(cls: FeatureClass) -> str:
    return "geom" if cls.geometry == "point" else "ST_PointOnSurface(geom)"


def _write_entries(
    conn: Connection, cls: FeatureClass, fields: SearchFields, rows: Iterable[Mapping[str, Any]]
) -> int:
    columns = "class, id, sensitivity, weight, sampled, keys, place, words"
    written = 0
    with (
        raw(conn).cursor() as cursor,
        cursor.copy(f"COPY {SCHEMA}.search_entries ({columns}) FROM STDIN".encode()) as copy,
    ):
        for row in rows:
            texts = [[row[name] for name in part if row[name]] for part in (fields.names, fields.others)]
            if not any(texts):
                continue
            made = entry(texts[0], texts[1], tags(cls, row["area_path"]))
            weight = row["size"] * 1000 + 999 - cls.order
            sampled = _sampled(row["id"], row["size"])
            words = " ".join(map(lexeme, made.words))
            values = (cls.id, row["id"], cls.sensitivity, weight, sampled, made.keys, row["place"], words)
            copy.write_row(values)
            written += 1
    return written


def tags(cls: FeatureClass, area_path: str) -> list[str]:
    """What narrows a search to a class, to an area around a feature."""
    return [class_tag(cls.id), *(area_tag(code) for code in area_path.split("/") if code)]


def _sampled(item: int, size: int) -> bool:
    """Whether a feature is asked first: large ones, and one in SAMPLE whatever it is (Knuth's multiplicative hash)."""
    return size >= LARGE or ((item * 2_654_435_761) >> 16) % SAMPLE == 0


def _write_codes(
    conn: Connection, cls: FeatureClass, fields: SearchFields, rows: Iterable[Mapping[str, Any]]
) -> None:
    if not fields.codes:
        return
    statement = f"COPY {SCHEMA}.search_codes (class, id, field, sensitivity, code) FROM STDIN"
    with raw(conn).cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            for name in fields.codes:
                code = code_of(row[name] or "")
                if code:
                    copy.write_row((cls.id, row["id"], name, cls.sensitivity, code))
