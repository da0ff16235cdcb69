"""What reaches one place: every policy met or not, the nearest facility, metres and minutes, and the way there."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Catalogue, Policy, Tier
from app.coverage.gates import GATES
from app.coverage.loader import Loader
from app.coverage.model import Streets
from app.coverage.notes import Words, notes_of
from app.coverage.request import CoverageRequest, parse
from app.coverage.streets import STREET_CLASSES
from app.coverage.supply_loading import Sites, load_sites, rule_of, supply_facts
from app.network.model import Positions
from app.network.path import WayFinder
from app.network.reach import Reach, nearest_at, search
from app.network.snap import snap
from app.space.metric import MAX_SCALE_ERROR


@dataclass(frozen=True, slots=True)
class Facilities:
    """What several policies share: facilities with a tree of them, and the search from their entrances.

    `streets` are those that are walked, without steps where the policy says so; `finder` follows ways on them.
    """

    sites: Sites
    tree: shapely.STRtree
    reach: Reach | None
    snap_limit_m: float
    streets: Streets | None
    finder: WayFinder | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that does not depend on the place: policies with their tiers, and for each of its supplies the facilities.

    `supplies` holds for each policy and tier indices in `facilities` with the radius; `notes` are what the data leave
    open of the facilities.
    """

    policies: tuple[Policy, ...]
    supplies: tuple[tuple[tuple[tuple[int, float], ...], ...], ...]
    facilities: tuple[Facilities, ...]
    walked: bool
    notes: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The nearest of some facilities: its index (-1: none) and metres to it; walked, the way in metres."""

    index: int
    distance_m: float
    way: shapely.LineString | None = None


def reach_of_place(
    loader: Loader, lon: float, lat: float, parameters: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The tiers of every default policy of reach for one place in lon/lat degrees.

    `parameters` as in a request for coverage: `speed_m_s`, `step_free` (no steps on the way), `at` (an hour).

    Returns:
    -------
    dict
        `{"lon", "lat", "as_of", "notes", "policies": [{"id", "title", "tiers": [{"tier", "straight": {...}, "walk":
        {...}}]}]}`
        where each mode has `met`, `code`, `name`, `distance_m`, and walking also `minutes` and `way` (lon/lat
        coordinates). Unreached is null.
    """
    requests = _requests(loader, parameters or {})
    policies = tuple(request.policy for request in requests)
    classes = _classes(policies)
    loader.ask_versions(classes)
    known = is_known(loader, lon, lat)
    day = loader.times.as_of
    plan = _plan(loader, requests, classes) if known else None
    return {
        "lon": lon,
        "lat": lat,
        "as_of": None if day is None else day.isoformat(),
        "outside_data": not known,
        "metric_crs": loader.crs.definition,
        "notes": [] if plan is None else list(plan.notes),
        "policies": _unknown(policies) if plan is None else _answers(loader, plan, lon, lat),
    }


def prepare_places(loader: Loader) -> None:
    """Make what every place is asked about, so that the first who asks need not wait for it."""
    requests = _requests(loader, {})
    classes = _classes(tuple(request.policy for request in requests))
    loader.ask_versions(classes)
    _plan(loader, requests, classes)


def default_reach(catalogue: Catalogue) -> list[Policy]:
    """The policies that a place is asked about."""
    return [item for item in catalogue.policies.values() if item.default and item.kind == "reach"]


def _requests(loader: Loader, parameters: Mapping[str, Any]) -> tuple[CoverageRequest, ...]:
    policies = default_reach(loader.catalogue)
    if not parameters:
        return tuple(CoverageRequest(policy, parameters=policy.asked) for policy in policies)
    asked = [{"policy": policy.id, "parameters": parameters} for policy in policies]
    return tuple(parse(loader.catalogue, values, None) for values in asked)


def is_known(loader: Loader, lon: float, lat: float) -> bool:
    """Whether a place lies where the city's data can say anything: in its frame, and where its metric CRS is true."""
    if loader.crs.scale_error(lon, lat) > MAX_SCALE_ERROR:
        return False
    frame = loader.frame("streets")
    return frame is None or bool(shapely.intersects(frame, shapely.Point(loader.crs.xy(lon, lat))))


def _classes(policies: tuple[Policy, ...]) -> list[str]:
    """Every class that the facilities and ways of policies are made of."""
    supplies = [item for policy in policies for tier in policy.tiers for item in tier.supplies]
    names = {item.cls for item in supplies} | {item.near.cls for item in supplies if item.near is not None}
    gates = {GATES[name][0] for name in names if name in GATES}
    return sorted(names | gates | set(STREET_CLASSES))


def _plan(loader: Loader, requests: tuple[CoverageRequest, ...], classes: list[str]) -> Plan:
    """The plan for requests, made once for as long as the data versions hold."""
    texts = tuple((item.policy.id, item.policy.version, item.policy.text) for item in requests)
    rules = tuple(rule_of(loader, item) for item in requests)
    asked = repr([sorted(item.parameters.items()) for item in requests])
    stamps = [loader.stamp(name) for name in classes]
    key = ("plan of places", texts, rules, asked, *stamps)
    return loader.cache.get(key, lambda: _make_plan(loader, requests))


def _make_plan(loader: Loader, requests: tuple[CoverageRequest, ...]) -> Plan:
    walks = {step_free: _walks(loader, step_free) for step_free in {item.step_free for item in requests}}
    facilities: dict[tuple[Hashable, ...], int] = {}
    made: list[Facilities] = []
    supplies = []
    for request in requests:
        policy, (streets, finder) = request.policy, walks[request.step_free]
        tiers = []
        for tier in policy.tiers:
            # Areas within a radius are not made: a place asks for the nearest facility.
            found = [(load_sites(loader, request, item, streets), item.radius_m) for item in tier.supplies]
            for sites, _ in found:
                if _key(sites, policy) not in facilities:
                    facilities[_key(sites, policy)] = len(made)
                    made.append(_facilities(loader, sites, streets, finder, policy.snap_limit_m))
            tiers.append(tuple((facilities[_key(sites, policy)], radius_m) for sites, radius_m in found))
        supplies.append(tuple(tiers))
    policies = tuple(request.policy for request in requests)
    walked = any(streets is not None for streets, _ in walks.values())
    return Plan(policies, tuple(supplies), tuple(made), walked, _notes(loader, requests))


def _notes(loader: Loader, requests: tuple[CoverageRequest, ...]) -> tuple[Words, ...]:
    """What the facilities do not say of themselves, each sentence once."""
    told = [note for request in requests
            for note in notes_of(loader.catalogue, {"supply": supply_facts(loader, request)})]  # fmt: skip
    return tuple({note["en"]: note for note in told}.values())


def _walks(loader: Loader, step_free: bool) -> tuple[Streets | None, WayFinder | None]:
    streets = loader.streets(step_free=step_free)
    return streets, None if streets is None else WayFinder.of(streets.network)


def _key(sites: Sites, policy: Policy) -> tuple[Hashable, ...]:
    """What facilities and the places beside them depend on: a search is kept once for all radii."""
    return (*sites.key, policy.snap_limit_m)


def _facilities(
    loader: Loader, sites: Sites, streets: Streets | None, finder: WayFinder | None, snap_limit_m: float
) -> Facilities:
    reach, access = None, sites.access
    if streets is not None and access is not None and len(access):
        # The same search as that of `compute`.
        reach = loader.cache.get(
            ("reach", *sites.key),
            lambda: search(streets.network, access.positions, extra_m=access.lead_m, with_source=True),
        )
    return Facilities(sites, shapely.STRtree(sites.places.geometry), reach, snap_limit_m, streets, finder)


def _unknown(policies: tuple[Policy, ...]) -> list[dict[str, Any]]:
    return [
        _policy_row(policy, [_tier_row(tier, _best([]), _best([])) for tier in policy.tiers])
        for policy in policies
    ]


def _answers(loader: Loader, plan: Plan, lon: float, lat: float) -> list[dict[str, Any]]:
    xy = loader.crs.xy(lon, lat)
    straight = [_nearest(item, shapely.Point(xy)) for item in plan.facilities]
    walked = _walked(plan, xy)
    ways = _lonlat(loader, walked)
    rows = []
    for policy, tiers in zip(plan.policies, plan.supplies, strict=True):
        found = []
        for tier, supplies in zip(policy.tiers, tiers, strict=True):
            direct = [_told(plan.facilities[i].sites, radius_m, straight[i]) for i, radius_m in supplies]
            on_foot = [
                _told(plan.facilities[i].sites, radius_m, walked[i]) | _walk(policy, walked[i], ways[i])
                for i, radius_m in (supplies if plan.walked else ())
            ]
            found.append(_tier_row(tier, _best(direct), _best(on_foot)))
        rows.append(_policy_row(policy, found))
    return rows


def _policy_row(policy: Policy, tiers: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": policy.id, "title": {"zh": policy.title.zh, "en": policy.title.en}, "tiers": tiers}


def _tier_row(tier: Tier, straight: dict[str, Any], walk: dict[str, Any]) -> dict[str, Any]:
    title = {"zh": tier.title.zh, "en": tier.title.en}
    return {"tier": tier.id, "title": title, "straight": straight, "walk": walk}


def _best(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """The band that is met, else the nearest; one tier is met when any of its bands is."""
    known = [a for a in answers if a["distance_m"] is not None]
    if not known:
        return {"met": False if answers else None, "code": None, "name": None, "distance_m": None}
    return min(known, key=lambda a: (not a["met"], a["distance_m"]))


def _told(sites: Sites, radius_m: float, found: Found) -> dict[str, Any]:
    if found.index < 0 or not np.isfinite(found.distance_m):
        return {"met": False, "code": None, "name": None, "distance_m": None, "limit_m": radius_m}
    return {
        "met": found.distance_m <= radius_m,
        "class": sites.cls,
        "code": sites.places.code[found.index],
        "name": sites.places.name[found.index],
        "distance_m": round(found.distance_m, 1),
        "limit_m": radius_m,
    }


def _walk(policy: Policy, found: Found, way: list[list[float]] | None) -> dict[str, Any]:
    if found.index < 0 or not np.isfinite(found.distance_m):
        return {}
    return {"minutes": round(found.distance_m / policy.speed_m_s / 60.0, 1), "way": way}


def _nearest(facilities: Facilities, point: shapely.Point) -> Found:
    """The nearest in a straight line; of several equally near the first."""
    if not len(facilities.sites.places.code):
        return Found(-1, np.inf)
    found, metres = facilities.tree.query_nearest(point, return_distance=True)
    return Found(int(found.min()), float(metres[0])) if len(found) else Found(-1, np.inf)


def _walked(plan: Plan, xy: tuple[float, float]) -> list[Found]:
    """The nearest on foot of each of the plan's facilities: the place is put on its street once."""
    at, positions = np.array([xy]), {}
    for item in plan.facilities:
        if item.streets is not None and _started(item) not in positions:
            positions[_started(item)] = snap(item.streets.index, at, item.snap_limit_m)
    return [_walked_to(item, positions.get(_started(item)), xy) for item in plan.facilities]


def _started(item: Facilities) -> tuple[int, float]:
    """What the place's own position on the streets depends on."""
    return id(item.streets), item.snap_limit_m


def _walked_to(item: Facilities, position: Positions | None, xy: tuple[float, float]) -> Found:
    access = item.sites.access
    if item.reach is None or access is None or item.finder is None or position is None:
        return Found(-1, np.inf)
    metres, door = nearest_at(item.reach, position)
    source = int(door[0])
    if source < 0:
        return Found(-1, np.inf)
    way = item.finder.way(item.reach, position, xy, access.xy, source)
    return Found(int(access.owner[source]), float(metres[0]), way)


def _lonlat(loader: Loader, found: list[Found]) -> list[list[list[float]] | None]:
    """The ways in lon/lat, None where there is none; all are transformed at once."""
    lines = [item.way for item in found if item.way is not None]
    if not lines:
        return [None] * len(found)
    array = np.empty(len(lines), dtype=object)
    array[:] = lines
    xy, which = shapely.get_coordinates(loader.crs.to_lonlat(array), return_index=True)
    parts = iter(np.split(np.round(xy, 7), np.flatnonzero(np.diff(which)) + 1))
    return [None if item.way is None else next(parts).tolist() for item in found]
