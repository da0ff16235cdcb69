"""The command `chengtu search`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.database.engine import Database, open_database
from app.errors import BadInput
from app.search.service import Search, ensure_entries, rebuild, search
from app.settings import Settings

Text = Annotated[
    str | None, typer.Argument(help="A name, a code, an address, pinyin or initials.", show_default=False)
]
Class = Annotated[str | None, typer.Option("--class", help="Class id; default all.")]
Area = Annotated[str | None, typer.Option(help="Code or name of an area; default the whole city.")]
Limit = Annotated[int, typer.Option(help="At most this many results (1-100).")]
Rebuild = Annotated[bool, typer.Option("--rebuild", help="Make everything that is searched anew first.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def search_command(
    text: Text = None,
    class_id: Class = None,
    area: Area = None,
    limit: Limit = 10,
    make_anew: Rebuild = False,
    as_json: AsJson = False,
) -> None:
    """Find features of all classes by name, code, address, pinyin or initials."""
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    with open_database(settings) as db:
        _make_entries(db, catalogue, make_anew, as_json)
        if text is None:
            if make_anew:
                return
            raise BadInput("There is no text to search for.", "Give one: chengtu search 公园")
        with db.read() as conn:
            found = search(conn, catalogue, Search(text, class_id, area, None, limit))
    if as_json:
        console.print_json(found)
    elif found["results"]:
        headings = ("name", "class", "类别", "code", "where", "id")
        console.print_table(text, headings, map(_row, found["results"]))
    else:
        console.step(f"Nothing was found for '{text}'.")


def _make_entries(db: Database, catalogue: Catalogue, make_anew: bool, as_json: bool) -> None:
    if not make_anew:
        ensure_entries(db, catalogue)
        return
    made = rebuild(db, catalogue)
    if not as_json:
        console.success(f"{sum(made.values()):,} features with a name or address can be found.")


def _row(result: Mapping[str, Any]) -> tuple[object, ...]:
    areas = " ".join(area["name_zh"] or area["code"] for area in result["areas"])
    name = " ".join(filter(None, (result["name_zh"], result["name_en"])))
    return (
        name or None,
        result["class"],
        result["class_title"]["zh"],
        result["code"],
        " ".join(filter(None, (areas, result["address"]))) or None,
        result["id"],
    )
