"""Use case of the phone page: one report of a feature is stored once, with its photo, or refused as a whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson

from app.access.principal import Principal
from app.catalogue.model import Catalogue, FeatureClass
from app.database.transactions import Connection
from app.errors import Conflict, Forbidden, PreconditionFailed
from app.field.photos import clean
from app.field.reports import WORDS, Reported, fields_of, offered
from app.field.service import chosen
from app.inventory import changes, history_store, photo_store, row_store
from app.inventory.batch import Change
from app.inventory.periods import today
from app.inventory.photo_store import Photo, Spot
from app.ogc import edit_service
from app.ogc.edit_once_service import keep_once
from app.ogc.edit_versions import How, gone
from app.ogc.edits import Sent
from app.ogc.preconditions import Preconditions

WHO = "field"


@dataclass(frozen=True, slots=True)
class Report:
    """What was said of a feature: the word, a note, where and when; the photo as it was sent, with its own place."""

    word: Reported
    note: str | None = None
    spot: Spot = field(default_factory=Spot)
    photo: bytes | None = None
    photo_spot: Spot = field(default_factory=Spot)

    def digest(self) -> str:
        """SHA-256 of all that was said."""
        said = [self.word, self.note, self.spot.values, self.photo_spot.values]
        photo = hashlib.sha256(self.photo or b"").digest()
        return hashlib.sha256(orjson.dumps(said, default=str) + photo).hexdigest()


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a report: the change that it made, and the photo that is kept."""

    change: int
    photo: str | None

    def as_dict(self) -> dict[str, Any]:
        """The answer as plain values; `etag` is what the next report of the feature sends as If-Match."""
        return {"change": self.change, "etag": f'"{self.change}"', "photo": self.photo}


def report_once(
    conn: Connection,
    catalogue: Catalogue,
    cls: FeatureClass,
    item: int,
    report: Report,
    preconditions: Preconditions,
    caller: Principal,
    key: str | None,
) -> dict[str, Any]:
    """Store a report, once though it comes twice under the same Idempotency-Key (`key`).

    Raises:
        NotFound: There is no such feature now, or the phone page does not show its class.
        Forbidden: It does not lie in the area of the caller's key.
        PreconditionFailed: Somebody changed it meanwhile; what it is now stands in the problem.
        Conflict: Another report was sent under the same key, or the class has no field for what is said.
        BadInput: The photo is none.
    """
    who = f"{WHO}: {caller.name}" if caller.name else WHO

    def told() -> dict[str, Any]:
        return _report(conn, catalogue, cls, item, report, preconditions, caller, who).as_dict()

    if key is None:
        return told()
    request = {"collection": cls.id, "item": item, "sha256": report.digest()}
    return keep_once(conn, key, request, who, told)


def _report(
    conn: Connection,
    catalogue: Catalogue,
    cls: FeatureClass,
    item: int,
    report: Report,
    preconditions: Preconditions,
    caller: Principal,
    who: str,
) -> Told:
    chosen(catalogue, cls.id)  # no key for the phone page closes a district
    if report.word not in offered(cls):
        raise Conflict(f"{cls.id} have no field for '{report.word}'.", f"Known: {', '.join(offered(cls))}.")
    row = row_store.find_row(conn, cls, item)
    if row is None:
        raise gone(cls, item)
    check_home(caller, str(row.shown.get("area_path") or ""))
    photo = None if report.photo is None else _placed(clean(report.photo), report.photo_spot, report.spot)
    why = f"{WORDS[report.word]['zh']} {WORDS[report.word]['en']}" + (
        f": {report.note}" if report.note else ""
    )
    how = How(why[:500], preconditions=preconditions, who=who)
    said = fields_of(cls, report.word, row.fields, today())
    sent = Sent(frozenset({"properties"}), said)
    try:
        saved = edit_service.change_feature(conn, catalogue, cls, item, sent, how, whole=False)
    except PreconditionFailed as error:
        current = error.members["current"]
        current |= _theirs(conn, cls, item, current["change"])
        for name in (field.name for field in cls.fields if field.sensitivity == "restricted"):
            current["feature"]["properties"].pop(name, None)
        raise
    change_id = saved.change_id
    if not saved.written:
        # Nothing that is stored was said to be otherwise: the report is a change of its own all the same.
        change_id = changes.draw_change(conn, Change(who, how.why), [cls.id])
    photo_store.keep_report(conn, cls.id, item, change_id, report.word, report.note, report.spot)
    kept = _keep(conn, cls, item, change_id, photo, report.note)
    return Told(saved.change_id, kept)


def _theirs(conn: Connection, cls: FeatureClass, item: int, change: int) -> dict[str, Any]:
    """Who changed the feature last, when and why, and what was reported of it last."""
    reports = photo_store.list_reports(conn, cls.id, item)
    return {
        "by": history_store.get_changes(conn, [change]).get(change),
        "report": reports[-1] if reports else None,
    }


def _keep(
    conn: Connection, cls: FeatureClass, item: int, change_id: int, photo: Photo | None, note: str | None
) -> str | None:
    if photo is None:
        return None
    return address_of(photo_store.keep_photo(conn, cls.id, item, change_id, photo, note))


def address_of(photo: UUID) -> str:
    """Where a photo is had."""
    return f"/photos/{photo}.jpg"


def _placed(photo: Photo, sent: Spot, report: Spot) -> Photo:
    """The photo with its place and moment: as the client read them, else the file's own, else the report's."""
    spots = [spot for spot in (sent, photo.spot, report) if spot.lon is not None]
    moments = [spot.at for spot in (sent, photo.spot, report) if spot.at is not None]
    place = spots[0] if spots else Spot()
    at = moments[0] if moments else None
    return replace(photo, spot=Spot(place.lon, place.lat, place.accuracy_m, at))


def check_home(caller: Principal, area_path: str) -> None:
    """Refuse to change a feature that is not at home in an area in which the caller reports; raises Forbidden."""
    own = caller.areas("field", "editor")
    if own is not None and not set(own) & set(area_path.split("/")):
        raise Forbidden("The feature does not lie in the area of this key.", "Ask for a key for its area.")
