"""The command `chengtu summary`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from app import console
from app.access.taking import Taking
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Lang
from app.database.engine import open_database
from app.errors import BadInput
from app.reports import service
from app.reports.files import check_target, save
from app.reports.summary_page import Asked
from app.reports.summary_tables import area_name
from app.settings import Settings

Area = Annotated[str | None, typer.Option(help="Code or name of an area; default the whole city.")]
Level = Annotated[str, typer.Option(help="Break down by district, subdistrict or community.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Reason = Annotated[
    str | None,
    typer.Option(
        "--reason", help="Why restricted data leaves; without one the file is without it. The audit keeps it."
    ),
]
Language = Annotated[
    str | None, typer.Option("--lang", help="zh or en: language of headings.", show_default="CHENGTU_LANG")
]


def choose_lang(given: str | None, settings: Settings) -> Lang:
    """The language asked for, else that of the settings; BadInput for any other."""
    if given is not None and given not in {"zh", "en"}:
        raise BadInput(f"'{given}' is no language of the reports.", "Say --lang zh or --lang en.")
    return cast("Lang", given or settings.lang)


def told_saved(to: Path, *, without: bool) -> None:
    """Say that a file is written, and where it is `without` what is restricted."""
    console.success(f"{to} ({to.stat().st_size:,} bytes)")
    if without:
        console.warning("Left out, since it is restricted: rows or fields. --reason writes them too.")


def summary_command(
    area: Area = None,
    level: Level = "district",
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="Class id; may be given several times.")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Day in the world, e.g. 2021-12-31.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="File to write: .csv or .xlsx.")] = None,
    reason: Reason = None,
    lang: Language = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say what the city owns: number, kilometres and square metres of every class, now or on another day."""
    form = None if to is None else check_target(to)
    settings = Settings()
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    words = choose_lang(lang, settings)
    asked = Asked(area, level, tuple(classes or ()), as_of)
    db = open_database(settings)
    try:
        taking = Taking(db, catalogue, None, reason)
        query = asked.query() or None
        with taking.reading("summary", form or "", asked.classes or None, query=query) as seen:
            report = service.summary_report(seen.conn, seen.catalogue, asked, words)
            if to is not None and form is not None:
                report = service.told_without(report, words) if seen.headers else report
                content = service.summary_file(report, form, words)
        # Noted before it leaves.
        if to is not None:
            save(to, content)
            told_saved(to, without=bool(seen.headers))
    finally:
        db.dispose()
    if as_json:
        console.print_json(report.with_about())
    elif to is None:
        _print_summary(report.document, words)


def _print_summary(document: Mapping[str, Any], lang: Lang) -> None:
    title = "City" if document["area"] is None else area_name(document["area"], lang)
    if document["as_of"]:
        title = f"{title}, {document['as_of']}"
    headings = ("class", "类别", "number", "km", "ha", "cut off by the data")
    console.print_table(title, headings, map(_row, document["classes"]))


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
