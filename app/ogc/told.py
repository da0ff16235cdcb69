"""What people on the spot tell beside a feature: where they stood, and a note."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from app.inventory.photo_store import Spot


class Place(BaseModel):
    """Where somebody stood: degrees (WGS84 or CGCS2000) and the standard error in metres."""

    model_config = ConfigDict(extra="forbid")

    lon: float = Field(ge=-180, le=180, examples=[115.8612])
    lat: float = Field(ge=-90, le=90, examples=[28.6803])
    accuracy_m: float | None = Field(default=None, ge=0, le=1e6)


def spot_of(place: Place | None, at: datetime | None = None) -> Spot:
    """A place and a moment as they are stored; each may be missing."""
    return Spot(at=at) if place is None else Spot(place.lon, place.lat, place.accuracy_m, at)


def note_of(sent: str | None) -> str | None:
    """A note as it is stored: no text of the database holds a null character; None where nothing is left."""
    return (sent or "").replace("\0", "").strip() or None
