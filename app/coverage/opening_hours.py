"""Opening hours as offices and OpenStreetMap write them: whether a place is open at a moment, or that nobody can tell.

Read is the common part of OpenStreetMap's opening_hours (months, days of months, weekdays, times past midnight, `off`,
`24/7`) and how Chinese registers say the same. A moment is never taken for a public holiday, so what is said of
holidays has no effect. Sunrise, weeks, years and free text are not read: such hours are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TypeVar

from app.catalogue.moments import WEEKDAYS, Moment
from app.coverage.hours_words import in_osm_words

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY_MINUTES = 24 * 60
MONTH_DAYS = 31
LONGEST = 500

_TOKEN = re.compile(
    r"\s*(?:(?P<time>\d{1,2}:\d{2})|(?P<day>\d{1,2})(?![\d:])"
    r"|(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])"
    r"|(?P<weekday>mo(?:n(?:day)?)?|tu(?:e(?:s(?:day)?)?)?|we(?:d(?:nesday)?)?|th(?:u(?:rs(?:day)?)?)?"
    r"|fr(?:i(?:day)?)?|sa(?:t(?:urday)?)?|su(?:n(?:day)?)?)(?![a-z])"
    r"|(?P<holiday>ph|sh)(?![a-z])|(?P<off>off|closed)(?![a-z])|(?P<open>open)(?![a-z])|(?P<mark>[-,;]))\s*"
)
Day = tuple[int, int]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rule:
    """On days in `dates` (none: all) that are `weekdays`, open or closed in `spans` of minutes (none: all day).

    `adds` keeps what earlier rules say of the same day; another rule replaces it. A span may end past midnight.
    """

    dates: tuple[tuple[Day, Day], ...] = ()
    weekdays: frozenset[int] = frozenset(range(7))
    spans: tuple[tuple[int, int], ...] = ()
    is_open: bool = True
    adds: bool = False

    @property
    def always(self) -> bool:
        """Whether the rule speaks of every day."""
        return not self.dates and len(self.weekdays) == len(WEEKDAYS)

    def matches(self, day: date) -> bool:
        """Whether the rule speaks of a day."""
        today = (day.month, day.day)
        inside = not self.dates or any(_between(first, today, last) for first, last in self.dates)
        return inside and day.weekday() in self.weekdays


def is_open(text: str | None, moment: Moment) -> bool | None:
    """Whether hours written as `text` hold at a moment; None where they are missing or not understood."""
    rules = parse(text) if text else None
    if rules is None:
        return None
    day, minute = moment
    return _open_on(rules, day, minute) or _open_on(rules, day - timedelta(days=1), minute + DAY_MINUTES)


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[Rule, ...] | None:
    """The rules of a text, in order; None where any part of it is not understood."""
    tokens = _tokens(in_osm_words(text)) if len(text) <= LONGEST else []
    try:
        return _Reader(tokens).rules() or None
    except _NotUnderstoodError:
        return None


class _NotUnderstoodError(Exception):
    """A text says something that is not read here."""


def _between(first: Day, today: Day, last: Day) -> bool:
    if first <= last:
        return first <= today <= last
    return today >= first or today <= last


def _open_on(rules: tuple[Rule, ...], day: date, minute: int) -> bool:
    """Whether the rules of a day hold `minute` minutes after it began: the last rule that speaks of it decides."""
    answer = False
    for rule in rules:
        if not rule.matches(day):
            continue
        meant = any(start <= minute < end for start, end in rule.spans or ((0, DAY_MINUTES),))
        # New hours of a day stand in place of the old ones, unless they are added or only take some away.
        if meant or (rule.is_open and not rule.adds):
            answer = meant and rule.is_open
    return answer


def _tokens(words: str) -> list[tuple[str, str]]:
    """Kind and text of each word; nothing where one of them is strange."""
    tokens, at = [], 0
    while at < len(words):
        found = _TOKEN.match(words, at)
        if found is None:
            return []
        tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        at = found.end()
    return tokens


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def rules(self) -> tuple[Rule, ...]:
        rules: list[Rule] = []
        adds = False
        while self._at < len(self._tokens):
            rule = self._rule(adds)
            if rule is not None:
                _append(rules, rule)
            adds = self._skip(",")
            while self._skip(";") or self._skip(","):
                adds = False
        return tuple(rules)

    def _rule(self, adds: bool) -> Rule | None:
        """The next rule, None where it speaks of holidays alone."""
        begins = self._at
        dates = self._listed("month", self._dates)
        days = self._listed(("weekday", "holiday"), self._days)
        spans = self._listed("time", self._span)
        word = self._take() if self._is("off", "open") else ("open", "")
        if self._at == begins:
            raise _NotUnderstoodError
        if days and not any(days):
            return None
        weekdays = frozenset().union(*days) or frozenset(range(len(WEEKDAYS)))
        return Rule(dates, weekdays, spans, word[0] == "open", adds)

    def _dates(self) -> tuple[Day, Day]:
        first = self._month()
        day = self._number()
        if not self._skip("-"):
            return (first, day or 1), (first, day or MONTH_DAYS)
        last = self._month() if self._is("month") else first
        end = self._number()
        if last == first and end is None:
            raise _NotUnderstoodError
        return (first, day or 1), (last, end or MONTH_DAYS)

    def _days(self) -> frozenset[int]:
        """The weekdays of a range; none where it is a holiday."""
        kind, word = self._take()
        if kind == "holiday":
            return frozenset()
        first = WEEKDAYS.index(word[:2])
        last = WEEKDAYS.index(self._take("weekday")[1][:2]) if self._skip("-") else first
        return frozenset((first + i) % 7 for i in range((last - first) % 7 + 1))

    def _span(self) -> tuple[int, int]:
        start = self._minutes()
        if not self._skip("-"):
            raise _NotUnderstoodError
        end = self._minutes()
        return start, end if end > start else end + DAY_MINUTES

    def _minutes(self) -> int:
        hour, minute = (int(part) for part in self._take("time")[1].split(":"))
        if hour > 48 or minute > 59:
            raise _NotUnderstoodError
        return hour * 60 + minute

    def _month(self) -> int:
        return MONTHS.index(self._take("month")[1][:3]) + 1

    def _number(self) -> int | None:
        if not self._is("day"):
            return None
        number = int(self._take()[1])
        if not 1 <= number <= MONTH_DAYS:
            raise _NotUnderstoodError
        return number

    def _listed(self, kinds: str | tuple[str, ...], read: Callable[[], T]) -> tuple[T, ...]:
        """What `read` reads of a list with commas; a comma before another kind of word ends it."""
        wanted = (kinds,) if isinstance(kinds, str) else kinds
        found: list[T] = []
        while self._is(*wanted):
            found.append(read())
            if self._peek(0) == ("mark", ",") and self._peek(1)[0] in wanted:
                self._at += 1
            elif not (self._is("holiday") and "holiday" in wanted):
                break
        return tuple(found)

    def _peek(self, ahead: int) -> tuple[str, str]:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ("", "")

    def _is(self, *kinds: str) -> bool:
        return self._peek(0)[0] in kinds

    def _take(self, kind: str | None = None) -> tuple[str, str]:
        token = self._peek(0)
        if not token[0] or kind not in (None, token[0]):
            raise _NotUnderstoodError
        self._at += 1
        return token

    def _skip(self, mark: str) -> bool:
        found = self._peek(0) == ("mark", mark)
        self._at += found
        return found


def _append(rules: list[Rule], rule: Rule) -> None:
    """Days alone say when the hours before them hold, as in `8:00-17:00 Mo-Fr`."""
    if rule.is_open and not rule.spans and not rule.always and rules and rules[-1].always and rules[-1].spans:
        last = rules.pop()
        rule = Rule(rule.dates, rule.weekdays, last.spans, last.is_open, last.adds)
    rules.append(rule)
