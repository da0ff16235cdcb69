"""Literals of a filter, checked: days, moments and geometries."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import shapely
from shapely.errors import GEOSException

from app.errors import BadInput
from app.ogc.cql2.tree import Box, Instant, Interval, Node, Shape

#: An open end of an interval.
OPEN = ".."
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: RFC 3339 §5.6; without a zone it is UTC, as all timestamps of the standard are. Digits below microseconds are cut.
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,6})?[0-9]{0,12}"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_DATE_HINT = "Write a day as DATE('2021-12-31')."
_TIMESTAMP_HINT = "Write a moment as TIMESTAMP('2021-12-31T10:00:00Z')."


def read_date(text: Any) -> Instant:
    """The day written as 2021-12-31; raises BadInput."""
    if not isinstance(text, str) or _DATE.fullmatch(text) is None:
        raise BadInput(f"{_shown(text)} is no date.", _DATE_HINT)
    try:
        return Instant(date.fromisoformat(text))
    except ValueError:
        raise BadInput(f"{_shown(text)} is no date.", _DATE_HINT) from None


def read_timestamp(text: Any) -> Instant:
    """The moment written as 2021-12-31T10:00:00Z; raises BadInput."""
    found = _TIMESTAMP.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise BadInput(f"{_shown(text)} is no timestamp.", _TIMESTAMP_HINT)
    moment, fraction, zone = found.groups()
    try:
        read = datetime.fromisoformat(
            f"{moment}{(fraction or '').ljust(7, '0') if fraction else ''}{zone or 'Z'}".upper()
        )
        return Instant(read.astimezone(UTC))
    except (ValueError, OverflowError):
        raise BadInput(f"{_shown(text)} is no timestamp.", _TIMESTAMP_HINT) from None


def read_instant(text: Any) -> Instant:
    """A day or a moment, whichever is written; raises BadInput."""
    return read_date(text) if isinstance(text, str) and _DATE.fullmatch(text) else read_timestamp(text)


def read_interval(start: Node | str, end: Node | str) -> Interval:
    """The interval between two instants or properties, `..` where it is open; raises BadInput.

    Instants that the filter writes itself must not be swapped.
    """
    ends = [_end(item) for item in (start, end)]
    first, last = ends
    if isinstance(first, Instant) and isinstance(last, Instant) and _is_after(first, last):
        raise BadInput(
            "The INTERVAL of the filter ends before it begins.", "Write the earlier instant first."
        )
    return Interval(first, last)


def _end(item: Node | str) -> Node | None:
    if item == OPEN:
        return None
    return read_instant(item) if isinstance(item, str) else item


def _is_after(first: Instant, last: Instant) -> bool:
    one, other = first.value, last.value
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one > other
    return _day(one) > _day(other)


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def read_box(numbers: Sequence[Any]) -> Box:
    """A BBOX of four or six numbers; raises BadInput."""
    if len(numbers) not in {4, 6}:
        raise BadInput(
            f"A BBOX has 4 or 6 numbers, not {len(numbers)}.", "Write BBOX(west,south,east,north)."
        )
    return Box(tuple(_coordinate(number) for number in numbers))


def read_shape(kind: str, coordinates: Any) -> Shape:
    """The geometry of a GeoJSON type and its coordinates, flat (heights are left out); raises BadInput.

    The coordinates of a `GeometryCollection` are its parts as `Shape`.
    """
    if kind not in _MAKERS:
        raise BadInput(f"There is no geometry type '{kind[:40]}'.", f"Known are: {', '.join(_MAKERS)}.")
    try:
        made = _MAKERS[kind](coordinates)
    except (ValueError, GEOSException, TypeError) as error:
        raise BadInput(f"A {kind} of the filter is no geometry: {_reason(error)}.", _SHAPE_HINT) from None
    if shapely.is_empty(made):
        raise BadInput(f"A {kind} of the filter is empty.", _SHAPE_HINT)
    return Shape(made)


_SHAPE_HINT = "Write it as WKT in cql2-text, as a GeoJSON geometry in cql2-json."


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".").replace("\n", " ")[:120]


def _coordinate(number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise BadInput(f"{_shown(number)} is no coordinate.")
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise BadInput("The coordinates of a filter must be finite numbers.")
    return value


def _position(place: Any) -> tuple[float, float]:
    if not isinstance(place, list | tuple) or not 2 <= len(place) <= 4:
        raise BadInput("A position of a filter's geometry has two or three numbers.", _SHAPE_HINT)
    x, y, *_ = [_coordinate(number) for number in place]
    return x, y


def _positions(places: Any) -> list[tuple[float, float]]:
    return [_position(place) for place in _list(places)]


def _list(items: Any) -> Sequence[Any]:
    if not isinstance(items, list | tuple):
        raise BadInput(
            "The coordinates of a filter's geometry are not nested as its type has them.", _SHAPE_HINT
        )
    return items


def _polygon(rings: Any) -> shapely.Polygon:
    shell, *holes = [_positions(ring) for ring in _list(rings)] or [[]]
    return shapely.Polygon(shell, holes)


def _line(places: Any) -> shapely.LineString:
    return shapely.LineString(_positions(places))


_MAKERS: Mapping[str, Callable[[Any], shapely.Geometry]] = {
    "Point": lambda place: shapely.Point(_position(place)),
    "LineString": _line,
    "Polygon": _polygon,
    "MultiPoint": lambda places: shapely.MultiPoint(_positions(places)),
    "MultiLineString": lambda lines: shapely.MultiLineString([_line(line) for line in _list(lines)]),
    "MultiPolygon": lambda parts: shapely.MultiPolygon([_polygon(part) for part in _list(parts)]),
    "GeometryCollection": lambda parts: shapely.GeometryCollection([part.geometry for part in parts]),
}
#: The types as WKT writes them.
WKT_TYPES: Mapping[str, str] = {name.lower(): name for name in _MAKERS}


def _shown(value: Any) -> str:
    return repr(value if isinstance(value, int | float | str | bool | None) else type(value).__name__)[:60]
