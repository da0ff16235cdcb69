"""Reads who may see a class: its level and those of its fields, which rows are restricted, whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast, get_args

from app.catalogue.model import FeatureClass, Field, Sensitivity
from app.catalogue.source import Entry

SENSITIVITIES: tuple[str, ...] = get_args(Sensitivity)
#: The keys by which a class says it.
KEYS = ("sensitivity", "restricted", "owned_by")
#: The fields that say whose a row is, where the class does not.
OWNERS = ("owner", "maintainer")


def read_sensitivity(entry: Entry) -> Sensitivity:
    """A level."""
    return cast("Sensitivity", entry.choice(SENSITIVITIES))


def with_sensitivity(cls: FeatureClass, found: Mapping[str, Entry]) -> FeatureClass:
    """The class as the keys say that are there; `fields` of a class are read already. Raises BadDeclaration."""
    fields = {item.name: item for item in cls.fields}
    level = read_sensitivity(found["sensitivity"]) if "sensitivity" in found else cls.sensitivity
    rows = _read_rows(found["restricted"], level, fields) if "restricted" in found else cls.restricted_rows
    return replace(
        cls,
        sensitivity=level,
        restricted_rows={} if level == "restricted" else rows,
        owned_by=_read_owners(found["owned_by"], fields) if "owned_by" in found else cls.owned_by,
    )


def amended(cls: FeatureClass, entry: Entry) -> FeatureClass:
    """A class with what a city says otherwise of who may see it: the keys of a class, and `fields`: name → level.

    Raises BadDeclaration.
    """
    found = entry.record((), (*KEYS, "fields"))
    levels: dict[str, Sensitivity] = {}
    for name, level in found["fields"].members() if "fields" in found else ():
        level.one_of(name, [item.name for item in cls.fields], "field")
        levels[name] = read_sensitivity(level)
    fields = tuple(
        replace(item, sensitivity=levels[item.name]) if item.name in levels else item for item in cls.fields
    )
    changed = with_sensitivity(replace(cls, fields=fields), found)
    for name in changed.restricted_rows:
        _check_decides(entry.nearest("fields", name), changed.get_field(name))
    return changed


def _read_rows(entry: Entry, level: Sensitivity, fields: Mapping[str, Field]) -> dict[str, frozenset[str]]:
    """Which rows of the class are restricted: the values of one choice field that make them so; {} for none."""
    members = list(entry.members())
    if not members:
        return {}
    if level == "restricted":
        raise entry.fail("names rows of a class that is restricted as a whole", "Leave it out.")
    if len(members) > 1:
        raise entry.fail(
            f"names {len(members)} fields",
            "One field decides which rows are restricted: {kind: [gas, power]}.",
        )
    name, values = members[0]
    return {values.one_of(name, fields, "field"): _read_values(values, fields[name])}


def _read_values(entry: Entry, field: Field) -> frozenset[str]:
    if field.type != "choice":
        raise entry.fail(
            f"'{field.name}' is a {field.type}, so it cannot decide which rows are restricted",
            "Only a choice can: its values are known.",
        )
    _check_decides(entry, field)
    valid = [choice.value for choice in field.choices]
    values = frozenset(item.one_of(item.value, valid) for item in entry.items())
    if not values:
        raise entry.fail("lists no value", f"Valid: {', '.join(valid)}.")
    if len(values) == len(valid):
        raise entry.fail("lists every value of the field", "Write sensitivity: restricted for the class.")
    return values


def _check_decides(entry: Entry, field: Field) -> None:
    """Refuse a field that readers of the other rows do not see: what they see would tell its values."""
    if field.sensitivity == "restricted":
        raise entry.fail(
            f"'{field.name}' is restricted, so it cannot decide which rows are",
            "Make it public or internal, or the whole class restricted.",
        )


def _read_owners(entry: Entry, fields: Mapping[str, Field]) -> tuple[str, ...]:
    names = entry.texts()
    for item in entry.items():
        field = fields[item.one_of(item.value, fields, "field")]
        if field.type != "text":
            raise item.fail(
                f"'{field.name}' is a {field.type}, so it names no party", "Name fields of type text."
            )
    return names
