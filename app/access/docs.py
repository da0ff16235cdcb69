"""`/api` (OpenAPI) and `/docs` (its page, from our own server: no script from elsewhere, none inline)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.access.dependencies import LangDep
from app.web.templates import render

router = APIRouter(tags=["Documentation"])
OPENAPI = "application/vnd.oai.openapi+json;version=3.1"


@router.get("/api", summary="The API definition (OpenAPI)", response_class=Response)
def get_api(request: Request) -> Response:
    """The definition of every route, with examples."""
    return Response(request.app.state.openapi_text(), media_type=OPENAPI)


@router.get("/docs", summary="The API documentation", include_in_schema=False)
def get_docs(lang: LangDep) -> Response:
    """The documentation as a page."""
    return Response(render("docs.html", lang), media_type="text/html")
