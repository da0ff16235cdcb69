"""Use case: all features that match, in one of the streamed forms, in one snapshot and a memory that does not grow."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any

from pyproj import CRS

from app.catalogue.model import Catalogue, Lang
from app.database.transactions import Connection, Database
from app.errors import BadInput
from app.inventory.kept import once
from app.inventory.pages import Rows
from app.inventory.query import FeatureQuery, checked_page, property_names
from app.inventory.store import selected
from app.inventory.streams import (
    Selection,
    StreamColumn,
    count_rows,
    csv_blocks,
    geojson_blocks,
    table_blocks,
)
from app.inventory.tables import GEOMETRY_TYPES
from app.lazy import lazy_module
from app.ogc import flatgeobuf, store
from app.ogc.queryables import Queryable, queryables_of
from app.ogc.run_collections import RUN_COLLECTIONS

#: It loads pyarrow, which a server needs only for these forms.
record_batches = lazy_module("app.ogc.record_batches")

Blocks = Generator[bytes, None, None]
#: Without it spreadsheets show Chinese as mojibake.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONLAT = 4326
ID_TITLE = {"zh": "编号", "en": "Id"}


def stream(
    db: Database,
    catalogue: Catalogue,
    form: str,
    lang: Lang,
    limit: int | None,
    query: FeatureQuery,
) -> Blocks:
    """All that a query asks for, at most `limit`, as blocks of the form; read in one snapshot, in which they all are.

    Raises:
        BadInput, NotFound: With the first block: the query cannot be run.
    """
    with db.stream() as conn:
        yield from _WRITERS[form](conn, select(conn, catalogue, query, lang, limit))


def count_all(conn: Connection, catalogue: Catalogue, query: FeatureQuery, version: str) -> int | None:
    """How many features a query matches, where that is known without going through them: it asks for all of a class."""
    if query.class_id in RUN_COLLECTIONS or query != FeatureQuery(query.class_id, **_looks(query)):
        return None
    cls = catalogue.get_class(query.class_id)
    return once(conn, ("count", cls.id, version), lambda: count_rows(conn, cls))


def _looks(query: FeatureQuery) -> dict[str, Any]:
    """What of a query does not change which features match."""
    names = ("limit", "properties", "sortby", "srid", "north_first", "bbox_srid", "geometry", "count")
    return {name: getattr(query, name) for name in names}


def select(
    conn: Connection, catalogue: Catalogue, query: FeatureQuery, lang: Lang, limit: int | None
) -> Selection:
    """The rows, columns and shapes that a query asks for, at most `limit` of them; raises BadInput."""
    if query.after is not None or query.before is not None:
        raise BadInput("A stream has no pages: it gives all that matches.", "Leave 'after' and 'before' out.")
    query, rows, feature, names = _selected(conn, catalogue, query)
    known = queryables_of(catalogue, query.class_id)
    columns = [
        StreamColumn("id", "integer", "id", ID_TITLE[lang]),
        *(_column(known[name], lang) for name in names),
    ]
    name, title, kind = query.class_id, *_named(catalogue, query.class_id, lang)
    return Selection(name, title, rows, tuple(columns), feature, kind, query.srid, limit)


def _selected(
    conn: Connection, catalogue: Catalogue, query: FeatureQuery
) -> tuple[FeatureQuery, Rows, str, list[str]]:
    """The checked query, its rows, the text of a feature and the names of its properties."""
    collection = query.class_id
    if collection in RUN_COLLECTIONS:
        query = checked_page(query, store.run_keys(collection, query.sortby))
        rows, feature = store.run_rows(collection, query), store.run_feature(collection, query)
        names = store.run_names(collection)
    else:
        query, rows, feature = selected(conn, catalogue, query)
        names = property_names(catalogue.get_class(collection))
    return query, rows, feature, [n for n in names if query.properties is None or n in query.properties]


def _column(found: Queryable, lang: Lang) -> StreamColumn:
    title = found.title.in_(lang)
    said = f"{title} ({found.unit})" if found.unit else title
    return StreamColumn(found.name, found.type, found.expression, said)


def _named(catalogue: Catalogue, collection: str, lang: Lang) -> tuple[str, str]:
    """Title, and the simple-feature type of the shapes."""
    if collection in RUN_COLLECTIONS:
        found = RUN_COLLECTIONS[collection]
        return found.title.in_(lang), GEOMETRY_TYPES[found.geometry]
    cls = catalogue.get_class(collection)
    return cls.title.in_(lang), GEOMETRY_TYPES[cls.geometry]


def _geojson(conn: Connection, chosen: Selection) -> Blocks:
    yield from geojson_blocks(conn, chosen)


def _csv(conn: Connection, chosen: Selection) -> Blocks:
    yield from _behind(BYTE_ORDER_MARK, csv_blocks(conn, chosen))


def _flatgeobuf(conn: Connection, chosen: Selection) -> Blocks:
    crs = flatgeobuf.crs_table("EPSG", chosen.srid, CRS.from_epsg(chosen.srid).to_wkt())
    head = flatgeobuf.header(chosen.name, chosen.title, chosen.geometry_type, chosen.columns, crs)
    return _behind(head, (flatgeobuf.features(chosen.columns, batch) for batch in _batches(conn, chosen)))


def _arrow(conn: Connection, chosen: Selection) -> Blocks:
    blocks: Blocks = record_batches.arrow_stream(_batches(conn, chosen), _schema(chosen))
    return blocks


def _parquet(conn: Connection, chosen: Selection) -> Blocks:
    geo = record_batches.geo_member(chosen.geometry_type, projjson(chosen.srid))
    blocks: Blocks = record_batches.parquet_file(_primed(_batches(conn, chosen)), _schema(chosen), geo)
    return blocks


_WRITERS: Mapping[str, Callable[[Connection, Selection], Blocks]] = {
    "geojsonseq": _geojson,
    "csv": _csv,
    "flatgeobuf": _flatgeobuf,
    "arrow": _arrow,
    "parquet": _parquet,
}


def _batches(conn: Connection, chosen: Selection) -> Iterator[Any]:
    found: Iterator[Any] = record_batches.batches(table_blocks(conn, chosen), chosen.columns, _schema(chosen))
    return found


def _schema(chosen: Selection) -> Any:
    return record_batches.schema(chosen.columns, projjson(chosen.srid))


@lru_cache(maxsize=32)
def projjson(srid: int) -> dict[str, Any]:
    """A system as PROJJSON; lon/lat as CRS84, whose axes are in the order in which these forms have them."""
    crs = CRS.from_user_input("OGC:CRS84") if srid == LONLAT else CRS.from_epsg(srid)
    found: dict[str, Any] = crs.to_json_dict()
    return found


def _behind(head: bytes, blocks: Iterator[bytes]) -> Blocks:
    """What begins a file and its first block together: a query that fails gives neither."""
    yield head + next(blocks, b"")
    yield from blocks


def _primed(found: Iterator[Any]) -> Iterator[Any]:
    """The same, its first one made at once."""
    return chain([first] if (first := next(found, None)) is not None else [], found)
