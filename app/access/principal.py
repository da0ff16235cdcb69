"""Who asks: a person, a key, or whoever sits at a machine for which nobody was named yet (`open`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Self, cast, get_args

from starlette.requests import HTTPConnection

from app.database.scope import NOTHING, SERVICE, Level, Scope

Role = Literal[
    "viewer", "field", "editor", "planner", "assessor", "auditor", "system", "security"
]  # fmt: skip
ROLES: tuple[Role, ...] = get_args(Role)
#: Roles that see features; the three others administrate and see none.
READING: frozenset[Role] = frozenset(("viewer", "field", "editor", "planner", "assessor"))
#: What one person holds alone: no role beside it.
ALONE: frozenset[Role] = frozenset(("auditor", "system", "security"))
#: Roles that write features.
WRITING: frozenset[Role] = frozenset(("editor",))
Kind = Literal["open", "user", "key", "nobody"]
PartyKind = Literal["office", "squad", "contractor", "assessor"]
#: Where in an ASGI scope the principal stands.
PRINCIPAL = "chengtu.principal"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in an area, by its code; None is the city."""

    role: Role
    area: str | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, what for, and what is seen: made by `granted`, `OPEN` or `NOBODY`.

    `name` stands in the record of what is done. `csrf` is the token that unsafe requests of a session must bring, None
    where a request came without a session. `until` is when the key or session ends.
    """

    kind: Kind
    name: str
    scope: Scope
    roles: frozenset[Role]
    grants: tuple[Grant, ...] = ()
    person_id: int | None = None
    key_id: int | None = None
    party: str | None = None
    party_kind: PartyKind | None = None
    csrf: str | None = None
    until: datetime | None = None

    @classmethod
    def granted(
        cls,
        kind: Literal["user", "key"],
        name: str,
        grants: Iterable[Grant],
        level: Level,
        *,
        person_id: int | None = None,
        key_id: int | None = None,
        party: str | None = None,
        party_kind: PartyKind | None = None,
        csrf: str | None = None,
        until: datetime | None = None,
    ) -> Self:
        """Somebody with grants: the scope is what they add up to, of a contractor only the party's own assets."""
        held = tuple(grants)
        areas, edits = areas_of(held, READING), areas_of(held, WRITING)
        scope = Scope(
            level if areas != () else "public",
            areas,
            edits,
            party if party_kind == "contractor" else None,
            name,
            f"{kind}:{person_id if kind == 'user' else key_id}",
        )
        roles = frozenset(grant.role for grant in held)
        return cls(
            kind, name, scope, roles, held, person_id, key_id, party, party_kind, csrf, until
        )  # fmt: skip

    def scope_for(self, permission: str | None) -> Scope:
        """The scope of a request whose route needs `permission`: who reports from the street writes there, so far."""
        if permission != "report" or self.kind not in {"user", "key"}:
            return self.scope
        return replace(self.scope, edits=self.areas("field", "editor"))

    @property
    def owner(self) -> str:
        """Whose jobs and imports are one's own: `user:7`, `key:5`; "" for who is neither."""
        return self.scope.owner

    def areas(self, *roles: Role) -> tuple[str, ...] | None:
        """The codes of the areas in which one of the roles is held: None the whole city, () none."""
        if self.kind == "open":
            return None
        return areas_of(self.grants, frozenset(roles))


def areas_of(grants: Iterable[Grant], roles: frozenset[Role]) -> tuple[str, ...] | None:
    """The areas of those grants that are of one of the roles: None the whole city, () none."""
    found = {grant.area for grant in grants if grant.role in roles}
    return None if None in found else tuple(sorted(code for code in found if code is not None))


#: Whoever asks a server on loopback for which no person was named: everything, as a program of one's own.
OPEN = Principal("open", "", SERVICE, frozenset(ROLES))
#: Who asks for what anybody may have, without credentials.
NOBODY = Principal("nobody", "", NOTHING, frozenset())


def principal_of(request: HTTPConnection) -> Principal:
    """Who asks; nobody where the gate did not say."""
    return cast("Principal", request.scope.get(PRINCIPAL, NOBODY))
