"""The days of a series: from, to and a step, or days as they are listed."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date

from app.errors import BadInput, unknown
from app.inventory.times import parse_date

#: Months between two days.
STEPS = {"year": 12, "quarter": 3, "month": 1}
MOST_DAYS = 120
_YEAR = re.compile(r"\d{4}$")
_MONTH = re.compile(r"\d{4}-\d{2}$")
HINT = "Write 2015..2025, or from, to and a step (year, quarter, month), or a list of days."


def days_of(
    first: str | None, last: str | None, step: str = "year", listed: Sequence[str] = (), *, today: date
) -> list[date]:
    """The days of a series, ascending: those listed, or the ends of the years, quarters or months from first to last.

    A year or a month means its last day; days after `today` become today, once.

    Raises:
    ------
    BadInput
        A text is no day, the step is unknown, the end lies before the start, there are none or too many days.
    """
    if listed:
        found = [_day("dates", text) for text in listed]
    elif not first or not last:
        raise BadInput("A series needs days.", HINT)
    else:
        found = _steps(_day("from", first), min(_day("to", last), today), step)
    days = sorted({min(day, today) for day in found})
    if len(days) > MOST_DAYS:
        raise BadInput(
            f"A series of {len(days)} days is too long.", f"At most {MOST_DAYS}; take a longer step."
        )
    return days


def parse_span(text: str) -> tuple[str, str]:
    """`2015..2025` → both ends."""
    first, dots, last = text.partition("..")
    if not dots or not first or not last:
        raise BadInput(f"'{text}' is not a span of days.", HINT)
    return first.strip(), last.strip()


def _day(name: str, text: str) -> date:
    text = str(text).strip()
    if _YEAR.fullmatch(text):
        text = f"{text}-12-31"
    elif _MONTH.fullmatch(text):
        year, month = int(text[:4]), int(text[5:])
        if 1 <= month <= 12 and year >= 1:
            text = f"{text}-{monthrange(year, month)[1]:02d}"
    return parse_date(name, text)


def _steps(first: date, last: date, step: str) -> list[date]:
    if step not in STEPS:
        error = unknown("step", step, STEPS)
        raise BadInput(error.message, f"Valid steps: {', '.join(STEPS)}.")
    if last < first:
        raise BadInput(f"The series ends on {last}, before it begins on {first}.", HINT)
    days, months = [], first.year * 12 + first.month - 1
    while (day := _in_month(months, first.day)) <= last:
        days.append(day)
        months += STEPS[step]
        if len(days) > MOST_DAYS:
            break
    return days


def _in_month(months: int, day: int) -> date:
    """The given day of a month counted from year 0, or its last day; the 30th or 31st of a month means its end."""
    year, month = divmod(months, 12)
    length = monthrange(year, month + 1)[1]
    return date(year, month + 1, length if day >= 30 else min(day, length))
