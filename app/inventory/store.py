"""Reads of the inventory: GeoJSON written by the database, single features, bounds, counts, data versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, text

from app.catalogue.model import Catalogue, FeatureClass
from app.inventory.changes import data_version, table_name
from app.inventory.query import (
    COUNT_LIMIT,
    FeatureQuery,
    boxes,
    checked,
    field_names,
)
from app.inventory.tables import INDEXED_ZOOMS, quoted

__all__ = [
    "FeaturePage",
    "bounds",
    "class_counts",
    "data_version",
    "feature_json",
    "features_json",
    "features_page",
]

#: Digits of a coordinate in degrees: 7 is 1 cm, 6 is 0.1 m.
FULL_DIGITS, MAP_DIGITS = 7, 6


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """One page: `text` is a whole GeoJSON FeatureCollection; `next_after` the id to go on from, None on the last page.

    `matched` is None where it was not asked for; `matched_exact` is False where it is the planner's estimate.
    """

    text: str
    returned: int
    matched: int | None
    matched_exact: bool
    next_after: int | None

    def with_members(self, members: Mapping[str, Any]) -> str:
        """The text with more members at its top, such as `links`; the features are not parsed for it."""
        if not members:
            return self.text
        return self.text[:-1] + "," + orjson.dumps(members).decode()[1:]


def features_json(conn: Connection, catalogue: Catalogue, query: FeatureQuery) -> str:
    """A page of features as GeoJSON FeatureCollection text, with numberReturned and, unless left out, numberMatched.

    Raises:
        NotFound, BadInput: The class is unknown; the query cannot be run.
    """
    return features_page(conn, catalogue, query).text


def features_page(conn: Connection, catalogue: Catalogue, query: FeatureQuery) -> FeaturePage:
    """The same with what a link to the next page needs."""
    cls = catalogue.get_class(query.class_id)
    query = checked(cls, query)
    where, values = _where(query)
    body, last, more, matched = conn.execute(
        text(_page_sql(cls, query, where)),
        {**values, "after": query.after or 0, "limit": query.limit, "ahead": query.limit + 1},
    ).one()
    exact = matched is None or query.count == "exact" or matched <= COUNT_LIMIT
    if not exact:
        matched = max(_estimate(conn, cls, where, values), COUNT_LIMIT + 1)
    returned, features = body.split(" ", 1)
    head = f'{{"type":"FeatureCollection","numberReturned":{returned}'
    if matched is not None:
        head += f',"numberMatched":{matched}'
    page = f'{head},"features":{features}}}'
    return FeaturePage(page, int(returned), matched, exact, last if more else None)


def _page_sql(cls: FeatureClass, query: FeatureQuery, where: str) -> str:
    """One statement: features, last id, whether more follow, and how many match."""
    return (
        f"WITH page AS (SELECT * FROM {table_name(cls.id)} WHERE {where} AND id > :after "  # noqa: S608
        "ORDER BY id LIMIT :ahead), "
        "shown AS (SELECT * FROM page ORDER BY id LIMIT :limit) "
        f"SELECT count(*) || ' ' || coalesce(json_agg({_feature(cls, query)} ORDER BY id)::text, '[]'), max(id), "
        f"(SELECT count(*) > :limit FROM page), {_count_sql(cls, query, where)} FROM shown"
    )


def _count_sql(cls: FeatureClass, query: FeatureQuery, where: str) -> str:
    if query.count == "none":
        return "NULL::bigint"
    limit = "" if query.count == "exact" else f" LIMIT {COUNT_LIMIT + 1}"
    return f"(SELECT count(*) FROM (SELECT FROM {table_name(cls.id)} WHERE {where}{limit}) m)"  # noqa: S608


def _where(query: FeatureQuery) -> tuple[str, dict[str, Any]]:
    """The condition of a checked query and its bound values."""
    parts, values = conditions(query.where)
    if query.bbox is not None:
        box_parts = []
        for place, box in enumerate(boxes(query.bbox)):
            box_parts.append(
                f"ST_Intersects(geom, ST_MakeEnvelope(:w{place}, :s{place}, :e{place}, :n{place}, 4326))"
            )
            values.update(zip((f"w{place}", f"s{place}", f"e{place}", f"n{place}"), box, strict=True))
        parts.append(f"({' OR '.join(box_parts)})")
    if query.area is not None:
        parts.append("('/' || area_path || '/') LIKE :area_like")
        values["area_like"] = f"%/{_like(query.area)}/%"
    if query.zoom is not None:
        parts.append(_zoom_condition(query.zoom))
        values["zoom"] = query.zoom
    return " AND ".join(parts) or "TRUE", values


def _zoom_condition(zoom: int) -> str:
    """Rows drawn at a zoom; the constant beside it is the one that a partial index was made with."""
    indexed = next((limit for limit in INDEXED_ZOOMS if zoom <= limit), None)
    return "min_zoom <= :zoom" if indexed is None else f"min_zoom <= {indexed} AND min_zoom <= :zoom"


def _like(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def conditions(where: Mapping[str, Sequence[Any]]) -> tuple[list[str], dict[str, Any]]:
    """SQL conditions and bound values of checked field → allowed values; None among them means unknown."""
    parts, values = [], {}
    for place, (name, allowed) in enumerate(where.items()):
        known = [value for value in allowed if value is not None]
        either = [f"{quoted(name)} IS NULL"] if len(known) < len(allowed) else []
        if known or not either:
            either.append(f"{quoted(name)} = ANY(:value{place})")
            values[f"value{place}"] = known
        parts.append(f"({' OR '.join(either)})")
    return parts, values


def _feature(cls: FeatureClass, query: FeatureQuery) -> str:
    """One feature as an SQL expression; the database writes the JSON."""
    names = query.properties if query.properties is not None else field_names(cls)
    members = ", ".join(f"'{name}', {quoted(name)}" for name in names)
    return (
        f"json_build_object('type', 'Feature', 'id', id, 'geometry', {_geometry(query)}, "
        f"'properties', json_build_object({members}))"
    )


def _geometry(query: FeatureQuery) -> str:
    if not query.geometry:
        return "NULL"
    if query.zoom is None:
        return f"ST_AsGeoJSON(geom, {FULL_DIGITS})::json"
    # About one pixel of a 256-pixel tile; collapsed parts are kept, so that nothing drawn at this zoom vanishes.
    tolerance = 360.0 / 256 / 2**query.zoom
    return f"ST_AsGeoJSON(ST_Simplify(geom, {tolerance:.9f}, TRUE), {MAP_DIGITS})::json"


def _estimate(conn: Connection, cls: FeatureClass, where: str, values: Mapping[str, Any]) -> int:
    statement = text(f"EXPLAIN (FORMAT JSON) SELECT FROM {table_name(cls.id)} WHERE {where}")
    plan = conn.execute(statement, dict(values)).scalar_one()
    return int(plan[0]["Plan"]["Plan Rows"])


def feature_json(
    conn: Connection, catalogue: Catalogue, class_id: str, item: int | str, *, extra: bool = True
) -> str | None:
    """One feature as GeoJSON text by its id (int) or code (text), None where there is none; `extra` is a property."""
    cls = catalogue.get_class(class_id)
    column = "id" if isinstance(item, int) else "code"
    names = field_names(cls)
    members = ", ".join(f"'{name}', {quoted(name)}" for name in [*names, *(["extra"] if extra else [])])
    statement = text(
        f"SELECT json_build_object('type', 'Feature', 'id', id, 'geometry', ST_AsGeoJSON(geom, {FULL_DIGITS})::json, "  # noqa: S608
        f"'properties', json_build_object({members}))::text FROM {table_name(cls.id)} WHERE {column} = :item"
    )
    if isinstance(item, int) and not 0 < item < 2**63:
        return None
    found = conn.execute(statement, {"item": item}).scalar()
    return None if found is None else str(found)


def bounds(conn: Connection, class_id: str | Sequence[str]) -> tuple[float, float, float, float] | None:
    """West, south, east, north in lon/lat of one class, or of several together; None where they are empty."""
    ids = [class_id] if isinstance(class_id, str) else list(class_id)
    union = " UNION ALL ".join(f"SELECT ST_Extent(geom) AS box FROM {table_name(name)}" for name in ids)  # noqa: S608
    row = conn.execute(
        text(
            "SELECT min(ST_XMin(box)), min(ST_YMin(box)), max(ST_XMax(box)), max(ST_YMax(box)) "  # noqa: S608
            f"FROM ({union}) b"
        )
    ).one()
    return None if row[0] is None else (row[0], row[1], row[2], row[3])


def class_counts(conn: Connection, catalogue: Catalogue) -> dict[str, int]:
    """Class id → number of current rows, in the catalogue's order."""
    union = " UNION ALL ".join(
        f"SELECT '{name}' AS class_id, count(*) AS n FROM {table_name(name)}"  # noqa: S608
        for name in catalogue.classes
    )
    found = {row.class_id: row.n for row in conn.execute(text(union))}
    return {name: found[name] for name in catalogue.classes}
