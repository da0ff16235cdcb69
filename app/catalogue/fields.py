"""Builds one field from its declared parts and checks values against fields."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import Any, TypeAlias, cast, get_args

from app.catalogue.codes import NO_CODES, read_codes
from app.catalogue.model import Choice, CodeSystem, Field, FieldType, Sensitivity, Title
from app.catalogue.names import find_clash
from app.catalogue.source import Entry
from app.catalogue.units import COUNTED, UNIT_SUFFIXES, UNITS

FieldParts: TypeAlias = dict[str, dict[str, Entry]]
TYPES: tuple[str, ...] = get_args(FieldType)
_NUMERIC = ("integer", "number")
_KEYS = (
    "type title unit choices minimum maximum required default refers aliases osm osm_values sensitivity description"
).split()


def build_field(at: Entry, parts: Mapping[str, Entry], codes: Mapping[str, CodeSystem] = NO_CODES) -> Field:
    """The field declared by `parts` (key → entry, maybe of two files); `at` is its place. Raises BadDeclaration.

    `codes` are the code systems that a choice may name.
    """
    at = next(iter(parts.values())).parent() if parts else at
    replace(at, value=at.path[-1]).name()
    for key, entry in parts.items():
        entry.one_of(key, _KEYS, "key")
    for key in ("type", "title"):
        if key not in parts:
            raise at.fail(
                f"'{key}' is missing", f"A field needs type and title; its keys are {', '.join(_KEYS)}."
            )
    kind = cast(FieldType, parts["type"].choice(TYPES))
    choices = _read_choices(parts, kind, at, codes)
    field = Field(
        name=at.path[-1],
        type=kind,
        title=parts["title"].title(),
        unit=_read_unit(at, parts, kind),
        choices=choices,
        minimum=_read_limit(parts, "minimum", kind),
        maximum=_read_limit(parts, "maximum", kind),
        required=parts["required"].flag() if "required" in parts else False,
        aliases=parts["aliases"].texts() if "aliases" in parts else (),
        osm=parts["osm"].texts() if "osm" in parts else (),
        osm_values=_read_osm_values(parts, kind, choices),
        sensitivity=_read_sensitivity(parts),
        description=parts["description"].text() if "description" in parts else "",
        refers=_read_reference(parts, kind),
    )
    return replace(field, default=_read_default(parts["default"], field)) if "default" in parts else field


def _read_default(entry: Entry, field: Field) -> Any:
    if not field.required:
        raise entry.fail("only a required field has a default", "Elsewhere unknown stays null.")
    return check_value(entry, field)


def check_value(entry: Entry, field: Field, *, nullable: bool = False) -> Any:
    """The value of `entry` if `field` may have it. Raises BadDeclaration."""
    value = entry.value
    if value is None and nullable:
        return None
    if field.type == "choice":
        return entry.one_of(value, [item.value for item in field.choices])
    if field.type == "date":
        return _check_date(entry)
    if field.type == "datetime":
        return _check_moment(entry)
    kinds: dict[str, Any] = {"text": str, "integer": int, "number": int | float, "boolean": bool}
    if not isinstance(value, kinds[field.type]) or (isinstance(value, bool) and field.type != "boolean"):
        raise entry.fail(f"the field {field.name} holds {field.type} values, not '{value}'")
    return value


def _check_date(entry: Entry) -> date:
    try:
        return date.fromisoformat(entry.text())
    except ValueError as error:
        raise entry.fail(f"'{entry.value}' is not a date", "Write it as 2021-12-31.") from error


def _check_moment(entry: Entry) -> datetime:
    moment: datetime | None = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(entry.text())
    if moment is None or moment.tzinfo is None:
        raise entry.fail(f"'{entry.value}' is no moment", "Write it with its zone: 2021-12-31T10:00:00Z.")
    return moment


def _read_unit(at: Entry, parts: Mapping[str, Entry], kind: FieldType) -> str | None:
    if "unit" not in parts:
        return None
    unit = parts["unit"].choice(UNITS)
    if kind not in _NUMERIC:
        raise parts["unit"].fail(f"a {kind} field has no unit")
    if unit not in COUNTED and not at.path[-1].endswith(UNIT_SUFFIXES[unit]):
        raise at.fail(
            f"a number in {unit} must bear it in its name", f"Let the name end in {UNIT_SUFFIXES[unit]}."
        )
    return unit


def _read_limit(parts: Mapping[str, Entry], key: str, kind: FieldType) -> float | None:
    if key not in parts:
        return None
    if kind not in _NUMERIC:
        raise parts[key].fail(f"a {kind} field has no {key}")
    low = parts["minimum"].number() if key == "maximum" and "minimum" in parts else float("-inf")
    return parts[key].number(low)


def _read_reference(parts: Mapping[str, Entry], kind: FieldType) -> str | None:
    if "refers" not in parts:
        return None
    if kind != "text":
        raise parts["refers"].fail(f"a {kind} field holds no code of another feature")
    return parts["refers"].text()


def _read_sensitivity(parts: Mapping[str, Entry]) -> Sensitivity:
    if "sensitivity" not in parts:
        return "public"
    return cast(Sensitivity, parts["sensitivity"].choice(get_args(Sensitivity)))


def _read_choices(
    parts: Mapping[str, Entry], kind: FieldType, at: Entry, codes: Mapping[str, CodeSystem]
) -> tuple[Choice, ...]:
    if "choices" not in parts:
        if kind == "choice":
            raise at.fail("a choice field needs 'choices'", "List value: {zh: …, en: …} for each.")
        return ()
    if kind != "choice":
        raise parts["choices"].fail(f"a {kind} field has no choices", "Only a field of type choice has them.")
    choices = tuple(_read_choice(value, body, codes) for value, body in parts["choices"].members())
    if not choices:
        raise parts["choices"].fail("lists no choice")
    _check_choices(parts["choices"], choices)
    return choices


def _read_choice(value: str, entry: Entry, codes: Mapping[str, CodeSystem]) -> Choice:
    found = entry.record(("zh", "en"), ("aliases", "codes", "color"))
    aliases = found["aliases"].texts() if "aliases" in found else ()
    own = read_codes(found["codes"], codes) if "codes" in found else {}
    color = found["color"].color() if "color" in found else None
    return Choice(value, Title(found["zh"].text(), found["en"].text()), aliases, own, color)


def _check_choices(entry: Entry, choices: tuple[Choice, ...]) -> None:
    own = [(item.value, name) for item in choices for name in (item.value, item.title.zh, item.title.en)]
    clash = find_clash([*own, *((item.value, name) for item in choices for name in item.aliases)])
    if clash is not None:
        name, owner, other = clash
        raise entry.child(owner, None).fail(f"'{name}' already means the choice {other}")
    taken: dict[tuple[str, str], str] = {}
    for item in choices:
        for key in ((system, code) for system, codes in item.codes.items() for code in codes):
            other = taken.setdefault(key, item.value)
            if other != item.value:
                at = entry.child(item.value, None).child("codes", None).child(key[0], None)
                raise at.fail(f"the code {key[1]} already means the choice {other}")


def _read_osm_values(
    parts: Mapping[str, Entry], kind: FieldType, choices: tuple[Choice, ...]
) -> dict[str, str]:
    """Tag value → choice value, `true` or `false`; the tag value `*` stands for all others."""
    if "osm_values" not in parts:
        return {}
    if kind not in ("choice", "boolean"):
        raise parts["osm_values"].fail(f"a {kind} field takes its tags as they are")
    if "osm" not in parts:
        raise parts["osm_values"].fail("needs 'osm', the tags whose values it translates")
    valid = ["true", "false"] if kind == "boolean" else [item.value for item in choices]
    pairs = parts["osm_values"].members()
    return {tag: entry.one_of(_plain(entry.value), valid) for tag, entry in pairs}


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
