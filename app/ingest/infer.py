"""Guesses a class from a table: geometry, fields with type, unit and choices, and what is worth a second look. Pure."""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from app.catalogue.model import Choice, Field, FieldType, GeometryKind, Title
from app.catalogue.names import RESERVED, RULE_LIMIT, heading_key
from app.catalogue.units import UNIT_SUFFIXES
from app.inventory.search_pinyin import syllables
from app.validation.moments import read_moment
from app.validation.values import FALSE_WORDS, TRUE_WORDS, BadValue, clean_text, converter, normalise

#: A text column is a list of choices where it has at most so many values and each stands there so often on average.
MAX_CHOICES = 12
MIN_REPEATS = 3
#: A name longer than this is no name to type.
NAME_LENGTH = 30
KINDS: Mapping[str, GeometryKind] = {
    "Point": "point", "MultiPoint": "point", "LineString": "line", "LinearRing": "line", "MultiLineString": "line",
    "Polygon": "polygon", "MultiPolygon": "polygon",
}  # fmt: skip
#: How headings write the units that a field may have, in brackets at their end.
UNIT_WORDS = {
    "mm": "mm", "毫米": "mm", "cm": "cm", "厘米": "cm", "m": "m", "米": "m", "km": "km", "公里": "km", "千米": "km",
    "m2": "m²", "m²": "m²", "㎡": "m²", "平方米": "m²", "平米": "m²", "m3": "m³", "m³": "m³", "立方米": "m³",
    "t": "t", "吨": "t", "w": "W", "瓦": "W", "kv": "kV", "千伏": "kV", "%": "%", "min": "min", "分钟": "min",
    "km/h": "km/h", "人": "people", "户": "households", "个": "pieces", "座": "pieces", "处": "pieces",
    "株": "pieces", "年": "years",
}  # fmt: skip
_BRACKETS = re.compile(r"\s*[(（\[]([^()（）\[\]]{1,8})[)）\]]\s*$")
_CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+")
_DAY = re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True, slots=True)
class Guess:
    """A field as guessed: the heading it was read from and what to look at."""

    field: Field
    heading: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Guesses:
    """The fields guessed, and the headings that got none, with the reason."""

    fields: tuple[Guess, ...]
    left: Mapping[str, str]


def guess_geometry(types: Iterable[str]) -> tuple[GeometryKind, dict[str, int]]:
    """The kind of geometry of a class from the types of its shapes, and how many shapes there are of each kind.

    Points and polygons together are `mixed`; of other mixtures the most frequent kind counts.
    """
    found = Counter(KINDS.get(name, name) for name in types)
    known: list[Any] = [kind for kind, _ in found.most_common() if kind in {"point", "line", "polygon"}]
    if set(known) == {"point", "polygon"}:
        return "mixed", dict(found)
    return known[0] if known else "point", dict(found)


def guess_fields(columns: Mapping[str, Sequence[Any]], class_id: str, common: Iterable[Field]) -> Guesses:
    """A field for each heading (n values each), none named like a `common` field or a column of every class."""
    taken = {heading_key(word) for item in common for word in _words(item)}
    headings = {heading_key(clean_text(heading)) for heading in columns}
    fields: list[Guess] = []
    left: dict[str, str] = {}
    for heading, values in columns.items():
        key = heading_key(clean_text(heading))
        present = [value for value in map(_present, values) if value is not None]
        if any(isinstance(value, dict | list | bytes) for value in present):
            left[heading] = "lists and nested values stay among the other attributes"
        elif key in taken or not key:
            left[heading] = "the name is not told apart from another one"
        else:
            others = taken | headings - {key}
            guess = _guess(clean_text(heading), present, len(values), _free_name(heading, class_id, others))
            guess = replace(guess, heading=heading)
            words = {heading_key(word) for word in _words(guess.field)}
            if words & taken:  # a translated title meets another heading: the heading alone is enough
                guess = replace(guess, field=replace(guess.field, title=Title(*[clean_text(heading)] * 2)))
                words = {heading_key(word) for word in _words(guess.field)}
            taken |= words
            fields.append(guess)
    return Guesses(tuple(fields), left)


def _words(field: Field) -> Iterator[str]:
    yield from (field.name, field.title.zh, field.title.en, *field.aliases)


def _present(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value) or None
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _guess(heading: str, present: list[Any], rows: int, name: str) -> Guess:
    bare, unit = split_unit(heading)
    kind = _type_of(present)
    if kind not in {"integer", "number"}:
        bare, unit = heading.strip(), None
    elif unit is not None and unit in UNIT_SUFFIXES and not name.endswith(UNIT_SUFFIXES[unit]):
        name += UNIT_SUFFIXES[unit]
    spelled = slug(bare).replace("_", " ").capitalize() if _CHINESE.search(bare) else ""
    title = Title(bare, spelled or bare)
    choices = _choices(present) if kind == "text" else ()
    field = Field(
        name, "choice" if choices else kind, title, unit=unit, choices=choices, aliases=(heading.strip(),)
    )
    return Guess(field, heading, tuple(_notes(present, rows, field)))


def _notes(present: list[Any], rows: int, field: Field) -> Iterator[str]:
    yield f"{len(present)} of {rows} rows have a value"
    if not present:
        yield "nothing is known of the type"
    elif field.type in {"integer", "number"}:
        numbers = [converter(field)(value) for value in present]
        yield f"from {min(numbers):g} to {max(numbers):g}"
    elif field.type == "text":
        shown = list(dict.fromkeys(str(value) for value in present))[:3]
        yield "such as " + ", ".join(repr(text[:20]) for text in shown)


def split_unit(heading: str) -> tuple[str, str | None]:
    """A heading without the unit in brackets at its end, and that unit as a field has it; None where there is none."""
    found = _BRACKETS.search(heading)
    unit = UNIT_WORDS.get(unicodedata.normalize("NFC", found[1]).strip().casefold()) if found else None
    if found is None or unit is None or not heading[: found.start()].strip():
        return heading.strip(), None
    return heading[: found.start()].strip(), unit


def _type_of(present: list[Any]) -> FieldType:
    tests: tuple[tuple[FieldType, Callable[[Any], bool]], ...] = (
        ("boolean", _is_boolean), ("date", _is_day), ("integer", _is_integer), ("number", _is_number),
        ("date", _is_date),
    )  # fmt: skip
    if not present:
        return "text"
    if all(map(_has_time, present)) and any(read_moment(value) != _midnight(value) for value in present):
        return "datetime"
    return next((kind for kind, test in tests if all(map(test, present))), "text")


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool) or (
        isinstance(value, str) and normalise(value) in (TRUE_WORDS | FALSE_WORDS) - {"0", "1", "none"}
    )


def _is_day(value: Any) -> bool:
    """A day that is certainly none of a number or a code: a date, or eight digits that are one."""
    return isinstance(value, date | datetime) or bool(_DAY.fullmatch(str(value)))


def _has_time(value: Any) -> bool:
    """Whether a value tells a day and a time of day."""
    if isinstance(value, datetime):
        return True
    return isinstance(value, str) and ":" in value and read_moment(value) is not None


def _midnight(value: Any) -> datetime | None:
    """The first moment of the day that a value tells, in its own zone."""
    return read_moment(
        datetime.combine(value, time(), value.tzinfo) if isinstance(value, datetime) else value[:10]
    )


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and _fits(value, "date")


def _is_integer(value: Any) -> bool:
    """A whole number; digits that begin with 0 or are very long are a code."""
    if isinstance(value, str) and re.fullmatch(r"0\d+", value):
        return False
    return not isinstance(value, bool) and _fits(value, "integer")


def _is_number(value: Any) -> bool:
    return (
        not isinstance(value, bool)
        and not re.fullmatch(r"0\d+|\d{11,}", str(value))
        and _fits(value, "number")
    )


def _fits(value: Any, kind: FieldType) -> bool:
    try:
        converter(Field("a", kind, Title("a", "a")))(value)
    except BadValue:
        return False
    return True


def _choices(present: list[Any]) -> tuple[Choice, ...]:
    values = Counter(str(value) for value in present)
    keys = {heading_key(value) for value in values}
    few = len(values) <= MAX_CHOICES and len(present) >= MIN_REPEATS * len(values)
    if not few or len(keys) < len(values) or "" in keys or any(len(value) > NAME_LENGTH for value in values):
        return ()
    names: set[str] = set()
    choices = []
    for value, _ in values.most_common():
        # A word that also stands for another value would lead to two choices.
        name = _numbered(slug(value) or "value", names | keys - {heading_key(value)})
        names.add(heading_key(name))
        choices.append(Choice(name, Title(value, value)))
    return tuple(choices)


def _free_name(heading: str, class_id: str, taken: set[str]) -> str:
    base = slug(split_unit(heading)[0]) or "field"
    room = min(NAME_LENGTH, RULE_LIMIT - len(class_id) - len("_km_h_99"))
    base = base[:room].rstrip("_")
    if not base[0].isalpha():
        base = f"field_{base}"[:room].rstrip("_")
    # `length_m` and the like are measured: what a table says of itself is another thing.
    return _numbered(base if base not in RESERVED else f"own_{base}", taken)


def _numbered(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where it reads like one of `taken` (heading keys)."""
    numbers = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    return next(free for free in numbers if heading_key(free) not in taken)


def slug(text: str) -> str:
    """A text as a name of a-z, 0-9 and _: Chinese by its pinyin, other letters without their marks."""
    spelled = _CHINESE.sub(
        lambda run: " " + " ".join(syllables(run[0])) + " ", unicodedata.normalize("NFKC", text)
    )
    plain = unicodedata.normalize("NFD", spelled).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", plain).lower())
    return "_".join(words)
