"""Figures that are counted rather than reached: densities, shares of features with something, so many in each area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from app.catalogue.policy_model import Amount, Having, Tier
from app.coverage.counted_features import Standing, load_standing, standing_places
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

    `features` is how many features were counted, `silent` how many more might have been: they do not say what is asked.
    `below_silent` are those of the denominator.
    `reason` says why there is no figure; `absent` that the data have no feature at all of what is counted or had.
    """

    tier: Tier
    numerator: Sums
    denominator: Sums | None
    features: Sums
    silent: Sums
    areas: Areas
    reason: str | None = None
    each: Each | None = None
    absent: bool = False
    below_silent: Sums | None = None


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
REASON_ONLY_WHOLE = "this is said of the whole built-up area alone"
REASON_NO_AREAS = "there are no areas of the level {level} in what is asked for"


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
        "has_supply": any(tier.features.whole + tier.silent.whole > 0 for tier in tiers),
        "people_source": None,
        "people_rule": None,
        "people_outside_data": 0,
        "people_unknown": 0,
        **basis.facts,
    }


def _density(basis: Basis, tier: Tier) -> Counted:
    assert tier.per is not None
    top, features, silent = _amounts(basis, tier.amounts, serving=True)
    if tier.per.amount is None:
        below, below_silent = _people(basis).over(tier.per.people), None
        what = "people"
    else:
        below, _, below_silent = _amounts(basis, (tier.per.amount,), serving=False)
        what = tier.per.amount.cls
    reason = None if below.whole > 0 else REASON_NOTHING.format(what=what)
    if reason is None and basis.request.area is not None and any(_of_frame(basis, x) for x in tier.amounts):
        reason = REASON_ONLY_WHOLE
    if reason is None and top.whole == 0 and silent.whole > 0:
        reason = REASON_UNKNOWN
    return Counted(
        tier, top, below, features, silent, basis.areas, reason,
        absent=_absent(basis, tier, features), below_silent=below_silent,
    )  # fmt: skip


def _at_least(basis: Basis, tier: Tier) -> Counted:
    level = tier.level or "district"
    within = None if basis.request.area is None else basis.request.area.code
    areas = basis.loader.areas(level, within)
    here = Basis(basis.loader, basis.request, areas, basis.clip)
    sums, features, silent = _amounts(here, tier.amounts, serving=True)
    reason = None if areas.code else REASON_NO_AREAS.format(level=level)
    return Counted(tier, sums, None, features, silent, areas, reason, absent=_absent(here, tier, features))


def _absent(basis: Basis, tier: Tier, features: Sums) -> bool:
    """Whether nothing of what a tier counts is in the data, wherever it lies."""
    return features.whole == 0 and not any(
        len(_standing(basis, amount, serving=True)) for amount in tier.amounts
    )


def _share_with(basis: Basis, tier: Tier) -> Counted:
    assert tier.of is not None
    assert tier.having is not None
    standing = load_standing(
        basis.loader, basis.request, tier.of.cls, tier.of.where, _named(tier.of, tier.having)
    )
    rows, weight = standing.rows, _weights(basis, tier.of, standing)
    has = _has(basis, tier.having, rows)
    known = ~np.isnan(has)
    paths = rows.area_path
    counted = weight > 0
    if tier.of.quantity in ("area", "length"):
        measure = _cut_weights(basis, tier.of, rows, _meant(basis, tier.of, rows.geometry) & ~standing.silent)
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
    # Whether it belongs to the share is not known either of what does not say it, nor for how many it stands.
    unvalued = standing.silent | _unvalued(tier.of, rows)
    untold = (counted & ~known) | (unvalued & _chosen(basis, tier.of, rows))
    silent = add_up(np.ones(len(paths)), paths, untold, basis.areas)
    reason = _why_no_share(tier.of.cls, counted, known, untold)
    bands = [load_band(basis.loader, basis.request, supply, None) for supply in tier.having.supplies]
    absent = bool(bands) and not any(band.places.code for band in bands)
    return Counted(tier, top, below, features, silent, basis.areas, reason, each, absent)


def _why_no_share(cls: str, counted: Bools, known: Bools, untold: Bools) -> str | None:
    if (counted & known).any():
        return None
    return REASON_UNKNOWN if untold.any() else REASON_NOTHING.format(what=cls)


def _named(of: Amount, having: Having) -> list[str]:
    own = [of.number_field] if of.number_field else []
    return [*dict.fromkeys([*own, *having.where, *having.least])]


def _weights(basis: Basis, of: Amount, standing: Standing) -> Floats:
    """What each of the features that a share is made of counts (n,): 0 for those outside the land that counts."""
    rows = standing.rows
    chosen = _chosen(basis, of, rows) & ~standing.silent
    if of.quantity == "area":
        weight = shapely.area(rows.geometry)
    elif of.quantity == "length":
        weight = shapely.length(clip_lines(rows.geometry, basis.clip))
        chosen = _meant(basis, of, rows.geometry) & ~standing.silent
    elif of.quantity == "field":
        weight = np.nan_to_num(_numbers(rows, str(of.number_field)))
    else:
        weight = np.ones(len(rows))
    return np.where(chosen, weight, 0.0)


def _unvalued(of: Amount, rows: FeatureArrays) -> Bools:
    """(n,) whether the field that says for how many a feature stands has no value."""
    if of.quantity != "field":
        return np.zeros(len(rows), dtype=bool)
    return np.isnan(_numbers(rows, str(of.number_field)))


def _cut_weights(basis: Basis, of: Amount, rows: FeatureArrays, meant: Bools) -> Any:
    """What adds up metres or m² of the features that are `meant` times a factor (n,), cut at borders."""

    def measure(factor: Floats) -> Sums:
        if of.quantity == "length":
            return length_of(rows.geometry, basis.clip, basis.areas, np.where(meant, factor, 0.0)).over(
                of.unit
            )
        return area_of(rows.geometry[meant & (factor > 0)], basis.clip, basis.areas).over(of.unit)

    return measure


def _has(basis: Basis, having: Having, rows: FeatureArrays) -> Floats:
    """(n,) 1 where a feature has all that is asked for, 0 where not, NaN where none of its fields says so."""
    result = np.ones(len(rows.code))
    for name, values in having.where.items():
        given = rows.columns[name]
        hit = np.array([value in values for value in given], dtype=bool)
        silent = np.array([value is None for value in given], dtype=bool) & (None not in values)
        result = _both(result, np.where(silent, np.nan, hit))
    for name, least in having.least.items():
        number = _numbers(rows, name)
        result = _both(result, np.where(np.isnan(number), np.nan, number >= least))
    if having.supplies:
        result = _both(result, _within(basis, having, rows.geometry) >= having.number)
    return result


def _both(one: Floats, other: Floats | Bools) -> Floats:
    """(n,) 1 where both are, 0 where either is 0 whatever the other, NaN where it is not known."""
    return np.where((one == 0) | (other == 0), 0.0, one * other)


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


def _amounts(basis: Basis, amounts: Sequence[Amount], *, serving: bool) -> tuple[Sums, Sums, Sums]:
    """The sum of amounts, how many features made it and how many might belong to it but do not say.

    Areas of several classes are united before measuring; `serving` amounts are what the request's hour, steps and fees
    leave.
    """
    nothing = Sums(0.0, np.zeros(len(basis.areas.code)))
    total, features, silent = nothing, nothing, nothing
    surfaces = []
    for amount in amounts:
        if amount.quantity == "area" and amount.cls == basis.request.policy.frame_cls:
            built_up, _ = built_up_of(basis.loader, basis.request.policy)
            surfaces.append(np.array([] if built_up is None else [built_up], dtype=object))
            continue
        standing = _standing(basis, amount, serving=serving)
        if amount.cls == basis.request.policy.frame_cls:
            standing = _newest(basis, standing)
        rows = standing.rows
        sure, around = ~standing.silent, _chosen(basis, amount, rows)
        untold = standing.silent & around
        if amount.quantity == "area":
            surfaces.append(rows.geometry[sure & _meant(basis, amount, rows.geometry)])
        else:
            value, number, unvalued = _amount(basis, amount, rows, sure, around)
            if _of_frame(basis, amount):
                # What is said of the whole built-up area cannot be shared out to its parts.
                value = Sums(value.whole, np.full(len(basis.areas.code), np.nan), value.unknown)
            total, features, untold = total.plus(value), features.plus(number), untold | unvalued
        silent = silent.plus(add_up(np.ones(len(rows)), rows.area_path, untold, basis.areas))
    if surfaces:
        polygons = np.concatenate(surfaces)
        unit = next(amount.unit for amount in amounts if amount.quantity == "area")
        total = total.plus(area_of(polygons, basis.clip, basis.areas).over(unit))
        features = Sums(features.whole + len(polygons), features.areas)
    return total, features, silent


def _standing(basis: Basis, amount: Amount, *, serving: bool) -> Standing:
    names = [name for name in (amount.number_field, amount.distinct) if name]
    if amount.cls == basis.request.policy.frame_cls:
        names.append("as_of")
    return load_standing(basis.loader, basis.request, amount.cls, amount.where, names, serving=serving)


def _of_frame(basis: Basis, amount: Amount) -> bool:
    """Whether an amount is what the frame's own features say of themselves."""
    return amount.cls == basis.request.policy.frame_cls and amount.quantity != "area"


def _newest(basis: Basis, standing: Standing) -> Standing:
    """The rows of the frame's own class that make the frame: those of its newest date."""
    _, dated = built_up_of(basis.loader, basis.request.policy)
    days = [None if day is None else str(day) for day in standing.rows.columns["as_of"]]
    return standing.some(np.array([day == dated for day in days], dtype=bool))


def _amount(
    basis: Basis, amount: Amount, rows: FeatureArrays, sure: Bools, around: Bools
) -> tuple[Sums, Sums, Bools]:
    """One amount that is counted by home, or a length; how many features made it; which of them (n,) have no value."""
    chosen, paths = sure & around, rows.area_path
    number = add_up(np.ones(len(rows)), paths, chosen, basis.areas)
    nothing = np.zeros(len(rows), dtype=bool)
    if amount.quantity == "length":
        lines = rows.geometry[sure & _meant(basis, amount, rows.geometry)]
        return length_of(lines, basis.clip, basis.areas).over(amount.unit), number, nothing
    if amount.distinct is not None:
        names = rows.columns[amount.distinct].tolist()
        nameless = np.array([name is None for name in names], dtype=bool)
        return (
            add_up_distinct(names, paths, chosen, basis.areas).over(amount.unit), number, chosen & nameless,
        )  # fmt: skip
    if amount.quantity == "field":
        values = _numbers(rows, str(amount.number_field))
        return add_up(values, paths, chosen, basis.areas).over(amount.unit), number, chosen & np.isnan(values)
    return number.over(amount.unit), number, nothing


def _chosen(basis: Basis, amount: Amount, rows: FeatureArrays) -> Bools:
    """(n,) whether each row counts: of the size asked for, at home in the land that counts, near what it must be."""
    return _meant(basis, amount, rows.geometry) & inside(rows.geometry, basis.clip)


def _meant(basis: Basis, amount: Amount, geometry: Objects) -> Bools:
    """(n,) whether each shape is of the size asked for and near what it must be."""
    meant = _sized(amount, geometry)
    if amount.near is not None:
        meant &= near_to(geometry, standing_places(basis.loader, basis.request, amount.near), amount.near)
    return meant


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
