"""The `datetime` parameter of OGC API Features (17-069r4 §7.15.4): an instant or an interval, open ends as `..`."""

from __future__ import annotations

import re
from datetime import date, datetime

from app.errors import BadInput
from app.inventory.asked_times import with_plus
from app.inventory.times import Times

_HINT = (
    "Give datetime=2021-12-31, 2021-12-31T00:00:00Z, 2021-01-01/2021-12-31, ../2021-12-31 or 2021-01-01/.."
)
#: full-date and date-time of RFC 3339 §5.6; Python would read week dates and more besides.
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)


def parse_datetime(text: str) -> Times:
    """The days that are asked for; a moment is the day it is then where the program runs.

    Raises:
        BadInput: No instant or interval of RFC 3339, or one that ends before it begins.
    """
    parts = text.split("/")
    if len(parts) == 1:
        return Times(_day(parts[0]))
    if len(parts) != 2:
        raise BadInput(f"datetime={text[:60]!r} is neither an instant nor an interval.", _HINT)
    start, end = (None if part in {"", ".."} else _day(part) for part in parts)
    if start is None and end is None:
        raise BadInput("datetime is an interval without any end.", _HINT)
    if start is not None and end is not None and start > end:
        raise BadInput(f"datetime={text[:60]!r} ends before it begins.", _HINT)
    return Times(end, since=start, interval=True)


def _day(text: str) -> date:
    written = with_plus(text)
    if _RFC3339.fullmatch(written) is None:
        raise _no_date(text)
    try:
        moment = datetime.fromisoformat(written.upper())
        return moment.date() if moment.tzinfo is None else moment.astimezone().date()
    except (ValueError, OverflowError, OSError):
        raise _no_date(text) from None


def _no_date(text: str) -> BadInput:
    return BadInput(f"datetime holds {text[:40]!r}, which is no date.", _HINT)
