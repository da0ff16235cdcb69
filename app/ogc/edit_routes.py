"""HTTP of editing (OGC API Features Part 4, 20-002): create, replace, update, delete, and what may be done where."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from starlette.requests import ClientDisconnect

from app.access.dependencies import CatalogueDep, DatabaseDep, LangDep, SettingsDep
from app.access.prefer import returned
from app.access.sender import check_sender
from app.access.turns import Turns
from app.catalogue.model import Catalogue, FeatureClass
from app.database.scope import author
from app.database.transactions import Connection
from app.errors import BadInput, NotAllowed
from app.inventory import store as inventory
from app.inventory.row_store import bound_waiting
from app.ogc import edit_service as service
from app.ogc.asked import find_id
from app.ogc.edit_docs import (
    CHANGE_RESPONSES,
    CREATE_BODY,
    CREATE_RESPONSES,
    DELETE_RESPONSES,
    OPTIONS_RESPONSES,
    REPLACE_BODY,
    UPDATE_BODY,
)
from app.ogc.edit_once_service import create_once
from app.ogc.edit_service import Saved
from app.ogc.edit_tag_routes import current_tag
from app.ogc.edit_versions import WHO, How, gone
from app.ogc.edits import CREATES, UPDATES, Sent, Verb, check_media, read_feature, read_json, read_patch
from app.ogc.etag import make_etag
from app.ogc.links import GEOJSON, JSON
from app.ogc.preconditions import Preconditions, read_preconditions
from app.ogc.routes import CollectionId, links_of
from app.ogc.run_collections import RUN_COLLECTIONS
from app.ogc.service import check_collection
from app.words.sentences import say

router = APIRouter(tags=["OGC API Features: editing"])

#: Edits that one process makes at the same time, and how long the next one waits for its turn, or for a lock, seconds.
AT_ONCE = 4
PATIENCE_S = 10.0
_TURNS = Turns(AT_ONCE, name="edits", limit="edits")
READ_METHODS = "GET, HEAD, OPTIONS"
ITEMS_METHODS = f"{READ_METHODS}, POST"
ITEM_METHODS = f"{READ_METHODS}, PUT, PATCH, DELETE"

ItemId = Annotated[str, Path(description="Feature id.", max_length=100)]
Why = Annotated[str | None, Query(max_length=500, description="The reason, kept in the history.")]
AllowOutside = Annotated[bool, Query(description="Take a feature that lies outside the city.")]
ContentCrs = Annotated[
    str | None,
    Header(
        max_length=200, description="System of the body's coordinates, `<http://www.opengis.net/def/crs/…>`."
    ),
]
Prefer = Annotated[
    str | None, Header(max_length=500, description="`return=representation` or `return=minimal`.")
]
IfMatch = Annotated[str | None, Header(max_length=4000, description="ETag of the version to be changed.")]
IfNoneMatch = Annotated[
    str | None, Header(max_length=4000, description="`*`: only where there is no feature yet.")
]
Key = Annotated[
    str | None,
    Header(
        max_length=200, description="The same key with the same body gives the same features, never new ones."
    ),
]


def get_class(catalogue: CatalogueDep, collection: CollectionId) -> FeatureClass:
    """The class that a collection is; raises NotFound, and NotAllowed for a collection of runs."""
    if collection in RUN_COLLECTIONS:
        raise _not_allowed(f"{collection} holds what runs computed, which is not edited.")
    check_collection(catalogue, collection)
    return catalogue.classes[collection]


def _not_allowed(message: str) -> NotAllowed:
    error = NotAllowed(message, f"Allowed here: {READ_METHODS}.")
    error.headers = {"Allow": READ_METHODS}
    return error


ClassDep = Annotated[FeatureClass, Depends(get_class)]


async def edit_turn() -> AsyncIterator[None]:
    """Few edits at once, so that they leave readers connections and threads."""
    async with _TURNS.take(PATIENCE_S, "Many edits are being made right now."):
        yield


EditTurn = Annotated[None, Depends(edit_turn, scope="function")]


def edit_connection(
    request: Request, db: DatabaseDep, catalogue: CatalogueDep, lang: LangDep, _turn: EditTurn
) -> Iterator[Connection]:
    """A transaction that commits before the answer is sent.

    Where a file is being loaded into the class, an edit waits a short while, then its sender is to come again.
    """
    with db.write() as conn:
        bound_waiting(conn, PATIENCE_S)
        with current_tag(request, conn, catalogue, lang):
            yield conn


EditConn = Annotated[Connection, Depends(edit_connection, scope="function")]


async def _read_body(request: Request, verb: Verb) -> bytes:
    """The body, no longer than a request may have; read before a connection to the database is taken."""
    check_sender(request.headers)
    check_media(request.headers.get("content-type"), verb)
    try:
        return await request.body()
    except ClientDisconnect as error:
        raise BadInput("The body was cut off.", "Send it again.") from error


async def get_new(request: Request, _cls: ClassDep) -> bytes:
    """The body of a request that creates."""
    return await _read_body(request, "create")


async def get_whole(request: Request, _cls: ClassDep) -> bytes:
    """The body of a request that replaces."""
    return await _read_body(request, "replace")


async def get_patch(request: Request, _cls: ClassDep) -> bytes:
    """The body of a request that updates."""
    return await _read_body(request, "update")


def get_preconditions(
    settings: SettingsDep, if_match: IfMatch = None, if_none_match: IfNoneMatch = None
) -> Preconditions:
    """The version that the client means to change, which it must name unless the server allows it not to."""
    return read_preconditions(if_match, if_none_match, required=not settings.takes_unconditional)


PreconditionsDep = Annotated[Preconditions, Depends(get_preconditions)]


def _item_id(cls: FeatureClass, item: str) -> int:
    """The id as a number; one that is none is that of no feature."""
    number = find_id(item)
    if number is None:
        raise gone(cls, item[:40])
    return number


class Edit:
    """What a request that creates or changes features says beside its body; makes the edit's answer."""

    def __init__(
        self,
        request: Request,
        cls: ClassDep,
        conn: EditConn,
        catalogue: CatalogueDep,
        settings: SettingsDep,
        lang: LangDep,
        why: Why = None,
        allow_outside: AllowOutside = False,
        content_crs: ContentCrs = None,
        prefer: Prefer = None,
    ) -> None:
        self.conn = conn
        self.catalogue = catalogue
        self.cls = cls
        self._links = links_of(request)
        self._lang = lang
        self._why = why
        self._prefer = prefer
        self._how = How(
            "",
            content_crs,
            allow_outside=allow_outside,
            metric_crs=settings.metric_crs,
            who=author(WHO),
        )

    def how(self, why: str, preconditions: Preconditions | None = None) -> How:
        """How to store what was sent; `why` is the reason where the client names none."""
        return replace(self._how, why=self._why or why, preconditions=preconditions or Preconditions())

    def created(self, saved: Sequence[Saved]) -> Response:
        """201 with the addresses of the new features."""
        ids = ",".join(str(item.id) for item in saved)
        items = f"{self._links.base}/collections/{self.cls.id}/items"
        where = f"{items}/{ids}" if len(saved) == 1 else f"{items}?ids={ids}"
        return self._answer(saved, 201, {"Location": where})

    def changed(self, item: str, sent: Sent, how: How, *, whole: bool) -> Response:
        """200 or 204 with the new version of the feature."""
        number = _item_id(self.cls, item)
        saved = service.change_feature(self.conn, self.catalogue, self.cls, number, sent, how, whole=whole)
        return self._answer([saved], 200, {})

    def _answer(self, saved: Sequence[Saved], status: int, headers: dict[str, str]) -> Response:
        wanted = returned(self._prefer)
        headers |= {
            "Cache-Control": "no-store",
            "Content-Language": self._lang,
            "Vary": "Accept-Language, Prefer",
        }
        if len(saved) == 1:
            headers["ETag"] = make_etag(str(saved[0].change_id), (self._href(saved[0]),))
        features = self._features(saved) if wanted == "representation" else None
        if features is not None or wanted == "minimal":
            headers["Preference-Applied"] = f"return={wanted}"
        if wanted == "minimal":
            return Response(status_code=201 if status == 201 else 204, headers=headers)
        if features is not None:
            return Response(features, status, headers, GEOJSON)
        told = [self._told(item) for item in saved]
        document = told[0] if len(told) == 1 else {"numberCreated": len(told), "features": told}
        return Response(orjson.dumps(document), status, headers, JSON)

    def _href(self, item: Saved) -> str:
        return f"{self._links.base}/collections/{self.cls.id}/items/{item.id}"

    def _told(self, item: Saved) -> dict[str, Any]:
        """What was stored and what was done to it, without the feature itself."""
        told: dict[str, Any] = {
            "id": item.id, "code": item.code, "change": item.change_id, "href": self._href(item),
        }  # fmt: skip
        if item.repaired is not None:
            told["repaired"] = {**item.repaired, "reason": say(item.repaired["reason"], self._lang)}
        if item.warned:
            told["warnings"] = [
                {
                    **fault.as_dict(),
                    "reason": say(fault.reason, self._lang),
                    "hint": say(fault.hint, self._lang),
                }
                for fault in item.warned
            ]
        return told

    def _features(self, saved: Sequence[Saved]) -> bytes | None:
        """The features as they are stored now; None where one is gone, created long ago under the same key."""
        found = []
        for item in saved:
            text = inventory.feature_json(self.conn, self.catalogue, self.cls.id, item.id)
            if text is None:
                return None
            extra = {
                name: told for name, told in self._told(item).items() if name in {"repaired", "warnings"}
            }
            found.append({**orjson.loads(text), **extra, "links": self._links.item(self.cls.id, item.id)})
        if len(found) == 1:
            return orjson.dumps(found[0])
        return orjson.dumps({"type": "FeatureCollection", "numberReturned": len(found), "features": found})


EditDep = Annotated[Edit, Depends()]


@router.post(
    "/collections/{collection}/items",
    status_code=201,
    summary="Create a feature, or several at once",
    response_class=Response,
    responses=CREATE_RESPONSES,
    openapi_extra={"requestBody": CREATE_BODY},
)
def post_items(
    body: Annotated[bytes, Depends(get_new)], edit: EditDep, idempotency_key: Key = None
) -> Response:
    """A GeoJSON Feature, or a FeatureCollection of which all are stored or none; without `code` one is drawn."""
    how = edit.how("created over HTTP")
    return edit.created(create_once(edit.conn, edit.catalogue, edit.cls, body, how, idempotency_key or None))


@router.put(
    "/collections/{collection}/items/{item}",
    summary="Replace a feature: what is not sent is emptied",
    response_class=Response,
    responses=CHANGE_RESPONSES,
    openapi_extra={"requestBody": REPLACE_BODY},
)
def put_item(
    body: Annotated[bytes, Depends(get_whole)], preconditions: PreconditionsDep, edit: EditDep, item: ItemId
) -> Response:
    """All fields are as sent; code, computed columns and days stay. It creates nothing: ids are the server's."""
    how = edit.how("replaced over HTTP", preconditions)
    return edit.changed(item, read_feature(read_json(body)), how, whole=True)


@router.patch(
    "/collections/{collection}/items/{item}",
    summary="Change a feature: only what is sent",
    response_class=Response,
    responses=CHANGE_RESPONSES,
    openapi_extra={"requestBody": UPDATE_BODY},
)
def patch_item(
    body: Annotated[bytes, Depends(get_patch)], preconditions: PreconditionsDep, edit: EditDep, item: ItemId
) -> Response:
    """A merge patch (RFC 7396) of the feature: members of `properties`, `geometry`; null empties a field."""
    how = edit.how("changed over HTTP", preconditions)
    return edit.changed(item, read_patch(read_json(body)), how, whole=False)


@router.delete(
    "/collections/{collection}/items/{item}",
    status_code=204,
    summary="Delete a feature: from today on it is not there",
    response_class=Response,
    responses=DELETE_RESPONSES,
)
def delete_item(
    request: Request,
    cls: ClassDep,
    preconditions: PreconditionsDep,
    conn: EditConn,
    catalogue: CatalogueDep,
    collection: CollectionId,
    item: ItemId,
    why: Why = None,
    valid_to: Annotated[
        date | None, Query(description="The day from which on it is not there; default today.")
    ] = None,
    never: Annotated[bool, Query(description="It was a mistake: it was not there on any day.")] = False,
) -> Response:
    """What was believed of earlier days stays, and the record of all of it, from which it can be restored."""
    check_sender(request.headers)
    if never and valid_to is not None:
        raise BadInput("never=true and valid_to contradict each other.", "Give one of the two.")
    how = How(why or "deleted over HTTP", preconditions=preconditions, who=author(WHO))
    service.delete(conn, catalogue, cls, _item_id(cls, item), how, valid_to, never=never)
    history = f"{links_of(request).base}/collections/{collection}/items/{item}/history"
    headers = {"Link": f'<{history}>; rel="version-history"', "Cache-Control": "no-store"}
    return Response(status_code=204, headers=headers)


@router.options(
    "/collections/{collection}/items",
    summary="What may be done with the features of a collection",
    response_class=Response,
    responses=OPTIONS_RESPONSES,
)
def options_items(catalogue: CatalogueDep, collection: CollectionId) -> Response:
    """`Allow`, and `Accept-Post` where features can be created."""
    if _is_run(catalogue, collection):
        return Response(headers={"Allow": READ_METHODS})
    return Response(headers={"Allow": ITEMS_METHODS, "Accept-Post": ", ".join(CREATES)})


@router.options(
    "/collections/{collection}/items/{item}",
    summary="What may be done with a feature",
    response_class=Response,
    responses=OPTIONS_RESPONSES,
)
def options_item(catalogue: CatalogueDep, collection: CollectionId, item: ItemId) -> Response:
    """`Allow`, and `Accept-Patch` where it can be changed; whether the feature exists is not asked."""
    del item
    if _is_run(catalogue, collection):
        return Response(headers={"Allow": READ_METHODS})
    return Response(headers={"Allow": ITEM_METHODS, "Accept-Patch": ", ".join(UPDATES)})


def _is_run(catalogue: Catalogue, collection: str) -> bool:
    if collection in RUN_COLLECTIONS:
        return True
    get_class(catalogue, collection)
    return False
