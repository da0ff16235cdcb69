"""How long a client waits for long work: the `Prefer: wait=` header (RFC 7240)."""

from __future__ import annotations

import re

#: Seconds that are waited for a result unless `Prefer: wait=` says otherwise.
DEFAULT_WAIT_S = 5.0
MAX_WAIT_S = 60.0


def wait_s(prefer: str | None) -> float:
    """Seconds to wait by a `Prefer` header: `wait=N`, at most 60, default 5."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", prefer or "")
    return DEFAULT_WAIT_S if found is None else min(float(found.group(1)), MAX_WAIT_S)
