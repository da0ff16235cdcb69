"""What may be asked in a scenario: a list of patches on the inventory, parsed and checked, never a copy of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import shapely
from shapely.errors import ShapelyError

from app.catalogue.class_names import find_class
from app.catalogue.model import Catalogue, FeatureClass, Field
from app.errors import BadGeometry, BadInput, ChengtuError, unknown
from app.space.validity import clean

#: Patches a scenario may hold, and vertices the shape of one.
MAX_PATCHES = 50
MAX_VERTICES = 1_000
#: What is done to a feature, and what a patch must say for it beside its class.
DOINGS: Mapping[str, tuple[str, ...]] = {
    "add": ("geometry",),
    "remove": ("code",),
    "move": ("code", "geometry"),
    "close": ("code",),
    "open": ("code",),
    "change": ("code",),
    "street": ("geometry",),
}
MEMBERS = ("do", "class", "code", "geometry", "properties")
#: Classes that say where is measured, not what is there: a scenario leaves them as they are.
FRAMES = ("districts", "grid_cells", "built_up_areas", "historic_districts")
#: What of a drawn street counts, and what it is where nothing is said.
STREET_PROPERTIES = ("kind", "walk", "layer", "name_zh", "name_en")
MAX_TEXT = 1000
#: A larger number means nothing of one feature; NaN is no number either.
MAX_NUMBER = 1e12


@dataclass(frozen=True, slots=True)
class Patch:
    """One change: `shape` in lon/lat degrees (None: as it is), `properties` by field name, checked by the class."""

    do: str
    cls: str
    code: str | None = None
    shape: shapely.Geometry | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Patches in the order in which they are made, and a name for people."""

    name: str
    patches: tuple[Patch, ...]

    @property
    def classes(self) -> frozenset[str]:
        """The classes that are patched."""
        return frozenset(patch.cls for patch in self.patches)


def parse_scenario(catalogue: Catalogue, given: object) -> Scenario:
    """A scenario of plain values → a checked one.

    `{"name", "patches": [{"do": "add|remove|move|close|open|change|street", "class" (id, title or alias), "code",
    "geometry" (GeoJSON in lon/lat), "properties"}]}`. A `street` has no class; its ends are joined to the nearest
    streets.

    Raises:
    ------
    NotFound
        A class is unknown.
    BadInput, BadGeometry
        A member is missing or unknown, a property is not one of the class, a shape is not of its kind or not valid.
    """
    if not isinstance(given, Mapping):
        raise BadInput("A scenario is an object.", 'Send {"name": …, "patches": [{"do": "remove", …}]}.')
    _check_names(given, ("name", "patches"), "scenario")
    patches = given.get("patches")
    if not isinstance(patches, Sequence) or isinstance(patches, str) or not 0 < len(patches) <= MAX_PATCHES:
        raise BadInput(f"A scenario has 1 to {MAX_PATCHES} patches.", "List them under `patches`.")
    parsed = tuple(_numbered(catalogue, number, patch) for number, patch in enumerate(patches, 1))
    return Scenario(str(given.get("name") or "")[:MAX_TEXT], parsed)


def _numbered(catalogue: Catalogue, number: int, given: object) -> Patch:
    try:
        return _patch(catalogue, given)
    except ChengtuError as error:
        raise type(error)(f"Patch {number}: {error.message}", error.hint) from None


def _patch(catalogue: Catalogue, given: object) -> Patch:
    if not isinstance(given, Mapping):
        raise BadInput("It is not an object.", f"Its members are {', '.join(MEMBERS)}.")
    _check_names(given, MEMBERS, "patch")
    do = given.get("do")
    if not isinstance(do, str) or do not in DOINGS:
        raise BadInput(unknown("way to patch", str(do), DOINGS).message, f"Valid: {', '.join(DOINGS)}.")
    for name in DOINGS[do]:
        if given.get(name) in (None, ""):
            raise BadInput(f"To {do} a feature, `{name}` must be said.", f"Add the member `{name}`.")
    cls = find_class(catalogue, "streets" if do == "street" else str(given.get("class") or ""))
    if cls.id in FRAMES:
        raise BadInput(
            f"{cls.id} say where is measured; a scenario cannot change them.",
            "Patch facilities, gates, streets, residential areas or population cells.",
        )
    if do == "change" and not (given.get("geometry") or given.get("properties")):
        raise BadInput("To change a feature, say its new geometry or properties.", "Add one of the two.")
    drawn = given.get("geometry") not in (None, "") and do != "remove"
    shape = read_shape(given["geometry"], cls) if drawn else None
    code = None if given.get("code") in (None, "") else str(given["code"])[:MAX_TEXT]
    return Patch(do, cls.id, code, shape, _properties(cls, given.get("properties"), do))


def _check_names(given: Mapping[Any, Any], names: Sequence[str], what: str) -> None:
    for name in given:
        if name not in names:
            raise BadInput(
                unknown(f"member of a {what}", str(name), names).message, f"Valid: {', '.join(names)}."
            )


def read_shape(given: object, cls: FeatureClass) -> shapely.Geometry:
    """GeoJSON in lon/lat → a valid shape of the class's kind.

    Raises:
    ------
    BadGeometry
        It is no GeoJSON geometry, too large, not valid, outside the degrees of the earth or of another kind.
    """
    kind = f"{cls.id} are of kind {cls.geometry}; coordinates are [longitude, latitude]."
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        raise BadGeometry("The geometry is not GeoJSON.", kind)
    try:
        shape = shapely.geometry.shape(dict(given))
        vertices = int(shapely.get_num_coordinates(shape))
    except (ShapelyError, ValueError, OverflowError, TypeError, KeyError, AttributeError, IndexError):
        raise BadGeometry("The geometry is not GeoJSON.", kind) from None
    if vertices > MAX_VERTICES:
        raise BadGeometry(f"The shape has {vertices:,} vertices.", f"At most {MAX_VERTICES:,} are taken.")
    shapes = np.empty(1, dtype=object)
    shapes[0] = shape
    cleaned = clean(shapes, cls.geometry)
    if cleaned.refused:
        raise BadGeometry(f"The geometry cannot be used: {cleaned.refused[0]}.", kind)
    if cleaned.repaired:
        raise BadGeometry(
            f"The polygon is not valid: {cleaned.repaired[0].reason}.", "Draw it without crossing itself."
        )
    whole: shapely.Geometry = cleaned.geometry[0]
    return whole


def _properties(cls: FeatureClass, given: object, do: str) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadInput("The properties are not an object.", "Send field names with their values.")
    names = STREET_PROPERTIES if do == "street" else [item.name for item in cls.fields]
    for name in given:
        if name not in names:
            error = unknown(f"field of {cls.id}", str(name), names)
            raise BadInput(error.message, error.hint)
    return {str(name): _value(cls.get_field(str(name)), value) for name, value in given.items()}


def _value(item: Field, value: Any) -> Any:
    """The value of a field as the database gives it; None is unknown."""
    if value is None:
        return None
    if item.type == "choice":
        valid = [choice.value for choice in item.choices]
        if value not in valid:
            raise BadInput(
                unknown(f"value of {item.name}", str(value), valid).message, f"Valid: {', '.join(valid)}."
            )
        return value
    if item.type in ("integer", "number"):
        return _number(item, value)
    if item.type == "date":
        return _date(item, value)
    if not isinstance(value, bool if item.type == "boolean" else str):
        raise BadInput(f"{item.name} is a {item.type}, not {value!r}.", "Send another value, or null.")
    return value[:MAX_TEXT] if isinstance(value, str) else value


def _number(item: Field, value: Any) -> float | int:
    fits = not isinstance(value, bool) and isinstance(value, int | float) and abs(value) <= MAX_NUMBER
    if item.type == "integer":
        fits = fits and float(value).is_integer()
    low, high = item.minimum, item.maximum
    if not fits or (low is not None and value < low) or (high is not None and value > high):
        limits = (
            f"from {low} to {high}" if high is not None else f"of at least {low}" if low is not None else ""
        )
        raise BadInput(f"{item.name} must be a {item.type} {limits}, not {value!r}.".replace(" ,", ","), None)
    return int(value) if item.type == "integer" else float(value)


def _date(item: Field, value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadInput(f"{item.name} is not a date: {value!r}.", "Write it as 2026-05-31.") from None
