"""The command `chengtu import`: a file or folder in, a report out."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.database.engine import open_database
from app.errors import BadInput
from app.ingest.mapping import load_mapping
from app.ingest.options import ImportOptions, Origin
from app.ingest.paths import shown_name
from app.ingest.reading_service import Importing
from app.ingest.sandbox import Limits
from app.ingest.service import import_with
from app.ingest.show import show_missing, show_report
from app.inventory.times import parse_date
from app.settings import Settings
from app.space.city_systems import load_city_systems
from app.space.metric import metric_crs

PathArgument = Annotated[
    Path,
    typer.Argument(
        help="A file or folder: Shapefile, GeoPackage, FileGDB, GeoJSON, FlatGeobuf, GeoParquet, CSV, XLSX, KML, GPX, "
        "DXF, OpenStreetMap, or a zip of them."
    ),
]
ClassOption = Annotated[
    str | None,
    typer.Option("--class", help="Class of the rows, e.g. toilets; else told by the layer's name."),
]
CrsOption = Annotated[
    str | None,
    typer.Option(
        "--crs", help="CRS of the coordinates: EPSG:4548, gcj02, bd09, WKT, or the city's own by name."
    ),
]
EncodingOption = Annotated[
    str | None, typer.Option("--encoding", help="Encoding of the text, e.g. GB18030; else found.")
]
KeyOption = Annotated[str | None, typer.Option("--key", help="Column that identifies a row.")]
LayerOption = Annotated[str | None, typer.Option("--layer", help="One layer or sheet of several.")]
CodeSystemOption = Annotated[
    str | None,
    typer.Option(
        "--code-system",
        help="Edition of official component ids: gbt47678_2026, gbt30428_2013, cjt214_2007 or own.",
    ),
]
ValidFromOption = Annotated[
    str | None,
    typer.Option(
        "--valid-from",
        help="Day from which on things are as the file tells, 2021-12-31; what was before stays. "
        "Columns valid_from and valid_to say it row by row.",
    ),
]
WhereOption = Annotated[
    str | None, typer.Option("--where", help="Take only rows for which this holds, e.g. \"DLBM = '0701'\".")
]
MappingOption = Annotated[
    Path | None, typer.Option("--mapping", help="A saved mapping: which column is which field, and more.")
]
SaveMappingOption = Annotated[
    Path | None,
    typer.Option("--save-mapping", help="Write the mapping used to this file, to edit and reuse."),
]
SourceOption = Annotated[str | None, typer.Option("--source", help="Where the data comes from.")]
LicenceOption = Annotated[
    str | None, typer.Option("--licence", help="Its licence, e.g. CC-BY-4.0. OpenStreetMap sets its own.")
]
AttributionOption = Annotated[
    str | None, typer.Option("--attribution", help="Words that maps and exports show for it.")
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", help="Write the whole report as JSON to this file.")
]
RejectsOption = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        help="Write refused rows to this file or folder, to be mended and imported again; "
        "by default beside the file, where that can be written to.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what an import would do, and do nothing.")]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict/--skip-rejected", help="Load nothing if a row is refused; else the good rows load."
    ),
]
DeleteMissing = Annotated[
    bool,
    typer.Option(
        "--delete-missing", help="Stored features that the file no longer has are gone; shown first."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before features are deleted.")]
AllowOutside = Annotated[
    bool, typer.Option("--allow-outside", help="Take rows that lie outside the city's border.")
]
OnConflict = Annotated[
    Literal["refuse", "file", "stored"],
    typer.Option(
        "--on-conflict",
        help="Rows of our own export that were changed here and in the file: refuse them, or let one side count.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


def import_command(
    path: PathArgument,
    class_id: ClassOption = None,
    crs: CrsOption = None,
    encoding: EncodingOption = None,
    key: KeyOption = None,
    layer: LayerOption = None,
    where: WhereOption = None,
    mapping: MappingOption = None,
    save_mapping: SaveMappingOption = None,
    code_system: CodeSystemOption = None,
    valid_from: ValidFromOption = None,
    source: SourceOption = None,
    licence: LicenceOption = None,
    attribution: AttributionOption = None,
    report: ReportOption = None,
    rejects: RejectsOption = None,
    on_conflict: OnConflict = "refuse",
    *,
    dry_run: DryRun = False,
    strict: Strict = False,
    delete_missing: DeleteMissing = False,
    yes: Yes = False,
    allow_outside: AllowOutside = False,
    as_json: AsJson = False,
) -> None:
    """Import a file: read, understand, and write it, with a report of what was found and of every row refused."""
    settings = Settings()
    _check_before(report, settings.metric_crs)
    options = ImportOptions(
        class_id, layer, crs, encoding, key, code_system,
        None if valid_from is None else parse_date("--valid-from", valid_from),
        Origin(source, licence, attribution), where,
        dry_run=dry_run, strict=strict, delete_missing=delete_missing, allow_outside=allow_outside,
        on_conflict=on_conflict,
    )  # fmt: skip
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    db = open_database(settings)
    try:
        means = Importing(
            db, catalogue, _who(), metric_crs=settings.metric_crs,
            mapping=None if mapping is None else load_mapping(mapping, catalogue), save_mapping=save_mapping,
            rejects=rejects if rejects is not None else _beside(path), limits=Limits.of(settings),
            systems=load_city_systems(settings),
        )  # fmt: skip
        if delete_missing and not (yes or dry_run):
            _ask(means, path, options, as_json=as_json)
        with console.progress(f"Importing {shown_name(path)}") as moved:
            result = import_with(replace(means, progress=moved), path, options)
    finally:
        db.dispose()
    if report is not None:
        _write_report(report, result)
    if as_json:
        console.print_json(result)
    else:
        for item in result["files"]:
            show_report(item, whole_in=report)
    raise typer.Exit(exit_code(result))


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
