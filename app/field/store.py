"""The SQL of the phone page: what is near, what an area holds, where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.rows import dict_row
from sqlalchemy import Connection

from app.catalogue.model import FeatureClass
from app.inventory.changes import raw
from app.inventory.tables import quoted, table_name

#: Degrees of longitude are shorter than those of latitude, so the nearest in degrees are not quite those in metres:
#: within China (to 54° N) no nearer one is missed among so many times as many.
SPARE = 2
#: Longest text that a list carries, characters.
TEXT = 200
_IN_AREA = "(%(area)s::text IS NULL OR areas_touched @> ARRAY[%(area)s::text])"


def _columns(cls: FeatureClass) -> str:
    known = {field.name for field in cls.fields}
    fields = ("name_zh", "name_en", "state", "condition", "address", "note")
    told = ", ".join(
        f"left({quoted(name)}, {TEXT}) AS {name}" if name in known else f"NULL::text AS {name}"
        for name in fields
    )
    where = "ST_X(ST_PointOnSurface(geom)) AS lon, ST_Y(ST_PointOnSurface(geom)) AS lat"
    return f"'{cls.id}' AS class, id, code, change_id AS change, {told}, {where}"


def nearest(
    conn: Connection,
    classes: Sequence[FeatureClass],
    place: tuple[float, float],
    area: str | None,
    limit: int,
) -> list[dict[str, Any]]:
    """The features nearest to a place (lon, lat), within an area where one is named: `distance_m` to their edge."""
    if not classes:
        return []
    here = "ST_SetSRID(ST_MakePoint(%(lon)s::float8, %(lat)s::float8), 4326)"
    parts = (
        f"(SELECT {_columns(cls)}, ST_Distance(geom::geography, {here}::geography) AS distance_m "
        f"FROM {table_name(cls)} WHERE {_IN_AREA} ORDER BY geom <-> {here} LIMIT {SPARE * limit})"
        for cls in classes
    )
    query = f"SELECT * FROM ({' UNION ALL '.join(parts)}) v ORDER BY distance_m, class, id LIMIT {limit}"
    values = {"lon": place[0], "lat": place[1], "area": area}
    with raw(conn).cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def page_of(
    conn: Connection, cls: FeatureClass, area: str | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """The features of a class in an area by id, from the one behind `after` on."""
    query = (
        f"SELECT {_columns(cls)} FROM {table_name(cls)} WHERE {_IN_AREA} AND id > %(after)s "
        f"ORDER BY id LIMIT {limit}"
    )
    with raw(conn).cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), {"area": area, "after": after}).fetchall()


def counts(conn: Connection, classes: Sequence[FeatureClass], area: str | None) -> dict[str, int]:
    """How many features of each class an area holds."""
    if not classes:
        return {}
    parts = (
        f"SELECT '{cls.id}' AS class, count(*) AS n FROM {table_name(cls)} WHERE {_IN_AREA}"
        for cls in classes
    )
    with raw(conn).cursor() as cursor:
        return dict(cursor.execute(" UNION ALL ".join(parts).encode(), {"area": area}).fetchall())


def is_in_area(conn: Connection, cls: FeatureClass, item: int, area: str) -> bool:
    """Whether a current feature touches an area."""
    query = f"SELECT areas_touched @> ARRAY[%s::text] FROM {table_name(cls)} WHERE id = %s"
    row = raw(conn).execute(query.encode(), [area, item]).fetchone()
    return bool(row and row[0])


def list_areas(conn: Connection) -> list[dict[str, Any]]:
    """The areas that a page can be bound to: code, level, names, bounds (west, south, east, north)."""
    query = (
        "SELECT code, level, name_zh, name_en, ARRAY[ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom)] AS "
        "bounds FROM city.districts WHERE level IS DISTINCT FROM 'city' AND code IS NOT NULL ORDER BY code LIMIT 2000"
    )
    with raw(conn).cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode()).fetchall()


def find_area(conn: Connection, code: str) -> dict[str, Any] | None:
    """One area as `list_areas` gives it, of any level; None where there is none."""
    query = (
        "SELECT code, level, name_zh, name_en, ARRAY[ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom)] AS "
        "bounds FROM city.districts WHERE code = %s LIMIT 1"
    )
    with raw(conn).cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), [code]).fetchone()
