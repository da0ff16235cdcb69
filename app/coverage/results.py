"""From figures to the plain values that the API, the command line and the saved run give: shares, counts, gaps."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Tier
from app.coverage.difference import Differences
from app.coverage.distances import minutes
from app.coverage.model import (
    Areas,
    AreaUnits,
    Figures,
    Floats,
    Inputs,
    Ints,
    Objects,
    PointUnits,
    TierSupply,
)
from app.coverage.patches import one_a_place
from app.coverage.shapes import multipolygons
from app.coverage.units import cell_shapes
from app.space.metric import MetricCrs

#: A table column by column: name → values.
Columns = dict[str, list[Any]]
REASON_NO_DEMAND = "no residential land and no people of this area lie inside the data"
REASON_NO_STREETS = "there are no streets to walk on"
REASON_NO_SUPPLY = "no facility of this kind is in the data"


def result_rows(inputs: Inputs, figures: list[Figures], official: dict[str, Any]) -> list[dict[str, Any]]:
    """One row a tier and mode for the whole: shares 0-1 (None where there is no demand or it cannot be known)."""
    rows = []
    for figure in figures:
        row = _tier_row(inputs, figure)
        row |= _measures(inputs, figure)[0]
        row |= _judgement(row, figure.tier)
        is_official = (
            bool(official["official"])
            and figure.mode == inputs.policy.mode
            and row["share_of_land"] is not None
        )
        # Where people are those of cells, a gap bears those who live on its land; the share counts cells by its rule.
        in_gaps = None if row["people_served"] is None else round(float(figure.gaps.people.sum()))
        rows.append(row | {"official": is_official, "people_in_gaps": in_gaps} | _people_facts(inputs))
    return rows


def _people_facts(inputs: Inputs) -> dict[str, Any]:
    people = inputs.people
    return {
        "people_rule": people.rule if people.cls else None,
        "people_outside_data": round(people.outside),
        "people_unknown": people.about.get("people_unknown", 0),
    }


def area_rows(inputs: Inputs, figures: list[Figures]) -> list[dict[str, Any]]:
    """One row an area, tier and mode: the same figures; None with a reason where the area has no demand in the data.

    Land is cut at the areas' borders; facilities count in the areas that they are at home in.
    """
    rows = []
    areas = inputs.areas
    homes: dict[str, Counter[str]] = {}
    for figure in figures:
        measures = _measures(inputs, figure)[1:]
        if figure.tier.id not in homes:
            homes[figure.tier.id] = _facilities_by_area(inputs, figure)
        at_home = homes[figure.tier.id]
        tier = _tier_row(inputs, figure)
        for i, measured in enumerate(measures):
            row: dict[str, Any] = {"code": areas.code[i], "name": areas.name[i], "level": areas.level[i]}
            row |= tier | {"facilities": at_home[areas.code[i]]} | measured
            rows.append(row | _judgement(row, figure.tier))
    return rows


def _facilities_by_area(inputs: Inputs, figure: Figures) -> Counter[str]:
    """How many facilities of a tier are at home in each area, by the area's code."""
    found: Counter[str] = Counter()
    paths = (path for band in _supply(inputs, figure).bands for path in band.places.path)
    # Thousands of facilities lie in hundreds of areas: each path is taken apart once.
    for path, count in Counter(paths).items():
        for code in path.split("/"):
            found[code] += count
    return found


def _supply(inputs: Inputs, figure: Figures) -> TierSupply:
    return next(supply for supply in inputs.supplies if supply.tier.id == figure.tier.id)


def _tier_row(inputs: Inputs, figure: Figures) -> dict[str, Any]:
    title = figure.tier.title
    supply = _supply(inputs, figure)
    return {
        "mode": figure.mode,
        "tier": figure.tier.id,
        "tier_title": {"zh": title.zh, "en": title.en},
        "facilities": sum(len(band.places.code) for band in supply.bands),
    }


def _judgement(row: dict[str, Any], tier: Tier) -> dict[str, Any]:
    """The figure that is judged: the share of land, or of people where no land is known."""
    value = row["share_of_land"] if row["share_of_land"] is not None else row["share_of_people"]
    return {
        "measure": "reach",
        "value": value,
        "unit": "share",
        "target": tier.target,
        "target_is": tier.target_is,
        "target_to": tier.target_to,
        "met": judge(tier, value),
    }


def judge(tier: Tier, value: float | None) -> bool | None:
    """Whether a value meets the tier's target; None without a target or a value."""
    if tier.target is None or value is None:
        return None
    if tier.target_is == "at_most":
        return value <= tier.target
    upper = tier.target_to if tier.target_is == "between" and tier.target_to is not None else math.inf
    return tier.target <= value <= upper


def _measures(inputs: Inputs, figure: Figures) -> list[dict[str, Any]]:
    """The whole first, then each area in order."""
    land = _totals(inputs.areas, inputs.land.area_m2, figure.land_served_m2, inputs.land.area)
    units = inputs.people.units
    people_area = inputs.land.area if units is None else units.area
    people_total = inputs.land.people if units is None else units.people
    people = _totals(inputs.areas, people_total, figure.people_served, people_area)
    reason = _reason(inputs, figure)
    return [_measure(*pair, reason) for pair in zip(land, people, strict=True)]


def _reason(inputs: Inputs, figure: Figures) -> str | None:
    if figure.mode == "walk" and inputs.streets is None:
        return REASON_NO_STREETS
    supply = _supply(inputs, figure)
    return None if any(band.places.code for band in supply.bands) else REASON_NO_SUPPLY


def _totals(areas: Areas, total: Floats, served: Floats, part: Ints) -> list[tuple[float, float]]:
    """All and served of the whole, then of each area."""
    inside = zip(areas.add_up(total, part).tolist(), areas.add_up(served, part).tolist(), strict=True)
    return [(float(total.sum()), float(served.sum())), *inside]


def _measure(land: tuple[float, float], people: tuple[float, float], reason: str | None) -> dict[str, Any]:
    nothing = land[0] <= 0 and people[0] <= 0
    return {
        "share_of_land": _share(land),
        "share_of_people": _share(people),
        "people": round(people[0]) if people[0] > 0 else None,
        "people_served": round(people[1]) if people[0] > 0 and not math.isnan(people[1]) else None,
        "land_m2": round(land[0], 1) if land[0] > 0 else None,
        "land_served_m2": round(land[1], 1) if land[0] > 0 and not math.isnan(land[1]) else None,
        "reason": REASON_NO_DEMAND if nothing else reason,
    }


def _share(pair: tuple[float, float]) -> float | None:
    total, served = pair
    if total <= 0 or math.isnan(served):
        return None
    return round(min(max(served / total, 0.0), 1.0), 6)


def gap_rows(inputs: Inputs, figures: list[Figures], crs: MetricCrs) -> Columns:
    """Every gap polygon, ranked by people within its tier and mode, column by column; `geom` is WKB in lon/lat."""
    return _stack([_gap_columns(inputs, figure, crs) for figure in figures])


def unit_rows(inputs: Inputs, figures: list[Figures], crs: MetricCrs) -> Columns:
    """Every demand unit and what share of it is served, column by column; `geom` is WKB in lon/lat."""
    land = inputs.land
    shapes = wkb(land.geometry, crs)
    speed = inputs.speed_m_s
    parts = [
        _unit_columns(f, "land", land, f.land_served_m2, land.area_m2, shapes)
        | _distance_columns(f.land_m, speed)
        for f in figures
    ]
    units = inputs.people.units
    if units is not None:
        shapes = wkb(cell_shapes(units), crs)
        parts += [
            _unit_columns(f, "people", units, f.people_served, units.people, shapes)
            | _distance_columns(f.people_m, speed)
            for f in figures
        ]
    return _stack(parts)


def _stack(parts: list[Columns]) -> Columns:
    """Tables with the same columns, one below the other."""
    return {name: [value for part in parts for value in part[name]] for name in parts[0]} if parts else {}


def wkb(geometry: Objects, crs: MetricCrs) -> list[bytes]:
    """Shapes in metres as WKB in lon/lat."""
    return list(shapely.to_wkb(crs.to_lonlat(geometry))) if len(geometry) else []


def rounded(values: Floats, digits: int) -> list[float | None]:
    """Plain numbers; what is not finite cannot be known and becomes None."""
    rounded: list[float | None] = np.round(values, digits).tolist()
    for i in np.flatnonzero(~np.isfinite(values)).tolist():
        rounded[i] = None
    return rounded


def _gap_columns(inputs: Inputs, figure: Figures, crs: MetricCrs) -> Columns:
    units = _gap_units(inputs, figure)
    gaps = figure.gaps
    if isinstance(units, AreaUnits):
        gaps = one_a_place(gaps, units.place[gaps.unit])
    return {
        **_whose(figure.tier.id, units, gaps.unit),
        "mode": [figure.mode] * len(gaps.unit),
        "people": _known_people(inputs, gaps.people),
        "area_m2": rounded(gaps.area_m2, 1),
        "nearest_m": rounded(gaps.distance_m, 1),
        **_facility_columns(_supply(inputs, figure), gaps.nearest),
        "geom": wkb(multipolygons(gaps.geometry), crs),
    }


def _known_people(inputs: Inputs, people: Floats) -> list[float | None]:
    return rounded(people, 1) if inputs.counts_people else [None] * len(people)


def _gap_units(inputs: Inputs, figure: Figures) -> AreaUnits | PointUnits:
    units = inputs.people.units
    return inputs.land if figure.gaps.of_land or units is None else units


def _facility_columns(supply: TierSupply, index: Ints) -> Columns:
    """Code and name of the facilities (k,) by their index among all bands of the tier, None for -1."""
    code = [code for band in supply.bands for code in band.places.code] + [None]
    name = [name or None for band in supply.bands for name in band.places.name] + [None]
    return {
        "nearest_code": [code[i] for i in index.tolist()],
        "nearest_name": [name[i] for i in index.tolist()],
    }


def difference_columns(inputs: Inputs, found: Mapping[str, Differences], crs: MetricCrs) -> Columns:
    """What a straight line serves and a walk does not, by tier, column by column; `geom` is WKB in lon/lat."""
    parts = []
    for supply in inputs.supplies:
        rows = found.get(supply.tier.id)
        if rows is not None:
            units = inputs.land if rows.of_land or inputs.people.units is None else inputs.people.units
            parts.append(
                {
                    **_whose(supply.tier.id, units, rows.unit),
                    "cause": rows.cause.tolist(),
                    "people": _known_people(inputs, rows.people),
                    "area_m2": rounded(rows.area_m2, 1),
                    "straight_m": rounded(rows.straight_m, 1),
                    "walk_m": rounded(rows.walk_m, 1),
                    "detour": rounded(rows.detour, 2),
                    **_facility_columns(supply, rows.nearest),
                    "geom": wkb(rows.geometry, crs),
                }
            )
    return _stack(parts)


def _unit_columns(
    figure: Figures,
    kind: str,
    units: AreaUnits | PointUnits,
    served: Floats,
    total: Floats,
    shapes: list[bytes],
) -> Columns:
    share = np.divide(served, total, out=np.zeros(len(total)), where=total > 0)
    area = np.zeros(len(total)) if isinstance(units, PointUnits) else units.area_m2
    return {
        **_whose(figure.tier.id, units, np.arange(len(total))),
        "mode": [figure.mode] * len(total),
        "kind": [kind] * len(total),
        "people": rounded(units.people, 1),
        "area_m2": rounded(area, 1),
        "served_share": rounded(share, 6),
        "geom": shapes,
    }


def _distance_columns(metres: Floats, speed_m_s: float) -> Columns:
    return {"distance_m": rounded(metres, 1), "minutes": rounded(minutes(metres, speed_m_s), 2)}


def _whose(tier: str, units: AreaUnits | PointUnits, unit: Ints) -> Columns:
    """The columns that say which tier and place each of the units (k,) belongs to."""
    index = (unit if isinstance(units, PointUnits) else units.place[unit]).tolist()
    places = units.places
    return {
        "tier": [tier] * len(index),
        "code": [places.code[i] for i in index],
        "name": [places.name[i] for i in index],
        "area_path": [places.path[i] for i in index],
    }
