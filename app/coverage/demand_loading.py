"""The demand of a request: land with its ways out, people, the built-up area and the frame of the data."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Demand, Policy
from app.coverage.access import of_sites
from app.coverage.loader import Loader
from app.coverage.model import (
    AlsoDemand,
    Areas,
    AreaUnits,
    Bools,
    Places,
    Streets,
)
from app.coverage.request import CoverageRequest
from app.coverage.supply_loading import rule_of
from app.coverage.units import area_units, clipped, in_data, point_units, take, with_starts

#: The states of land, homes and people that count as demand; null is unknown and counts.
THERE = ("in_service", "under_repair", "out_of_use", None)


def frame_of(loader: Loader, policy: Policy) -> shapely.Geometry | None:
    """The frame of data: where every class of supply is known, and the network where one walks."""
    walked = ("streets",) if policy.kind == "reach" else ()
    return intersection([loader.frame(name) for name in (*policy.supply_classes, *walked)])


def built_up_of(loader: Loader, policy: Policy) -> tuple[shapely.Geometry | None, str | None]:
    """The policy's frame: the newest built-up area of the day asked for and its date."""
    return (None, None) if policy.frame_cls is None else newest_area(loader, policy.frame_cls)


def newest_area(loader: Loader, class_id: str) -> tuple[shapely.Geometry | None, str | None]:
    """The polygons of the newest date of the day asked for; those of different dates are never put together."""
    rows = loader.features(class_id, ["as_of"])
    # One drawn ahead, such as that of a plan, is none yet.
    days = [day for day in rows.columns["as_of"] if day is None or day <= loader.day]
    if not days:
        return None, None
    newest = max((day for day in days if day is not None), default=None)
    chosen = np.array([day == newest for day in rows.columns["as_of"]], dtype=bool)
    return shapely.union_all(rows.geometry[chosen]), None if newest is None else str(newest)


def intersection(frames: Sequence[shapely.Geometry | None]) -> shapely.Geometry | None:
    """What all of the polygons hold, those that are None passed over; None where all are."""
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
class Parcels:
    """Land before one knows how to leave it: all places, which lie in the data, units of these, m² of the others."""

    places: Places
    inside: Bools
    units: AreaUnits
    outside_m2: float
    key: tuple[Hashable, ...]


def load_parcels(
    loader: Loader, demand: Demand, areas: Areas, frame: shapely.Geometry | None, *, walked: bool = True
) -> Parcels:
    """The land of a demand inside the frame of data, cut at the borders of areas, and in pieces if it is `walked`."""
    stamps = [loader.stamp(name) for name in (demand.cls, "districts", "grid_cells")]
    key = ("parcels", repr(demand), walked, tuple(areas.code), shape_key(frame), *stamps)

    def make() -> Parcels:
        places = loader.places(demand.cls, there(demand), _people_field(loader, demand))
        inside = in_data(places, frame)
        outside_m2 = float(shapely.area(places.geometry[~inside]).sum())
        return Parcels(
            places, inside, area_units(take(places, inside), areas, walked=walked), outside_m2, key
        )

    return loader.cache.get(key, make)


def load_land(
    loader: Loader,
    request: CoverageRequest,
    parcels: Parcels,
    clip: shapely.Geometry | None,
    streets: Streets | None,
) -> AreaUnits:
    """The parcels' units with the points where one leaves them, inside `clip`."""
    policy = request.policy
    if streets is None:
        return clipped(parcels.units, clip)
    key = leaving_key(loader, request, parcels)

    def leave() -> AreaUnits:
        gates = loader.gates(policy.land.cls, parcels.places, rule_of(loader, request))
        access = loader.access(parcels.places, gates, streets, request, public_only=False)
        return replace(parcels.units, access=of_sites(access, parcels.inside))

    def cut() -> AreaUnits:
        units = clipped(loader.cache.get(("land", *key), leave), clip)
        return with_starts(units, streets, policy.snap_limit_m)

    return loader.cache.get(("clipped", *key, shape_key(clip)), cut)


def leaving_key(loader: Loader, request: CoverageRequest, parcels: Parcels) -> tuple[Hashable, ...]:
    """What the parcels' units with their ways out depend on, but for the clip."""
    policy, rule = request.policy, rule_of(loader, request)
    walked = loader.streets_key(step_free=request.step_free)
    gates = loader.stamp("residential_gates")
    return (*parcels.key, *walked, gates, rule, policy.snap_limit_m, policy.gate_search_m)


def there(demand: Demand) -> dict[str, tuple[Any, ...]]:
    """The filter of a demand with the states of what is there, unless it names states itself.

    What is planned, still being built or demolished has nobody to serve.
    """
    return {"state": THERE, **demand.where}


def _people_field(loader: Loader, demand: Demand) -> str | None:
    names = {field.name for field in loader.catalogue.get_class(demand.cls).fields}
    return "people" if "people" in names else None


def shape_key(geometry: shapely.Geometry | None) -> bytes | None:
    """A polygon as part of a key of the cache."""
    return None if geometry is None else shapely.to_wkb(geometry)


def load_also(
    loader: Loader,
    request: CoverageRequest,
    areas: Areas,
    frame: shapely.Geometry | None,
    built_up: shapely.Geometry | None,
    clip: shapely.Geometry | None,
) -> tuple[AlsoDemand, ...]:
    """The further demands that a policy is measured for; one without rows is left out."""
    found = []
    for demand in request.policy.also:
        if demand.basis == "streets":
            found.append(AlsoDemand("streets", clip=clip))
        elif demand.basis == "built_up":
            ground = built_up if built_up is not None else newest_area(loader, demand.cls)[0]
            if ground is not None:
                found.append(AlsoDemand("built_up", land=_ground(ground, areas, frame, clip)))
        else:
            found += _of_places(loader, demand, areas, frame, clip)
    return tuple(found)


def _of_places(
    loader: Loader,
    demand: Demand,
    areas: Areas,
    frame: shapely.Geometry | None,
    clip: shapely.Geometry | None,
) -> list[AlsoDemand]:
    """Dwellings or buildings that count one each, or as many as they say; none where the data have none of them."""
    places = loader.places(demand.cls, there(demand), demand.people_field)
    silent = np.zeros(len(places.code), dtype=bool)
    if demand.people_field is None:
        places = replace(places, people=np.ones(len(places.code)))
    else:
        silent = loader.silent(demand.cls, there(demand), demand.people_field)
    inside = in_data(places, frame)
    if not (inside & (silent | (places.people > 0))).any():
        return []
    counted = point_units(take(places, inside & (places.people > 0)), areas, clip)
    unknown = len(point_units(take(places, inside & silent), areas, clip).area)
    return [AlsoDemand(demand.basis, points=counted, unknown=unknown)]


def _ground(
    ground: shapely.Geometry, areas: Areas, frame: shapely.Geometry | None, clip: shapely.Geometry | None
) -> AreaUnits:
    """The built-up area as units, each of its parts a place of its own."""
    shape = intersection([ground, frame, clip])
    parts = np.asarray(shapely.get_parts(np.array([shape], dtype=object)), dtype=object)
    parts = parts[shapely.area(parts) > 0]
    names = [f"part-{k + 1}" for k in range(len(parts))]
    return area_units(Places(names, names, [""] * len(parts), parts, np.zeros(len(parts))), areas)
