"""Use cases of keys: make one that is bound to an area and expires, look one up, revoke."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.access import key_store
from app.access.keys import FIELD, MAX_LENGTH, PREFIX, Key, new_key
from app.database.transactions import Connection
from app.errors import BadInput, KeyRequired, NotFound, unknown

MAX_HOURS = 24 * 366
MAX_NAME = 100
REFUSAL = "Open the address that the QR code holds, or ask for a new key: chengtu keys new."


def make_field_key(conn: Connection, name: str, area: str | None, hours: float) -> tuple[str, Key]:
    """A new key for the phone page: the key itself, which is shown now and never again, and what is on record of it.

    Raises:
        NotFound: There is no area with this code.
        BadInput: It would hold for no time, or for more than a year, or names nobody.
    """
    if not 0 < len(name.strip()) <= MAX_NAME:
        raise BadInput("A key is somebody's.", f"Give a name of 1 to {MAX_NAME} characters.")
    if not 0 < hours <= MAX_HOURS:
        raise BadInput(f"A key cannot hold for {hours:g} hours.", f"Give 1 to {MAX_HOURS} hours.")
    if area is not None and key_store.find_area(conn, area) is None:
        raise unknown("area", area, key_store.area_codes(conn))
    key = new_key()
    expires = datetime.now(UTC) + timedelta(hours=hours)
    return key, key_store.make_key(conn, key, name, [FIELD], area, expires)


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
