"""`/api` (OpenAPI) and `/docs` (its page, from our own server: no script from elsewhere, none inline)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.access.dependencies import DatabaseDep, LangDep
from app.database.transactions import Database
from app.errors import Unavailable
from app.web.templates import render

router = APIRouter(tags=["Documentation"])
OPENAPI = "application/vnd.oai.openapi+json;version=3.1"


@router.get("/api", summary="The API definition (OpenAPI)", response_class=Response)
def get_api(request: Request) -> Response:
    """The definition of every route, with examples."""
    return Response(request.app.state.openapi_text(), media_type=OPENAPI)


@router.get("/docs", summary="The API documentation", include_in_schema=False)
def get_docs(lang: LangDep, db: DatabaseDep) -> Response:
    """The documentation as a page; it says so where the data is the sample's."""
    return Response(render("docs.html", lang, sample=_is_sample(db)), media_type="text/html")


def _is_sample(db: Database) -> bool:
    """Whether the sample city is loaded; False while the database is away, for the page needs no data."""
    try:
        with db.read() as conn:
            return (
                conn.exec_driver_sql("SELECT 1 FROM city.settings WHERE key = 'sample'").first() is not None
            )
    except Unavailable:
        return False
