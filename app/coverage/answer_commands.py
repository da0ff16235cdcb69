"""The command `chengtu compare`, and the series of `chengtu coverage --series`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from app import console
from app.access.reasons import note_export
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Catalogue
from app.coverage import answer_service, service
from app.coverage.run_words import labels_of_two
from app.coverage.series import days_of, parse_span
from app.coverage.tables import to_csv
from app.database.engine import Database, open_database
from app.errors import BadInput
from app.inventory.periods import today
from app.lazy import lazy_module
from app.settings import Settings

engines = lazy_module("app.coverage.engine")

MODE_NAMES = {"straight": "straight", "walk": "walked", "count": "counted"}
CHANGED = {
    "policy": "policy", "parameters": "parameters", "area": "area", "as_of": "day", "software": "software",
    "metric_crs": "coordinate system", "scenario": "scenario", "people": "source and basis of people",
    "built_up_area": "day of the built-up area",
}  # fmt: skip


def compare_command(
    first: Annotated[
        str, typer.Argument(metavar="RUN", help="The first run: its id or the first digits of it.")
    ],
    second: Annotated[
        str, typer.Argument(metavar="RUN", help="The second run: changes are second less first.")
    ],
    areas: Annotated[bool, typer.Option(help="Tell each area too.")] = True,
    csv_to: Annotated[
        typer.FileTextWrite | None, typer.Option("--csv", lazy=True, help="Write the table to this file.")
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason",
            help="Why the table of runs that were computed from restricted data leaves. The audit keeps it.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Set two saved runs side by side: what has changed in the whole and in each area."""
    settings = Settings()
    with open_database(settings) as db:
        with db.read() as conn:
            runs = [service.find_run_id(conn, given) for given in (first, second)]
            found = answer_service.compare_runs(conn, *runs)
            if csv_to is not None:
                catalogue = load_catalogue(settings.geodata, settings.local_path)
                leaving = answer_service.leaving_tables(conn, catalogue, runs, reason)
        if csv_to is not None:
            note_export(db, " ".join(runs), "csv", leaving, part="compare")
            csv_to.write(to_csv(answer_service.compare_table(found), settings.lang))
    if as_json:
        console.print_json(found)
        return
    a, b = labels_of_two(found["a"], found["b"], "en")
    shown = [row for row in found["rows"] if areas or row["level"] is None]
    for tier in dict.fromkeys(row["tier"] for row in shown):
        console.print_table(
            f"{found['a']['policy']['id']}, {tier}: {a} → {b}",
            ("area", "measured", "land %", "→", "±", "people %", "→", "±", "value", "→", "±"),
            [_compared(row) for row in shown if row["tier"] == tier],
        )
    differs = [CHANGED[name] for name in found["differs"] if name != "as_of"]
    if differs:
        console.warning(f"The runs also differ in: {', '.join(differs)}.")


def _compared(row: Mapping[str, Any]) -> tuple[object, ...]:
    parts: list[object] = [row["name"] or row["code"] or "all", MODE_NAMES.get(row["mode"], row["mode"])]
    for of in ("land", "people"):
        shares = (row[f"share_of_{of}_a"], row[f"share_of_{of}_b"])
        parts += [*map(percent, shares), points(row[f"share_of_{of}_change"])]
    counted = row["mode"] == "count"
    return (*parts, *(number(row[f"value_{of}"]) if counted else None for of in ("a", "b", "change")))


def compute_series(
    db: Database, catalogue: Catalogue, names: list[str], asked: Mapping[str, Any], span: str, step: str
) -> dict[str, Any]:
    """One policy on the days of a span such as 2015..2025, with one engine; progress on stderr.

    Raises:
    ------
    BadInput
        The span or step is none, a day is named beside it, or several policies are.
    """
    if len(names) != 1:
        raise BadInput("A series is of one policy.", "Name the policy, without --rerun.")
    if asked.get("as_of") or asked.get("known_at"):
        raise BadInput("A series names its days itself.", "Leave out --as-of and --known-at.")
    days = days_of(*parse_span(span), step, today=today())
    engine = engines.Engine(db, catalogue)
    with console.progress("Series") as report:
        return answer_service.series(
            engine.answer, {**asked, "policy": names[0]}, days,
            lambda share, message: report(share * len(days), len(days), message),
        )  # fmt: skip


def print_series(found: Mapping[str, Any], *, as_json: bool) -> None:
    """The rows of a series as a table, or all of it as JSON."""
    if as_json:
        console.print_json(found)
        return
    rows = [
        (
            row["as_of"],
            row["name"] or row["code"],
            f"{row['tier']}, {MODE_NAMES.get(row['mode'], row['mode'])}",
            row["facilities"],
            number(row["value"]) if row["mode"] == "count" else None,
            percent(row["share_of_land"]),
            percent(row["share_of_people"]),
            count(row["people_served"]),
        )
        for row in found["rows"]
    ]
    headings = ("as of", "area", "tier, measured", "facilities", "value", "land %", "people %", "served")
    console.print_table(f"{found['policy']['id']}: {found['policy']['title']['zh']}", headings, rows)


def percent(share: float | None) -> str:
    """A share as per cent, a dash where it is unknown."""
    return "–" if share is None else f"{share * 100:.2f}"


def points(change: float | None) -> str:
    """A change of a share in points, signed."""
    return "–" if change is None else f"{change * 100:+.2f}"


def number(value: float | None) -> str:
    """A value in its own unit, a dash where it is unknown."""
    return "–" if value is None else f"{value:,.4g}"


def count(amount: int | None) -> str:
    """A number with separators, a dash where it is unknown."""
    return "–" if amount is None else f"{amount:,}"
