"""HTTP of OGC API Features: parse, call, render; data in the form, language and version that the client asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from app.access.dependencies import CatalogueDep, DatabaseDep, HtmlWanted, LangDep, ReadConn
from app.access.parameters import OWN_PARAMETERS, known_parameters
from app.access.time_parameters import AsOf, KnownAt
from app.catalogue.model import Lang
from app.inventory.asked_times import asked_times
from app.inventory.query import MAX_LIMIT
from app.maps.landing_service import landing_page
from app.ogc import collections, conformance, pages, service
from app.ogc.etag import make_etag, matches
from app.ogc.links import GEOJSON, HTML, JSON, Links

router = APIRouter(tags=["OGC API Features"])

CollectionId = Annotated[str, Path(description="Collection id, for example `toilets`.", max_length=100)]
Bbox = Annotated[
    str | None,
    Query(
        description="west,south,east,north in degrees; west above east crosses 180°.",
        examples=["115.80,28.60,115.90,28.70"],
        max_length=200,
    ),
]
Datetime = Annotated[
    str | None,
    Query(
        description="An instant or an interval of time in the world (RFC 3339), open ends as `..`; of each feature the "
        "latest version in it.",
        examples=["2021-12-31"],
        max_length=100,
    ),
]
Limit = Annotated[
    int, Query(ge=1, description=f"At most this many features; {MAX_LIMIT:,} is the most served.")
]
After = Annotated[
    int | None, Query(ge=0, lt=2**63, description="Id that the page before ended with (`next` has it).")
]
Area = Annotated[str | None, Query(description="Code of an area: features at home in it.", max_length=200)]
Zoom = Annotated[
    int | None, Query(ge=0, le=24, description="What a map at this zoom draws, shapes simplified to it.")
]
Properties = Annotated[
    str | None, Query(description="Names of the wanted properties, by comma.", max_length=2000)
]

#: Parameters that a link to the same feature keeps.
TIME_PARAMETERS = frozenset({"datetime", "as_of", "known_at"})
GEOJSON_EXAMPLE: dict[str, Any] = {
    "type": "FeatureCollection",
    "numberReturned": 1,
    "numberMatched": 2079,
    "features": [
        {
            "type": "Feature",
            "id": 1,
            "geometry": {"type": "Point", "coordinates": [115.8612, 28.6803]},
            "properties": {"code": "WC-0001", "name_zh": "滨江路公厕", "kind": "public", "stalls": 12},
        }
    ],
    "links": [
        {
            "href": "http://127.0.0.1:8000/collections/toilets/items?limit=1&after=1",
            "rel": "next",
            "type": GEOJSON,
            "title": "The next page",
        }
    ],
}
ITEMS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {GEOJSON: {"example": GEOJSON_EXAMPLE}, HTML: {}}, "description": "A page of features."},
    304: {"description": "The client's copy (`If-None-Match`) is still right."},
}


def links_of(request: Request) -> Links:
    """The links below the address at which the client reached the server."""
    return Links(str(request.base_url).rstrip("/"))


@router.get("/", summary="Landing page: what there is", response_class=Response)
def get_landing(
    request: Request,
    db: DatabaseDep,
    catalogue: CatalogueDep,
    lang: LangDep,
    html: HtmlWanted,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """The landing page (OGC API Features); a browser gets what the city holds and who is reached."""
    if not html:
        return _vary(_json(collections.landing(links_of(request), lang)), lang)
    with db.read() as conn:
        times = asked_times(conn, as_of, known_at)
        return _vary(Response(landing_page(conn, catalogue, lang, times), media_type=HTML), lang)


@router.get("/conformance", summary="The standards that this server holds")
def get_conformance(_lang: LangDep, _html: HtmlWanted) -> dict[str, list[str]]:
    """Conformance classes."""
    return {"conformsTo": list(conformance.CLASSES)}


@router.get("/collections", summary="All collections", response_class=Response)
def get_collections(
    request: Request, conn: ReadConn, catalogue: CatalogueDep, lang: LangDep, html: HtmlWanted
) -> Response:
    """Every class, and the runs' collections."""

    def document() -> Response:
        found = service.list_collections(conn, catalogue, links_of(request), lang)
        if not html:
            return _json(found)
        city = pages.get_city(conn, catalogue, lang)
        return Response(pages.collections_page(city, found, lang), media_type=HTML)

    return _with_etag(request, service.version(conn, catalogue), lang, document, html=html)


@router.get("/collections/{collection}", summary="One collection", response_class=Response)
def get_collection(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    html: HtmlWanted,
    collection: CollectionId,
) -> Response:
    """Its title, extent and links."""
    service.check_collection(catalogue, collection)

    def document() -> Response:
        found = service.get_collection(conn, catalogue, collection, links_of(request), lang)
        if not html:
            return _json(found)
        city = pages.get_city(conn, catalogue, lang)
        return Response(pages.collection_page(city, found, lang), media_type=HTML)

    return _with_etag(request, service.version(conn, catalogue, collection), lang, document, html=html)


@router.get(
    "/collections/{collection}/items",
    summary="Features of a collection, page by page",
    response_class=Response,
    responses=ITEMS_RESPONSES,
    openapi_extra={OWN_PARAMETERS: True},
)
def get_items(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    html: HtmlWanted,
    collection: CollectionId,
    bbox: Bbox = None,
    datetime: Datetime = None,
    limit: Limit = 10,
    after: After = None,
    area: Area = None,
    zoom: Zoom = None,
    properties: Properties = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """GeoJSON written by the database. Any other parameter is an equality filter on a field (`kind=public`)."""
    service.check_collection(catalogue, collection)
    where = _filters(request, known_parameters(request))
    service.check_filters(catalogue, collection, list(where), known_parameters(request))
    times = service.times_of(conn, collection, datetime=datetime, as_of=as_of, known_at=known_at)
    ask = service.asked(
        bbox=bbox, times=times, limit=limit, after=after, area=area, zoom=zoom, properties=properties,
        where=where, given=request.query_params.multi_items(),
    )  # fmt: skip

    def items() -> Response:
        text = service.items_text(conn, catalogue, collection, ask, links_of(request))
        if html:
            city = pages.get_city(conn, catalogue, lang)
            return Response(
                pages.items_page(city, catalogue, collection, orjson.loads(text), lang, _times(request)),
                media_type=HTML,
            )
        return Response(text, media_type=GEOJSON)

    return _with_etag(request, service.version(conn, catalogue, collection), lang, items, html=html)


@router.get(
    "/collections/{collection}/items/{item}",
    summary="One feature",
    response_class=Response,
    responses={200: {"content": {GEOJSON: {}, HTML: {}}, "description": "The feature."}},
)
def get_item(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    html: HtmlWanted,
    collection: CollectionId,
    item: Annotated[str, Path(description="Feature id.", max_length=100)],
    datetime: Datetime = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """A feature with all its properties, as it is or as it was at another time."""
    service.check_collection(catalogue, collection)
    times = service.times_of(conn, collection, datetime=datetime, as_of=as_of, known_at=known_at)

    def feature() -> Response:
        given = _times(request)
        text = service.item_text(conn, catalogue, collection, item, links_of(request), times, given)
        if html:
            city = pages.get_city(conn, catalogue, lang)
            return Response(
                pages.item_page(city, catalogue, collection, orjson.loads(text), lang, given),
                media_type=HTML,
            )
        return Response(text, media_type=GEOJSON)

    return _with_etag(request, service.version(conn, catalogue, collection), lang, feature, html=html)


def _times(request: Request) -> list[tuple[str, str]]:
    """The times that the request names, as they were written."""
    return [pair for pair in request.query_params.multi_items() if pair[0] in TIME_PARAMETERS and pair[1]]


def _filters(request: Request, known: set[str]) -> dict[str, list[str]]:
    """The query parameters that are none of the route's own, with all their values."""
    names = dict.fromkeys(name for name in request.query_params if name not in known)
    return {name: request.query_params.getlist(name) for name in names}


def _json(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document), media_type=JSON)


def _vary(response: Response, lang: Lang) -> Response:
    response.headers["Vary"] = "Accept, Accept-Language"  # the compressing layer adds its own
    response.headers["Content-Language"] = lang
    return response


def _with_etag(
    request: Request, version: str, lang: Lang, make: Callable[[], Response], *, html: bool
) -> Response:
    """The reply with its tag, or 304 without making it where the client has it already."""
    coded = str("gzip" in request.headers.get("accept-encoding", ""))
    etag = make_etag(version, (str(request.url), lang, str(html), coded))
    fresh = matches(request.headers.get("if-none-match"), etag)
    response = _vary(Response(status_code=304) if fresh else make(), lang)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "no-cache"
    return response
