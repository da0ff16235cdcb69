"""What a run tells beside its shares, as plain values: distances by class, equity, the modes' difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.coverage import equity, histogram
from app.coverage.difference import CAUSES, Differences, differences
from app.coverage.histogram import Histogram, by_minutes, ends
from app.coverage.model import Figures, Floats, Inputs, TierSupply

CAUSE_TITLES = {
    "facility_off_street": {"zh": "设施入口附近没有道路", "en": "no street near the facility's entrance"},
    "no_street": {"zh": "出门限距内没有道路", "en": "no street within the limit of the home"},
    "island": {"zh": "所在路网与设施不相通", "en": "streets not joined to the facility's"},
    "gate": {"zh": "小区出入口绕远", "en": "the estate's gates lie far round"},
    "barrier": {"zh": "绕行3倍以上（河流、铁路或缺桥）", "en": "three times round (river, railway, no bridge)"},
    "detour": {"zh": "沿路绕行", "en": "the way along streets"},
}  # fmt: skip


def histogram_rows(inputs: Inputs, figures: list[Figures]) -> list[dict[str, Any]]:
    """One row a tier and mode: people and land by metres and by minutes on foot to the nearest facility.

    Classes are `{"from", "to", "people", "land_m2"}`, their upper end included; the last has no end. `unreached` holds
    who reaches no facility at all. Minutes of a straight line are metres at walking speed. Tiers that cannot be walked
    have none.
    """
    rows = []
    for figure in figures:
        if np.isnan(figure.land_served_m2).any() or np.isnan(figure.people_served).any():
            continue
        limits = [band.radius_m for band in _supply(inputs, figure).bands]
        demand = _demand(inputs, figure)
        by_m = [histogram.histogram(far, amount, ends(histogram.METRES, limits)) for far, amount in demand]
        by_min = [by_minutes(far, amount, limits, inputs.speed_m_s) for far, amount in demand]
        medians = [histogram.median(far, amount) for far, amount in demand]
        rows.append(
            {
                "tier": figure.tier.id,
                "mode": figure.mode,
                "limits_m": sorted(set(limits)),
                "metres": _classes(inputs, *by_m),
                "minutes": _classes(inputs, *by_min),
                "unreached": {
                    "people": _people(inputs, by_m[0].amount[-1]),
                    "land_m2": round(by_m[1].amount[-1], 1),
                },
                "median_m": {"people": _finite(medians[0]), "land": _finite(medians[1])},
            }
        )
    return rows


def _demand(inputs: Inputs, figure: Figures) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Metres and amounts of people, then of land."""
    units = inputs.people.units
    people = (figure.land_m, inputs.land.people) if units is None else (figure.people_m, units.people)
    return people, (figure.land_m, inputs.land.area_m2)


def _people(inputs: Inputs, count: float) -> int | None:
    """Whole people; None where nobody is known."""
    return round(float(count)) if inputs.counts_people else None


def _classes(inputs: Inputs, people: Histogram, land: Histogram) -> list[dict[str, Any]]:
    upper = [0.0, *people.upper.tolist()]
    return [
        {
            "from": upper[i],
            "to": upper[i + 1] if i + 1 < len(upper) else None,
            "people": _people(inputs, people.amount[i]),
            "land_m2": round(float(land.amount[i]), 1),
        }
        for i in range(len(upper))
    ]


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(value, 1)


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(value, 4)


def _supply(inputs: Inputs, figure: Figures) -> TierSupply:
    return next(supply for supply in inputs.supplies if supply.tier.id == figure.tier.id)


def equity_rows(inputs: Inputs, figures: list[Figures], areas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a tier and mode: Gini of metres over people (over land where no people are known), and of areas' shares.

    `areas` are the rows of each area; shares are those of people, else of land. See `equity.gini` for the formula.
    """
    rows = []
    for figure in figures:
        people, land = _demand(inputs, figure)
        by = "people" if float(people[1].sum()) > 0 else "land"
        far, amount = people if by == "people" else land
        mine = [row for row in areas if row["tier"] == figure.tier.id and row["mode"] == figure.mode]
        levels = dict.fromkeys(row["level"] for row in mine)
        rows.append(
            {
                "tier": figure.tier.id,
                "mode": figure.mode,
                "by": by,
                "gini_distance": _rounded(equity.gini(far, amount)),
                "levels": [
                    found
                    for level in levels
                    if (found := _level([r for r in mine if r["level"] == level], level))
                ],
            }
        )
    return rows


def _level(rows: list[dict[str, Any]], level: str) -> dict[str, Any] | None:
    """The spread of shares over the areas of one level; None where none of them has demand."""
    by = "people" if any(row["share_of_people"] is not None for row in rows) else "land"
    share, weight = (
        np.array([np.nan if row[key] is None else row[key] for row in rows], dtype=np.float64)
        for key in (f"share_of_{by}", {"people": "people", "land": "land_m2"}[by])
    )
    spread = equity.spread(share, np.nan_to_num(weight))
    if spread is None:
        return None
    least, greatest = (
        {"code": rows[i]["code"], "name": rows[i]["name"], "share": rows[i][f"share_of_{by}"]}
        for i in (spread.least, spread.greatest)
    )
    return {
        "level": level,
        "by": by,
        "areas": spread.areas,
        "min": least,
        "max": greatest,
        "ratio": _rounded(spread.ratio),
        "gini": _rounded(spread.gini),
    }


def both_modes(inputs: Inputs, figures: list[Figures]) -> dict[str, Differences]:
    """What is served straight and not walked, by tier, of the tiers measured both ways on streets."""
    found = {}
    for supply in inputs.supplies:
        modes = {figure.mode: figure for figure in figures if figure.tier.id == supply.tier.id}
        if inputs.streets is not None and {"straight", "walk"} <= set(modes):
            found[supply.tier.id] = differences(
                inputs, inputs.streets, supply, modes["straight"], modes["walk"]
            )
    return found


def difference_rows(inputs: Inputs, found: Mapping[str, Differences]) -> list[dict[str, Any]]:
    """One row a tier: people and land served straight but not walked, in all and by likely cause."""
    rows = []
    for tier, parts in found.items():
        causes = [
            {"cause": cause, "title": CAUSE_TITLES[cause], **_sums(inputs, parts, parts.cause == cause)}
            for cause in CAUSES
            if (parts.cause == cause).any()
        ]
        rows.append(
            {"tier": tier, **_sums(inputs, parts, np.ones(len(parts), dtype=bool)),
             "causes": sorted(causes, key=lambda row: (-(row["people"] or 0), -row["land_m2"]))}
        )  # fmt: skip
    return rows


def _sums(inputs: Inputs, parts: Differences, chosen: np.ndarray) -> dict[str, Any]:
    known = chosen & np.isfinite(parts.detour)
    return {
        "parts": int(chosen.sum()),
        "people": _people(inputs, float(parts.people[chosen].sum())),
        "land_m2": round(float(parts.area_m2[chosen].sum()), 1),
        "detour_median": _rounded(float(np.median(parts.detour[known])) if known.any() else None),
    }
