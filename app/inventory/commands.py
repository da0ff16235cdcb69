"""The command `chengtu summary`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.database.engine import open_database
from app.inventory.summary import summary
from app.settings import Settings


def summary_command(
    area: Annotated[str | None, typer.Option(help="Code or name of an area; default the whole city.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Say what the city owns: number, kilometres and square metres of every class."""
    settings = Settings()
    catalogue = load_catalogue(settings.geodata)
    with open_database(settings).read() as conn:
        result = summary(conn, catalogue, area)
    if as_json:
        console.print_json(result)
        return
    title = "City" if result["area"] is None else result["area"]["name_zh"] or result["area"]["code"]
    headings = ("class", "类别", "number", "km", "ha", "cut off by the data")
    console.print_table(title, headings, map(_row, result["classes"]))


def _row(item: Mapping[str, Any]) -> tuple[object, ...]:
    kilometres, area_m2 = item.get("length_km"), item.get("area_m2")
    return (
        item["title"]["en"],
        item["title"]["zh"],
        item["count"],
        None if kilometres is None else round(kilometres, 1),
        None if area_m2 is None else round(area_m2 / 10_000, 1),
        item["incomplete"] or None,
    )
