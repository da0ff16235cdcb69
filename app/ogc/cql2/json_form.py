"""Reads CQL2 JSON (OGC 21-065r2 §8.2, Annex C): the objects as they stand, nothing guessed."""

from __future__ import annotations

import json
from typing import Any

import shapely

from app.errors import BadInput
from app.ogc.cql2.gate import check_json_depth
from app.ogc.cql2.literals import read_box, read_date, read_interval, read_shape, read_timestamp
from app.ogc.cql2.tree import Call, Items, Node, Property, Shape, Value

_HINT = 'For example: {"op": "=", "args": [{"property": "kind"}, "public"]}.'
#: The members that tell what an object is, of which it must have one.
_KINDS = ("op", "property", "date", "timestamp", "interval", "bbox", "type")


def read_json(text: str) -> Node:
    """The tree of a filter in CQL2 JSON; raises BadInput."""
    check_json_depth(text)
    try:
        plain = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The filter is no JSON: {str(error)[:100]}.", _HINT) from None
    return _node(plain)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _node(plain: Any) -> Node:
    if isinstance(plain, dict):
        return _object(plain)
    if isinstance(plain, list):
        return Items(tuple(_node(item) for item in plain))
    if isinstance(plain, str):
        _check_text(plain)
    return Value(plain)


def _check_text(text: str) -> None:
    if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise BadInput("The filter holds a character that no text can hold.", "Write it in UTF-8.")


def _object(plain: dict[str, Any]) -> Node:
    kind = next((name for name in _KINDS if name in plain), None)
    match kind:
        case "op":
            return _call(plain)
        case "property":
            return Property(_text(plain, "property"))
        case "date":
            return read_date(plain["date"])
        case "timestamp":
            return read_timestamp(plain["timestamp"])
        case "interval":
            return _interval(plain["interval"])
        case "bbox":
            return read_box(_list(plain, "bbox"))
        case "type":
            return _shape(plain)
    raise BadInput("An object of the filter is neither an operation nor a value.", _HINT)


def _call(plain: dict[str, Any]) -> Call:
    op = _text(plain, "op").lower()
    args = tuple(_node(item) for item in _list(plain, "args"))
    return Call("<>" if op == "!=" else op, args)


def _interval(ends: Any) -> Node:
    if not isinstance(ends, list) or len(ends) != 2:
        raise BadInput("An interval has two ends.", 'Write {"interval": ["2021-01-01", ".."]}.')
    start, end = (item if isinstance(item, str) else _node(item) for item in ends)
    return read_interval(start, end)


def _shape(plain: dict[str, Any]) -> Shape:
    kind = _text(plain, "type")
    if kind != "GeometryCollection":
        return read_shape(kind, plain.get("coordinates"))
    parts = [_object(item) if isinstance(item, dict) else None for item in _list(plain, "geometries")]
    shapes = [part for part in parts if isinstance(part, Shape)]
    if len(shapes) < len(parts) or _holds_collection(shapes):
        raise BadInput(
            "A GeometryCollection of the filter holds something that is no simple geometry.", _HINT
        )
    return read_shape(kind, shapes)


def _holds_collection(shapes: list[Shape]) -> bool:
    found = {int(shapely.get_type_id(shape.geometry)) for shape in shapes}
    return shapely.GeometryType.GEOMETRYCOLLECTION in found


def _text(plain: dict[str, Any], name: str) -> str:
    value = plain[name]
    if not isinstance(value, str):
        raise BadInput(f"'{name}' in the filter must be a text.", _HINT)
    _check_text(value)
    return value


def _list(plain: dict[str, Any], name: str) -> list[Any]:
    value = plain.get(name)
    if not isinstance(value, list):
        raise BadInput(f"'{name}' in the filter must be a list.", _HINT)
    return value
