"""HTTP for coverage runs and the reach of one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Header, Path, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from pydantic import Field

from app.access.dependencies import (
    ALSO_A_PAGE,
    CatalogueDep,
    DatabaseDep,
    EngineDep,
    EngineTurn,
    HtmlWanted,
    LangDep,
    MergedTurn,
    ReadConn,
)
from app.access.reasons import LONGEST, note_export
from app.access.time_parameters import AsOf, KnownAt
from app.catalogue.model import Catalogue, Lang
from app.catalogue.parameters import PARAMETERS
from app.coverage import answer_service as answers
from app.coverage import scenario_routes as scenarios
from app.coverage import service, store
from app.coverage.edition_service import with_editions
from app.coverage.list_page import runs_html
from app.coverage.patches import WITHIN_M
from app.coverage.request import parse
from app.coverage.scenario import parse_scenario
from app.coverage.scoped import asked_area, check_everywhere, check_policy, check_seen, told_place
from app.coverage.tables import Sheet, to_csv, to_xlsx
from app.database.transactions import Connection, Database
from app.errors import BadInput
from app.inventory.asked_times import asked_times
from app.jobs.routes import result_in_time

router = APIRouter(tags=["coverage"])
RunId = Annotated[str, Path(description="UUID of a run.")]
ModeQuery = Annotated[Literal["straight", "walk"] | None, Query(description="Only this mode.")]
TierQuery = Annotated[str | None, Query(description="Only this tier.", max_length=100)]
GapLimit = Annotated[int, Query(ge=1, le=10_000, description="At most this many features.")]
AreaLimit = Annotated[int, Query(ge=1, le=1_000_000, description="At most this many features.")]
TableForm = Annotated[
    Literal["json", "geojson", "csv", "xlsx"],
    Query(description="`csv`, `xlsx`: a table with headings in the answer's language."),
]
TableReason = Annotated[
    str | None,
    Query(
        max_length=LONGEST,
        description="Why a table of a run over restricted data leaves, 10 characters or more; the audit keeps it.",
    ),
]
GEOJSON = "application/geo+json"
TABLES = frozenset({"csv", "xlsx"})
#: What a route answers beside JSON, for the API definition.
AS_GEOJSON: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: {}}}}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
AS_TABLE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}, XLSX: {}}}}
AS_BOTH: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: {}, "text/csv": {}, XLSX: {}}}}


def table_file(table: Sheet, form: str, name: str, lang: Lang) -> Response:
    """A table as `csv` or `xlsx`, which a browser saves under `name` with that ending."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Vary": "Accept-Language"}
    if form == "xlsx":
        return Response(to_xlsx(table, lang), media_type=XLSX, headers=headers)
    return Response(to_csv(table, lang), media_type="text/csv", headers=headers)


@dataclass(frozen=True, slots=True)
class Part:
    """Which rows of a run: its `areas`, `gaps` or `differences`, of one mode and tier (None: of all), so many."""

    run: str
    part: str
    mode: str | None
    tier: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class Taking:
    """Who takes tables away, and why: what a route of tables asks for beside the run."""

    db: DatabaseDep
    catalogue: CatalogueDep
    reason: TableReason = None

    def note(self, conn: Connection, runs: Sequence[str], form: str, part: str) -> None:
        """Note that a table of runs leaves; raises Forbidden where one is over restricted data without a reason."""
        leaving = answers.leaving_tables(conn, self.catalogue, runs, self.reason)
        note_export(self.db, " ".join(runs), form, leaving, part=part)

    def table(
        self, conn: Connection, wanted: Part, form: str, lang: Lang, *, name: str | None = None
    ) -> Response:
        """A part of a run as a file of this form, noted, saved as `name` (None: as the part)."""
        self.note(conn, [wanted.run], form, wanted.part)
        found = answers.table_of_run(
            conn, wanted.run, f"coverage_{wanted.part}", wanted.mode, wanted.tier, wanted.limit, lang
        )
        return table_file(found, form, name or wanted.part, lang)


TakingDep = Annotated[Taking, Depends()]


class CoverageBody(scenarios.AskedBody):
    """What to compute."""

    policy: str | None = Field(
        default=None, description="Policy id, see /policies.", examples=["toilet-10min"], max_length=100
    )
    mode: Literal["straight", "walk", "both"] = Field(default="both", description="How to measure.")
    area: str | None = Field(
        default=None, max_length=200, description="Code or name of an area; default the whole city."
    )
    levels: list[Literal["city", "district", "subdistrict", "community", "grid", "all"]] = Field(
        default_factory=list,
        description="Levels of areas to report on; default the parts of what is asked for (districts of a city).",
        examples=[["district", "community"]],
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="What differs from the policy's own. "
        + " ".join(f"{item.name}: {item.title.en.lower()} ({item.valid})." for item in PARAMETERS.values()),
        examples=[{"speed_m_s": 1.0}, {"radius_m": 400, "exclude": ["mobile"]}],
    )
    as_of: str | None = Field(
        default=None,
        max_length=100,
        description="Day in the world: supply, demand, streets and areas as they were then. Default now.",
        examples=["2020-12-31"],
    )
    known_at: str | None = Field(
        default=None,
        max_length=100,
        description="Time of record, a change number or a moment: what was known then.",
        examples=["42"],
    )
    rerun: str | None = Field(
        default=None,
        max_length=100,
        description="UUID of a run that is computed again from the data versions it read; then nothing else but "
        "`name` is said.",
    )
    scenario: dict[str, Any] | None = Field(
        default=None, description=scenarios.DESCRIPTION, examples=scenarios.EXAMPLES
    )
    name: str | None = Field(default=None, description="A name keeps the run for good.", max_length=200)


@router.post("/coverage", status_code=201, summary="Compute a policy and save the run")
async def post_coverage(
    catalogue: CatalogueDep,
    db: DatabaseDep,
    engine: EngineDep,
    body: Annotated[CoverageBody, Body()],
    prefer: Annotated[str | None, Header(description="`wait=SECONDS` (default 5).")] = None,
) -> Any:
    """201 with the run when it is done in time, else 202 with the job that goes on; 200 with a scenario's answer."""
    request = await run_in_threadpool(_requested, catalogue, db, body)
    if body.scenario is not None and body.name is None:
        return await scenarios.scenario_reply(db, engine, request, prefer)
    result, going_on = await result_in_time(db, "coverage", request, prefer)
    return going_on if result is None else await run_in_threadpool(_made, db, result["run"])


def _made(db: Database, run_id: str) -> Response:
    """201 with a run."""
    with db.read() as conn:
        run = service.get_run(conn, run_id)
    return scenarios.json_reply(run, 201, Location=f"/coverage/{run_id}")


def _requested(catalogue: Catalogue, db: Database, body: CoverageBody) -> dict[str, Any]:
    """The request of a body, checked as far as it can be before it is queued."""
    if body.rerun is not None:
        if body.model_fields_set - {"rerun", "name"}:
            raise BadInput("A run is computed again as it was.", "Send rerun alone, or with a name.")
        with db.read() as conn:
            asked = service.rerun_request(conn, with_editions(conn, catalogue), body.rerun)
            if asked["area"] is None:
                check_everywhere("A run of the whole city")
            return {**asked, "area": asked_area(conn, asked["area"]), "name": body.name}
    request = body.model_dump()
    patches = () if body.scenario is None else parse_scenario(catalogue, body.scenario).patches
    with db.read() as conn:
        request["area"] = asked_area(conn, body.area)
        check_seen(conn, catalogue, [(patch.cls, patch.code) for patch in patches if patch.code])
        every = with_editions(conn, catalogue)
        check_policy(every, parse(every, request, None).policy.id)
        if body.as_of or body.known_at:
            asked_times(conn, body.as_of or None, body.known_at or None)
    return request


@router.get(
    "/coverage", summary="Saved runs, newest first", response_model=dict[str, Any], responses=ALSO_A_PAGE
)
def list_coverage(
    conn: ReadConn,
    catalogue: CatalogueDep,
    lang: LangDep,
    html: HtmlWanted,
    policy: Annotated[str | None, Query(description="Only runs of this policy.", max_length=100)] = None,
    newest: Annotated[bool, Query(description="Only the newest run of each policy.")] = False,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most this many runs.")] = 100,
) -> dict[str, Any] | Response:
    """Runs without their areas; a browser gets a page with links to their maps."""
    catalogue = with_editions(conn, catalogue)
    runs = service.list_runs(conn, catalogue, policy, limit, newest_only=newest)
    return scenarios.page_reply(runs_html(runs, policy, lang), lang) if html else {"runs": runs}


@router.get(
    "/coverage/{run}",
    responses={303: {"description": "A browser is sent to the map of the run."}},
    summary="One run: figures for the city and each district; a browser is sent to its map",
    response_model=dict[str, Any],
)
def get_coverage(conn: ReadConn, run: RunId, html: HtmlWanted) -> dict[str, Any] | RedirectResponse:
    """The run in the shape of `chengtu coverage --json`."""
    found = service.get_run(conn, service.run_at(conn, run))
    return RedirectResponse(f"/coverage/{found['run']}/map", 303) if html else found


@router.get(
    "/coverage/{run}/areas",
    summary="Areas of a run with their figures and borders (GeoJSON, CSV, XLSX)",
    responses=AS_BOTH,
)
def get_areas(
    conn: ReadConn,
    taking: TakingDep,
    lang: LangDep,
    run: RunId,
    mode: ModeQuery = None,
    tier: TierQuery = None,
    limit: AreaLimit = 100_000,
    f: TableForm = "json",
) -> Response:
    """One feature an area, mode and tier."""
    if f in TABLES:
        return taking.table(conn, Part(run, "areas", mode, tier, limit), f, lang)
    service.get_run(conn, run, areas=False)
    return Response(store.areas_json(conn, service.parse_run(run), mode, tier, limit), media_type=GEOJSON)


@router.get(
    "/coverage/{run}/gaps",
    summary="Gap polygons with name, people, nearest facility and metres (GeoJSON, CSV, XLSX)",
    responses=AS_BOTH,
    response_model=None,
)
def get_gaps(
    db: DatabaseDep,
    taking: TakingDep,
    engine: EngineDep,
    lang: LangDep,
    run: RunId,
    merged: MergedTurn,
    mode: ModeQuery = None,
    tier: TierQuery = None,
    limit: GapLimit = 1_000,
    within_m: Annotated[
        float, Query(gt=0, le=500, description="Gaps at most this many metres apart are one patch.")
    ] = WITHIN_M,
    f: TableForm = "json",
) -> Response | dict[str, Any]:
    """Unserved demand, most people first."""
    if merged:
        with db.read() as conn:
            asked = answers.patches_request(conn, run, mode, tier, within_m, limit)
        return engine.answer(asked)
    with db.read() as conn:
        if f in TABLES:
            return taking.table(conn, Part(run, "gaps", mode, tier, limit), f, lang)
        service.get_run(conn, run, areas=False)
        return Response(store.gaps_json(conn, service.parse_run(run), mode, tier, limit), media_type=GEOJSON)


@router.get(
    "/reach", summary="What reaches one place: every policy, nearest facility, metres, minutes, the way"
)
def get_reach(
    db: DatabaseDep,
    catalogue: CatalogueDep,
    engine: EngineDep,
    _turn: EngineTurn,
    lon: Annotated[
        float, Query(ge=-180, le=180, allow_inf_nan=False, description="Longitude.", examples=[115.86])
    ],
    lat: Annotated[
        float, Query(ge=-90, le=90, allow_inf_nan=False, description="Latitude.", examples=[28.68])
    ],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    speed_m_s: Annotated[
        float | None,
        Query(gt=0, le=3, allow_inf_nan=False, description="Walking speed, 0.8 for frail people."),
    ] = None,
    step_free: Annotated[bool, Query(description="Accessible facilities only, no steps on the way.")] = False,
    at: Annotated[str | None, Query(max_length=20, description="Only what is open then: 22:00.")] = None,
) -> Response:
    """Every default policy met or not for one place.

    Of a facility that the one who asks does not see the metres alone are told (`withheld`).
    """
    given = {"speed_m_s": speed_m_s, "step_free": step_free or None, "at": at or None}
    parameters = {name: value for name, value in given.items() if value is not None}
    asked = {
        "op": "reach",
        "lon": lon,
        "lat": lat,
        "as_of": as_of,
        "known_at": known_at,
        "parameters": parameters,
    }
    found = engine.answer(asked)
    with db.read() as conn:
        told = told_place(conn, with_editions(conn, catalogue), found, asked_times(conn, as_of, known_at))
    return scenarios.json_reply(told)


@router.get(
    "/network", summary="The walking network: size, islands, near-miss ends, crossings without a vertex"
)
def get_network(engine: EngineDep, _turn: EngineTurn) -> dict[str, Any]:
    """The report of the network built from the streets."""
    check_everywhere("The report of all streets")
    return engine.answer({"op": "network"})
