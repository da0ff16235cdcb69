"""Entity tags of the data's version: `"<version>-<8 hex of what else decides the bytes>"`."""

from __future__ import annotations

import zlib
from collections.abc import Iterable


def make_etag(version: str, parts: Iterable[str]) -> str:
    """The tag of a reply made from data of `version` and from `parts` (address, form, language, coding)."""
    return f'"{version}-{zlib.crc32(chr(0).join(parts).encode()):08x}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether an `If-None-Match` header names `etag` (weak comparison, RFC 9110 §13.1.2)."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags
