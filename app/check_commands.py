"""`chengtu check`: whether all that the service leans on is there, with the way out where it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer

from app import console
from app.backup import checks as backups
from app.catalogue.loader import load_catalogue
from app.database import checks as server
from app.database.checks import Answer
from app.database.engine import open_database
from app.ingest.sandbox import Limits, missing_barriers
from app.inventory.schema_store import leaking
from app.pmtiles import read_about
from app.setting_names import told_unknown
from app.settings import Settings
from app.space.city_systems import load_city_systems

#: The same with whether it is well all the same: then the hint is advice.
Advice = tuple[str, str | None, bool]
AsJson = Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")]


def check_command(as_json: AsJson = False) -> None:
    """Check declarations, database, backups, clocks, reading of files; exit code 1 where something is missing."""
    settings = Settings()
    done = list(_checks(settings))
    if as_json:
        console.print_json({"ok": all(item["ok"] for item in done), "checks": done})
    else:
        for line, well in _lines(done).items():
            console.found(line, well=well)
    if not all(item["ok"] for item in done):
        raise typer.Exit(1)


def _lines(done: list[dict[str, Any]]) -> dict[str, bool]:
    """What is told of the checks, and whether it is well; what several of them lack is told once."""
    return {f"{item['told']} {item['hint'] or ''}".rstrip(): item["ok"] and not item["hint"] for item in done}


def _checks(settings: Settings) -> Iterator[dict[str, Any]]:
    for name, check in (
        ("settings", _settings),
        ("declarations", _declarations),
        ("coordinate systems", _systems),
        ("database", _database),
        ("revision", server.revision),
        ("durability", server.durability),
        ("archive", server.archive),
        ("connections", server.connections),
        ("clocks", server.clocks),
        ("room", backups.room),
        ("backup", _backup),
        ("audit", backups.audit),
        ("reading files", _reading),
        ("basemap", _basemap),
    ):
        yield {"check": name, **_result(check, settings)}


def _result(check: Callable[[Settings], Answer | Advice], settings: Settings) -> dict[str, Any]:
    try:
        told, hint, *well = check(settings)
    except Exception as error:
        known = console.as_chengtu_error(error)
        if known is None:
            raise
        return {"ok": False, "told": known.message, "hint": known.hint}
    return {"ok": well[0] if well else hint is None, "told": told, "hint": hint}


def _backup(settings: Settings) -> Advice:
    """A city that never made one is told so; one that did is to know when they stop or are not verified."""
    told, hint = backups.last_backup(settings)
    return told, hint, hint is None or not backups.has_backups(settings)


def _settings(_: Settings) -> tuple[str, str | None]:
    unknown = told_unknown()
    if unknown is None:
        return "Every variable CHENGTU_… is a setting.", None
    return (
        unknown,
        "Correct or unset it; docs/reference.md lists every setting, and which may stand in a file.",
    )


def _declarations(settings: Settings) -> tuple[str, str | None]:
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    return f"{len(catalogue.classes)} classes and {len(catalogue.policies)} policies are declared.", None


def _basemap(settings: Settings) -> tuple[str, str | None]:
    if settings.basemap_path is None:
        return "No file of tiles on this machine is set as a basemap.", None
    return f"The basemap's file shows {read_about(settings.basemap_path).metadata.get('name')}.", None


def _systems(settings: Settings) -> tuple[str, str | None]:
    names = ", ".join(load_city_systems(settings).names)
    return f"Coordinate systems of the city's own: {names or 'none'}.", None


def _database(settings: Settings) -> tuple[str, str | None]:
    with open_database(settings) as db, db.read(timeout_s=10) as conn:
        missing = leaking(conn)
    if not missing:
        return "The database answers; rights by area do not slow its indexes.", None
    return (
        "The database answers, but rights by area slow its indexes.",
        f"As superuser: {'; '.join(missing)};",
    )


def _reading(settings: Settings) -> tuple[str, str | None]:
    # A data folder that is not there was perhaps named by mistake: none is made to look.
    limits = Limits.of(settings) if settings.home_path.is_dir() else Limits()
    missing = missing_barriers(limits)
    if not missing:
        return "Files are read by a process that reaches nothing else.", None
    return "The process that reads files is not wholly shut in.", f"This kernel lacks: {'; '.join(missing)}."
