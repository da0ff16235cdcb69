"""Errors for names in a URL that do not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from app.errors import BadInput


def unknown_parameter(name: str, known: Iterable[str], kind: str = "query parameter") -> BadInput:
    """The error for a query parameter (or another `kind` of name) that does not exist here, hinting at the nearest."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Known here: {', '.join(names) or 'none'}."
    return BadInput(f"There is no {kind} '{name[:100]}' here.", hint)
