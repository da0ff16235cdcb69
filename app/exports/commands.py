"""The command `chengtu export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.coverage.service import find_class_or_run
from app.database.engine import Database, open_database
from app.errors import BadInput
from app.exports.formats import FORMATS
from app.exports.placing import make_placing
from app.exports.service import WHOLE_CITY, Wishes, check_encoding, export
from app.settings import Settings
from app.space.city_systems import load_city_systems


def export_command(
    name: Annotated[
        str | None, typer.Argument(help="A class by id or name (toilets, 公厕), or the id of a run.")
    ] = None,
    *,
    to: Annotated[
        Path, typer.Option("--to", help=f"File to write: {', '.join(f'.{ending}' for ending in FORMATS)}.")
    ],
    everything: Annotated[
        bool, typer.Option("--all", help="All classes that hold rows, as one file.")
    ] = False,
    part: Annotated[
        str,
        typer.Option("--part", help="Of a run, in formats of one layer: areas, gaps, units or differences."),
    ] = "areas",
    area: Annotated[
        str | None, typer.Option("--area", help="Only what is at home in an area, by its code or name.")
    ] = None,
    filter_: Annotated[
        str | None,
        typer.Option("--filter", help="Only what meets a filter (CQL2): \"built_on < DATE('1990-01-01')\"."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option("--profile", help="Attributes of a standard instead of our fields: gbt47678."),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Day in the world, e.g. 2020-12-31; now where left out.")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option("--known-at", help="What was known at a change (its number) or a moment.")
    ] = None,
    crs: Annotated[
        str | None,
        typer.Option(
            "--crs",
            help="EPSG code, or a coordinate system that the city declared; else EPSG:4490, in DXF the city's metres.",
        ),
    ] = None,
    codes: Annotated[
        bool,
        typer.Option("--codes", help="XLSX with the stored values of choices instead of Chinese labels."),
    ] = False,
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Of the texts of a Shapefile: UTF-8 (default) or GBK.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Export a class, a run or the whole city to a file for QGIS, with source, licence and titles in it."""
    if (name is None) != everything:
        raise BadInput(
            "Name one class or run, or give --all.", "For example: chengtu export toilets --to toilets.gpkg"
        )
    settings = Settings()
    systems = load_city_systems(settings)
    wishes = Wishes(part, profile, as_of, known_at, area, filter_, crs, systems, codes, encoding)
    make_placing(to.name, crs, systems)
    check_encoding(to.name, encoding)
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    db = open_database(settings)
    try:
        chosen = WHOLE_CITY if name is None or name == WHOLE_CITY else _chosen(db, catalogue, name)
        with console.progress(f"Exporting to {to.name}") as report:
            result = export(db, catalogue, chosen, to, wishes, report)
    finally:
        db.dispose()
    if as_json:
        console.print_json(result)
    else:
        _show(to.name, result)


def _show(name: str, result: dict[str, Any]) -> None:
    """What was written, what it lacks and what the format changed."""
    console.print_table(name, ("layer", "rows"), list(result["layers"].items()))
    for layer, lacking in result.get("missing", {}).items():
        told = ", ".join(f"{key} in {count} rows" for key, count in lacking.items())
        console.warning(f"{layer}: mandatory attributes are missing: {told}.")
    for told, count in result.get("changed", {}).items():
        console.warning(f"{told}: {count}.")
    console.success(f"{result['path']} ({result['bytes']:,} bytes)")


def _chosen(db: Database, catalogue: Catalogue, name: str) -> str:
    with db.read() as conn:
        return find_class_or_run(conn, catalogue, name)
