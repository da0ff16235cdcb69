"""HTTP of the record: what happened to a feature, the changes, and bringing back what was."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field

from app.access.dependencies import ALSO_A_PAGE, CatalogueDep, HtmlWanted, LangDep, ReadConn, WriteConn
from app.access.heavy import HeavyTurn
from app.database.scope import SCOPE, author
from app.history import record_page
from app.history.import_routes import ImportId, WholeCatalogue, page
from app.inventory import history_store, restore_service
from app.inventory.batch import Change

router = APIRouter(tags=["history"])

WHO = "http"
ItemPath = Annotated[int, Path(description="Item id.", examples=[1], ge=-(2**63), lt=2**63)]
LimitQuery = Annotated[int, Query(ge=1, le=1000, description="At most this many.")]


#: A reason for the record; the null, which no text of the database holds, is left out of it.
Reason = Annotated[
    str,
    Field(max_length=500, description="The reason, kept in the history."),
    AfterValidator(lambda reason: reason.replace("\0", "")),
]


class RestoreRequest(BaseModel):
    """To which change a feature or class is brought back."""

    model_config = ConfigDict(extra="forbid")

    # Many write `to`, as the sentence above does.
    change: int = Field(
        ge=1,
        lt=2**63,
        validation_alias=AliasChoices("change", "to"),
        description="Number of the change after which it was right; also taken as `to`.",
        examples=[12],
    )
    why: Reason = "restore"


class UndoRequest(BaseModel):
    """How an import is taken back."""

    model_config = ConfigDict(extra="forbid")

    on_conflict: Literal["refuse", "keep", "restore"] = Field(
        default="refuse",
        description="Features changed since: refuse all with both values, keep them as they are, or restore them too.",
    )
    why: Reason = "import taken back"


@router.get(
    "/collections/{collection}/items/{item}/history",
    summary="What happened to a feature: who, when, why",
    response_model=dict[str, Any],
    responses=ALSO_A_PAGE,
)
def get_history(
    conn: ReadConn, catalogue: CatalogueDep, lang: LangDep, html: HtmlWanted, collection: str, item: ItemPath
) -> dict[str, Any] | Response:
    """Each change with what was before and after it, and every version that was ever recorded."""
    found = restore_service.feature_history(conn, catalogue, collection, item)
    return page(record_page.feature_page(conn, catalogue, found, lang), lang) if html else found


@router.post(
    "/collections/{collection}/items/{item}/restore", summary="Bring one feature back to an earlier change"
)
def restore_item(
    conn: WriteConn, catalogue: CatalogueDep, collection: str, item: ItemPath, wanted: RestoreRequest
) -> dict[str, Any]:
    """The feature is again what was believed of it then; what it was until now stays in its history."""
    change = Change(author(WHO), wanted.why)
    return restore_service.restore_feature(conn, catalogue, collection, item, wanted.change, change).as_dict()


@router.post("/collections/{collection}/restore", summary="Bring a class back to an earlier data version")
def restore_collection(
    _turn: HeavyTurn, conn: WriteConn, catalogue: CatalogueDep, collection: str, wanted: RestoreRequest
) -> dict[str, Any]:
    """All that was written to the class since is withdrawn; it stays in the history."""
    change = Change(author(WHO), wanted.why)
    return restore_service.restore_class(conn, catalogue, collection, wanted.change, change).as_dict()


@router.get(
    "/changes",
    summary="The changes of the record, newest first",
    response_model=dict[str, Any],
    responses=ALSO_A_PAGE,
)
def get_changes(
    conn: ReadConn,
    catalogue: WholeCatalogue,
    lang: LangDep,
    html: HtmlWanted,
    class_id: Annotated[str | None, Query(alias="class", description="Changes of this class only.")] = None,
    before: Annotated[int | None, Query(ge=1, lt=2**63, description="Go on below this number.")] = None,
    limit: LimitQuery = 50,
) -> dict[str, Any] | Response:
    """Who changed what, when and why; `before` leads to the next page. Told are changes of what one may see."""
    chosen = None if class_id is None else catalogue.get_class(class_id).id
    scope = SCOPE.get()
    if scope is None or scope.whole:
        found = history_store.list_changes(conn, chosen, before, limit)
        more = found[-1]["change"] if len(found) == limit else None
    else:
        found, more = history_store.seen_changes(conn, catalogue.classes, chosen, before, limit)
    if html:
        return page(record_page.changes_page(conn, catalogue, found, more, chosen, lang), lang)
    return {"changes": found, "next_before": more}


@router.post("/imports/{import_id}/undo", summary="Take an import back")
def undo_import(
    _turn: HeavyTurn,
    conn: WriteConn,
    catalogue: CatalogueDep,
    import_id: ImportId,
    wanted: UndoRequest | None = None,
) -> dict[str, Any]:
    """Every feature that it wrote is again what it was before; `known_at` before the undo still shows it.

    Without a body features that were changed since are refused.
    """
    wanted = wanted or UndoRequest()
    change = Change(author(WHO), wanted.why)
    found = history_store.find_import(conn, import_id)
    return restore_service.undo_import(conn, catalogue, found, change, wanted.on_conflict).as_dict()
