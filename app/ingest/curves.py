"""Curves in WKT as straight pieces (ISO 19125-1, SQL/MM Part 3: circular strings, compound curves, curve polygons)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

#: No piece of an arc spans more, as with GDAL: the area of a circle is then 0.08 % less, a chord lies R/1600 inside it.
STEP_DEGREES = 4.0
Place = tuple[float, float]

_LINEAR = {
    "CIRCULARSTRING": "LINESTRING", "COMPOUNDCURVE": "LINESTRING", "CURVEPOLYGON": "POLYGON",
    "MULTICURVE": "MULTILINESTRING", "MULTISURFACE": "MULTIPOLYGON",
}  # fmt: skip
_TOP = re.compile(r"\s*([A-Z]+)\s*(?:ZM|Z|M)?\s*(?=\()")
_ARC = re.compile(r"CIRCULARSTRING\s*(?:ZM|Z|M)?\s*\(([^()]*)\)")
_PLAIN = re.compile(r"\(([^()]*)\)")
#: Lists of places, each in brackets of its own, that are one line.
_COMPOUND = re.compile(r"COMPOUNDCURVE\s*(?:ZM|Z|M)?\s*\(((?:\s*(?:LINESTRING\s*)?\([^()]*\)\s*,?)*)\)")
_NAMES = re.compile(r"[A-Z]+")


def linear_wkt(text: str) -> str | None:
    """The WKT of a curve with straight pieces of at most `STEP_DEGREES`, in the plane; None where it is none.

    Geometry collections of curves are not read.
    """
    upper = text.upper()
    top = _TOP.match(upper)
    if top is None or top[1] not in _LINEAR or "EMPTY" in upper:
        return None
    try:
        body = _ARC.sub(lambda found: f"({_text(_arcs(_places(found[1])))})", upper)
        body = _PLAIN.sub(lambda found: f"({_text(_places(found[1]))})", body)
    except ValueError:
        return None
    body = _COMPOUND.sub(lambda found: f"({', '.join(_PLAIN.findall(found[1]))})", body)
    return _LINEAR[top[1]] + " " + _NAMES.sub("", body).strip()


def _places(text: str) -> list[Place]:
    numbers = [[float(word) for word in place.split()] for place in text.split(",")]
    if any(len(place) < 2 or not all(map(math.isfinite, place)) for place in numbers):
        raise ValueError(text)
    return [(place[0], place[1]) for place in numbers]


def _text(places: Sequence[Place]) -> str:
    # Without exponents: letters are names.
    return ", ".join(f"{x:.12f} {y:.12f}" for x, y in places)


def _arcs(places: list[Place]) -> list[Place]:
    """The pieces of arcs that each run through three places, the last of one the first of the next."""
    if len(places) < 3 or len(places) % 2 == 0:
        raise ValueError("a circular string has an odd number of places")
    drawn = places[:1]
    for i in range(0, len(places) - 2, 2):
        drawn += _arc(*places[i : i + 3])
    return drawn


def _arc(start: Place, middle: Place, end: Place) -> list[Place]:
    """The places of an arc after its start; one that ends where it starts is a circle, `middle` opposite."""
    centre = _centre(start, middle, end)
    if centre is None:
        return [middle, end]
    radius = math.dist(centre, start)
    first, between, last = (math.atan2(y - centre[1], x - centre[0]) for x, y in (start, middle, end))
    turn = 2 * math.pi
    sweep = (last - first) % turn or turn
    if (between - first) % turn > sweep:
        sweep -= turn
    pieces = max(2, math.ceil(abs(math.degrees(sweep)) / STEP_DEGREES - 1e-9))
    angles = (first + sweep * k / pieces for k in range(1, pieces))
    return [*((centre[0] + radius * math.cos(a), centre[1] + radius * math.sin(a)) for a in angles), end]


def _centre(a: Place, b: Place, c: Place) -> Place | None:
    """The centre of the circle through three places, None where they lie on a straight line."""
    if a == c:
        return None if a == b else ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    # Measured from the first place: coordinates of seven digits would lose their squares.
    (bx, by), (cx, cy) = (b[0] - a[0], b[1] - a[1]), (c[0] - a[0], c[1] - a[1])
    double = 2 * (bx * cy - by * cx)
    if abs(double) <= 1e-12 * max(bx * bx + by * by, cx * cx + cy * cy):
        return None
    x = (cy * (bx * bx + by * by) - by * (cx * cx + cy * cy)) / double
    y = (bx * (cx * cx + cy * cy) - cx * (bx * bx + by * by)) / double
    return a[0] + x, a[1] + y
