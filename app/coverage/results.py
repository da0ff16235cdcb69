"""From figures to the plain values that the API, the command line and the saved run give: shares, counts, gaps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Tier
from app.coverage.measure import aggregate
from app.coverage.model import AreaUnits, Figures, Floats, Inputs, Ints, PointUnits
from app.space.metric import MetricCrs

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
        rows.append(row | {"official": is_official})
    return rows


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


def gap_rows(inputs: Inputs, figures: list[Figures], crs: MetricCrs) -> list[dict[str, Any]]:
    """Every gap polygon as plain values, ranked by people within its tier and mode; `geom` is WKB in lon/lat."""
    rows: list[dict[str, Any]] = []
    for figure in figures:
        gaps = figure.gaps
        shapes = crs.to_lonlat(gaps.geometry) if len(gaps.geometry) else gaps.geometry
        supply = next(s for s in inputs.supplies if s.tier is figure.tier)
        facility = [code for band in supply.bands for code in band.places.code]
        for i, unit in enumerate(gaps.unit):
            distance = float(gaps.distance_m[i])
            code, name, path = _whose(inputs, gaps.of_land, int(unit))
            nearest = int(gaps.nearest[i])
            rows.append(
                {
                    "mode": figure.mode,
                    "tier": figure.tier.id,
                    "code": code,
                    "name": name,
                    "area_path": path,
                    "people": round(float(gaps.people[i]), 1),
                    "area_m2": round(float(gaps.area_m2[i]), 1),
                    "nearest_m": round(distance, 1) if math.isfinite(distance) else None,
                    "nearest_code": facility[nearest] if 0 <= nearest < len(facility) else None,
                    "geom": _multi(shapes[i]).wkb,
                }
            )
    return rows


def _multi(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.MultiPolygon([shape]) if shape.geom_type == "Polygon" else shape


def _whose(inputs: Inputs, of_land: bool, unit: int) -> tuple[str, str, str]:
    units = inputs.land if of_land or inputs.people.units is None else inputs.people.units
    index = unit if isinstance(units, PointUnits) else int(units.place[unit])
    places = units.places
    return places.code[index], places.name[index], places.path[index]


def unit_rows(inputs: Inputs, figures: list[Figures], crs: MetricCrs) -> list[dict[str, Any]]:
    """Every demand unit as plain values: what share of it is served; `geom` is WKB in lon/lat."""
    rows: list[dict[str, Any]] = []
    land = inputs.land
    shapes = crs.to_lonlat(land.geometry) if len(land.geometry) else land.geometry
    for figure in figures:
        share = np.divide(
            figure.land_served_m2, land.area_m2, out=np.zeros(len(land.area_m2)), where=land.area_m2 > 0
        )
        rows += _units(figure, "land", land, share, land.people, shapes)
    units = inputs.people.units
    if units is not None:
        geometry = units.places.geometry if isinstance(units, PointUnits) else units.geometry
        shapes = crs.to_lonlat(geometry) if len(geometry) else geometry
        for figure in figures:
            people = units.people
            share = np.divide(figure.people_served, people, out=np.zeros(len(people)), where=people > 0)
            rows += _units(figure, "people", units, share, people, shapes)
    return rows


def _units(
    figure: Figures, kind: str, units: AreaUnits | PointUnits, share: Floats, people: Floats, shapes: Any
) -> list[dict[str, Any]]:
    index = np.arange(len(people)) if isinstance(units, PointUnits) else units.place
    places = units.places
    return [
        {
            "mode": figure.mode,
            "tier": figure.tier.id,
            "kind": kind,
            "code": places.code[place],
            "name": places.name[place],
            "area_path": places.path[place],
            "people": round(float(people[i]), 1),
            "area_m2": round(float(shapes_area), 1),
            "served_share": None if math.isnan(share[i]) else round(float(share[i]), 6),
            "geom": shapes[i].wkb,
        }
        for i, (place, shapes_area) in enumerate(zip(index, _areas(units), strict=True))
    ]


def _areas(units: AreaUnits | PointUnits) -> Floats:
    if isinstance(units, PointUnits):
        return np.zeros(len(units.people))
    return units.area_m2
