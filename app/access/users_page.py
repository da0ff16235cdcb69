"""The page of people, parties and keys; and the same as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from app.access.keys import Key, state_of
from app.access.people import Party, Person
from app.access.principal import ROLES
from app.access.role_words import LEVEL_WORDS, PARTY_WORDS, ROLE_WORDS
from app.catalogue.model import Lang
from app.web.templates import render
from app.web.viewer import VIEWER


@dataclass(frozen=True, slots=True)
class Told:
    """A secret that was just made and is shown this once: of what kind, whose."""

    kind: Literal["password", "key"]
    name: str
    secret: str | None


def plain(people: Sequence[Person], keys: Sequence[Key], parties: Sequence[Party]) -> dict[str, Any]:
    """People, keys and parties as plain values."""
    return {
        "people": [person_as_plain(one) for one in people],
        "keys": [key_as_plain(one) for one in keys],
        "parties": [party_as_plain(one) for one in parties],
    }


def person_as_plain(person: Person) -> dict[str, Any]:
    """A person as plain values; nothing of a password."""
    return {
        "id": person.id,
        "name": person.name,
        "title": person.title,
        "grants": [{"role": one.role, "area": one.area} for one in person.grants],
        "level": person.level,
        "party": person.party,
        "party_kind": person.party_kind,
        "password": "one-time" if person.password_once else "set" if person.has_password else None,
        "oidc": None if person.oidc_issuer is None else [person.oidc_issuer, person.oidc_subject],
        "made_at": person.made_at.isoformat(),
        "seen_at": None if person.seen_at is None else person.seen_at.isoformat(),
        "disabled_at": None if person.disabled_at is None else person.disabled_at.isoformat(),
    }


def key_as_plain(key: Key) -> dict[str, Any]:
    """A key as plain values."""
    return {
        "id": key.id, "hint": key.hint, "name": key.name, "scopes": list(key.scopes), "area": key.area,
        "grants": [{"role": one.role, "area": one.area} for one in key.grants],
        "level": key.level, "party": key.party,
        "made_at": key.made_at.isoformat(), "expires_at": key.expires_at.isoformat(),
        "state": state_of(key, datetime.now(UTC)),
        "last_used_at": None if key.last_used_at is None else key.last_used_at.isoformat(), "made_by": key.made_by,
    }  # fmt: skip


def party_as_plain(found: Party) -> dict[str, Any]:
    """A party as plain values."""
    return {"id": found.id, "name": found.name, "kind": found.kind, "made_at": found.made_at.isoformat()}


def render_users(
    people: Sequence[Person],
    keys: Sequence[Key],
    parties: Sequence[Party],
    areas: Sequence[tuple[str, str]],
    told: Told | None,
    lang: Lang,
) -> str:
    """The page; each form bears the token of the session for which it is made."""
    now = datetime.now(UTC)
    return render(
        "access/users.html",
        lang,
        people=people,
        keys=[(key, state_of(key, now)) for key in keys],
        parties=parties,
        areas=areas,
        named=dict(areas),
        told=told,
        csrf=VIEWER.get().csrf or "",
        roles={role: ROLE_WORDS[role] for role in ROLES},
        levels=LEVEL_WORDS,
        kinds=PARTY_WORDS,
        moment=_moment,
    )


def _moment(at: datetime | None) -> str:
    return "—" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M}"
