"""The SQL of exports: whole classes and the rows of a run, column by column, in one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal
from sqlalchemy import Connection, text

from app.catalogue.export_names import SYSTEM_TITLES
from app.catalogue.model import FeatureClass, Field, Title
from app.errors import NotFound
from app.exports.model import ORIGIN, ExportColumn, ExportLayer
from app.exports.profile import AreaName
from app.inventory.changes import list_origins, raw
from app.inventory.tables import SCHEMA
from app.inventory.times import NOW, Times, versions

GEOMETRY_TYPES = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon", "mixed": "Unknown"}
RUN_LAYERS = {
    "areas": ("coverage_areas", Title("各区结果", "Figures by area"), "MultiPolygon"),
    "gaps": ("coverage_gaps", Title("服务盲区", "Gaps"), "MultiPolygon"),
    "units": ("coverage_units", Title("统计单元", "Units"), "Unknown"),
    "differences": (
        "coverage_differences",
        Title("直线与步行差异", "Difference of the modes"),
        "MultiPolygon",
    ),
}
COLUMN_TYPES = {
    "bigint": "integer", "integer": "integer", "smallint": "integer", "double precision": "number",
    "boolean": "boolean", "date": "date", "timestamp with time zone": "datetime", "jsonb": "json",
}  # fmt: skip


def read_class(conn: Connection, cls: FeatureClass, version: int, times: Times = NOW) -> ExportLayer:
    """Every row of a class at a time, by id, with its fields and what the inventory keeps beside them.

    `version` is the data version, written to each row: a table keeps it where a file loses what is said of it.
    """
    pairs = [
        *_leading(),
        *((_column(field), Identifier(field.name)) for field in cls.fields),
        *_trailing(cls, version),
    ]
    query = SQL("SELECT {}, ST_AsBinary(geom) FROM {} v ORDER BY id").format(
        SQL(", ").join(expression for _, expression in pairs), _versions(cls, times)
    )
    rows = _rows(conn, query, times.values)
    layer = _layer(cls.id, cls.title, GEOMETRY_TYPES[cls.geometry], [column for column, _ in pairs], rows)
    return replace(layer, about=read_origin(conn, [cls], times))


def _versions(cls: FeatureClass, times: Times) -> SQL:
    """What to read FROM; made of names of the catalogue alone."""
    names = {field.name for field in cls.fields} | {
        column.name for column, _ in (*_leading(), *_trailing(cls))
    }
    columns = (names - {"valid_from", "valid_to", "data_version"}) | {"geom", "valid"}
    return SQL(versions(cls, columns, times))


def _column(field: Field) -> ExportColumn:
    labels = {choice.value: choice.title.zh for choice in field.choices}
    return ExportColumn(field.name, field.type, field.title, field.unit, labels)


def _system(name: str, kind: str, expression: Composable | None = None) -> tuple[ExportColumn, Composable]:
    return ExportColumn(name, kind, SYSTEM_TITLES[name]), expression or Identifier(name)


def _leading() -> list[tuple[ExportColumn, Composable]]:
    return [_system("id", "integer"), _system("code", "text")]


def _trailing(cls: FeatureClass, version: int = 0) -> list[tuple[ExportColumn, Composable]]:
    size = {"line": ["length_m"], "point": []}.get(cls.geometry, ["area_m2"])
    return [
        *(_system(name, "number") for name in size),
        _system("area_path", "text"),
        _system("incomplete", "boolean"),
        _system("valid_from", "date", SQL("lower(valid)")),
        _system("valid_to", "date", SQL("upper(valid)")),
        _system("change_id", "integer"),
        _system("data_version", "integer", SQL("{}::bigint").format(Literal(version))),
        _system("extra", "json", SQL("extra::text")),
    ]


def read_run(conn: Connection, run: UUID, part: str, origin: Mapping[str, str]) -> ExportLayer:
    """The areas, gaps or units of a run, as they were saved; `origin` is that of the classes it was counted from."""
    table, title, kind = RUN_LAYERS[part]
    columns = _table_columns(conn, table)
    query = SQL("SELECT {}, ST_AsBinary(geom) FROM {} WHERE run = %s ORDER BY id").format(
        SQL(", ").join(_plain(column) for column in columns), Identifier(SCHEMA, table)
    )
    return replace(_layer(table, title, kind, columns, _rows(conn, query, (run,))), about=origin)


def _plain(column: ExportColumn) -> Composable:
    cast = SQL("::text") if column.type in ("json", "text") else SQL("")
    return SQL("{}{}").format(Identifier(column.name), cast)


def _table_columns(conn: Connection, table: str) -> list[ExportColumn]:
    query = text(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
        " WHERE a.attrelid = CAST(:name AS regclass) AND a.attnum > 0 AND NOT a.attisdropped"
        " AND a.attname <> 'geom' ORDER BY a.attnum"
    )
    found = conn.execute(query, {"name": f"{SCHEMA}.{table}"})
    return [ExportColumn(name, COLUMN_TYPES.get(kind, "text"), Title(name, name)) for name, kind in found]


def _rows(
    conn: Connection, query: Composed, values: Sequence[Any] | Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    with raw(conn).cursor(binary=True) as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def _layer(
    name: str, title: Title, kind: str, columns: Sequence[ExportColumn], rows: list[tuple[Any, ...]]
) -> ExportLayer:
    values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(len(columns) + 1)]
    geometry = np.empty(len(rows), dtype=object)
    geometry[:] = values[-1]
    return ExportLayer(name, title, kind, tuple(columns), tuple(values[:-1]), geometry)


def list_filled(conn: Connection, classes: Iterable[FeatureClass], times: Times = NOW) -> list[FeatureClass]:
    """The classes that hold at least one row at a time."""
    found = []
    for cls in classes:
        query = SQL("SELECT EXISTS (SELECT FROM {} v)").format(_versions(cls, times))
        if _rows(conn, query, times.values)[0][0]:
            found.append(cls)
    return found


def get_run_about(conn: Connection, run: UUID) -> dict[str, str]:
    """What is said of a run: its policy, version, time and inputs.

    Raises:
        NotFound: There is no such run.
    """
    query = text(
        "SELECT policy_id, policy_version, to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SSOF'), inputs::text"
        " FROM city.coverage_runs WHERE id = :run"
    )
    row = conn.execute(query, {"run": run}).one_or_none()
    if row is None:
        raise NotFound(f"There is no run '{run}'.", "List the runs: GET /coverage.")
    return {
        "run": str(run),
        "policy": row[0],
        "policy_version": row[1],
        "created_at": row[2],
        "inputs": row[3],
    }


def read_origin(conn: Connection, classes: Iterable[FeatureClass], times: Times = NOW) -> dict[str, str]:
    """Source, licence and attribution of the imports that the rows of these classes came from, several joined by `; `.

    What no import has said is left out.
    """
    origins = [origin for cls in classes for origin in list_origins(conn, cls, times)]
    said = {name: dict.fromkeys(origin[name] for origin in origins if origin[name]) for name in ORIGIN}
    return {name: "; ".join(map(str, values)) for name, values in said.items() if values}


def read_area_names(conn: Connection) -> dict[str, AreaName]:
    """Every area by its code: its level, its official code and its name."""
    query = text(
        "SELECT code, level, coalesce(division_code, code), coalesce(name_zh, name_en) FROM city.districts"
        " UNION ALL SELECT code, 'grid', coalesce(grid_code, code), coalesce(name_zh, name_en) FROM city.grid_cells"
    )
    return {code: AreaName(level, official, name) for code, level, official, name in conn.execute(query)}


def is_sample(conn: Connection) -> bool:
    """Whether the database holds the sample city."""
    return bool(
        conn.execute(text("SELECT EXISTS (SELECT FROM city.settings WHERE key = 'sample')")).scalar_one()
    )
