"""The SQL of the run collections: a page of areas, gaps or units as GeoJSON text written by the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import text

from app.catalogue.model import FeatureClass
from app.coverage.store import AREA_COLUMNS, DIFFERENCE_COLUMNS, GAP_COLUMNS, OF_NOW, UNIT_COLUMNS
from app.database.transactions import Connection
from app.inventory.query import Box, boxes
from app.inventory.store import FeaturePage
from app.inventory.tables import table_name

#: Collection → the columns that its features show beside `run` and `policy`; all but the geometry are filters too.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "coverage_areas": AREA_COLUMNS,
    "coverage_gaps": tuple(name for name in GAP_COLUMNS if name != "geom"),
    "coverage_units": tuple(name for name in UNIT_COLUMNS if name != "geom"),
    "coverage_differences": tuple(name for name in DIFFERENCE_COLUMNS if name != "geom"),
}
_NEWEST = (
    f"(SELECT DISTINCT ON (policy_id) id FROM city.coverage_runs WHERE {OF_NOW}"
    " ORDER BY policy_id, created_at DESC)"
)


def time_extent(conn: Connection, cls: FeatureClass) -> tuple[date | None, date | None]:
    """First and last day of a class by all that is believed; none where a version is open at that end."""
    current, history = table_name(cls), table_name(cls, history=True)
    row = conn.execute(
        text(
            "SELECT CASE WHEN NOT bool_or(lower_inf(valid)) THEN min(lower(valid)) END, "
            "CASE WHEN NOT bool_or(upper_inf(valid)) THEN max(upper(valid)) - 1 END FROM ("
            f"SELECT valid FROM {current} UNION ALL SELECT valid FROM {history} WHERE until_change IS NULL) v"
        )
    ).one()
    return row[0], row[1]


def run_page(
    conn: Connection,
    collection: str,
    *,
    where: Mapping[str, list[str]],
    box: Box | None,
    limit: int,
    after: int,
) -> FeaturePage:
    """A page of one of `COLUMNS`, by id; without a `run` (UUIDs) among `where` the newest run of each policy.

    `where` maps `run`, `policy` or a column to allowed values, compared as text.
    """
    conditions, values = _where(collection, where, box)
    row = conn.execute(
        text(_page_sql(collection, " AND ".join(conditions))), {**values, "after": after, "limit": limit}
    ).one()
    returned, last, more = row.returned, row.last, row.more
    page = f'{{"type":"FeatureCollection","numberReturned":{returned},"features":{row.features}}}'
    return FeaturePage(page, returned, None, matched_exact=False, next_after=last if more else None)


def _page_sql(collection: str, condition: str) -> str:
    members = ", ".join(f"'{name}', {name}" for name in COLUMNS[collection])
    return (
        f"WITH page AS (SELECT t.*, r.policy_id AS policy FROM city.{collection} t "
        f"JOIN city.coverage_runs r ON r.id = t.run WHERE {condition} AND t.id > :after "
        "ORDER BY t.id LIMIT CAST(:limit AS bigint) + 1), shown AS (SELECT * FROM page ORDER BY id LIMIT :limit) "
        "SELECT count(*) AS returned, coalesce(json_agg(json_build_object('type', 'Feature', 'id', id, "
        "'geometry', ST_AsGeoJSON(geom, 7)::json, 'properties', json_build_object('run', run, 'policy', policy, "
        f"{members})) ORDER BY id)::text, '[]') AS features, max(id) AS last, "
        "(SELECT count(*) > :limit FROM page) AS more FROM shown"
    )


def _where(
    collection: str, where: Mapping[str, list[str]], box: Box | None
) -> tuple[list[str], dict[str, Any]]:
    values: dict[str, Any] = {}
    conditions = []
    if "run" not in where:
        conditions.append(f"t.run IN {_NEWEST}")
    for name, allowed in where.items():
        column = "r.policy_id" if name == "policy" else f"t.{name}"
        assert name in {"run", "policy", *COLUMNS[collection]}
        conditions.append(f"{column}::text = ANY(:{name})")
        values[name] = allowed
    if box is not None:
        either = []
        for place, part in enumerate(boxes(box)):
            envelope = f"ST_MakeEnvelope(:w{place}, :s{place}, :e{place}, :n{place}, 4326)"
            either.append(f"ST_Intersects(t.geom, {envelope})")
            values |= dict(zip((f"w{place}", f"s{place}", f"e{place}", f"n{place}"), part, strict=True))
        conditions.append(f"({' OR '.join(either)})")
    return conditions, values


def newest_run(conn: Connection) -> str:
    """What the run collections' data version is: the newest run's id, empty where there is none."""
    found = conn.execute(
        text("SELECT id::text FROM city.coverage_runs ORDER BY created_at DESC, id LIMIT 1")
    ).scalar()
    return str(found or "")
