"""What was refused, by the limit that it was over; limits have the same names in docs and `/metrics`."""

from __future__ import annotations

from typing import Literal, get_args

from app.meters import counter

#: The limits that requests are refused by; `app/limits.py` says what each is.
LimitName = Literal[
    "requests", "guesses", "request_time", "lock_time", "connections", "readers", "downloads", "own_downloads",
    "own_jobs", "queued_jobs", "body", "header_time", "header_bytes", "body_pace", "reply_pace", "clients",
    "own_clients", "logins", "builds", "edits", "engine", "database",
]  # fmt: skip
LIMIT_NAMES: tuple[LimitName, ...] = get_args(LimitName)
REFUSED = counter(
    "chengtu_refused_total",
    "Requests and connections refused, by the limit that they were over.",
    limit=LIMIT_NAMES,
)


def refused(limit: LimitName) -> None:
    """Count one."""
    REFUSED.add(limit)
