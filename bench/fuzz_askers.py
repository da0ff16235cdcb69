"""Who asks a fuzzed server: each role, a contractor, an assessor, a district, nobody, anybody while it is open.

Keys are made anew for each operation, so that what one of them revokes leaves the next askers as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from app.access import people_service
from app.access.key_service import make_key
from app.access.people_service import NewPerson
from app.access.principal import Grant, Role
from app.database.scope import Level
from app.database.transactions import Database

CONTRACTOR, ASSESSORS = "A contractor", "Assessors"
_DISTRICT = text("SELECT code FROM city.districts WHERE level = 'district' ORDER BY id LIMIT 1")
#: Names that stand in paths and are made while a server runs.
_MADE = text(
    "SELECT (SELECT id::text FROM city.coverage_runs ORDER BY id LIMIT 1) AS run, "
    "(SELECT id::text FROM city.jobs ORDER BY created_at DESC LIMIT 1) AS job, "
    "(SELECT id::text FROM city.imports ORDER BY started_at DESC LIMIT 1) AS import_id, "
    "(SELECT id::text FROM city.people ORDER BY id LIMIT 1) AS person, "
    "(SELECT id::text FROM city.access_keys ORDER BY id LIMIT 1) AS key"
)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the roles that the key holds, its level and party; without a key where there are no roles."""

    name: str
    roles: tuple[Role, ...] = ()
    level: Level = "internal"
    party: str | None = None
    partly: bool = False


#: Whoever reaches a server at which nobody is named.
OPEN = Asker("anybody, nobody named")
#: Who asks a server at which people are named.
ASKERS = (
    Asker("nobody known"),
    Asker("viewer", ("viewer",), "restricted"),
    Asker("field", ("field",)),
    Asker("editor", ("editor",), "restricted"),
    Asker("planner", ("planner",), "restricted"),
    Asker("auditor", ("auditor",)),
    Asker("system", ("system",)),
    Asker("security", ("security",)),
    Asker("contractor", ("viewer", "editor"), "internal", CONTRACTOR),
    Asker("assessor", ("assessor",), "internal", ASSESSORS),
    Asker("a district's", ("viewer", "field", "editor", "planner"), "internal", None, partly=True),
)


def name_people(db: Database) -> None:
    """Name a person and the parties: from now on nobody is let in unknown."""
    with db.write() as conn:
        people_service.make_person(conn, NewPerson("first", grants=(Grant("security"),)))
        people_service.make_party(conn, CONTRACTOR, "contractor")
        people_service.make_party(conn, ASSESSORS, "assessor")


def new_keys(db: Database) -> Mapping[str, str]:
    """A new key for each of `ASKERS` that bears one, by name."""
    with db.write() as conn:
        district = conn.execute(_DISTRICT).scalar()
        keys = {}
        for asker in ASKERS:
            grants = [Grant(role, district if asker.partly else None) for role in asker.roles]
            if grants:
                keys[asker.name] = make_key(conn, asker.name, grants, 24, asker.level, asker.party)[0]
        return keys


def made_names(db: Database) -> Mapping[str, str]:
    """A job, an import, a person, a key, where there are any: made-up names hardly ever name one."""
    with db.read() as conn:
        return {name: value for name, value in conn.execute(_MADE).mappings().one().items() if value}
