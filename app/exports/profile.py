"""Rows of city components under the attributes of their standard: its short names, its dates, its words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from app.catalogue.code_rules import parse_component
from app.catalogue.model import CodeItem, CodeSystem, FeatureClass, Title
from app.errors import BadInput, unknown
from app.exports import arrow
from app.exports.model import ExportColumn, ExportLayer

#: Profile → the edition whose attributes it writes.
PROFILES: Mapping[str, str] = {"gbt47678": "gbt47678_2026"}
#: Attribute → (level of the home area that it tells of, its name or the digits of its code).
PLACES: Mapping[str, tuple[str, int | None]] = {
    "SZDYWGBSM": ("grid", 15),
    "SZJDDM": ("subdistrict", 9),
    "SZJDMC": ("subdistrict", None),
    "SZSQDM": ("community", 12),
    "SZSQMC": ("community", None),
}
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class AreaName:
    """An area as a home of features: its level, its official code and its name."""

    level: str
    official: str
    name: str | None


def get_profile(systems: Mapping[str, CodeSystem], name: str) -> CodeSystem:
    """The edition whose attributes the profile `name` writes.

    Raises:
        NotFound: There is no such profile.
    """
    if name not in PROFILES or PROFILES[name] not in systems:
        raise unknown("profile", name, PROFILES)
    return systems[PROFILES[name]]


def as_profile(
    layer: ExportLayer, cls: FeatureClass, system: CodeSystem, areas: Mapping[str, AreaName]
) -> tuple[ExportLayer, dict[str, int]]:
    """The layer with the attributes of `system` alone, and attribute → rows that lack it though it is mandatory.

    `areas` names the areas of the home paths by code. What a row says itself counts before what follows from its place
    or its id; an id of another edition is left out.

    Raises:
        BadInput: The class holds no city components.
    """
    attributes = system.tables["attribute"]
    if system.id not in cls.components:
        raise BadInput(
            f"{cls.id} are no city components of {system.standard}.", "Export them without a profile."
        )
    # The key besides, or a row without an official id would come back as another object.
    key = ExportColumn("code", "text", Title("编码", "Code"))
    columns = (
        key,
        *(ExportColumn(item.code, "text", Title(item.name, item.code)) for item in attributes.values()),
    )

    def change(batch: Any) -> Any:
        rows = _Rows(dict(zip(names, arrow.rows(batch), strict=True)), len(batch), cls, system, areas)
        values = [rows.get("code"), *(rows.column(item) for item in attributes.values())]
        return arrow.made(columns, values, batch.columns[-1])

    names = [column.name for column in layer.columns]
    made = replace(arrow.changed_reader(layer, change), columns=columns, measure=dict)
    return made, _count_missing(made, attributes.values())


def _count_missing(layer: ExportLayer, attributes: Iterable[CodeItem]) -> dict[str, int]:
    """Mandatory attribute → rows that lack it; the rows are read for it."""
    mandatory = [item.code for item in attributes if item.facts["need"] == "mandatory"]
    missing = dict.fromkeys(mandatory, 0)
    for batch in layer.read():
        for name in mandatory:
            missing[name] += batch.column(name).null_count
    return {name: count for name, count in missing.items() if count}


class _Rows:
    """The rows of a batch, asked attribute by attribute."""

    def __init__(
        self,
        columns: Mapping[str, Sequence[Any]],
        count: int,
        cls: FeatureClass,
        system: CodeSystem,
        areas: Mapping[str, AreaName],
    ) -> None:
        self._columns = columns
        self._count = count
        self._system, self._areas = system, areas
        self._words = {
            field.name: {choice.value: choice.title.zh for choice in field.choices} for field in cls.fields
        }
        self._homes = [self._home(path) for path in self.get("area_path")]

    def get(self, name: str) -> Sequence[Any]:
        """The values of a column (n), None throughout where there is none."""
        return self._columns.get(name, [None] * self._count)

    def _home(self, path: str | None) -> dict[str, AreaName]:
        areas = (self._areas.get(code) for code in (path or "").split("/"))
        return {area.level: area for area in areas if area is not None}

    def column(self, item: CodeItem) -> list[str | None]:
        """The attribute's values (n), None where a row has none."""
        field = item.facts["field"]
        words = self._words.get(field, {})
        own = [None if value is None else _text(words.get(value, value)) for value in self.get(field)]
        if field == "component_code":
            own = [
                code if system == self._system.id else None
                for code, system in zip(own, self.get("code_system"), strict=True)
            ]
        return [value or self._other(item.code, i) for i, value in enumerate(own)]

    def _other(self, attribute: str, i: int) -> str | None:
        """What follows from the place or the id of a row that says nothing of an attribute itself."""
        if attribute == "GLBJMC":
            return self._kind(i)
        level, digits = PLACES.get(attribute, ("", None))
        area = self._homes[i].get(level)
        if area is None:
            return None
        return area.name if digits is None else _official(area.official, digits)

    def _kind(self, i: int) -> str | None:
        """The name of the kind that the row's id names."""
        code = self.get("component_code")[i]
        if code is None or self.get("code_system")[i] != self._system.id:
            return None
        try:
            kind = parse_component({self._system.id: self._system}, self._system.id, code).kind
        except BadInput:
            return None
        return kind.name if kind is not None else None


def _text(value: Any) -> str:
    return value.strftime("%Y%m%d") if isinstance(value, date) else str(value)


def _official(code: str, digits: int) -> str | None:
    """The first `digits` of an official code; a city's own numbering is none."""
    return code[:digits] if len(code) >= digits and _DIGITS.fullmatch(code) else None
