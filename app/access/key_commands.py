"""`chengtu keys`: keys by which phones and other machines may ask."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from app import console
from app.access import key_store
from app.access.key_service import make_field_key, revoke
from app.access.keys import Key
from app.database.engine import open_database
from app.settings import Settings

keys = typer.Typer(name="keys", help="Keys by which phones may ask: new, list, revoke.", no_args_is_help=True)
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
    if as_json:
        console.print_json({"key": key, **as_plain(made)})
        return
    typer.echo(key)
    console.success(
        f"Key {made.id} holds until {made.expires_at.astimezone():%Y-%m-%d %H:%M} ({_where(made)})."
    )


@keys.command(name="list")
def list_command(as_json: AsJson = False) -> None:
    """All keys on record; of each only its first characters are known."""
    with open_database(Settings()) as db, db.read() as conn:
        found = key_store.list_keys(conn)
    if as_json:
        console.print_json({"keys": [as_plain(key) for key in found]})
        return
    for key in found:
        typer.echo(
            f"{key.id}  {key.hint}…  {key.name}  {_where(key)}  until {key.expires_at.astimezone():%Y-%m-%d %H:%M}  "
            f"{state_of(key)}"
        )
    if not found:
        console.step("There are no keys.")


@keys.command(name="revoke")
def revoke_command(
    number: Annotated[int, typer.Argument(help="Number of the key, as `chengtu keys list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Let a key end now."""
    with open_database(Settings()) as db, db.write() as conn:
        key = revoke(conn, number)
    if as_json:
        console.print_json(as_plain(key))
    else:
        console.success(f"Key {key.id} ({key.name}) is revoked.")


def state_of(key: Key) -> str:
    """`holds`, `expired` or `revoked`."""
    if key.revoked_at is not None:
        return "revoked"
    return "holds" if key.holds(datetime.now(UTC)) else "expired"


def as_plain(key: Key) -> dict[str, Any]:
    """A key as plain values."""
    return {
        "id": key.id, "hint": key.hint, "name": key.name, "scopes": list(key.scopes), "area": key.area,
        "made_at": key.made_at.isoformat(), "expires_at": key.expires_at.isoformat(), "state": state_of(key),
    }  # fmt: skip


def _where(key: Key) -> str:
    return f"area {key.area}" if key.area else "the whole city"
