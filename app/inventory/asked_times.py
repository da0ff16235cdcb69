"""The times that a request or a command names as text, made `Times`; whatever is wrong with them is the asker's."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import Connection

from app.errors import BadInput, NotFound
from app.inventory.changes import read_times
from app.inventory.times import NOW, Times, parse_date

#: `+` means a blank in an address: 2021-12-31T18:00+08:00 arrives so where it was not escaped.
_LOST_PLUS = re.compile(r"(T\S+) (\d\d:?\d\d)$")


def asked_times(conn: Connection, as_of: str | None = None, known_at: str | None = None) -> Times:
    """What to read for `as_of` (a day) and `known_at` (a change number or a moment), as they were written.

    A day after today asks for what is planned. `known_at` alone is read as of the day of that change.

    Raises:
        BadInput: No day, no number, no moment; no such change; a moment before the first change or after now.
    """
    if as_of is None and known_at is None:
        return NOW
    day = None if as_of is None else parse_date("as_of", as_of)
    if known_at is None:
        return Times(day)
    written = with_plus(known_at)
    _check_past(written)
    try:
        return read_times(conn, day, written)
    except NotFound as error:
        raise BadInput(error.message, error.hint) from error


def with_plus(moment: str) -> str:
    """A moment with the `+` before its offset, where an address has lost it."""
    return _LOST_PLUS.sub(r"\1+\2", moment)


def _check_past(written: str) -> None:
    """Nobody knows yet what will be known."""
    try:
        moment = datetime.fromisoformat(written).astimezone()
    except (ValueError, OverflowError, OSError):
        return  # a number, or nothing: told apart where it is looked up
    if not written.isdecimal() and moment > datetime.now().astimezone():
        raise BadInput(
            f"known_at: '{written}' lies in the future.", "Leave it out to read what is known today."
        )
