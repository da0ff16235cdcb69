"""HTTP of assessments: score a feature, read the scores of one or of many."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.access.dependencies import CatalogueDep, ReadConn
from app.access.principal import principal_of
from app.access.sender import check_sender
from app.access.taking import TakingDep
from app.assess import service
from app.assess.service import Assessment, Verdict
from app.assess.store import Chosen
from app.ogc.edit_routes import EditConn, get_class
from app.ogc.edit_routes import Key as IdempotencyKey
from app.ogc.routes import CollectionId
from app.ogc.told import Place, note_of, spot_of

router = APIRouter(tags=["assessments"])

Item = Annotated[int, Path(ge=0, lt=2**63, description="Item id.")]


class AssessmentBody(BaseModel):
    """What an assessor found of a feature."""

    model_config = ConfigDict(extra="forbid")

    score: int = Field(ge=0, le=100, description="0 (worst) to 100 (best).", strict=True)
    verdict: Verdict = Field(description="As it should be, at fault, missing, or not to be told.")
    note: str | None = Field(default=None, max_length=2000)
    change: int | None = Field(
        default=None, ge=1, lt=2**63, description="The version that was seen; default the one of now."
    )
    position: Place | None = None

    def assessment(self) -> Assessment:
        """It as the service takes it."""
        return Assessment(self.score, self.verdict, note_of(self.note), self.change, spot_of(self.position))


@router.post(
    "/collections/{collection}/items/{item}/assessments",
    status_code=201,
    summary="Score a feature as it stands",
)
def post_assessment(
    request: Request,
    collection: CollectionId,
    conn: EditConn,
    catalogue: CatalogueDep,
    item: Item,
    body: AssessmentBody,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """The feature stays as it is. An assessment bears its assessor's name and party, and is never changed."""
    check_sender(request.headers)
    cls, caller = get_class(catalogue, collection), principal_of(request)
    return service.assess_once(conn, catalogue, cls, item, body.assessment(), caller, idempotency_key or None)


@router.get("/collections/{collection}/items/{item}/assessments", summary="How a feature was scored")
def get_assessments(
    conn: ReadConn, catalogue: CatalogueDep, collection: CollectionId, item: Item
) -> dict[str, Any]:
    """Newest first: who scored it, when, of which version."""
    return service.of_feature(conn, catalogue, get_class(catalogue, collection), item)


@router.get(
    "/assessments",
    summary="Scores of features, with figures by class, area and party",
    response_model=None,
    responses={200: {"content": {"text/csv": {}}}},
)
def list_assessments(
    taking: TakingDep,
    class_id: Annotated[
        str | None, Query(alias="class", max_length=100, description="Of this class only.")
    ] = None,
    area: Annotated[
        str | None, Query(max_length=100, description="Of features at home in this area (code).")
    ] = None,
    party: Annotated[str | None, Query(max_length=100, description="By assessors of this party.")] = None,
    before: Annotated[int | None, Query(ge=1, lt=2**62, description="Go on below this number.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="At most this many.")] = 100,
    f: Annotated[Literal["json", "csv"], Query(description="Form of the answer.")] = "json",
) -> dict[str, Any] | Response:
    """What one may see of them; areas of which one sees a part only have no figures. CSV: the list alone."""
    chosen, classes = Chosen(class_id, area, party, before, limit), None if class_id is None else [class_id]
    with taking.reading("assessments", f, classes, **chosen.told()) as seen:
        found = service.listed(seen.conn, seen.catalogue, chosen)
    if f == "json":
        return found
    headers = {
        "Content-Disposition": 'attachment; filename="assessments.csv"',
        "Cache-Control": "private, no-cache",
        **seen.headers,
    }
    return Response(service.as_csv(found), media_type="text/csv; charset=utf-8", headers=headers)
