"""Two runs side by side: every figure of both with its change, and what land is served in one alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from app.coverage.gaps import MIN_AREA_M2
from app.coverage.model import Floats, Objects
from app.coverage.shapes import EMPTY, multipolygons, polygonal

#: The figures that are set side by side.
FIGURES = (
    "share_of_land",
    "share_of_people",
    "people",
    "people_served",
    "land_m2",
    "land_served_m2",
    "value",
)


@dataclass(frozen=True, slots=True)
class Saved:
    """Gaps or demand units of a saved run: codes (k,), polygons (k,) in metres and their people (k,)."""

    code: list[str]
    name: list[str]
    geometry: Objects
    people: Floats


@dataclass(frozen=True, slots=True)
class Parts:
    """Land that is served in one of two runs alone: codes and names (k,), MultiPolygons, people; most people first."""

    code: list[str]
    name: list[str]
    geometry: Objects
    area_m2: Floats
    people: Floats


def figures_beside(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Figures of two runs, first of the whole (level None), then of each area that either reports.

    Each row has `tier`, `mode`, `level`, `code`, `name`, the figures with `_a` and `_b` behind them (None where that
    run has none) and their changes; rows of tiers and modes that only one run has are left out.
    """
    rows_a, rows_b = _by_key(a), _by_key(b)
    shared = {key[:2] for key in rows_a} & {key[:2] for key in rows_b}
    keys = [key for key in dict.fromkeys([*rows_a, *rows_b]) if key[:2] in shared]
    return [_row(key, rows_a.get(key), rows_b.get(key)) for key in keys]


Key = tuple[str, str, str | None, str | None]


def _by_key(run: Mapping[str, Any]) -> dict[Key, Mapping[str, Any]]:
    rows = [*run["results"], *run["areas"]]
    return {(row["tier"], row["mode"], row.get("level"), row.get("code")): row for row in rows}


def _row(key: Key, a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> dict[str, Any]:
    tier, mode, level, code = key
    known = b or a or {}
    row: dict[str, Any] = {
        "tier": tier,
        "mode": mode,
        "level": level,
        "code": code,
        "name": known.get("name"),
    }
    row["tier_title"] = known.get("tier_title")
    for figure in FIGURES:
        row[f"{figure}_a"], row[f"{figure}_b"] = (None if run is None else run.get(figure) for run in (a, b))
    for name, figure in (
        ("share_of_land_change", "share_of_land"), ("share_of_people_change", "share_of_people"),
        ("people_served_change", "people_served"), ("land_served_change_m2", "land_served_m2"),
        ("value_change", "value"),
    ):  # fmt: skip
        row[name] = _change(row[f"{figure}_a"], row[f"{figure}_b"])
    return row


def _change(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else round(b - a, 6)


def served_only_in(second: Saved, gaps_first: Saved, gaps_second: Saved) -> Parts:
    """The land of `second`'s demand units that is a gap in the first run and none in the second.

    Called with the runs the other way round it gives what was lost. Parcels are matched by their code: only land that
    is demand in the second run counts, whatever became of the rest. People are those of the second run's parcel by
    share of its area.
    """
    here = _by_code(second)
    gap_first, gap_second = _by_code(gaps_first), _by_code(gaps_second)
    codes = [code for code in gap_first if code in here and not _same(gap_first[code], gap_second.get(code))]
    open_ = _column(gap_first, codes)
    land = _column(here, codes)
    open_ = polygonal(shapely.intersection(open_, land))
    left = _column(gap_second, codes)
    gained = polygonal(shapely.difference(open_, left))
    area = np.asarray(shapely.area(gained))
    people = np.array([here[code][2] for code in codes], dtype=np.float64)
    share = np.divide(area, shapely.area(land), out=np.zeros(len(codes)), where=shapely.area(land) > 0)
    kept = np.flatnonzero(area >= MIN_AREA_M2)
    order = kept[np.lexsort((-np.round(area[kept], 3), -np.round((people * share)[kept], 6)))]
    return Parts(
        [codes[i] for i in order],
        [here[codes[i]][1] for i in order],
        multipolygons(gained[order]),
        area[order],
        (people * share)[order],
    )


def _by_code(saved: Saved) -> dict[str, tuple[Any, str, float]]:
    """Polygon, name and people of each code; parcels cut at borders have several rows."""
    found: dict[str, tuple[Any, str, float]] = {}
    for code, name, geometry, people in zip(
        saved.code, saved.name, saved.geometry, saved.people.tolist(), strict=True
    ):
        if code in found:
            other, _, more = found[code]
            found[code] = (shapely.union(other, geometry), name, people + more)
        else:
            found[code] = (geometry, name, people)
    return found


def _same(gap: tuple[Any, str, float], other: tuple[Any, str, float] | None) -> bool:
    """Whether a parcel's gap is the same in both runs: most are."""
    return other is not None and bool(shapely.equals_exact(gap[0], other[0], normalize=False))


def _column(found: Mapping[str, tuple[Any, str, float]], codes: list[str]) -> Objects:
    column = np.empty(len(codes), dtype=object)
    column[:] = [found[code][0] if code in found else EMPTY for code in codes]
    return column
