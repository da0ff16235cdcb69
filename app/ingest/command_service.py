"""What `chengtu import` does: the file imported, the report shown, kept and turned into an exit code."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app import console
from app.catalogue.loader import load_catalogue
from app.database.cluster import has_none
from app.database.engine import open_database
from app.database.transactions import Database
from app.errors import BadInput
from app.ingest.mapping import load_mapping
from app.ingest.options import ImportOptions
from app.ingest.paths import shown_name
from app.ingest.reading_service import Importing
from app.ingest.sandbox import Begun, Limits
from app.ingest.service import import_with
from app.ingest.show import show_missing, show_report
from app.inventory.times import parse_date
from app.settings import Settings
from app.space.city_systems import load_city_systems
from app.space.metric import metric_crs
from app.words.sentences import told_report


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks: a file or folder at `path`, how it is read, and where to write what beside it.

    `valid_from` a day as text; `yes`: nothing is asked before features are deleted; `as_json` prints the report so.
    """

    path: Path
    options: ImportOptions
    valid_from: str | None
    mapping: Path | None
    save_mapping: Path | None
    report: Path | None
    rejects: Path | None
    yes: bool
    as_json: bool


def import_path(settings: Settings, asked: Asked, begun: Begun | None) -> int:
    """Import what is asked for, show the report, and give the exit code; `begun` is the reading of the file.

    Raises as `service.import_with` does; and BadInput where the report cannot be written.
    """
    _check_before(asked.report, settings.metric_crs)
    since = None if asked.valid_from is None else parse_date("--valid-from", asked.valid_from)
    asked = replace(asked, options=replace(asked.options, valid_from=since))
    if has_none(settings):
        console.step(f"There is no database in {settings.home_path} yet: one is made.")
    with open_database(settings, make=True) as db:
        result = _import(settings, db, asked, begun)
    if asked.report is not None:
        _write_report(asked.report, _told(result))
    if asked.as_json:
        console.print_json(_told(result))
    else:
        for item in result["files"]:
            show_report(item, whole_in=asked.report)
    return exit_code(result)


def _import(settings: Settings, db: Database, asked: Asked, begun: Begun | None) -> dict[str, Any]:
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    means = Importing(
        db, catalogue, _who(), metric_crs=settings.metric_crs,
        mapping=None if asked.mapping is None else load_mapping(asked.mapping, catalogue),
        save_mapping=asked.save_mapping,
        rejects=asked.rejects if asked.rejects is not None else _beside(asked.path), limits=Limits.of(settings),
        systems=load_city_systems(settings), begun=begun,
    )  # fmt: skip
    options = asked.options
    if options.delete_missing and not (asked.yes or options.dry_run):
        _ask(means, asked.path, options, as_json=asked.as_json)
    with console.progress(f"Importing {shown_name(asked.path)}") as moved:
        return import_with(replace(means, progress=moved), asked.path, options)


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result with the Chinese of each reason and hint beside it."""
    return {**result, "files": [told_report(item, http=False) for item in result["files"]]}


def _beside(path: Path) -> Path | None:
    """The folder in which refused rows are written by default: that of the file, if it can be written to."""
    folder = path if path.is_dir() else path.resolve().parent
    return folder if os.access(folder, os.W_OK) else None


def _ask(means: Importing, path: Path, options: ImportOptions, *, as_json: bool) -> None:
    """Show what would be deleted, and go on only if the user says so."""
    with console.progress(f"Looking through {shown_name(path)}") as moved:
        shown = import_with(
            replace(means, progress=moved, rejects=None, save_mapping=None),
            path,
            replace(options, dry_run=True),
        )
    gone = [item for item in shown["files"] if any(found["rows"] for found in item["missing"].values())]
    if not gone:
        return
    for item in gone:
        show_missing(item)
    if as_json or not console.confirm("Delete these features?"):
        raise BadInput("Nothing was imported.", "Say --yes to delete them, or leave out --delete-missing.")


def _check_before(report: Path | None, crs: str | None) -> None:
    """Refuse before the import what would fail after it: a report that cannot be written, a CRS not in metres."""
    if report is not None:
        folder = report.resolve().parent
        written = report if report.exists() else folder
        if report.is_dir() or not folder.is_dir() or not os.access(written, os.W_OK):
            raise BadInput(
                f"The report cannot be written to '{report}'; nothing was imported.",
                "Name a file in a folder that exists and can be written to.",
            )
    if crs is not None:
        metric_crs(crs)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"


def exit_code(result: Mapping[str, Any]) -> int:
    """0 where each file gave at least one good row, 1 where one gave none, 2 where none could be read."""
    files = result["files"]
    if all("error" in item for item in files):
        return 2
    good = [any(n["loaded"] + n["unchanged"] for n in item["classes"].values()) for item in files]
    return 0 if all(good) else 1


def _write_report(path: Path, result: Mapping[str, Any]) -> None:
    text = json.dumps(result, ensure_ascii=False, indent=2, default=str)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise BadInput(
            f"The report cannot be written to '{path}': {error.strerror}.", "The import is done."
        ) from error
