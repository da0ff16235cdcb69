"""Use cases of OGC API Features on collections: the list of them, one of them, its data version."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from app.catalogue.licences import licence_address
from app.catalogue.model import Catalogue, FeatureClass, Lang
from app.database.transactions import Connection
from app.errors import unknown
from app.inventory import store as inventory
from app.inventory.changes import METRIC_CRS, data_version, data_versions, find_setting, list_origins
from app.inventory.kept import once
from app.ogc import store
from app.ogc.collections import Box, Extent, class_collection, run_collection
from app.ogc.crs import offered
from app.ogc.links import Links
from app.ogc.run_collections import RUN_COLLECTIONS


def check_collection(catalogue: Catalogue, collection: str) -> None:
    """Raise NotFound, with the nearest ids, for a collection that does not exist."""
    known = [*catalogue.classes, *RUN_COLLECTIONS]
    if collection not in known:
        raise unknown("collection", collection, known)


def version(conn: Connection, catalogue: Catalogue, collection: str | None = None) -> str:
    """The data version of one collection, or of all of them together."""
    if collection in RUN_COLLECTIONS:
        return store.runs_version(conn)
    if collection is not None:
        return str(data_version(conn, catalogue.classes[collection]))
    found = data_versions(conn, list(catalogue.classes.values()))
    # Not the highest alone: a change of another class may have drawn a lower number and be committed after it.
    return f"{max(found)}.{zlib.crc32(repr(found).encode()):08x}"


def list_collections(conn: Connection, catalogue: Catalogue, links: Links, lang: Lang) -> dict[str, Any]:
    """`/collections`: every class in the catalogue's order, then the runs."""
    known, systems = [*catalogue.classes, *RUN_COLLECTIONS], known_crs(conn)
    data_versions(
        conn, list(catalogue.classes.values())
    )  # by one question; each class asks for its own again
    found = [_collection(conn, catalogue, collection, links, lang, systems) for collection in known]
    return {"links": links.collections(), "crs": list(systems), "collections": found}


def get_collection(
    conn: Connection, catalogue: Catalogue, collection: str, links: Links, lang: Lang
) -> dict[str, Any]:
    """`/collections/{id}`."""
    check_collection(catalogue, collection)
    return _collection(conn, catalogue, collection, links, lang, known_crs(conn))


def _collection(
    conn: Connection,
    catalogue: Catalogue,
    collection: str,
    links: Links,
    lang: Lang,
    systems: tuple[str, ...],
) -> dict[str, Any]:
    if collection in RUN_COLLECTIONS:
        return run_collection(RUN_COLLECTIONS[collection], links, lang, systems)
    cls = catalogue.get_class(collection)
    origins = once(conn, ("origins", cls.id, data_version(conn, cls)), lambda: list_origins(conn, cls))
    found = class_collection(cls, links, lang, _extent(conn, cls), _licences(origins), systems)
    return found | _credits(origins)


def known_crs(conn: Connection) -> tuple[str, ...]:
    """The addresses of the systems that every collection offers."""
    return offered(find_setting(conn, METRIC_CRS))


def extent(conn: Connection, catalogue: Catalogue, collection: str) -> Box | None:
    """West, south, east, north of a class, in degrees; None where it is empty and for collections of runs."""
    return None if collection in RUN_COLLECTIONS else _extent(conn, catalogue.get_class(collection)).box


def _extent(conn: Connection, cls: FeatureClass) -> Extent:
    """Of the features now, found once a data version: it takes a scan of the class."""
    version = data_version(conn, cls)
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
