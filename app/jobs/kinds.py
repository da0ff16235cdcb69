"""The kinds of jobs that there are, declared once: what the worker does, counts and asks for follows from it."""

from __future__ import annotations

from collections.abc import Mapping

from app.access.permissions import Permission

#: Kind of job → the permission of the routes that queue it, None where the house does by itself. `app.worker` has a
#: handler for each, and starts with no other.
KINDS: Mapping[str, Permission | None] = {
    "coverage": "plan",
    "scenario": "plan",
    "coverage_series": "plan",
    "import": "import",
    "inspect": "import",
    "areas": None,
    "search": None,
}
