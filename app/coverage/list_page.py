"""The lists of policies and of runs as pages, made of what the interface gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.catalogue.model import Lang
from app.coverage.answer_service import in_words
from app.coverage.run_words import run_words
from app.inventory.id_prefix import SHOWN_DIGITS
from app.web.templates import number, percent, render

MODES: Mapping[str, dict[Lang, str]] = {
    "straight": {"zh": "直线", "en": "straight"},
    "walk": {"zh": "步行", "en": "walked"},
    "count": {"zh": "计数", "en": "counted"},
}


def policies_html(policies: Sequence[Mapping[str, Any]], lang: Lang, *, known: bool) -> str:
    """The page of policies, as `policy_view` gives them; `known`: whether the saved editions could be read."""
    return render("coverage/policies.html", lang, policies=policies, known=known)


def runs_html(runs: Sequence[Mapping[str, Any]], policy: str | None, lang: Lang) -> str:
    """The page of saved runs, newest first, as `service.list_runs` gives them; of one policy where it is named."""
    return render("coverage/runs.html", lang, runs=run_views(runs, lang), policy=policy)


def run_views(runs: Iterable[Mapping[str, Any]], lang: Lang) -> list[dict[str, Any]]:
    """What a list tells of each run: what it was asked for, its figures, and the run of its policy before it."""
    found = [_view(run, lang) for run in runs]
    later: dict[str, dict[str, Any]] = {}
    for view in found:
        if view["policy"] in later:
            later[view["policy"]]["before"] = view["run"]
        later[view["policy"]] = view
    return found


def _view(run: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    title = run["policy"]["title"]
    return {
        "run": run["run"],
        "short": run["run"][:SHOWN_DIGITS],
        "policy": run["policy"]["id"],
        "title": title[lang] if title else run["policy"]["id"],
        "at": run["created_at"].replace("T", " ").replace("Z", " UTC"),
        "words": " · ".join(words[lang] for words in run_words(run)),
        "figures": [_figure(row, lang) for row in run["results"]],
        "before": None,
    }


def _figure(row: Mapping[str, Any], lang: Lang) -> dict[str, str]:
    title = (row.get("tier_title") or {}).get(lang, row["tier"])
    return {"title": f"{title}, {MODES[row['mode']][lang]}", "value": _value(row, lang)}


def _value(row: Mapping[str, Any], lang: Lang) -> str:
    """The share of people, else of land, or the value of what is counted with its unit; then why there is none."""
    reason = in_words(row.get("reason"), lang)
    return _number(row, lang) + (f" ({reason})" if reason else "")


def _number(row: Mapping[str, Any], lang: Lang) -> str:
    if row["mode"] != "count":
        share = row["share_of_people"] if row["share_of_people"] is not None else row["share_of_land"]
        return percent(share)
    if row["unit"] == "share":
        return percent(row["value"])
    unit = (row.get("unit_title") or {}).get(lang, row["unit"])
    return number(row["value"], 2) if row["value"] is None else f"{number(row['value'], 2)} {unit}"
