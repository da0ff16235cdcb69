"""Of which version an edit means a feature: what was read of it is compared, and once more under its class's lock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from app.catalogue.model import Catalogue, FeatureClass
from app.database.transactions import Connection
from app.errors import NotFound, PreconditionFailed
from app.inventory import row_store
from app.inventory import store as inventory
from app.inventory.batch import Change
from app.inventory.row_store import StoredRow
from app.ogc.preconditions import Preconditions

WHO = "http"
#: Put behind the reason of a change that named no version: what it overwrote may be somebody else's.
UNCONDITIONAL = "unconditional, without If-Match"
VERSION = "change_id"


@dataclass(frozen=True, slots=True)
class How:
    """How an edit is made: the reason for the record, the header `Content-Crs`, what the client said of the version.

    `metric_crs` is the setting that lets an empty city be drawn; `allow_outside` takes what lies outside the city.
    """

    why: str
    content_crs: str | None = None
    preconditions: Preconditions = field(default_factory=Preconditions)
    allow_outside: bool = False
    metric_crs: str | None = None
    who: str = WHO

    def change(self) -> Change:
        """Who and why, for the record."""
        return Change(self.who, self.why, metric_crs=self.metric_crs)

    def change_of_version(self) -> Change:
        """The same for a change of what is stored: one that names no version is marked."""
        named = self.preconditions.versions is not None
        return replace(self.change(), why=self.why if named else f"{self.why} ({UNCONDITIONAL})")


class OvertakenError(Exception):
    """Somebody changed the feature since it was read, and the client means it as it is, whatever it is: `row`."""

    def __init__(self, row: StoredRow) -> None:
        super().__init__(row.id)
        self.row = row


def check_seen(
    conn: Connection, catalogue: Catalogue, cls: FeatureClass, seen: StoredRow, how: How, version: Any
) -> None:
    """Under the class's lock, that the feature is the one that was seen; raises `OvertakenError` where it is not."""
    stored = catalogue.stored.classes[cls.id]
    if row_store.find_version(conn, stored, seen.id) == (seen.change_id, seen.shown["valid_from"]):
        return
    row = row_store.find_row(conn, stored, seen.id)
    raise OvertakenError(check_version(conn, catalogue, cls, row, seen.id, how, version))


def check_version(
    conn: Connection,
    catalogue: Catalogue,
    cls: FeatureClass,
    row: StoredRow | None,
    item: int,
    how: How,
    version: Any,
) -> StoredRow:
    """The row where it is there and of the version that the client means; raises NotFound or PreconditionFailed."""
    if row is None:
        raise gone(cls, item)
    # A client that sends a feature back whole names the version that it had read, with or without If-Match.
    stale = version not in (None, "") and str(version) != str(row.change_id)
    if stale or not how.preconditions.hold(row.change_id):
        raise _other_version(conn, catalogue, cls, row, absent=how.preconditions.absent)
    return row


def gone(cls: FeatureClass, item: int | str) -> NotFound:
    """The error for a feature that is not there now."""
    return NotFound(
        f"{cls.id} holds no feature with the id '{item}'.",
        f"What was recorded of it: /collections/{cls.id}/items/{item}/history; new ones are made by POST.",
    )


def _other_version(
    conn: Connection, catalogue: Catalogue, cls: FeatureClass, row: StoredRow, *, absent: bool
) -> PreconditionFailed:
    text = inventory.feature_json(conn, catalogue, cls.id, row.id)
    current = {
        "change": row.change_id,
        "etag": f'"{row.change_id}"',  # what If-Match compares of a tag
        "feature": None if text is None else orjson.loads(text),
    }
    if absent:
        return PreconditionFailed(
            "The feature exists already.", "Leave out If-None-Match to change it.", current=current
        )
    return PreconditionFailed(
        f"Somebody else has changed the feature: its version is now {row.change_id}.",
        "Look at what it is now ('current'), and send your change again with its ETag as If-Match.",
        current=current,
    )
