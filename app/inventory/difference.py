"""What an import did or would do to a class: new, changed with old and new values, deleted; and what its file lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory.changes import raw
from app.inventory.history import GEOMETRY
from app.inventory.rewrite import believed, table, temporary
from app.inventory.staging import copy_rows

#: Longest text of a geometry in an example.
SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Missing:
    """Features that a file no longer has: `codes` may be deleted, `changed` were changed here since it was written."""

    codes: list[str]
    changed: list[str]
    examples: list[dict[str, Any]]


def remember_codes(conn: Connection, cls: FeatureClass, codes: Sequence[str]) -> None:
    """Note codes that a file holds, chunk by chunk, rejected ones too; forgotten at the end of the transaction."""
    filed = temporary("filed", cls)
    with raw(conn).cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} (code text NOT NULL) ON COMMIT DROP").format(filed)
        )
        copy_rows(cursor, filed, {"code": codes})


def missing(
    conn: Connection,
    cls: FeatureClass,
    *,
    data_version: int | None = None,
    path: str | None = None,
    source: str | None = None,
    examples: int = 10,
) -> Missing:
    """The current features that belong to a file and whose codes `remember_codes` was not told of.

    Of an own export (`data_version`) those that stood in the class at that change; those written since are `changed`.
    Of another file those whose newest imported version came from the very same absolute `path`, or from a file of that
    name with the same stated `source`: two offices may well give their files one name. Else no feature belongs to it.
    An own export that was edited and brought back is nobody's source: its rows stay those of the file they came from.
    """
    where, values = _belongs(cls, data_version, path, source)
    query = sql.SQL(
        "SELECT t.code, {changed}, t.change_id, {name} FROM {table} t WHERE {where} "
        "AND NOT EXISTS (SELECT FROM {filed} f WHERE f.code = t.code) ORDER BY t.id"
    ).format(
        changed=sql.SQL("FALSE" if data_version is None else "t.change_id > %(version)s"),
        name=_name(cls, "t"),
        table=table(cls),
        where=where,
        filed=temporary("filed", cls),
    )
    remember_codes(conn, cls, ())
    raw(conn).execute(sql.SQL("ANALYZE {}").format(temporary("filed", cls)))
    rows = raw(conn).execute(query, values).fetchall()
    return Missing(
        [row[0] for row in rows if not row[1]],
        [row[0] for row in rows if row[1]],
        [{"code": row[0], "change": row[2], "name": row[3]} for row in rows if not row[1]][:examples],
    )


def overwritten(conn: Connection, cls: FeatureClass, import_id: UUID, path: str) -> int:
    """The number of features that an import changed though no import of the same `path` ever gave them."""
    query = sql.SQL(
        "SELECT count(DISTINCT h.id) FROM {history} h WHERE h.until_change IN "
        "(SELECT id FROM city.changes WHERE import_id = %(import)s) AND NOT EXISTS (SELECT FROM {history} v "
        "JOIN city.imports i ON i.id = v.import_id WHERE v.id = h.id AND i.path = %(path)s AND i.id <> %(import)s)"
    ).format(history=table(cls, history=True))
    row = raw(conn).execute(query, {"import": import_id, "path": path}).fetchone()
    return int(row[0]) if row else 0


def moved(conn: Connection, cls: FeatureClass, import_id: UUID, metres: float) -> list[str]:
    """The codes of features that an import put more than `metres` from where they were, in order."""
    query = sql.SQL(
        "SELECT DISTINCT t.code FROM {history} h JOIN {table} t ON t.id = h.id WHERE h.until_change IN "
        "(SELECT id FROM city.changes WHERE import_id = %(import)s) "
        "AND ST_Distance(h.geom::geography, t.geom::geography) > %(metres)s ORDER BY t.code"
    ).format(history=table(cls, history=True), table=table(cls))
    rows = raw(conn).execute(query, {"import": import_id, "metres": metres}).fetchall()
    return [row[0] for row in rows]


def _belongs(
    cls: FeatureClass, data_version: int | None, path: str | None, source: str | None
) -> tuple[sql.Composable, dict[str, Any]]:
    history = table(cls, history=True)
    if data_version is not None:
        # Its oldest known version: a feature that came later is no part of the file.
        rule = sql.SQL(
            "(t.change_id <= %(version)s OR EXISTS (SELECT FROM {} h WHERE h.id = t.id AND h.change_id <= %(version)s "
            "AND (h.until_change IS NULL OR h.until_change > %(version)s)))"
        ).format(history)
        return rule, {"version": data_version}
    rule = sql.SQL(
        "coalesce(CASE WHEN {own} @> ARRAY[t.import_id] THEN NULL ELSE t.import_id END, "
        "(SELECT h.import_id FROM {history} h WHERE h.id = t.id AND h.import_id IS NOT NULL "
        "AND NOT {own} @> ARRAY[h.import_id] ORDER BY h.change_id DESC LIMIT 1)) IN (SELECT id FROM city.imports "
        "WHERE (path = %(path)s AND path LIKE '/%%' AND source IS NOT DISTINCT FROM %(source)s) "
        "OR (regexp_replace(path, '^.*/', '') = %(name)s AND source = %(source)s))"
    ).format(history=history, own=_OWN_EXPORTS)
    return rule, {
        "path": path,
        "name": None if path is None else path.rpartition("/")[2],
        "source": source,
        "own": Jsonb({"layers": [{"class": cls.id, "own_export": True}]}),
    }


#: The imports of own exports, asked once a statement.
_OWN_EXPORTS = sql.SQL(
    "(SELECT coalesce(array_agg(id), '{{}}') FROM city.imports WHERE report @> %(own)s)"
).format()


def _name(cls: FeatureClass, alias: str) -> sql.Composable:
    """The feature's name, for people; null where the class has none."""
    known = [name for name in ("name_zh", "name_en", "name") if name in {field.name for field in cls.fields}]
    if not known:
        return sql.SQL("NULL::text")
    return sql.SQL("coalesce({})").format(
        sql.SQL(", ").join(sql.SQL("{}").format(sql.Identifier(alias, name)) for name in known)
    )


def difference(conn: Connection, cls: FeatureClass, import_id: UUID, examples: int = 5) -> dict[str, Any]:
    """What the changes of an import did to a class, read within its transaction or later.

    `{"new": n, "changed": n, "deleted": n, "fields": {field: rows}, "examples": {"new", "changed", "deleted"}}`, where
    examples bear `code` and `name`, changed ones `fields` with `field`, `title`, `before` and `after` (geometry as
    short WKT). A feature of which several versions were written counts by the newest of them.
    """
    pairs = _make_pairs(conn, cls, import_id)
    kinds = sql.SQL(
        "SELECT count(*) FILTER (WHERE NOT had AND has), count(*) FILTER (WHERE had AND has), "
        "count(*) FILTER (WHERE had AND NOT has) FROM {}"
    ).format(pairs)
    new, changed, deleted = raw(conn).execute(kinds).fetchone() or (0, 0, 0)
    return {
        "new": new,
        "changed": changed,
        "deleted": deleted,
        "fields": _changed_fields(conn, cls, pairs) if changed else {},
        "examples": {
            "new": _shown(conn, cls, pairs, "NOT had AND has", "after", examples) if new else [],
            "changed": _changed_examples(conn, cls, pairs, examples) if changed else [],
            "deleted": _shown(conn, cls, pairs, "had AND NOT has", "before", examples) if deleted else [],
        },
    }


def _told(cls: FeatureClass) -> list[str]:
    return [*(field.name for field in cls.fields), "incomplete", "extra", "geom"]


def _make_pairs(conn: Connection, cls: FeatureClass, import_id: UUID) -> sql.Identifier:
    """A temporary table of the touched features: keys of the version withdrawn last and of the one written last."""
    pairs = temporary("pairs", cls)
    every = ["id", "change_id", "import_id", "valid"]
    query = sql.SQL(
        "CREATE TEMP TABLE {pairs} ON COMMIT DROP AS "
        "WITH own AS (SELECT id FROM city.changes WHERE import_id = %(import)s), "
        # What is left of a withdrawn version on other days keeps the import that it came from.
        "written AS (SELECT DISTINCT ON (id) id, change_id, valid FROM {believed} v WHERE change_id IN "
        "(SELECT id FROM own) ORDER BY id, import_id IS NOT DISTINCT FROM %(import)s DESC, valid DESC), "
        "gone AS (SELECT DISTINCT ON (h.id) h.id, h.change_id, h.valid FROM {history} h LEFT JOIN written w "
        "ON w.id = h.id WHERE h.until_change IN (SELECT id FROM own) AND h.change_id NOT IN (SELECT id FROM own) "
        "ORDER BY h.id, h.valid && w.valid DESC NULLS LAST, h.valid DESC) "
        "SELECT coalesce(w.id, g.id) AS id, g.id IS NOT NULL AS had, w.id IS NOT NULL AS has, "
        "g.change_id AS old_change, g.valid AS old_valid, w.change_id AS new_change, w.valid AS new_valid "
        "FROM written w FULL JOIN gone g ON g.id = w.id"
    ).format(pairs=pairs, believed=believed(cls, every), history=table(cls, history=True))
    with raw(conn).cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(pairs))
        cursor.execute(query, {"import": import_id})
        cursor.execute(sql.SQL("ANALYZE {}").format(pairs))
    return pairs


def _sides(cls: FeatureClass, pairs: sql.Identifier) -> sql.Composed:
    """FROM item: changed features `p` with their versions `before` and `after`."""
    told = sql.SQL(", ").join(map(sql.Identifier, ["id", "code", "change_id", "valid", *_told(cls)]))
    return sql.SQL(
        "{pairs} p JOIN {history} before ON before.id = p.id AND before.change_id = p.old_change "
        "AND before.valid = p.old_valid JOIN LATERAL (SELECT {told} FROM {now} n WHERE n.id = p.id "
        "AND n.change_id = p.new_change AND n.valid = p.new_valid UNION ALL SELECT {told} FROM {history} h "
        "WHERE h.id = p.id AND h.change_id = p.new_change AND h.valid = p.new_valid) after ON TRUE"
    ).format(pairs=pairs, history=table(cls, history=True), now=table(cls), told=told)


def _changed_fields(conn: Connection, cls: FeatureClass, pairs: sql.Identifier) -> dict[str, int]:
    """Field → changed features in which it differs; `geometry` and `valid` beside the class's own."""
    told = [*_told(cls), "valid"]
    counts = sql.SQL(", ").join(
        sql.SQL("count(*) FILTER (WHERE before.{0} IS DISTINCT FROM after.{0})").format(sql.Identifier(name))
        for name in told
    )
    row = raw(conn).execute(sql.SQL("SELECT {} FROM {}").format(counts, _sides(cls, pairs))).fetchone()
    return {"geometry" if name == "geom" else name: n for name, n in zip(told, row or (), strict=True) if n}


def _changed_examples(
    conn: Connection, cls: FeatureClass, pairs: sql.Identifier, limit: int
) -> list[dict[str, Any]]:
    told = [*_told(cls), "valid"]
    values = sql.SQL(", ").join(_value(name, side) for name in told for side in ("before", "after"))
    query = sql.SQL("SELECT after.code, {}, {} FROM {} ORDER BY after.id LIMIT %s").format(
        _name(cls, "after") if _has_name(cls) else sql.SQL("NULL::text"), values, _sides(cls, pairs)
    )
    titles: Mapping[str, Any] = {field.name: field.title for field in cls.fields} | {"geometry": GEOMETRY}
    examples = []
    for code, name, *flat in raw(conn).execute(query, (limit,)).fetchall():
        both = zip(told, flat[::2], flat[1::2], strict=True)
        fields = [_field(column, old, new, titles) for column, old, new in both if old != new]
        examples.append({"code": code, "name": name, "fields": fields})
    return examples


def _has_name(cls: FeatureClass) -> bool:
    return bool({"name_zh", "name_en", "name"} & {field.name for field in cls.fields})


def _value(name: str, side: str) -> sql.Composable:
    if name == "geom":
        return sql.SQL("ST_AsText({}, 7)").format(sql.Identifier(side, name))
    cast = sql.SQL("::text") if name == "valid" else sql.SQL("")
    return sql.SQL("{}{}").format(sql.Identifier(side, name), cast)


def _field(column: str, old: Any, new: Any, titles: Mapping[str, Any]) -> dict[str, Any]:
    name = "geometry" if column == "geom" else column
    title = titles.get(name)
    said = {"zh": name, "en": name} if title is None else {"zh": title.zh, "en": title.en}
    return {"field": name, "title": said, "before": _plain(old), "after": _plain(new)}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and len(value) > SHOWN_CHARACTERS:
        return f"{value[:SHOWN_CHARACTERS]}…"
    return value


def _shown(
    conn: Connection, cls: FeatureClass, pairs: sql.Identifier, rule: str, side: str, limit: int
) -> list[dict[str, Any]]:
    """Code and name of some new or deleted features."""
    old, new = ("new_change", "new_valid") if side == "after" else ("old_change", "old_valid")
    told = sql.SQL(", ").join(
        map(sql.Identifier, ["id", "code", "change_id", "valid", *(field.name for field in cls.fields)])
    )
    query = sql.SQL(
        "SELECT v.code, {name} FROM (SELECT * FROM {pairs} WHERE {rule} ORDER BY id LIMIT %s) p JOIN LATERAL ("
        "SELECT {told} FROM {now} n WHERE n.id = p.id AND n.change_id = p.{change} AND n.valid = p.{valid} UNION ALL "
        "SELECT {told} FROM {history} h WHERE h.id = p.id AND h.change_id = p.{change} AND h.valid = p.{valid}) v "
        "ON TRUE ORDER BY v.id"
    ).format(
        name=_name(cls, "v"),
        pairs=pairs,
        rule=sql.SQL(rule),
        told=told,
        now=table(cls),
        history=table(cls, history=True),
        change=sql.Identifier(old),
        valid=sql.Identifier(new),
    )
    return [{"code": code, "name": name} for code, name in raw(conn).execute(query, (limit,)).fetchall()]
