"""Sessions: a random token in a cookie, of which the server keeps the hash, and the token that forms bring. Pure."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from app.errors import Forbidden

#: How a session's token begins, so that one found in a file is known for what it is.
PREFIX = "cs_"
MAX_LENGTH = 100
#: A session that nobody used for so long ends; every session ends some day.
IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
#: The cookie. With its prefix browsers take it from this host alone, by HTTPS, for every path (RFC 6265bis §4.1.3).
COOKIE, COOKIE_TLS = "chengtu", "__Host-chengtu"
#: By what unsafe requests of a session say that they come from our pages: a header of scripts, a field of forms.
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"

Means = Literal["password", "oidc"]


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in by a token: the person, what forms must bring, until when."""

    person_id: int
    csrf: str
    means: Means
    made_at: datetime
    seen_at: datetime
    expires_at: datetime


def new_token() -> str:
    """A token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def new_csrf() -> bytes:
    """What the pages of a session hold, 256 random bits."""
    return secrets.token_bytes(32)


def digest(token: str) -> bytes:
    """What is stored of a token; of 256 random bits, SHA-256 needs neither salt nor rounds."""
    return hashlib.sha256(token.encode()).digest()


def sent_session(cookies: Mapping[str, str], *, secure: bool) -> str | None:
    """The token that a request brought; by HTTPS only the cookie that HTTPS alone can set."""
    token = cookies.get(COOKIE_TLS if secure else COOKIE)
    return token if token and token.startswith(PREFIX) and len(token) <= MAX_LENGTH else None


def is_secure(scheme: str, public_url: str | None) -> bool:
    """Whether browsers come by HTTPS: to this server, or to the proxy before it."""
    return scheme == "https" or (public_url or "").startswith("https://")


def check_csrf(expected: str | None, sent: str | None) -> None:
    """Raise Forbidden where a request does not bring what the session's pages hold."""
    if expected is None or sent is None or not hmac.compare_digest(expected.encode(), sent.encode()):
        raise Forbidden(
            "This request does not come from a page of your session.",
            "Load the page again and send it once more; programs send an API key instead of a cookie.",
        )
