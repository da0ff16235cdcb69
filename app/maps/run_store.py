"""SQL of a run's map: its areas and gaps in units of one square."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from app.coverage.store import run_table
from app.maps.squares import Square

#: Gaps drawn of one mode and tier, those with most people first; the page says of how many.
GAP_LIMIT = 4_000

_UNITS = (
    "ST_AsGeoJSON(ST_AsMVTGeom(ST_Transform(geom, 3857),"
    " ST_MakeBox2D(ST_Point(:west, :south), ST_Point(:east, :north)), :extent, 0, false), 0, 0)::json"
)


def extent(conn: Connection, run: uuid.UUID) -> tuple[float, float, float, float] | None:
    """(west, south, east, north) in degrees of a run's areas and gaps; None where it has neither."""
    row = conn.execute(
        text(
            "SELECT min(ST_XMin(box)), min(ST_YMin(box)), max(ST_XMax(box)), max(ST_YMax(box)) FROM ("
            "SELECT ST_Extent(geom) AS box FROM city.coverage_areas WHERE run = :run"
            " UNION ALL SELECT ST_Extent(geom) FROM city.coverage_gaps WHERE run = :run) boxes"
        ),
        {"run": run},
    ).one()
    return None if row[0] is None else (row[0], row[1], row[2], row[3])


def data_extent(conn: Connection, run: uuid.UUID) -> tuple[float, float, float, float] | None:
    """(west, south, east, north) in degrees of the land and people that a run counted, and its gaps; None without."""
    row = conn.execute(
        text(
            "SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box) FROM (SELECT ST_Extent(geom) AS box FROM ("
            "SELECT geom FROM city.coverage_units WHERE run = :run"
            " UNION ALL SELECT geom FROM city.coverage_gaps WHERE run = :run) parts) boxes"
        ),
        {"run": run},
    ).one()
    return None if row[0] is None else (row[0], row[1], row[2], row[3])


def count_areas(conn: Connection, run: uuid.UUID) -> dict[str, int]:
    """How many areas of each level a run reports on."""
    statement = text(
        "SELECT level, count(DISTINCT code) AS areas FROM city.coverage_areas WHERE run = :run GROUP BY level"
    )
    return {row.level: int(row.areas) for row in conn.execute(statement, {"run": run})}


def area_figures(conn: Connection, run: uuid.UUID, levels: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a run's areas of these levels, as the run tells them."""
    statement = text(
        "SELECT told FROM city.coverage_runs, jsonb_array_elements(areas) WITH ORDINALITY AS found (told, number)"
        " WHERE id = :run AND told->>'level' = ANY(:levels) ORDER BY number"
    )
    return list(conn.execute(statement, {"run": run, "levels": list(levels)}).scalars())


def figures_of_area(conn: Connection, run: uuid.UUID, code: str) -> list[dict[str, Any]]:
    """The rows of one area, as the run tells them; none where it has no such area."""
    statement = text(
        "SELECT told FROM city.coverage_runs, jsonb_array_elements(areas) WITH ORDINALITY AS found (told, number)"
        " WHERE id = :run AND told->>'code' = :code ORDER BY number"
    )
    return list(conn.execute(statement, {"run": run, "code": code}).scalars())


def area_shapes(
    conn: Connection, run: uuid.UUID, square: Square, names: Mapping[str, str], levels: Sequence[str]
) -> list[list[Any]]:
    """One shape row an area of these levels: [number, null, name, 0, geometry, code]; named by `names`."""
    statement = text(
        f"SELECT row_number() OVER (ORDER BY code), NULL, coalesce(name, code), 0, {_UNITS}, code FROM ("
        "SELECT DISTINCT ON (code) code, name, geom FROM city.coverage_areas"
        " WHERE run = :run AND level = ANY(:levels) AND geom IS NOT NULL ORDER BY code) areas"
    )
    rows = conn.execute(statement, {"run": run, "levels": list(levels), **_bounds(square)})
    return [[id_, kind, names.get(code, name), *rest, code] for id_, kind, name, *rest, code in rows]


def area_labels(
    conn: Connection, run: uuid.UUID, square: Square, names: Mapping[str, str], levels: Sequence[str]
) -> list[list[Any]]:
    """One name an area of these levels: [`district`, name, x, y, 0] at a point inside it, by `names`."""
    statement = text(
        "SELECT code, name, round((ST_X(p) - :west) / :unit), round((:north - ST_Y(p)) / :unit) FROM ("
        "SELECT DISTINCT ON (code) code, name, ST_Transform(ST_PointOnSurface(geom), 3857) AS p"
        " FROM city.coverage_areas WHERE run = :run AND level = ANY(:levels) AND geom IS NOT NULL"
        " AND name IS NOT NULL ORDER BY code) areas"
    )
    values = {"run": run, "levels": list(levels), **_bounds(square), "unit": square.side_m / square.extent}
    rows = conn.execute(statement, values)
    return [["district", names.get(code, name), int(x), int(y), 0] for code, name, x, y in rows]


def gap_shapes(conn: Connection, run: uuid.UUID, mode: str, tier: str, square: Square) -> list[list[Any]]:
    """A shape row a gap, most people first: [id, null, name, 0, geometry, {people, nearest_m, …}]"""
    statement = text(
        f"SELECT id, NULL, nullif(name, ''), 0, {_UNITS},"
        " json_build_object('people', people, 'nearest_m', nearest_m, 'nearest_code', nearest_code,"
        " 'nearest_name', nearest_name, 'area_m2', area_m2, 'code', code, 'path', area_path)"
        f" FROM {run_table('coverage_gaps')} g WHERE run = :run AND mode = :mode AND tier = :tier"
        " ORDER BY people DESC NULLS LAST, area_m2 DESC, id LIMIT :limit"
    )
    values = {"run": run, "mode": mode, "tier": tier, "limit": GAP_LIMIT, **_bounds(square)}
    return [list(row) for row in conn.execute(statement, values) if row[4] is not None]


def count_gaps(conn: Connection, run: uuid.UUID, mode: str, tier: str) -> int:
    """How many gaps a mode and tier have in all."""
    statement = text(
        "SELECT count(*) FROM city.coverage_gaps WHERE run = :run AND mode = :mode AND tier = :tier"
    )
    return int(conn.execute(statement, {"run": run, "mode": mode, "tier": tier}).scalar_one())


def _bounds(square: Square) -> dict[str, float]:
    west, south, east, north = square.bounds
    return {"west": west, "south": south, "east": east, "north": north, "extent": square.extent}


def gap_quantiles(conn: Connection, run: uuid.UUID) -> dict[tuple[str, str], list[float]]:
    """(mode, tier) → the people in its gap at the 50, 75, 90 and 97 % quantile, of gaps of one person or more."""
    statement = text(
        "SELECT mode, tier, percentile_disc(ARRAY[0.5, 0.75, 0.9, 0.97]) WITHIN GROUP (ORDER BY people)"
        " FROM city.coverage_gaps WHERE run = :run AND people >= 1 GROUP BY mode, tier"
    )
    return {(mode, tier): list(found) for mode, tier, found in conn.execute(statement, {"run": run})}
