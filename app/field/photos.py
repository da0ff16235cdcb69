"""A photo as a phone sends it → a small JPEG of the picture alone; where and when it was taken. Pure."""

from __future__ import annotations

import io
import math
import struct
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import ExifTags, Image

from app.errors import BadInput
from app.inventory.photo_store import Photo, Spot

#: What is kept of a photo at most: bytes, and pixels on its longer side.
MAX_BYTES, MAX_SIDE = 300 * 1024, 1600
#: Larger pictures are refused before they are unpacked, as are JPEGs that are drawn in more passes: each goes over all
#: pixels once more, and cameras make a dozen of them.
MAX_PIXELS, MAX_SCANS = 25_000_000, 100
#: Begins a pass of a JPEG; within its data no such bytes stand (ITU-T T.81, B.1.1.5).
_SCAN = b"\xff\xda"
#: Known by their first bytes, whatever they are called.
FORMATS = ("JPEG", "PNG", "WEBP")
_YEARS = (1900, 2200)
_QUALITIES = (85, 75, 65, 55, 45)
_SIDES = (MAX_SIDE, 1200, 900, 640)
_HINT = "Send a JPEG, PNG or WebP picture."
#: What the library raises over bytes that are not what they say.
_ODD = (
    OSError, ValueError, SyntaxError, TypeError, LookupError, AttributeError, ArithmeticError, EOFError, struct.error,
    Image.DecompressionBombError,
)  # fmt: skip
#: Pictures unpacked at once in a process: each takes some hundred megabytes.
_TURNS = threading.BoundedSemaphore(2)
#: How a picture is turned upright, by its Exif (CIPA DC-008, tag Orientation).
_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def clean(data: bytes) -> Photo:
    """The picture drawn anew, upright, at most MAX_SIDE pixels and MAX_BYTES; its Exif told apart from it.

    What else stands in the file (device, owner, preview, comments) is dropped with the file.

    Raises:
        BadInput: It is no picture, cannot be read to its end, or is too large.
    """
    with _TURNS:
        try:
            picture, spot = _drawn(data)
        except BadInput:
            raise
        except _ODD as error:
            raise BadInput("The photo cannot be read as a picture.", _HINT) from error
        body, size = _packed(picture)
    return Photo(body, *size, spot)


def _drawn(data: bytes) -> tuple[Image.Image, Spot]:
    """The picture upright, of pixels alone, at most MAX_SIDE large; its place and moment."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        _check_size(opened, data)
        spot, turn = read_spot(opened), _TURNED.get(_orientation(opened))
        # JPEGs are unpacked at the size that is needed, a quarter of the work.
        opened.draft("RGB", (MAX_SIDE, MAX_SIDE))
        flat = _flat(opened)
    flat.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return flat if turn is None else flat.transpose(turn), spot


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except _ODD:
        return 1


def _check_size(picture: Image.Image, data: bytes) -> None:
    if picture.format == "JPEG" and data.count(_SCAN) > MAX_SCANS:
        raise BadInput("The photo is drawn in too many passes.", _HINT)
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
    except _ODD:
        return Spot()
    lon = _degrees(place.get(ExifTags.GPS.GPSLongitude), place.get(ExifTags.GPS.GPSLongitudeRef), "W", 180)
    lat = _degrees(place.get(ExifTags.GPS.GPSLatitude), place.get(ExifTags.GPS.GPSLatitudeRef), "S", 90)
    at = _moment(taken.get(ExifTags.Base.DateTimeOriginal), taken.get(ExifTags.Base.OffsetTimeOriginal))
    return Spot(at=at) if lon is None or lat is None else Spot(lon, lat, None, at)


def _degrees(parts: Any, side: Any, negative: str, limit: float) -> float | None:
    """Degrees, minutes, seconds as one number; None where they are none."""
    try:
        value: float = sum(float(part) / unit for part, unit in zip(parts, (1, 60, 3600), strict=False))
    except _ODD:
        return None
    if not math.isfinite(value) or not 0 <= value <= limit:
        return None
    return -value if side == negative else value


def in_our_time(moment: datetime) -> bool:
    """Whether a phone can have been there: years that any time zone can tell, which 1 and 9999 are not."""
    return _YEARS[0] <= moment.year <= _YEARS[1]


def _moment(written: Any, offset: Any) -> datetime | None:
    """`2026:11:22 17:40:00` with its offset from UTC (`+08:00`); without one in the server's own time zone."""
    try:
        moment = datetime.strptime(str(written), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
        if not in_our_time(moment):
            return None
        if not offset:
            return moment.astimezone(UTC)
        hours, minutes = str(offset)[1:].split(":")
        ahead = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if str(offset).startswith("-") else 1)
        return moment.replace(tzinfo=timezone(ahead)).astimezone(UTC)
    except _ODD:
        return None
