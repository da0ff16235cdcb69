"""From counted figures to the plain values that the API, the command line and the saved run give."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely

from app.catalogue.policy_model import Tier
from app.coverage.area_loading import load_areas
from app.coverage.indicators import REASON_ONLY_WHOLE, Counted, Each, count
from app.coverage.loader import Loader
from app.coverage.official import assess
from app.coverage.request import CoverageRequest
from app.coverage.results import REASON_NO_SUPPLY, Columns, judge, rounded, wkb
from app.coverage.shapes import multipolygons
from app.space.metric import MetricCrs

#: How counted figures are measured: nothing is reached, neither in a straight line nor on foot.
MODE = "count"
REASON_NONE_HERE = "there is nothing of it in this area"
#: What is counted may be more: features do not say of themselves what is asked.
REASON_UNSURE = "the features do not say this of themselves, or too few do"
DIGITS = 6
NOBODY = {"people": None, "people_served": None, "share_of_land": None, "share_of_people": None,
          "land_m2": None, "land_served_m2": None}  # fmt: skip


def counted_rows(
    counted: list[Counted], official: dict[str, Any], facts: dict[str, Any]
) -> list[dict[str, Any]]:
    """One row a tier for the whole: `value` in `unit`, what it is made of, and whether the target is met."""
    people = {name: facts[name] for name in ("people_rule", "people_outside_data", "people_unknown")}
    return [
        _head(found.tier, found.features.whole)
        | _whole(found)
        | {"official": bool(official["official"]) and found.reason is None and not found.absent}
        | people
        for found in counted
    ]


def counted_area_rows(counted: list[Counted]) -> list[dict[str, Any]]:
    """One row an area and tier: the same figures; None with a reason where the area has nothing to compare with."""
    return [
        {"code": found.areas.code[i], "name": found.areas.name[i], "level": found.areas.level[i]}
        | _head(found.tier, float(found.features.areas[i]))
        | _of_area(found, i)
        for found in counted
        for i in range(len(found.areas.code))
    ]


def _head(tier: Tier, features: float) -> dict[str, Any]:
    return {
        "mode": MODE,
        "tier": tier.id,
        "tier_title": {"zh": tier.title.zh, "en": tier.title.en},
        "facilities": round(features),
        **NOBODY,
    }


def _whole(found: Counted) -> dict[str, Any]:
    if found.tier.level is None or found.denominator is not None:
        below = None if found.denominator is None else found.denominator.whole
        row = _figure(found, found.numerator.whole, below, found.silent.whole, found.reason)
        return row | _below_unknown(found, None)
    # So many in each area: the whole's figure is the share of areas that have them.
    met = [_of_area(found, i)["met"] for i in range(len(found.areas.code))]
    unsure = REASON_UNSURE if None in met else None
    row = _figure(found, float(met.count(True)), float(len(met)), found.silent.whole, found.reason or unsure)
    return row | _below_unknown(found, None) | {
        "unit": "share", "target": 1.0, "target_is": "at_least", "target_to": None,
        "met": False if False in met else None if None in met or not met else True,
    }  # fmt: skip


def _of_area(found: Counted, i: int) -> dict[str, Any]:
    above, silent = float(found.numerator.areas[i]), float(found.silent.areas[i])
    below = None if found.denominator is None else float(found.denominator.areas[i])
    row = _figure(found, above, below, silent, found.reason or _why_unsure(found, above, silent))
    return row | _below_unknown(found, i)


def _below_unknown(found: Counted, i: int | None) -> dict[str, Any]:
    """How many features might belong to the denominator of the whole (None) or of an area, but do not say so."""
    silent = found.below_silent
    if silent is None:
        return {"denominator_unknown": 0}
    return {"denominator_unknown": round(silent.whole if i is None else float(silent.areas[i]))}


def _why_unsure(found: Counted, above: float, silent: float) -> str | None:
    """Why what is counted says too little where so many features do not say whether they belong to it."""
    if math.isnan(above):
        return REASON_ONLY_WHOLE
    if not silent or found.tier.of is not None:
        return None
    if found.denominator is None:
        decided = judge(found.tier, above) == judge(found.tier, above + silent)
        return None if decided and above else REASON_UNSURE
    return None if above else REASON_UNSURE


def _figure(
    found: Counted, above: float, below: float | None, silent: float, reason: str | None
) -> dict[str, Any]:
    tier = found.tier
    value = above if below is None else above / below if below > 0 else None
    # A figure that shows as its target meets it.
    value = None if reason else _round(value)
    nothing = REASON_NONE_HERE if value is None and reason is None else reason
    # As where nothing serves: 0 it is, but perhaps only of the data.
    nothing = nothing or (REASON_NO_SUPPLY if found.absent else None)
    return {
        "measure": _measure(tier),
        "value": value,
        "unit": "share" if tier.unit is None else tier.unit.en,
        "unit_title": None if tier.unit is None else {"zh": tier.unit.zh, "en": tier.unit.en},
        "numerator": _round(above),
        "denominator": _round(below),
        "unknown": round(silent),
        "target": tier.target,
        "target_is": tier.target_is,
        "target_to": tier.target_to,
        "met": judge(tier, value),
        "reason": nothing,
    }


def _measure(tier: Tier) -> str:
    if tier.of is not None:
        return "share_with"
    return "density" if tier.per is not None else "at_least"


def _round(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, DIGITS)


def counted_units(counted: list[Counted], crs: MetricCrs) -> Columns:
    """The features of each share with 1 or 0, lines left out (the run's tables hold points and polygons)."""
    return _stacked([_units(found, found.each, crs) for found in counted if found.each is not None])


def counted_gaps(counted: list[Counted], crs: MetricCrs) -> Columns:
    """The polygons that lack what a share asks for, the largest first."""
    return _stacked([_gaps(found, found.each, crs) for found in counted if found.each is not None])


def _stacked(parts: list[Columns]) -> Columns:
    return {name: [value for part in parts for value in part[name]] for name in parts[0]} if parts else {}


def _units(found: Counted, each: Each, crs: MetricCrs) -> Columns:
    rows = np.flatnonzero((shapely.get_dimensions(each.geometry) != 1) & ~np.isnan(each.has))
    nothing = [None] * len(rows)
    return {
        **_whose(found, each, rows),
        "kind": ["feature"] * len(rows),
        "people": nothing,
        "area_m2": rounded(shapely.area(each.geometry[rows]), 1),
        "served_share": rounded(each.has[rows], 6),
        "distance_m": nothing,
        "minutes": nothing,
        "geom": wkb(each.geometry[rows], crs),
    }


def _gaps(found: Counted, each: Each, crs: MetricCrs) -> Columns:
    lacking = np.flatnonzero((shapely.get_dimensions(each.geometry) == 2) & (each.has == 0))
    size = shapely.area(each.geometry)
    rows = lacking[np.argsort(-size[lacking], kind="stable")]
    nothing = [None] * len(rows)
    return {
        **_whose(found, each, rows),
        "people": nothing,
        "area_m2": rounded(size[rows], 1),
        "nearest_m": nothing,
        "nearest_code": nothing,
        "nearest_name": nothing,
        "geom": wkb(multipolygons(each.geometry[rows]), crs),
    }


def _whose(found: Counted, each: Each, rows: np.ndarray) -> Columns:
    index = rows.tolist()
    return {
        "mode": [MODE] * len(index),
        "tier": [found.tier.id] * len(index),
        "code": [each.code[i] for i in index],
        "name": [each.name[i] for i in index],
        "area_path": [each.path[i] for i in index],
    }


def counted_answer(
    loader: Loader, request: CoverageRequest, *, figures_only: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows of a policy that is counted, as `Engine.answer` gives them, and what the result records about it."""
    areas, whole = load_areas(loader, request)
    counted, facts = count(loader, request, areas, whole)
    official = assess(request, facts, has_land=True)
    rows: dict[str, Any] = {
        "results": counted_rows(counted, official, facts),
        "areas": counted_area_rows(counted),
    }
    if not figures_only:
        rows |= {
            "gaps": counted_gaps(counted, loader.crs),
            "units": counted_units(counted, loader.crs),
            "differences": {},
            "details": {},
        }
    return rows, facts | official
