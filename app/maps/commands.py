"""The command `chengtu map`: one map as one file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from app import console
from app.catalogue.class_names import find_class
from app.catalogue.loader import load_catalogue
from app.catalogue.public_part import public_part
from app.coverage.service import find_class_or_run
from app.database.engine import open_database
from app.database.scope import within
from app.errors import BadInput
from app.lazy import lazy_module
from app.settings import Settings

#: Folium, which no other command needs.
standalone = lazy_module("app.maps.standalone_service")


def map_command(
    to: Annotated[Path, typer.Option("--to", help="The HTML file to write.")],
    target: Annotated[
        str | None, typer.Argument(help="A class by id or name (toilets, 公厕), or a run's id.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All classes.")] = False,
    without: Annotated[str, typer.Option("--without", help="Classes to leave out, by comma.")] = "",
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Day in the world, e.g. 2020-12-31; now where left out.")
    ] = None,
    known_at: Annotated[
        str | None, typer.Option("--known-at", help="What was known at a change (its number) or a moment.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Only classes and fields that are declared public.")
    ] = False,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason", help="Why restricted data leaves; without one it is left out. The audit keeps it."
        ),
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write a map as one file that opens without a network: of a class, of a coverage run, or of everything."""
    if (target is None) != everything:
        raise BadInput(
            "Say what the map shows: a class, a run's UUID, or --all.",
            "chengtu map toilets --to toilets.html",
        )
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    catalogue = public_part(catalogue) if public else catalogue
    left_out = [find_class(catalogue, name.strip()).id for name in without.split(",") if name.strip()]
    db = open_database(settings)
    scope = replace(db.scope, level="public") if public else db.scope
    try:
        with within(scope), db.read() as conn:
            shown = None if target is None else find_class_or_run(conn, catalogue, target)
        with within(scope), console.progress("Map") as report:
            language = _language(lang or settings.lang)
            made = standalone.write_map(
                db, catalogue, shown, to,
                lang=language, without=left_out, as_of=as_of, known_at=known_at, reason=reason,
                report=report,
            )  # fmt: skip
    finally:
        db.dispose()
    if as_json:
        console.print_json(made)
    else:
        console.success(f"{made['file']}: {made['bytes'] / 1e6:.1f} MB")


def _language(name: str) -> Literal["zh", "en"]:
    if name == "zh":
        return "zh"
    if name == "en":
        return "en"
    raise BadInput(f"There is no language '{name}'.", "Valid languages: zh, en.")
