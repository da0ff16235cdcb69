"""A photo as a phone sends it → a small JPEG of the picture alone; where and when it was taken. Pure."""

from __future__ import annotations

import io
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image, ImageOps

from app.errors import BadInput
from app.inventory.photo_store import Photo, Spot

#: What is kept of a photo at most: bytes, and pixels on its longer side.
MAX_BYTES, MAX_SIDE = 300 * 1024, 1600
#: Larger pictures are refused before they are unpacked.
MAX_PIXELS = 50_000_000
#: Known by their first bytes, whatever they are called.
FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITIES = (85, 75, 65, 55, 45)
_SIDES = (MAX_SIDE, 1200, 900, 640)
_HINT = "Send a JPEG, PNG or WebP picture."


def clean(data: bytes) -> Photo:
    """The picture drawn anew, upright, at most MAX_SIDE pixels and MAX_BYTES; its Exif told apart from it.

    What else stands in the file (device, owner, preview, comments) is dropped with the file.

    Raises:
        BadInput: It is no picture, cannot be read to its end, or is too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            _check_size(opened)
            spot = read_spot(opened)
            # JPEGs are unpacked at the size that is needed, a quarter of the work.
            opened.draft("RGB", (MAX_SIDE, MAX_SIDE))
            upright = ImageOps.exif_transpose(opened)
            picture = _flat(upright)
    except BadInput:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, Image.DecompressionBombError) as error:
        raise BadInput("The photo cannot be read as a picture.", _HINT) from error
    body, size = _packed(picture)
    return Photo(body, *size, spot)


def _check_size(picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise BadInput(
            f"The photo has {picture.width} × {picture.height} pixels; at most {MAX_PIXELS:,} are read.",
            _HINT,
        )


def _flat(picture: Image.Image) -> Image.Image:
    """Pixels alone, on white where the picture is see-through."""
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        ground = Image.new("RGB", seen.size, "white")
        ground.paste(seen, mask=seen.getchannel("A"))
        return ground
    flat = picture.convert("RGB")
    flat.info.clear()
    return flat


def _packed(picture: Image.Image) -> tuple[bytes, tuple[int, int]]:
    for side in _SIDES:
        small = picture.copy()
        small.thumbnail((side, side))
        for quality in _QUALITIES:
            out = io.BytesIO()
            small.save(out, "JPEG", quality=quality, optimize=True)
            if out.tell() <= MAX_BYTES:
                return out.getvalue(), small.size
    raise BadInput("The photo cannot be made small enough.", _HINT)


def read_spot(picture: Image.Image) -> Spot:
    """Where and when a photo was taken, as far as its Exif says so (CIPA DC-008: IFDs Exif and GPS)."""
    try:
        exif = picture.getexif()
        taken = exif.get_ifd(ExifTags.IFD.Exif)
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    except (OSError, ValueError, SyntaxError, TypeError, KeyError):
        return Spot()
    lon = _degrees(place.get(ExifTags.GPS.GPSLongitude), place.get(ExifTags.GPS.GPSLongitudeRef), "W", 180)
    lat = _degrees(place.get(ExifTags.GPS.GPSLatitude), place.get(ExifTags.GPS.GPSLatitudeRef), "S", 90)
    at = _moment(taken.get(ExifTags.Base.DateTimeOriginal), taken.get(ExifTags.Base.OffsetTimeOriginal))
    return Spot(at=at) if lon is None or lat is None else Spot(lon, lat, None, at)


def _degrees(parts: Any, side: Any, negative: str, limit: float) -> float | None:
    """Degrees, minutes, seconds as one number; None where they are none."""
    try:
        value: float = sum(float(part) / 60**power for power, part in enumerate(parts))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not math.isfinite(value) or not 0 <= value <= limit:
        return None
    return -value if side == negative else value


def _moment(written: Any, offset: Any) -> datetime | None:
    """`2026:11:22 17:40:00` with its offset from UTC (`+08:00`); without one in the server's own time zone."""
    try:
        moment = datetime.strptime(str(written), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
        if not offset:
            return moment.astimezone(UTC)
        hours, minutes = str(offset)[1:].split(":")
        ahead = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if str(offset).startswith("-") else 1)
        return moment.replace(tzinfo=timezone(ahead)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
