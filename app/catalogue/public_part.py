"""What of a catalogue somebody may see: the classes and fields up to a level of sensitivity, without hidden values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import get_args

from app.catalogue.model import REMEMBERED, Catalogue, FeatureClass, Field, OsmRule, Sensitivity, ZoomRule

#: From what anybody may know to what few may.
LEVELS: tuple[Sensitivity, ...] = get_args(Sensitivity)


def lower(first: Sensitivity, second: Sensitivity) -> Sensitivity:
    """The level of the two that shows less."""
    return min(first, second, key=LEVELS.index)


def seen_by(level: Sensitivity) -> tuple[Sensitivity, ...]:
    """The levels up to `level`."""
    return LEVELS[: LEVELS.index(level) + 1]


def may_see(level: Sensitivity, sensitivity: Sensitivity) -> bool:
    """Whether who may see up to `level` may see what is so sensitive."""
    return LEVELS.index(sensitivity) <= LEVELS.index(level)


@lru_cache(maxsize=len(LEVELS) * REMEMBERED)
def part_of(catalogue: Catalogue, level: Sensitivity) -> Catalogue:
    """The catalogue as one sees it who may see up to `level`; the same object for "restricted", who sees all.

    Classes and fields above the level are not in it, nor the values that only hidden rows have. A class of which
    nothing is hidden is the same object in all parts, so that what is kept of it is kept once. What checks or writes
    stored rows needs the whole catalogue: it meets the hidden values.
    """
    if level == "restricted":
        return catalogue
    shown = [cls for cls in catalogue.classes.values() if may_see(level, cls.sensitivity)]
    return replace(
        catalogue,
        classes={cls.id: _part_class(cls, level) for cls in shown},
        level=level,
        whole=catalogue.stored,
    )


def parts_of(catalogue: Catalogue) -> dict[Sensitivity, Catalogue]:
    """The part of each level."""
    return {level: part_of(catalogue, level) for level in LEVELS}


def public_part(catalogue: Catalogue) -> Catalogue:
    """What anybody may see."""
    return part_of(catalogue, "public")


def _part_class(cls: FeatureClass, level: Sensitivity) -> FeatureClass:
    """The class without the fields above a level below "restricted", and without the values that hide a row."""
    fields = tuple(
        _without(item, cls.restricted_rows.get(item.name, frozenset()))
        for item in cls.fields
        if may_see(level, item.sensitivity)
    )
    if fields == cls.fields:
        return cls
    names = {item.name for item in fields}
    return replace(
        cls,
        fields=fields,
        zooms=_zooms(cls, names),
        osm=tuple(_rule(rule, names) for rule in cls.osm if not _implies_hidden(cls, rule)),
        z=cls.z if names.issuperset(cls.z) else (),
        owned_by=tuple(name for name in cls.owned_by if name in names),
    )


def _without(field: Field, hidden: frozenset[str]) -> Field:
    if not hidden:
        return field
    return replace(
        field,
        choices=tuple(choice for choice in field.choices if choice.value not in hidden),
        osm_values={tag: value for tag, value in field.osm_values.items() if value not in hidden},
        default=None if field.default in hidden else field.default,
    )


def _zooms(cls: FeatureClass, names: set[str]) -> tuple[ZoomRule, ...]:
    """The rules that still tell something: a condition on what is hidden would tell of it."""
    rules = []
    for rule in cls.zooms:
        where: Mapping[str, tuple[object, ...]] = {
            name: tuple(value for value in values if value not in cls.restricted_rows.get(name, frozenset()))
            for name, values in rule.where.items()
        }
        if names.issuperset(where) and all(where.values()):
            rules.append(replace(rule, where=where))
    return tuple(rules)


def _implies_hidden(cls: FeatureClass, rule: OsmRule) -> bool:
    """Whether every object of an OSM rule is a row that is hidden."""
    return any(rule.set.get(name) in values for name, values in cls.restricted_rows.items())


def _rule(rule: OsmRule, names: set[str]) -> OsmRule:
    known = {name: value for name, value in rule.set.items() if name in names}
    return rule if len(known) == len(rule.set) else replace(rule, set=known)
