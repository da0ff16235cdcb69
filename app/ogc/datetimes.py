"""The `datetime` parameter of OGC API Features (17-069r4 §7.15.4): an instant or an interval, open ends as `..`."""

from __future__ import annotations

from datetime import date, datetime

from app.errors import BadInput

Instant = date | None
_HINT = (
    "Give datetime=2021-12-31, 2021-12-31T00:00:00Z, 2021-01-01/2021-12-31, ../2021-12-31 or 2021-01-01/.."
)


def parse_datetime(text: str) -> tuple[Instant, Instant]:
    """(from, to) as days, None where open; raises BadInput. Features without a time match every one."""
    parts = text.split("/")
    if len(parts) == 1:
        day = _day(parts[0])
        return day, day
    if len(parts) != 2:
        raise BadInput(f"datetime={text[:60]!r} is neither an instant nor an interval.", _HINT)
    start, end = (None if part in {"", ".."} else _day(part) for part in parts)
    if start is None and end is None:
        raise BadInput("datetime is an interval without any end.", _HINT)
    if start is not None and end is not None and start > end:
        raise BadInput(f"datetime={text[:60]!r} ends before it begins.", _HINT)
    return start, end


def _day(text: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise BadInput(f"datetime holds {text[:40]!r}, which is no date.", _HINT) from None
