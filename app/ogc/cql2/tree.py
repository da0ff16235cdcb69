"""The tree of a filter, whatever the language it was written in: plain frozen nodes without types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

import shapely


@dataclass(frozen=True, slots=True)
class Value:
    """A text, number, boolean or NULL that the filter writes itself."""

    value: str | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Instant:
    """A day, or a moment with its time zone."""

    value: date | datetime


@dataclass(frozen=True, slots=True)
class Interval:
    """A span of time with both its ends in it; None is an open end."""

    start: Node | None
    end: Node | None


@dataclass(frozen=True, slots=True)
class Shape:
    """A geometry, its coordinates in the order of the filter's CRS."""

    geometry: shapely.Geometry


@dataclass(frozen=True, slots=True)
class Box:
    """The four or six numbers of a BBOX, in the order of the filter's CRS."""

    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of values: the array of an array function, the choices of IN."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Property:
    """The name of a queryable."""

    name: str
    quoted: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function in small letters, with its arguments."""

    op: str
    args: tuple[Node, ...]


Node: TypeAlias = Value | Instant | Interval | Shape | Box | Items | Property | Call


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below a node."""
    match node:
        case Call(args=below) | Items(items=below):
            yield from below
        case Interval(start=start, end=end):
            yield from (item for item in (start, end) if item is not None)
        case _:
            return
