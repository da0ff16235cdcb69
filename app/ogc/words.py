"""A collection's own words in one language: titles with units, values as they are read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from app.catalogue.model import Catalogue, Lang
from app.ogc.queryables import Queryable, queryables_of
from app.ogc.run_collections import RUN_COLLECTIONS
from app.web.amounts import unit_title

#: Types as a reader says them.
TYPES = {
    "text": ("文本", "text"),
    "integer": ("整数", "whole number"),
    "number": ("数值", "number"),
    "boolean": ("是否", "yes or no"),
    "date": ("日期", "date"),
    "datetime": ("时刻", "moment"),
    "geometry": ("几何", "geometry"),
    "array": ("列表", "list"),
}
AREA_PATH = "area_path"
NO_AREAS: Mapping[str, str] = MappingProxyType({})
YES = {"zh": ("否", "是"), "en": ("no", "yes")}


@dataclass(frozen=True, slots=True)
class Words:
    """What the names and values of a collection mean; names stay as they are where nothing is declared.

    `areas` code → name of the areas that a path of codes leads through.
    """

    title: str
    fields: Mapping[str, Queryable]
    lang: Lang
    areas: Mapping[str, str] = field(default_factory=dict)

    def field(self, name: str) -> str:
        """A field's title with its unit."""
        found = self.fields.get(name)
        if found is None:
            return name
        title = found.title.in_(self.lang)
        unit = "" if (self.lang, found.unit) == ("en", "pieces") else unit_title(found.unit, self.lang)
        # Some titles say their unit themselves.
        return f"{title} ({unit})" if unit and title[-1] not in ")）" else title

    def kind(self, name: str) -> str:
        """A field's type."""
        zh, en = TYPES[self.fields[name].type]
        return zh if self.lang == "zh" else en

    def choices(self, name: str) -> str:
        """The values that a field may have, each with its title."""
        found = [f"{choice.value} {choice.title.in_(self.lang)}" for choice in self.fields[name].choices]
        return ("、" if self.lang == "zh" else ", ").join(found)

    def example(self, features: Iterable[Mapping[str, object]]) -> str:
        """A filter that these features match, else one that some may: by a choice, else a number, else the code."""
        known = next(iter(features), {})
        choices = [item for item in self.fields.values() if item.choices]
        if choices:
            item = next((item for item in choices if known.get(item.name)), choices[0])
            return f"{item.name} = '{known.get(item.name) or item.choices[0].value}'"
        number = next((item.name for item in self.fields.values() if item.type == "number"), None)
        return f"{number} >= 0" if number else "code IS NOT NULL"

    def is_number(self, name: str) -> bool:
        """Whether a column stands right."""
        return name in self.fields and self.fields[name].type in {"integer", "number"}

    def value(self, name: str, value: object) -> str:
        """A value as it is read: a choice by its title, a measure with two decimals, nothing for what is not known."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return YES[self.lang][value]
        if isinstance(value, float):
            return f"{value:,.2f}".rstrip("0").rstrip(".")
        if name == AREA_PATH:
            return " › ".join(self.areas.get(code, code) for code in str(value).split("/"))
        found = self.fields.get(name)
        titles = {choice.value: choice.title.in_(self.lang) for choice in found.choices} if found else {}
        return titles.get(str(value), str(value))


def words_of(catalogue: Catalogue, collection: str, lang: Lang, areas: Mapping[str, str] = NO_AREAS) -> Words:
    """The words of a class or of a collection of runs; raises NotFound."""
    runs = RUN_COLLECTIONS.get(collection)
    title = runs.title if runs else catalogue.get_class(collection).title
    return Words(title.in_(lang), queryables_of(catalogue, collection), lang, areas)
