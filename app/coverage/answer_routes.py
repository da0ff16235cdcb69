"""HTTP for answers made of runs: the modes' difference, two runs side by side, a series over days."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Header, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from pydantic import ConfigDict, Field

from app.access.dependencies import CatalogueDep, DatabaseDep, EngineDep, EngineTurn, LangDep, ReadConn
from app.access.negotiation import choose_format
from app.access.reasons import note_export
from app.catalogue.model import Catalogue, Policy
from app.coverage import answer_service as answers
from app.coverage import service, store
from app.coverage.request import parse
from app.coverage.routes import (
    AS_BOTH,
    AS_GEOJSON,
    AS_TABLE,
    GEOJSON,
    TABLES,
    GapLimit,
    ModeQuery,
    Part,
    RunId,
    TableForm,
    TableReason,
    TakingDep,
    TierQuery,
    table_file,
)
from app.coverage.scenario_routes import AskedBody
from app.coverage.scoped import asked_area, check_policy
from app.coverage.series import days_of
from app.database.transactions import Database
from app.inventory.periods import today
from app.jobs.routes import result_in_time

router = APIRouter(tags=["coverage"])
FirstRun = Annotated[str, Query(description="UUID of the first run.", max_length=100)]
SecondRun = Annotated[
    str, Query(description="UUID of the second run: changes are second less first.", max_length=100)
]


class SeriesBody(AskedBody):
    """What to compute on which days."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    policy: str = Field(description="Policy id, see /policies.", examples=["toilet-10min"], max_length=100)
    first: str | None = Field(
        default=None,
        alias="from",
        max_length=10,
        description="First day; a year means its end.",
        examples=["2015"],
    )
    last: str | None = Field(
        default=None,
        alias="to",
        max_length=10,
        description="Last day; a year means its end.",
        examples=["2025"],
    )
    step: Literal["year", "quarter", "month"] = Field(default="year", description="Between two days.")
    dates: list[Annotated[str, Field(max_length=10)]] = Field(
        default_factory=list,
        max_length=120,
        description="The days themselves, in place of from, to and step.",
    )
    mode: Literal["straight", "walk", "both"] = Field(default="both", description="How to measure.")
    area: str | None = Field(default=None, max_length=200, description="Code or name of an area.")
    levels: list[Literal["city", "district", "subdistrict", "community", "grid", "all"]] = Field(
        default_factory=list, description="Levels of areas that have rows too."
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="As of POST /coverage.")


@router.post("/coverage/series", summary="A policy on many days: how coverage has grown", response_model=None,
             responses=AS_TABLE)  # fmt: skip
async def post_series(
    catalogue: CatalogueDep,
    db: DatabaseDep,
    lang: LangDep,
    body: Annotated[SeriesBody, Body()],
    prefer: Annotated[str | None, Header(description="`wait=SECONDS` (default 5).")] = None,
    f: TableForm = "json",
    reason: TableReason = None,
) -> dict[str, Any] | Response | None:
    """200 with the rows when they are done in time, else 202 with the job that goes on."""
    asked, policy = await run_in_threadpool(_series, catalogue, db, body)
    leaving = answers.leaving_series(catalogue, policy, reason) if f in TABLES else None
    result, going_on = await result_in_time(db, answers.SERIES_JOB, asked, prefer)
    if result is None or leaving is None:
        return result or going_on

    def table() -> Response:
        note_export(db, policy.id, f, leaving, part="series")
        return table_file(answers.series_table(result, lang), f, "series", lang)

    return await run_in_threadpool(table)


def _series(catalogue: Catalogue, db: Database, body: SeriesBody) -> tuple[dict[str, Any], Policy]:
    """The request of a body, and its policy."""
    days = days_of(body.first, body.last, body.step, body.dates, today=today())
    request = body.model_dump(include={"policy", "mode", "area", "levels", "parameters"})
    policy = parse(catalogue, request, None).policy
    check_policy(catalogue, policy.id)
    with db.read() as conn:
        request["area"] = asked_area(conn, body.area)
    return {**request, "days": [day.isoformat() for day in days]}, policy


@router.get("/coverage/compare", summary="Two runs side by side (JSON, CSV, XLSX; a browser is sent to the map)",
            response_model=None, responses=AS_TABLE | {303: {"description": "A browser gets the map."}})  # fmt: skip
def get_compare(
    conn: ReadConn,
    taking: TakingDep,
    lang: LangDep,
    a: FirstRun,
    b: SecondRun,
    f: Annotated[
        Literal["json", "csv", "xlsx", "html"] | None, Query(description="Form of the answer.")
    ] = None,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> dict[str, Any] | Response:
    """Figures of the whole and of each area in both runs, with their changes."""
    found = answers.compare_runs(conn, a, b)
    form = f or choose_format(accept)
    if form in TABLES:
        taking.note(conn, [found["a"]["run"], found["b"]["run"]], form, "compare")
        return table_file(answers.compare_table(found), form, "compare", lang)
    if form == "html":
        return RedirectResponse(f"/coverage/compare/map?a={found['a']['run']}&b={found['b']['run']}", 303)
    return found


@router.get(
    "/coverage/compare/land",
    summary="Land that one of two runs serves alone: gained and lost (GeoJSON)",
    responses=AS_GEOJSON,
)
def get_compare_land(
    db: DatabaseDep,
    engine: EngineDep,
    _turn: EngineTurn,
    a: FirstRun,
    b: SecondRun,
    mode: ModeQuery = None,
    tier: TierQuery = None,
) -> dict[str, Any]:
    """One feature a parcel, with `change` gained or lost from a to b."""
    with db.read() as conn:
        asked = answers.land_request(conn, a, b, mode, tier)
    return engine.answer(asked)


@router.get(
    "/coverage/{run}/difference",
    summary="What a straight line serves and a walk does not, with the likely cause (GeoJSON, CSV, XLSX)",
    responses=AS_BOTH,
)
def get_difference(
    conn: ReadConn,
    taking: TakingDep,
    lang: LangDep,
    run: RunId,
    tier: TierQuery = None,
    limit: GapLimit = 1_000,
    f: TableForm = "json",
) -> Response:
    """Parts of parcels, most people first; sums by cause are in the run itself."""
    if f in TABLES:
        part = Part(run, "differences", None, tier, limit)
        return taking.table(conn, part, f, lang, name="difference")
    service.get_run(conn, run, areas=False)
    return Response(store.differences_json(conn, service.parse_run(run), tier, limit), media_type=GEOJSON)
