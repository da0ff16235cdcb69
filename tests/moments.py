"""Moments that are easily put on another day: midnights, China's summer times of 1986 to 1991, and their ends."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")
FIRST, LAST = datetime(1902, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def drawn(count: int, seed: int = 2026) -> list[datetime]:
    """So many moments in UTC, whole seconds: by turns at any time, at midnight there, of summer times."""
    draw = random.Random(seed)
    kinds = (_any, _midnight, _of_summer_time)
    return [kinds[number % 3](draw) for number in range(count)]


def _any(draw: random.Random) -> datetime:
    return FIRST + timedelta(seconds=draw.randrange(int((LAST - FIRST).total_seconds())))


def _midnight(draw: random.Random) -> datetime:
    day = _any(draw).astimezone(LOCAL).replace(hour=0, minute=0, second=0)
    return day.astimezone(UTC) + timedelta(seconds=draw.choice((-1, 0, 1)))


def _of_summer_time(draw: random.Random) -> datetime:
    year, (month, day) = draw.randrange(1986, 1992), draw.choice(((4, 10), (5, 1), (7, 1), (9, 10)))
    return datetime(year, month, day, tzinfo=UTC) + timedelta(seconds=draw.randrange(10 * 86_400))
