"""The lists of policies and of runs as pages, made of what the interface gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.catalogue.model import Catalogue, Lang
from app.coverage.answer_service import in_words
from app.coverage.run_words import run_words
from app.inventory.id_prefix import SHOWN_DIGITS
from app.web.amounts import area, figure, length, unit_title
from app.web.templates import percent, render

MODES: Mapping[str, dict[Lang, str]] = {
    "straight": {"zh": "直线", "en": "straight"},
    "walk": {"zh": "步行", "en": "walked"},
    "count": {"zh": "计数", "en": "counted"},
    # of a policy, never of a row
    "both": {"zh": "直线与步行", "en": "straight and walked"},
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
    return figure(row["value"], unit)


def policy_html(policy: Mapping[str, Any], catalogue: Catalogue, lang: Lang) -> str:
    """The page of one policy, as `policy_view` gives it whole."""
    mode = MODES.get(policy["mode"])
    tiers = [
        {
            "title": tier["title"][lang],
            "target": _target(tier, lang),
            "supplies": [_supply(one, catalogue, lang) for one in tier.get("supplies", ())],
        }
        for tier in policy["tiers"]
    ]
    return render(
        "coverage/policy.html",
        lang,
        one=policy,
        tiers=tiers,
        mode=policy["mode"] if mode is None else mode[lang],
    )


def _target(tier: Mapping[str, Any], lang: Lang) -> str:
    if tier["target"] is None:
        return "—"
    sign = {"at_least": "≥", "at_most": "≤"}.get(tier["target_is"], "")
    unit = tier["unit"]
    figures = (tier["target"], tier["target_to"])
    said = [percent(one) if unit is None else f"{one:g}" for one in figures if one is not None]
    title = "" if unit is None else unit[lang] if isinstance(unit, Mapping) else str(unit)
    return f"{sign} {'–'.join(said)} {title}".strip()


def _supply(one: Mapping[str, Any], catalogue: Catalogue, lang: Lang) -> str:
    cls = catalogue.classes.get(one["class"])
    parts = [one["class"] if cls is None else cls.title.in_(lang)]
    if one.get("radius_m") is not None:
        parts.append(length(one["radius_m"], lang))
    if one.get("minutes") is not None:
        parts.append(f"{one['minutes']:g} {unit_title('min', lang)}")
    if one.get("min_area_m2") is not None:
        parts.append(f"≥ {area(one['min_area_m2'], lang)}")
    return " · ".join(parts)
