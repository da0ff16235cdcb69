"""`chengtu sample`: load the sample city, and check that it shows the plan's figures."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated

import typer

from app import console
from app.catalogue.loader import load_catalogue
from app.database.engine import open_database
from app.sample.check import Figure, check
from app.sample.parameters import check_size
from app.sample.service import load
from app.settings import Settings

sample = typer.Typer(name="sample", help="The sample city: load it, check its figures.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@sample.command("load")
def load_command(
    size: Annotated[
        str,
        typer.Option(
            "--size", help="town (2 km, for tests), city, or metropolis (a million parcels, to measure with)."
        ),
    ] = "city",
    as_json: AsJson = False,
) -> None:
    """Draw the sample city and load it into an empty database."""
    check_size(size)
    settings = Settings()
    started = time.monotonic()
    db = open_database(settings, make=True)
    try:
        with console.progress(f"Sample {size}") as report:
            counts = load(db, load_catalogue(settings.geodata, settings.local_path), size, report)
    finally:
        db.dispose()
    seconds = round(time.monotonic() - started, 1)
    rows = {class_id: count.as_dict() for class_id, count in counts.items()}
    if as_json:
        console.print_json({"size": size, "seconds": seconds, "classes": rows})
        return
    total = sum(count.read for count in counts.values())
    console.success(f"The sample {size} is loaded: {total:,} rows of {len(rows)} classes in {seconds} s.")


@sample.command("check")
def check_command(as_json: AsJson = False) -> None:
    """Recompute every figure of the plan from the database, as of its day; exit code 1 where one is off."""
    settings = Settings()
    db = open_database(settings)
    try:
        with db.read() as conn:
            figures = check(conn, load_catalogue(settings.geodata, settings.local_path))
    finally:
        db.dispose()
    if as_json:
        console.print_json([asdict(figure) for figure in figures])
    else:
        headings = ("as of", "plan item", "figure", "asked", "drawn", "unit", "")
        console.print_table("Sample city: 示例数据，非真实", headings, [_row(figure) for figure in figures])
    if not all(figure.ok for figure in figures):
        raise typer.Exit(1)


def _row(figure: Figure) -> tuple[str, ...]:
    asked = f"{'≥ ' if figure.at_least else ''}{figure.asked:,.10g}"
    drawn = f"{figure.drawn:,.2f}".removesuffix(".00")
    verdict = "✓" if figure.ok else "✗"
    return figure.as_of.isoformat(), figure.plan_item, figure.title, asked, drawn, figure.unit, verdict
