"""Use cases of assessments: a third party scores a feature as it stands, others read the scores; nobody changes one."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from app.access.principal import Principal
from app.assess import store
from app.assess.store import Chosen
from app.catalogue.export_names import quoted
from app.catalogue.model import Catalogue, FeatureClass
from app.database.audit import Event, note
from app.database.transactions import Connection
from app.errors import Conflict, NotFound
from app.inventory import row_store
from app.inventory.photo_store import Spot
from app.ogc.edit_once_service import keep_once
from app.ogc.edit_versions import gone

Verdict = Literal["ok", "fault", "missing", "unclear"]
#: Where nobody is named.
WHO = "http"
COLUMNS = (
    "id", "class", "item", "change", "area_path", "who", "party", "at", "score", "verdict", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found: a score of 0 to 100, a verdict, a note, where the assessor stood, the version that was seen."""

    score: int
    verdict: Verdict
    note: str | None = None
    change: int | None = None
    spot: Spot = field(default_factory=Spot)

    def digest(self) -> str:
        """SHA-256 of all that was said."""
        said = [self.score, self.verdict, self.note, self.change, self.spot.values]
        return hashlib.sha256(orjson.dumps(said, default=str)).hexdigest()


def assess_once(
    conn: Connection,
    catalogue: Catalogue,
    cls: FeatureClass,
    item: int,
    found: Assessment,
    caller: Principal,
    key: str | None,
) -> dict[str, Any]:
    """Keep an assessment of a feature, once though it comes twice under the same Idempotency-Key (`key`).

    The feature stays as it is; that it was assessed stands in the audit.

    Raises:
        NotFound: There is no such feature now that the caller sees.
        Conflict: A version is named that the feature never had, or another assessment was sent under the key.
    """

    def made() -> dict[str, Any]:
        return _assess(conn, catalogue.stored.classes[cls.id], item, found, caller)

    if key is None:
        return made()
    request = {"assessed": cls.id, "item": item, "sha256": found.digest()}
    return keep_once(conn, key, request, caller.name or WHO, made)


def _assess(
    conn: Connection, cls: FeatureClass, item: int, found: Assessment, caller: Principal
) -> dict[str, Any]:
    row = row_store.find_row(conn, cls, item)
    if row is None:
        raise gone(cls, item)
    change = found.change or row.change_id
    if change > row.change_id:
        raise Conflict(
            f"The feature has no version {change}: its version is {row.change_id}.",
            "Leave out change to assess the feature as it is now.",
        )
    told = {
        "class_id": cls.id, "feature": item, "change": change, "area_path": str(row.shown.get("area_path") or ""),
        "who": caller.name or WHO, "party": caller.party, "score": found.score, "verdict": found.verdict,
        "note": found.note,
    }  # fmt: skip
    number = store.keep(conn, told, found.spot)
    note(
        conn, Event.ASSESSED, f"{cls.id}/{item}", assessment=number, score=found.score, verdict=found.verdict
    )
    return {"id": number, "class": cls.id, "item": item, "change": change}


def of_feature(conn: Connection, catalogue: Catalogue, cls: FeatureClass, item: int) -> dict[str, Any]:
    """The assessments of a feature; none in a public view.

    Raises:
        NotFound: It is a public view.
    """
    check_told(catalogue)
    return {"class": cls.id, "item": item, "assessments": store.list_of(conn, cls.id, item)}


def listed(conn: Connection, catalogue: Catalogue, chosen: Chosen) -> dict[str, Any]:
    """Assessments, newest first, with their figures for each class, area and party; `next_before` leads on.

    Raises:
        NotFound: It is a public view, or there is no such class.
    """
    check_told(catalogue)
    if chosen.class_id is not None:
        catalogue.get_class(chosen.class_id)
    found = store.list_chosen(conn, chosen)
    return {
        "assessments": found,
        "figures": store.figures(conn, chosen),
        "next_before": found[-1]["id"] if len(found) == chosen.limit else None,
    }


def as_csv(found: dict[str, Any]) -> str:
    """Assessments as a table; cells that look like formulas are guarded."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in found["assessments"]:
        cells = [one[name] for name in COLUMNS]
        writer.writerow([quoted(cell) if isinstance(cell, str) else cell for cell in cells])
    return out.getvalue()


def check_told(catalogue: Catalogue) -> None:
    """Raises NotFound in a public view: what people found is declared public by nobody."""
    if catalogue.open_only:
        raise NotFound("A public view has no assessments.", "Leave out view=public.")
