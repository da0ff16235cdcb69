"""Counted figures as a table of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import console
from app.inventory.id_prefix import SHOWN_DIGITS


def print_counted(runs: list[dict[str, Any]], *, areas: bool = False) -> None:
    """Densities, shares of features with something and counts by area, each with its unit and target."""
    if not runs:
        return
    rows = [_row(run, "", result) for run in runs for result in run["results"]]
    if areas:
        rows += [_row(run, row["name"] or row["code"], row) for run in runs for row in run["areas"]]
    headings = ("run", "policy: tier", *(("area",) if areas else ()), "value", "unit", "made of", "target")
    shown = rows if areas else [(*row[:2], *row[3:]) for row in rows]
    console.print_table("Counted (* 官方口径, official)", headings, shown)
    for run in runs:
        for result in run["results"]:
            if result["reason"]:
                console.warning(f"{run['policy']['id']}, {result['tier']}: {result['reason']}.")


def _row(run: Mapping[str, Any], area: str, result: Mapping[str, Any]) -> tuple[object, ...]:
    share = result["unit"] == "share"
    return (
        run["run"][:SHOWN_DIGITS],
        f"{run['policy']['id']}: {result['tier']}{' *' if result.get('official') else ''}",
        area,
        _number(result["value"], share=share),
        "%" if share else result["unit"],
        _made_of(result),
        _target(result, share=share),
    )


def _number(value: float | None, *, share: bool) -> str:
    if value is None:
        return "–"
    return f"{value * 100:.2f}" if share else f"{value:,.2f}"


def _made_of(result: Mapping[str, Any]) -> str:
    above, below = result["numerator"], result["denominator"]
    return _amount(above) if below is None else f"{_amount(above)} / {_amount(below)}"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.5g}"


def _target(result: Mapping[str, Any], *, share: bool) -> str:
    if result["target"] is None:
        return ""
    lower, upper = (_bound(result[name], share=share) for name in ("target", "target_to"))
    asked = {"at_least": f"≥ {lower}", "at_most": f"≤ {lower}", "between": f"{lower}–{upper}"}
    met = {True: "met", False: "missed", None: "unknown"}[result["met"]]
    return f"{asked[result['target_is']]} {met}"


def _bound(value: float | None, *, share: bool) -> str:
    if value is None:
        return ""
    return f"{value * 100:g} %" if share else f"{value:g}"
