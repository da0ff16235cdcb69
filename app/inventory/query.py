"""What may be asked of a class: a frozen query, its values checked and brought to the fields' types. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

from app.catalogue.model import FeatureClass, Field
from app.errors import BadInput, unknown
from app.inventory.ordering import Kind, Position, SortKey
from app.inventory.tables import quoted
from app.inventory.times import NOW, Times
from app.space.served_crs import served_crs

#: The most features one answer holds.
MAX_LIMIT = 10_000
#: Rows are counted up to this number; beyond it the planner's estimate is told.
COUNT_LIMIT = 5_000
#: Columns beside the declared fields by which rows may be chosen, with their type.
SYSTEM_FIELDS: Mapping[str, Literal["text", "integer", "number", "boolean"]] = {
    "id": "integer",
    "code": "text",
    "area_path": "text",
    "incomplete": "boolean",
    "size_flag": "boolean",
    "min_zoom": "integer",
    "change_id": "integer",
    "length_m": "number",
    "area_m2": "number",
}
#: Those that are never null.
ALWAYS_FILLED = frozenset({"id", "code", "area_path", "incomplete", "size_flag", "min_zoom", "change_id"})
#: The properties that tell of when a feature is so: a day, and the day before which it ends; null where open.
VALID_FIELDS: Mapping[str, str] = {"valid_from": "lower(valid)", "valid_to": "upper(valid)"}
#: A box west, south, east, north in lon/lat; west above east crosses 180°.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter as SQL over a row: `values` are bound by name (`%(c_0)s`), `columns` are those that it reads."""

    sql: str
    values: Mapping[str, Any]
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """One page of a class.

    `bbox` is 4 numbers, or 6 with heights that are not used, x before y in the system `bbox_srid`; in degrees (and in
    EPSG:3857) west above east crosses 180°. `ids` are the wanted features' ids. `where` maps field → allowed values,
    None meaning unknown; `condition` is a filter beside it. `area` is an area's code or name: features at home there.
    `properties` are the fields wanted (all by default). `zoom` leaves out what a map at that zoom does not draw and
    simplifies shapes to about a pixel. `geometry` False leaves shapes out (null). `srid` is the system of the
    coordinates that come back, x before y unless `north_first`.
    `sortby` are names with whether they descend, unknown values last; the id decides among equals. The page begins
    `after` a place in that order, or ends `before` one.
    `count` tells how `numberMatched` is found: counted up to COUNT_LIMIT and estimated beyond, exactly, or not at all;
    `matched` is that number and whether it is exact, where the page before has found it out.
    `times` says which version of each feature is meant.
    """

    class_id: str
    bbox: Sequence[float] | None = None
    limit: int = 10
    after: Position | None = None
    where: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    area: str | None = None
    properties: Sequence[str] | None = None
    zoom: int | None = None
    geometry: bool = True
    count: Literal["auto", "exact", "none"] = "auto"
    times: Times = NOW
    before: Position | None = None
    bbox_srid: int = 4326
    ids: Sequence[int] | None = None
    condition: Condition | None = None
    sortby: Sequence[tuple[str, bool]] = ()
    srid: int = 4326
    north_first: bool = False
    matched: tuple[int, bool] | None = None

    @property
    def every(self) -> bool:
        """Whether all features of the class are meant, as they are now."""
        chosen = (self.bbox, self.ids, self.condition, self.area, self.zoom)
        return not self.where and self.times.now and all(item is None for item in chosen)


def checked(cls: FeatureClass, query: FeatureQuery) -> FeatureQuery:
    """The query with values of the fields' types, or the reason why it cannot be run.

    Raises:
        BadInput: A limit, box, zoom, field, order, page or value that cannot be used.
    """
    if query.zoom is not None and not 0 <= query.zoom <= 24:
        raise BadInput(f"The zoom must lie between 0 and 24, not be {query.zoom}.")
    changed = _checked_members(query, sort_keys(cls, query.sortby))
    return replace(
        query,
        **changed,
        where=checked_where(cls, query.where) if query.where else {},
        properties=None if query.properties is None else _properties(cls, query.properties),
    )


def checked_page(query: FeatureQuery, keys: Sequence[SortKey]) -> FeatureQuery:
    """The query with its limit, box and places checked; `keys` are those of its order. Raises as `checked`."""
    return replace(query, **_checked_members(query, keys))


def _checked_members(query: FeatureQuery, keys: Sequence[SortKey]) -> dict[str, Any]:
    """The members whose check needs no class."""
    if not 0 <= query.limit <= MAX_LIMIT:
        raise BadInput(f"The limit must lie between 0 and {MAX_LIMIT}, not be {query.limit}.")
    if query.after is not None and query.before is not None:
        raise BadInput("A page begins after a place or ends before one.", "Give one of 'after' and 'before'.")
    return {
        "bbox": None if query.bbox is None else checked_box(query.bbox, query.bbox_srid),
        "after": None if query.after is None else _position(keys, query.after),
        "before": None if query.before is None else _position(keys, query.before),
    }


def sortable_names(cls: FeatureClass) -> list[str]:
    """All names by which features may be sorted."""
    return ["id", *property_names(cls)]


def sort_keys(cls: FeatureClass, sortby: Sequence[tuple[str, bool]]) -> tuple[SortKey, ...]:
    """The keys of an order; raises BadInput, with the names that can be, for one that cannot be sorted by."""
    valid = sortable_names(cls) if sortby else []
    for name, _ in sortby:
        if name not in valid:
            raise BadInput(f"{cls.id} cannot be sorted by '{name}'.", f"Sort by one of: {', '.join(valid)}.")
    return tuple(
        SortKey(name, column_sql(name), kind_of(cls, name), down, name in ALWAYS_FILLED)
        for name, down in sortby
    )


def column_sql(name: str) -> str:
    """A property as SQL over a row."""
    return VALID_FIELDS.get(name) or quoted(name)


def kind_of(cls: FeatureClass, name: str) -> Kind:
    """The type of a property."""
    if name in VALID_FIELDS:
        return "date"
    return SYSTEM_FIELDS.get(name) or cls.get_field(name).type


def _position(keys: Sequence[SortKey], given: Position) -> Position:
    """The place with values of the keys' types.

    Raises:
        BadInput: It is a place in another order.
    """
    if len(given.values) != len(keys):
        raise BadInput("The page is one of another order.", "Keep 'sortby' as it was on the page before.")
    values = (
        None if value is None else read_value(key.kind, key.name, value)
        for key, value in zip(keys, given.values, strict=True)
    )
    return Position(given.id, tuple(values))


def checked_box(numbers: Sequence[float], srid: int = 4326) -> Box:
    """The box in two dimensions, of numbers in the system `srid`, x before y; raises BadInput where it is none."""
    crs = served_crs(srid)
    if len(numbers) not in {4, 6}:
        raise BadInput(
            f"A bbox has 4 or 6 numbers, not {len(numbers)}.", "Write west,south,east,north in degrees."
        )
    half = len(numbers) // 2
    chosen = (numbers[0], numbers[1], numbers[half], numbers[half + 1])
    west, south, east, north = (float(number) for number in chosen)
    if not all(math.isfinite(number) for number in (west, south, east, north)):
        raise BadInput("Each number of a bbox must be finite.")
    if south > north:
        raise BadInput(f"The south of the bbox ({south}) lies north of its north ({north}).")
    if west > east and not crs.wraps:
        raise BadInput(
            f"The west of the bbox ({west}) lies east of its east ({east}).",
            f"EPSG:{crs.srid} does not reach across 180°: give the lower number first.",
        )
    if crs.stored and (max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90):
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
    read = read_value(kind, name, value)
    if kind == "choice":
        _check_choice(cls.get_field(name), read)
    return read


def read_value(kind: Kind, name: str, value: Any) -> Any:
    """A value of the type `kind`, from a text or a plain value; raises BadInput where it is none."""
    try:
        return _READ[kind](value)
    except (TypeError, ValueError, KeyError) as error:
        raise BadInput(f"'{value}' is no {kind} value for {name}.") from error


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


def _moment(value: Any) -> datetime:
    """A moment; without a zone it is in UTC."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


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
    "datetime": _moment,
}
