"""HTTP of the page of two runs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from app.access.dependencies import (
    CatalogueDep,
    DatabaseDep,
    EngineDep,
    EngineTurn,
    LangDep,
    ReadConn,
    SettingsDep,
)
from app.coverage.service import run_at
from app.inventory.version_marks import scoped
from app.maps import compare_service, marks, service
from app.maps.routes import JSON, Version, answer, etag, html_page, page_script

router = APIRouter(tags=["maps"])
FirstRun = Annotated[str, Query(description="UUID of the first run, or its first digits.", max_length=100)]
SecondRun = Annotated[str, Query(description="UUID of the second run, or its first digits.", max_length=100)]


@router.get(
    "/coverage/compare/map", summary="The map of two runs: land gained and lost", response_class=Response
)
def get_compare_map(
    conn: ReadConn, catalogue: CatalogueDep, settings: SettingsDep, lang: LangDep, a: FirstRun, b: SecondRun
) -> Response:
    """What the second run serves and the first does not, the reverse, and each area's change."""
    first, second = (run_at(conn, given) for given in (a, b))
    page = compare_service.compare_page(
        conn, catalogue, lang, first, second, marks.marks_view(settings, lang)
    )
    return html_page(page, marks.content_security_policy(settings))


@router.get("/coverage/compare/map/page.js", include_in_schema=False)
def get_compare_script(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    settings: SettingsDep,
    lang: LangDep,
    a: FirstRun,
    b: SecondRun,
    v: Version = None,
) -> Response:
    """The script of `/coverage/compare/map`."""
    page = compare_service.compare_page(conn, catalogue, lang, a, b, marks.marks_view(settings, lang))
    return page_script(request, page, v)


@router.get("/coverage/compare/map/land/{mode}/{tier}.json", include_in_schema=False)
def get_compare_land(
    request: Request,
    db: DatabaseDep,
    engine: EngineDep,
    _turn: EngineTurn,
    lang: LangDep,
    mode: Annotated[Literal["straight", "walk", "count"], Path(description="How it was measured.")],
    tier: Annotated[str, Path(description="Tier of the policy.", max_length=100)],
    a: FirstRun,
    b: SecondRun,
    v: Version = None,
) -> Response:
    """Land gained and lost in one mode and tier, in units of one square."""

    def make() -> str:
        return service.json_text(compare_service.land_data(db, engine.answer, a, b, mode, tier))

    now = scoped(compare_service.DATA_VERSION)
    return answer(request, etag("compare", a, b, mode, tier, lang, now), v, now, make, JSON)
