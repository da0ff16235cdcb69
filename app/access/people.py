"""People and parties, as they are on record, and what may stand there. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from app.access.principal import ALONE, ROLES, Grant, PartyKind, Role
from app.database.scope import Level
from app.errors import BadInput, unknown

PARTY_KINDS: tuple[PartyKind, ...] = get_args(PartyKind)
MAX_NAME = 100
MAX_GRANTS = 200


@dataclass(frozen=True, slots=True)
class Party:
    """An office, a squad, a contractor or an assessor."""

    id: int
    name: str
    kind: PartyKind
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """A person on record: by what name one logs in, what one may do and where, up to which sensitivity (`level`)."""

    id: int
    name: str
    title: str | None
    level: Level
    grants: tuple[Grant, ...]
    party: str | None
    party_kind: PartyKind | None
    has_password: bool
    password_once: bool
    oidc_issuer: str | None
    oidc_subject: str | None
    made_at: datetime
    seen_at: datetime | None
    disabled_at: datetime | None


def check_text(message: str, text: str, longest: int = MAX_NAME) -> str:
    """A name without the blanks around it; raises BadInput where it is empty, too long or holds what cannot be seen."""
    clean = unicodedata.normalize("NFC", text).strip()
    hidden = any(unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for one in clean)
    if not 0 < len(clean) <= longest or hidden:
        raise BadInput(f"{message}.", f"Give a name of 1 to {longest} characters that can be seen.")
    return clean


def check_grants(grants: Sequence[Grant]) -> None:
    """Raise BadInput where one holder may not have these roles together, NotFound where one is no role.

    Who administers accounts, the system or the record does that alone, and for the whole city.
    """
    if len(grants) > MAX_GRANTS:
        raise BadInput(f"Nobody holds more than {MAX_GRANTS} grants.", "Grant a larger area.")
    for grant in grants:
        check_role(grant.role)
        if grant.role in ALONE and grant.area is not None:
            raise BadInput(f"The role {grant.role} is for the whole city.", "Leave the area out.")
    roles = sorted({grant.role for grant in grants})
    alone = next((role for role in roles if role in ALONE), None)
    if alone is not None and len(roles) > 1:
        other = next(role for role in roles if role != alone)
        raise BadInput(
            f"Nobody may be both {alone} and {other}.",
            "Who administers people, the system or the record holds no other role: take a second person.",
        )


def grants_of(roles: Sequence[str], areas: Sequence[str]) -> tuple[Grant, ...]:
    """Each role in each area, without one in the whole city; raises NotFound where one is no role."""
    places: list[str | None] = [*areas] or [None]
    return tuple(Grant(check_role(role), place) for role in roles for place in places)


def check_role(name: str) -> Role:
    """The role of this name; raises NotFound with the nearest ones."""
    for role in ROLES:
        if role == name:
            return role
    raise unknown("role", name[:MAX_NAME], ROLES)


def check_kind(name: str) -> PartyKind:
    """The kind of party of this name; raises NotFound."""
    for kind in PARTY_KINDS:
        if kind == name:
            return kind
    raise unknown("kind of party", name[:MAX_NAME], PARTY_KINDS)
