"""Entity tags of the data's version: `"<version>-<8 hex of what else decides the bytes>"`."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from app.database.scope import scope_key


def make_etag(version: str, parts: Iterable[str]) -> str:
    """The tag of a reply made in the scope that holds, from data of `version` and `parts` (address, form, coding …)."""
    parts = (*parts, scope) if (scope := scope_key()) else parts
    return f'"{version}-{zlib.crc32(chr(0).join(parts).encode()):08x}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether an `If-None-Match` header names `etag` (weak comparison, RFC 9110 §13.1.2)."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
