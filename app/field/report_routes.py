"""HTTP of reports from the street: `POST /collections/{c}/items/{id}/reports`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import AfterValidator, AwareDatetime, Base64Bytes, BaseModel, ConfigDict, Field

from app.access.dependencies import CatalogueDep
from app.access.principal import principal_of
from app.access.sender import check_sender
from app.field.photos import in_our_time
from app.field.report_service import Report, report_once
from app.field.reports import Reported
from app.inventory.photo_store import Spot
from app.ogc.edit_routes import ClassDep, EditConn, IfMatch
from app.ogc.edit_routes import Key as IdempotencyKey
from app.ogc.preconditions import Preconditions, read_preconditions
from app.ogc.told import Place, note_of, spot_of

router = APIRouter(tags=["the phone page"])

Item = Annotated[int, Path(ge=0, lt=2**63, description="Item id.")]


#: A moment; one that a clock gone wrong tells is left out, since the report itself is right.
Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment if in_our_time(moment) else None)]


class SentPhoto(BaseModel):
    """A picture (JPEG, PNG or WebP; at most about 700 KB) with where and when it was taken, if the sender knows."""

    model_config = ConfigDict(extra="forbid")

    data: Base64Bytes = Field(description="The file, in base64.")
    taken_at: Moment | None = None
    position: Place | None = None


class ReportBody(BaseModel):
    """What was seen of a feature."""

    model_config = ConfigDict(extra="forbid")

    state: Reported = Field(description="In service, closed, damaged or missing.")
    note: str | None = Field(default=None, max_length=2000)
    seen_at: Moment | None = Field(default=None, description="When; by default when it is received.")
    position: Place | None = None
    photo: SentPhoto | None = None

    def report(self) -> Report:
        """The report as the service takes it."""
        photo = self.photo
        return Report(
            self.state,
            note_of(self.note),
            spot_of(self.position, self.seen_at),
            None if photo is None else photo.data,
            Spot() if photo is None else spot_of(photo.position, photo.taken_at),
        )


async def check_report(request: Request, if_match: IfMatch = None) -> Preconditions:
    """The version that was seen, which a report must name; no page of another site may send one."""
    check_sender(request.headers)
    return read_preconditions(if_match, None, required=True)


@router.post(
    "/collections/{collection}/items/{item}/reports",
    status_code=201,
    summary="Report the state of a feature, with a note and a photo",
    responses={
        201: {"description": "The change that it made, the feature's new version, the photo's address."},
        412: {"description": "Somebody changed the feature meanwhile; `current` tells what it is now."},
    },
)
def post_report(
    request: Request,
    cls: ClassDep,
    seen: Annotated[Preconditions, Depends(check_report)],
    conn: EditConn,
    catalogue: CatalogueDep,
    item: Item,
    body: ReportBody,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Sets `state` and `condition` as far as the class has them; note, place and photo stay in the history."""
    caller = principal_of(request)
    return report_once(conn, catalogue, cls, item, body.report(), seen, caller, idempotency_key or None)
