"""The command `chengtu import`: a file or folder in, a report out."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.errors import ChengtuError
from app.ingest.files import is_geodatabase, recognise
from app.ingest.layer import Ask
from app.ingest.options import ImportOptions, Origin
from app.ingest.sandbox import Begun, Limits, begin
from app.lazy import lazy_module
from app.settings import Settings

#: A second of libraries, which load while the file is already being read.
work = lazy_module("app.ingest.command_service")

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
    options = ImportOptions(
        class_id, layer, crs, encoding, key, code_system, None, Origin(source, licence, attribution), where,
        dry_run=dry_run, strict=strict, delete_missing=delete_missing, allow_outside=allow_outside,
        on_conflict=on_conflict,
    )  # fmt: skip
    # A mapping may say how the file is to be read.
    with nullcontext() if mapping is not None else _begun(settings, path, options) as begun:
        asked = work.Asked(
            path, options, valid_from, mapping, save_mapping, report, rejects, yes=yes, as_json=as_json
        )
        code = work.import_path(settings, asked, begun)
    raise typer.Exit(code)


def _begun(settings: Settings, path: Path, options: ImportOptions) -> AbstractContextManager[Begun | None]:
    """The reading of a single file that can be read at once; whatever stands against it is told of later."""
    try:
        if path.is_dir() and not is_geodatabase(path):
            return nullcontext()
        file = recognise(path)
    except (ChengtuError, OSError):
        return nullcontext()
    if file.format == "osm":
        return nullcontext()
    return begin(file, Ask(options.encoding, options.layer), Limits.of(settings))
