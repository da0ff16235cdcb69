"""Before, after, difference, who gains and who loses: a scenario's outcome as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import shapely

from app.coverage.incremental import FOLLOWED, State, Touched
from app.coverage.model import AreaUnits, Figures, Floats, GapRows, Inputs, Ints, Objects, PointUnits
from app.coverage.results import area_rows, result_rows
from app.coverage.scenario_engine import Base, Outcome
from app.coverage.shapes import EMPTY, polygonal
from app.coverage.whole import whole_people
from app.space.metric import MetricCrs

#: What a row says of a tier and mode, before and after.
FIGURES = (
    "share_of_land", "share_of_people", "people", "people_served", "land_m2", "land_served_m2", "facilities",
    "value", "unit", "measure", "target", "met", "reason",
)  # fmt: skip
#: What a difference is told of.
CHANGING = ("share_of_land", "share_of_people", "people_served", "land_served_m2", "facilities", "value")
#: Rows of who gains and of who loses, each, for a tier and mode at most: those with most people.
MOST_ROWS = 100
#: The `results` and `areas` of an answer.
Rows = dict[str, list[dict[str, Any]]]
#: The names of the areas, coarse to fine, that each of some shapes in lon/lat lies in.
NamesAt = Callable[[Objects], list[list[str]]]
MIN_AREA_M2 = 1.0
MIN_PEOPLE = 1e-6


def scenario_rows(
    base: Base, outcome: Outcome, official: dict[str, Any], crs: MetricCrs, names_at: NamesAt
) -> dict[str, Any]:
    """`{"before", "after", "change", "gains", "losses"}`; `names_at` names the areas of shapes in lon/lat.

    The first three have `results`, one row a tier and mode, and `areas`, those whose figures change (`change` also says
    how many do not). A row of gains or losses is a polygon in lon/lat of one parcel or cell, with the names of the
    areas there (coarse to fine), its people, and the nearest facility: for losses after the scenario, for gains before
    it. People are whole, so rounded that all rows of a tier and mode add up to their sum.
    """
    before, after = base.state, outcome.state
    if "rows" not in base.kept:
        base.kept["rows"] = _rows(before, official)
    told = compared(base.kept["rows"], _rows(after, {"official": False}))
    for row, figures in zip(
        told["change"]["results"], zip(before.figures, after.figures, strict=True), strict=True
    ):
        row.update(_sides(figures, known=before.inputs.counts_people))
    gains, losses = (_shown(rows, crs, names_at) for rows in _who(base, outcome))
    return {**told, "gains": gains, "losses": losses}


def compared(before: Rows, after: Rows) -> dict[str, Any]:
    """`{"before", "after", "change"}` of the `results` and `areas` of two answers; see `scenario_rows`."""
    results = [[_figures(row) for row in rows["results"]] for rows in (before, after)]
    count = len(after["areas"])
    changed = list(range(count))
    if _codes(before) == _codes(after):
        changed = [i for i in changed if _differs(before["areas"][i], after["areas"][i])]
    areas = [
        [_figures(rows["areas"][i]) for i in changed if i < len(rows["areas"])] for rows in (before, after)
    ]
    return {
        "before": {"results": results[0], "areas": areas[0]},
        "after": {"results": results[1], "areas": areas[1]},
        "change": {
            "results": [_change(*pair) for pair in zip(*results, strict=True)],
            "areas": [_change(*pair) for pair in zip(*areas, strict=False)],
            "areas_unchanged": count - len(changed),
        },
    }


def _rows(state: State, official: dict[str, Any]) -> Rows:
    return {
        "results": result_rows(state.inputs, state.figures, official),
        "areas": area_rows(state.inputs, state.figures),
    }


def _codes(rows: Rows) -> list[tuple[Any, ...]]:
    return [(row["code"], row["tier"], row["mode"]) for row in rows["areas"]]


def _differs(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return any(before.get(name) != after.get(name) for name in FIGURES)


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    names = ("code", "name", "level", "mode", "tier", *FIGURES)
    return {name: row[name] for name in names if name in row}


def _change(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """After less before; None where one of them is unknown."""
    row: dict[str, Any] = {
        name: after[name] for name in ("code", "name", "level", "mode", "tier") if name in after
    }
    for name in CHANGING:
        if name in after:
            pair = (before.get(name), after[name])
            row[name] = None if None in pair else round(pair[1] - pair[0], 6)
    return row


def _sides(figures: tuple[Figures, Figures], *, known: bool) -> dict[str, Any]:
    """People and land that gain and that lose, unit by unit: the difference alone would set one against the other.

    People are None where nobody is `known`.
    """
    before, after = figures
    if len(before.land_served_m2) != len(after.land_served_m2) or len(before.people_served) != len(
        after.people_served
    ):
        return {}
    people, land = after.people_served - before.people_served, after.land_served_m2 - before.land_served_m2
    return {
        "people_gaining": _whole(np.maximum(people, 0)) if known else None,
        "people_losing": _whole(np.maximum(-people, 0)) if known else None,
        "land_gaining_m2": _total(np.maximum(land, 0)),
        "land_losing_m2": _total(np.maximum(-land, 0)),
    }


def _total(values: Floats) -> float | None:
    """The sum of values, None where they cannot be known (walks without streets)."""
    total = float(values.sum())
    return round(total, 1) if np.isfinite(total) else None


def _whole(values: Floats) -> int | None:
    total = _total(values)
    return None if total is None else round(total)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The same units before and after: their indices (k,) in both states."""

    before: Ints
    after: Ints


def _who(base: Base, outcome: Outcome) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Gains and losses, with shapes in metres."""
    gains: list[dict[str, Any]] = []
    losses: list[dict[str, Any]] = []
    before, after = base.state, outcome.state
    land = _same_units(before.inputs.land, after.inputs.land, outcome.touched, of_land=True)
    for old, new in zip(before.figures, after.figures, strict=True):
        limit_m = _followed_m(outcome, old)
        if old.gaps.of_land and new.gaps.of_land:
            pair = _land_rows(before.inputs, after.inputs, (old, new), land)
            gains += pair[0]
            losses += _told_of(pair[1], limit_m)
        if before.inputs.people.units is not None and after.inputs.people.units is not None:
            people = _same_units(
                before.inputs.people.units, after.inputs.people.units, outcome.touched, of_land=False
            )
            rows = _people_rows(before.inputs.people.units, (old, new), people)
            gains += rows[0]
            losses += rows[1]
    return gains, losses


def _followed_m(outcome: Outcome, figure: Figures) -> float:
    """Metres walked up to which distances after the scenario are sure."""
    if outcome.changes is None or figure.mode == "straight":
        return np.inf
    added = [
        outcome.state.inputs.supplies[tier].bands[band].radius_m * FOLLOWED
        for (tier, band), what in outcome.changes.items()
        if len(what.added.code)
    ]
    return min(added, default=np.inf)


def _told_of(rows: list[dict[str, Any]], limit_m: float) -> list[dict[str, Any]]:
    for row in rows:
        if row["nearest_m"] is not None and row["nearest_m"] > limit_m:
            row["nearest_m"] = row["nearest_code"] = None
    return rows


def _same_units(
    before: AreaUnits | PointUnits, after: AreaUnits | PointUnits, touched: Touched | None, *, of_land: bool
) -> _Pairs:
    """The units to be compared: those computed again, or all whose shapes are the same in both states."""
    if touched is not None:
        which = touched.land if of_land else touched.people
        return _Pairs(which, which)
    if len(before.people) == len(after.people) and bool(
        shapely.equals_exact(_shapes(before), _shapes(after)).all()
    ):
        which = np.arange(len(before.people))
        return _Pairs(which, which)
    index = {shape: i for i, shape in enumerate(shapely.to_wkb(_shapes(before)).tolist())}
    found = [(index.get(shape, -1), i) for i, shape in enumerate(shapely.to_wkb(_shapes(after)).tolist())]
    pairs = np.array([pair for pair in found if pair[0] >= 0], dtype=np.int64).reshape(-1, 2)
    return _Pairs(pairs[:, 0], pairs[:, 1])


def _shapes(units: AreaUnits | PointUnits) -> Objects:
    return units.places.geometry if isinstance(units, PointUnits) else units.geometry


def _land_rows(
    before: Inputs, after: Inputs, figures: tuple[Figures, Figures], pairs: _Pairs
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of land that gains and of land that loses; land bears people only where no cells do."""
    old, new = _gap_of(figures[0].gaps, pairs.before), _gap_of(figures[1].gaps, pairs.after)
    changed = np.flatnonzero(~shapely.equals_exact(old[0], new[0], tolerance=1e-6))
    gone = polygonal(shapely.difference(old[0][changed], new[0][changed]))
    come = polygonal(shapely.difference(new[0][changed], old[0][changed]))
    sides = []
    for parts, inputs, (_, row), gaps in (
        (gone, before, old, figures[0].gaps),
        (come, after, new, figures[1].gaps),
    ):
        area = shapely.area(parts)
        some = np.flatnonzero(area >= MIN_AREA_M2)
        units = (pairs.before if inputs is before else pairs.after)[changed[some]]
        people = inputs.land.people[units] * area[some] / inputs.land.area_m2[units]
        told = people if inputs.counts_people and inputs.people.units is None else None
        sides.append(
            _unit_rows(inputs.land, figures[0], units, parts[some], area[some], told)
            | _nearest(inputs, figures[0], gaps, row[changed[some]])
        )
    return _as_rows(sides[0], "land"), _as_rows(sides[1], "land")


def _gap_of(gaps: GapRows, units: Ints) -> tuple[Objects, Ints]:
    """(k,) the gap of each unit, empty where all of it is served, and (k,) its row, -1 for none."""
    row = np.full(int(max(gaps.unit.max(initial=-1), units.max(initial=-1))) + 1, -1, dtype=np.int64)
    row[gaps.unit.astype(np.int64)] = np.arange(len(gaps.unit))
    rows = row[units]
    shapes = np.full(len(units), EMPTY, dtype=object)
    shapes[rows >= 0] = gaps.geometry[rows[rows >= 0]]
    return shapes, rows


def _nearest(inputs: Inputs, figure: Figures, gaps: GapRows, rows: Ints) -> dict[str, list[Any]]:
    """The facility nearest to each gap of a row (-1: there was none) and the metres to it."""
    supply = next(item for item in inputs.supplies if item.tier.id == figure.tier.id)
    codes = [code for band in supply.bands for code in band.places.code]
    metres = [float(gaps.distance_m[i]) if i >= 0 else np.inf for i in rows.tolist()]
    nearest = [int(gaps.nearest[i]) if i >= 0 else -1 for i in rows.tolist()]
    return {
        "nearest_m": [round(m, 1) if np.isfinite(m) else None for m in metres],
        "nearest_code": [codes[i] if 0 <= i < len(codes) else None for i in nearest],
    }


def _people_rows(
    units: AreaUnits | PointUnits,
    figures: tuple[Figures, Figures],
    pairs: _Pairs,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of cells whose people gain and of those whose people lose."""
    change = figures[1].people_served[pairs.after] - figures[0].people_served[pairs.before]
    sides = []
    for sign in (1.0, -1.0):
        some = np.flatnonzero(sign * change > MIN_PEOPLE)
        which = pairs.before[some]
        shapes = _shapes(units)[which]
        rows = _unit_rows(units, figures[0], which, shapes, shapely.area(shapes), sign * change[some])
        none: list[Any] = [None] * len(which)
        sides.append(_as_rows(rows | {"nearest_m": none, "nearest_code": none}, "people"))
    return sides[0], sides[1]


def _unit_rows(
    units: AreaUnits | PointUnits,
    figure: Figures,
    which: Ints,
    shapes: Objects,
    area_m2: Floats,
    people: Floats | None,
) -> dict[str, list[Any]]:
    place = (which if isinstance(units, PointUnits) else units.place[which]).tolist()
    return {
        "tier": [figure.tier.id] * len(place),
        "mode": [figure.mode] * len(place),
        "code": [units.places.code[i] for i in place],
        "name": [units.places.name[i] for i in place],
        "area_path": [units.places.path[i] for i in place],
        "people": [None] * len(place)
        if people is None
        else whole_people(people, round(float(people.sum()))).tolist(),
        "area_m2": np.round(area_m2, 1).tolist(),
        "geometry": list(shapes),
    }


def _as_rows(columns: dict[str, list[Any]], kind: str) -> list[dict[str, Any]]:
    return [
        {"kind": kind, **dict(zip(columns, values, strict=True))}
        for values in zip(*columns.values(), strict=True)
    ]


def _shown(rows: list[dict[str, Any]], crs: MetricCrs, names_at: NamesAt) -> list[dict[str, Any]]:
    """The rows with most people, then most land, their polygons as GeoJSON in lon/lat, named by their areas."""
    rows = _first(sorted(rows, key=lambda row: (-(row["people"] or 0.0), -row["area_m2"], row["code"])))
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = [row["geometry"] for row in rows]
    if len(rows):
        lonlat = np.asarray(
            shapely.transform(crs.to_lonlat(shapes), lambda xy: np.round(xy, 7)), dtype=object
        )
        # Seven decimals are a centimetre: corners nearer to each other may have changed places.
        crossed = ~shapely.is_valid(lonlat)
        lonlat[crossed] = polygonal(shapely.make_valid(lonlat[crossed]))
        for row, text, names in zip(rows, shapely.to_geojson(lonlat).tolist(), names_at(lonlat), strict=True):
            row.update(geometry=orjson.loads(text), areas=names)
    return rows


def _first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first rows of each tier and mode."""
    count: Counter[tuple[str, str]] = Counter()
    kept = []
    for row in rows:
        count[row["tier"], row["mode"]] += 1
        if count[row["tier"], row["mode"]] <= MOST_ROWS:
            kept.append(row)
    return kept
