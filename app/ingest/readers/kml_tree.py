"""KML text → placemarks with their folder, values and geometry, one subtree at a time; no document type is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

import numpy as np
import shapely
from numpy.typing import NDArray

FOLDERS = {"Document", "Folder"}
#: What is drawn and has no row: told in a note.
LEFT_OUT = {"NetworkLink": "links to other files", "GroundOverlay": "pictures laid on the ground",
            "PhotoOverlay": "photographs", "ScreenOverlay": "pictures on the screen"}  # fmt: skip
SHAPES = {"Point", "LineString", "LinearRing", "Polygon", "MultiGeometry", "Track", "MultiTrack", "Model"}
#: Members of a placemark that are values of its row, and the headings that they get.
VALUES = {"name": "name", "description": "description", "address": "address", "phoneNumber": "phone",
          "Snippet": "snippet"}  # fmt: skip
_BEFORE_COMMA = re.compile(r"\s*,\s*")
MAX_DEPTH = 100
#: Fields that stand in files of our own alone.
OWN = {"change_id", "code"}


@dataclass(slots=True)
class Node:
    """An element with its attributes, text and children; names have no prefix."""

    name: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)

    def value(self) -> str | None:
        """Its own text; None where it is blank."""
        return "".join(self.text).strip() or None

    def find(self, name: str) -> Node | None:
        """The first child of this name."""
        return next((child for child in self.children if child.name == name), None)

    def all(self, name: str) -> Iterator[Node]:
        """Every descendant of this name."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.all(name)


@dataclass(frozen=True, slots=True)
class Placemark:
    """`folder` names from the outermost to the innermost; `node` the element."""

    folder: tuple[str, ...]
    node: Node


class BadShapeError(ValueError):
    """A geometry that cannot be read; its text says why."""


class Reader:
    """Goes through a KML text and hands over each placemark; counts what is left out."""

    def __init__(self, take: Callable[[Placemark], None]) -> None:
        self.left_out: dict[str, int] = {}
        self._take = take
        self._schemas = {"Placemark"}
        self._folders: list[list[str]] = []
        self._path: list[str] = []
        self._open: list[Node] = []

    def parse(self, text: bytes) -> None:
        """Raises: ValueError: The text is not well-formed, has a document type or nests too deep."""
        parser = expat.ParserCreate("UTF-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse
        try:
            parser.Parse(text, True)
        except expat.ExpatError as error:
            raise ValueError(f"line {error.lineno}: {expat.ErrorString(error.code)}") from error

    def _refuse(self, *_: Any) -> None:
        raise ValueError("it has a document type of its own")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._path.append(name)
        if len(self._path) > MAX_DEPTH:
            raise ValueError("it nests too deep")
        if self._open:
            node = Node(name, attributes)
            self._open[-1].children.append(node)
            self._open.append(node)
        elif name in self._schemas:
            self._open.append(Node(name, attributes))
        elif name in FOLDERS:
            self._folders.append([])
        elif name == "Schema" and attributes.get("parent") == "Placemark" and attributes.get("name"):
            # Of old files, whose placemarks bear the name of their schema.
            self._schemas.add(attributes["name"])
        elif name in LEFT_OUT:
            self.left_out[name] = self.left_out.get(name, 0) + 1

    def _end(self, _: str) -> None:
        name = self._path.pop()
        if self._open:
            node = self._open.pop()
            if not self._open:
                self._take(Placemark(tuple("".join(words).strip() for words in self._folders), node))
        elif name in FOLDERS and self._folders:
            self._folders.pop()

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text.append(text)
        elif len(self._path) > 1 and self._path[-1] == "name" and self._path[-2] in FOLDERS:
            self._folders[-1].append(text)


def values(node: Node) -> dict[str, str | None]:
    """Heading → value of a placemark: its own members, its time, its extended data, the fields of its schema."""
    found: dict[str, str | None] = {}
    if node.attributes.get("id"):
        found["id"] = node.attributes["id"]
    for child in node.children:
        if child.name in VALUES:
            found[VALUES[child.name]] = child.value()
        elif child.name in {"TimeStamp", "TimeSpan"}:
            for part in child.children:
                found[{"when": "timestamp"}.get(part.name, part.name)] = part.value()
        elif child.name == "ExtendedData":
            _extended(child, found)
        elif node.name != "Placemark" and child.name not in SHAPES and not child.children:
            found.setdefault(child.name, child.value())
    if found.keys() >= OWN:
        # Our own export: what Earth shows as the name is one of its fields already.
        found.pop("name", None)
    return found


def _extended(node: Node, found: dict[str, str | None]) -> None:
    for data in node.all("Data"):
        value = data.find("value")
        _add(found, data.attributes.get("name"), value.value() if value else None)
    for data in node.all("SimpleData"):
        _add(found, data.attributes.get("name"), data.value())


def _add(found: dict[str, str | None], name: str | None, value: str | None) -> None:
    if not name:
        return
    number, free = 2, name
    while free in found:
        free, number = f"{name}_{number}", number + 1
    found[free] = value


def geometry(node: Node) -> Any:
    """The geometry of a placemark, None where it has none.

    Raises:
        BadShapeError: It cannot be read.
    """
    shape = next((child for child in node.children if child.name in SHAPES), None)
    try:
        return None if shape is None else _shape(shape)
    except shapely.errors.GEOSException as error:
        raise BadShapeError(f"the coordinates make no {shape.name if shape else 'shape'}") from error


def _shape(node: Node) -> Any:
    if node.name == "Point":
        return shapely.Point(_places(node, 1)[0])
    if node.name in {"LineString", "LinearRing"}:
        return shapely.LineString(_places(node, 2))
    if node.name == "Polygon":
        return _polygon(node)
    if node.name == "Track":
        return _track(node)
    if node.name == "Model":
        return _model(node)
    parts = [_shape(child) for child in node.children if child.name in SHAPES]
    if not parts:
        raise BadShapeError("the geometry has no parts")
    kinds = {part.geom_type for part in parts}
    many: dict[str, Callable[[list[Any]], Any]] = {
        "Point": shapely.MultiPoint,
        "LineString": shapely.MultiLineString,
        "Polygon": shapely.MultiPolygon,
    }
    return many.get(kinds.pop() if len(kinds) == 1 else "", shapely.GeometryCollection)(parts)


def _polygon(node: Node) -> Any:
    outer = node.find("outerBoundaryIs")
    if outer is None:
        raise BadShapeError("the polygon has no outer ring")
    holes = [ring for inner in node.children if inner.name == "innerBoundaryIs" for ring in inner.children]
    rings = [_ring(ring, number) for number, ring in enumerate([*outer.children[:1], *holes], start=1)]
    if not rings:
        raise BadShapeError("the polygon has no outer ring")
    return shapely.Polygon(rings[0], rings[1:])


def _ring(node: Node, number: int) -> NDArray[np.float64]:
    places = _places(node, 0)
    if len(places) < 4:
        raise BadShapeError(f"ring {number} has fewer than 4 positions")
    if not np.array_equal(places[0], places[-1]):
        raise BadShapeError(f"ring {number} is not closed: its first and last position differ")
    return places


def _track(node: Node) -> Any:
    places = [
        _numbers((child.value() or "").split())
        for child in node.children
        if child.name == "coord" and child.value()
    ]
    if not places:
        raise BadShapeError("the track has no positions")
    whole = _even(places)
    return shapely.Point(whole[0]) if len(whole) == 1 else shapely.LineString(whole)


def _model(node: Node) -> Any:
    place = node.find("Location")
    named = {child.name: child.value() for child in place.children} if place else {}
    found = [named.get("longitude"), named.get("latitude"), named.get("altitude")]
    return shapely.Point(_numbers([value for value in found if value is not None]))


def _places(node: Node, least: int) -> NDArray[np.float64]:
    """(n, 2 or 3) longitudes, latitudes and heights in metres."""
    given = node.find("coordinates")
    text = _BEFORE_COMMA.sub(",", (given.value() if given else None) or "")
    places = [_numbers(place.split(",")) for place in text.split()]
    if len(places) < max(least, 1):
        few = "has no coordinates" if not places else f"has fewer than {least} positions"
        raise BadShapeError(f"the geometry {few}")
    return _even(places)


def _numbers(words: list[str]) -> list[float]:
    try:
        numbers = [float(word) for word in words if word]
    except ValueError:
        wrong = next(word for word in words if not _is_number(word))
        raise BadShapeError(f"a coordinate is not a number ({wrong[:40]!r})") from None
    if len(numbers) < 2:
        raise BadShapeError("a position has fewer than 2 coordinates")
    return numbers[:3]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _even(places: list[list[float]]) -> NDArray[np.float64]:
    """Positions of one length; a height that is missing beside others is 0, as on the ground."""
    size = max(len(place) for place in places)
    return np.array([place + [0.0] * (size - len(place)) for place in places])
