"""Times in the world as rows bear them: from a day on, until before another. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise

from app.errors import BadInput
from app.inventory.batch import Period


def today() -> date:
    """The day it is where the program runs: the city's day, if it runs there."""
    return datetime.now().astimezone().date()


def check_periods(class_id: str, codes: Sequence[str], valid: Sequence[Period]) -> None:
    """Refuse days out of order, and two rows of one code for the same day; `codes` (n,) and `valid` (n,) go together.

    Raises:
        BadInput: The sentence names the code and the days.
    """
    for code, period in zip(codes, valid, strict=True):
        check_period(f"{class_id} '{code}'", period)
    rows = sorted(zip(codes, valid, strict=True), key=lambda row: (row[0], row[1][0] or date.min))
    for (code, before), (other, after) in pairwise(rows):
        if code == other and overlap(before, after):
            raise BadInput(
                f"{class_id} '{code}' is said to be two things at once: {_words(before)} and {_words(after)}.",
                "The times of one object must not overlap: end the earlier row on the day the later one begins.",
            )


def check_period(what: str, period: Period) -> None:
    """Refuse a time that ends before it begins, or at once.

    Raises:
        BadInput: The sentence names `what`.
    """
    start, end = period
    if start is not None and end is not None and start >= end:
        raise BadInput(
            f"The dates of {what} are out of order: from {start} until before {end}.",
            "The day on which it ends must follow the day on which it begins.",
        )


def overlap(one: Period, other: Period) -> bool:
    """Whether two times have a day in common."""
    return (one[0] or date.min) < (other[1] or date.max) and (other[0] or date.min) < (one[1] or date.max)


def holds(period: Period, day: date) -> bool:
    """Whether a time holds a day."""
    return (period[0] or date.min) <= day < (period[1] or date.max)


def range_literal(period: Period) -> str:
    """A time as PostgreSQL reads a daterange."""
    start, end = ("" if day is None else day.isoformat() for day in period)
    return f"[{start},{end})"


def _words(period: Period) -> str:
    start, end = period
    return f"from {start or 'the beginning'} until {end or 'now'}"
