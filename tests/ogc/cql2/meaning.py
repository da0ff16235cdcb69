"""Filters drawn from a seed, each with what it means in plain Python and shapely: independent of what is tested."""

from __future__ import annotations

import math
import operator
import random
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import shapely

from tests.ogc.cql2 import drawn

Row = dict[str, Any]
Truth = bool | None
#: How a term or predicate reads in text, and its value for a row (None: unknown).
COMPARE = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
LETTERS = str.maketrans("øØłŁđĐ", "oOlLdD")


@dataclass(frozen=True)
class Term:
    text: str
    of: Callable[[Row], Any]


def known(test: Callable[..., Any], *terms: Term) -> Callable[[Row], Any]:
    """The test of the terms' values, unknown where one of them is."""

    def apply(row: Row) -> Any:
        values = [term.of(row) for term in terms]
        return None if None in values else test(*values)

    return apply


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def bare(text: str) -> str:
    marked = unicodedata.normalize("NFD", text)
    plain = "".join(
        sign for sign in marked if not unicodedata.combining(sign) or not "\u0300" <= sign <= "\u036f"
    )
    return unicodedata.normalize("NFC", plain).translate(LETTERS).replace("ß", "ss")


def like(text: str, pattern: str) -> bool:
    """SQL's LIKE with `\\` as the escape."""
    made, rest = "", iter(pattern)
    for sign in rest:
        made += {"%": ".*", "_": "."}.get(sign) or re.escape(next(rest) if sign == "\\" else sign)
    return re.fullmatch(made, text, re.DOTALL) is not None


class Filters:
    """Draws filters for the rows of `drawn`."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def predicate(self, depth: int = 3) -> Term:
        kind = self.draw.random()
        if depth and kind < 0.15:
            return self.negated(self.predicate(depth - 1))
        if depth and kind < 0.45:
            return self.joined([self.predicate(depth - 1) for _ in range(self.draw.randint(2, 3))])
        return self.draw.choice(
            [self.texts, self.numbers, self.times, self.spans, self.places, self.likeness, self.choices, self.nulls,
             self.ranges, self.truths,
             self.sets]
        )()  # fmt: skip

    def negated(self, part: Term) -> Term:
        return Term(f"NOT ({part.text})", known(operator.not_, part))

    def joined(self, parts: list[Term]) -> Term:
        word = self.draw.choice(["AND", "OR"])
        decisive = word == "OR"

        def join(row: Row) -> Truth:
            values = [part.of(row) for part in parts]
            return decisive if decisive in values else None if None in values else not decisive

        return Term(f" {word} ".join(f"({part.text})" for part in parts), join)

    def nulls(self) -> Term:
        name = self.draw.choice([*drawn.FIELDS, "valid_from"])
        negated = self.draw.random() < 0.5
        text = f"{name} IS {'NOT ' if negated else ''}NULL"
        return Term(text, lambda row: (row[name] is None) != negated)

    def truths(self) -> Term:
        value = self.draw.choice([True, False])
        text = self.draw.choice([f"open = {str(value).lower()}", f"{str(value).upper()} = open"])
        return Term(text, lambda row: None if row["open"] is None else row["open"] == value)

    def sets(self) -> Term:
        """A relation of the areas that a feature touches to some codes."""
        codes = set(self.draw.sample(["C", "W", "E", "no such"], self.draw.randint(1, 3)))
        name = self.draw.choice(list(_SETS))
        text = f"{name}(areas_touched, ({', '.join(quoted(code) for code in sorted(codes))}))"
        return Term(text, lambda row: _SETS[name](set(row["areas_touched"]), codes))

    def text_term(self) -> Term:
        if self.draw.random() < 0.6:
            name = self.draw.choice(["label", "other", "LABEL"])
            term = Term(name, lambda row: row[name.lower()])
        else:
            value = self.draw.choice([*drawn.WORDS, "Ö", "a"])
            term = Term(quoted(value), lambda _: value)
        kind = self.draw.random()
        if kind < 0.2:
            return Term(f"CASEI({term.text})", known(str.casefold, term))
        return Term(f"accenti({term.text})", known(bare, term)) if kind < 0.4 else term

    def texts(self) -> Term:
        return self.compared(self.text_term(), self.text_term())

    def compared(self, one: Term, other: Term) -> Term:
        op = self.draw.choice(list(COMPARE))
        return Term(f"{one.text} {op} {other.text}", known(COMPARE[op], one, other))

    def likeness(self) -> Term:
        value = self.draw.choice(
            [*drawn.WORDS, "%", "C%", "%a%", "_b", r"%\%", r"a\_b", "K_benhavn", r"back\\slash"]
        )
        fold = self.draw.choice([("{}", str), ("CASEI({})", str.casefold), ("ACCENTI({})", bare)])
        if len(value) - len(value.rstrip("\\")) & 1:
            value += "%"
        negated = self.draw.random() < 0.3
        term = Term("label", lambda row: row["label"])
        text = f"{fold[0].format('label')} {'NOT ' if negated else ''}LIKE {fold[0].format(quoted(value))}"
        return Term(text, known(lambda text: like(fold[1](text), fold[1](value)) != negated, term))

    def number(self, depth: int = 2) -> Term:
        if depth and self.draw.random() < 0.4:
            return self.calculated(self.number(depth - 1), self.number(depth - 1))
        if self.draw.random() < 0.6:
            name = self.draw.choice(["stalls", "seats", "width_m"])
            return Term(name, lambda row: row[name])
        value = self.draw.choice([0, 1, 2, 3, -2, 0.5, 2.25, 10, 1e3])
        return Term(str(value) if value >= 0 else f"({value})", lambda _: value)

    def calculated(self, one: Term, other: Term) -> Term:
        op = self.draw.choice(["+", "-", "*", "/", "div", "%"])
        return Term(
            f"({one.text} {op} {other.text})",
            known(lambda a, b: _calculate(op, float(a), float(b)), one, other),
        )

    def numbers(self) -> Term:
        return self.compared(self.number(), self.number())

    def ranges(self) -> Term:
        value, low, high = self.number(1), self.number(0), self.number(0)
        negated = self.draw.random() < 0.3
        text = f"{value.text} {'NOT ' if negated else ''}BETWEEN {low.text} AND {high.text}"

        def between(row: Row) -> Truth:
            at, least, most = value.of(row), low.of(row), high.of(row)
            above = None if None in (at, least) else at >= least
            below = None if None in (at, most) else at <= most
            inside = False if False in (above, below) else None if None in (above, below) else True
            return None if inside is None else inside != negated

        return Term(text, between)

    def choices(self) -> Term:
        name, values = self.draw.choice(
            [("label", drawn.WORDS), ("stalls", range(-3, 12)), ("width_m", [0.0, 0.5, 3])]
        )
        chosen = self.draw.sample(list(values), 3)
        negated = self.draw.random() < 0.3
        shown = ", ".join(quoted(value) if isinstance(value, str) else str(value) for value in chosen)
        term = Term(name, lambda row: row[name])
        text = f"{name} {'NOT ' if negated else ''}IN ({shown})"
        return Term(text, known(lambda value: (value in chosen) != negated, term))

    def day(self) -> date:
        return date(2020, 1, 1) + timedelta(days=self.draw.randint(-2, 62))

    def moment(self) -> datetime:
        return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=6 * self.draw.randint(-4, 250))

    def times(self) -> Term:
        """A comparison of times: days beside moments count as their days."""
        day, moment = self.day(), self.moment()
        terms = [
            Term("day", lambda row: row["day"]), Term("begun", lambda row: row["begun"]),
            Term("ended", lambda row: row["ended"]), Term(f"DATE('{day}')", lambda _: day),
            Term(f"TIMESTAMP('{_written(moment)}')", lambda _: moment),
        ]  # fmt: skip
        one, other = self.draw.sample(terms, 2)
        op = self.draw.choice(list(COMPARE))
        return Term(
            f"{one.text} {op} {other.text}", known(lambda a, b: COMPARE[op](*_alike(a, b)), one, other)
        )

    def span(self) -> Term:
        """An instant or interval with both its ends: (start, end, whether they are days)."""
        day, moment, kind = self.day(), self.moment(), self.draw.randint(0, 5)
        later_day, later = day + timedelta(days=self.draw.randint(0, 9)), moment + timedelta(hours=6)
        match kind:
            case 0:
                return Term("day", lambda row: (row["day"], row["day"]))
            case 1:
                return Term("begun", lambda row: (row["begun"], row["begun"]))
            case 2:
                return Term(f"INTERVAL('{day}','{later_day}')", lambda _: (day, later_day))
            case 3:
                text = f"INTERVAL('{_written(moment)}','{_written(later)}')"
                return Term(text, lambda _: (moment, later))
            case 4:
                return Term(f"INTERVAL('..','{_written(later)}')", lambda _: (-math.inf, later))
        return Term("INTERVAL(begun,ended)", lambda row: (row["begun"], row["ended"]))

    def spans(self) -> Term:
        name = self.draw.choice(list(_RELATIONS))
        one, other = self.span(), self.span()
        instants = all("INTERVAL" not in term.text for term in (one, other))

        def related(row: Row) -> Truth:
            return _related(name, _moments(one.of(row), other.of(row), instants=instants))

        return Term(f"{name}({one.text},{other.text})", related)

    def place(self) -> tuple[str, Any]:
        """A geometry as text and as itself, on the lines that the drawn shapes lie on."""
        west, south = self.draw.randint(0, 14) / 4 + 114, self.draw.randint(0, 14) / 4 + 26
        east, north = west + self.draw.randint(1, 6) / 4, south + self.draw.randint(1, 6) / 4
        shape = self.draw.choice(
            [shapely.Point(west, south), shapely.LineString([(west, south), (east, north), (east, south)]),
             shapely.box(west, south, east, north), shapely.Polygon([(west, south), (east, south), (west, north)]),
             shapely.MultiPoint([(west, south), (east, north)])]
        )  # fmt: skip
        if shape.geom_type == "Polygon" and self.draw.random() < 0.4:
            return "BBOX({},{},{},{})".format(*shape.bounds), shapely.box(*shape.bounds)
        return shape.wkt, shape

    def places(self) -> Term:
        name = self.draw.choice(list(_PLACES))
        text, shape = self.place()
        swapped = self.draw.random() < 0.3
        pair = (text, "geom") if swapped else ("geom", text)

        def test(row: Row) -> bool:
            return bool(_PLACES[name](*((shape, row["geom"]) if swapped else (row["geom"], shape))))

        return Term(f"{name}({pair[0]}, {pair[1]})", test)


def _calculate(op: str, a: float, b: float) -> float | None:
    if op in "+-*":
        return {"+": a + b, "-": a - b, "*": a * b}[op]
    if b == 0:
        return None
    return {"/": a / b, "div": float(math.trunc(a / b)), "%": a - b * math.trunc(a / b)}[op]


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _alike(*values: Any) -> list[Any]:
    if len({isinstance(value, datetime) for value in values}) == 1:
        return list(values)
    return [value.date() if isinstance(value, datetime) else value for value in values]


def _moments(one: tuple[Any, Any], other: tuple[Any, Any], *, instants: bool) -> list[float | None]:
    """The ends of both spans as numbers: of days where all are days, or where two instants meet, else of seconds."""
    ends = [*one, *other]
    if instants and len({isinstance(value, datetime) for value in ends if value is not None}) > 1:
        ends = [value.date() if isinstance(value, datetime) else value for value in ends]
    if not any(isinstance(value, datetime) for value in ends):
        return [value.toordinal() if isinstance(value, date) else value for value in ends]
    return [_seconds(value, last=place % 2 == 1) for place, value in enumerate(ends)]


def _seconds(value: Any, *, last: bool) -> float | None:
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, datetime):
        return value.timestamp()
    start = datetime(value.year, value.month, value.day, tzinfo=UTC)
    return (start + timedelta(days=1, microseconds=-1) if last else start).timestamp()


#: Relation → what must hold of the ends a to b and c to d of two spans; unknown ends leave the rest to decide.
_RELATIONS = {
    "T_AFTER": "a>d", "T_BEFORE": "b<c", "T_CONTAINS": "a<c b>d", "T_DURING": "a>c b<d", "T_EQUALS": "a=c b=d",
    "T_FINISHEDBY": "a<c b=d", "T_FINISHES": "a>c b=d", "T_INTERSECTS": "a<=d b>=c", "T_DISJOINT": "a<=d b>=c",
    "T_MEETS": "b=c", "T_METBY": "a=d", "T_OVERLAPPEDBY": "a>c a<d b>d", "T_OVERLAPS": "a<c b>c b<d",
    "T_STARTEDBY": "a=c b>d", "T_STARTS": "a=c b<d",
}  # fmt: skip


def _related(name: str, ends: list[float | None]) -> Truth:
    named = dict(zip("abcd", ends, strict=True))
    found: set[Truth] = set()
    for rule in _RELATIONS[name].split():
        one, other = named[rule[0]], named[rule[-1]]
        found.add(None if one is None or other is None else COMPARE[rule[1:-1]](one, other))
    truth = False if False in found else None if None in found else True
    return truth if truth is None else truth != (name == "T_DISJOINT")


_SETS: dict[str, Callable[[set[str], set[str]], bool]] = {
    "A_CONTAINS": operator.ge,
    "A_CONTAINEDBY": operator.le,
    "A_EQUALS": operator.eq,
    "A_OVERLAPS": lambda one, other: bool(one & other),
}
_PLACES: dict[str, Callable[[Any, Any], Any]] = {
    "S_INTERSECTS": shapely.intersects,
    "S_DISJOINT": shapely.disjoint,
    "S_EQUALS": shapely.equals,
    "S_TOUCHES": shapely.touches,
    "S_CROSSES": shapely.crosses,
    "S_WITHIN": shapely.within,
    "S_CONTAINS": shapely.contains,
    "S_OVERLAPS": shapely.overlaps,
}
