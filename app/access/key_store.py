"""The SQL of keys: made, found, listed, revoked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, text

from app.access.keys import Key, digest, hint

_COLUMNS = "id, hint, name, scopes, area, made_at, expires_at, revoked_at"
_MAKE = text(
    "INSERT INTO city.access_keys (sha256, hint, name, scopes, area, expires_at) "
    f"VALUES (:sha256, :hint, :name, :scopes, :area, :expires_at) RETURNING {_COLUMNS}"
)
_FIND = text(f"SELECT {_COLUMNS} FROM city.access_keys WHERE sha256 = :sha256")
_LIST = text(f"SELECT {_COLUMNS} FROM city.access_keys ORDER BY id DESC LIMIT 1000")
_REVOKE = text(
    "UPDATE city.access_keys SET revoked_at = coalesce(revoked_at, clock_timestamp()) "
    f"WHERE id = :id RETURNING {_COLUMNS}"
)
#: An area by its code, with its level: from the largest down, should two levels share a code.
_AREA = text(
    "SELECT code, coalesce(name_zh, name_en, code) AS name FROM city.districts WHERE code = :code LIMIT 1"
)
_AREAS = text("SELECT code FROM city.districts ORDER BY code LIMIT 2000")


def make_key(
    conn: Connection, key: str, name: str, scopes: Sequence[str], area: str | None, expires_at: datetime
) -> Key:
    """Put a key on record; only its hash is kept."""
    values = {"sha256": digest(key), "hint": hint(key), "name": name, "scopes": list(scopes), "area": area}
    return _key(conn.execute(_MAKE, {**values, "expires_at": expires_at}).mappings().one())


def find_key(conn: Connection, key: str) -> Key | None:
    """The key on record, holding or not; None where it was never made."""
    row = conn.execute(_FIND, {"sha256": digest(key)}).mappings().one_or_none()
    return None if row is None else _key(row)


def list_keys(conn: Connection) -> list[Key]:
    """All keys, the newest first."""
    return [_key(row) for row in conn.execute(_LIST).mappings()]


def revoke_key(conn: Connection, number: int) -> Key | None:
    """Revoke a key by its number; None where there is none."""
    row = conn.execute(_REVOKE, {"id": number}).mappings().one_or_none()
    return None if row is None else _key(row)


def find_area(conn: Connection, code: str) -> str | None:
    """The name of an area by its code; None where there is none."""
    found = conn.execute(_AREA, {"code": code}).one_or_none()
    return None if found is None else str(found.name)


def area_codes(conn: Connection) -> list[str]:
    """The codes of all areas."""
    return [str(row.code) for row in conn.execute(_AREAS)]


def _key(row: RowMapping) -> Key:
    return Key(**{**row, "scopes": tuple(row["scopes"])})
