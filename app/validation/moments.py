"""Moments as files write them: RFC 3339, and the usual spellings of a day with a time of day. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

#: What the database stores: a day less than the calendar at either end, for any zone that it is shown in.
FIRST, LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
_DAY = r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
_TIME = r"(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:[.,](\d{1,9}))?)?[分秒]?"
_ZONE = r"\s*([Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?"
_MOMENT = re.compile(rf"{_DAY}(?:[Tt\s]\s*{_TIME}{_ZONE})?")
_COMPACT = re.compile(
    rf"(\d{{4}})(\d{{2}})(\d{{2}})(?:[Tt\s]?(\d{{2}})(\d{{2}})(?:(\d{{2}})(?:[.,](\d{{1,9}}))?)?{_ZONE})?"
)


def read_moment(value: Any) -> datetime | None:
    """The moment in UTC that a raw value tells; None where it tells none, or none that can be stored.

    What names no zone is in that of the machine, as a table of the city's own is; a day alone is its first moment.
    """
    try:
        moment = _read(value)
        found = None if moment is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found is not None and FIRST <= found < LAST else None


def _read(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the caller gives it the machine's zone
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    found = _MOMENT.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is None:
        return None
    *parts, fraction, zone = found.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    microsecond = int((fraction or "").ljust(6, "0")[:6] or 0)
    return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=_zone(zone))


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text[0] not in "+-":
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:]) if len(text) > 3 else 0
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
