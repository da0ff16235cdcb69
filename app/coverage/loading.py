"""Everything one computation needs: frame of data, supply, demand and areas of a request."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Demand, Policy, Supply, Tier
from app.coverage.access import AccessPoints, of_sites
from app.coverage.loader import GATES, Loader
from app.coverage.model import (
    Areas,
    AreaUnits,
    Band,
    Bools,
    Inputs,
    People,
    PeopleRule,
    Places,
    PointUnits,
    Streets,
    TierSupply,
)
from app.coverage.request import CoverageRequest
from app.coverage.straight import merge, service_area
from app.coverage.units import area_units, clipped, in_data, point_units, take, with_starts

CHILD_LEVEL = {
    "city": "district", "district": "subdistrict", "subdistrict": "community", "community": "community",
}  # fmt: skip


def load_inputs(loader: Loader, request: CoverageRequest) -> tuple[Inputs, dict[str, Any]]:
    """Everything one request needs, and what the result records about it (versions, frame, people outside the data)."""
    policy = request.policy
    areas, whole = _areas(loader, request)
    built_up, dated = _built_up(loader, policy)
    frame = _frame(loader, policy)
    with ThreadPoolExecutor(1) as beside:
        # The network is built on one core while parcels are cut on the others.
        network = beside.submit(loader.streets_maker())
        parcels = _parcels(loader, policy.land, areas, frame)
        streets = network.result()
    supplies = _supplies(loader, request, streets)
    clip = _intersection([built_up, whole])
    land = _land(loader, request, parcels, clip, streets)
    people = _people(loader, request, areas, frame, clip)
    inputs = Inputs(
        policy,
        areas,
        land,
        people,
        supplies,
        streets,
        request.speed_m_s,
        policy.snap_limit_m,
        (*_leaving_key(loader, policy, parcels), _key(clip)),
        loader.cache,
    )
    return inputs, {
        "people_source": people.cls,
        "people_rule": people.rule if people.cls else None,
        "people_outside_data": round(people.outside),
        "land_outside_data_m2": round(parcels.outside_m2, 1),
        "frame_declared": frame is not None,
        "built_up_area_used": built_up is not None,
        "built_up_area_as_of": dated,
        "has_supply": any(band.places.code for supply in supplies for band in supply.bands),
    }


def _supplies(loader: Loader, request: CoverageRequest, streets: Streets | None) -> tuple[TierSupply, ...]:
    return tuple(
        _tier(tier, [load_band(loader, request, supply, streets) for supply in tier.supplies])
        for tier in request.policy.tiers
    )


def _frame(loader: Loader, policy: Policy) -> shapely.Geometry | None:
    """The frame of data: where the network and every class of supply are known."""
    supply = dict.fromkeys(supply.cls for tier in policy.tiers for supply in tier.supplies)
    return _intersection([loader.frame(name) for name in (*supply, "streets")])


def _tier(tier: Tier, bands: list[Band]) -> TierSupply:
    return TierSupply(tier, tuple(bands), merge([band.service for band in bands]))


def load_band(loader: Loader, request: CoverageRequest, supply: Supply, streets: Streets | None) -> Band:
    """One band of supply with its straight-line area and entrances."""
    radius_m = request.radius_m(supply.radius_m)
    key = facilities_key(loader, request, supply)

    def make() -> Band:
        places, access = loader.cache.get(
            ("facilities", *key), lambda: _facilities(loader, request, supply, streets)
        )
        return Band(supply.cls, radius_m, places, service_area(places.geometry, radius_m), access, key)

    return loader.cache.get(("band", radius_m, *key), make)


def facilities_key(loader: Loader, request: CoverageRequest, supply: Supply) -> tuple[Hashable, ...]:
    """What the facilities of a band and their entrances depend on: all but the radius."""
    return (supply.min_area_m2, supply.max_area_m2, *_places_key(loader, request, supply))


def _places_key(loader: Loader, request: CoverageRequest, supply: Supply) -> tuple[Hashable, ...]:
    policy = request.policy
    gates = GATES.get(supply.cls)
    stamps = [loader.stamp(name) for name in (supply.cls, "streets", *(gates[:1] if gates else ()))]
    return (repr(sorted(supply.where.items())), policy.gate_search_m, policy.snap_limit_m, *stamps)


def _facilities(
    loader: Loader, request: CoverageRequest, supply: Supply, streets: Streets | None
) -> tuple[Places, AccessPoints | None]:
    """The places of a band by their size, with their entrances; these are looked for once for all sizes."""
    places = loader.places(supply.cls, supply.where)
    size = shapely.area(places.geometry)
    chosen = (size >= (supply.min_area_m2 or 0.0)) & (size < (supply.max_area_m2 or np.inf))
    if streets is None:
        return take(places, chosen), None
    access = loader.cache.get(
        ("entrances", *_places_key(loader, request, supply)),
        lambda: loader.access(supply.cls, places, streets, request, public_only=True),
    )
    return take(places, chosen), of_sites(access, chosen)


def _areas(loader: Loader, request: CoverageRequest) -> tuple[Areas, shapely.Geometry | None]:
    """The areas to report on, and the polygon of the area asked for (None = everything)."""
    if request.area is None:
        return loader.areas("district"), None
    area = request.area
    polygon = loader.polygon(area.level, area.code)
    level = CHILD_LEVEL.get(area.level)
    if level is None:
        whole = np.array([polygon], dtype=object)
        return Areas([area.code], [area.name], [area.level], whole), polygon
    return loader.areas(level, area.code), polygon


def _built_up(loader: Loader, policy: Policy) -> tuple[shapely.Geometry | None, str | None]:
    """The newest built-up area of the day asked for and its date; those of different dates are never put together."""
    if policy.frame_cls is None:
        return None, None
    rows = loader.features(policy.frame_cls, ["as_of"])
    known = loader.times.as_of
    days = [day for day in rows.columns["as_of"] if day is None or known is None or day <= known]
    if not days:
        return None, None
    newest = max((day for day in days if day is not None), default=None)
    chosen = np.array([day == newest for day in rows.columns["as_of"]], dtype=bool)
    return shapely.union_all(rows.geometry[chosen]), None if newest is None else str(newest)


def _intersection(frames: Sequence[shapely.Geometry | None]) -> shapely.Geometry | None:
    known = [frame for frame in frames if frame is not None]
    if not known:
        return None
    result = known[0]
    for frame in known[1:]:
        # Imports of one file declare the same frame: the same shape keeps the same key in the cache.
        if not shapely.equals(result, frame):
            result = shapely.normalize(shapely.intersection(result, frame))
    return result


@dataclass(frozen=True)
class _Parcels:
    """Land before one knows how to leave it: all places, which lie in the data, units of these, m² of the others."""

    places: Places
    inside: Bools
    units: AreaUnits
    outside_m2: float
    key: tuple[Hashable, ...]


def _parcels(loader: Loader, demand: Demand, areas: Areas, frame: shapely.Geometry | None) -> _Parcels:
    stamps = [loader.stamp(name) for name in (demand.cls, "districts", "grid_cells")]
    key = ("parcels", repr(demand), tuple(areas.code), _key(frame), *stamps)

    def make() -> _Parcels:
        places = loader.places(demand.cls, demand.where, _people_field(loader, demand))
        inside = in_data(places, frame)
        outside_m2 = float(shapely.area(places.geometry[~inside]).sum())
        return _Parcels(places, inside, area_units(take(places, inside), areas), outside_m2, key)

    return loader.cache.get(key, make)


def _land(
    loader: Loader,
    request: CoverageRequest,
    parcels: _Parcels,
    clip: shapely.Geometry | None,
    streets: Streets | None,
) -> AreaUnits:
    """The parcels' units with the points where one leaves them, inside `clip`."""
    policy = request.policy
    if streets is None:
        return clipped(parcels.units, clip)
    key = _leaving_key(loader, policy, parcels)

    def leave() -> AreaUnits:
        access = loader.access(policy.land.cls, parcels.places, streets, request, public_only=False)
        return replace(parcels.units, access=of_sites(access, parcels.inside))

    def cut() -> AreaUnits:
        units = clipped(loader.cache.get(("land", *key), leave), clip)
        return with_starts(units, streets, policy.snap_limit_m)

    return loader.cache.get(("clipped", *key, _key(clip)), cut)


def _leaving_key(loader: Loader, policy: Policy, parcels: _Parcels) -> tuple[Hashable, ...]:
    """What the parcels' units with their ways out depend on, but for the clip."""
    stamps = [loader.stamp(name) for name in ("streets", "residential_gates")]
    return (*parcels.key, *stamps, policy.snap_limit_m, policy.gate_search_m)


def _people_field(loader: Loader, demand: Demand) -> str | None:
    names = {field.name for field in loader.catalogue.get_class(demand.cls).fields}
    return "people" if "people" in names else None


def _key(geometry: shapely.Geometry | None) -> bytes | None:
    return None if geometry is None else shapely.to_wkb(geometry)


def _people(
    loader: Loader,
    request: CoverageRequest,
    areas: Areas,
    frame: shapely.Geometry | None,
    clip: shapely.Geometry | None,
) -> People:
    """The first source of the policy with rows in the frame is used alone."""
    unused = 0.0
    for demand in request.policy.people:
        places = loader.places(demand.cls, demand.where, demand.people_field)
        counted = in_data(places, frame) & (places.people > 0)
        inside = take(places, counted)
        outside = float(places.people[~counted].sum())
        if len(inside.code) == 0:
            unused = unused or outside
            continue
        rule: PeopleRule = request.people_rule or demand.people_rule
        if demand.cls == request.policy.land.cls and rule == "area":
            return People(demand.cls, rule, None, outside)
        units: AreaUnits | PointUnits
        units = (
            point_units(inside, areas, clip) if rule == "centre" else clipped(area_units(inside, areas), clip)
        )
        return People(demand.cls, rule, units, outside)
    return People(None, "area", None, unused)
