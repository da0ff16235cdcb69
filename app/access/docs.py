"""`/api` (OpenAPI) and `/docs` (its page, from our own server: no script from elsewhere, none inline)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from app.access.dependencies import DatabaseDep, LangDep
from app.access.negotiation import choose_version
from app.database.transactions import Database
from app.errors import Unavailable
from app.web.templates import render

router = APIRouter(tags=["Documentation"])
OPENAPI = "application/vnd.oai.openapi+json"
DEFINITION: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The definition.",
        "content": {
            f"{OPENAPI};version={version}": {"schema": {"type": "object"}} for version in ("3.0", "3.1")
        },
    }
}
Form = Annotated[
    Literal["oas30", "oas31", "json"] | None,
    Query(description="Version of OpenAPI; else the `version` in `Accept` decides, 3.0 where there is none."),
]


@router.get("/api", summary="The API definition (OpenAPI)", response_class=Response, responses=DEFINITION)
def get_api(request: Request, f: Form = None) -> Response:
    """The definition of every route, with examples, in OpenAPI 3.0 or 3.1."""
    version = {"oas30": "3.0", "oas31": "3.1"}.get(f or "") or choose_version(request.headers.get("accept"))
    text = request.app.state.definition.text(version)
    return Response(text, media_type=f"{OPENAPI};version={version}", headers={"Vary": "Accept"})


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
