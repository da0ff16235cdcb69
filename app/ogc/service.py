"""Use cases of OGC API Features: list collections, one of them, a page of its features, one feature."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from app.access.names import unknown_parameter
from app.catalogue.licences import licence_address
from app.catalogue.model import Catalogue, FeatureClass, Lang
from app.database.transactions import Connection
from app.errors import BadInput, NotFound, unknown
from app.inventory import store as inventory
from app.inventory.asked_times import asked_times
from app.inventory.changes import list_origins
from app.inventory.kept import once
from app.inventory.query import MAX_LIMIT, FeatureQuery, field_names
from app.inventory.times import NOW, Times, parse_date
from app.ogc import store
from app.ogc.bbox import Bbox, parse_bbox
from app.ogc.collections import Extent, class_collection, run_collection
from app.ogc.datetimes import parse_datetime
from app.ogc.links import Links, Query
from app.ogc.run_collections import RUN_COLLECTIONS


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a page of features: values as the URL gave them, checked when it is made.

    `where` maps field → allowed values; `given` is the query as it goes into the page's links.
    """

    bbox: Bbox | None = None
    limit: int = 10
    after: int | None = None
    area: str | None = None
    zoom: int | None = None
    properties: tuple[str, ...] | None = None
    where: Mapping[str, list[str]] = field(default_factory=dict)
    given: tuple[tuple[str, str], ...] = ()
    times: Times = NOW


def times_of(
    conn: Connection, collection: str, *, datetime: str | None, as_of: str | None, known_at: str | None
) -> Times:
    """The times that a request names; a run was computed once, so its rows have no time and match every `datetime`.

    Raises:
        BadInput: One of them cannot be read, or `datetime` and `as_of` name different times.
    """
    spoken = NOW if datetime is None else parse_datetime(datetime)
    if collection in RUN_COLLECTIONS:
        _check_timeless(collection, as_of=as_of, known_at=known_at)
        return NOW
    if datetime is not None and as_of is not None and spoken != Times(parse_date("as_of", as_of)):
        raise BadInput(f"datetime={datetime} and as_of={as_of} name different times.", "Give one of the two.")
    day = as_of if spoken.as_of is None or spoken.interval else spoken.as_of.isoformat()
    found = asked_times(conn, day, known_at)
    return replace(spoken, known_at=found.known_at) if spoken.interval else found


def _check_timeless(collection: str, **given: str | None) -> None:
    for name, value in given.items():
        if value is not None:
            raise BadInput(f"{collection} knows no '{name}'.", "A run is of the day in its inputs.")


def asked(
    *,
    bbox: str | None,
    times: Times,
    limit: int,
    after: int | None,
    area: str | None,
    zoom: int | None,
    properties: str | None,
    where: Mapping[str, list[str]],
    given: list[tuple[str, str]],
) -> Asked:
    """The request for a page from the texts of its URL; raises BadInput."""
    return Asked(
        bbox=parse_bbox(bbox) if bbox is not None else None,
        # The standard asks to serve the most there is rather than refuse a limit that is too high.
        limit=min(limit, MAX_LIMIT),
        after=after,
        area=area,
        zoom=zoom,
        properties=tuple(properties.split(",")) if properties is not None else None,
        where=where,
        times=times,
        given=tuple((name, value) for name, value in given if name != "after"),
    )


def check_collection(catalogue: Catalogue, collection: str) -> None:
    """Raise NotFound, with the nearest ids, for a collection that does not exist."""
    known = [*catalogue.classes, *RUN_COLLECTIONS]
    if collection not in known:
        raise unknown("collection", collection, known)


def version(conn: Connection, catalogue: Catalogue, collection: str | None = None) -> str:
    """The data version of one collection, or of all of them together."""
    if collection in RUN_COLLECTIONS:
        return store.newest_run(conn)[:8]
    ids = [collection] if collection else list(catalogue.classes)
    return str(max(inventory.data_version(conn, catalogue.classes[class_id]) for class_id in ids))


def list_collections(conn: Connection, catalogue: Catalogue, links: Links, lang: Lang) -> dict[str, Any]:
    """`/collections`: every class in the catalogue's order, then the runs."""
    found = [get_collection(conn, catalogue, class_id, links, lang) for class_id in catalogue.classes]
    found += [run_collection(item, links, lang) for item in RUN_COLLECTIONS.values()]
    return {"links": links.collections(), "collections": found}


def get_collection(
    conn: Connection, catalogue: Catalogue, collection: str, links: Links, lang: Lang
) -> dict[str, Any]:
    """`/collections/{id}`."""
    check_collection(catalogue, collection)
    if collection in RUN_COLLECTIONS:
        return run_collection(RUN_COLLECTIONS[collection], links, lang)
    cls = catalogue.get_class(collection)
    origins = list_origins(conn, cls)
    return class_collection(cls, links, lang, _extent(conn, cls), _licences(origins)) | _credits(origins)


def _extent(conn: Connection, cls: FeatureClass) -> Extent:
    """Of the features now, found once a data version: it takes a scan of the class."""
    version = inventory.data_version(conn, cls)
    return once(
        conn,
        ("extent", cls.id, version),
        lambda: Extent(inventory.bounds(conn, [cls]), *store.time_extent(conn, cls)),
    )


def _licences(origins: Sequence[Mapping[str, str | None]]) -> dict[str, str]:
    """The licences that imports have stated and whose texts have a known address."""
    named = {origin["licence"]: licence_address(origin["licence"]) for origin in origins if origin["licence"]}
    return {name: address for name, address in named.items() if name and address}


def _credits(origins: Sequence[Mapping[str, str | None]]) -> dict[str, str]:
    """Whose data the rows of a class are, where an import has said so."""
    texts = [origin["attribution"] or origin["source"] for origin in origins]
    return {"attribution": " · ".join(text for text in texts if text)} if any(texts) else {}


def filter_names(catalogue: Catalogue, collection: str) -> list[str]:
    """The fields by which features of a collection may be chosen."""
    if collection in RUN_COLLECTIONS:
        return ["run", "policy", *store.COLUMNS[collection]]
    return field_names(catalogue.get_class(collection))


def check_filters(catalogue: Catalogue, collection: str, names: list[str], parameters: set[str]) -> None:
    """Raise BadInput for a filter that is no field, hinting at fields and at the other query parameters."""
    valid = filter_names(catalogue, collection)
    for name in names:
        if name not in valid:
            raise unknown_parameter(name, {*valid, *parameters})


def items_text(conn: Connection, catalogue: Catalogue, collection: str, ask: Asked, links: Links) -> str:
    """`/collections/{id}/items` as GeoJSON text: written by the database, the links added at its end."""
    page = items_page(conn, catalogue, collection, ask)
    return page.with_members({"links": links.items(collection, list(ask.given), page.next_after)})


def items_page(conn: Connection, catalogue: Catalogue, collection: str, ask: Asked) -> inventory.FeaturePage:
    """One page of features of a class or of the runs."""
    if collection in RUN_COLLECTIONS:
        return _run_page(conn, collection, ask)
    query = FeatureQuery(
        class_id=collection,
        bbox=ask.bbox,
        limit=ask.limit,
        after=ask.after,
        where=ask.where,
        area=ask.area,
        zoom=ask.zoom,
        properties=ask.properties,
        times=ask.times,
    )
    return inventory.features_page(conn, catalogue, query)


def _run_page(conn: Connection, collection: str, ask: Asked) -> inventory.FeaturePage:
    for name in ("area", "zoom", "properties"):
        if getattr(ask, name) is not None:
            raise BadInput(
                f"{collection} knows no '{name}'.", "Use bbox, limit, run, policy, mode, tier or code."
            )
    for run in ask.where.get("run", []):
        _check_run(run)
    return store.run_page(
        conn, collection, where=ask.where, box=ask.bbox, limit=ask.limit, after=ask.after or 0
    )


def _check_run(text: str) -> None:
    try:
        uuid.UUID(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is no run.", "GET /coverage lists the runs.") from None


def item_text(
    conn: Connection,
    catalogue: Catalogue,
    collection: str,
    item: str,
    links: Links,
    times: Times = NOW,
    given: Query = (),
) -> str:
    """`/collections/{id}/items/{item}` as GeoJSON text, `given` its times as its links name them; raises NotFound."""
    found = None
    if item.isascii() and item.isdigit() and len(item) < 20:
        if collection in RUN_COLLECTIONS:
            raise NotFound(
                f"{collection} has no single features.", f"See /collections/{collection}/items?run=…"
            )
        found = inventory.feature_json(conn, catalogue, collection, int(item), times)
    if found is None:
        when = "" if times.now else " at that time"
        raise NotFound(
            f"{collection} holds no feature with the id '{item[:40]}'{when}.",
            f"By its code: /collections/{collection}/items?code=…",
        )
    return found[:-1] + ',"links":' + orjson.dumps(links.item(collection, int(item), given)).decode() + "}"
