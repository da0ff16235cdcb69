"""SQL of the planner's tabs: areas to choose from, a run's areas and gaps as GeoJSON in lon/lat."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, FromClause, select, text

from app.catalogue.model import Lang
from app.coverage.store import run_table
from app.maps.store import name_of

#: Levels of the areas that a tab offers; communities are found by the search.
OFFERED = ("city", "district", "subdistrict")
#: More areas than this are no list to choose from.
MOST_OFFERED = 2_000
#: Gaps drawn of one mode and tier, those with most people first.
MOST_GAPS = 2_000
#: Decimals of degrees: 0.1 m.
DECIMALS = 6


def offered_areas(conn: Connection, districts: FromClause, lang: Lang) -> list[dict[str, Any]]:
    """Areas that a figure may be asked for, coarse to fine: code, name, level, parent."""
    columns = districts.c
    rank = {level: i for i, level in enumerate(OFFERED)}
    query = select(columns.code, name_of(districts, lang).label("name"), columns.level, columns.parent)
    rows = conn.execute(query.where(columns.level.in_(OFFERED)).order_by(columns.code).limit(MOST_OFFERED))
    return sorted((dict(row) for row in rows.mappings()), key=lambda row: rank[row["level"]])


def area_shapes(conn: Connection, run: uuid.UUID, levels: Sequence[str]) -> dict[str, Any]:
    """Code → GeoJSON geometry in lon/lat of a run's areas of these levels."""
    statement = text(
        "SELECT DISTINCT ON (code) code, ST_AsGeoJSON(geom, :decimals, 0)::json AS shape FROM city.coverage_areas"
        " WHERE run = :run AND level = ANY(:levels) AND geom IS NOT NULL ORDER BY code"
    )
    rows = conn.execute(statement, {"run": run, "levels": list(levels), "decimals": DECIMALS})
    return {row.code: row.shape for row in rows}


def gaps(conn: Connection, run: uuid.UUID, mode: str, tier: str) -> list[dict[str, Any]]:
    """The gaps of one mode and tier, most people first, with their shapes in lon/lat."""
    statement = text(
        "SELECT id, code, nullif(name, '') AS name, area_path, people, area_m2, nearest_m, nearest_code,"
        " nullif(nearest_name, '') AS nearest_name, ST_AsGeoJSON(geom, :decimals, 0)::json AS geometry"
        f" FROM {run_table('coverage_gaps')} g"
        " WHERE run = :run AND mode = :mode AND tier = :tier AND geom IS NOT NULL"
        " ORDER BY people DESC NULLS LAST, area_m2 DESC, id LIMIT :limit"
    )
    values = {"run": run, "mode": mode, "tier": tier, "limit": MOST_GAPS, "decimals": DECIMALS}
    return [dict(row) for row in conn.execute(statement, values).mappings()]
