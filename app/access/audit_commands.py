"""`chengtu audit`: who did what, whether the record is whole, its newest head, pruning what is old."""

from __future__ import annotations

from typing import Annotated

import typer

from app import console
from app.access import audit_service
from app.access.audit_chain import KEPT_DAYS
from app.access.audit_store import Wanted
from app.access.audit_words import one_line
from app.database.engine import open_database
from app.settings import Settings

audit = typer.Typer(name="audit", help="Who did what, and whether the record is whole.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@audit.command(name="list")
def list_command(
    who: Annotated[str | None, typer.Option(help="Who did it.")] = None,
    event: Annotated[
        str | None, typer.Option(help="An event, or its first part: key, key.made, exported, login, …")
    ] = None,
    about: Annotated[str | None, typer.Option("--object", help="What it was done to.")] = None,
    before: Annotated[int | None, typer.Option(min=1, help="Go on below this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the entries, the newest first."""
    with open_database(Settings()) as db:
        found = audit_service.entries(db, Wanted(who, event, about, before=before), limit)
    if as_json:
        console.print_json(found)
        return
    rows = (
        (one["seq"], one["at"][:19], one["who"], one["event"], one["object"], one_line(one["detail"]))
        for one in found["entries"]
    )
    console.print_table("Audit", ("no", "at (UTC)", "who", "event", "object", "detail"), rows)


@audit.command()
def head(as_json: AsJson = False) -> None:
    """Print number and hash of the newest entry, to be kept elsewhere, on paper if need be."""
    with open_database(Settings()) as db:
        found = audit_service.newest_head(db)
    if as_json:
        console.print_json(found)
    else:
        typer.echo(f"{found['seq']} {found['hash'] or '-'}")


@audit.command()
def verify(as_json: AsJson = False) -> None:
    """Check every entry and the heads kept outside the database; exit code 1 where something was tampered with."""
    with open_database(Settings()) as db:
        found = audit_service.verify(db)
    if as_json:
        console.print_json(found.plain())
    elif found.whole:
        since = "" if found.since is None else f" since {found.since[:19]}Z"
        console.found(
            f"The record is whole: {found.entries:,} entries{since}, {found.heads} kept heads agree."
        )
        if found.entries and not found.heads:
            console.found(
                "No head was kept before: whether its end was cut off could not be seen.", well=False
            )
    else:
        console.found(f"The record is broken at entry {found.broken}: {found.reason}.", well=False)
    if not found.whole:
        raise typer.Exit(1)


@audit.command()
def prune(
    days: Annotated[int, typer.Option(help=f"What is older is removed; {KEPT_DAYS} at least.")],
    as_json: AsJson = False,
) -> None:
    """Remove old entries; that it was done is an entry itself, and the rest still verifies."""
    with open_database(Settings()) as db:
        found = audit_service.prune(db, days)
    if as_json:
        console.print_json(found)
    else:
        console.success(f"{found['pruned']:,} entries older than {days} days were removed.")
