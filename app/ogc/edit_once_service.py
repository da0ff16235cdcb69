"""Creating features once though the request comes twice: its answer is kept beside its `Idempotency-Key`."""

from __future__ import annotations

import hashlib
from typing import Any

from app.catalogue.model import Catalogue, FeatureClass
from app.database.transactions import Connection
from app.errors import Conflict
from app.inventory import edit_keys_store
from app.ogc.edit_service import WHO, How, Saved, create
from app.ogc.edits import read_features, read_json


def create_once(
    conn: Connection, catalogue: Catalogue, cls: FeatureClass, body: bytes, how: How, key: str | None
) -> list[Saved]:
    """The features of a body, created now or when the same was sent under the same `key`.

    The key is taken in the transaction of the features: where they are refused it is free again, and of requests at
    the same time all but one wait for that one.

    Raises:
        Conflict: Another body was sent under the key. Else as `create` and `read_features`.
    """
    if key is None:
        return create(conn, catalogue, cls, read_features(read_json(body)), how)
    digest = hashlib.sha256(b"\0".join([body, (how.content_crs or "").encode()])).hexdigest()
    request = {"collection": cls.id, "sha256": digest}
    before = edit_keys_store.take_key(conn, key, request, WHO)
    if before is not None:
        return _as_before(request, *before)
    saved = create(conn, catalogue, cls, read_features(read_json(body)), how)
    edit_keys_store.keep_result(conn, key, {"features": [_kept(item) for item in saved]})
    return saved


def _kept(item: Saved) -> dict[str, Any]:
    return {"id": item.id, "code": item.code, "change": item.change_id}


def _as_before(request: dict[str, Any], asked: dict[str, Any], result: dict[str, Any]) -> list[Saved]:
    if asked != request:
        raise Conflict(
            "Another body was sent under the same Idempotency-Key.", "Give each request its own key."
        )
    return [Saved(item["id"], item["code"], item["change"]) for item in result["features"]]
