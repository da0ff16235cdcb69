"""What reaches one place: every policy met or not, the nearest facility, metres and minutes, and the way there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Policy, Supply, Tier
from app.coverage.loader import Loader
from app.coverage.loading import facilities_key, load_band
from app.coverage.model import Band, Streets
from app.coverage.request import CoverageRequest
from app.coverage.straight import nearest
from app.network.path import WayFinder
from app.network.reach import Reach, distance_at, search, source_at
from app.network.snap import snap
from app.space.metric import MAX_SCALE_ERROR


@dataclass(frozen=True)
class Place:
    """A point in lon/lat and in metres."""

    lon: float
    lat: float
    xy: tuple[float, float]

    @property
    def point(self) -> Any:
        """The point in metres as an array of one."""
        return np.array([shapely.Point(self.xy)], dtype=object)


def reach_of_place(loader: Loader, lon: float, lat: float) -> dict[str, Any]:
    """Every policy's tiers for one place in lon/lat degrees.

    Returns:
    -------
    dict
        `{"lon", "lat", "as_of", "policies": [{"id", "title", "tiers": [{"tier", "straight": {...}, "walk": {...}}]}]}`
        where each mode has `met`, `code`, `name`, `distance_m`, and walking also `minutes` and `way` (lon/lat
        coordinates). Unreached is null.
    """
    known = is_known(loader, lon, lat)
    place = Place(lon, lat, loader.crs.xy(lon, lat)) if known else None
    policies = [
        {
            "id": policy.id,
            "title": {"zh": policy.title.zh, "en": policy.title.en},
            "tiers": [_tier(loader, place, policy, tier) for tier in policy.tiers],
        }
        for policy in loader.catalogue.policies.values()
    ]
    day = loader.times.as_of
    return {
        "lon": lon,
        "lat": lat,
        "as_of": None if day is None else day.isoformat(),
        "outside_data": not known,
        "metric_crs": loader.crs.definition,
        "policies": policies,
    }


def is_known(loader: Loader, lon: float, lat: float) -> bool:
    """Whether a place lies where the city's data can say anything: in its frame, and where its metric CRS is true."""
    if loader.crs.scale_error(lon, lat) > MAX_SCALE_ERROR:
        return False
    frame = loader.frame("streets")
    return frame is None or bool(shapely.intersects(frame, shapely.Point(loader.crs.xy(lon, lat))))


def _tier(loader: Loader, place: Place | None, policy: Policy, tier: Tier) -> dict[str, Any]:
    title = {"zh": tier.title.zh, "en": tier.title.en}
    if place is None:
        return {"tier": tier.id, "title": title, "straight": _best([]), "walk": _best([])}
    request = CoverageRequest(policy)
    streets = loader.streets()
    bands = [load_band(loader, request, supply, streets) for supply in tier.supplies]
    straight = [_straight(place, band) for band in bands]
    walked = [] if streets is None else [
        _walk(loader, place, band, streets, request, supply) for band, supply in zip(bands, tier.supplies, strict=True)
    ]  # fmt: skip
    return {
        "tier": tier.id,
        "title": title,
        "straight": _best(straight),
        "walk": _best(walked),
    }


def _best(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """The band that is met, else the nearest; one tier is met when any of its bands is."""
    known = [a for a in answers if a["distance_m"] is not None]
    if not known:
        return {"met": False if answers else None, "code": None, "name": None, "distance_m": None}
    return min(known, key=lambda a: (not a["met"], a["distance_m"]))


def _found(band: Band, index: int, distance_m: float) -> dict[str, Any]:
    if index < 0 or not np.isfinite(distance_m):
        return {"met": False, "code": None, "name": None, "distance_m": None, "limit_m": band.radius_m}
    return {
        "met": bool(distance_m <= band.radius_m),
        "class": band.cls,
        "code": band.places.code[index],
        "name": band.places.name[index],
        "distance_m": round(distance_m, 1),
        "limit_m": band.radius_m,
    }


def _straight(place: Place, band: Band) -> dict[str, Any]:
    distance, index = nearest(place.point, band.places.geometry)
    return _found(band, int(index[0]), float(distance[0]))


def _walk(
    loader: Loader, place: Place, band: Band, streets: Streets, request: CoverageRequest, supply: Supply
) -> dict[str, Any]:
    key = ("search", *facilities_key(loader, request, supply))
    reach: Reach | None = loader.cache.get(key, lambda: _search(band, streets))
    if reach is None or band.access is None:
        return _found(band, -1, np.inf)
    position = snap(streets.index, np.array([place.xy]), request.policy.snap_limit_m)
    distance = float(distance_at(reach, position)[0])
    source = int(source_at(reach, position)[0])
    answer = _found(band, -1 if source < 0 else int(band.access.owner[source]), distance)
    if answer["distance_m"] is None:
        return answer
    finder = loader.cache.get(("ways", loader.stamp("streets")), lambda: WayFinder.of(streets.network))
    way = finder.way(reach, position, place.xy, band.access.xy)
    minutes = distance / request.speed_m_s / 60.0
    return answer | {"minutes": round(minutes, 1), "way": None if way is None else _lonlat(loader, way)}


def _search(band: Band, streets: Streets) -> Reach | None:
    if band.access is None or len(band.access.owner) == 0:
        return None
    return search(streets.network, band.access.positions, extra_m=band.access.lead_m, with_source=True)


def _lonlat(loader: Loader, way: shapely.LineString) -> list[list[float]]:
    line = loader.crs.to_lonlat(np.array([way], dtype=object))[0]
    return [[round(x, 7), round(y, 7)] for x, y in line.coords]
