"""The opaque tokens of the links `next` and `prev`: a place in the order, and what was known of the whole."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from app.errors import BadInput
from app.inventory.ordering import Position

#: Bytes of the checksum at a token's head.
CHECK_BYTES = 6
#: Longest token that is read; a sort value is a text of any length.
MAX_LENGTH = 16_000
_HINT = "Follow the links 'next' and 'prev' as they are, or begin anew without 'after' and 'before'."


@dataclass(frozen=True, slots=True)
class Token:
    """A page's `position`; `version` and `matched` are the data version and the number as the page before knew them.

    `question` tells whether it is still the same filter; `exact` whether `matched` was counted.
    """

    position: Position
    version: str
    question: str
    matched: int | None = None
    exact: bool = False


def write_token(order: str, token: Token) -> str:
    """The token as a link bears it; `order` names the collection and what it is sorted by."""
    known = [token.version, token.question, token.matched, token.exact]
    body = orjson.dumps([*known, token.position.id, *map(_plain, token.position.values)])
    return base64.urlsafe_b64encode(_checksum(order, body) + body).rstrip(b"=").decode()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def read_token(order: str, name: str, text: str) -> Token:
    """The token that the parameter `name` bears.

    Raises:
        BadInput: It was not written by us, is not whole, or is of another order or collection.
    """
    try:
        raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raw = b""
    check, body = raw[:CHECK_BYTES], raw[CHECK_BYTES:]
    found = None if len(text) > MAX_LENGTH or check != _checksum(order, body) else _parsed(body)
    if found is None:
        raise BadInput(f"'{name}' is no page of this collection in this order.", _HINT)
    return found


def _parsed(body: bytes) -> Token | None:
    """The token of a text; None for one that only somebody else can have written."""
    try:
        plain = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    match plain:
        case [str(version), str(question), None | int() as matched, bool(exact), int(item), *values] if not (
            isinstance(item, bool) or isinstance(matched, bool)
        ):
            return Token(Position(item, tuple(values)), version, question, matched, exact)
    return None


def _checksum(order: str, body: bytes) -> bytes:
    """Not secret: whoever makes a token by hand gets a page that he could ask for anyway."""
    return hashlib.blake2b(order.encode() + b"\0" + body, digest_size=CHECK_BYTES).digest()
