"""The small map of a printed report as SVG parts: its frame, scale bar, colours. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.maps.squares import WORLD_M, Square, mercator

#: Units of the drawing: its width, and its height as a share of that.
WIDTH = 4000
HEIGHT = 2360
#: Where it begins in its square from the north: what lies above and below is drawn as far as the sheet has room.
TOP = (WIDTH - HEIGHT) // 2
#: Pixels that the width has where rows say from which zoom on they are drawn.
PIXELS = 760
#: Room around what is shown, as a share of it.
MARGIN = 0.05
GAPS = ("#fee0b0", "#fdb366", "#ee7d22", "#b9480a", "#74290a")
_QUANTILES = (0.5, 0.75, 0.9, 0.97)


@dataclass(frozen=True, slots=True)
class Frame:
    """What a drawing shows: the square in whose units it is drawn (its width is the drawing's), the zoom, the scale."""

    square: Square
    zoom: int
    bar_m: int
    bar_units: float


def frame_around(box: tuple[float, float, float, float]) -> Frame:
    """The frame around a lon/lat box (west, south, east, north in degrees), no narrower than 200 m."""
    west, north = mercator(box[0], box[3])
    east, south = mercator(box[2], box[1])
    ratio = HEIGHT / WIDTH
    side = max(east - west, (north - south) / ratio, 200.0) * (1 + 2 * MARGIN)
    x, y = (west + east) / 2, (north + south) / 2
    square = Square(x - side / 2, y + side / 2, side, WIDTH)
    zoom = math.floor(math.log2(WORLD_M / side * PIXELS / 256))
    # a metre of the ground is longer than one of the Mercator plane by the latitude
    metres = side * math.cos(math.radians((box[1] + box[3]) / 2))
    bar = round_length(metres / 5)
    return Frame(square, zoom, bar, bar / metres * WIDTH)


def round_length(metres: float) -> int:
    """The greatest of 1, 2, 5 times a power of ten that is no more than `metres` (at least 1)."""
    power = 10 ** max(0, math.floor(math.log10(max(metres, 1.0))))
    return max(int(step * power) for step in (1, 2, 5) if step * power <= max(metres, 1.0))


def gap_breaks(people: Sequence[float]) -> list[int]:
    """Limits between at most five classes of gaps by their people: quantiles rounded to 1, 2 or 5 times a power."""
    known = sorted(number for number in people if number >= 1)
    found = {_near(known[int(share * (len(known) - 1))]) for share in _QUANTILES} if known else set()
    return sorted(found)


def _near(number: float) -> int:
    power = 10 ** math.floor(math.log10(number))
    return int(min((step * power for step in (1, 2, 5, 10)), key=lambda step: abs(step - number)))


def gap_colour(people: float | None, breaks: Sequence[int]) -> str:
    """The colour of a gap of so many people."""
    return GAPS[sum(1 for limit in breaks if (people or 0) >= limit)]
