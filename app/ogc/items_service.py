"""Use cases of OGC API Features on features: what an address asks for, a page of it, one feature."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import orjson

from app.access.names import unknown_parameter
from app.catalogue.model import Catalogue
from app.database.transactions import Connection
from app.errors import BadInput, NotFound
from app.inventory import store as inventory
from app.inventory.asked_times import asked_times
from app.inventory.kept import find_count, keep_count, once
from app.inventory.query import Condition, FeatureQuery, field_names
from app.inventory.times import NOW, Times, parse_date
from app.ogc import store
from app.ogc.asked import Asked, features_asked, find_id, system
from app.ogc.cql2.compiler import compile_filter
from app.ogc.cql2.parse import parse
from app.ogc.cql2.tree import Node
from app.ogc.crs import CRS84, NamedCrs, crs_uri
from app.ogc.datetimes import parse_datetime
from app.ogc.links import Link, Links
from app.ogc.paging import Token, write_token
from app.ogc.queryables import queryables_of
from app.ogc.run_collections import RUN_COLLECTIONS
from app.ogc.service import known_crs


@dataclass(frozen=True, slots=True)
class Page:
    """A page in UTF-8, and what its headers say of it: the coordinates' system, numbers returned and matched."""

    body: bytes
    crs: str
    returned: int
    matched: int | None
    exact: bool

    @property
    def headers(self) -> dict[str, str]:
        """18-058r1 §7.4: the system of the coordinates; the numbers, as ldproxy and others name them."""
        found = {"Content-Crs": f"<{self.crs}>", "OGC-NumberReturned": str(self.returned)}
        if self.matched is not None:
            found["OGC-NumberMatched"] = str(self.matched)
            found |= {} if self.exact else {"OGC-NumberMatched-Estimate": "true"}
        return found


def times_of(
    conn: Connection, collection: str, *, datetime: str | None, as_of: str | None, known_at: str | None
) -> Times:
    """The times that a request names; a run was computed once, so its rows have no time and match every `datetime`.

    Raises:
        BadInput: One of them cannot be read, or `datetime` and `as_of` name different times.
    """
    spoken = NOW if datetime is None else parse_datetime(datetime)
    if collection in RUN_COLLECTIONS:
        _check_absent(collection, "A run is of the day in its inputs.", as_of=as_of, known_at=known_at)
        return NOW
    if datetime is not None and as_of is not None and spoken != Times(parse_date("as_of", as_of)):
        raise BadInput(f"datetime={datetime} and as_of={as_of} name different times.", "Give one of the two.")
    day = as_of if spoken.as_of is None or spoken.interval else spoken.as_of.isoformat()
    found = asked_times(conn, day, known_at)
    return replace(spoken, known_at=found.known_at) if spoken.interval else found


def _check_absent(collection: str, hint: str, **given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise BadInput(f"{collection} knows no '{name}'.", hint)


def asked_crs(conn: Connection, text: str | None) -> NamedCrs:
    """The system that the parameter `crs` names, CRS84 where it is not given; raises BadInput."""
    return system("crs", text, () if text in {None, CRS84} else known_crs(conn))


def filter_names(catalogue: Catalogue, collection: str) -> list[str]:
    """The fields by which features of a collection may be chosen."""
    if collection in RUN_COLLECTIONS:
        return store.run_names(collection)
    return field_names(catalogue.get_class(collection))


def check_filters(catalogue: Catalogue, collection: str, names: list[str], parameters: set[str]) -> None:
    """Raise BadInput for a filter that is no field, hinting at fields and at the other query parameters."""
    valid = filter_names(catalogue, collection)
    for name in names:
        if name not in valid:
            raise unknown_parameter(name, {*valid, *parameters})


def items_query(
    conn: Connection, catalogue: Catalogue, collection: str, asked: Asked, version: str
) -> FeatureQuery:
    """What an address asks of a collection whose data has `version`.

    Raises:
        BadInput: A parameter that cannot be read, or that the collection does not know.
    """
    times = times_of(conn, collection, datetime=asked.datetime, as_of=asked.as_of, known_at=asked.known_at)
    named = {asked.crs, asked.bbox_crs, asked.filter_crs} - {None, CRS84}
    known = known_crs(conn) if named else (CRS84,)
    query = features_asked(collection, asked, times, known, version)
    query = replace(query, condition=_filter(catalogue, collection, asked, known))
    if collection in RUN_COLLECTIONS:
        _check_absent(
            collection, "Use bbox, filter, run, policy, mode, tier or code.", area=asked.area, zoom=asked.zoom
        )
        _check_runs(query)
        if catalogue.open_only:
            query = replace(query, condition=store.without_features(collection, query.condition))
        return store.checked_run(collection, query)
    return query


def _filter(catalogue: Catalogue, collection: str, asked: Asked, known: Sequence[str]) -> Condition | None:
    crs = system("filter-crs", asked.filter_crs, known)
    if asked.filter is None:
        return None
    tree = _parsed(asked.filter, asked.filter_lang)
    return compile_filter(tree, queryables_of(catalogue, collection), crs)


@lru_cache(maxsize=16)
def _parsed(text: str, lang: str | None) -> Node:
    """A filter's tree, read once for all collections that it is asked of."""
    return parse(text, lang)


def _check_runs(query: FeatureQuery) -> None:
    for run in query.where.get("run", []):
        try:
            uuid.UUID(run)
        except ValueError:
            raise BadInput(f"{run[:40]!r} is no run.", "GET /coverage lists the runs.") from None


def items_page(conn: Connection, catalogue: Catalogue, query: FeatureQuery) -> inventory.FeaturePage:
    """One page of features of a class or of the runs."""
    if query.class_id in RUN_COLLECTIONS:
        return store.run_page(conn, query.class_id, query)
    return inventory.features_page(conn, catalogue, query)


def _counted(conn: Connection, catalogue: Catalogue, query: FeatureQuery, version: str) -> FeatureQuery:
    """The query with the number of all features where it asks for no fewer: counted once a data version."""
    if query.class_id in RUN_COLLECTIONS or query.count == "none" or query.matched or not query.every:
        return query
    cls = catalogue.get_class(query.class_id)
    count = once(conn, ("row_count", cls.id, version), lambda: inventory.row_count(conn, cls))
    return replace(query, matched=(count, True))


def items(
    conn: Connection, catalogue: Catalogue, collection: str, asked: Asked, links: Links, version: str
) -> Page:
    """`/collections/{id}/items` as GeoJSON: written by the database, links and version added at its end."""
    query = _counted(conn, catalogue, items_query(conn, catalogue, collection, asked, version), version)
    # Runs come and go without a version of their own.
    kept = query.matched is None and query.count != "none" and collection not in RUN_COLLECTIONS
    key = (collection, version, query.count, asked.choice)
    page = items_page(conn, catalogue, replace(query, matched=find_count(conn, key)) if kept else query)
    if kept and page.matched is not None:
        keep_count(conn, key, (page.matched, page.matched_exact))
    ends = {
        name: write_token(
            asked.order(collection), Token(place, version, asked.question, page.matched, page.matched_exact)
        )
        for name, place in (("after", page.next), ("before", page.prev))
        if place is not None
    }
    members = {"dataVersion": version, "links": links.items(collection, asked.given, asked.page_query, ends)}
    crs = crs_uri(query.srid, north_first=query.north_first)
    return Page(page.body(members), crs, page.returned, page.matched, page.matched_exact)


@dataclass(frozen=True, slots=True)
class Item:
    """One feature as GeoJSON `text`, its `version` (the change that wrote it) and the system of its coordinates."""

    text: str
    version: str
    crs: str


def item(
    conn: Connection, catalogue: Catalogue, collection: str, name: str, times: Times, crs: NamedCrs
) -> Item:
    """`/collections/{id}/items/{name}` without its links; raises NotFound."""
    found: tuple[str, int | str] | None = None
    shown: dict[str, Any] = {"srid": crs.srid, "north_first": crs.north_first}
    number = find_id(name)
    if number is not None and collection in RUN_COLLECTIONS:
        found = store.run_item(conn, collection, number, open_only=catalogue.open_only, **shown)
    elif number is not None:
        found = inventory.find_feature(conn, catalogue, collection, number, times, **shown)
    if found is None:
        when = "" if times.now else " at that time"
        hint = f"By its code: /collections/{collection}/items?code=…"
        if collection not in RUN_COLLECTIONS and number is not None:
            hint = f"What was recorded of it: /collections/{collection}/items/{name}/history. {hint}"
        raise NotFound(f"{collection} holds no feature with the id '{name[:40]}'{when}.", hint)
    return Item(found[0], str(found[1]), crs.uri)


def linked(item: Item, links: list[Link]) -> str:
    """The feature's text with its links."""
    return item.text[:-1] + ',"links":' + orjson.dumps(links).decode() + "}"
