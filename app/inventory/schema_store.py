"""Reads the tables of classes from the catalogs of PostgreSQL, as `growth` compares them."""

from __future__ import annotations

from typing import Any, LiteralString, TypeAlias

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Connection, text

from app.inventory.growth import Live, LiveColumn, LiveTable
from app.inventory.guards import Guard

#: A table per class and one of its versions before; what else stands in the schema has no `change_id` and no `geom`.
_TABLES = """
SELECT c.oid, n.nspname AS schema, c.relname AS name, obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%s) AND c.relkind = 'r'
  AND (SELECT count(*) FROM pg_attribute a
       WHERE a.attrelid = c.oid AND a.attname IN ('code', 'geom', 'valid', 'change_id') AND NOT a.attisdropped) = 4
ORDER BY 2, 3
"""
_COLUMNS = """
SELECT attrelid AS oid, attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS filled,
       col_description(attrelid, attnum) AS comment
FROM pg_attribute
WHERE attrelid = ANY (%s) AND attnum > 0 AND NOT attisdropped
ORDER BY attrelid, attnum
"""
_CONSTRAINTS = """
SELECT k.conrelid AS oid, k.conname AS name, k.contype AS type, pg_get_constraintdef(k.oid) AS definition,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS part(number, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = part.number ORDER BY part.place) AS columns
FROM pg_constraint k
WHERE k.conrelid = ANY (%s) AND k.contype IN ('c', 'p')
ORDER BY 1, 2
"""
_GUARDS = """
SELECT schema, class_id, level, row_field, row_values, internal_fields, restricted_fields, owner_fields FROM city.guards
"""
_INDEXES = """
SELECT i.indrelid AS oid, c.relname AS name,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS part(number, place)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = part.number ORDER BY part.place) AS columns
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY (%s)
"""
Rows: TypeAlias = dict[int, list[dict[str, Any]]]
Guards: TypeAlias = dict[tuple[str, str], Guard]


def read_tables(connection: psycopg.Connection[Any], schemas: list[str]) -> Live:
    """The tables of classes in `schemas` and of their histories, by (schema, table)."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_TABLES, [schemas]).fetchall()
        oids = [row["oid"] for row in found]
        parts = [_by_table(cursor, query, oids) for query in (_COLUMNS, _CONSTRAINTS, _INDEXES)]
        guards = _read_guards(cursor)
    return {(row["schema"], row["name"]): _table(row, guards, *parts) for row in found}


def _read_guards(cursor: psycopg.Cursor[dict[str, Any]]) -> Guards:
    """The guards by schema and table, the same for both tables of a class; none before there were any."""
    known = cursor.execute("SELECT to_regclass('city.guards') IS NOT NULL AS known").fetchone()
    if known is None or not known["known"]:
        return {}
    found: Guards = {}
    for row in cursor.execute(_GUARDS).fetchall():
        schema, class_id, level, row_field, *lists = row.values()
        guard = Guard(level, row_field, *(tuple(values) for values in lists))
        found[schema, class_id] = found[schema, f"{class_id}_history"] = guard
    return found


def _by_table(cursor: psycopg.Cursor[dict[str, Any]], query: LiteralString, oids: list[int]) -> Rows:
    found: Rows = {oid: [] for oid in oids}
    for row in cursor.execute(query, [oids]):
        found[row["oid"]].append(row)
    return found


def _table(row: dict[str, Any], guards: Guards, columns: Rows, constraints: Rows, indexes: Rows) -> LiveTable:
    rules = constraints[row["oid"]]
    return LiveTable(
        schema=row["schema"],
        name=row["name"],
        comment=row["comment"],
        guard=guards.get((row["schema"], row["name"])),
        columns={
            item["name"]: LiveColumn(item["type"], not item["filled"], item["comment"])
            for item in columns[row["oid"]]
        },
        checks={
            item["name"]: (item["definition"], frozenset(item["columns"]))
            for item in rules
            if item["type"] == "c"
        },
        keys={item["name"]: tuple(item["columns"]) for item in rules if item["type"] == "p"},
        indexes={item["name"]: tuple(item["columns"]) for item in indexes[row["oid"]]},
    )


#: The statements that mark functions LEAKPROOF which are not: row-level security leaves their indexes in use then.
LEAKING = (
    "SELECT format('ALTER FUNCTION %s LEAKPROOF', oid::regprocedure) FROM pg_proc WHERE NOT proleakproof "
    "AND (proname IN ('ts_match_vq', 'range_contains_elem', 'range_overlaps') OR proname = 'geometry_overlaps' "
    "AND pg_get_function_identity_arguments(oid) LIKE '%geometry, %geometry') ORDER BY 1"
)


def leaking(conn: Connection) -> list[str]:
    """What `LEAKING` finds: functions behind the operators by which rows are found in space, in time and by words."""
    return list(conn.execute(text(LEAKING)).scalars())
