"""From figures to the plain values that the API, the command line and the saved run give: shares, counts, gaps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Tier
from app.coverage.measure import aggregate
from app.coverage.model import AreaUnits, Figures, Floats, Inputs, Ints, Objects, PointUnits
from app.coverage.shapes import multipolygons
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
            bool(official["official"]) and figure.mode == "straight" and row["share_of_land"] is not None
        )
        rows.append(row | {"official": is_official} | _people_facts(inputs))
    return rows


def _people_facts(inputs: Inputs) -> dict[str, Any]:
    people = inputs.people
    return {
        "people_rule": people.rule if people.cls else None,
        "people_outside_data": round(people.outside),
    }


def area_rows(inputs: Inputs, figures: list[Figures]) -> list[dict[str, Any]]:
    """One row an area, tier and mode: the same figures; None with a reason where the area has no demand in the data."""
    rows = []
    areas = inputs.areas
    for figure in figures:
        measures = _measures(inputs, figure)[1:]
        for i, measured in enumerate(measures):
            row: dict[str, Any] = {"code": areas.code[i], "name": areas.name[i], "level": areas.level[i]}
            row |= _tier_row(inputs, figure) | measured
            rows.append(row | _judgement(row, figure.tier))
    return rows


def _tier_row(inputs: Inputs, figure: Figures) -> dict[str, Any]:
    title = figure.tier.title
    supply = next(s for s in inputs.supplies if s.tier is figure.tier)
    return {
        "mode": figure.mode,
        "tier": figure.tier.id,
        "tier_title": {"zh": title.zh, "en": title.en},
        "facilities": sum(len(band.places.code) for band in supply.bands),
    }


def _judgement(row: dict[str, Any], tier: Tier) -> dict[str, Any]:
    share = row["share_of_land"] if row["share_of_land"] is not None else row["share_of_people"]
    met = None if tier.target is None or share is None else bool(share >= tier.target)
    return {"target": tier.target, "met": met}


def _measures(inputs: Inputs, figure: Figures) -> list[dict[str, Any]]:
    """The whole first, then each area in order."""
    count = len(inputs.areas.code)
    land = _totals(inputs.land.area_m2, figure.land_served_m2, inputs.land.area, count)
    units = inputs.people.units
    people_area = inputs.land.area if units is None else units.area
    people_total = inputs.land.people if units is None else units.people
    people = _totals(people_total, figure.people_served, people_area, count)
    reason = _reason(inputs, figure)
    return [_measure(land[i], people[i], reason) for i in range(count + 1)]


def _reason(inputs: Inputs, figure: Figures) -> str | None:
    if figure.mode == "walk" and inputs.streets is None:
        return REASON_NO_STREETS
    supply = next(s for s in inputs.supplies if s.tier is figure.tier)
    return None if any(band.places.code for band in supply.bands) else REASON_NO_SUPPLY


def _totals(total: Floats, served: Floats, label: Ints, count: int) -> list[tuple[float, float]]:
    whole = (float(total.sum()), float(served.sum()))
    if count == 0:
        return [whole]
    inside = label >= 0
    parts = aggregate(total[inside], served[inside], label[inside], count)
    return [whole, *zip(parts.total.tolist(), parts.served.tolist(), strict=True)]


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
    shapes = _wkb(land.geometry, crs)
    parts = [_unit_columns(f, "land", land, f.land_served_m2, land.area_m2, shapes) for f in figures]
    units = inputs.people.units
    if units is not None:
        geometry = units.places.geometry if isinstance(units, PointUnits) else units.geometry
        shapes = _wkb(geometry, crs)
        parts += [_unit_columns(f, "people", units, f.people_served, units.people, shapes) for f in figures]
    return _stack(parts)


def _stack(parts: list[Columns]) -> Columns:
    """Tables with the same columns, one below the other."""
    return {name: [value for part in parts for value in part[name]] for name in parts[0]} if parts else {}


def _wkb(geometry: Objects, crs: MetricCrs) -> list[bytes]:
    return list(shapely.to_wkb(crs.to_lonlat(geometry))) if len(geometry) else []


def _rounded(values: Floats, digits: int) -> list[float | None]:
    """Plain numbers; what is not finite cannot be known and becomes None."""
    rounded: list[float | None] = np.round(values, digits).tolist()
    for i in np.flatnonzero(~np.isfinite(values)).tolist():
        rounded[i] = None
    return rounded


def _gap_columns(inputs: Inputs, figure: Figures, crs: MetricCrs) -> Columns:
    gaps = figure.gaps
    units = inputs.land if gaps.of_land or inputs.people.units is None else inputs.people.units
    supply = next(s for s in inputs.supplies if s.tier is figure.tier)
    facility = [code for band in supply.bands for code in band.places.code]
    return {
        **_whose(figure, units, gaps.unit),
        "people": _rounded(gaps.people, 1),
        "area_m2": _rounded(gaps.area_m2, 1),
        "nearest_m": _rounded(gaps.distance_m, 1),
        "nearest_code": [facility[i] if 0 <= i < len(facility) else None for i in gaps.nearest.tolist()],
        "geom": _wkb(multipolygons(gaps.geometry), crs),
    }


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
        **_whose(figure, units, np.arange(len(total))),
        "kind": [kind] * len(total),
        "people": _rounded(units.people, 1),
        "area_m2": _rounded(area, 1),
        "served_share": _rounded(share, 6),
        "geom": shapes,
    }


def _whose(figure: Figures, units: AreaUnits | PointUnits, unit: Ints) -> Columns:
    """The columns that say which tier, mode and place each of the units (k,) belongs to."""
    index = (unit if isinstance(units, PointUnits) else units.place[unit]).tolist()
    places = units.places
    return {
        "mode": [figure.mode] * len(index),
        "tier": [figure.tier.id] * len(index),
        "code": [places.code[i] for i in index],
        "name": [places.name[i] for i in index],
        "area_path": [places.path[i] for i in index],
    }
