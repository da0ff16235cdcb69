"""What a client prefers (RFC 7240): how long it waits for long work, and whether a write answers with what it wrote."""

from __future__ import annotations

import re
from typing import Literal

#: Seconds that are waited for a result unless `Prefer: wait=` says otherwise.
DEFAULT_WAIT_S = 5.0
MAX_WAIT_S = 60.0


def wait_s(prefer: str | None) -> float:
    """Seconds to wait by a `Prefer` header: `wait=N`, at most 60, default 5."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", prefer or "")
    return DEFAULT_WAIT_S if found is None else min(float(found.group(1)), MAX_WAIT_S)


def returned(prefer: str | None) -> Literal["representation", "minimal"] | None:
    """What `Prefer: return=` asks of the answer to a write, None where nothing is said."""
    found = re.search(r"(?:^|[,;\s])return\s*=\s*\"?(representation|minimal)\b", prefer or "")
    if found is None:
        return None
    return "representation" if found.group(1) == "representation" else "minimal"
