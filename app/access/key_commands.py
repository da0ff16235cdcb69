"""`chengtu key`: keys by which programs ask, with roles in areas; `chengtu keys`: those of the phone page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from app import console
from app.access import key_store
from app.access.key_service import make_field_key, make_key, revoke
from app.access.keys import Key, state_of
from app.access.people import grants_of
from app.access.people_service import check_level
from app.access.users_page import key_as_plain
from app.database.engine import open_database
from app.settings import Settings

keys = typer.Typer(name="keys", help="Keys by which phones may ask: new, list, revoke.", no_args_is_help=True)
api_keys = typer.Typer(
    name="key",
    help="API keys with roles in areas, an end and a last use: new, list, revoke.",
    no_args_is_help=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@keys.command()
def new(
    area: Annotated[
        str | None, typer.Option(help="Code of the district it is bound to; else the city.")
    ] = None,
    hours: Annotated[float, typer.Option(help="How long it holds.")] = 12,
    name: Annotated[str, typer.Option(help="Who bears it; stands in the record.")] = "field",
    as_json: AsJson = False,
) -> None:
    """Make a key for the phone page. It is shown now and never again."""
    with open_database(Settings()) as db, db.write() as conn:
        key, made = make_field_key(conn, name, area, hours)
    _tell_made(key, made, as_json)


@api_keys.command(name="new")
def new_key_command(
    name: Annotated[str, typer.Option(help="Who or what bears it; stands in the record.")],
    role: Annotated[
        list[str], typer.Option(help="What it may do (viewer, editor, …); may be given several times.")
    ],
    area: Annotated[
        list[str] | None,
        typer.Option(help="Code of an area where; may be given several times; else the city."),
    ] = None,
    days: Annotated[float, typer.Option(help="How long it holds.")] = 90,
    level: Annotated[
        str, typer.Option(help="Up to which sensitivity it sees: public, internal or restricted.")
    ] = "internal",
    party: Annotated[str | None, typer.Option(help="Name of the party that it belongs to.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key. It is shown now and never again; programs send it as `Authorization: Bearer …`."""
    grants = grants_of(role, area or ())
    with open_database(Settings()) as db, db.write() as conn:
        key, made = make_key(conn, name, grants, days * 24, check_level(level), party)
    _tell_made(key, made, as_json)


def _tell_made(key: str, made: Key, as_json: bool) -> None:
    if as_json:
        console.print_json({"key": key, **key_as_plain(made)})
        return
    typer.echo(key)
    console.success(
        f"Key {made.id} holds until {made.expires_at.astimezone():%Y-%m-%d %H:%M} ({_where(made)})."
    )


@api_keys.command(name="list")
@keys.command(name="list")
def list_command(as_json: AsJson = False) -> None:
    """All keys on record; of each only its first characters are known."""
    with open_database(Settings()) as db, db.read() as conn:
        found = key_store.list_keys(conn)
    if as_json:
        console.print_json({"keys": [key_as_plain(key) for key in found]})
        return
    for key in found:
        typer.echo(
            f"{key.id}  {key.hint}…  {key.name}  {_where(key)}  until {key.expires_at.astimezone():%Y-%m-%d %H:%M}  "
            f"{state_of(key, datetime.now(UTC))}  {_used(key)}"
        )
    if not found:
        console.step("There are no keys.")


@api_keys.command(name="revoke")
@keys.command(name="revoke")
def revoke_command(
    number: Annotated[int, typer.Argument(help="Number of the key, as `chengtu keys list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Let a key end now."""
    with open_database(Settings()) as db, db.write() as conn:
        key = revoke(conn, number)
    if as_json:
        console.print_json(key_as_plain(key))
    else:
        console.success(f"Key {key.id} ({key.name}) is revoked.")


def _where(key: Key) -> str:
    held = [
        f"{one.role}, area {one.area}" if one.area else f"{one.role}, the whole city" for one in key.grants
    ]
    return "; ".join(held)


def _used(key: Key) -> str:
    if key.last_used_at is None:
        return "never used"
    return f"used {key.last_used_at.astimezone():%Y-%m-%d %H:%M}"
