"""Turning what a file holds into the type a field asks for, or saying what is wrong and what would be right."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from app.catalogue.model import Field

#: Factors to the base unit of each dimension (m, m², s): a value with a unit is changed to the field's own.
LENGTH_UNITS = {
    "mm": 0.001, "毫米": 0.001, "cm": 0.01, "厘米": 0.01, "dm": 0.1, "m": 1.0, "米": 1.0, "metre": 1.0,
    "metres": 1.0, "meter": 1.0, "meters": 1.0, "km": 1000.0, "公里": 1000.0, "千米": 1000.0, "里": 500.0,
    "ft": 0.3048, "feet": 0.3048, "'": 0.3048, "in": 0.0254, "inch": 0.0254, '"': 0.0254, "mi": 1609.344,
}  # fmt: skip
AREA_UNITS = {
    "m2": 1.0, "m²": 1.0, "sqm": 1.0, "㎡": 1.0, "平方米": 1.0, "ha": 10_000.0, "公顷": 10_000.0, "km2": 1e6,
    "km²": 1e6, "平方公里": 1e6, "mu": 10_000.0 / 15, "亩": 10_000.0 / 15,
}  # fmt: skip
SPEED_UNITS = {"km/h": 1.0, "kmh": 1.0, "mph": 1.609344}
DIMENSIONS = (LENGTH_UNITS, AREA_UNITS, SPEED_UNITS)

TRUE_WORDS = frozenset({"yes", "y", "true", "t", "1", "on", "是", "有", "√"})
FALSE_WORDS = frozenset({"no", "n", "false", "f", "0", "off", "none", "否", "无", "没有", "×"})
MAX_INTEGER = 2**31 - 1
MAX_TEXT = 10_000
#: Whole numbers below it are exact in a float: ids of 16 digits often come as one.
EXACT = 2**53

_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)\s*(\D\S*)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DATE = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?)?)?[年月]?(?:[T ].*)?")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
#: PostgreSQL stores no NUL, and other control characters are never meant in an attribute.
_CONTROL = dict.fromkeys((c for c in range(32) if c not in {9, 10, 13}), " ")


class BadValue(Exception):  # noqa: N818 - it says what was found, like the tree in app.errors
    """A value that the field cannot hold: `reason` says why, `hint` what would be right."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def normalise(text: str) -> str:
    """The form in which names are compared: full width folded, case folded, without spaces, `_`, `-` and control."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s_\-\x00-\x1f\ufeff]+", "", folded)


def converter(field: Field) -> Callable[[Any], Any]:
    """The function that turns a raw value into a value of `field` (None stays None); it raises BadValue.

    Text is trimmed and empty text is None; numbers with a unit ("5 m", "0.3 km") are changed to the field's unit;
    choices are found by value, title in either language or alias; limits are held.
    """
    if field.type == "choice":
        return _choice_converter(field)
    convert = _CONVERTERS[field.type]

    def apply(raw: Any) -> Any:
        value = _present(raw)
        return None if value is None else _within(convert(value, field), field)

    return apply


def plain(raw: Any) -> Any:
    """A raw value as it is kept in `extra`: JSON types only, None where there is nothing."""
    value = _present(raw, strict=False)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return None
    if isinstance(value, dict | list):
        return json.loads(json.dumps(value, allow_nan=False, default=str)) if _finite(value) else str(value)
    return value


def _finite(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False, default=str)
    except ValueError:
        return False
    return True


def _present(raw: Any, *, strict: bool = True) -> Any:
    """The value, or None where the file holds nothing (null, NaN, blank text)."""
    if isinstance(raw, str):
        return clean_text(raw) or None
    if isinstance(raw, float) and not math.isfinite(raw):
        if strict and math.isinf(raw):
            raise BadValue("the number is infinite")
        return None
    if strict and isinstance(raw, bytes):
        raise BadValue("the text is not UTF-8", "Save the file again in UTF-8.")
    return raw


def clean_text(raw: str) -> str:
    """Text without control characters, lone surrogates and blanks at its ends."""
    text = raw.translate(_CONTROL).strip()
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _to_text(value: Any, _field: Field) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    text = value.isoformat() if isinstance(value, date | datetime) else str(value)
    if len(text) > MAX_TEXT:
        raise BadValue(f"the text has {len(text)} characters", f"At most {MAX_TEXT} are kept.")
    return text


def _to_number(value: Any, field: Field) -> float:
    if isinstance(value, bool):
        raise BadValue("a number is expected")
    if isinstance(value, int | float):
        return float(value)
    return _parse_number(str(value), field)


def _parse_number(text: str, field: Field) -> float:
    folded = unicodedata.normalize("NFKC", text).strip()
    if _THOUSANDS.fullmatch(folded):
        folded = folded.replace(",", "")
    elif re.fullmatch(r"[+-]?\d+,\d+", folded):
        folded = folded.replace(",", ".")
    found = _NUMBER.fullmatch(folded)
    if found is None:
        raise BadValue("a number is expected", _number_hint(field))
    number = float(found[1])
    return number * _factor(found[2].casefold(), field) if found[2] else number


def _factor(unit: str, field: Field) -> float:
    wanted = (field.unit or "").casefold()
    for units in DIMENSIONS:
        if unit in units and wanted in units:
            return units[unit] / units[wanted]
    if unit == wanted:
        return 1.0
    raise BadValue(f"the unit '{unit}' does not fit", _number_hint(field))


def _number_hint(field: Field) -> str:
    return f"A number in {field.unit}." if field.unit else "A number such as 12.5."


def _to_integer(value: Any, field: Field) -> int:
    number = value if isinstance(value, int) and not isinstance(value, bool) else _to_number(value, field)
    if abs(number) > MAX_INTEGER:
        raise BadValue("the number is too large", f"At most {MAX_INTEGER}.")
    if isinstance(number, float) and abs(number - round(number)) > 1e-9:
        raise BadValue("a whole number is expected", "A number without decimals.")
    return round(number)


def _to_boolean(value: Any, _field: Field) -> bool:
    if isinstance(value, bool):
        return value
    word = normalise(_to_text(value, _field))
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise BadValue("yes or no is expected", "Valid values: yes, no, true, false, 1, 0, 是, 否.")


def _to_date(value: Any, _field: Field) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = _to_text(value, _field)
    found = _COMPACT_DATE.fullmatch(text) or _DATE.fullmatch(text)
    if found is None:
        raise BadValue("a date is expected", "A date such as 2021-12-31.")
    year, month, day = (int(part) if part else 1 for part in found.groups())
    try:
        return date(year, month, day)
    except ValueError as error:
        raise BadValue("there is no such day", "A date such as 2021-12-31.") from error


def _within(value: Any, field: Field) -> Any:
    if field.minimum is not None and isinstance(value, int | float) and value < field.minimum:
        raise BadValue(f"below the smallest value {field.minimum:g}", _range_hint(field))
    if field.maximum is not None and isinstance(value, int | float) and value > field.maximum:
        raise BadValue(f"above the largest value {field.maximum:g}", _range_hint(field))
    return value


def _range_hint(field: Field) -> str:
    low = "" if field.minimum is None else f"from {field.minimum:g} "
    high = "" if field.maximum is None else f"to {field.maximum:g} "
    return f"A number {low}{high}".strip() + (f" in {field.unit}." if field.unit else ".")


def _choice_converter(field: Field) -> Callable[[Any], Any]:
    words = choice_words(field)

    def apply(raw: Any) -> Any:
        value = _present(raw)
        if value is None:
            return None
        found = words.get(normalise(_to_text(value, field)))
        if found is None:
            raise BadValue("not one of the valid values", choice_hint(field))
        return found

    return apply


def choice_words(field: Field) -> Mapping[str, str]:
    """Every spelling of the field's choices, normalised → the value that is stored; official codes come last."""
    words: dict[str, str] = {}
    for choice in field.choices:
        for spelling in (choice.value, choice.title.zh, choice.title.en, *choice.aliases):
            words.setdefault(normalise(spelling), choice.value)
    for choice in field.choices:
        for code in (code for codes in choice.codes.values() for code in codes):
            words.setdefault(normalise(code.rpartition("/")[2]), choice.value)
    return words


def choice_hint(field: Field) -> str:
    """The valid values of a choice field, for people."""
    return "Valid values: " + ", ".join(f"{c.value} ({c.title.zh})" for c in field.choices) + "."


_CONVERTERS: Mapping[str, Callable[[Any, Field], Any]] = {
    "text": _to_text,
    "integer": _to_integer,
    "number": _to_number,
    "boolean": _to_boolean,
    "date": _to_date,
}
