"""Reads of the inventory: GeoJSON written by the database, single features, bounds, counts, data versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
import psycopg
from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.inventory.area_rows import get_area
from app.inventory.changes import data_version, raw
from app.inventory.conditions import query_condition
from app.inventory.query import (
    COUNT_LIMIT,
    VALID_FIELDS,
    FeatureQuery,
    checked,
    field_names,
    property_names,
)
from app.inventory.tables import quoted, table_name
from app.inventory.times import NOW, Times, versions

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
        NotFound, BadInput: The class or area is unknown; the query cannot be run.
    """
    return features_page(conn, catalogue, query).text


def features_page(conn: Connection, catalogue: Catalogue, query: FeatureQuery) -> FeaturePage:
    """The same with what a link to the next page needs."""
    cls = catalogue.get_class(query.class_id)
    query = checked(cls, query)
    query = replace(query, times=_looked_up(conn, cls, query.times))
    path = None if query.area is None else str(get_area(conn, query.area)["area_path"])
    # Counting a large box costs far more than the page itself, the planner's view of it less than a millisecond.
    estimate = _estimate(conn, cls, query, path) if query.count == "auto" and query.bbox is not None else 0
    counted = replace(query, count="none") if estimate > COUNT_LIMIT else query
    body, last, more, matched = _read_page(conn, cls, counted, path)
    returned, features = body.split(" ", 1)
    exact = matched is not None and (query.count == "exact" or matched <= COUNT_LIMIT)
    if query.count == "auto" and query.after is None and not more:
        matched, exact = int(returned), True
    if query.count == "auto" and not exact:
        matched = max(estimate or _estimate(conn, cls, query, path), COUNT_LIMIT + 1)
    return _page(int(returned), features, matched, exact=exact, next_after=last if more else None)


def _looked_up(conn: Connection, cls: FeatureClass, times: Times) -> Times:
    """The time with what the planner cannot see: that no current row holds then.

    Rows come in the order of ids, and it would go through the whole table in vain (measured 25 ms for 50,000 rows).
    """
    if times.as_of is None or times.interval:
        return times
    statement = f"SELECT EXISTS (SELECT FROM {table_name(cls)} WHERE valid @> %(as_of)s::date)"
    row = _execute(conn, statement, times.values).fetchone()
    return replace(times, past=row is not None and not row[0])


def _page(
    returned: int, features: str, matched: int | None, *, exact: bool, next_after: int | None
) -> FeaturePage:
    number = "" if matched is None else f',"numberMatched":{matched}'
    page = f'{{"type":"FeatureCollection","numberReturned":{returned}{number},"features":{features}}}'
    return FeaturePage(page, returned, matched, exact, next_after)


def _read_page(
    conn: Connection, cls: FeatureClass, query: FeatureQuery, path: str | None
) -> tuple[str, int | None, bool, int | None]:
    """Number and features as one text, last id, whether more follow, how many match."""
    where, values = query_condition(cls, query, path)
    given = {**values, "after": query.after or 0, "limit": query.limit, "ahead": query.limit + 1}
    row = _execute(conn, _page_sql(cls, query, where), given).fetchone()
    assert row is not None
    return row[0], row[1], row[2], row[3]


def _execute(conn: Connection, query: str, values: Mapping[str, Any]) -> psycopg.Cursor[Any]:
    # Never prepared: a plan made for any box sorts the whole class for a small one (measured 2 → 100 ms).
    return raw(conn).execute(query.encode(), values, prepare=False)


def _page_sql(cls: FeatureClass, query: FeatureQuery, where: str) -> str:
    """One statement: features, last id, whether more follow, and how many match."""
    return (
        f"WITH page AS (SELECT * FROM {_source(cls, query)} v WHERE {where} AND id > %(after)s "
        "ORDER BY id LIMIT %(ahead)s), "
        "shown AS (SELECT * FROM page ORDER BY id LIMIT %(limit)s) "
        f"SELECT count(*) || ' ' || coalesce(json_agg({_feature(cls, query)} ORDER BY id)::text, '[]'), max(id), "
        f"(SELECT count(*) > %(limit)s FROM page), {_count_sql(cls, query, where)} FROM shown"
    )


def _count_sql(cls: FeatureClass, query: FeatureQuery, where: str) -> str:
    if query.count == "none":
        return "NULL::bigint"
    limit = "" if query.count == "exact" else f" LIMIT {COUNT_LIMIT + 1}"
    return f"(SELECT count(*) FROM (SELECT FROM {_source(cls, query)} v WHERE {where}{limit}) m)"


def _source(cls: FeatureClass, query: FeatureQuery) -> str:
    return versions(cls, {*field_names(cls), "geom", "valid"}, query.times)


def _feature(cls: FeatureClass, query: FeatureQuery) -> str:
    """One feature as an SQL expression; the database writes the JSON."""
    names = query.properties if query.properties is not None else property_names(cls)
    return (
        f"json_build_object('type', 'Feature', 'id', id, 'geometry', {_geometry(query)}, "
        f"'properties', {_properties(names)})"
    )


def _properties(names: Iterable[str]) -> str:
    """Properties as a JSON object; a row takes any number of them, json_build_object fifty, and it is slower."""
    columns = (f"{VALID_FIELDS[name]} AS {name}" if name in VALID_FIELDS else quoted(name) for name in names)
    return f"(SELECT row_to_json(p) FROM (SELECT {', '.join(columns)}) p)"


def _geometry(query: FeatureQuery) -> str:
    if not query.geometry:
        return "NULL"
    if query.zoom is None:
        return f"ST_AsGeoJSON(geom, {FULL_DIGITS})::json"
    # About one pixel of a 256-pixel tile; collapsed parts are kept, so that nothing drawn at this zoom vanishes.
    tolerance = 360.0 / 256 / 2**query.zoom
    return f"ST_AsGeoJSON(ST_Simplify(geom, {tolerance:.9f}, TRUE), {MAP_DIGITS})::json"


def _estimate(conn: Connection, cls: FeatureClass, query: FeatureQuery, path: str | None) -> int:
    where, values = query_condition(cls, query, path, rough=True)
    plan = _execute(
        conn, f"EXPLAIN (FORMAT JSON) SELECT FROM {_source(cls, query)} v WHERE {where}", values
    ).fetchone()
    assert plan is not None
    return int(plan[0][0]["Plan"]["Plan Rows"])


def feature_json(
    conn: Connection,
    catalogue: Catalogue,
    class_id: str,
    item: int | str,
    times: Times = NOW,
    *,
    extra: bool = True,
) -> str | None:
    """One feature as GeoJSON text by its id (int) or code (text), None where there is none; `extra` is a property."""
    cls = catalogue.get_class(class_id)
    column = "id" if isinstance(item, int) else "code"
    names = [*property_names(cls), *(["extra"] if extra else [])]
    statement = (
        f"SELECT json_build_object('type', 'Feature', 'id', id, 'geometry', ST_AsGeoJSON(geom, {FULL_DIGITS})::json, "
        f"'properties', {_properties(names)})::text "
        f"FROM {versions(cls, {*field_names(cls), 'geom', 'extra', 'valid'}, times)} v WHERE {column} = %(item)s"
    )
    if isinstance(item, int) and not 0 < item < 2**63:
        return None
    found = _execute(conn, statement, {"item": item, **times.values}).fetchone()
    return None if found is None else str(found[0])


def bounds(
    conn: Connection, classes: Iterable[FeatureClass], times: Times = NOW
) -> tuple[float, float, float, float] | None:
    """West, south, east, north in lon/lat of classes together; None where they are empty."""
    union = " UNION ALL ".join(
        f"SELECT ST_Extent(geom) AS box FROM {versions(cls, {'geom'}, times)} v" for cls in classes
    )
    statement = (
        f"SELECT min(ST_XMin(box)), min(ST_YMin(box)), max(ST_XMax(box)), max(ST_YMax(box)) FROM ({union}) b"
    )
    row = _execute(conn, statement, times.values).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1], row[2], row[3])


def class_counts(conn: Connection, catalogue: Catalogue, times: Times = NOW) -> dict[str, int]:
    """Class id → number of features, in the catalogue's order."""
    union = " UNION ALL ".join(
        f"SELECT '{name}' AS class_id, count(*) AS n FROM {versions(cls, (), times)} v"
        for name, cls in catalogue.classes.items()
    )
    found = dict(_execute(conn, union, times.values).fetchall())
    return {name: found[name] for name in catalogue.classes}
