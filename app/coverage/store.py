"""Saved runs: the run with its results, and its areas, gaps and units as rows of the four run collections."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import text

from app.database.transactions import Connection
from app.inventory.changes import raw
from app.inventory.times import Times, versions

#: Runs that read what was current when they were made, not another day.
OF_NOW = "(inputs->>'as_of' IS NULL AND inputs->>'known_at' IS NULL)"
#: Unnamed runs are dropped after this many days.
KEEP_DAYS = 30

AREA_COLUMNS = (
    "code", "name", "level", "mode", "tier", "share_of_land", "share_of_people", "people", "people_served",
    "land_m2", "land_served_m2", "target", "met", "reason",
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
    "geom",
)
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
    "geom",
)


#: How the columns of the run's tables are written; the others are texts. PostGIS reads WKB, and takes the SRID from
#: the column.
TYPES = {
    "people": "float8", "people_served": "float8", "area_m2": "float8", "land_m2": "float8", "land_served_m2": "float8",
    "share_of_land": "float8", "share_of_people": "float8", "served_share": "float8", "nearest_m": "float8",
    "target": "float8", "met": "bool", "geom": "bytea",
}  # fmt: skip


def save_run(conn: Connection, answer: Mapping[str, Any], name: str | None) -> str:
    """Store an engine's answer as a run in the caller's transaction; returns its UUID."""
    run = str(uuid.uuid4())
    policy, inputs = answer["policy"], answer["inputs"]
    conn.execute(
        text(
            "INSERT INTO city.coverage_runs (id, policy_id, policy_version, policy_text, modes, area, name, inputs,"
            " results, areas, saved) VALUES (:id, :policy_id, :policy_version, :policy_text, :modes, :area, :name,"
            " CAST(:inputs AS jsonb), CAST(:results AS jsonb), CAST(:areas AS jsonb), :saved)"
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
            "saved": name is not None,
        },
    )
    areas = {column: [row[column] for row in answer["areas"]] for column in AREA_COLUMNS}
    _copy(conn, "coverage_areas", AREA_COLUMNS, run, areas)
    _draw_areas(conn, run, inputs)
    _copy(conn, "coverage_gaps", GAP_COLUMNS, run, answer["gaps"])
    _copy(conn, "coverage_units", UNIT_COLUMNS, run, answer["units"])
    return run


def _draw_areas(conn: Connection, run: str, inputs: Mapping[str, Any]) -> None:
    """Give the run's areas the borders that they had at the time asked for."""
    day = inputs.get("as_of")
    times = Times(None if day is None else date.fromisoformat(day), known_at=inputs.get("known_at"))
    districts = versions("districts", {"code", "geom"}, times)
    raw(conn).execute(
        f"UPDATE city.coverage_areas a SET geom = d.geom FROM {districts} d"
        " WHERE a.run = %(run)s AND d.code = a.code".encode(),
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
    names = ", ".join(("run", *columns))
    rows = zip(itertools.repeat(uuid.UUID(run)), *(values[column] for column in columns), strict=False)
    statement = f"COPY city.{table} ({names}) FROM STDIN (FORMAT binary)"
    with raw(conn).cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(["uuid", *(TYPES.get(column, "text") for column in columns)])
        for row in rows:
            copy.write_row(row)


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
    "id::text AS run, policy_id, policy_version, policy_text, modes, area, name, inputs, results, areas,"
    " to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS created_at"
)


def find_run(conn: Connection, run: uuid.UUID) -> dict[str, Any] | None:
    """The stored row of a run, or None."""
    row = conn.execute(
        text(f"SELECT {RUN_COLUMNS} FROM city.coverage_runs WHERE id = :run"),
        {"run": run},
    ).mappings()
    first = row.first()
    return None if first is None else dict(first)


def list_rows(conn: Connection, policy: str | None, limit: int, newest_only: bool) -> list[dict[str, Any]]:
    """Stored runs, newest first; with `newest_only` one a policy, of those that read the data as they were then."""
    distinct = "DISTINCT ON (policy_id)" if newest_only else ""
    order = "policy_id, created_at DESC" if newest_only else "created_at DESC"
    statement = text(  # only constants of this module are put in
        f"SELECT {distinct} {RUN_COLUMNS}, created_at AS at FROM city.coverage_runs"
        f" WHERE (CAST(:policy AS text) IS NULL OR policy_id = :policy){f' AND {OF_NOW}' if newest_only else ''} "
        f"ORDER BY {order} LIMIT :limit"
    )
    rows = conn.execute(statement, {"policy": policy, "limit": limit}).mappings()
    found = [dict(row) for row in rows]
    return sorted(found, key=lambda row: row.pop("at"), reverse=True)


def gaps_json(conn: Connection, run: uuid.UUID, mode: str | None, tier: str | None, limit: int) -> str:
    """Gap polygons of a run as GeoJSON text, those with most people first."""
    return _features(
        conn, "coverage_gaps", GAP_COLUMNS[:-1], run, mode, tier, limit, "people DESC, area_m2 DESC, id"
    )


def areas_json(conn: Connection, run: uuid.UUID, mode: str | None, tier: str | None, limit: int) -> str:
    """Areas of a run with their figures as GeoJSON text, by code."""
    return _features(conn, "coverage_areas", AREA_COLUMNS, run, mode, tier, limit, "tier, mode, code, id")


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
        f" 'properties', json_build_object({members})) AS feature FROM city.{table}"
        " WHERE run = :run AND (CAST(:mode AS text) IS NULL OR mode = :mode)"
        f" AND (CAST(:tier AS text) IS NULL OR tier = :tier) ORDER BY {order} LIMIT :limit) rows"
    )
    return str(conn.execute(statement, {"run": run, "mode": mode, "tier": tier, "limit": limit}).scalar_one())
