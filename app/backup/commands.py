"""`chengtu db backup` and `chengtu db restore`, beside the other commands of the database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app import console
from app.backup import base_service, restore_service, service
from app.database.commands import db
from app.errors import BadInput
from app.settings import Settings

__all__ = ["db"]

MIB = 1024**2
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@db.command(name="backup")
def backup_command(
    to: Annotated[
        str | None,
        typer.Option(help="File, or folder (with / at its end), to write; else backups/ in the data folder."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            min=1, help="Remove older backups of this database in the folder but the newest so many."
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Restore it into a scratch database, and compare.")
    ] = True,
    base: Annotated[
        bool,
        typer.Option("--base", help="Copy the whole embedded cluster instead, for CHENGTU_WAL_ARCHIVE."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Back everything up while the server works; the file is restored into a scratch database and compared."""
    if base:
        _base(Settings(), to, as_json=as_json)
        return
    made = service.backup(Settings(), to, keep=keep, verify=verify, tell=console.step)
    if as_json:
        console.print_json(made.plain())
        return
    looked = "restored into a scratch database and found equal" if made.verified else "not verified"
    console.success(
        f"{made.file}: {made.tables} tables, {made.rows:,} rows, {made.bytes / MIB:,.1f} MiB in "
        f"{sum(made.seconds.values()):.0f} s; {looked}."
    )
    if made.removed:
        console.step(f"Older backups that were removed: {len(made.removed)}.")
    keys = " and the private keys of HTTPS" if made.keys else ""
    console.step(
        f"It holds all data, hashes of passwords{keys}: keep it like a key (mode 0600), on another machine too. Not in "
        "it: settings of the environment and the file of CHENGTU_CRS_FILE."
    )
    if made.audit["whole"] is False:
        console.warning("The audit record is broken, in the database and in the backup: chengtu audit verify")


def _base(settings: Settings, to: str | None, *, as_json: bool) -> None:
    made = base_service.base_backup(settings, to, console.step)
    if as_json:
        console.print_json(made)
        return
    console.success(
        f"{made['folder']}: {made['bytes'] / MIB:,.0f} MiB in {made['seconds']:.0f} s, every file checked."
    )
    console.step(
        f"With the log in {made['archive']} every moment from now on comes back: docs/back-it-up.md says how. What was "
        "logged before the oldest copy that you keep may be removed."
    )


@db.command(name="restore")
def restore_command(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="A backup that `chengtu db backup` made.")] = None,
    into: Annotated[
        str | None, typer.Option(help="Restore into a new database of this name; nothing is replaced.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="End the connections of whoever uses the database.")
    ] = False,
    drop_old: Annotated[
        bool,
        typer.Option("--drop-old", help="Drop the databases that restores replaced; alone or with a file."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back: into a new database, compared row by row, which then takes the place of the present one."""
    settings = Settings()
    if file is None:
        _drop_old(settings, wanted=drop_old, as_json=as_json)
        return
    asked = restore_service.Asked(file.expanduser().absolute(), into, end=yes, drop_old=drop_old)
    done = restore_service.restore(
        settings, asked, then=context.obj["local_growth"](settings), tell=console.step
    )
    if into is None:
        context.obj["make_entries"](settings)
    if as_json:
        console.print_json(done.plain())
        return
    console.success(
        f"The database {done.database} is as it was at {done.made_at}: {done.tables} tables, {done.rows:,} rows, "
        f"compared; {done.seconds:.0f} s."
    )
    if done.replaced:
        console.step(f"The one before is kept as {done.replaced}; `chengtu db restore --drop-old` drops it.")
    if done.heads_aside:
        console.step(f"The heads of the audit record before lie in {done.heads_aside}.")
    for note in done.notes:
        console.warning(note)
    if into is None:
        console.step(
            "Keys and people are those of that time: look at `chengtu key list` and `chengtu user list`."
        )


def _drop_old(settings: Settings, *, wanted: bool, as_json: bool) -> None:
    if not wanted:
        raise BadInput("Which backup is to be restored?", "Name its file: chengtu db restore FILE")
    dropped = restore_service.drop_old(settings)
    if as_json:
        console.print_json({"dropped": dropped})
    else:
        console.success(f"{len(dropped)} replaced databases were dropped.")
