"""The `bbox` parameter of OGC API Features (17-069r4 §7.15.3, 18-058r1 §7.3): two corners, axes as a CRS has them."""

from __future__ import annotations

import math

from app.errors import BadInput
from app.inventory.query import checked_box
from app.ogc.crs import NamedCrs

Bbox = tuple[float, float, float, float]
_HINT = "Give bbox=west,south,east,north in degrees, for example bbox=115.8,28.6,115.9,28.7."


def parse_bbox(text: str, crs: NamedCrs) -> Bbox:
    """(west, south, east, north) in the system, x before y; six numbers lose their heights.

    In degrees and in EPSG:3857 `west > east` crosses the antimeridian and stays so: the query splits it at 180°.

    Raises:
        BadInput: No such numbers, a corner outside the world, or corners the wrong way round.
    """
    parts = text.split(",") if text.strip() else []
    if len(parts) not in {4, 6}:
        raise BadInput(f"bbox needs 4 or 6 numbers, not {len(parts)}.", _HINT)
    numbers = [_number(part) for part in parts]
    low, high = numbers[:2], numbers[len(numbers) // 2 :][:2]
    if crs.north_first:
        low, high = low[::-1], high[::-1]
    return checked_box([*low, *high], crs.srid)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise BadInput(f"bbox holds {text[:40]!r}, which is no number.", _HINT) from None
    if not math.isfinite(value):
        raise BadInput(f"bbox holds {text[:40]!r}, which is no finite number.", _HINT)
    return value
