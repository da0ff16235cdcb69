"""The supply of a request: facilities that serve, dissolved and sized, with their entrances and service areas."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Supply, Tier
from app.catalogue.moments import moment_of
from app.coverage.access import AccessPoints, of_sites
from app.coverage.gates import GATES
from app.coverage.loader import Loader, places_of
from app.coverage.model import Band, Ints, Places, Streets, TierSupply
from app.coverage.nearness import near_to
from app.coverage.request import CoverageRequest
from app.coverage.straight import merge, service_area
from app.coverage.supply import JUDGED, REASONS, SupplyRule, dissolved, judge, parts_of_one
from app.coverage.units import take


@dataclass(frozen=True, slots=True)
class Facilities:
    """All facilities of a class that serve, whatever their size.

    `parts` are their rows, `of` (n,) the facility that each is a part of; `out` how many rows do not serve, by reason.
    """

    places: Places
    parts: Places
    of: Ints
    out: Mapping[str, int]


def load_supplies(
    loader: Loader, request: CoverageRequest, streets: Streets | None
) -> tuple[TierSupply, ...]:
    """Every tier of the request's policy with its bands."""
    return tuple(
        _tier(tier, [load_band(loader, request, supply, streets) for supply in tier.supplies])
        for tier in request.policy.tiers
    )


def supply_facts(loader: Loader, request: CoverageRequest) -> dict[str, Any]:
    """What a result records of each class of supply: rows that serve, facilities they make, rows left out by reason."""
    found: dict[str, Any] = {}
    for supply in (supply for tier in request.policy.tiers for supply in tier.supplies):
        facilities = load_facilities(loader, request, supply)
        found.setdefault(
            supply.cls,
            {
                "rows": len(facilities.parts.code) + sum(facilities.out.values()),
                "facilities": len(facilities.places.code),
                "dissolved": len(facilities.parts.code) - len(facilities.places.code),
                "left_out": dict(facilities.out),
            },
        )
    return found


def _tier(tier: Tier, bands: list[Band]) -> TierSupply:
    return TierSupply(tier, tuple(bands), merge([band.service for band in bands]))


@dataclass(frozen=True, slots=True)
class Sites:
    """Facilities of a class and size with their entrances, whatever the radius they serve; `key` names them."""

    cls: str
    places: Places
    access: AccessPoints | None
    key: tuple[Hashable, ...]


def load_sites(loader: Loader, request: CoverageRequest, supply: Supply, streets: Streets | None) -> Sites:
    """The facilities of a band of supply with their entrances."""
    key = facilities_key(loader, request, supply)

    def make() -> Sites:
        return Sites(supply.cls, *_sized(loader, request, supply, streets), key)

    return loader.cache.get(("facilities", streets is None, *key), make)


def load_band(loader: Loader, request: CoverageRequest, supply: Supply, streets: Streets | None) -> Band:
    """One band of supply with its straight-line area and entrances."""
    radius_m = supply.radius_m

    def make() -> Band:
        sites = load_sites(loader, request, supply, streets)
        area = service_area(sites.places.geometry, radius_m)
        return Band(supply.cls, radius_m, sites.places, area, sites.access, sites.key)

    key = facilities_key(loader, request, supply)
    return loader.cache.get(("band", streets is None, radius_m, *key), make)


def facilities_key(loader: Loader, request: CoverageRequest, supply: Supply) -> tuple[Hashable, ...]:
    """What the facilities of a band and their entrances depend on: all but the radius."""
    near = supply.near
    place = () if near is None else (repr(near), loader.stamp(near.cls))
    return (supply.min_area_m2, supply.max_area_m2, place, *_entrances_key(loader, request, supply))


def rule_of(loader: Loader, request: CoverageRequest) -> SupplyRule:
    """The day, hour and steps that decide which facilities serve. Without `as_of` the day is today."""
    moment = None if request.at is None else moment_of(request.at, loader.day)
    return SupplyRule(loader.day, moment, request.step_free, request.free_only)


def load_facilities(loader: Loader, request: CoverageRequest, supply: Supply) -> Facilities:
    """The facilities of a class that serve, dissolved, of any size; kept for as long as their rows hold."""
    return loader.cache.get(
        ("serving", *_facilities_key(loader, request, supply)), lambda: _facilities(loader, request, supply)
    )


def _facilities_key(loader: Loader, request: CoverageRequest, supply: Supply) -> tuple[Hashable, ...]:
    return (repr(sorted(supply.where.items())), rule_of(loader, request), loader.stamp(supply.cls))


def _entrances_key(loader: Loader, request: CoverageRequest, supply: Supply) -> tuple[Hashable, ...]:
    policy = request.policy
    gates = GATES.get(supply.cls)
    stamps = [loader.stamp(name) for name in (gates[:1] if gates else ())]
    walked = loader.streets_key(step_free=request.step_free)
    return (
        *_facilities_key(loader, request, supply), policy.gate_search_m, policy.snap_limit_m, *stamps, *walked,
    )  # fmt: skip


def _facilities(loader: Loader, request: CoverageRequest, supply: Supply) -> Facilities:
    known = {field.name for field in loader.catalogue.get_class(supply.cls).fields}
    judged = [name for name in JUDGED if name in known]
    rest = {name: values for name, values in supply.where.items() if name not in REASONS}
    rows = loader.features(supply.cls, ["name_zh", "name_en", *judged], rest)
    columns = {name: rows.columns[name] for name in judged}
    verdict = judge(columns, supply.where, rule_of(loader, request), len(rows.code))
    parts = take(places_of(rows), verdict.serves)
    group = parts_of_one(parts.geometry, parts.name)
    return Facilities(dissolved(parts, group), parts, group, verdict.out)


def _sized(
    loader: Loader, request: CoverageRequest, supply: Supply, streets: Streets | None
) -> tuple[Places, AccessPoints | None]:
    """The places of a band by their size, with their entrances; these are looked for once for all sizes."""
    facilities = load_facilities(loader, request, supply)
    places = facilities.places
    size = shapely.area(places.geometry)
    chosen = (size >= (supply.min_area_m2 or 0.0)) & (size < (supply.max_area_m2 or np.inf))
    if supply.near is not None:
        chosen &= near_to(places.geometry, loader.places(supply.near.cls, supply.near.where), supply.near)
    if streets is None:
        return take(places, chosen), None
    access = loader.cache.get(
        ("entrances", *_entrances_key(loader, request, supply)),
        lambda: _entrances(loader, request, supply, facilities, streets),
    )
    return take(places, chosen), of_sites(access, chosen)


def _entrances(
    loader: Loader, request: CoverageRequest, supply: Supply, facilities: Facilities, streets: Streets
) -> AccessPoints:
    """The entrances of all facilities of a class; a gate that names a part opens the whole."""
    gates = loader.gates(supply.cls, facilities.parts, rule_of(loader, request))
    return loader.access(facilities.places, gates.given_to(facilities.of), streets, request, public_only=True)
