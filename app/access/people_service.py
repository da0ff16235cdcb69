"""Use cases of people and parties: make, grant, revoke, give a password, disable."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.access import login_store, passwords, people_store
from app.access.key_service import check_areas
from app.access.people import Party, Person, check_grants, check_kind, check_role, check_text
from app.access.principal import Grant
from app.database.scope import Level, author
from app.database.transactions import Connection
from app.errors import BadInput, Conflict, NotFound, unknown

#: At most as long as a subject of OpenID Connect may be (Core §2).
MAX_SUBJECT = 255
LAST = "security"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What is told of a person who is made known."""

    name: str
    grants: tuple[Grant, ...] = ()
    level: Level = "internal"
    title: str | None = None
    party: str | None = None
    password: str | None = None
    once: bool = False
    oidc: tuple[str, str] | None = None


def make_person(conn: Connection, new: NewPerson) -> Person:
    """Put a person on record, with what they may do.

    Raises:
        Conflict: The name is taken, or the provider's name for them.
        BadInput: A name, a password or roles that are not taken.
        NotFound: There is no such role, area or party.
    """
    name = check_text("A person has a name to log in by", new.name)
    title = None if not new.title else check_text("A title says something", new.title)
    if new.password is not None:
        passwords.check_password(new.password, name)
    check_grants(new.grants)
    check_areas(conn, new.grants)
    issuer, subject = new.oidc or (None, None)
    if subject is not None and issuer is not None:
        _check_subject(conn, issuer, subject)
    if people_store.find_named(conn, name) is not None:
        raise Conflict(f"There is a person named '{name}' already.", "Take another name.")
    values = {
        "name": name,
        "title": title,
        "party_id": None if not new.party else people_store.party_id(conn, new.party),
        "level": new.level,
        "password_hash": None if new.password is None else passwords.hash_password(new.password),
        "password_once": new.once,
        "oidc_issuer": issuer,
        "oidc_subject": subject,
    }
    number = people_store.make_person(conn, values)
    people_store.add_grants(conn, number, new.grants, author("command"))
    return get_person(conn, number)


def _check_subject(conn: Connection, issuer: str, subject: str) -> None:
    check_text("A subject is what the provider calls somebody", subject, MAX_SUBJECT)
    check_text("An issuer is an address", issuer, MAX_SUBJECT)
    if people_store.find_subject(conn, issuer, subject) is not None:
        raise Conflict("The provider's name belongs to another person already.", "chengtu user list")


def get_person(conn: Connection, number: int) -> Person:
    """A person by number; raises NotFound."""
    found = people_store.find_person(conn, number)
    if found is None:
        raise NotFound(f"There is no person with the number {number}.", "`chengtu user list` shows them.")
    return found


def get_named(conn: Connection, name: str) -> Person:
    """A person by the name of login; raises NotFound with the nearest names."""
    found = people_store.find_named(conn, name)
    if found is None:
        raise unknown("person", name[:100], people_store.names(conn))
    return found


def grant(conn: Connection, person: Person, role: str, area: str | None) -> Person:
    """Let a person do more; raises BadInput where the roles exclude each other, NotFound for role or area."""
    new = Grant(check_role(role), area or None)
    check_grants((*person.grants, new))
    check_areas(conn, [new])
    people_store.add_grants(conn, person.id, [new], author("command"))
    return get_person(conn, person.id)


def revoke(conn: Connection, person: Person, role: str, area: str | None) -> Person:
    """Let a person do less.

    Raises:
        NotFound: They hold no such grant.
        Conflict: Nobody would be left to grant anything.
    """
    old = Grant(check_role(role), area or None)
    if old not in person.grants:
        held = ", ".join(f"{one.role} {one.area or ''}".strip() for one in person.grants) or "nothing"
        raise NotFound(f"{person.name} holds no such grant.", f"Held: {held}.")
    if role == LAST:
        _check_not_last(conn, person)
    people_store.remove_grant(conn, person.id, old.role, old.area)
    return get_person(conn, person.id)


def set_clearance(conn: Connection, person: Person, level: Level) -> Person:
    """Up to which sensitivity a person sees."""
    people_store.set_level(conn, person.id, level)
    return replace(person, level=level)


def give_password(conn: Connection, person: Person, password: str | None) -> str | None:
    """Give a person another password and end their sessions; without one it is made, told, and to be changed."""
    made = passwords.make_password() if password is None else None
    chosen = made or password
    assert chosen is not None
    passwords.check_password(chosen, person.name)
    people_store.set_password(conn, person.id, passwords.hash_password(chosen), once=made is not None)
    login_store.end_sessions(conn, person.id)
    return made


def new_password() -> str:
    """A password to be told once and changed at once."""
    return passwords.make_password()


def set_disabled(conn: Connection, person: Person, *, disabled: bool) -> Person:
    """Let a person log in no more (their sessions end at once), or again.

    Raises:
        Conflict: Nobody would be left to grant anything.
    """
    if disabled:
        _check_not_last(conn, person)
        login_store.end_sessions(conn, person.id)
    people_store.set_disabled(conn, person.id, disabled=disabled)
    return get_person(conn, person.id)


def _check_not_last(conn: Connection, person: Person) -> None:
    """Somebody must be left who can grant: else only the machine's own commands could."""
    others = [
        one
        for one in people_store.list_people(conn)
        if one.id != person.id and one.disabled_at is None and any(held.role == LAST for held in one.grants)
    ]
    if not others and person.disabled_at is None and any(held.role == LAST for held in person.grants):
        raise Conflict(
            "This is the last security administrator.",
            "Make another one first: chengtu user new NAME --role security",
        )


def make_party(conn: Connection, name: str, kind: str) -> Party:
    """Put a party on record.

    Raises:
        Conflict: There is one of this name.
        BadInput: It has no name.
        NotFound: There is no such kind of party.
    """
    clean = check_text("A party has a name", name)
    if any(party.name == clean for party in people_store.list_parties(conn)):
        raise Conflict(f"There is a party named '{clean}' already.", "Take another name.")
    return people_store.make_party(conn, clean, check_kind(kind))


def check_level(name: str) -> Level:
    """The level of this name; raises BadInput."""
    match name:
        case "public" | "internal" | "restricted":
            return name
        case _:
            raise BadInput("There is no such clearance.", "One of: public, internal, restricted.")
