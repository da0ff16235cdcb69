"""HTTP of OGC API Features on features: a page of them, one of them, in the form and system that the client wants."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, Path, Request, Response

from app.access.dependencies import (
    CatalogueDep,
    DatabaseDep,
    HtmlWanted,
    LangDep,
    get_catalogue,
    get_db,
)
from app.access.parameters import DECLARED, OWN_PARAMETERS, known_parameters
from app.access.reasons import leave, note_export
from app.access.time_parameters import AsOf, KnownAt
from app.catalogue.model import Catalogue, Lang
from app.database.transactions import Connection, Database
from app.errors import BadInput
from app.ogc import answers, items_service, pages, service
from app.ogc.asked import Asked
from app.ogc.forms import STREAMED
from app.ogc.links import GEOJSON, HTML
from app.ogc.parameter_routes import DECLARATIONS, Datetime, System, items_asked
from app.ogc.routes import CollectionId, links_of, with_etag
from app.ogc.stream_routes import FormDep, streamed

NOT_MODIFIED = 304
router = APIRouter(tags=["OGC API Features"])

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
            "href": "http://127.0.0.1:8000/collections/toilets/items?limit=1&after=…",
            "rel": "next",
            "type": GEOJSON,
            "title": "The next page",
        }
    ],
}
ITEMS_RESPONSES = answers.feature(
    answers.FEATURES,
    "A page of features, or a stream of all that match.",
    GEOJSON_EXAMPLE,
    tuple(form.media_type for form in STREAMED.values()),
)


@router.get(
    "/collections/{collection}/items",
    summary="Features of a collection, page by page",
    response_class=Response,
    responses=ITEMS_RESPONSES,
    openapi_extra={OWN_PARAMETERS: True, DECLARED: DECLARATIONS},
)
def get_items(
    request: Request,
    lang: LangDep,
    form: FormDep,
    collection: CollectionId,
    asked: Annotated[Asked, Depends(items_asked)],
) -> Response:
    """Pages as GeoJSON written by the database or as HTML; in the other forms all that matches, as a stream.

    Any other parameter is an equality filter on a field (`kind=public`).
    """
    # Asked for here, not as dependencies: each of those costs a small page a twentieth of its time.
    db, catalogue = get_db(request), get_catalogue(request)
    service.check_collection(catalogue, collection)
    items_service.check_filters(catalogue, collection, list(asked.where), known_parameters(request))
    if form in STREAMED:
        return _taken_away(request, db, catalogue, lang, collection, asked, form)
    with db.read() as conn:
        version = service.version(conn, catalogue, collection)

        def items() -> Response:
            if form == "html":
                return _items_page(request, conn, catalogue, lang, collection, asked, version)
            page = items_service.items(conn, catalogue, collection, asked, links_of(request), version)
            return Response(page.body, media_type=GEOJSON, headers=page.headers)

        return with_etag(request, version, lang, items, html=form == "html")


def _taken_away(
    request: Request,
    db: Database,
    catalogue: Catalogue,
    lang: Lang,
    collection: str,
    asked: Asked,
    form: str,
) -> Response:
    """A stream of what may leave the house: what is restricted with a reason alone; noted before it is sent."""
    leaving = leave(catalogue, [collection], request.query_params.get("reason"))
    with leaving.reading():
        reply = streamed(request, db, leaving.catalogue, lang, collection, asked, form)
    if reply.status_code != NOT_MODIFIED:
        note_export(db, collection, form, leaving, query=urlencode(asked.given))
    if leaving.left_out:
        reply.headers["Chengtu-Left-Out"] = "restricted"
    return reply


def _items_page(
    request: Request,
    conn: Connection,
    catalogue: Catalogue,
    lang: Lang,
    collection: str,
    asked: Asked,
    version: str,
) -> Response:
    """The page for people; what cannot be asked is said on it, beside what was asked, so that it can be corrected."""
    frame, links = pages.get_frame(conn, catalogue, lang), links_of(request)
    document, problem = None, None
    try:
        # The map of the page is in lon/lat, whatever system is asked for.
        page = items_service.items(conn, catalogue, collection, replace(asked, crs=None), links, version)
        document = orjson.loads(page.body)
    except BadInput as error:
        problem = error
    extent = None if document and document["features"] else service.extent(conn, catalogue, collection)
    text = pages.items_page(
        frame, catalogue, collection, document, lang, asked.given, links.base, problem, extent
    )
    return Response(text, media_type=HTML, status_code=200 if problem is None else problem.status)


@router.get(
    "/collections/{collection}/items/{item}",
    summary="One feature",
    response_class=Response,
    responses=answers.feature(answers.FEATURE, "The feature."),
)
def get_item(
    request: Request,
    db: DatabaseDep,
    catalogue: CatalogueDep,
    lang: LangDep,
    html: HtmlWanted,
    collection: CollectionId,
    item: Annotated[str, Path(description="Feature id.", max_length=100)],
    crs: System = None,
    datetime: Datetime = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """A feature with all its properties, as it is or as it was at another time."""
    service.check_collection(catalogue, collection)
    with db.read() as conn:
        times = items_service.times_of(conn, collection, datetime=datetime, as_of=as_of, known_at=known_at)
        found = items_service.item(
            conn, catalogue, collection, item, times, items_service.asked_crs(conn, crs)
        )

        def feature() -> Response:
            given = _times(request)
            text = items_service.linked(found, links_of(request).item(collection, int(item), given))
            if html:
                frame = pages.get_frame(conn, catalogue, lang)
                document = orjson.loads(text)
                page = pages.item_page(frame, catalogue, collection, document, lang, given)
                return Response(page, media_type=HTML)
            return Response(text, media_type=GEOJSON, headers={"Content-Crs": f"<{found.crs}>"})

        # Areas are recomputed without new versions of what lies in them, so the data's own version counts too.
        also = service.version(conn, catalogue, collection)
        return with_etag(request, found.version, lang, feature, html=html, also=also)


def _times(request: Request) -> list[tuple[str, str]]:
    """The times that the request names, as they were written."""
    return [pair for pair in request.query_params.multi_items() if pair[0] in TIME_PARAMETERS and pair[1]]
