"""Temporal functions (OGC 21-065r2 §7.8): relations of two spans of time, both of whose ends belong to them.

An instant is a span that ends as it begins. A day beside moments is all of that day in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.errors import BadInput
from app.ogc.cql2 import operand
from app.ogc.cql2.comparison import TIMES, as_day
from app.ogc.cql2.literals import read_instant
from app.ogc.cql2.operand import Operand, Scope


@dataclass(frozen=True, slots=True)
class _Span:
    """The ends of an operand, None where it is open; an instant has one at both."""

    start: Operand | None
    end: Operand | None
    instant: bool

    @property
    def kinds(self) -> set[str]:
        return {item.kind for item in (self.start, self.end) if item is not None}


#: Relation of span a to span b by their ends: `as`, `ae`, `bs`, `be` stand for start and end of the first and second.
_RELATIONS: Mapping[str, str] = {
    "t_after": "{as} > {be}",
    "t_before": "{ae} < {bs}",
    "t_contains": "{as} < {bs} AND {ae} > {be}",
    "t_disjoint": "NOT ({as} <= {be} AND {ae} >= {bs})",
    "t_during": "{as} > {bs} AND {ae} < {be}",
    "t_equals": "{as} = {bs} AND {ae} = {be}",
    "t_finishedby": "{as} < {bs} AND {ae} = {be}",
    "t_finishes": "{as} > {bs} AND {ae} = {be}",
    "t_intersects": "{as} <= {be} AND {ae} >= {bs}",
    "t_meets": "{ae} = {bs}",
    "t_metby": "{as} = {be}",
    "t_overlappedby": "{as} > {bs} AND {as} < {be} AND {ae} > {be}",
    "t_overlaps": "{as} < {bs} AND {ae} > {bs} AND {ae} < {be}",
    "t_startedby": "{as} = {bs} AND {ae} > {be}",
    "t_starts": "{as} = {bs} AND {ae} < {be}",
}


def _temporal(name: str, relation: str) -> Callable[[Scope, list[Operand]], Operand]:
    def compile_temporal(scope: Scope, args: list[Operand]) -> Operand:
        spans = [_span(name, item) for item in args]
        write = _writer(spans)
        ends: dict[str, str] = {}
        for letter, span in zip("ab", spans, strict=True):
            # A placeholder may stand twice: what is written once is bound once.
            ends[f"{letter}s"] = write(scope, span.start, False)
            ends[f"{letter}e"] = write(scope, span.end, True)
        return Operand("boolean", f"({relation.format(**ends)})")

    return compile_temporal


def _span(name: str, item: Operand) -> _Span:
    if item.kind == "interval":
        start, end = (None if part is None else _bound(name, part) for part in item.literal)
        return _Span(start, end, instant=False)
    part = _instant(name, item)
    return _Span(part, part, instant=True)


def _bound(name: str, item: Operand) -> Operand:
    """An end of an interval; that of a property may be open where the property is null."""
    found = _instant(name, item)
    return found if found.bound is None else Operand(found.kind, found.bound, name=found.name)


def _instant(name: str, item: Operand) -> Operand:
    if item.kind == "text" and not item.sql:
        return operand.instant(read_instant(item.literal).value)
    if item.kind not in TIMES:
        raise BadInput(
            f"{name.upper()} takes times, and {item.shown} is none.",
            "Write DATE('2021-12-31'), TIMESTAMP('2021-12-31T10:00:00Z'), INTERVAL('2021-01-01', '..') or a property.",
        )
    return item


def _writer(spans: list[_Span]) -> Callable[[Scope, Operand | None, bool], str]:
    """What writes the ends: as days, as moments, or days as the first or last moment of theirs."""
    kinds = set().union(*(span.kinds for span in spans))
    if kinds <= {"date"} or (all(span.instant for span in spans) and len(kinds) > 1):
        return _as_days
    return _as_moments


def _as_days(scope: Scope, item: Operand | None, last: bool) -> str:
    if item is None:
        return "date 'infinity'" if last else "date '-infinity'"
    return as_day(scope, item)


def _as_moments(scope: Scope, item: Operand | None, last: bool) -> str:
    if item is None:
        return "timestamptz 'infinity'" if last else "timestamptz '-infinity'"
    if item.kind == "datetime":
        return scope.sql(item)
    day = scope.sql(item)
    if last:
        return f"(({day} + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond')"
    return f"({day}::timestamp AT TIME ZONE 'UTC')"


#: Functions by name, with the least and the most operands.
OPERATORS: Mapping[str, tuple[Callable[[Scope, list[Operand]], Operand], int, int]] = {
    name: (_temporal(name, relation), 2, 2) for name, relation in _RELATIONS.items()
}
