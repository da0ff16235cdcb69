"""A layer of mixed city components, one layer a class: the kind that each row's official id names tells its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.catalogue.code_rules import find_home, parse_component
from app.catalogue.model import FeatureClass, Field
from app.errors import ChengtuError
from app.ingest.headings import match_headings
from app.ingest.layer import Layer, take
from app.inventory.batch import Reject
from app.validation.components import ID, SYSTEM, Official
from app.validation.values import BadValue, converter

NO_CLASS = "the row's id does not tell its class"
HINT = "Name the code system with --code-system, or the class with --class."


@dataclass(frozen=True, slots=True)
class Routed:
    """`layers` with their classes, and the rows `lost` whose class no id tells."""

    layers: Sequence[tuple[Layer, FeatureClass | None]]
    lost: list[Reject]


def route(layer: Layer, official: Official) -> Routed | None:
    """The rows of `layer` by the classes that their ids name; None where no row's id tells a class."""
    ids, systems = _ids(layer, official)
    homes = [_home(code, system, official) for code, system in zip(ids, systems, strict=True)]
    if not any(homes):
        return None
    classes = dict.fromkeys(cls.id for cls in homes if cls is not None)
    places = {
        name: [i for i, cls in enumerate(homes) if cls is not None and cls.id == name] for name in classes
    }
    layers = [(take(layer, rows), official.catalogue.classes[name]) for name, rows in places.items()]
    lost = [Reject(layer.rows[i], ID, ids[i], NO_CLASS, HINT) for i, cls in enumerate(homes) if cls is None]
    return Routed([(replace(part, name=f"{layer.name}/{cls.id}"), cls) for part, cls in layers], lost)


def _ids(layer: Layer, official: Official) -> tuple[list[str | None], list[str | None]]:
    """The id and the code system of each row, None where it states none."""
    nothing: list[str | None] = [None] * len(layer.rows)
    sample = next((cls for cls in official.catalogue.classes.values() if cls.components), None)
    if sample is None:
        return nothing, nothing
    meaning = match_headings(layer.columns, sample)
    headings = {field.name: heading for heading, field in meaning.fields.items()}
    if meaning.key is not None and meaning.key_field is not None:
        headings.setdefault(meaning.key_field.name, meaning.key)
    ids, systems = (
        _values(layer.columns[headings[name]], sample.get_field(name)) if name in headings else nothing
        for name in (ID, SYSTEM)
    )
    return ids, [system or official.system for system in systems]


def _values(raw: Sequence[Any], field: Field) -> list[str | None]:
    convert = converter(field)
    found: list[str | None] = []
    for value in raw:
        try:
            found.append(convert(value))
        except BadValue:
            found.append(None)
    return found


def _home(code: str | None, system: str | None, official: Official) -> FeatureClass | None:
    if code is None or system is None:
        return None
    try:
        kind = parse_component(official.catalogue.codes, system, code).kind
    except ChengtuError:
        return None
    return find_home(official.catalogue.classes.values(), system, kind.code) if kind is not None else None
