"""HTTP of the pages of coverage runs: the map, its script and data."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response

from app.access.dependencies import (
    CatalogueDep,
    DatabaseDep,
    EngineDep,
    EngineTurn,
    LangDep,
    ReadConn,
    SettingsDep,
    ViewParameter,
)
from app.coverage.service import run_at
from app.inventory.version_marks import scoped
from app.maps import marks, run_service, service
from app.maps.routes import JSON, Version, answer, etag, html_page, page_script

router = APIRouter(tags=["maps"])

RunId = Annotated[str, Path(description="UUID of a run, or the first digits of it.", max_length=100)]
Mode = Annotated[Literal["straight", "walk", "count"], Path(description="How it was measured.")]
TierId = Annotated[str, Path(description="Tier of the policy.", max_length=100)]


@router.get("/coverage/{run}/map", summary="The map of one coverage run (HTML)", response_class=Response)
def get_run_map(
    conn: ReadConn, catalogue: CatalogueDep, settings: SettingsDep, lang: LangDep, run: RunId
) -> Response:
    """Districts by share, gaps by people, facilities, figures."""
    found = run_at(conn, run)
    page = run_service.run_page(conn, catalogue, lang, found, marks.marks_view(settings, lang))
    return html_page(page, marks.content_security_policy(settings))


@router.get("/coverage/{run}/map/page.js", include_in_schema=False)
def get_run_script(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    settings: SettingsDep,
    lang: LangDep,
    run: RunId,
    v: Version = None,
) -> Response:
    """The script of `/coverage/{run}/map`."""
    page = run_service.run_page(conn, catalogue, lang, run, marks.marks_view(settings, lang))
    return page_script(request, page, v)


@router.get("/coverage/{run}/map/areas.json", include_in_schema=False)
def get_run_areas(
    request: Request, conn: ReadConn, catalogue: CatalogueDep, lang: LangDep, run: RunId, v: Version = None
) -> Response:
    """Borders of a run's areas and their figures, in units of one square around them."""

    def make() -> str:
        return service.json_text(run_service.areas_data(conn, catalogue, run, lang))

    now = scoped(run_service.DATA_VERSION)
    return answer(request, etag("areas", run, lang, now), v, now, make, JSON)


@router.get("/coverage/{run}/map/classes.json", include_in_schema=False)
def get_run_classes(
    request: Request,
    db: DatabaseDep,
    engine: EngineDep,
    _turn: EngineTurn,
    run: RunId,
    v: Version = None,
    view: ViewParameter = None,  # noqa: ARG001 - pages of a public view add it to all that they ask for
) -> Response:
    """Limits of the classes in which the areas are drawn, by each method; of a public view the same."""

    def make() -> str:
        with db.read() as conn:
            asked = run_service.figures_by_group(conn, run)
        return service.json_text(run_service.classes_data(asked, engine.answer))

    now = scoped(run_service.DATA_VERSION)
    return answer(request, etag("classes", run, now), v, now, make, JSON)


@router.get("/coverage/{run}/map/gaps/{mode}/{tier}.json", include_in_schema=False)
def get_run_gaps(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    run: RunId,
    mode: Mode,
    tier: TierId,
    v: Version = None,
) -> Response:
    """Gaps of one mode and tier, in units of one square."""

    def make() -> str:
        return service.json_text(run_service.gaps_data(conn, catalogue, run, mode, tier, lang))

    now = scoped(run_service.DATA_VERSION)
    return answer(request, etag("gaps", run, mode, tier, lang, now), v, now, make, JSON)
