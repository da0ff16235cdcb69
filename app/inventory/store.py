"""Reads of the inventory: GeoJSON written by the database, single features, bounds, counts, data versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import psycopg
from sqlalchemy import Connection

from app.catalogue.model import Catalogue, FeatureClass
from app.database.scope import SCOPE
from app.inventory.area_rows import get_area
from app.inventory.boxes import LONLAT
from app.inventory.changes import data_version, raw
from app.inventory.conditions import query_condition
from app.inventory.feature_text import Shown, feature_text, geometry_text
from app.inventory.ordering import Position
from app.inventory.pages import Cut, Rows, page_sql, read_found
from app.inventory.per_class import per_class
from app.inventory.query import (
    ALWAYS_FILLED,
    COUNT_LIMIT,
    FeatureQuery,
    checked,
    column_sql,
    field_names,
    kind_of,
    property_names,
    sort_keys,
)
from app.inventory.scope_store import seen_ids
from app.inventory.tables import table_name
from app.inventory.times import NOW, Times, versions
from app.space.served_crs import served_crs

__all__ = [
    "FeaturePage",
    "bounds",
    "class_counts",
    "data_version",
    "feature_json",
    "features_json",
    "features_page",
    "row_count",
]

#: Digits of a coordinate in degrees on a map: 0.1 m.
MAP_DIGITS = 6


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """One page: the text of each of its `features`; `next` and `prev` are the places to go on from, None at an end.

    `matched` is None where it was not asked for; `matched_exact` is False where it is the planner's estimate.
    """

    features: Sequence[bytes]
    matched: int | None
    matched_exact: bool
    next: Position | None
    prev: Position | None

    @property
    def returned(self) -> int:
        """How many features are on the page."""
        return len(self.features)

    @property
    def text(self) -> str:
        """A whole GeoJSON FeatureCollection."""
        return self.body({}).decode()

    def body(self, members: Mapping[str, Any]) -> bytes:
        """The FeatureCollection in UTF-8 with more members at its end, such as `links`; no feature is parsed for it."""
        known: dict[str, Any] = {"type": "FeatureCollection", "numberReturned": self.returned}
        if self.matched is not None:
            known["numberMatched"] = self.matched
            known |= {} if self.matched_exact else {"numberMatchedIsEstimate": True}
        head, tail = orjson.dumps(known)[:-1] + b',"features":[', b"]}"
        if members:
            tail = b"]," + orjson.dumps(members)[1:]
        if not self.features:
            return head + tail
        # One join: a page of a megabyte is copied once.
        pieces = list(self.features)
        pieces[0] = head + pieces[0]
        pieces[-1] += tail
        return b",".join(pieces)


def features_json(conn: Connection, catalogue: Catalogue, query: FeatureQuery) -> str:
    """A page of features as GeoJSON FeatureCollection text, with numberReturned and, unless left out, numberMatched.

    Raises:
        NotFound, BadInput: The class or area is unknown; the query cannot be run.
    """
    return features_page(conn, catalogue, query).text


def features_page(conn: Connection, catalogue: Catalogue, query: FeatureQuery) -> FeaturePage:
    """The same with what links to the pages beside it need."""
    query, rows, feature = selected(conn, catalogue, query)
    rows = _narrowed(conn, catalogue.get_class(query.class_id), query, rows)
    return rows_page(conn, rows, feature, query, estimated=_is_estimated(catalogue.get_class(query.class_id)))


def _narrowed(conn: Connection, cls: FeatureClass, query: FeatureQuery, rows: Rows) -> Rows:
    """The rows, in order of ids, where the scope sees any: see `scope_store`."""
    if query.sortby or query.bbox is not None or not query.times.now:
        return rows
    ends = seen_ids(conn, cls)
    if ends is None:
        return rows
    first, last = ends
    return replace(rows, where=f"id BETWEEN {first} AND {last} AND ({rows.where})")


def _is_estimated(cls: FeatureClass) -> bool:
    """Whether the planner's view may be told of a class: it knows all rows, so not where some are hidden."""
    scope = SCOPE.get()
    return scope is None or scope.whole or (scope.everywhere and not cls.restricted_rows)


def selected(conn: Connection, catalogue: Catalogue, query: FeatureQuery) -> tuple[FeatureQuery, Rows, str]:
    """The checked query, the rows that it asks for, and the text of one feature as an expression over a row.

    Raises:
        NotFound, BadInput: The class or area is unknown; the query cannot be run.
    """
    cls = catalogue.get_class(query.class_id)
    query = checked(cls, query)
    if query.times.as_of is not None and not query.times.interval:
        query = replace(query, times=_looked_up(conn, cls, query.times))
    path = None if query.area is None else str(get_area(conn, query.area)["area_path"])
    return query, class_rows(cls, query, path), _feature(cls, query)


def rows_page(
    conn: Connection, rows: Rows, feature: str, query: FeatureQuery, *, estimated: bool
) -> FeaturePage:
    """The page of any rows that a checked query asks for; `feature` is the text of one as an expression over a row.

    Where the planner's view may not be told (`estimated`) matches are counted, however many they are.
    """
    cut = Cut(query.limit, query.after, query.before)
    statement, values = page_sql(rows, feature, cut)
    result = _execute(conn, statement, values, keep=rows.every).pgresult
    assert result is not None
    found = read_found(result.ntuples, result.get_value, cut)
    if query.count == "auto" and cut.place is None and found.next is None:
        return FeaturePage(found.features, len(found.features), True, found.next, found.prev)
    count = query.count if estimated or query.count == "none" else "exact"
    matched, exact = query.matched or _count(conn, rows, count)
    return FeaturePage(found.features, matched, exact, found.next, found.prev)


def class_rows(cls: FeatureClass, query: FeatureQuery, path: str | None) -> Rows:
    """The rows of a class that a checked query asks for; `path` is that of its area."""
    where, values = query_condition(cls, query, path)
    rough = query_condition(cls, query, path, rough=True)[0] if query.bbox is not None else None
    return Rows(_source(cls, query), where, values, sort_keys(cls, query.sortby), rough)


def _looked_up(conn: Connection, cls: FeatureClass, times: Times) -> Times:
    """The time with what the planner cannot see: that no current row holds then.

    Rows come in the order of ids, and it would go through the whole table in vain (measured 25 ms for 50,000 rows).
    """
    statement = f"SELECT EXISTS (SELECT FROM {table_name(cls)} WHERE valid @> %(as_of)s::date)"
    row = _execute(conn, statement, times.values).fetchone()
    return replace(times, past=row is not None and not row[0])


def _count(conn: Connection, rows: Rows, count: str) -> tuple[int | None, bool]:
    """How many match and whether that is exact: counted as far as that is cheap, beyond it the planner's view."""
    if count == "none":
        return None, False
    estimate = _estimate(conn, rows) if count == "auto" and rows.rough is not None else 0
    if estimate <= COUNT_LIMIT:
        limit = "" if count == "exact" else f" LIMIT {COUNT_LIMIT + 1}"
        statement = f"SELECT count(*) FROM (SELECT FROM {rows.source} v WHERE {rows.where}{limit}) m"
        row = _execute(conn, statement, rows.values).fetchone()
        assert row is not None
        if count == "exact" or row[0] <= COUNT_LIMIT:
            return int(row[0]), True
    return max(estimate or _estimate(conn, rows), COUNT_LIMIT + 1), False


def _execute(
    conn: Connection, query: str, values: Mapping[str, Any], *, keep: bool = False
) -> psycopg.Cursor[Any]:
    """`keep`: the server keeps the statement and its plan, for what is planned alike whatever is bound."""
    # Others are never prepared: a plan made for any box sorts the whole class for a small one (measured 2 → 100 ms).
    statement, bound = numbered(query, values)
    return psycopg.RawCursor(raw(conn)).execute(statement, bound, prepare=keep)


def numbered(query: str, values: Mapping[str, Any]) -> tuple[bytes, list[Any]]:
    """The statement with values by number, as the server takes them: the driver would read all of its text for it."""
    bound: list[Any] = []
    for name, value in values.items():
        if f"%({name})s" in query:
            bound.append(value)
            query = query.replace(f"%({name})s", f"${len(bound)}")
    return query.replace("%%", "%").encode(), bound


def _source(cls: FeatureClass, query: FeatureQuery) -> str:
    if query.times.now:
        return table_name(cls)
    read = {*field_names(cls), "geom", "valid"}
    return versions(cls, read | (query.condition.columns if query.condition else set()), query.times)


def _feature(cls: FeatureClass, query: FeatureQuery) -> str:
    """One feature as an SQL expression; the database writes the JSON."""
    names = None if query.properties is None else tuple(query.properties)
    return _feature_of(cls, names, query.geometry, query.zoom, query.srid, query.north_first)


@per_class
def _feature_of(
    cls: FeatureClass,
    names: tuple[str, ...] | None,
    geometry: bool,
    zoom: int | None,
    srid: int,
    north_first: bool,
) -> str:
    shape = _geometry(zoom, srid, north_first=north_first) if geometry else "'null'"
    return feature_text(shown_of(cls, property_names(cls) if names is None else names), shape)


def shown_of(cls: FeatureClass, names: Iterable[str]) -> list[Shown]:
    """Properties of a class by name."""
    filled = {*ALWAYS_FILLED, *(item.name for item in cls.fields if item.required)}
    return [Shown(name, column_sql(name), kind_of(cls, name), name in filled) for name in names]


def _geometry(zoom: int | None, srid: int, *, north_first: bool) -> str:
    if zoom is None:
        return geometry_text(srid, north_first=north_first)
    # About one pixel of a 256-pixel tile; collapsed parts are kept, so that nothing drawn at this zoom vanishes.
    simple = f"ST_Simplify(geom, {360.0 / 256 / 2**zoom:.9f}, TRUE)"
    digits = MAP_DIGITS if served_crs(srid).stored else None
    return geometry_text(srid, north_first=north_first, digits=digits, geom=simple)


def _estimate(conn: Connection, rows: Rows) -> int:
    statement = f"EXPLAIN (FORMAT JSON) SELECT FROM {rows.source} v WHERE {rows.rough or rows.where}"
    plan = _execute(conn, statement, rows.values).fetchone()
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
    found = find_feature(conn, catalogue, class_id, item, times, extra=extra)
    return None if found is None else found[0]


def find_feature(
    conn: Connection,
    catalogue: Catalogue,
    class_id: str,
    item: int | str,
    times: Times = NOW,
    *,
    extra: bool = True,
    srid: int = LONLAT,
    north_first: bool = False,
) -> tuple[str, int] | None:
    """The same with the change that wrote it; `srid` is its coordinates' system, x before y unless `north_first`."""
    cls = catalogue.get_class(class_id)
    column = "id" if isinstance(item, int) else "code"
    rest = (
        extra and not catalogue.open_only
    )  # columns of files that no class declares are not declared public
    shown = [*shown_of(cls, property_names(cls)), *([Shown("extra", "extra")] if rest else [])]
    statement = (
        f"SELECT {feature_text(shown, geometry_text(srid, north_first=north_first))}, change_id "
        f"FROM {versions(cls, {*field_names(cls), 'geom', 'extra', 'valid'}, times)} v WHERE {column} = %(item)s"
    )
    if isinstance(item, int) and not 0 < item < 2**63:
        return None
    found = _execute(conn, statement, {"item": item, **times.values}).fetchone()
    return None if found is None else (str(found[0]), int(found[1]))


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


def row_count(conn: Connection, cls: FeatureClass) -> int:
    """The number of features of a class now; it takes a scan."""
    row = _execute(conn, f"SELECT count(*) FROM {table_name(cls)}", {}).fetchone()
    return 0 if row is None else int(row[0])


def class_counts(conn: Connection, catalogue: Catalogue, times: Times = NOW) -> dict[str, int]:
    """Class id → number of features, in the catalogue's order."""
    union = " UNION ALL ".join(
        f"SELECT '{name}' AS class_id, count(*) AS n FROM {versions(cls, (), times)} v"
        for name, cls in catalogue.classes.items()
    )
    found = dict(_execute(conn, union, times.values).fetchall())
    return {name: found[name] for name in catalogue.classes}
