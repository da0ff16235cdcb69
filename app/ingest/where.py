"""Takes part of a file: `--where "用地代码 LIKE '07%' AND area > 400"` over the file's own headings.

A small grammar of our own, not CQL2: a file has no schema that says which heading is a number, headings are Chinese or
hold blanks, and 0701 must keep its zero. Text in quotes is compared as text, bare numbers as numbers; a heading stands
bare or in double quotes. As in SQL a comparison with nothing is neither true nor false.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.errors import BadInput
from app.validation.values import PLAIN_DIGITS, clean_text, normalise

MAX_LENGTH = 10_000
MAX_DEPTH = 50
#: Values of a column that a condition without any hit is told with, and characters of each.
SHOWN_VALUES, MAX_SHOWN = 8, 40
Mask: TypeAlias = NDArray[np.bool_]
#: Where a condition is true and where it is false; neither where a value is missing.
Truth: TypeAlias = tuple[Mask, Mask]
Columns: TypeAlias = Mapping[str, Sequence[Any]]
Test: TypeAlias = Callable[[Any], bool | None]
Condition: TypeAlias = Callable[[Columns, int], Truth]

_TOKEN = re.compile(
    r"""\s*(?: (?P<text>'(?:[^']|'')*') | (?P<heading>"(?:[^"]|"")*"|`[^`]*`)
    | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\w])
    | (?P<mark><=|>=|<>|!=|==|[=<>(),]) | (?P<word>[^\W\d][\w.]*|\d+[^\W\d][\w.]*) )""",
    re.VERBOSE,
)
_KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "LIKE", "ILIKE", "IS", "NULL", "BETWEEN"})
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip
HINT = "Such as: \"用地代码\" = '0701' AND area >= 400; also !=, <, >, IN (…), LIKE 'a%', IS NULL, NOT, OR."


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on the rows of a file; `headings` are those that it names, in order."""

    text: str
    headings: tuple[str, ...]
    _condition: Condition

    def mask(self, columns: Columns, n: int) -> Mask:
        """Which of n rows are taken (n,), from `columns` heading → n raw values.

        Raises:
            BadInput: A heading is not among them; the hint names the nearest.
        """
        return self._condition(self._resolve(columns), n)[0]

    def resolve(self, headings: Iterable[str]) -> dict[str, str]:
        """The headings that the condition names → those of the file: exactly so, else in another case or width.

        Raises BadInput where the file has no such heading.
        """
        names = list(headings)
        forms = {normalise(name): name for name in reversed(names)}
        found = {}
        for wanted in self.headings:
            name = wanted if wanted in names else forms.get(normalise(wanted))
            if name is None:
                near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
                guess = f"Did you mean {', '.join(near)}? " if near else ""
                raise BadInput(
                    f"There is no column '{wanted}' in the file.", f"{guess}Columns: {', '.join(names[:50])}."
                )
            found[wanted] = name
        return found

    def no_hit(self, chunks: Iterable[Columns]) -> str:
        """The sentence for a condition that no row fulfils: which values stand in the columns that it names."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in self.headings}
        for columns in chunks:
            for wanted, values in self._resolve(columns).items():
                counts[wanted].update(_occurring(values))
        told = "; ".join(f"{name} holds {_most_common(found)}" for name, found in counts.items())
        return f"No row fulfils the condition {self.text} ({told})."

    def _resolve(self, columns: Columns) -> Columns:
        return {wanted: columns[name] for wanted, name in self.resolve(columns).items()}


def _occurring(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield "nothing" if value is None else f"'{clean_text(str(value))[:MAX_SHOWN]}'"


def _most_common(found: Counter[str]) -> str:
    shown = ", ".join(
        f"{value} ({count:,} row{'' if count == 1 else 's'})"
        for value, count in found.most_common(SHOWN_VALUES)
    )
    more = len(found) - SHOWN_VALUES
    return (shown or "nothing") + (f" and {more:,} other values" if more > 0 else "")


def compile_where(text: str) -> Where:
    """A condition in words, ready to be asked; raises BadInput with the place of what cannot be understood."""
    if len(text) > MAX_LENGTH:
        raise BadInput(f"The condition has {len(text)} characters.", f"At most {MAX_LENGTH} are read.")
    parser = _Parser(text)
    condition = parser.parse()
    return Where(text, tuple(parser.headings), condition)


class _Parser:
    """Recursive descent, a method a rule; depth is bounded, so that no text can exhaust the stack."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0
        self.headings: dict[str, None] = {}

    def parse(self) -> Condition:
        condition = self._either()
        if self._kind() != "end":
            raise self._fail("AND, OR or the end")
        return condition

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._take("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda columns, n: _or([part(columns, n) for part in parts])

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._take("AND"):
            parts.append(self._one())
        if len(parts) == 1:
            return parts[0]
        return lambda columns, n: _not(_or([_not(part(columns, n)) for part in parts]))

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadInput(f"The condition is nested more than {MAX_DEPTH} levels deep.", HINT)
        if self._take("NOT"):
            inner = self._one()
            condition: Condition = lambda columns, n: _not(inner(columns, n))  # noqa: E731
        elif self._take("("):
            condition = self._either()
            self._expect(")")
        else:
            condition = self._comparison()
        self._depth -= 1
        return condition

    def _comparison(self) -> Condition:
        heading = self._heading()
        sign = self._value()
        if self._kind() == "mark" and sign in _COMPARE:
            self._at += 1
            return _each(heading, _comparing(_COMPARE[sign], self._literal()))
        if self._take("IS"):
            negated = self._take("NOT")
            self._expect("NULL")
            empty = _empty(heading)
            return (lambda columns, n: _not(empty(columns, n))) if negated else empty
        negated = self._take("NOT")
        test = _each(heading, self._test())
        return (lambda columns, n: _not(test(columns, n))) if negated else test

    def _test(self) -> Test:
        if self._take("IN"):
            return self._among()
        if self._take("BETWEEN"):
            low = _comparing(_COMPARE[">="], self._literal())
            self._expect("AND")
            high = _comparing(_COMPARE["<="], self._literal())
            return lambda cell: _all_of(low(cell), high(cell))
        for word, flags in (("LIKE", re.DOTALL), ("ILIKE", re.DOTALL | re.IGNORECASE)):
            if self._take(word):
                return _like(self._literal(), flags)
        raise self._fail("a comparison (=, !=, <, <=, >, >=, IN, LIKE, BETWEEN, IS NULL)")

    def _among(self) -> Test:
        self._expect("(")
        tests = [_comparing(_COMPARE["="], self._literal())]
        while self._take(","):
            tests.append(_comparing(_COMPARE["="], self._literal()))
        self._expect(")")
        return lambda cell: any(test(cell) for test in tests)

    def _heading(self) -> str:
        kind, token = self._kind(), self._value()
        if kind not in {"heading", "word"} or (kind == "word" and token.upper() in _KEYWORDS):
            raise self._fail("a heading of the file")
        self._at += 1
        quote = token[0]
        name = token[1:-1].replace(quote * 2, quote) if kind == "heading" else token
        self.headings.setdefault(name)
        return name

    def _literal(self) -> str | float:
        kind, token = self._kind(), self._value()
        if kind == "text":
            self._at += 1
            return token[1:-1].replace("''", "'")
        if kind != "number":
            raise self._fail("a number, or a text in single quotes")
        if re.match(r"[+-]?0\d", token):
            raise self._fail(f"'{token}' in single quotes, as it begins with 0,")
        self._at += 1
        return float(token)

    def _kind(self) -> str:
        return self._tokens[self._at][0]

    def _value(self) -> str:
        return self._tokens[self._at][1]

    def _take(self, word: str) -> bool:
        found = self._kind() in {"word", "mark"} and self._value().upper() == word
        self._at += found
        return found

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise self._fail(f"'{word}'")

    def _fail(self, wanted: str) -> BadInput:
        _, token, place = self._tokens[self._at]
        found = f"has '{token[:40]}'" if token else "ends"
        return BadInput(f"The condition {found} at character {place + 1} where {wanted} is expected.", HINT)


def _tokens(text: str) -> Iterable[tuple[str, str, int]]:
    place = 0
    end = len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            start = len(text) - len(text[place:].lstrip())
            raise BadInput(
                f"The condition cannot be read at character {start + 1}: {text[start : start + 20]}", HINT
            )
        yield found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)
        place = found.end()
    yield "end", "", end


def _or(parts: Sequence[Truth]) -> Truth:
    return np.logical_or.reduce([t for t, _ in parts]), np.logical_and.reduce([f for _, f in parts])


def _not(truth: Truth) -> Truth:
    return truth[1], truth[0]


def _all_of(*found: bool | None) -> bool | None:
    return False if False in found else None if None in found else True


def _each(heading: str, test: Test) -> Condition:
    """A test of one column's cells; each distinct cell is tested once."""

    def told(raw: Any) -> int:
        cell = _cell(raw)
        found = None if cell is None else test(cell)
        return -1 if found is None else int(found)

    def condition(columns: Columns, n: int) -> Truth:
        values = columns[heading]
        keys: Sequence[Any] = (
            values if len(set(map(type, values))) <= 1 else list(zip(map(type, values), values, strict=True))
        )
        try:
            results = {key: told(raw) for key, raw in dict(zip(keys, values, strict=True)).items()}
        except TypeError:  # lists and mappings: each on its own
            keys, results = range(n), {i: told(raw) for i, raw in enumerate(values)}
        array = np.fromiter(map(results.__getitem__, keys), dtype=np.int8, count=n)
        return array == 1, array == 0

    return condition


def _empty(heading: str) -> Condition:
    def condition(columns: Columns, n: int) -> Truth:
        empty = np.fromiter((_cell(raw) is None for raw in columns[heading]), dtype=np.bool_, count=n)
        return empty, ~empty

    return condition


def _cell(raw: Any) -> Any:
    """A raw value as it is compared: None where there is nothing, text trimmed, dates as 2021-12-31."""
    if isinstance(raw, str):
        return clean_text(raw) or None
    if isinstance(raw, float) and math.isnan(raw):
        return None
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, date):
        return raw.isoformat()
    return raw if raw is None or isinstance(raw, int | float) else str(raw)


def _comparing(compare: Callable[[Any, Any], bool], literal: str | float) -> Test:
    """A cell that is no number is unknown beside a number; beside a text a number is its digits."""
    if isinstance(literal, str):
        return lambda cell: compare(_as_text(cell), literal)

    def test(cell: Any) -> bool | None:
        number = _as_number(cell)
        return None if number is None else compare(number, literal)

    return test


def _as_text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _as_number(cell: Any) -> float | None:
    if not isinstance(cell, str):
        return float(cell)
    try:
        return float(cell) if PLAIN_DIGITS.issuperset(cell) else None
    except ValueError:
        return None


def _like(pattern: str | float, flags: int) -> Test:
    """`%` any text, `_` one character. What follows a `%` is found where it first stands and never looked for again,
    so that no pattern takes longer than its length times the cell's.
    """
    first, *rest = (_literally(part) for part in re.split("%+", _as_text(pattern)))
    last = f".*{rest.pop()}" if rest else ""
    compiled = re.compile(first + "".join(f"(?>.*?{part})" for part in rest) + last, flags)
    return lambda cell: compiled.fullmatch(_as_text(cell)) is not None


def _literally(part: str) -> str:
    return ".".join(re.escape(piece) for piece in part.split("_"))
