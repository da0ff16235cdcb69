"""`chengtu party`: offices, squads, contractors and assessors to which people belong."""

from __future__ import annotations

from typing import Annotated

import typer

from app import console
from app.access import people_service, people_store
from app.access.users_page import party_as_plain
from app.database.engine import open_database
from app.settings import Settings

party = typer.Typer(
    name="party",
    help="Offices, squads, contractors and assessors that people and keys belong to: new, list.",
    no_args_is_help=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@party.command()
def new(
    name: Annotated[
        str, typer.Argument(help="Its name; of a contractor as it stands in the data as owner or operator.")
    ],
    kind: Annotated[
        str,
        typer.Option(help="office, squad, contractor (own assets only) or assessor (scores, never edits)."),
    ] = "office",
    as_json: AsJson = False,
) -> None:
    """Make a party known."""
    with open_database(Settings()) as db, db.write() as conn:
        made = people_service.make_party(conn, name, kind)
    if as_json:
        console.print_json(party_as_plain(made))
    else:
        console.success(f"{made.name} is known ({made.kind}).")


@party.command(name="list")
def list_command(as_json: AsJson = False) -> None:
    """All parties on record."""
    with open_database(Settings()) as db, db.read() as conn:
        found = people_store.list_parties(conn)
    if as_json:
        console.print_json({"parties": [party_as_plain(one) for one in found]})
        return
    if not found:
        console.step("There are no parties.")
        return
    console.print_table("Parties", ("Name", "Kind"), [(one.name, one.kind) for one in found])
