"""The commands `chengtu completeness` and `chengtu areas`: who answers for what, whether areas hold together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app import console
from app.access.taking import Taking
from app.catalogue.loader import load_catalogue
from app.database.engine import open_database
from app.errors import BadInput
from app.inventory import areas_job
from app.reports import check_service as service
from app.reports.commands import Area, AsJson, Language, Level, Reason, choose_lang, told_saved
from app.reports.files import check_target, save
from app.reports.service import told_without
from app.reports.summary_page import Asked
from app.settings import Settings

areas = typer.Typer(
    name="areas", help="Areas and grid: check them, locate features anew.", no_args_is_help=True
)
ToCsv = Annotated[Path | None, typer.Option("--to", help="File to write: .csv.")]


def _check_csv(to: Path | None) -> None:
    if to is not None and check_target(to) != "csv":
        raise BadInput(f"'{to.name}' is no .csv.", "This report is written as CSV.")


def completeness_command(
    area: Area = None,
    level: Level = "district",
    to: ToCsv = None,
    reason: Reason = None,
    lang: Language = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say what lacks an owner, a maintainer or a supervising office, and where the grid has gaps."""
    _check_csv(to)
    settings = Settings()
    words = choose_lang(lang, settings)
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    asked = Asked(area, level)
    with open_database(settings) as db:
        taking = Taking(db, catalogue, None, reason)
        form = "" if to is None else "csv"
        with taking.reading("completeness", form, query=asked.query() or None) as seen:
            report = service.completeness_report(seen.conn, seen.catalogue, asked, words)
            report = told_without(report, words) if seen.headers else report
        if to is not None:
            save(to, service.completeness_csv(report, words))
            told_saved(to, without=bool(seen.headers))
    if as_json:
        console.print_json(report.with_about())
    elif to is None:
        _print_completeness(report.document)


def _print_completeness(document: Mapping[str, Any]) -> None:
    headings = ("class", "类别", "number", "no owner", "no maintainer", "no department", "complete")
    items = [item for item in [*document["classes"], document["grid"]] if item["count"]]
    console.print_table("Who answers for what", headings, map(_row, items))
    grid, cover = document["grid"], document["cover"] or {}
    facts = [("grid cells without keeper", f"{grid['without_keeper']:,} of {grid['cells']:,}")]
    for level, found in cover.items():
        square_km = f"{found['uncovered_m2'] / 1e6:,.2f} of {found['ground_m2'] / 1e6:,.2f} km²"
        facts.append((f"covered by no {level}", f"{square_km} in {found['uncovered_parts']:,} pieces"))
        facts.append(
            (f"covered by two ({level})", f"{found['overlap_m2']:,.0f} m² in {found['overlaps']:,} pairs")
        )
    console.print_table("Grid", ("", ""), facts)


def _row(item: Mapping[str, Any]) -> tuple[object, ...]:
    lacks = [f"{item[f'without_{name}']:,}" for name in ("owner", "maintainer", "department")]
    return (
        item["title"]["en"],
        item["title"]["zh"],
        f"{item['count']:,}",
        *lacks,
        f"{item['share_complete']:.1%}",
    )


@areas.command("check")
def check_command(to: ToCsv = None, lang: Language = None, *, as_json: AsJson = False) -> None:
    """Check codes, nesting, sums and overlaps of areas and grid cells; exit code 1 where something is found."""
    _check_csv(to)
    settings = Settings()
    words = choose_lang(lang, settings)
    catalogue = load_catalogue(settings.geodata, settings.local_path)
    with open_database(settings) as db, db.read() as conn:
        document = service.check_report(conn, catalogue, words).document
    if to is not None:
        save(to, service.check_csv(document, words))
        console.success(f"{to} ({to.stat().st_size:,} bytes)")
    if as_json:
        console.print_json(document)
    elif to is None:
        _print_findings(document)
    if not document["ok"]:
        raise typer.Exit(1)


def _print_findings(document: Mapping[str, Any]) -> None:
    counts = ", ".join(f"{count:,} {level}" for level, count in document["areas"].items() if count)
    if document["ok"]:
        console.success(f"Nothing found in {counts or 'no areas'}.")
        return
    shown = document["findings"][: service.SHOWN]
    headings = ("code", "level", "rule", "figure", "other", "what to do")
    names = ("code", "level", "title", "figure", "other", "hint")
    console.print_table(
        f"{document['findings_in_all']:,} findings in {counts}",
        headings,
        [[_text(item[name]) for name in names] for item in shown],
    )
    if len(shown) < document["findings_in_all"]:
        console.warning(f"The first {len(shown)} are shown; --json or --to FILE.csv gives all.")


def _text(value: object) -> object:
    return f"{value:,.4g}" if isinstance(value, float) else value


@areas.command("recompute")
def recompute_command(as_json: AsJson = False) -> None:
    """Locate features anew where areas have changed since: what the server's worker does by itself."""
    settings = Settings()
    db = open_database(settings)
    try:
        with console.progress("Areas") as report:
            moved = areas_job.recompute(db, load_catalogue(settings.geodata, settings.local_path), report)
    finally:
        db.dispose()
    if as_json:
        console.print_json({"moved": moved})
        return
    console.success(f"{sum(moved.values()):,} features of {len(moved)} classes lie in other areas now.")
