"""`If-Match` and `If-None-Match` on requests that write (RFC 9110 §13.1): which version the client means. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.errors import BadInput, PreconditionRequired

_TAG = re.compile(r'\s*(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
#: Headers longer than this name no version.
MAX_LENGTH = 4_000


@dataclass(frozen=True, slots=True)
class Preconditions:
    """`versions` are the change numbers that may be current, None where any may; `absent`: there must be no feature."""

    versions: frozenset[str] | None = None
    absent: bool = False
    sent: bool = False

    def hold(self, change_id: int) -> bool:
        """Whether they hold of a feature that was last written by a change."""
        return not self.absent and (self.versions is None or str(change_id) in self.versions)


def read_preconditions(if_match: str | None, if_none_match: str | None, *, required: bool) -> Preconditions:
    """What a request says of the version that it changes; tags are compared up to their dash, weak ones too.

    The rest of a tag tells forms, languages and codings of the same version apart, which matter to caches alone.

    Raises:
        PreconditionRequired: It says nothing and is `required` to.
        BadInput: A header is no list of entity tags.
    """
    if if_none_match is not None and if_none_match.strip() == "*":
        return Preconditions(absent=True, sent=True)
    if if_match is None:
        if required:
            raise PreconditionRequired(
                "The request names no version of the feature.",
                "Get the feature and send its ETag back as If-Match.",
            )
        return Preconditions()
    if if_match.strip() == "*":
        return Preconditions(sent=True)
    return Preconditions(_versions(if_match), sent=True)


def _versions(header: str) -> frozenset[str]:
    found, place = [], 0
    while place < len(header) <= MAX_LENGTH:
        tag = _TAG.match(header, place)
        if tag is None:
            break
        found.append(tag[1])
        place = tag.end()
    if place < len(header) or not found:
        raise BadInput(
            f"If-Match: {header[:60]!r} is no list of entity tags.",
            'Send the ETag as it came, with its quotation marks: If-Match: "42-0a1b2c3d".',
        )
    return frozenset(tag.partition("-")[0] for tag in found)
