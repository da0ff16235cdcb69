"""`chengtu user`: people who may log in, and what they may do where."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from app import console
from app.access import people_service, people_store
from app.access.passwords import make_password
from app.access.people import Person, grants_of
from app.access.people_service import NewPerson
from app.access.users_page import person_as_plain
from app.database.engine import open_database
from app.database.scope import Level
from app.errors import BadInput
from app.settings import Settings

user = typer.Typer(
    name="user", help="People who may log in, and what they may do where.", no_args_is_help=True
)
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Name = Annotated[str, typer.Argument(help="By which the person logs in.")]
Role = Annotated[
    str,
    typer.Argument(help="viewer, field, editor, planner, assessor, auditor, system or security."),
]
Area = Annotated[str | None, typer.Option(help="Code of an area; without it the whole city.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


@user.command()
def new(
    name: Name,
    role: Annotated[
        list[str] | None, typer.Option(help="What the person may do; may be given several times.")
    ] = None,
    area: Annotated[
        list[str] | None,
        typer.Option(help="Code of an area where; may be given several times; else the city."),
    ] = None,
    restricted: Annotated[
        bool, typer.Option("--restricted", help="Also sees what is declared restricted.")
    ] = False,
    party: Annotated[str | None, typer.Option(help="Name of the party that the person belongs to.")] = None,
    title: Annotated[str | None, typer.Option(help="What the person is, in words.")] = None,
    oidc: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="ISSUER SUBJECT", help="Logs in at this provider, which calls the person so."),
    ] = None,
    one_time: Annotated[
        bool,
        typer.Option("--one-time", help="Make a password that is shown once and must be changed at once."),
    ] = False,
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
) -> None:
    """Make a person known. The password is asked for; where nobody can answer, one is made and shown once."""
    grants = grants_of(role or (), area or ())
    password = _password(
        asked=oidc is None and not one_time, given=password_stdin, name=name, quiet=oidc is not None
    )
    made = make_password() if password is None and oidc is None else None
    level: Level = "restricted" if restricted else "internal"
    person = NewPerson(name, grants, level, title, party, password or made, made is not None, oidc)
    with open_database(Settings()) as db, db.write() as conn:
        found = people_service.make_person(conn, person)
    _tell_made(found, made, as_json)


@user.command(name="list")
def list_command(as_json: AsJson = False) -> None:
    """All people on record, with what they may do."""
    with open_database(Settings()) as db, db.read() as conn:
        found = people_store.list_people(conn)
    if as_json:
        console.print_json({"people": [person_as_plain(one) for one in found]})
        return
    if not found:
        console.step("Nobody is on record. Make the first one: chengtu user new NAME --role security")
        return
    rows = [
        (one.name, one.title or "", _held(one), one.level, one.party or "", _way_in(one)) for one in found
    ]
    console.print_table("People", ("Name", "Title", "May", "Sees up to", "Party", "Logs in"), rows)


@user.command()
def grant(name: Name, role: Role, area: Area = None, as_json: AsJson = False) -> None:
    """Let a person do more, in an area or in the whole city."""
    with open_database(Settings()) as db, db.write() as conn:
        found = people_service.grant(conn, people_service.get_named(conn, name), role, area)
    _tell(found, f"{found.name} may now: {_held(found)}.", as_json)


@user.command()
def revoke(name: Name, role: Role, area: Area = None, as_json: AsJson = False) -> None:
    """Let a person do less: takes one grant away."""
    with open_database(Settings()) as db, db.write() as conn:
        found = people_service.revoke(conn, people_service.get_named(conn, name), role, area)
    _tell(found, f"{found.name} may now: {_held(found)}.", as_json)


@user.command(name="level")
def clearance(
    name: Name,
    sees: Annotated[str, typer.Argument(help="public, internal or restricted.")],
    as_json: AsJson = False,
) -> None:
    """Up to which sensitivity a person sees classes, rows and fields."""
    with open_database(Settings()) as db, db.write() as conn:
        person = people_service.get_named(conn, name)
        found = people_service.set_clearance(conn, person, people_service.check_level(sees))
    _tell(found, f"{found.name} sees what is {found.level} or less.", as_json)


@user.command()
def password(name: Name, password_stdin: FromStdin = False, as_json: AsJson = False) -> None:
    """Give a person another password; all their sessions end."""
    chosen = _password(asked=True, given=password_stdin, name=name)
    with open_database(Settings()) as db, db.write() as conn:
        person = people_service.get_named(conn, name)
        made = people_service.give_password(conn, person, chosen)
        found = people_service.get_person(conn, person.id)
    _tell_made(found, made, as_json)


@user.command()
def disable(
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Let the person log in again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a person log in no more; sessions end at once, what they did stays on record."""
    with open_database(Settings()) as db, db.write() as conn:
        found = people_service.set_disabled(conn, people_service.get_named(conn, name), disabled=not undo)
    _tell(found, f"{found.name} may log in {'again' if undo else 'no more'}.", as_json)


def _password(*, asked: bool, given: bool, name: str, quiet: bool = False) -> str | None:
    """The password that is given or typed; None where one is to be made."""
    if given:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise BadInput("Standard input holds no password.", "Write it on the first line.")
        return line
    if not asked or quiet or not sys.stdin.isatty():
        return None
    typed: str = typer.prompt(
        f"Password of {name} (leave empty for one that is made)",
        hide_input=True,
        confirmation_prompt=True,
        default="",
        show_default=False,
        err=True,
    )
    return typed or None


def _tell_made(person: Person, made: str | None, as_json: bool) -> None:
    if as_json:
        console.print_json({**person_as_plain(person), "one_time_password": made})
        return
    if made is not None:
        typer.echo(made)
        console.step("This password is shown once; it opens nothing but the page on which to change it.")
    console.success(f"{person.name} may log in, and may: {_held(person)}.")


def _tell(person: Person, sentence: str, as_json: bool) -> None:
    if as_json:
        console.print_json(person_as_plain(person))
    else:
        console.success(sentence)


def _held(person: Person) -> str:
    held = [one.role if one.area is None else f"{one.role} in {one.area}" for one in person.grants]
    return ", ".join(held) or "nothing yet"


def _way_in(person: Person) -> str:
    if person.disabled_at is not None:
        return "disabled"
    ways = ["one-time password" if person.password_once else "password"] if person.has_password else []
    return ", ".join([*ways, *(["provider"] if person.oidc_subject else [])]) or "not yet"
