"""The `bbox` parameter of OGC API Features (17-069r4 §7.15.3): west,south,east,north in lon/lat degrees."""

from __future__ import annotations

import math

from app.errors import BadInput

Bbox = tuple[float, float, float, float]
_HINT = "Give bbox=west,south,east,north in degrees, for example bbox=115.8,28.6,115.9,28.7."


def parse_bbox(text: str) -> Bbox:
    """(west, south, east, north) in degrees; six numbers lose their heights. Raises BadInput with the reason.

    `west > east` crosses the antimeridian and stays so: the query splits it at 180°.
    """
    parts = text.split(",") if text.strip() else []
    if len(parts) not in {4, 6}:
        raise BadInput(f"bbox needs 4 or 6 numbers, not {len(parts)}.", _HINT)
    numbers = [_number(part) for part in parts]
    half = len(numbers) // 2
    west, south, east, north = numbers[0], numbers[1], numbers[half], numbers[half + 1]
    if not all(-180 <= lon <= 180 for lon in (west, east)) or not all(
        -90 <= lat <= 90 for lat in (south, north)
    ):
        raise BadInput(f"bbox={text} lies outside -180…180° and -90…90°.", _HINT)
    if south > north:
        raise BadInput(f"bbox={text} has its south above its north.", _HINT)
    return west, south, east, north


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise BadInput(f"bbox holds {text[:40]!r}, which is no number.", _HINT) from None
    if not math.isfinite(value):
        raise BadInput(f"bbox holds {text[:40]!r}, which is no finite number.", _HINT)
    return value
