"""The command `chengtu project`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.database.engine import open_database
from app.errors import unknown
from app.exports.leaving_service import project_noted
from app.exports.project_service import ProjectWishes
from app.settings import Settings

CONNECTIONS, LANGUAGES = ("files", "server"), ("zh", "en")


def project_command(
    *,
    to: Annotated[Path, typer.Option("--to", help="File to write: a QGIS project, `city.qgz`.")],
    connect: Annotated[
        str,
        typer.Option(
            "--connect", help="Where its layers read: `files` (city.gpkg beside it, written too) or `server`."
        ),
    ] = "files",
    url: Annotated[
        str | None, typer.Option("--url", help="With `server`: its address as colleagues reach it.")
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="Language of its titles: zh or en.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Of files: day in the world, e.g. 2020-12-31.")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option("--known-at", help="Of files: what was known at a change or a moment.")
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason",
            help="Of files: why restricted data leaves, kept by the audit record; else it is left out.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write a QGIS project of the whole city, with symbols, forms, relations and bookmarks; QGIS is not needed."""
    settings = Settings()
    if connect not in CONNECTIONS:
        raise unknown("kind of connection", connect, CONNECTIONS)
    if lang is not None and lang not in LANGUAGES:
        raise unknown("language", lang, LANGUAGES)
    address = url or (settings.address if connect == "server" else None)
    wishes = ProjectWishes(connect, address, lang or settings.lang, as_of, known_at)  # type: ignore[arg-type]
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    db = open_database(settings)
    try:
        with console.progress(f"Writing {to.name}") as report:
            result = project_noted(db, catalogue, to, wishes, reason, report)
    finally:
        db.dispose()
    if as_json:
        console.print_json(result)
    else:
        _show(result, address)
        if connect == "server" and url is None:
            console.warning(
                f"Its layers read {address}, the address of the settings; name another with --url."
            )


def _show(result: dict[str, Any], address: str | None) -> None:
    facts = [
        ("layers of classes", len(result["layers"])),
        ("layers of results", result["results"]),
        ("relations", result["relations"]),
        ("bookmarks", result["bookmarks"]),
        ("reads", result["data"]["path"] if result["data"] else address),
    ]
    if result.get("left_out"):
        names = ", ".join(result["left_out"])
        console.warning(
            f"Left out, since it is restricted: rows or fields of {names}. --reason writes them too."
        )
    console.print_table(Path(result["path"]).name, ("what", "how many"), facts)
    console.success(f"{result['path']} ({result['bytes']:,} bytes); open it with QGIS 3.22 or later.")
