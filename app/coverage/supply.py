"""Which facilities serve: in service on the day, open to the public and at the hour asked for; parks as one.

A part of a park is no park: polygons of one name at most 10 m apart, and nameless ones that touch, are dissolved before
any size is asked for (the size test of the service radius, GB/T 50563-2010 and its successors).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from app.catalogue.moments import Moment
from app.coverage.model import Bools, Ints, Objects, Places
from app.coverage.opening_hours import is_open

#: Parts of one name that a path splits are one park.
PATH_M = 10.0
TOUCH_M = 0.01
IN_SERVICE = (None, "in_service")
#: Fields that say whether a facility serves, and why those do not that have another value than is asked for.
REASONS = {
    "state": "not_in_service",
    "access": "not_public",
    "fee": "charges_a_fee",
    "accessible": "not_step_free",
}
#: What counts where a policy says nothing of the field; null counts as in service, as the public.
USUAL: Mapping[str, tuple[Any, ...]] = {"state": IN_SERVICE, "access": (None, "public", "open")}
#: Reasons of those that might serve: they do not tell.
UNTOLD = ("step_free_unknown", "hours_unknown")
DATES = ("built_on", "removed_on")
HOURS = ("open_24h", "opening_hours")
JUDGED = (*REASONS, *DATES, *HOURS)
Columns = Mapping[str, NDArray[np.object_]]


@dataclass(frozen=True, slots=True)
class SupplyRule:
    """The day on which a facility must stand, the moment at which it must be open (None: any), steps and fees."""

    day: date
    moment: Moment | None = None
    step_free: bool = False
    free_only: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether each facility (n,) serves, how many do not, by the first reason, and which do not say (n,) whether."""

    serves: Bools
    out: Mapping[str, int]
    untold: Bools


def judge(columns: Columns, where: Mapping[str, tuple[Any, ...]], rule: SupplyRule, count: int) -> Judged:
    """Which of `count` facilities serve: by `where` (field → allowed values, None = unknown), their dates and hours.

    `columns` hold those of `JUDGED` that the class has. Hours that are missing or not understood are not open hours,
    and a facility that does not say so is not step-free: such ones are left out, counted as `hours_unknown` and
    `step_free_unknown`.
    """
    reason = np.full(count, "", dtype=object)
    allowed = _allowed(where, rule)
    if rule.step_free and "accessible" in columns:
        _mark(reason, [value is None for value in columns["accessible"]], "step_free_unknown")
    for name, why in REASONS.items():
        if name in columns and name in allowed:
            _mark(reason, [value not in allowed[name] for value in columns[name]], why)
    if "built_on" in columns:
        _mark(reason, [day is not None and day > rule.day for day in columns["built_on"]], "not_built_yet")
    if "removed_on" in columns:
        _mark(reason, [day is not None and day <= rule.day for day in columns["removed_on"]], "removed")
    if rule.moment is not None and any(name in columns for name in HOURS):
        open_ = open_at(columns, rule.moment, count)
        _mark(reason, [known is None for known in open_], "hours_unknown")
        _mark(reason, [known is False for known in open_], "closed_at_the_hour")
    whys, counts = np.unique(reason[reason != ""].astype(str), return_counts=True)
    return Judged(
        np.asarray(reason == "", dtype=bool),
        dict(zip(whys.tolist(), counts.tolist(), strict=True)),
        np.isin(reason.astype(str), UNTOLD),
    )


def _allowed(where: Mapping[str, tuple[Any, ...]], rule: SupplyRule) -> dict[str, tuple[Any, ...]]:
    """The values that serve, by field: a fee that is not known of is none."""
    allowed = {**USUAL, **where}
    if rule.free_only:
        allowed["fee"] = (None, False)
    if rule.step_free:
        allowed["accessible"] = (True,)
    return allowed


def open_at(columns: Columns, moment: Moment, count: int) -> list[bool | None]:
    """Whether each of `count` facilities is open at a moment; None where its hours are missing or not understood."""
    nothing = np.full(count, None, dtype=object)
    pairs = zip(columns.get("open_24h", nothing), columns.get("opening_hours", nothing), strict=True)
    return [True if always else is_open(hours, moment) for always, hours in pairs]


def _mark(reason: NDArray[np.object_], applies: Sequence[bool], why: str) -> None:
    reason[np.array(applies, dtype=bool) & (reason == "")] = why


def usable_gates(columns: Columns, rule: SupplyRule, count: int) -> tuple[Bools, Bools]:
    """Whether each of `count` gates lets anybody through on foot, and whether it does as `rule` asks.

    A gate without hours is open while its park is; one that does not say so has no steps and takes no fee.
    """
    serves = judge({k: v for k, v in columns.items() if k in ("state", *DATES)}, {}, rule, count).serves
    serves &= np.array([value is not False for value in columns["pedestrians"]], dtype=bool)
    if "access" in columns:
        serves &= np.array([value != "closed" for value in columns["access"]], dtype=bool)
    asked = serves.copy()
    if rule.moment is not None:
        asked &= np.array([known is not False for known in open_at(columns, rule.moment, count)], dtype=bool)
    if rule.step_free and "accessible" in columns:
        asked &= np.array([value is not False for value in columns["accessible"]], dtype=bool)
    if rule.free_only and "fee" in columns:
        asked &= np.array([value is not True for value in columns["fee"]], dtype=bool)
    return serves, asked


def parts_of_one(geometry: Objects, name: Sequence[str]) -> Ints:
    """(n,) number of the facility that each polygon in metres is a part of, in order of their first parts.

    A nameless polygon that touches a named one is part of it, unless that would join two names.
    """
    count = len(geometry)
    if count < 2 or (shapely.get_dimensions(geometry) < 2).any():
        return np.arange(count)
    one, other = shapely.STRtree(geometry).query(geometry, predicate="dwithin", distance=PATH_M)
    pair = one < other
    one, other = one[pair].astype(np.int64), other[pair].astype(np.int64)
    _, named = np.unique(np.array(name, dtype=str), return_inverse=True)
    nameless = np.array([not text for text in name], dtype=bool)
    touching = shapely.dwithin(geometry[one], geometry[other], TOUCH_M)
    sure = (named[one] == named[other]) & (~nameless[one] | touching)
    likely = sure | (touching & (nameless[one] != nameless[other]))
    wide, strict = _groups(one[likely], other[likely], count), _groups(one[sure], other[sure], count)
    pairs = np.unique(np.stack((wide[~nameless], named[~nameless])), axis=1)
    torn = np.bincount(pairs[0], minlength=count)[wide] > 1
    return _renumbered(np.where(torn, count + strict, wide))


def _groups(one: Ints, other: Ints, count: int) -> Ints:
    links = sparse.coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)


def _renumbered(group: Ints) -> Ints:
    """The groups (n,) numbered from 0 in order of their first members."""
    _, first, index = np.unique(group, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[index]


def dissolved(parts: Places, group: Ints) -> Places:
    """The facilities whose parts (n,) have the numbers `group`: united, under code and name of the largest part."""
    count = int(group.max(initial=-1)) + 1
    if count == len(parts.code):
        return parts
    order = np.lexsort((-shapely.area(parts.geometry), group))
    largest = order[np.unique(group[order], return_index=True)[1]]
    geometry = parts.geometry[largest]
    for i in np.flatnonzero(np.bincount(group) > 1).tolist():
        geometry[i] = shapely.union_all(parts.geometry[group == i])
    people = np.bincount(group, weights=parts.people, minlength=count).astype(np.float64)
    code, name, path = (
        [column[i] for i in largest.tolist()] for column in (parts.code, parts.name, parts.path)
    )
    return Places(code, name, path, geometry, people)
