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
from app.exports.leaving_service import export_noted
from app.exports.placing import make_placing
from app.exports.service import WHOLE_CITY, Wishes, check_encoding
from app.lazy import lazy_module
from app.parallel import quick_turns
from app.settings import Settings
from app.space.city_systems import load_city_systems

#: It loads what draws the pages, which no other export needs.
tiles_service = lazy_module("app.exports.tiles_service")


def export_command(
    name: Annotated[
        str | None, typer.Argument(help="A class by id or name (toilets, 公厕), or the id of a run.")
    ] = None,
    *,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", help=f"File to write: {', '.join(f'.{ending}' for ending in FORMATS)}, .pmtiles."
        ),
    ] = None,
    tiles: Annotated[
        Path | None,
        typer.Option(
            "--tiles",
            help="Vector tiles as one file that any web server serves (city.pmtiles): the whole city with the ground "
            "below it, a class, a run, or `background` for the ground alone; what is declared public.",
        ),
    ] = None,
    max_zoom: Annotated[
        int | None, typer.Option("--max-zoom", help="Of tiles: the last zoom (of the whole city 15).")
    ] = None,
    internal: Annotated[
        bool, typer.Option("--internal", help="Tiles of what is not public as well; restricted fields never.")
    ] = False,
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
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason",
            help="Why restricted data leaves, 10 characters or more, kept by the audit record; else it is left out.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Export a class, a run or the whole city to a file for QGIS, with source, licence and titles in it."""
    archive = tiles or (to if to is not None and to.suffix.lower() == ".pmtiles" else None)
    if tiles is not None and to is not None:
        raise BadInput("--tiles and --to name one file each.", "Give one of them.")
    if archive is None and (max_zoom is not None or internal):
        raise BadInput("--max-zoom and --internal are of tiles.", "Write them: --tiles city.pmtiles")
    if archive is not None and not (name and everything):
        wished = Wishes(part, profile, as_of, known_at, area, filter_, crs, codes=codes, encoding=encoding)
        _export_tiles(name, archive, wished, max_zoom=max_zoom, internal=internal, as_json=as_json)
        return
    if (name is None) != everything:
        raise BadInput(
            "Name one class or run, or give --all.", "For example: chengtu export toilets --to toilets.gpkg"
        )
    if to is None:
        raise BadInput(
            "An export needs the name of a file.",
            f"Give it with --to: chengtu export {name or '--all'} --to {name or 'city'}.gpkg",
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
        with quick_turns(), console.progress(f"Exporting to {to.name}") as report:
            result = export_noted(db, catalogue, chosen, to, wishes, reason, report)
    finally:
        db.dispose()
    if as_json:
        console.print_json(result)
    else:
        _show(to.name, result)


def _export_tiles(
    name: str | None,
    to: Path,
    wishes: Wishes,
    *,
    max_zoom: int | None,
    internal: bool,
    as_json: bool,
) -> None:
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    db = open_database(settings)
    try:
        wanted = tiles_service.TileWishes(name or WHOLE_CITY, wishes, max_zoom, internal, settings.lang)
        with console.progress(f"Exporting to {to.name}") as report:
            result = tiles_service.export_tiles(db, catalogue, to, wanted, report)
    finally:
        db.dispose()
    if as_json:
        console.print_json(result)
        return
    console.print_table(to.name, ("tiles", "zooms", "layers"), [tiles_service.summary(result)])
    if result["clustered"]:
        many, last = len(result["clustered"]), result["zooms"][1]
        console.warning(
            f"At zoom {last} clusters stand for {many} classes; a larger --max-zoom shows their features."
        )
    if internal:
        console.warning("The file holds what is not public: whoever may fetch it sees all of it.")
    console.success(f"{result['path']} ({result['bytes']:,} bytes)")


def _show(name: str, result: dict[str, Any]) -> None:
    """What was written, what it lacks and what the format changed."""
    console.print_table(name, ("layer", "rows"), list(result["layers"].items()))
    for layer, lacking in result.get("missing", {}).items():
        told = ", ".join(f"{key} in {count} rows" for key, count in lacking.items())
        console.warning(f"{layer}: mandatory attributes are missing: {told}.")
    if result.get("left_out"):
        names = ", ".join(result["left_out"])
        console.warning(
            f"Left out, since it is restricted: rows or fields of {names}. --reason writes them too."
        )
    for told, count in result.get("changed", {}).items():
        console.warning(f"{told}: {count}.")
    console.success(f"{result['path']} ({result['bytes']:,} bytes)")


def _chosen(db: Database, catalogue: Catalogue, name: str) -> str:
    with db.read() as conn:
        return find_class_or_run(conn, catalogue, name)
