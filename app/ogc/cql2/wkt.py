"""Geometries in CQL2 text: WKT with its type in any case, and BBOX."""

from __future__ import annotations

from typing import Any

from app.errors import BadInput
from app.ogc.cql2.gate import MAX_VERTICES
from app.ogc.cql2.literals import WKT_TYPES, read_box, read_shape
from app.ogc.cql2.tokens import Words
from app.ogc.cql2.tree import Box, Shape

#: How deep the coordinates of a type lie.
_DEPTHS = {
    "point": 0, "linestring": 1, "multipoint": 1, "polygon": 2, "multilinestring": 2, "multipolygon": 3,
}  # fmt: skip
_DIMENSIONS = ("z", "m", "zm")


def find_type(words: Words, name: str) -> str | None:
    """The type that a name just read begins, its `Z` gone past: `POINT(`, `POINT Z (`, `POINTZ(`; else None."""
    plain = next(
        (name.removesuffix(end) for end in ("zm", "z", "m", "") if name.removesuffix(end) in WKT_TYPES), None
    )
    if plain is None:
        return None
    if plain == name and words.token.word in _DIMENSIONS and words.ahead == "(":
        words.take()
    return plain if words.token.word == "(" else None


def read_wkt(words: Words, kind: str) -> Shape:
    """The geometry of a type whose parenthesis stands next; raises BadInput."""
    if kind == "geometrycollection":
        parts: Any = words.list(lambda: _part(words))
    elif kind == "point":
        parts = words.list(lambda: _position(words))
        if len(parts) != 1:
            raise words.fail()
        parts = parts[0]
    else:
        parts = _nested(words, kind, _DEPTHS[kind])
    return read_shape(WKT_TYPES[kind], parts)


def read_bbox(words: Words) -> Box:
    """The box whose parenthesis stands next; raises BadInput."""
    return read_box(words.list(lambda: _number(words)))


def _part(words: Words) -> Shape:
    token = words.expect("name")
    kind = find_type(words, token.word)
    if kind is None or kind == "geometrycollection":
        raise words.fail(token)
    return read_wkt(words, kind)


def _nested(words: Words, kind: str, depth: int) -> list[Any]:
    if depth == 1:
        return words.list(lambda: _member(words) if kind == "multipoint" else _position(words))
    return words.list(lambda: _nested(words, kind, depth - 1))


def _member(words: Words) -> list[float]:
    """A place of a MULTIPOINT, which may stand in parentheses of its own."""
    if words.token.word != "(":
        return _position(words)
    (place,) = words.list(lambda: _position(words)) or [[]]
    return place


def _position(words: Words) -> list[float]:
    place = [_number(words)]
    while words.token.word not in {",", ")"}:
        place.append(_number(words))
        if len(place) > MAX_VERTICES:
            raise words.fail()
    return place


def _number(words: Words) -> float:
    sign = -1.0 if words.takes("-") else 1.0
    if sign > 0:
        words.takes("+")
    token = words.expect("number")
    value = float(token.text)
    if value == float("inf"):
        raise BadInput("The coordinates of a filter must be finite numbers.")
    return sign * value
