"""The SQL of what people on the spot report of features: the reports themselves and their photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, text

from app.inventory.tables import SCHEMA


@dataclass(frozen=True, slots=True)
class Spot:
    """Where and when somebody stood: degrees (EPSG:4326), the standard error in metres, a moment; each may be None."""

    lon: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None
    at: datetime | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The values by the names under which the statements of this module bind them."""
        return {"lon": self.lon, "lat": self.lat, "accuracy_m": self.accuracy_m, "at": self.at}


@dataclass(frozen=True, slots=True)
class Photo:
    """A JPEG without any data on its making: `body`, its size in pixels, and where and when it was taken."""

    body: bytes
    width: int
    height: int
    spot: Spot


_POINT = "ST_SetSRID(ST_MakePoint(CAST(:lon AS float8), CAST(:lat AS float8)), 4326)"
_KEEP_REPORT = text(
    f"INSERT INTO {SCHEMA}.reports (change_id, class_id, feature_id, state, note, seen_at, geom, accuracy_m) "
    f"VALUES (:change, :class_id, :feature, :state, :note, :at, {_POINT}, :accuracy_m)"
)
_KEEP_PHOTO = text(
    f"INSERT INTO {SCHEMA}.photos (class_id, feature_id, change_id, media_type, width, height, taken_at, geom, "
    f"accuracy_m, note, body) VALUES (:class_id, :feature, :change, 'image/jpeg', :width, :height, :at, {_POINT}, "
    ":accuracy_m, :note, :body) RETURNING id"
)
_REPORTS = text(
    "SELECT change_id AS change, state, note, seen_at, ST_X(geom) AS lon, ST_Y(geom) AS lat, accuracy_m "
    f"FROM {SCHEMA}.reports WHERE class_id = :class_id AND feature_id = :feature ORDER BY change_id"
)
_PHOTOS = text(
    "SELECT id, change_id AS change, width, height, taken_at, note, ST_X(geom) AS lon, ST_Y(geom) AS lat, accuracy_m "
    f"FROM {SCHEMA}.photos WHERE class_id = :class_id AND feature_id = :feature ORDER BY change_id DESC, id"
)
_BODY = text(f"SELECT class_id, feature_id, body FROM {SCHEMA}.photos WHERE id = :id")


def keep_report(
    conn: Connection, class_id: str, feature: int, change_id: int, state: str, note: str | None, spot: Spot
) -> None:
    """Put a report beside the change that it made."""
    named = {"class_id": class_id, "feature": feature, "change": change_id, "state": state, "note": note}
    conn.execute(_KEEP_REPORT, {**named, **spot.values})


def keep_photo(
    conn: Connection, class_id: str, feature: int, change_id: int, photo: Photo, note: str | None
) -> UUID:
    """Keep a photo of a feature with the change that it came with; its id."""
    named = {"class_id": class_id, "feature": feature, "change": change_id, "note": note, "body": photo.body}
    values = {**named, **photo.spot.values, "width": photo.width, "height": photo.height}
    return UUID(str(conn.execute(_KEEP_PHOTO, values).scalar_one()))


def list_reports(conn: Connection, class_id: str, feature: int) -> list[dict[str, Any]]:
    """What was reported of a feature, oldest first: change, state, note, moment and place."""
    return [_told(row) for row in conn.execute(_REPORTS, _of(class_id, feature)).mappings()]


def list_photos(conn: Connection, class_id: str, feature: int) -> list[dict[str, Any]]:
    """The photos of a feature, newest first: address, change, size, moment and place."""
    rows = conn.execute(_PHOTOS, _of(class_id, feature)).mappings()
    return [{"href": f"/photos/{row['id']}.jpg", **_told(row), "id": str(row["id"])} for row in rows]


def find_body(conn: Connection, photo: UUID) -> tuple[str, int, bytes] | None:
    """Class and id of the feature that a photo shows, and its JPEG; None where there is no such photo."""
    row = conn.execute(_BODY, {"id": photo}).one_or_none()
    return None if row is None else (row.class_id, row.feature_id, bytes(row.body))


def _of(class_id: str, feature: int) -> dict[str, Any]:
    return {"class_id": class_id, "feature": feature}


def _told(row: RowMapping) -> dict[str, Any]:
    """A row as plain values: moments as ISO 8601, the place as [lon, lat]."""
    told = {name: value for name, value in row.items() if name not in {"lon", "lat", "id"}}
    told |= {name: told[name].isoformat() for name in ("seen_at", "taken_at") if told.get(name) is not None}
    return told | {"position": None if row["lon"] is None else [row["lon"], row["lat"]]}


def changes_told(reports: Sequence[Mapping[str, Any]], photos: Sequence[Mapping[str, Any]]) -> set[int]:
    """The numbers of the changes that reports and photos came with."""
    return {int(item["change"]) for item in (*reports, *photos)}
