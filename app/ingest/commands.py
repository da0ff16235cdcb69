"""The command `chengtu import`: a file or folder in, a report out."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.database.engine import open_database
from app.errors import BadInput
from app.ingest.report import Origin, class_rows, reject_rows, warning_rows
from app.ingest.service import import_path
from app.inventory.times import parse_date
from app.settings import Settings
from app.space.metric import metric_crs

SHOWN_REJECTS = 20


def import_command(
    path: Annotated[
        Path, typer.Argument(help="An .osm.pbf, .osm, .gpkg or .geojson file, or a folder of them.")
    ],
    class_id: Annotated[
        str | None,
        typer.Option("--class", help="Class of the rows, e.g. toilets; else told by the layer's name."),
    ] = None,
    crs: Annotated[
        str | None, typer.Option("--crs", help="CRS of the coordinates: EPSG:4548, gcj02, bd09 or WKT.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Encoding of a text file, e.g. GB18030.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="Column that identifies a row.")] = None,
    code_system: Annotated[
        str | None,
        typer.Option(
            "--code-system",
            help="Edition of official component ids: gbt47678_2026, gbt30428_2013, cjt214_2007 or own.",
        ),
    ] = None,
    valid_from: Annotated[
        str | None,
        typer.Option(
            "--valid-from",
            help="Day from which on things are as the file tells, 2021-12-31; what was before stays. "
            "Columns valid_from and valid_to say it row by row.",
        ),
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="Where the data comes from.")] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", help="Its licence, e.g. CC-BY-4.0. OpenStreetMap sets its own.")
    ] = None,
    attribution: Annotated[
        str | None, typer.Option("--attribution", help="Words that maps and exports show for it.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write the whole report as JSON to this file.")
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what an import would do, and do nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Import a file: read, understand, and write all of it or nothing, with a report of every row refused."""
    settings = Settings()
    _check_before(report, settings.metric_crs)
    since = None if valid_from is None else parse_date("--valid-from", valid_from)
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    db = open_database(settings)
    try:
        with console.progress(f"Importing {path.name}") as moved:
            result = import_path(
                db, catalogue, path, class_id=class_id, crs=crs, encoding=encoding, key=key,
                code_system=code_system, valid_from=since, dry_run=dry_run, who=_who(), progress=moved,
                metric_crs=settings.metric_crs, origin=Origin(source, licence, attribution),
            )  # fmt: skip
    finally:
        db.dispose()
    if report is not None:
        _write_report(report, result)
    if as_json:
        console.print_json(result)
    else:
        for item in result["files"]:
            _show(item, whole_in=report)
    raise typer.Exit(exit_code(result))


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


def _show(item: Mapping[str, Any], *, whole_in: Path | None) -> None:
    name = Path(item["path"]).name
    if "error" in item:
        console.warning(f"{name}: {item['error']} {item['hint'] or ''}")
        return
    title = f"{name} ({'dry run, nothing written; ' if item['dry_run'] else ''}{item['crs']}, {item['seconds']} s)"
    console.print_table(title, ("class", "read", "loaded", "unchanged", "rejected"), class_rows(item))
    _show_rejects(item, whole_in)
    _show_warnings(item)
    for layer in item["skipped"]:
        console.warning(f"Layer '{layer['layer']}' was left out: {layer['reason']}.")
    if item["repaired"]:
        console.warning(f"{len(item['repaired'])} invalid shapes were repaired; the report lists them.")
    kept = sum(cut["kept"] for cut in item["incomplete"])
    if kept:
        console.warning(
            f"{kept} lines run out of the file; their pieces inside it were kept and marked incomplete."
        )
    said = [item[name] for name in ("attribution", "licence") if item[name]]
    if said:
        console.step(", ".join(said))


def _show_warnings(item: Mapping[str, Any]) -> None:
    total = len(item["warnings"])
    if total:
        headings = ("class", "row", "field", "value", "reason", "hint")
        title = f"Loaded, but look at them ({min(total, SHOWN_REJECTS)} of {total})"
        console.print_table(title, headings, warning_rows(item, SHOWN_REJECTS))


def _show_rejects(item: Mapping[str, Any], whole_in: Path | None) -> None:
    total = len(item["rejects"])
    if not total:
        return
    rows = reject_rows(item, SHOWN_REJECTS)
    headings = ("class", "row", "field", "value", "reason", "hint")
    console.print_table(f"Rejected ({min(total, SHOWN_REJECTS)} of {total})", headings, rows)
    if total > SHOWN_REJECTS and whole_in is None:
        console.step("--report R.json writes all of them to a file.")
