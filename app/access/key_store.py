"""The SQL of keys: made, found, listed, used, revoked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, RowMapping, text

from app.access.keys import Key, digest, hint
from app.access.principal import Grant
from app.database.scope import Level

_SELECT = """
    SELECT k.id, k.hint, k.name, k.level, k.made_at, k.expires_at, k.revoked_at, k.last_used_at, k.made_by,
        p.name AS party, p.kind AS party_kind,
        (SELECT coalesce(json_agg(json_build_array(g.role, g.area) ORDER BY g.id), '[]')
            FROM city.grants g WHERE g.key_id = k.id) AS grants
    FROM city.access_keys k LEFT JOIN city.parties p ON p.id = k.party_id
"""
_MAKE = text(
    "INSERT INTO city.access_keys (sha256, hint, name, level, party_id, made_by, expires_at) "
    "VALUES (:sha256, :hint, :name, :level, :party_id, :made_by, :expires_at) RETURNING id"
)
_GRANT = text(
    "INSERT INTO city.grants (key_id, role, area, made_by) VALUES (:key_id, :role, :area, :made_by)"
)
_FIND = text(f"{_SELECT} WHERE k.sha256 = :sha256")
_ONE = text(f"{_SELECT} WHERE k.id = :id")
_LIST = text(f"{_SELECT} ORDER BY k.id DESC LIMIT 1000")
_REVOKE = text(
    "UPDATE city.access_keys SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE id = :id RETURNING id"
)
_USED = text(
    "UPDATE city.access_keys SET last_used_at = date_trunc('minute', clock_timestamp()) "
    "WHERE id = :id AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')"
)
#: An area by its code, with its level: from the largest down, should two levels share a code.
_AREA = text(
    "SELECT code, coalesce(name_zh, name_en, code) AS name FROM city.districts WHERE code = :code LIMIT 1"
)
_NAMED = text(
    "SELECT code, coalesce(name_zh, name_en, code) AS name FROM city.districts WHERE code = ANY(:codes)"
)
_AREAS_NAMED = text(
    "SELECT code, coalesce(name_zh, name_en, code) AS name FROM city.districts WHERE code IS NOT NULL "
    "ORDER BY code LIMIT 2000"
)
_AREAS = text("SELECT code FROM city.districts ORDER BY code LIMIT 2000")


def make_key(
    conn: Connection,
    key: str,
    name: str,
    grants: Iterable[Grant],
    expires_at: datetime,
    level: Level = "internal",
    party_id: int | None = None,
    made_by: str = "",
) -> Key:
    """Put a key on record; only its hash is kept."""
    values = {"sha256": digest(key), "hint": hint(key), "name": name, "level": level, "party_id": party_id}
    number = conn.execute(
        _MAKE, {**values, "made_by": made_by or None, "expires_at": expires_at}
    ).scalar_one()
    for grant in grants:
        given = {"key_id": number, "role": grant.role, "area": grant.area, "made_by": made_by}
        conn.execute(_GRANT, given)
    return _key(conn.execute(_ONE, {"id": number}).mappings().one())


def find_key(conn: Connection, key: str) -> Key | None:
    """The key on record, holding or not; None where it was never made."""
    row = conn.execute(_FIND, {"sha256": digest(key)}).mappings().one_or_none()
    return None if row is None else _key(row)


def find_numbered(conn: Connection, number: int) -> Key | None:
    """The key of a number, holding or not; None where there is none."""
    row = conn.execute(_ONE, {"id": number}).mappings().one_or_none()
    return None if row is None else _key(row)


def list_keys(conn: Connection) -> list[Key]:
    """All keys, the newest first."""
    return [_key(row) for row in conn.execute(_LIST).mappings()]


def revoke_key(conn: Connection, number: int) -> Key | None:
    """Revoke a key by its number; None where there is none."""
    if conn.execute(_REVOKE, {"id": number}).scalar_one_or_none() is None:
        return None
    return _key(conn.execute(_ONE, {"id": number}).mappings().one())


def note_use(conn: Connection, number: int) -> None:
    """Note that a key was used now; written at most once a minute."""
    conn.execute(_USED, {"id": number})


def find_area(conn: Connection, code: str) -> str | None:
    """The name of an area by its code; None where there is none."""
    found = conn.execute(_AREA, {"code": code}).one_or_none()
    return None if found is None else str(found.name)


def area_names(conn: Connection, codes: Iterable[str]) -> dict[str, str]:
    """The names of areas by their codes."""
    return {str(row.code): str(row.name) for row in conn.execute(_NAMED, {"codes": list(codes)})}


def list_areas(conn: Connection) -> list[tuple[str, str]]:
    """Code and name of all areas."""
    return [(str(row.code), str(row.name)) for row in conn.execute(_AREAS_NAMED)]


def area_codes(conn: Connection) -> list[str]:
    """The codes of all areas."""
    return [str(row.code) for row in conn.execute(_AREAS)]


def _key(row: RowMapping) -> Key:
    return Key(**{**row, "grants": tuple(Grant(role, area) for role, area in row["grants"])})
