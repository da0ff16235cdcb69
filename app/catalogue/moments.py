"""The moment that a request asks about: an hour, or an hour of a day of the week."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import NamedTuple

from app.errors import BadInput

WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
#: The day of the week that a bare hour is asked about: neither weekend nor a usual closing day.
WORKING_DAY = "we"
_AT = re.compile(rf"(?:({'|'.join(WEEKDAYS)})\s+)?(\d{{1,2}}):(\d{{2}})")


class Moment(NamedTuple):
    """A day and minutes after it began, by the clock of the place."""

    day: date
    minute: int


def moment_of(at: str, day: date) -> Moment:
    """The moment that `22:00` or `Sa 22:00` asks about: on the first day of that name from `day` on; else a Wednesday.

    Raises:
        BadInput: The text is neither.
    """
    found = _AT.fullmatch(at.strip().lower())
    hour, minute = (int(found[2]), int(found[3])) if found else (24, 0)
    if found is None or hour > 23 or minute > 59:
        raise BadInput(
            f"at: '{at}' is not an hour.", "Write 22:00, or a day of the week before it: Sa 22:00."
        )
    wanted = WEEKDAYS.index(found[1] or WORKING_DAY)
    return Moment(day + timedelta(days=(wanted - day.weekday()) % len(WEEKDAYS)), hour * 60 + minute)
