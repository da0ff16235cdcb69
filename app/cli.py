"""The command line `chengtu`: wires every room's commands, and nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from app import console
from app.commands import run_command, serve_command
from app.coverage.commands import coverage_command, policies_command
from app.database.commands import db
from app.exports.commands import export_command
from app.ingest.commands import import_command
from app.inventory.commands import summary_command
from app.maps.commands import map_command
from app.maps.standalone_service import write_map
from app.sample.commands import sample
from app.version import version

app = typer.Typer(
    name="chengtu",
    help="One map of everything a city owns outdoors, and of who can reach it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version())
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """One map of everything a city owns outdoors, and of who can reach it."""
    # The maps room lies above coverage, so `coverage --map` is given its writer here.
    context.obj = {"write_map": write_map}


app.command("run")(run_command)
app.command("serve")(serve_command)
app.add_typer(db)
app.add_typer(sample)
app.command("import")(import_command)
app.command("summary")(summary_command)
app.command("policies")(policies_command)
app.command("coverage")(coverage_command)
app.command("export")(export_command)
app.command("map")(map_command)


def main() -> None:
    """The entry point of the program: every failure ends as one sentence and an exit code."""
    console.run(app)


if __name__ == "__main__":
    main()
