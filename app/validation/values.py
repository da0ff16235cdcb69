"""Turning what a file holds into the type a field asks for, or saying what is wrong and what would be right."""

from __future__ import annotations

import difflib
import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from app.catalogue.model import Choice, Field
from app.validation.moments import read_moment
from app.validation.units import Unit, conversion, find_unit

TRUE_WORDS = frozenset({"yes", "y", "true", "t", "1", "on", "是", "有", "√"})
FALSE_WORDS = frozenset({"no", "n", "false", "f", "0", "off", "none", "否", "无", "没有", "×"})
MAX_INTEGER = 2**31 - 1
MAX_TEXT = 10_000
#: Characters of an unknown value that are compared with the valid ones.
MAX_COMPARED = 40
#: Whole numbers below it are exact in a float: ids of 16 digits often come as one.
EXACT = 2**53
LOST_DIGITS = "the number has more digits than a spreadsheet keeps"
LOST_HINT = "Format the column as text and type the ids again."
#: Whole numbers beyond 64 bits are kept as text: hardly any reader of JSON takes them.
LEAST, MOST = -(2**63), 2**64 - 1
#: Python refuses to write longer whole numbers in decimal.
MAX_DECIMAL_BITS = 4096

_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)\s*(\D\S*)?", re.IGNORECASE)
#: No number begins with 0 and has thousands: "0,500" is a half.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_DATE = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?)?)?[年月]?(?:[T ].*)?")
_CODE_LABEL = re.compile(r"([0-9A-Za-z]{1,20})[\s\-_:.、/]+(\S.*)")
_LABEL_CODE = re.compile(r"(.*\S)\s*[\s(\[]([0-9A-Za-z]{1,20})[)\]]?")
#: A code that no list here knows: not a word, which might turn its label round ("not public").
_NUMBER_CODE = re.compile(r"[A-Za-z]{0,2}\d+")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
#: What a number without unit or grouping is made of; float() takes more (`1_000`, `nan`) than a table should.
PLAIN_DIGITS = frozenset("0123456789+-.eE")
#: Day 0 of spreadsheets, so that 61 is 1 March 1900: before it they count a 29 February that never was.
SERIAL_START = date(1899, 12, 30)
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


def converter(field: Field, unit: Unit | None = None) -> Callable[[Any], Any]:
    """The function that turns a raw value into a value of `field` (None stays None); it raises BadValue.

    Text is trimmed and empty text is None; numbers with a unit ("5 m", "0.3 km") are changed to the field's unit, those
    without one are taken to be in `unit` where it is given; choices are found by value, title in either language, alias
    or code, also as "code label"; limits are held. The unit `excel day` reads dates from a spreadsheet's serial days.
    """
    if field.type == "choice":
        return _choice_converter(field)
    convert = _CONVERTERS[field.type]
    if unit is not None and field.type == "date":
        convert = _from_serial
    elif unit is not None and field.type in {"number", "integer"}:
        convert = partial(convert, scale=scale_of(unit, field))

    def apply(raw: Any) -> Any:
        value = _present(raw)
        return None if value is None else _within(convert(value, field), field)

    return apply


def scale_of(unit: Unit | None, field: Field) -> float:
    """What a bare number in `unit` is multiplied by for `field`, 1 without one; BadValue where it does not fit."""
    if unit is None:
        return 1.0
    factor = conversion(unit, field.unit)
    if factor is None:
        raise BadValue(f"the unit '{unit.symbol}' does not fit", _number_hint(field))
    return factor


def plain(raw: Any) -> Any:
    """A raw value as it is kept in `extra`: JSON types only, None where there is nothing."""
    value = _present(raw, strict=False)
    if isinstance(value, str):
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return None
    if isinstance(value, dict | list | tuple):
        value = _nested(value)
        finite = _finite(value)
        return json.loads(json.dumps(value, default=str)) if finite else storable(str(value))
    return _nested(value)


def _nested(value: Any) -> Any:
    """A value whose texts, names and whole numbers JSON can hold, however deep they lie."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int):
        return value if LEAST <= value <= MOST else whole_text(value)
    if isinstance(value, dict):
        names = [storable(name) if isinstance(name, str) else name for name in value]
        return dict(zip(apart(names), map(_nested, value.values()), strict=True))
    return [_nested(item) for item in value] if isinstance(value, list | tuple) else value


def apart(names: Sequence[Any]) -> list[Any]:
    """Names (n,), those that stood before as `name (2)`."""
    if len(set(names)) == len(names):
        return list(names)
    found: dict[Any, None] = {}
    for name in names:
        new, times = name, 1
        while new in found:
            times += 1
            new = f"{name} ({times})"
        found[new] = None
    return list(found)


def whole_text(value: int) -> str:
    """A whole number in decimal, in hex where it is so long that Python refuses."""
    return str(value) if value.bit_length() < MAX_DECIMAL_BITS else hex(value)


def has_lost_digits(value: Any) -> bool:
    """Whether a number is too long for the float that it came as, so that its last digits are made up."""
    return isinstance(value, float) and abs(value) >= EXACT and math.isfinite(value)


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
    return storable(raw).strip()


def storable(raw: str) -> str:
    """Text without control characters and lone surrogates, which no database holds."""
    if raw.isprintable():
        return raw
    text = raw.translate(_CONTROL)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _to_text(value: Any, _field: Field) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if has_lost_digits(value):
        raise BadValue(LOST_DIGITS, LOST_HINT)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict | list):
        value = json.dumps(plain(value), ensure_ascii=False)
    text = value.isoformat() if isinstance(value, date | datetime) else str(_nested(value))
    if len(text) > MAX_TEXT:
        raise BadValue(f"the text has {len(text)} characters", f"At most {MAX_TEXT} are kept.")
    return text


def _to_number(value: Any, field: Field, scale: float = 1.0) -> float:
    if isinstance(value, bool):
        raise BadValue("a number is expected")
    if isinstance(value, int | float):
        return _finite_number(value) * scale
    return _parse_number(str(_nested(value)), field, scale)


def _finite_number(value: float | str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise BadValue("the number is infinite")
    return number


def _parse_number(text: str, field: Field, scale: float) -> float:
    if PLAIN_DIGITS.issuperset(text):
        try:
            return _finite_number(text) * scale
        except ValueError:
            pass
    folded = unicodedata.normalize("NFKC", text).strip()
    if _THOUSANDS.fullmatch(folded):
        folded = folded.replace(",", "")
    elif re.fullmatch(r"[+-]?\d+,\d+", folded):
        folded = folded.replace(",", ".")
    found = _NUMBER.fullmatch(folded)
    if found is None:
        raise BadValue("a number is expected", _number_hint(field))
    return _finite_number(found[1]) * (_factor(found[2], field) if found[2] else scale)


def _factor(written: str, field: Field) -> float:
    """The factor of the unit behind a number, which counts before that of the heading."""
    unit = find_unit(written)
    factor = conversion(unit, field.unit) if unit is not None else None
    if factor is None:
        raise BadValue(f"the unit '{written.casefold()}' does not fit", _number_hint(field))
    return factor


def _number_hint(field: Field) -> str:
    if field.type == "integer":
        return "A whole number such as 12."
    return f"A number in {field.unit}." if field.unit else "A number such as 12.5."


def _to_integer(value: Any, field: Field, scale: float = 1.0) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool) and scale == 1.0
    number = value if whole else _to_number(value, field, scale)
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
    if isinstance(value, float) and not value.is_integer():
        # 2015.10 has become 2015.1: nobody knows any more which month it was.
        raise BadValue("a number is no date", "Format the column as text and type the dates again: 2015-10.")
    text = _to_text(value, _field)
    found = _COMPACT_DATE.fullmatch(text) or _DATE.fullmatch(text)
    if found is None:
        raise BadValue("a date is expected", _date_hint(text))
    year, month, day = (int(part) if part else 1 for part in found.groups())
    try:
        return date(year, month, day)
    except ValueError as error:
        raise BadValue("there is no such day", "A date such as 2021-12-31.") from error


def _to_moment(value: Any, _field: Field) -> datetime:
    moment = read_moment(value)
    if moment is None:
        raise BadValue("a date and time are expected", "Such as 2021-12-31T10:00:00Z or 2021-12-31 18:00:00.")
    return moment


def _date_hint(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d{4}", text):
        return "A date such as 2021-12-31."
    day = SERIAL_START + timedelta(days=int(text))
    return (
        f"A date such as 2021-12-31. If it is a spreadsheet's serial day ({day}), format the column as dates or say "
        "so in a mapping (unit: excel day)."
    )


def _from_serial(value: Any, field: Field) -> date:
    """A serial day of a spreadsheet, where a mapping says that the column has them; dates stay what they are."""
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,6}(\.\d*)?", str(_nested(value))):
        return _to_date(value, field)
    return SERIAL_START + timedelta(days=int(float(value)))


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
        text = _to_text(value, field)
        found = words.get(normalise(text)) or _coded_choice(text, words)
        if found is None:
            raise BadValue("not one of the valid values", _nearest_choice(text, words, field))
        return found

    return apply


def _coded_choice(text: str, words: Mapping[str, str]) -> str | None:
    """The choice of "0301 公厕", "G11-综合公园", "综合公园(G11)": the label says it, the code must not say another."""
    folded = unicodedata.normalize("NFKC", text).strip()
    first, last = _CODE_LABEL.fullmatch(folded), _LABEL_CODE.fullmatch(folded)
    pairs = ([(first[2], first[1])] if first else []) + ([(last[1], last[2])] if last else [])
    for label, code in pairs:
        found = words.get(normalise(label))
        known = words.get(normalise(code))
        if found is not None and (known == found or (known is None and _NUMBER_CODE.fullmatch(code))):
            return found
    return None


def _nearest_choice(text: str, words: Mapping[str, str], field: Field) -> str:
    near = difflib.get_close_matches(normalise(text)[:MAX_COMPARED], list(words), n=1, cutoff=0.6)
    value = words[near[0]] if near else None
    likely = next((f"Did you mean {_told(c)}? " for c in field.choices if c.value == value), "")
    return likely + choice_hint(field)


def _told(choice: Choice) -> str:
    return f"{choice.value} ({choice.title.zh})"


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
    return "Valid values: " + ", ".join(_told(choice) for choice in field.choices) + "."


_CONVERTERS: Mapping[str, Callable[..., Any]] = {
    "text": _to_text,
    "integer": _to_integer,
    "number": _to_number,
    "boolean": _to_boolean,
    "date": _to_date,
    "datetime": _to_moment,
}
