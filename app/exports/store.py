"""The SQL of exports: the rows of classes and of runs, read batch by batch in one snapshot, by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from app.catalogue.export_names import SYSTEM_TITLES
from app.catalogue.model import Catalogue, FeatureClass, Field, Title
from app.coverage.store import run_table
from app.errors import NotFound
from app.exports.arrow import schema, with_nulls
from app.exports.model import ORIGIN, Batches, ExportColumn, ExportLayer
from app.exports.profile import AreaName
from app.inventory.changes import list_origins, raw
from app.inventory.pages import Rows
from app.inventory.query import Condition, FeatureQuery
from app.inventory.store import selected
from app.inventory.streams import Selection, StreamColumn, table_blocks
from app.inventory.tables import SCHEMA
from app.inventory.tables import quoted as named
from app.inventory.times import NOW, Times, versions
from app.lazy import lazy_module
from app.ogc.queryables import queryables_of
from app.parallel import ahead

#: It loads pyarrow, which most commands do not need.
record_batches = lazy_module("app.ogc.record_batches")

GEOMETRY_TYPES = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon", "mixed": "Unknown"}
RUN_LAYERS = {
    "areas": ("coverage_areas", Title("各区结果", "Figures by area"), "MultiPolygon"),
    "gaps": ("coverage_gaps", Title("覆盖缺口", "Gaps"), "MultiPolygon"),
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
_KINDS = {0: "point", 1: "line", 2: "polygon", None: "none"}
_DIMENSIONS = {"Point": 0, "MultiLineString": 1, "MultiPolygon": 2}
#: A column and what it is as SQL over a row.
Pair = tuple[ExportColumn, str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which rows of a class: the versions of `times`, of features at home in `area` that meet `condition`."""

    times: Times = NOW
    area: str | None = None
    condition: Condition | None = None


EVERYTHING = Chosen()


@dataclass(frozen=True, slots=True)
class Reading:
    """A snapshot to read from; what is read of it is closed with `opened`, however far it got."""

    conn: Connection
    catalogue: Catalogue
    opened: ExitStack


@contextmanager
def reading(conn: Connection, catalogue: Catalogue) -> Iterator[Reading]:
    """Read layers within the block; the transaction may wait as long as a file takes that is being packed."""
    conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = '1h'"))
    with ExitStack() as opened:
        yield Reading(conn, catalogue, opened)


def read_class(reading: Reading, cls: FeatureClass, version: int, chosen: Chosen = EVERYTHING) -> ExportLayer:
    """The rows of a class, by id, with its fields and what the inventory keeps beside them.

    `version` is the data version, written to each row: a table keeps it where a file loses what is said of it.

    Raises:
        NotFound, BadInput: There is no such area, or the condition cannot be asked.
    """
    pairs = [
        *_leading(),
        *((_column(field), named(field.name)) for field in cls.fields),
        *_trailing(cls, version),
    ]
    if reading.catalogue.open_only:  # columns of files that no class declares are not declared public
        pairs = [pair for pair in pairs if pair[0].name != "extra"]
    query = FeatureQuery(cls.id, times=chosen.times, area=chosen.area, condition=chosen.condition)
    _, rows, _ = selected(reading.conn, reading.catalogue, query)
    columns = chosen.condition.columns if chosen.condition else frozenset()
    rows = replace(rows, source=_versions(cls, chosen.times, columns))
    layer = _layer(reading, cls.id, cls.title, GEOMETRY_TYPES[cls.geometry], pairs, rows)
    return replace(layer, cls=cls, about=read_origin(reading.conn, [cls], chosen.times))


def _versions(cls: FeatureClass, times: Times, more: Iterable[str] = ()) -> str:
    """What to read FROM; made of names of the catalogue alone."""
    names = {field.name for field in cls.fields} | {
        column.name for column, _ in (*_leading(), *_trailing(cls))
    }
    columns = (names - {"valid_from", "valid_to", "data_version"}) | {"geom", "valid", "areas_touched", *more}
    return versions(cls, columns, times)


def _column(field: Field) -> ExportColumn:
    choices = {choice.value: choice.title for choice in field.choices}
    labels = {value: title.zh for value, title in choices.items()}
    return ExportColumn(field.name, field.type, field.title, field.unit, labels, choices, field.description)


def _system(name: str, kind: str, expression: str | None = None) -> Pair:
    return ExportColumn(name, kind, SYSTEM_TITLES[name]), expression or named(name)


def _leading() -> list[Pair]:
    return [_system("id", "integer"), _system("code", "text")]


def _trailing(cls: FeatureClass, version: int = 0) -> list[Pair]:
    size = {"line": ["length_m"], "point": []}.get(cls.geometry, ["area_m2"])
    return [
        *(_system(name, "number") for name in size),
        _system("area_path", "text"),
        _system("incomplete", "boolean"),
        _system("valid_from", "date", "lower(valid)"),
        _system("valid_to", "date", "upper(valid)"),
        _system("change_id", "integer"),
        _system("data_version", "integer", f"{int(version)}::bigint"),
        _system("extra", "json", "extra::text"),
    ]


def read_run(
    reading: Reading,
    run: UUID,
    part: str,
    origin: Mapping[str, str],
    condition: Condition | None = None,
) -> ExportLayer:
    """The areas, gaps or units of a run, as they were saved; `origin` is that of the classes it was counted from."""
    table, title, kind = RUN_LAYERS[part]
    pairs = [(column, _plain(column)) for column in _table_columns(reading.conn, reading.catalogue, table)]
    where = "run = %(run)s::uuid" + (f" AND ({condition.sql})" if condition else "")
    values = {"run": str(run), **(condition.values if condition else {})}
    layer = _layer(reading, table, title, kind, pairs, Rows(run_table(table), where, values))
    return replace(layer, about=origin)


def _plain(column: ExportColumn) -> str:
    return named(column.name) + ("::text" if column.type in ("json", "text") else "")


def _table_columns(conn: Connection, catalogue: Catalogue, table: str) -> list[ExportColumn]:
    query = text(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a"
        " WHERE a.attrelid = CAST(:name AS regclass) AND a.attnum > 0 AND NOT a.attisdropped"
        " AND a.attname <> 'geom' ORDER BY a.attnum"
    )
    found = conn.execute(query, {"name": f"{SCHEMA}.{table}"})
    titles = {name: item.title for name, item in queryables_of(catalogue, table).items()} | SYSTEM_TITLES
    return [
        ExportColumn(name, COLUMN_TYPES.get(kind, "text"), titles.get(name, Title(name, name)))
        for name, kind in found
    ]


def _layer(
    reading: Reading, name: str, title: Title, kind: str, pairs: Sequence[Pair], rows: Rows
) -> ExportLayer:
    columns = tuple(column for column, _ in pairs)
    kinds, held = _look(reading.conn, pairs, rows, kind)
    stream = tuple(StreamColumn(columns[i].name, columns[i].type, pairs[i][1]) for i in held)
    selection = Selection(name, title.zh, rows, stream, "''", kind)
    return ExportLayer(
        name, title, kind, columns, kinds, partial(_read, reading, selection, columns, held),
        partial(_measure, reading.conn, pairs, rows), partial(_extent, reading.conn, rows),
    )  # fmt: skip


def _read(
    reading: Reading, selection: Selection, columns: Sequence[ExportColumn], held: Sequence[int]
) -> Batches:
    """The rows; the next ones are fetched and parsed in another thread while these are written."""
    kind = schema([columns[i] for i in held])
    blocks = table_blocks(reading.conn, selection)
    found: Batches = ahead(record_batches.batches(blocks, selection.columns, kind))
    reading.opened.callback(found.close)  # type: ignore[attr-defined]
    return (with_nulls(batch, columns, held) for batch in found)


def _look(
    conn: Connection, pairs: Sequence[Pair], rows: Rows, geometry_type: str
) -> tuple[dict[str, int], list[int]]:
    """The rows by kind of geometry, and the positions of the columns that hold anything: others are not fetched."""
    counts = ", ".join(f"count({sql})" for _, sql in pairs)
    asked = f"count(*), {counts} FROM {rows.source} v WHERE {rows.where}"
    known = _DIMENSIONS.get(geometry_type)
    if known is None:
        found = _execute(conn, f"SELECT ST_Dimension(geom), {asked} GROUP BY 1", rows.values)
        kinds = {_KINDS[row[0]]: int(row[1]) for row in found}
    else:
        # Where all are of one kind no shape is looked at; what is not grouped is counted by several processes.
        found = _execute(conn, f"SELECT count(geom), {asked}", rows.values)
        shapes, count = map(int, found[0][:2])
        kinds = {kind: many for kind, many in ((_KINDS[known], shapes), ("none", count - shapes)) if many}
    return kinds, [i for i in range(len(pairs)) if any(row[i + 2] for row in found)]


def _measure(conn: Connection, pairs: Sequence[Pair], rows: Rows) -> dict[str, int]:
    """Of each column of integers the largest amount, of each column of text the most bytes."""
    asked = {
        column.name: f"max(abs({sql}))" if column.type == "integer" else f"max(octet_length(({sql})::text))"
        for column, sql in pairs
        if column.type in ("integer", "text", "choice")
    }
    query = f"SELECT {', '.join(asked.values())} FROM {rows.source} v WHERE {rows.where}"
    (found,) = _execute(conn, query, rows.values)
    return {name: int(value or 0) for name, value in zip(asked, found, strict=True)}


def _extent(conn: Connection, rows: Rows) -> list[float] | None:
    """West, south, east, north of all shapes."""
    box = ", ".join(f"{end}(box)" for end in ("ST_XMin", "ST_YMin", "ST_XMax", "ST_YMax"))
    query = f"SELECT {box} FROM (SELECT ST_Extent(geom) AS box FROM {rows.source} v WHERE {rows.where}) b"
    (found,) = _execute(conn, query, rows.values)
    return None if found[0] is None else [float(value) for value in found]


def _execute(conn: Connection, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with raw(conn).cursor() as cursor:
        cursor.execute(query.encode(), values)
        return list(cursor.fetchall())


def list_filled(conn: Connection, classes: Iterable[FeatureClass], times: Times = NOW) -> list[FeatureClass]:
    """The classes that hold at least one row at a time."""
    return [
        cls
        for cls in classes
        if _execute(conn, f"SELECT EXISTS (SELECT FROM {_versions(cls, times)} v)", times.values)[0][0]
    ]


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


def read_marks(conn: Connection) -> str:
    """Changes whenever what is said of rows does while they stay: by their imports, whether it is a sample."""
    query = text("SELECT count(*) || '.' || coalesce(max(id::text), '') FROM city.import_origins()")
    return f"{conn.execute(query).scalar_one()}.{is_sample(conn)}"


def is_sample(conn: Connection) -> bool:
    """Whether the database holds the sample city."""
    return bool(
        conn.execute(text("SELECT EXISTS (SELECT FROM city.settings WHERE key = 'sample')")).scalar_one()
    )
