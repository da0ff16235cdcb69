"""The command line `chengtu`: wires every room's commands, and nothing else."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app import console
from app.check_commands import check_command
from app.commands import make_entries, run_command, serve_command
from app.coverage.commands import coverage_command, policies_command
from app.database.commands import db
from app.exports.commands import export_command
from app.history.commands import (
    changes_command,
    history_command,
    imports_command,
    restore_command,
    undo_command,
)
from app.ingest.class_commands import classes
from app.ingest.commands import import_command
from app.ingest.crs_commands import crs
from app.inventory.local_growth import LocalGrowth
from app.lazy import lazy_module
from app.maps.commands import map_command
from app.reports.check_commands import areas, completeness_command
from app.reports.commands import summary_command
from app.sample.commands import sample
from app.search.commands import search_command
from app.version import version

standalone = lazy_module("app.maps.standalone_service")

app = typer.Typer(
    name="chengtu",
    help="One map of everything a city owns outdoors, and of who can reach it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _write_map(*given: Any) -> Any:
    return standalone.write_map(*given)


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
    # A room that lies above another gives it here what its commands need: maps to coverage, inventory to database.
    context.obj = {"write_map": _write_map, "local_growth": LocalGrowth, "make_entries": make_entries}


app.command("run")(run_command)
app.command("serve")(serve_command)
app.add_typer(db)
app.add_typer(sample)
app.command("import")(import_command)
app.add_typer(classes)
app.add_typer(crs)
app.command("history")(history_command)
app.command("changes")(changes_command)
app.command("imports")(imports_command)
app.command("restore")(restore_command)
app.command("undo")(undo_command)
app.command("summary")(summary_command)
app.command("completeness")(completeness_command)
app.add_typer(areas)
app.command("check")(check_command)
app.command("search")(search_command)
app.command("policies")(policies_command)
app.command("coverage")(coverage_command)
app.command("export")(export_command)
app.command("map")(map_command)


def main() -> None:
    """The entry point of the program: every failure ends as one sentence and an exit code."""
    console.run(app)


if __name__ == "__main__":
    main()
