"""Figures that are counted rather than reached: densities, shares of features with something, so many in each area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from app.catalogue.policy_model import Amount, Having, Tier
from app.coverage.counting import (
    Sums,
    add_up,
    add_up_distinct,
    area_of,
    clip_lines,
    inside,
    length_of,
)
from app.coverage.demand_loading import built_up_of, frame_of, intersection
from app.coverage.loader import Loader, places_of
from app.coverage.model import Areas, Bools, Floats, Objects
from app.coverage.nearness import near_to
from app.coverage.people_loading import load_people_units
from app.coverage.request import CoverageRequest
from app.coverage.supply_loading import load_band
from app.inventory.arrays import FeatureArrays


@dataclass(frozen=True, slots=True)
class Counted:
    """One tier's figure: what was counted, of what, in the whole and in each area (k,); None where it cannot be known.

    `features` is how many features were counted; `lacking` are those of a share that do not have it.
    """

    tier: Tier
    numerator: Sums
    denominator: Sums | None
    features: Sums
    areas: Areas
    reason: str | None = None
    each: Each | None = None


@dataclass(frozen=True, slots=True)
class Each:
    """The features (n,) that a share is made of: shapes in metres, weight, and 1 where they have it, 0 where not."""

    code: list[str]
    name: list[str]
    path: list[str]
    geometry: Objects
    weight: Floats
    has: Floats


@dataclass(frozen=True)
class Basis:
    """What every tier of one request is counted in: the areas reported on and the land that counts (None: all)."""

    loader: Loader
    request: CoverageRequest
    areas: Areas
    clip: shapely.Geometry | None
    facts: dict[str, Any] = field(default_factory=dict)


REASON_NOTHING = "there is nothing to compare with: {what} has no rows in the data"
REASON_UNKNOWN = "none of the features says this of itself"
REASON_NO_AREAS = "there are no areas of the level {level} in the data"


def count(
    loader: Loader, request: CoverageRequest, areas: Areas, whole: shapely.Geometry | None
) -> tuple[list[Counted], dict[str, Any]]:
    """Every tier of a policy of kind density, share_with or at_least, and what the result records about it.

    `areas` are those to report on, `whole` the polygon asked for in metres (None: everything).
    """
    policy = request.policy
    built_up, dated = built_up_of(loader, policy)
    basis = Basis(loader, request, areas, intersection([built_up, whole]))
    kinds = {"density": _density, "share_with": _share_with, "at_least": _at_least}
    tiers = [kinds[policy.kind](basis, tier) for tier in policy.tiers]
    return tiers, {
        "built_up_area_used": built_up is not None,
        "built_up_area_as_of": dated,
        "frame_declared": frame_of(loader, policy) is not None,
        "has_supply": any(tier.features.whole > 0 for tier in tiers),
        "people_source": None,
        "people_rule": None,
        "people_outside_data": 0,
        **basis.facts,
    }


def _density(basis: Basis, tier: Tier) -> Counted:
    assert tier.per is not None
    top, features = _amounts(basis, tier.amounts)
    if tier.per.amount is None:
        below = _people(basis).over(tier.per.people)
        what = "people"
    else:
        below, _ = _amounts(basis, (tier.per.amount,))
        what = tier.per.amount.cls
    reason = None if below.whole > 0 else REASON_NOTHING.format(what=what)
    if reason is None and top.unknown and top.unknown == features.whole:
        reason = REASON_UNKNOWN
    return Counted(tier, top, below, features, basis.areas, reason)


def _at_least(basis: Basis, tier: Tier) -> Counted:
    level = tier.level or "district"
    within = None if basis.request.area is None else basis.request.area.code
    areas = basis.loader.areas(level, within)
    here = Basis(basis.loader, basis.request, areas, basis.clip)
    sums, features = _amounts(here, tier.amounts)
    reason = None if areas.code else REASON_NO_AREAS.format(level=level)
    return Counted(tier, sums, None, features, areas, reason)


def _share_with(basis: Basis, tier: Tier) -> Counted:
    assert tier.of is not None
    assert tier.having is not None
    rows, weight = _weighted(basis, tier.of, tuple(tier.having.where) + tuple(tier.having.least))
    has = _has(basis, tier.having, rows)
    known = ~np.isnan(has)
    paths = rows.area_path
    counted = weight > 0
    if tier.of.quantity in ("area", "length"):
        measure = _cut_weights(basis, tier.of, rows)
        top, below = measure(np.where(known, has, 0.0)), measure(known.astype(np.float64))
    else:
        top = add_up(np.where(known, weight * has, 0.0), paths, counted, basis.areas)
        below = add_up(np.where(known, weight, 0.0), paths, counted, basis.areas)
    features = add_up(np.ones(len(paths)), paths, counted, basis.areas)
    each = Each(
        [code for code, ok in zip(rows.code, counted, strict=True) if ok],
        [name for name, ok in zip(places_of(rows).name, counted, strict=True) if ok],
        [path for path, ok in zip(paths, counted, strict=True) if ok],
        rows.geometry[counted], weight[counted], has[counted],
    )  # fmt: skip
    unknown = int((counted & ~known).sum())
    return Counted(
        tier, Sums(top.whole, top.areas, unknown), below, features, basis.areas,
        _why_no_share(tier.of.cls, counted, known), each,
    )  # fmt: skip


def _why_no_share(cls: str, counted: Bools, known: Bools) -> str | None:
    if not counted.any():
        return REASON_NOTHING.format(what=cls)
    return None if (counted & known).any() else REASON_UNKNOWN


def _weighted(basis: Basis, of: Amount, fields: Sequence[str]) -> tuple[FeatureArrays, Floats]:
    """The features that a share is made of and what each counts: 0 for those outside the land that counts."""
    own = [of.number_field] if of.number_field else []
    rows = _rows(basis, of, [*dict.fromkeys([*own, *fields])])
    chosen = _chosen(basis, of, rows)
    if of.quantity == "area":
        weight = shapely.area(rows.geometry)
    elif of.quantity == "length":
        weight = shapely.length(clip_lines(rows.geometry, basis.clip))
        return rows, np.where(_sized(of, rows.geometry), weight, 0.0)
    elif of.quantity == "field":
        weight = np.nan_to_num(_numbers(rows, str(of.number_field)))
    else:
        weight = np.ones(len(rows.code))
    return rows, np.where(chosen, weight, 0.0)


def _cut_weights(basis: Basis, of: Amount, rows: FeatureArrays) -> Any:
    """What adds up metres or m² of the features times a factor (n,), cut at borders."""
    sized = _sized(of, rows.geometry)

    def measure(factor: Floats) -> Sums:
        if of.quantity == "length":
            return length_of(rows.geometry, basis.clip, basis.areas, np.where(sized, factor, 0.0)).over(
                of.unit
            )
        return area_of(rows.geometry[sized & (factor > 0)], basis.clip, basis.areas).over(of.unit)

    return measure


def _has(basis: Basis, having: Having, rows: FeatureArrays) -> Floats:
    """(n,) 1 where a feature has all that is asked for, 0 where not, NaN where none of its fields says so."""
    result = np.ones(len(rows.code))
    for name, values in having.where.items():
        given = rows.columns[name]
        hit = np.array([value in values for value in given], dtype=bool)
        silent = np.array([value is None for value in given], dtype=bool) & (None not in values)
        result = np.where(silent, np.nan, result * hit)
    for name, least in having.least.items():
        number = _numbers(rows, name)
        result = np.where(np.isnan(number), np.nan, result * (number >= least))
    if having.supplies:
        result = result * (_within(basis, having, rows.geometry) >= having.number)
    return result


def _within(basis: Basis, having: Having, geometry: Objects) -> Floats:
    """(n,) how many of the facilities lie within their radius of each shape."""
    found = np.zeros(len(geometry))
    if not len(geometry):
        return found
    for supply in having.supplies:
        places = load_band(basis.loader, basis.request, supply, None).places
        if not len(places.code):
            continue
        tree = shapely.STRtree(places.geometry)
        if supply.radius_m > 0:
            shape, _ = tree.query(geometry, predicate="dwithin", distance=supply.radius_m)
        else:
            shape, _ = tree.query(geometry, predicate="intersects")
        found += np.bincount(shape, minlength=len(geometry))
    return found


def _amounts(basis: Basis, amounts: Sequence[Amount]) -> tuple[Sums, Sums]:
    """The sum of amounts and how many features made it; areas of several classes are united before measuring."""
    nothing = Sums(0.0, np.zeros(len(basis.areas.code)))
    total, features = nothing, nothing
    surfaces = [amount for amount in amounts if amount.quantity == "area"]
    shapes = [_surface(basis, amount) for amount in surfaces]
    if shapes:
        polygons = np.concatenate(shapes)
        total = total.plus(area_of(polygons, basis.clip, basis.areas).over(surfaces[0].unit))
        features = Sums(features.whole + len(polygons), features.areas)
    for amount in amounts:
        if amount.quantity != "area":
            value, number = _amount(basis, amount)
            total, features = total.plus(value), features.plus(number)
    return total, features


def _surface(basis: Basis, amount: Amount) -> Objects:
    if amount.cls == basis.request.policy.frame_cls:
        built_up, _ = built_up_of(basis.loader, basis.request.policy)
        return np.array([] if built_up is None else [built_up], dtype=object)
    rows = _rows(basis, amount, [])
    chosen = _sized(amount, rows.geometry)
    if amount.near is not None:
        chosen &= near_to(rows.geometry, basis.loader.places(amount.near.cls, amount.near.where), amount.near)
    return np.asarray(rows.geometry[chosen], dtype=object)


def _amount(basis: Basis, amount: Amount) -> tuple[Sums, Sums]:
    """One amount that is counted by home, or a length; and how many features it was made of."""
    names = [name for name in (amount.number_field, amount.distinct) if name]
    rows = _rows(basis, amount, names)
    chosen = _chosen(basis, amount, rows)
    number = add_up(np.ones(len(rows.code)), rows.area_path, chosen, basis.areas)
    if amount.quantity == "length":
        lines = rows.geometry[_sized(amount, rows.geometry)]
        return length_of(lines, basis.clip, basis.areas).over(amount.unit), number
    if amount.distinct is not None:
        return add_up_distinct(
            rows.columns[amount.distinct].tolist(), rows.area_path, chosen, basis.areas
        ).over(amount.unit), number
    if amount.quantity == "field":
        values = _numbers(rows, str(amount.number_field))
        return add_up(values, rows.area_path, chosen, basis.areas).over(amount.unit), number
    return number.over(amount.unit), number


def _rows(basis: Basis, amount: Amount, fields: Sequence[str]) -> FeatureArrays:
    return basis.loader.features(amount.cls, ["name_zh", "name_en", *fields], amount.where)


def _chosen(basis: Basis, amount: Amount, rows: FeatureArrays) -> Bools:
    """(n,) whether each row counts: of the size asked for, at home in the land that counts, near what it must be."""
    chosen = _sized(amount, rows.geometry) & inside(rows.geometry, basis.clip)
    if amount.near is not None:
        chosen &= near_to(rows.geometry, basis.loader.places(amount.near.cls, amount.near.where), amount.near)
    return chosen


def _sized(amount: Amount, geometry: Objects) -> Bools:
    if amount.min_area_m2 is None and amount.max_area_m2 is None:
        return np.ones(len(geometry), dtype=bool)
    size = shapely.area(geometry)
    return np.asarray((size >= (amount.min_area_m2 or 0.0)) & (size < (amount.max_area_m2 or np.inf)))


def _numbers(rows: FeatureArrays, name: str) -> Floats:
    return np.array(
        [np.nan if value is None else float(value) for value in rows.columns[name]], dtype=np.float64
    )


def _people(basis: Basis) -> Sums:
    """The people of the policy's first source that has any, by the areas they live in."""
    found = load_people_units(basis.loader, basis.request, basis.areas, basis.clip)
    basis.facts.update(
        people_source=found.cls,
        people_rule=found.rule if found.cls else None,
        people_outside_data=round(found.outside),
        **found.about,
    )
    units = found.units
    if units is None:
        return Sums(0.0, np.zeros(len(basis.areas.code)))
    return Sums(float(units.people.sum()), basis.areas.add_up(units.people, units.area))
