"""HTTP of the search: `GET /search?q=` as JSON, and as a page for a browser."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BeforeValidator, StringConstraints

from app.access.dependencies import CatalogueDep, HtmlWanted, LangDep, ReadConn
from app.ogc.bbox import parse_bbox
from app.ogc.crs import LONLAT
from app.search import page_service, service
from app.search.service import MAX_LIMIT, MAX_TEXT, Search

router = APIRouter(tags=["search"])


def _or_none(value: Any) -> Any:
    """A form sends every field, empty where nothing was chosen."""
    return None if value == "" else value


#: A limit beside `None` would be applied to it too.
Name = Annotated[str, StringConstraints(max_length=200)]
Text = Annotated[
    str | None,
    Query(
        description="A name, a code, an address, pinyin or initials: 东湖, 360102, donghu, dhgy.",
        max_length=MAX_TEXT,
    ),
]
ClassQuery = Annotated[
    Name | None,
    BeforeValidator(_or_none),
    Query(alias="class", description="Class id (`parks`); default all."),
]
AreaQuery = Annotated[
    Name | None,
    BeforeValidator(_or_none),
    Query(description="Code or name of an area: features at home there."),
]
Bbox = Annotated[
    Name | None,
    BeforeValidator(_or_none),
    Query(description="west,south,east,north in degrees; west above east crosses 180°."),
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="At most this many results.")]
RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}, "text/html": {}}}}


@router.get(
    "/search",
    summary="Features by name, code, address, pinyin or initials",
    response_class=Response,
    responses=RESPONSES,
)
def get_search(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    html: HtmlWanted,
    q: Text = None,
    class_id: ClassQuery = None,
    area: AreaQuery = None,
    bbox: Bbox = None,
    limit: Limit = 10,
) -> Response:
    """Features of all classes, best first: the code, names that are the text, begin with it, hold it; addresses."""
    asked = Search(q or "", class_id, area, parse_bbox(bbox, LONLAT) if bbox is not None else None, limit)
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept, Accept-Language"}
    if html:
        page = page_service.search_page(conn, catalogue, asked, lang)
        return Response(page, media_type="text/html; charset=utf-8", headers=headers)
    base = str(request.base_url).rstrip("/")
    return JSONResponse(service.search(conn, catalogue, asked, base=base), headers=headers)
