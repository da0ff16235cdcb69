"""Use cases of keys: make one that is bound to areas and expires, look one up, revoke."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from app.access import key_store, people_store
from app.access.keys import FIELD, MAX_LENGTH, PREFIX, Key, new_key
from app.access.people import check_grants, check_text
from app.access.principal import Grant
from app.database.scope import Level, author
from app.database.transactions import Connection
from app.errors import BadInput, KeyRequired, NotFound, unknown

MAX_HOURS = 24 * 366
MAX_NAME = 100
REFUSAL = "Open the address that the QR code holds, or ask for a new key: chengtu keys new."


def make_field_key(conn: Connection, name: str, area: str | None, hours: float) -> tuple[str, Key]:
    """A new key for the phone page: the key itself, which is shown now and never again, and what is on record of it.

    Raises: as `make_key`.
    """
    return make_key(conn, name, [Grant(FIELD, area)], hours)


def make_key(
    conn: Connection,
    name: str,
    grants: Sequence[Grant],
    hours: float,
    level: Level = "internal",
    party: str | None = None,
) -> tuple[str, Key]:
    """A new key with roles in areas: the key itself, which is shown now and never again, and what is on record of it.

    Raises:
        NotFound: There is no area with one of these codes, no party of this name.
        BadInput: It would hold for no time, or for more than a year, names nobody, or its roles exclude each other.
    """
    check_text("A key is somebody's", name, MAX_NAME)
    if not 0 < hours <= MAX_HOURS:
        raise BadInput(f"A key cannot hold for {hours:g} hours.", f"Give 1 to {MAX_HOURS} hours.")
    check_grants(grants)
    check_areas(conn, grants)
    party_id = None if party is None else people_store.party_id(conn, party)
    key = new_key()
    expires = datetime.now(UTC) + timedelta(hours=hours)
    return key, key_store.make_key(conn, key, name, grants, expires, level, party_id, author("command"))


def check_areas(conn: Connection, grants: Sequence[Grant]) -> None:
    """Raise NotFound where a grant names an area that is not there."""
    for code in {grant.area for grant in grants if grant.area is not None}:
        if key_store.find_area(conn, code) is None:
            raise unknown("area", code, key_store.area_codes(conn))


def get_holding(conn: Connection, key: str) -> Key:
    """The key on record that a client sent.

    Raises:
        KeyRequired: It was never made, was revoked or has expired.
    """
    if not key.startswith(PREFIX) or len(key) > MAX_LENGTH:
        raise KeyRequired("This is no key.", REFUSAL)
    found = key_store.find_key(conn, key)
    if found is None:
        raise KeyRequired("This key is not known here.", REFUSAL)
    if found.revoked_at is not None:
        raise KeyRequired("This key was revoked.", REFUSAL)
    if not found.holds(datetime.now(UTC)):
        raise KeyRequired("This key has expired.", REFUSAL)
    return found


def revoke(conn: Connection, number: int) -> Key:
    """Let a key end now; raises NotFound where there is none with this number."""
    found = key_store.revoke_key(conn, number)
    if found is None:
        raise NotFound(f"There is no key with the number {number}.", "`chengtu keys list` shows them.")
    return found
