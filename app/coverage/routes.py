"""HTTP for policies, coverage runs and the reach of one place."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Header, Path, Query, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from app.access.dependencies import CatalogueDep, DatabaseDep, EngineDep, HtmlWanted, ReadConn
from app.access.prefer import wait_s
from app.access.time_parameters import AsOf, KnownAt
from app.catalogue.model import Catalogue
from app.coverage import service, store
from app.coverage.request import parse
from app.database.transactions import Database
from app.errors import BadInput, error_from_plain
from app.inventory.asked_times import asked_times
from app.jobs import service as jobs

router = APIRouter(tags=["coverage"])
RunId = Annotated[str, Path(description="UUID of a run.")]
ModeQuery = Annotated[Literal["straight", "walk"] | None, Query(description="Only this mode.")]
TierQuery = Annotated[str | None, Query(description="Only this tier.", max_length=100)]
GapLimit = Annotated[int, Query(ge=1, le=10_000, description="At most this many features.")]
GEOJSON = "application/geo+json"


class CoverageBody(BaseModel):
    """What to compute."""

    model_config = ConfigDict(extra="forbid")

    policy: str | None = Field(
        default=None, description="Policy id, see /policies.", examples=["toilet-10min"], max_length=100
    )
    mode: Literal["straight", "walk", "both"] = Field(default="both", description="How to measure.")
    area: str | None = Field(
        default=None, max_length=200, description="Code or name of an area; default the whole city."
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="people_rule (centre, area), speed_m_s.",
        examples=[{"speed_m_s": 1.0}],
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
    name: str | None = Field(default=None, description="A name keeps the run for good.", max_length=200)


@router.get("/policies", summary="The declared metrics, with their source")
def list_policies(catalogue: CatalogueDep) -> dict[str, Any]:
    """All policies."""
    return {"policies": [service.policy_view(policy, whole=False) for policy in catalogue.policies.values()]}


@router.get("/policies/{policy}", summary="One metric, whole")
def get_policy(catalogue: CatalogueDep, policy: Annotated[str, Path(max_length=100)]) -> dict[str, Any]:
    """One policy with its supplies, demand and text."""
    return service.policy_view(catalogue.get_policy(policy), whole=True)


@router.post("/coverage", status_code=201, summary="Compute a policy and save the run")
def post_coverage(
    response: Response,
    catalogue: CatalogueDep,
    db: DatabaseDep,
    body: Annotated[CoverageBody, Body()],
    prefer: Annotated[str | None, Header(description="`wait=SECONDS` (default 5).")] = None,
) -> dict[str, Any]:
    """201 with the run when it is done in time, else 202 with the job that goes on."""
    request = _requested(catalogue, db, body)
    job_id = jobs.enqueue(db, "coverage", request)
    job = jobs.wait(db, job_id, wait_s(prefer))
    if job.error is not None:
        raise error_from_plain(job.error)
    if job.result is None:
        response.status_code = 202
        response.headers["Location"] = f"/jobs/{job_id}"
        return {"job": str(job_id), "state": job.state}
    run_id = job.result["run"]
    response.headers["Location"] = f"/coverage/{run_id}"
    with db.read() as conn:
        return service.get_run(conn, run_id)


def _requested(catalogue: Catalogue, db: Database, body: CoverageBody) -> dict[str, Any]:
    """The request of a body, checked as far as it can be before it is queued."""
    if body.rerun is not None:
        if body.model_fields_set - {"rerun", "name"}:
            raise BadInput("A run is computed again as it was.", "Send rerun alone, or with a name.")
        with db.read() as conn:
            return {**service.rerun_request(conn, catalogue, body.rerun), "name": body.name}
    request = body.model_dump()
    parse(catalogue, request, None)
    if body.as_of or body.known_at:
        with db.read() as conn:
            asked_times(conn, body.as_of or None, body.known_at or None)
    return request


@router.get("/coverage", summary="Saved runs, newest first")
def list_coverage(
    conn: ReadConn,
    catalogue: CatalogueDep,
    policy: Annotated[str | None, Query(description="Only runs of this policy.", max_length=100)] = None,
    newest: Annotated[bool, Query(description="Only the newest run of each policy.")] = False,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most this many runs.")] = 100,
) -> dict[str, Any]:
    """Runs without their areas."""
    return {"runs": service.list_runs(conn, catalogue, policy, limit, newest_only=newest)}


@router.get(
    "/coverage/{run}",
    summary="One run: figures for the city and each district; a browser is sent to its map",
    response_model=dict[str, Any],
)
def get_coverage(conn: ReadConn, run: RunId, html: HtmlWanted) -> dict[str, Any] | RedirectResponse:
    """The run in the shape of `chengtu coverage --json`."""
    found = service.get_run(conn, run)
    return RedirectResponse(f"/coverage/{found['run']}/map", 303) if html else found


@router.get("/coverage/{run}/areas", summary="Districts of a run with their figures and borders (GeoJSON)")
def get_areas(
    conn: ReadConn,
    run: RunId,
    mode: ModeQuery = None,
    tier: TierQuery = None,
    limit: GapLimit = 10_000,
) -> Response:
    """One feature an area, mode and tier."""
    service.get_run(conn, run)
    return Response(store.areas_json(conn, service.parse_run(run), mode, tier, limit), media_type=GEOJSON)


@router.get("/coverage/{run}/gaps", summary="Gap polygons with name, people and metres (GeoJSON)")
def get_gaps(
    conn: ReadConn,
    run: RunId,
    mode: ModeQuery = None,
    tier: TierQuery = None,
    limit: GapLimit = 1_000,
) -> Response:
    """Unserved demand, most people first."""
    service.get_run(conn, run)
    return Response(store.gaps_json(conn, service.parse_run(run), mode, tier, limit), media_type=GEOJSON)


@router.get(
    "/reach", summary="What reaches one place: every policy, nearest facility, metres, minutes, the way"
)
def get_reach(
    engine: EngineDep,
    lon: Annotated[
        float, Query(ge=-180, le=180, allow_inf_nan=False, description="Longitude.", examples=[115.86])
    ],
    lat: Annotated[
        float, Query(ge=-90, le=90, allow_inf_nan=False, description="Latitude.", examples=[28.68])
    ],
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> dict[str, Any]:
    """Every policy met or not for one place."""
    return engine.answer({"op": "reach", "lon": lon, "lat": lat, "as_of": as_of, "known_at": known_at})


@router.get(
    "/network", summary="The walking network: size, islands, near-miss ends, crossings without a vertex"
)
def get_network(engine: EngineDep) -> dict[str, Any]:
    """The report of the network built from the streets."""
    return engine.answer({"op": "network"})
