"""HTTP of what the planner's tabs ask for, in the page's language."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from app.access.dependencies import CatalogueDep, LangDep, ReadConn
from app.access.time_parameters import AsOf, KnownAt
from app.inventory.asked_times import asked_times
from app.inventory.version_marks import scoped
from app.maps import planner_service as planner
from app.maps import service
from app.maps.routes import JSON, Version, answer, etag

router = APIRouter(tags=["maps"], include_in_schema=False)
RunId = Annotated[str, Path(description="UUID of a run.", max_length=100)]
PolicyName = Annotated[str | None, Query(description="Only runs of this policy.", max_length=100)]


def _checked(request: Request, found: dict[str, Any]) -> Response:
    """Asked for anew each time, and not sent again where it is the same."""
    text = service.json_text(found)
    return answer(request, etag(text), None, "", lambda: text, JSON)


@router.get("/map/planner/options.json")
def get_options(request: Request, conn: ReadConn, catalogue: CatalogueDep, lang: LangDep) -> Response:
    """Policies, their parameters, areas, newest runs."""
    return _checked(request, planner.options(conn, catalogue, lang))


@router.get("/map/planner/runs.json")
def get_runs(
    request: Request, conn: ReadConn, catalogue: CatalogueDep, lang: LangDep, policy: PolicyName = None
) -> Response:
    """Saved runs, newest first."""
    return _checked(request, planner.saved_runs(conn, catalogue, lang, policy))


@router.get("/map/planner/layers.json")
def get_layers(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """Ground and classes at a time."""
    times = asked_times(conn, as_of, known_at)
    return _checked(request, planner.layers_at(conn, catalogue, lang, times))


@router.get("/map/planner/runs/{run}.json")
def get_run_panel(
    request: Request, conn: ReadConn, catalogue: CatalogueDep, lang: LangDep, run: RunId, v: Version = None
) -> Response:
    """A run's figures and areas."""

    def make() -> str:
        return service.json_text(planner.run_panel(conn, catalogue, run, lang))

    now = scoped(planner.DATA_VERSION)
    return answer(request, etag("panel", run, lang, now), v, now, make, JSON)


@router.get("/map/planner/runs/{run}/gaps/{mode}/{tier}.json")
def get_panel_gaps(
    request: Request,
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    run: RunId,
    mode: Annotated[Literal["straight", "walk", "count"], Path(description="How it was measured.")],
    tier: Annotated[str, Path(description="Tier of the policy.", max_length=100)],
    v: Version = None,
) -> Response:
    """A run's gaps."""

    def make() -> str:
        return service.json_text(planner.run_gaps(conn, catalogue, run, mode, tier, lang))

    now = scoped(planner.DATA_VERSION)
    return answer(request, etag("panel-gaps", run, mode, tier, lang, now), v, now, make, JSON)
