"""The command line `chengtu`: wires every room's commands, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from app import console
from app.garbage import seldom_collected, share_arenas
from app.lazy import lazy_module, leave_out
from app.told import told
from app.version import version

standalone = lazy_module("app.maps.standalone_service")
local_growth = lazy_module("app.inventory.local_growth")
serving = lazy_module("app.commands")

#: Every command or group of commands: the room's module that holds it, and its name there, in the order of the help.
#: A module is only loaded when its command is called: most need a second of libraries.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("app.commands", "run_command"),
    "serve": ("app.commands", "serve_command"),
    "import": ("app.ingest.commands", "import_command"),
    "history": ("app.history.commands", "history_command"),
    "changes": ("app.history.commands", "changes_command"),
    "imports": ("app.history.commands", "imports_command"),
    "restore": ("app.history.commands", "restore_command"),
    "undo": ("app.history.commands", "undo_command"),
    "summary": ("app.reports.commands", "summary_command"),
    "completeness": ("app.reports.check_commands", "completeness_command"),
    "check": ("app.check_commands", "check_command"),
    "search": ("app.search.commands", "search_command"),
    "policies": ("app.coverage.policy_commands", "policies"),
    "coverage": ("app.coverage.commands", "coverage_command"),
    "runs": ("app.coverage.run_commands", "runs_command"),
    "compare": ("app.coverage.answer_commands", "compare_command"),
    "scenario": ("app.coverage.scenario_commands", "scenario_command"),
    "guard": ("app.coverage.scenario_commands", "guard_command"),
    "service-area": ("app.coverage.entrance_commands", "service_area_command"),
    "export": ("app.exports.commands", "export_command"),
    "project": ("app.exports.project_commands", "project_command"),
    "map": ("app.maps.commands", "map_command"),
    "db": ("app.backup.commands", "db"),
    "user": ("app.access.user_commands", "user"),
    "party": ("app.access.party_commands", "party"),
    "key": ("app.access.key_commands", "api_keys"),
    "keys": ("app.access.key_commands", "keys"),
    "audit": ("app.access.audit_commands", "audit"),
    "sample": ("app.sample.commands", "sample"),
    "class": ("app.ingest.class_commands", "classes"),
    "crs": ("app.ingest.crs_commands", "crs"),
    "areas": ("app.reports.check_commands", "areas"),
}


@cache
def _command(name: str) -> Any:
    """The command of this name, its module loaded."""
    module, attribute = COMMANDS[name]
    found = getattr(import_module(module), attribute)
    alone = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        alone.add_typer(found)
    else:
        alone.command(name)(found)
    return typer.main.get_group(alone).commands[name]


class _Loaded(Mapping[str, Any]):
    """The commands by name, each loaded when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Rooms(TyperGroup):
    """The rooms' commands: what lists them (`--help`, completion in the shell) hears what each does and loads none."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": _Loaded()})

    def list_commands(self, *_: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _: Any, cmd_name: str) -> Any:
        return TyperCommand(cmd_name, help=told(*COMMANDS[cmd_name])) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, self.commands[name] if name else None, rest


app = typer.Typer(
    name="chengtu",
    help="One map of everything a city owns outdoors, and of who can reach it.",
    cls=_Rooms,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _write_map(*given: Any) -> Any:
    return standalone.write_map(*given)


def _local_growth(*given: Any) -> Any:
    return local_growth.LocalGrowth(*given)


def _make_entries(*given: Any) -> Any:
    return serving.make_entries(*given)


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
    context.obj = {"write_map": _write_map, "local_growth": _local_growth, "make_entries": _make_entries}


def main() -> None:
    """The entry point of the program: every failure ends as one sentence and an exit code."""
    share_arenas()
    # Half a second of pyarrow's; only the tools of developers bring them, and no command needs them.
    leave_out("pandas", "geopandas")
    # Loading modules and the catalogue makes a hundred thousand objects, none of them garbage.
    with seldom_collected():
        console.run(app)


if __name__ == "__main__":
    main()
