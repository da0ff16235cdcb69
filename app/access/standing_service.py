"""Whether who asked for long work may still have it done when it begins: it may have waited for hours."""

from __future__ import annotations

from datetime import UTC, datetime

from app.access import key_store, people_store
from app.access.permissions import Permission, may
from app.access.principal import Principal
from app.access.principals import of_key, of_person
from app.database.scope import Scope
from app.database.transactions import Connection
from app.errors import Forbidden

ASK = "Ask for it again as somebody who may."


def check_standing(conn: Connection, owner: str | None, scope: Scope, permission: Permission | None) -> None:
    """Refuse what somebody asked for within a scope that they do not hold any more.

    What nobody by name asked for (an open server) stays as it was asked.

    Raises:
        Forbidden: The person is disabled, the key has ended, or roles, areas, clearance or party were taken away.
    """
    if not owner and not scope.who:
        return
    now = None if not owner else find_owner(conn, owner)
    if now is None or (permission is not None and not may(now, permission)) or not now.scope.holds(scope):
        raise Forbidden(
            f"{scope.who or owner} is no longer allowed what this job does; it was not done.", ASK
        )


def find_owner(conn: Connection, owner: str) -> Principal | None:
    """Who it is that `user:7` or `key:5` names, as they stand now; None for who may do nothing any more."""
    kind, _, number = owner.partition(":")
    if kind == "user":
        person = people_store.find_person(conn, int(number))
        return None if person is None or person.disabled_at is not None else of_person(person)
    key = key_store.find_numbered(conn, int(number))
    return None if key is None or not key.holds(datetime.now(UTC)) else of_key(key)
