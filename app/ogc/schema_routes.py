"""HTTP of a collection's schemas: what its features are, may be filtered and sorted by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from app.access.dependencies import CatalogueDep, DatabaseDep, HtmlWanted, LangDep
from app.catalogue.model import Catalogue, Lang
from app.database.engine import Database
from app.ogc import pages, schemas, service
from app.ogc.links import HTML
from app.ogc.routes import CollectionId, links_of, with_alternate, with_etag

router = APIRouter(tags=["OGC API Features"])
Make = Callable[[Catalogue, str, Lang, str], dict[str, Any]]
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A JSON Schema, or a page of it.",
        "content": {
            schemas.MEDIA_TYPE: {"schema": {"type": "object", "required": ["$id", "properties"]}},
            HTML: {"schema": {"type": "string"}},
        },
    },
    304: {"description": "The client's copy (`If-None-Match`) is still right."},
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What every schema is made from, and in which form it is wanted."""

    request: Request
    db: Database
    catalogue: Catalogue
    lang: Lang
    html: bool


def get_asked(
    request: Request, db: DatabaseDep, catalogue: CatalogueDep, lang: LangDep, html: HtmlWanted
) -> _Asked:
    """What a request for a schema says."""
    return _Asked(request, db, catalogue, lang, html)


AskedDep = Annotated[_Asked, Depends(get_asked)]


@router.get(
    "/collections/{collection}/queryables",
    summary="What filters may name",
    response_class=Response,
    responses=ANSWER,
)
def get_queryables(asked: AskedDep, collection: CollectionId) -> Response:
    """The queryables of a collection (OGC API Features Part 3), as JSON Schema or as a page."""
    return _schema(asked, collection, schemas.queryables_schema)


@router.get(
    "/collections/{collection}/sortables",
    summary="What `sortby` may name",
    response_class=Response,
    responses=ANSWER,
)
def get_sortables(asked: AskedDep, collection: CollectionId) -> Response:
    """The sortables of a collection (OGC API Features Part 5), as JSON Schema or as a page."""
    return _schema(asked, collection, schemas.sortables_schema)


@router.get(
    "/collections/{collection}/schema",
    summary="What features are",
    response_class=Response,
    responses=ANSWER,
)
def get_schema(asked: AskedDep, collection: CollectionId) -> Response:
    """The schema of a collection's features (OGC API Features Part 5), as JSON Schema or as a page."""
    return _schema(asked, collection, schemas.feature_schema)


def _schema(asked: _Asked, collection: str, make: Make) -> Response:
    request, catalogue, lang = asked.request, asked.catalogue, asked.lang
    service.check_collection(catalogue, collection)
    address = f"{links_of(request).base}{request.url.path}"
    document = make(catalogue, collection, lang, address)
    text = orjson.dumps(document)
    # What is declared changes with no write, so the text itself is the version.
    tag = hashlib.sha256(text).hexdigest()[:16]
    if not asked.html:
        reply = with_etag(
            request, tag, lang, lambda: Response(text, media_type=schemas.MEDIA_TYPE), html=False
        )
        return with_alternate(request, reply, HTML)
    with asked.db.read() as conn:

        def page() -> Response:
            frame = pages.get_frame(conn, catalogue, lang)
            return Response(pages.schema_page(frame, catalogue, collection, document, lang), media_type=HTML)

        # The page also names the city and the sources of its data.
        also = service.version(conn, catalogue)
        reply = with_etag(request, tag, lang, page, html=True, also=also)
    return with_alternate(request, reply, schemas.MEDIA_TYPE)
