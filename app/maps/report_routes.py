"""HTTP of the printable reports of coverage runs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from app.access.dependencies import CatalogueDep, LangDep, ReadConn, SettingsDep
from app.coverage.service import run_at
from app.maps import marks, report_service
from app.maps.page_service import Page
from app.maps.report_service import Asked
from app.maps.routes import html_page
from app.maps.run_routes import RunId

router = APIRouter(tags=["maps"])


@router.get(
    "/coverage/{run}/report",
    summary="A run's report on one page, for printing (HTML)",
    response_class=Response,
)
def get_report(
    conn: ReadConn,
    catalogue: CatalogueDep,
    settings: SettingsDep,
    lang: LangDep,
    run: RunId,
    area: Annotated[
        str | None,
        Query(description="Code of an area of the run; default all that it is of.", max_length=100),
    ] = None,
    mode: Annotated[
        Literal["straight", "walk", "count"] | None, Query(description="Whose gaps; default walked.")
    ] = None,
    tier: Annotated[str | None, Query(description="Which figure; default the first.", max_length=100)] = None,
) -> Response:
    """Map, figures straight and walked, target, worst ten gaps, date, data version, policy and clause: A4 portrait."""
    asked = Asked(area or None, mode, tier)
    told = marks.file_marks(settings, lang)
    html = report_service.report_html(conn, catalogue, lang, run_at(conn, run), asked, told)
    return html_page(Page(html, ""))
