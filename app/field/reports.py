"""What somebody on the spot says of a feature, and which fields of its class that changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from app.catalogue.model import FeatureClass, Lang

Reported = Literal["in_service", "closed", "damaged", "missing"]

#: What each word sets: where the feature stands in its life (`state`), and how it is (`condition`, of city components).
SETS: Mapping[Reported, Mapping[str, str]] = {
    "in_service": {"state": "in_service", "condition": "good"},
    "closed": {"state": "out_of_use"},
    "damaged": {"condition": "damaged"},
    "missing": {"condition": "lost"},
}
WORDS: Mapping[Reported, Mapping[Lang, str]] = {
    "in_service": {"zh": "正常", "en": "In service"},
    "closed": {"zh": "停用", "en": "Closed"},
    "damaged": {"zh": "破损", "en": "Damaged"},
    "missing": {"zh": "丢失", "en": "Missing"},
}
STATE, CONDITION, SINCE, INSPECTED = "state", "condition", "state_since", "inspected_on"


def offered(cls: FeatureClass) -> tuple[Reported, ...]:
    """The words that a class has fields for."""
    known = {field.name for field in cls.fields}
    return tuple(word for word, fields in SETS.items() if known & fields.keys())


def fields_of(
    cls: FeatureClass, word: Reported, before: Mapping[str, Any], day: date
) -> dict[str, str | None]:
    """The fields that a report changes, of a feature whose fields are `before`; days as ISO 8601.

    A state that is another one than before began on the day of the report.
    """
    known = {field.name for field in cls.fields}
    said: dict[str, str | None] = {name: value for name, value in SETS[word].items() if name in known}
    if STATE in said and (before.get(STATE) or "in_service") != said[STATE] and SINCE in known:
        said[SINCE] = day.isoformat()
    if INSPECTED in known:
        said[INSPECTED] = day.isoformat()
    return said


def standing(state: str | None, condition: str | None) -> str | None:
    """A feature's state as the phone page shows it: one of the words above, else its own `state`; None if unknown."""
    if condition in {"lost", "removed"} or state == "removed":
        return "missing"
    if condition == "damaged":
        return "damaged"
    if state in {"out_of_use", "under_repair"} or condition == "abandoned":
        return "closed"
    return state or ("in_service" if condition == "good" else None)
