"""What the audit record notes: events that tables cannot tell of themselves, in the transaction in which they happen.

Writes are noted by the database (revision 0018): changes, imports, runs, policies, people, parties, grants, keys,
sessions. What remains are reads, files that leave and failed logins. An entry takes its place in the chain when the
transaction commits: it is there with what it tells of, or not at all.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

#: Characters of one value that are kept: a filter may have ten thousand.
MOST = 1000


class Event(StrEnum):
    """The events that the program notes; `TABLE_EVENTS` are those of the database."""

    EXPORTED = "exported"
    READ_RESTRICTED = "read.restricted"
    LOGIN_FAILED = "login.failed"
    LOCKED_OUT = "login.locked"
    KEY_USED = "key.used"
    PRUNED = "audit.pruned"
    CANCELLED = "job.cancelled"
    ASSESSED = "assessed"
    BACKED_UP = "backup.made"
    RESTORED = "backup.restored"


#: What triggers note.
TABLE_EVENTS = (
    "changed", "import.running", "import.done", "import.failed", "import.interrupted", "run.made", "policy.made",
    "person.made", "person.changed", "person.removed", "party.made", "party.changed", "party.removed",
    "key.made", "key.changed", "key.removed", "grant.made", "grant.changed", "grant.removed", "login", "logout",
)  # fmt: skip

_NOTE = text("SELECT city.note(:event, :object, CAST(:detail AS jsonb), :who)")
_ONCE = text(
    "SELECT city.note_once(:event, :object, CAST(:detail AS jsonb), make_interval(secs => :seconds), :who)"
)


def note(
    conn: Connection, event: Event | str, about: str | None, *, who: str | None = None, **detail: Any
) -> None:
    """Note an event about something, in a transaction that writes; `who` counts where its scope names nobody."""
    conn.execute(_NOTE, _values(event, about, who, detail))


def note_once(
    conn: Connection,
    event: Event | str,
    about: str,
    *,
    seconds: int,
    who: str | None = None,
    **detail: Any,
) -> bool:
    """Note an event at most once in so many seconds by one person about one thing; says whether it was noted."""
    return bool(conn.execute(_ONCE, {**_values(event, about, who, detail), "seconds": seconds}).scalar())


def _values(event: Event | str, about: str | None, who: str | None, detail: dict[str, Any]) -> dict[str, Any]:
    told = {name: _short(value) for name, value in detail.items() if value is not None}
    return {
        "event": str(event),
        "object": None if about is None else _short(about),
        "detail": json.dumps(told, ensure_ascii=False, default=str),
        "who": None if who is None else _short(who),
    }


def _short(value: Any) -> Any:
    """A value as the record keeps it: long texts cut, without the null that no text of the database holds."""
    if not isinstance(value, str):
        return value
    clean = value.replace("\0", "").encode("utf-8", "replace").decode()
    return clean if len(clean) <= MOST else clean[: MOST - 1] + "…"
