"""HTTP of OGC API Features on what there is: landing page, conformance, collections; and what every reply has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response

from app.access.compression import chosen_coding
from app.access.dependencies import CatalogueDep, DatabaseDep, HtmlWanted, LangDep, ReadConn, SettingsDep
from app.access.time_parameters import AsOf, KnownAt
from app.catalogue.model import Lang
from app.maps.routes import portal
from app.ogc import answers, catalogue_page, collections, conformance, pages, service
from app.ogc.etag import make_etag, matches
from app.ogc.links import HTML, JSON, Links
from app.web.viewer import VIEWER

router = APIRouter(tags=["OGC API Features"])

CollectionId = Annotated[str, Path(description="Collection id, for example `toilets`.", max_length=100)]


def links_of(request: Request) -> Links:
    """The links below the address at which the client reached the server."""
    return Links(str(request.base_url).rstrip("/"))


@router.get(
    "/",
    summary="Landing page: what there is",
    response_class=Response,
    responses=answers.document(answers.LANDING, "What the server offers."),
)
def get_landing(
    request: Request,
    db: DatabaseDep,
    settings: SettingsDep,
    catalogue: CatalogueDep,
    lang: LangDep,
    html: HtmlWanted,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """The landing page (OGC API Features); a browser gets the portal, the map of the whole city."""
    if not html:
        return vary(as_json(collections.landing(links_of(request), lang)), lang)
    home = VIEWER.get().home
    if home != "/":
        return Response(
            status_code=303, headers={"Location": f"{home}?lang={lang}", "Cache-Control": "no-store"}
        )
    with db.read() as conn:
        return vary(portal(conn, settings, catalogue, lang, as_of, known_at), lang)


@router.get(
    "/conformance",
    summary="The standards that this server holds",
    response_class=Response,
    responses=answers.document(answers.CONFORMANCE, "The conformance classes."),
)
def get_conformance(
    request: Request, db: DatabaseDep, catalogue: CatalogueDep, lang: LangDep, html: HtmlWanted
) -> Response:
    """Conformance classes, as JSON or as a page."""
    if not html:
        found = as_json({"conformsTo": list(conformance.CLASSES)})
        return with_alternate(request, vary(found, lang), HTML)
    with db.read() as conn:
        frame = pages.get_frame(conn, catalogue, lang)
    page = Response(pages.conformance_page(frame, conformance.CLASSES, lang), media_type=HTML)
    return with_alternate(request, vary(page, lang), JSON)


@router.get(
    "/collections",
    summary="All collections",
    response_class=Response,
    responses=answers.document(answers.COLLECTIONS, "All collections."),
)
def get_collections(
    request: Request, conn: ReadConn, catalogue: CatalogueDep, lang: LangDep, html: HtmlWanted
) -> Response:
    """Every class, and the runs' collections."""

    def document() -> Response:
        found = service.list_collections(conn, catalogue, links_of(request), lang)
        if not html:
            return as_json(found)
        page = catalogue_page.collections_page(conn, catalogue, found, pages.base_of(found), lang)
        return Response(page, media_type=HTML)

    return with_etag(request, service.version(conn, catalogue), lang, document, html=html)


@router.get(
    "/collections/{collection}",
    summary="One collection",
    response_class=Response,
    responses=answers.document(answers.COLLECTION, "The collection."),
)
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
            return as_json(found)
        frame = pages.get_frame(conn, catalogue, lang)
        return Response(pages.collection_page(frame, catalogue, found, lang), media_type=HTML)

    return with_etag(request, service.version(conn, catalogue, collection), lang, document, html=html)


def as_json(document: dict[str, Any]) -> Response:
    """The document as a response."""
    return Response(orjson.dumps(document), media_type=JSON)


def with_alternate(request: Request, response: Response, media_type: str) -> Response:
    """The response of a document that has no links of its own, with a header that leads to its other form."""
    form = "html" if media_type == HTML else "json"
    address = f"{links_of(request).base}{request.url.path}?f={form}"
    response.headers["Link"] = f'<{address}>; rel="alternate"; type="{media_type}"'
    return response


def vary(response: Response, lang: Lang) -> Response:
    """The response with what it varies by."""
    response.headers["Vary"] = "Accept, Accept-Language"  # the compressing layer adds its own
    response.headers["Content-Language"] = lang
    return response


def with_etag(
    request: Request, version: str, lang: Lang, make: Callable[[], Response], *, html: bool, also: str = ""
) -> Response:
    """The reply with its tag, or 304 without making it where the client has it already.

    `also` is what the reply depends on besides, such as the data version where `version` is that of one feature.
    """
    etag = tag_of(request, str(request.url), version, lang, html=html, also=also)
    fresh = matches(request.headers.get("if-none-match"), etag)
    response = vary(Response(status_code=304) if fresh else make(), lang)
    response.headers["ETag"] = etag
    # `no-cache` alone does not make QGIS ask again for a style: Qt takes its copy for fresh unless its age is named.
    response.headers["Cache-Control"] = "no-cache, max-age=0"
    return response


def tag_of(request: Request, address: str, version: str, lang: Lang, *, html: bool, also: str) -> str:
    """The tag of what GET of an address sends this client, by the codings that it takes."""
    coded = chosen_coding(request.headers.get("accept-encoding"))
    return make_etag(version, (address, lang, str(html), coded, also, *((VIEWER.get().key,) if html else ())))
