"""The SQL of people, parties and what they were granted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from app.access.people import Party, Person
from app.access.principal import Grant, PartyKind, Role
from app.errors import unknown

_SELECT = """
    SELECT p.id, p.name, p.title, p.level, p.password_hash IS NOT NULL AS has_password, p.password_once,
        p.oidc_issuer, p.oidc_subject, p.made_at, p.seen_at, p.disabled_at, y.name AS party, y.kind AS party_kind,
        (SELECT coalesce(json_agg(json_build_array(g.role, g.area) ORDER BY g.id), '[]')
            FROM city.grants g WHERE g.person_id = p.id) AS grants
    FROM city.people p LEFT JOIN city.parties y ON y.id = p.party_id
"""
_ONE = text(f"{_SELECT} WHERE p.id = :id")
_NAMED = text(f"{_SELECT} WHERE lower(p.name) = lower(:name)")
_SUBJECT = text(f"{_SELECT} WHERE p.oidc_issuer = :issuer AND p.oidc_subject = :subject")
_LIST = text(f"{_SELECT} ORDER BY p.disabled_at IS NOT NULL, lower(p.name) LIMIT 5000")
_NAMES = text("SELECT name FROM city.people ORDER BY name LIMIT 5000")
_ANY = text("SELECT EXISTS (SELECT FROM city.people)")
_MAKE = text(
    "INSERT INTO city.people (name, title, party_id, level, password_hash, password_once, password_at, oidc_issuer, "
    "oidc_subject) VALUES (:name, :title, :party_id, :level, :password_hash, :password_once, "
    "CASE WHEN CAST(:password_hash AS text) IS NULL THEN NULL ELSE clock_timestamp() END, :oidc_issuer, :oidc_subject) "
    "RETURNING id"
)
_GRANT = text(
    "INSERT INTO city.grants (person_id, role, area, made_by) VALUES (:person_id, :role, :area, :made_by) "
    "ON CONFLICT (person_id, role, coalesce(area, '')) WHERE person_id IS NOT NULL DO NOTHING"
)
_REVOKE = text(
    "DELETE FROM city.grants WHERE person_id = :person_id AND role = :role AND area IS NOT DISTINCT FROM :area "
    "RETURNING id"
)
_HASH = text("SELECT password_hash FROM city.people WHERE id = :id")
_PASSWORD = text(
    "UPDATE city.people SET password_hash = :password_hash, password_once = :once, password_at = clock_timestamp() "
    "WHERE id = :id"
)
_REHASH = text("UPDATE city.people SET password_hash = :new WHERE id = :id AND password_hash = :old")
_SUBJECT_SET = text("UPDATE city.people SET oidc_issuer = :issuer, oidc_subject = :subject WHERE id = :id")
_LEVEL = text("UPDATE city.people SET level = :level, granted_at = clock_timestamp() WHERE id = :id")
_DISABLE = text(
    "UPDATE city.people SET disabled_at = CASE WHEN :disabled THEN coalesce(disabled_at, clock_timestamp()) END "
    "WHERE id = :id"
)
_SEEN = text("UPDATE city.people SET seen_at = clock_timestamp() WHERE id = :id")
_PARTIES = text("SELECT id, name, kind, made_at FROM city.parties ORDER BY name LIMIT 5000")
_PARTY = text("SELECT id, name, kind, made_at FROM city.parties WHERE name = :name")
_PARTY_MAKE = text(
    "INSERT INTO city.parties (name, kind) VALUES (:name, :kind) RETURNING id, name, kind, made_at"
)


def anyone(conn: Connection) -> bool:
    """Whether any person is on record: from then on nobody is let in unknown."""
    return bool(conn.execute(_ANY).scalar_one())


def make_person(conn: Connection, values: dict[str, Any]) -> int:
    """Put a person on record, by the names of the columns; the number."""
    return int(conn.execute(_MAKE, values).scalar_one())


def find_person(conn: Connection, number: int) -> Person | None:
    """A person by number."""
    return _found(conn.execute(_ONE, {"id": number}).mappings().one_or_none())


def find_named(conn: Connection, name: str) -> Person | None:
    """A person by the name of login, whatever its case."""
    return _found(conn.execute(_NAMED, {"name": name}).mappings().one_or_none())


def find_subject(conn: Connection, issuer: str, subject: str) -> Person | None:
    """A person by what a provider calls them."""
    return _found(conn.execute(_SUBJECT, {"issuer": issuer, "subject": subject}).mappings().one_or_none())


def list_people(conn: Connection) -> list[Person]:
    """All people by name, those who may not log in any more last."""
    return [_person(row) for row in conn.execute(_LIST).mappings()]


def names(conn: Connection) -> list[str]:
    """The names of all people."""
    return [str(row.name) for row in conn.execute(_NAMES)]


def add_grants(conn: Connection, number: int, grants: Iterable[Grant], made_by: str) -> None:
    """Grant roles; one that is there already stays as it is."""
    for grant in grants:
        conn.execute(
            _GRANT, {"person_id": number, "role": grant.role, "area": grant.area, "made_by": made_by}
        )


def remove_grant(conn: Connection, number: int, role: Role, area: str | None) -> bool:
    """Take a grant away; whether it was there."""
    given = {"person_id": number, "role": role, "area": area}
    return conn.execute(_REVOKE, given).scalar_one_or_none() is not None


def password_hash(conn: Connection, number: int) -> str | None:
    """What is kept of a person's password."""
    found = conn.execute(_HASH, {"id": number}).scalar_one_or_none()
    return None if found is None else str(found)


def set_password(conn: Connection, number: int, hashed: str, *, once: bool) -> None:
    """Take another password; with `once` it opens nothing until it is changed."""
    conn.execute(_PASSWORD, {"id": number, "password_hash": hashed, "once": once})


def rehash(conn: Connection, number: int, old: str, new: str) -> None:
    """The same password, hashed with today's parameters; nothing where it was changed meanwhile."""
    conn.execute(_REHASH, {"id": number, "old": old, "new": new})


def set_subject(conn: Connection, number: int, issuer: str | None, subject: str | None) -> None:
    """What a provider calls a person."""
    conn.execute(_SUBJECT_SET, {"id": number, "issuer": issuer, "subject": subject})


def set_level(conn: Connection, number: int, level: str) -> None:
    """Up to which sensitivity a person sees."""
    conn.execute(_LEVEL, {"id": number, "level": level})


def set_disabled(conn: Connection, number: int, *, disabled: bool) -> None:
    """Let a person log in no more, or again."""
    conn.execute(_DISABLE, {"id": number, "disabled": disabled})


def note_login(conn: Connection, number: int) -> None:
    """A person logged in now."""
    conn.execute(_SEEN, {"id": number})


def make_party(conn: Connection, name: str, kind: PartyKind) -> Party:
    """Put a party on record."""
    return Party(**conn.execute(_PARTY_MAKE, {"name": name, "kind": kind}).mappings().one())


def list_parties(conn: Connection) -> list[Party]:
    """All parties by name."""
    return [Party(**row) for row in conn.execute(_PARTIES).mappings()]


def party_id(conn: Connection, name: str) -> int:
    """The number of a party by its name; raises NotFound with the nearest names."""
    found = conn.execute(_PARTY, {"name": name}).one_or_none()
    if found is None:
        raise unknown("party", name[:100], [party.name for party in list_parties(conn)])
    return int(found.id)


def _found(row: RowMapping | None) -> Person | None:
    return None if row is None else _person(row)


def _person(row: RowMapping) -> Person:
    return Person(**{**row, "grants": tuple(Grant(role, area) for role, area in row["grants"])})
