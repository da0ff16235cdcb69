"""Keys that read `/metrics` while the database is away: it alone could say whose they are, and that it is away is news.

Each process remembers by itself; what it forgets it asks the database again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from app.access.keys import digest
from app.access.permissions import may
from app.access.principal import Principal

#: The one route that is opened by memory.
LINE = "GET /metrics"
#: So long after it was last found good a key is remembered, seconds: one that was revoked since is found out then.
REMEMBERED_S = 3600.0
#: Keys that are remembered.
MAX_KNOWN = 100


class Watchers:
    """Who bears which key, of those that may watch, as the database said within the hour."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[bytes, tuple[Principal, float]] = {}

    def note(self, token: str, principal: Principal) -> None:
        """Remember a key that the database has just found good, where it may watch; else forget it."""
        self.forget(token)
        if principal.kind != "key" or not may(principal, "watch"):
            return
        if len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]  # the one that was found good longest ago
        self._known[digest(token)] = principal, self._clock() + REMEMBERED_S

    def forget(self, token: str) -> None:
        """Forget a key: the database does not know it any more."""
        self._known.pop(digest(token), None)

    def find(self, token: str) -> Principal | None:
        """Who bears a key, where that is remembered and its own time has not ended."""
        found, until = self._known.get(digest(token), (None, 0.0))
        if found is None or self._clock() >= until:
            return None
        return None if found.until is not None and found.until.timestamp() <= time.time() else found
