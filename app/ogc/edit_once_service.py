"""Creating features once though the request comes twice: its answer is kept beside its `Idempotency-Key`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass
from app.database.transactions import Connection
from app.errors import Conflict
from app.inventory import edit_keys_store
from app.ogc.edit_service import Saved, create
from app.ogc.edit_versions import How
from app.ogc.edits import read_features, read_json


def keep_once(
    conn: Connection, key: str, request: Mapping[str, Any], who: str, make: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What `make` answers: made now, or kept from when the same `request` came under the same `key`.

    The key is taken in the transaction of what is made: where that is refused the key is free again, and of requests
    at the same time all but one wait for that one.

    Raises:
        Conflict: Another request was sent under the key. Else as `make`.
    """
    before = edit_keys_store.take_key(conn, key, request, who)
    if before is not None:
        asked, result = before
        if dict(asked) != dict(request):
            raise Conflict(
                "Another body was sent under the same Idempotency-Key.", "Give each request its own key."
            )
        return result
    made = make()
    edit_keys_store.keep_result(conn, key, made)
    return made


def create_once(
    conn: Connection, catalogue: Catalogue, cls: FeatureClass, body: bytes, how: How, key: str | None
) -> list[Saved]:
    """The features of a body, created now or when the same was sent under the same `key`.

    Raises:
        Conflict: Another body was sent under the key. Else as `create` and `read_features`.
    """

    def saved() -> list[Saved]:
        return create(conn, catalogue, cls, read_features(read_json(body)), how)

    if key is None:
        return saved()
    digest = hashlib.sha256(b"\0".join([body, (how.content_crs or "").encode()])).hexdigest()
    request = {"collection": cls.id, "sha256": digest}
    told = keep_once(conn, key, request, how.who, lambda: {"features": [_kept(item) for item in saved()]})
    return [Saved(item["id"], item["code"], item["change"]) for item in told["features"]]


def _kept(item: Saved) -> dict[str, Any]:
    return {"id": item.id, "code": item.code, "change": item.change_id}
