"""Keys by which other machines may ask: made, hashed, and what one of them allows. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime

from app.access.principal import Grant, PartyKind, Role
from app.database.scope import Level

#: How a key begins, so that one found in a chat or a file is known for what it is.
PREFIX = "ck_"
HINT_LENGTH = len(PREFIX) + 5
#: What is longer is no key.
MAX_LENGTH = 100
FIELD: Role = "field"


@dataclass(frozen=True, slots=True)
class Key:
    """A key on record: its number and name, what it may do where, up to which sensitivity, until when."""

    id: int
    hint: str
    name: str
    grants: tuple[Grant, ...]
    level: Level
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    made_by: str | None = None
    party: str | None = None
    party_kind: PartyKind | None = None

    @property
    def scopes(self) -> tuple[Role, ...]:
        """The roles that it has."""
        return tuple(dict.fromkeys(grant.role for grant in self.grants))

    @property
    def area(self) -> str | None:
        """The code of the area that it is bound to, None where that is the city or where they are several."""
        areas = {grant.area for grant in self.grants}
        return areas.pop() if len(areas) == 1 else None

    def holds(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires_at


def state_of(key: Key, now: datetime) -> str:
    """`holds`, `expired` or `revoked`."""
    if key.revoked_at is not None:
        return "revoked"
    return "holds" if key.holds(now) else "expired"


def new_key() -> str:
    """A key of 256 random bits, as it is shown once."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(key: str) -> bytes:
    """What is stored of a key; of 256 random bits, SHA-256 needs neither salt nor rounds."""
    return hashlib.sha256(key.encode()).digest()


def hint(key: str) -> str:
    """The first characters of a key."""
    return key[:HINT_LENGTH]


def is_loopback(host: str | None) -> bool:
    """Whether an address is the machine's own; what is no address at all is not."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
