"""Saved runs: the run with its results, and its areas, gaps and units as rows of the four run collections."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from psycopg import sql
from sqlalchemy import text

from app.catalogue.model import Lang
from app.database.scope import SCOPE
from app.database.transactions import Connection
from app.inventory.changes import raw
from app.inventory.copy_binary import (
    HEAD,
    TAIL,
    Cells,
    binary_rows,
    booleans,
    constant,
    framed,
    integers,
    numbers,
    texts,
)
from app.inventory.rewrite import guarded_copy
from app.inventory.times import Times, versions

#: Runs whose figures are the city's own: of the whole city as it was when they were made, in all modes of their policy,
#: without a scenario and with no parameter changed (as far as runs made before `asked` was kept tell).
OF_NOW = (
    "(area IS NULL AND inputs->>'as_of' IS NULL AND inputs->>'known_at' IS NULL AND inputs->'scenario' IS NULL"
    " AND jsonb_strip_nulls(coalesce(inputs->'asked', '{}')) = '{}'"
    " AND (modes @> ARRAY['straight', 'walk'] OR modes @> ARRAY['count']))"
)
#: Unnamed runs are dropped after this many days.
KEEP_DAYS = 30

AREA_COLUMNS = (
    "code", "name", "level", "mode", "tier", "share_of_land", "share_of_people", "people", "people_served",
    "land_m2", "land_served_m2", "target", "met", "reason", "facilities", "value", "unit", "measure", "target_is",
)  # fmt: skip
GAP_COLUMNS = (
    "mode",
    "tier",
    "code",
    "name",
    "area_path",
    "people",
    "area_m2",
    "nearest_m",
    "nearest_code",
    "nearest_name",
    "geom",
)
DIFFERENCE_COLUMNS = (
    "tier", "cause", "code", "name", "area_path", "people", "area_m2", "straight_m", "walk_m", "detour",
    "nearest_code", "nearest_name", "geom",
)  # fmt: skip
UNIT_COLUMNS = (
    "mode",
    "tier",
    "kind",
    "code",
    "name",
    "area_path",
    "people",
    "area_m2",
    "served_share",
    "distance_m",
    "minutes",
    "geom",
)
#: Tables whose rows name the nearest facility, wherever it lies, with their columns.
NAMING = {"coverage_gaps": GAP_COLUMNS, "coverage_differences": DIFFERENCE_COLUMNS}
_NAMES = ("nearest_code", "nearest_name")
#: Table → the columns that are shown of its rows, and their order.
ORDERS = {
    "coverage_areas": (AREA_COLUMNS, "tier, mode, id"),
    "coverage_gaps": (GAP_COLUMNS[:-1], "people DESC NULLS LAST, area_m2 DESC, id"),
    "coverage_differences": (DIFFERENCE_COLUMNS[:-1], "people DESC NULLS LAST, area_m2 DESC, id"),
}
ShapeTable = Literal["coverage_gaps", "coverage_units"]

#: How the columns of the run's tables are written; the others are texts. PostGIS reads WKB, and takes the SRID from
#: the column.
TYPES = {
    "people": "float8", "people_served": "float8", "area_m2": "float8", "land_m2": "float8", "land_served_m2": "float8",
    "share_of_land": "float8", "share_of_people": "float8", "served_share": "float8", "nearest_m": "float8",
    "distance_m": "float8", "minutes": "float8",
    "target": "float8", "met": "bool", "geom": "bytea", "facilities": "int4", "value": "float8", "straight_m": "float8",
    "walk_m": "float8", "detour": "float8",
}  # fmt: skip

CELLS: Mapping[str, Callable[[Sequence[Any]], Cells]] = {
    "text": texts,
    "float8": numbers,
    "bool": booleans,
    "int4": lambda values: integers(values, 4),
    "bytea": lambda values: framed(list(values)),
}
#: So many rows are made and sent together: a million need hundreds of megabytes.
ROWS_AT_ONCE = 50_000


def limiting_areas() -> tuple[str, ...] | None:
    """The codes of the areas that the scope that holds is limited to, None where it is limited to none."""
    scope = SCOPE.get()
    return None if scope is None else scope.areas


def run_table(table: str) -> str:
    """What rows of runs are read FROM: who sees some areas only is not told which facility of others is nearest."""
    columns = NAMING.get(table)
    if columns is None or limiting_areas() is None:
        return f"city.{table}"
    shown = ", ".join(f"NULL::text AS {name}" if name in _NAMES else name for name in columns)
    return f"(SELECT id, run, {shown} FROM city.{table})"


def save_run(conn: Connection, answer: Mapping[str, Any], name: str | None) -> str:
    """Store an engine's answer as a run in the caller's transaction; returns its UUID."""
    run = str(uuid.uuid4())
    policy, inputs = answer["policy"], answer["inputs"]
    conn.execute(
        text(
            "INSERT INTO city.coverage_runs (id, policy_id, policy_version, policy_text, modes, area, name, inputs,"
            " results, areas, details, saved) VALUES (:id, :policy_id, :policy_version, :policy_text, :modes, :area,"
            " :name, CAST(:inputs AS jsonb), CAST(:results AS jsonb), CAST(:areas AS jsonb),"
            " CAST(:details AS jsonb), :saved)"
        ),
        {
            "id": run,
            "policy_id": policy["id"],
            "policy_version": policy["version"],
            "policy_text": policy["text"],
            "modes": answer["modes"],
            "area": inputs["area"]["code"] if inputs["area"] else None,
            "name": name,
            # The policy as it was: its title and source may change in the catalogue, a saved run's may not.
            "inputs": json.dumps({**inputs, "policy": policy_head(policy)}, ensure_ascii=False),
            "results": json.dumps(answer["results"], ensure_ascii=False),
            "areas": json.dumps(answer["areas"], ensure_ascii=False),
            "details": json.dumps(answer.get("details") or {}, ensure_ascii=False),
            "saved": name is not None,
        },
    )
    areas = {column: [row.get(column) for row in answer["areas"]] for column in AREA_COLUMNS}
    _copy(conn, "coverage_areas", AREA_COLUMNS, run, areas)
    _draw_areas(conn, run, inputs)
    _copy(conn, "coverage_gaps", GAP_COLUMNS, run, answer["gaps"])
    _copy(conn, "coverage_units", UNIT_COLUMNS, run, answer["units"])
    _copy(conn, "coverage_differences", DIFFERENCE_COLUMNS, run, answer.get("differences") or {})
    return run


def _draw_areas(conn: Connection, run: str, inputs: Mapping[str, Any]) -> None:
    """Give the run's areas the borders that they had at the time asked for."""
    day = inputs.get("as_of")
    times = Times(None if day is None else date.fromisoformat(day), known_at=inputs.get("known_at"))
    districts = versions("districts", {"code", "geom"}, times)
    raw(conn).execute(
        f"UPDATE city.coverage_areas a SET geom = d.geom FROM {districts} d"
        " WHERE a.run = %(run)s AND d.code = a.code AND a.level <> 'grid'".encode(),
        {**times.values, "run": run},
    )
    cells = versions("grid_cells", {"code", "geom"}, times)
    raw(conn).execute(
        f"UPDATE city.coverage_areas a SET geom = g.geom FROM {cells} g"
        " WHERE a.run = %(run)s AND g.code = a.code AND a.level = 'grid'".encode(),
        {**times.values, "run": run},
    )


def policy_head(policy: Mapping[str, Any]) -> dict[str, Any]:
    """A policy without its text, as a run shows it."""
    return {key: value for key, value in policy.items() if key != "text"}


def _copy(
    conn: Connection, table: str, columns: tuple[str, ...], run: str, values: Mapping[str, Sequence[Any]]
) -> None:
    """Write a table given column by column as rows of the run."""
    if not values:
        return
    target = sql.Identifier("city", table)
    with raw(conn).cursor() as cursor, guarded_copy(cursor, target, ("run", *columns)) as copy:
        copy.write(HEAD)
        for begin in range(0, len(values[columns[0]]), ROWS_AT_ONCE):
            rows = slice(begin, begin + ROWS_AT_ONCE)
            cells = {column: CELLS[TYPES.get(column, "text")](values[column][rows]) for column in columns}
            copy.write(binary_rows({"run": constant(uuid.UUID(run).bytes), **cells}))
        copy.write(TAIL)


def drop_old_runs(conn: Connection) -> int:
    """Drop unnamed runs older than 30 days; returns how many."""
    result = conn.execute(
        text(
            "DELETE FROM city.coverage_runs WHERE NOT saved AND created_at < now() - make_interval(days => :days)"
        ),
        {"days": KEEP_DAYS},
    )
    return int(result.rowcount)


RUN_COLUMNS = (
    "id::text AS run, policy_id, policy_version, policy_text, modes, area, name, inputs, results,"
    " to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS created_at"
)


def find_run(conn: Connection, run: uuid.UUID, *, areas: bool = True) -> dict[str, Any] | None:
    """The stored row of a run, or None; without its `areas`, of which a grid makes megabytes, they are empty."""
    shown = "areas" if areas else "'[]'::jsonb AS areas"
    row = conn.execute(
        text(f"SELECT {RUN_COLUMNS}, {shown}, details FROM city.coverage_runs WHERE id = :run"),
        {"run": run},
    ).mappings()
    first = row.first()
    return None if first is None else dict(first)


def list_rows(conn: Connection, policy: str | None, limit: int, newest_only: bool) -> list[dict[str, Any]]:
    """Stored runs, newest first; with `newest_only` one a policy, of those whose figures are the city's own."""
    distinct = "DISTINCT ON (policy_id)" if newest_only else ""
    # Not created_at, which here is the text made of it: of two runs in one second it knows no newest.
    order = "policy_id, at DESC" if newest_only else "at DESC"
    statement = text(  # only constants of this module are put in
        f"SELECT {distinct} {RUN_COLUMNS}, created_at AS at FROM city.coverage_runs"
        f" WHERE (CAST(:policy AS text) IS NULL OR policy_id = :policy){f' AND {OF_NOW}' if newest_only else ''} "
        f"ORDER BY {order} LIMIT :limit"
    )
    rows = conn.execute(statement, {"policy": policy, "limit": limit}).mappings()
    found = [dict(row) for row in rows]
    return sorted(found, key=lambda row: row.pop("at"), reverse=True)


def read_shapes(
    conn: Connection, run: str, table: ShapeTable, mode: str, tier: str, areas: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Rows of one mode and tier of a run with their shapes as WKB in lon/lat, those with most people first.

    With `areas` (codes) only those that lie in one of them.
    """
    columns = {"coverage_gaps": GAP_COLUMNS, "coverage_units": UNIT_COLUMNS}[table]
    statement = text(
        f"SELECT {', '.join(columns[:-1])}, ST_AsBinary(geom) AS geom FROM city.{table}"
        " WHERE run = :run AND mode = :mode AND tier = :tier AND geom IS NOT NULL"
        " AND (CAST(:areas AS text[]) IS NULL OR string_to_array(area_path, '/') && CAST(:areas AS text[]))"
        " ORDER BY people DESC NULLS LAST, id"
    )
    asked = {
        "run": uuid.UUID(run),
        "mode": mode,
        "tier": tier,
        "areas": None if areas is None else list(areas),
    }
    rows = conn.execute(statement, asked).mappings()
    return [{**row, "geom": bytes(row["geom"])} for row in rows]


def list_rows_of(
    conn: Connection, run: uuid.UUID, table: str, mode: str | None, tier: str | None, limit: int
) -> list[dict[str, Any]]:
    """Rows of a run's table without their shapes, with a point inside (lon, lat), in the order of its GeoJSON."""
    columns, order = ORDERS[table]
    statement = text(  # only constants of this module are put in
        f"SELECT {', '.join(columns)}, round(ST_X(p)::numeric, 6)::float8 AS lon, round(ST_Y(p)::numeric, 6)::float8"
        f" AS lat FROM (SELECT *, ST_PointOnSurface(geom) AS p FROM {run_table(table)} r"
        f" WHERE run = :run {_by_mode(table)}"
        f" AND (CAST(:tier AS text) IS NULL OR tier = :tier) ORDER BY {order} LIMIT :limit) rows"
    )
    rows = conn.execute(statement, _asked(table, run, mode, tier, limit)).mappings()
    return [dict(row) for row in rows]


def area_names(conn: Connection, lang: Lang) -> dict[str, tuple[str, str]]:
    """Code → level and name of every area, as they are now; one without a name is called by its code."""
    names = "name_zh, name_en" if lang == "zh" else "name_en, name_zh"
    rows = conn.execute(text(f"SELECT code, level, coalesce({names}, code) AS name FROM city.districts"))
    return {str(row.code): (str(row.level), str(row.name)) for row in rows}


def differences_json(conn: Connection, run: uuid.UUID, tier: str | None, limit: int) -> str:
    """What a straight line serves and a walk does not, as GeoJSON text, most people first."""
    columns, order = ORDERS["coverage_differences"]
    return _features(conn, "coverage_differences", columns, run, None, tier, limit, order)


def gaps_json(conn: Connection, run: uuid.UUID, mode: str | None, tier: str | None, limit: int) -> str:
    """Gap polygons of a run as GeoJSON text, those with most people first."""
    columns, order = ORDERS["coverage_gaps"]
    return _features(conn, "coverage_gaps", columns, run, mode, tier, limit, order)


def areas_json(conn: Connection, run: uuid.UUID, mode: str | None, tier: str | None, limit: int) -> str:
    """Areas of a run with their figures as GeoJSON text, by code."""
    columns, order = ORDERS["coverage_areas"]
    return _features(conn, "coverage_areas", columns, run, mode, tier, limit, order)


def _features(
    conn: Connection,
    table: str,
    columns: tuple[str, ...],
    run: uuid.UUID,
    mode: str | None,
    tier: str | None,
    limit: int,
    order: str,
) -> str:
    members = ", ".join(f"'{column}', {column}" for column in columns)
    statement = text(
        "SELECT json_build_object('type', 'FeatureCollection', 'numberReturned', count(*),"
        " 'features', COALESCE(json_agg(feature), '[]'::json))::text FROM ("
        f"SELECT json_build_object('type', 'Feature', 'id', id, 'geometry', ST_AsGeoJSON(geom, 7)::json,"
        f" 'properties', json_build_object({members})) AS feature FROM {run_table(table)} r"
        f" WHERE run = :run {_by_mode(table)}"
        f" AND (CAST(:tier AS text) IS NULL OR tier = :tier) ORDER BY {order} LIMIT :limit) rows"
    )
    return str(conn.execute(statement, _asked(table, run, mode, tier, limit)).scalar_one())


def _by_mode(table: str) -> str:
    """Differences lie between both modes: they have none."""
    return "" if table == "coverage_differences" else "AND (CAST(:mode AS text) IS NULL OR mode = :mode)"


def _asked(table: str, run: uuid.UUID, mode: str | None, tier: str | None, limit: int) -> dict[str, Any]:
    asked: dict[str, Any] = {"run": run, "tier": tier, "limit": limit}
    return asked | ({"mode": mode} if _by_mode(table) else {})
