"""The SQL of QGIS projects: boxes of districts, what runs hold."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

#: The level whose areas are bookmarked: the first of these that the city has.
HOME_LEVELS = ("district", "subdistrict", "community", "city")


def list_places(conn: Connection) -> list[dict[str, Any]]:
    """The whole areas by code: dicts of code, name_zh, name_en, level, and west, south, east, north in lon/lat."""
    query = text(
        "SELECT code, name_zh, name_en, level, ST_XMin(geom) AS west, ST_YMin(geom) AS south, ST_XMax(geom) AS east,"
        " ST_YMax(geom) AS north FROM city.districts WHERE NOT incomplete AND level IS NOT NULL ORDER BY code"
    )
    return [dict(row) for row in conn.execute(query).mappings()]


def list_levels(conn: Connection, run: UUID) -> set[str]:
    """The levels of the areas that a run has figures of."""
    query = text("SELECT DISTINCT level FROM city.coverage_areas WHERE run = :run AND level IS NOT NULL")
    return set(conn.execute(query, {"run": run}).scalars())


def list_gaps(conn: Connection, run: UUID) -> set[tuple[str, str]]:
    """The modes and tiers of a run that have gaps."""
    query = text("SELECT DISTINCT mode, tier FROM city.coverage_gaps WHERE run = :run")
    return {(str(mode), str(tier)) for mode, tier in conn.execute(query, {"run": run})}
