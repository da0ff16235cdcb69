"""HTTP for where facilities are entered and how far one gets from them: entrances and service areas as GeoJSON."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from app.access.dependencies import CatalogueDep, DatabaseDep, EngineDep, EngineTurn
from app.coverage.edition_service import with_editions
from app.coverage.entrance_service import request_of_run
from app.coverage.recorded import with_recorded
from app.coverage.scoped import check_facility, told_features
from app.coverage.service_areas import DEPTH_M, DEPTH_RANGE, MAX_FEATURES
from app.inventory.changes import read_times

router = APIRouter(tags=["coverage"])
GEOJSON = "application/geo+json"
AS_GEOJSON: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: {}}}}
RunId = Annotated[str, Path(description="UUID of a run.")]
Tier = Annotated[str | None, Query(description="Only this tier.", max_length=100)]
Facility = Annotated[str | None, Query(description="Only the facility with this code.", max_length=200)]
Form = Literal["streets", "polygon"]


class ServiceAreaBody(BaseModel):
    """Whose service area, measured how."""

    model_config = ConfigDict(extra="forbid")

    policy: str = Field(description="Policy id, see /policies.", examples=["toilet-10min"], max_length=100)
    mode: Literal["straight", "walk"] = Field(default="walk", description="How to measure.")
    form: Form = Field(
        default="polygon", description="streets: stretches cut at the limit; polygon: the land on them."
    )
    tier: str | None = Field(default=None, max_length=100, description="Only this tier of the policy.")
    facility: str | None = Field(
        default=None, max_length=200, description="Only the facility with this code."
    )
    depth_m: float = Field(
        default=DEPTH_M, ge=DEPTH_RANGE[0], le=DEPTH_RANGE[1], allow_inf_nan=False,
        description="How far one walks off the street, in metres (form=polygon).",
    )  # fmt: skip
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="As in POST /coverage: speed_m_s, at, step_free, …",
        examples=[{"speed_m_s": 0.8}],
    )
    as_of: str | None = Field(default=None, max_length=100, description="Day in the world. Default now.")
    known_at: str | None = Field(default=None, max_length=100, description="Time of record.")


@router.post(
    "/coverage/service-area",
    summary="How far one gets from a policy's facilities: streets or land (GeoJSON)",
    responses=AS_GEOJSON,
)
def post_service_area(
    db: DatabaseDep,
    catalogue: CatalogueDep,
    engine: EngineDep,
    _turn: EngineTurn,
    body: Annotated[ServiceAreaBody, Body()],
) -> JSONResponse:
    """Nothing is saved. Streets have metres and minutes at both ends; a polygon keeps its holes."""
    with db.read() as conn:
        check_facility(conn, with_editions(conn, catalogue), body.policy, body.facility)
    return JSONResponse(engine.answer({"op": "service_area", **body.model_dump()}), media_type=GEOJSON)


@router.get(
    "/coverage/{run}/service-area",
    summary="The service area of a run's facilities (GeoJSON)",
    responses=AS_GEOJSON,
)
def get_service_area(
    db: DatabaseDep,
    catalogue: CatalogueDep,
    engine: EngineDep,
    _turn: EngineTurn,
    run: RunId,
    mode: Annotated[Literal["straight", "walk"], Query(description="How to measure.")] = "walk",
    form: Annotated[Form, Query(description="Stretches of street, or the land on them.")] = "polygon",
    tier: Tier = None,
    facility: Facility = None,
    depth_m: Annotated[
        float,
        Query(
            ge=DEPTH_RANGE[0], le=DEPTH_RANGE[1], allow_inf_nan=False, description="Metres off the street."
        ),
    ] = DEPTH_M,
) -> JSONResponse:
    """By the run's policy, parameters, day and data."""
    asked = {"mode": mode, "form": form, "tier": tier, "facility": facility, "depth_m": depth_m}
    with db.read() as conn:
        request = {**request_of_run(conn, catalogue, run), **asked, "op": "service_area"}
        # The policy may be gone since, or have another text: the run's own counts.
        every = with_recorded(with_editions(conn, catalogue), request["recorded_policy"])
        check_facility(conn, every, request["policy"], facility)
    return JSONResponse(engine.answer(request), media_type=GEOJSON)


@router.get(
    "/coverage/{run}/entrances",
    summary="Where a run's facilities are entered, and how that is known",
    responses=AS_GEOJSON,
)
def get_entrances(
    db: DatabaseDep,
    catalogue: CatalogueDep,
    engine: EngineDep,
    _turn: EngineTurn,
    run: RunId,
    tier: Tier = None,
    facility: Facility = None,
    limit: Annotated[int, Query(ge=1, le=MAX_FEATURES, description="At most this many features.")] = 10_000,
) -> JSONResponse:
    """Surveyed gates (`gate`), else points derived from the boundary (`boundary`), or the point itself (`self`)."""
    asked = {"tier": tier, "facility": facility, "limit": limit, "op": "entrances"}
    with db.read() as conn:
        request = request_of_run(conn, catalogue, run)
    found = engine.answer({**request, **asked})
    with db.read() as conn:
        times = read_times(
            conn, request["as_of"] and date.fromisoformat(request["as_of"]), request["known_at"]
        )
        return JSONResponse(told_features(conn, catalogue, found, times), media_type=GEOJSON)
