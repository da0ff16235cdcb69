"""HTTP for scenarios: what a change of the city would mean, and where what goes may be rebuilt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Body, Header, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.access.dependencies import CatalogueDep, DatabaseDep, EngineDep, asking_engine
from app.catalogue.model import Catalogue, Lang
from app.catalogue.parameters import PARAMETERS
from app.coverage import service
from app.coverage.edition_service import with_editions
from app.coverage.engine_client import EngineClient
from app.coverage.guard import USUAL_WITHIN_M, WITHIN_M
from app.coverage.scoped import asked_area, check_policy, check_seen
from app.database.transactions import Database
from app.errors import BadInput
from app.jobs.routes import result_in_time

router = APIRouter(tags=["coverage"])

#: Patches that work on the sample city.
EXAMPLES: list[dict[str, Any]] = [
    {
        "name": "一座新公厕",
        "patches": [
            {
                "do": "add",
                "class": "toilets",
                "geometry": {"type": "Point", "coordinates": [115.8553, 28.6761]},
                "properties": {"name_zh": "新建公厕", "state": "in_service"},
            }
        ],
    },
    {
        "name": "人行天桥",
        "patches": [
            {
                "do": "street",
                "geometry": {"type": "LineString", "coordinates": [[115.8553, 28.6761], [115.8583, 28.6761]]},
                "properties": {"layer": 1},
            }
        ],
    },
]
DESCRIPTION = (
    "Patches on the inventory, made for this answer alone: `{name, patches: [{do, class, code, geometry, "
    "properties}]}` with `do` add, remove, move, close, open, change or street (drawn, or a footbridge, joined to "
    "the streets at its ends). The answer is `before`, `after`, `change`, `gains` and `losses` (polygons with people), "
    "not saved unless `name` is said: then the run holds the city after the scenario."
)


def page_reply(text: str, lang: Lang) -> Response:
    """A page in a language, where a client that asks otherwise gets JSON at the same address."""
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Language": "zh-CN" if lang == "zh" else "en",
        "Vary": "Accept, Accept-Language",
    }
    return Response(text, media_type="text/html", headers=headers)


def json_reply(value: Mapping[str, Any], status: int = 200, **headers: str) -> Response:
    """A large answer of plain values, written once."""
    return Response(orjson.dumps(value), status, headers, "application/json")


async def scenario_reply(
    db: Database, engine: EngineClient, request: Mapping[str, Any], prefer: str | None
) -> Response:
    """200 with the scenario's answer: at once where the city as it is has been computed, else through a job (202)."""
    async with asking_engine():
        found = await run_in_threadpool(_at_once, engine, request)
    return found or await job_reply(db, "scenario", request, prefer)


def _at_once(engine: EngineClient, request: Mapping[str, Any]) -> Response | None:
    found = service.scenario(engine.answer, request, only_warm=True)
    return None if found is None else json_reply(found)


async def job_reply(db: Database, kind: str, request: Mapping[str, Any], prefer: str | None) -> Response:
    """200 with what a job answers in time, else 202 with the job that goes on."""
    result, going_on = await result_in_time(db, kind, request, prefer)
    return await run_in_threadpool(json_reply, result or {}) if going_on is None else going_on


class Facility(BaseModel):
    """A facility by its class and code."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    cls: str = Field(alias="class", max_length=100, examples=["toilets"])
    code: str = Field(max_length=1000, examples=["TL-000001"])


class AskedBody(BaseModel):
    """A request with `parameters`, which do not stand beside them."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _check_parameters(cls, given: Any) -> Any:
        names = given if isinstance(given, dict) else ()
        stray = next((name for name in names if name in PARAMETERS and name not in cls.model_fields), None)
        if stray is not None:
            raise BadInput(
                f"The body '{stray}' cannot be used: it is a parameter of the policy.",
                f"Put it into `parameters`: {orjson.dumps({'parameters': {stray: given[stray]}}).decode()[:200]}.",
            )
        return given


class GuardBody(AskedBody):
    """A removal to be weighed."""

    remove: Facility = Field(description="What would be taken away.")
    policy: str = Field(max_length=100, description="Policy id of kind reach.", examples=["toilet-300"])
    within_m: float = Field(
        default=USUAL_WITHIN_M,
        ge=WITHIN_M[0],
        le=WITHIN_M[1],
        allow_inf_nan=False,
        description="How far from it a replacement may stand, in metres.",
    )
    mode: Literal["straight", "walk", "both"] = Field(default="both", description="How to measure.")
    area: str | None = Field(
        default=None, max_length=200, description="Code or name of an area; default the city."
    )
    parameters: dict[str, Any] = Field(default_factory=dict, description="See POST /coverage.")


@router.post(
    "/scenarios/guard", summary="Whether coverage falls if a facility goes, for whom, and where to rebuild it"
)
async def post_guard(
    db: DatabaseDep,
    catalogue: CatalogueDep,
    engine: EngineDep,
    body: Annotated[GuardBody, Body()],
    prefer: Annotated[str | None, Header(description="`wait=SECONDS` (default 5).")] = None,
) -> Response:
    """200 with `falls`, `losses`, `sites` (the best first) and `plan`; 202 with a job where it takes longer.

    Rebuild one for each one demolished, nearby: sites are facilities of the class that stand unused, public property
    and points of public streets. `restores` tells which serve at least as many people and as much land as before.
    """
    request = await run_in_threadpool(_guarded, db, catalogue, body)
    return await scenario_reply(db, engine, request, prefer)


def _guarded(db: Database, catalogue: Catalogue, body: GuardBody) -> dict[str, Any]:
    """The request of a body, of what who asks may see."""
    request = body.model_dump(by_alias=True)
    with db.read() as conn:
        request["area"] = asked_area(conn, body.area)
        every = with_editions(conn, catalogue)
        check_policy(every, every.get_policy(body.policy).id)
        check_seen(conn, catalogue, [(body.remove.cls, body.remove.code)])
    return request
