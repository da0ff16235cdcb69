"""What may be asked of a class: a frozen query, its values checked and brought to the fields' types. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from app.catalogue.model import FeatureClass, Field
from app.errors import BadInput, unknown
from app.inventory.times import NOW, Times

#: The most features one answer holds.
MAX_LIMIT = 10_000
#: Rows are counted up to this number; beyond it the planner's estimate is told.
COUNT_LIMIT = 5_000
#: Columns beside the declared fields by which rows may be chosen, with their type.
SYSTEM_FIELDS: Mapping[str, Literal["text", "integer", "number", "boolean"]] = {
    "code": "text",
    "area_path": "text",
    "incomplete": "boolean",
    "size_flag": "boolean",
    "min_zoom": "integer",
    "change_id": "integer",
    "length_m": "number",
    "area_m2": "number",
}
#: The properties that tell of when a feature is so: a day, and the day before which it ends; null where open.
VALID_FIELDS: Mapping[str, str] = {"valid_from": "lower(valid)", "valid_to": "upper(valid)"}
#: A box west, south, east, north in lon/lat; west above east crosses 180°.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """One page of a class.

    `bbox` is 4 numbers, or 6 with heights that are not used, in lon/lat; west above east crosses 180°. `after` is the
    id that the page before ended with. `where` maps field → allowed values, None meaning unknown. `area` is an area's
    code or name: features at home there. `properties` are the fields wanted (all by default). `zoom` leaves out what a
    map at that zoom does not draw and simplifies shapes to about a pixel. `geometry` False leaves shapes out (null).
    `count` tells how `numberMatched` is found: counted up to COUNT_LIMIT and estimated beyond, exactly, or not at all.
    `times` says which version of each feature is meant.
    """

    class_id: str
    bbox: Sequence[float] | None = None
    limit: int = 10
    after: int | None = None
    where: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    area: str | None = None
    properties: Sequence[str] | None = None
    zoom: int | None = None
    geometry: bool = True
    count: Literal["auto", "exact", "none"] = "auto"
    times: Times = NOW


def checked(cls: FeatureClass, query: FeatureQuery) -> FeatureQuery:
    """The query with values of the fields' types, or the reason why it cannot be run.

    Raises:
        BadInput: A limit, box, zoom, field or value that cannot be used.
    """
    if not 0 <= query.limit <= MAX_LIMIT:
        raise BadInput(f"The limit must lie between 0 and {MAX_LIMIT}, not be {query.limit}.")
    if query.zoom is not None and not 0 <= query.zoom <= 24:
        raise BadInput(f"The zoom must lie between 0 and 24, not be {query.zoom}.")
    return replace(
        query,
        bbox=None if query.bbox is None else _box(query.bbox),
        where=checked_where(cls, query.where),
        properties=None if query.properties is None else _properties(cls, query.properties),
    )


def _box(numbers: Sequence[float]) -> Box:
    """The box in two dimensions."""
    if len(numbers) not in {4, 6}:
        raise BadInput(
            f"A bbox has 4 or 6 numbers, not {len(numbers)}.", "Write west,south,east,north in degrees."
        )
    half = len(numbers) // 2
    west, south, east, north = (
        float(numbers[0]),
        float(numbers[1]),
        float(numbers[half]),
        float(numbers[half + 1]),
    )
    if not all(math.isfinite(number) for number in (west, south, east, north)):
        raise BadInput("Each number of a bbox must be finite.")
    if south > north:
        raise BadInput(f"The south of the bbox ({south}) lies north of its north ({north}).")
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise BadInput(
            "The bbox leaves the world.", "Longitudes lie within ±180 and latitudes within ±90 degrees."
        )
    return west, south, east, north


def boxes(box: Sequence[float]) -> list[Box]:
    """The box as one box, or as two where it crosses 180°."""
    west, south, east, north = box
    if west <= east:
        return [(west, south, east, north)]
    return [(west, south, 180.0, north), (-180.0, south, east, north)]


def field_names(cls: FeatureClass) -> list[str]:
    """All names by which rows may be chosen and which may be asked for as properties."""
    return ["code", *(item.name for item in cls.fields), *derived_names(cls)]


def derived_names(cls: FeatureClass) -> list[str]:
    """The columns beside code and fields that a feature shows."""
    sizes = {"line": ["length_m"], "polygon": ["area_m2", "size_flag"], "mixed": ["area_m2", "size_flag"]}
    return ["area_path", *sizes.get(cls.geometry, []), "incomplete", "min_zoom", "change_id"]


def property_names(cls: FeatureClass) -> list[str]:
    """All properties that a feature shows."""
    return [*field_names(cls), *VALID_FIELDS]


def _properties(cls: FeatureClass, names: Sequence[str]) -> tuple[str, ...]:
    valid = property_names(cls)
    for name in names:
        if name not in valid:
            raise _bad_name(cls, name, valid)
    return tuple(name for name in valid if name in names)


def checked_where(cls: FeatureClass, where: Mapping[str, Sequence[Any]]) -> dict[str, tuple[Any, ...]]:
    """Field → allowed values of the field's type; texts are read as the field's type, None stays None."""
    valid = field_names(cls)
    result = {}
    for name, values in where.items():
        if name not in valid:
            raise _bad_name(cls, name, valid)
        result[name] = tuple(None if value is None else _value(cls, name, value) for value in values)
    return result


def _bad_name(cls: FeatureClass, name: str, valid: Sequence[str]) -> BadInput:
    error = unknown(f"field of {cls.id}", name, valid)
    return BadInput(error.message, error.hint)


def _value(cls: FeatureClass, name: str, value: Any) -> Any:
    kind = SYSTEM_FIELDS.get(name) or cls.get_field(name).type
    try:
        read = _READ[kind](value)
    except (TypeError, ValueError, KeyError) as error:
        raise BadInput(f"'{value}' is no {kind} value for {name}.") from error
    if kind == "choice":
        _check_choice(cls.get_field(name), read)
    return read


def _check_choice(item: Field, value: str) -> None:
    valid = [choice.value for choice in item.choices]
    if value not in valid:
        error = unknown(f"value of {item.name}", value, valid)
        raise BadInput(error.message, error.hint)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[str(value).lower()]


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _integer(value: Any) -> int:
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError(value)
    return number


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _text(value: Any) -> str:
    text = str(value)
    if "\x00" in text:
        raise ValueError(value)
    return text


_READ: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "choice": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}
