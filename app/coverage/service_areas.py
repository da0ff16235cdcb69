"""Service areas and entrances of a request's facilities as GeoJSON of plain values, in lon/lat degrees."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Tier
from app.coverage.access import AccessPoints, of_sites
from app.coverage.distances import minutes
from app.coverage.loader import Loader
from app.coverage.model import Band, Objects, Streets, TierSupply
from app.coverage.request import CoverageRequest
from app.coverage.service_polygons import walked_polygon
from app.coverage.service_streets import ReachedStreets, lines_of, streets_within
from app.coverage.straight import service_area
from app.coverage.supply_loading import load_supplies
from app.coverage.units import take
from app.errors import BadInput, NotFound, unknown
from app.network.reach import Reach, search

FORMS = ("streets", "polygon")
DEPTH_M = 50.0
DEPTH_RANGE = (1.0, 250.0)
MAX_FEATURES = 50_000
#: Degrees of 1e-7 are a centimetre.
DIGITS = 7
RULES = {
    "streets": {
        "zh": "设施出入口沿街道步行范围内的路段, 恰在限值处截断; near_m 和 far_m 为两端的步行米数",
        "en": "stretches of street within the walk, cut at exactly the limit; near_m and far_m are metres at both ends",
    },
    "polygon": {
        "zh": "从可达路段直线走入不超过 depth_m 米且总路程不超过限值的土地, 不越过水面和快速路, 不填洞, 不取凸包",
        "en": "land at most depth_m metres straight from a street reached, within the limit in all, never across water "
        "or an expressway; holes stay, and no hull is drawn",
    },
    "straight": {
        "zh": "距设施边界的直线距离不超过半径",
        "en": "within the radius of the facilities' boundaries",
    },
}
ORIGINS = {
    "gate": {"zh": "实测出入口", "en": "surveyed gate"},
    "boundary": {"zh": "由边界推得的出入口", "en": "derived from the boundary"},
    "self": {"zh": "设施点位", "en": "the facility's own point"},
}


def service_area_answer(
    loader: Loader, request: CoverageRequest, values: Mapping[str, Any]
) -> dict[str, Any]:
    """The service area of a policy's tiers: `form` streets (walked only) or polygon, of all facilities or of one.

    `values`: `mode` (straight, walk), `tier`, `form`, `facility` (a code), `depth_m` (how far one walks off the street,
    default 50 m). Streets are LineStrings with metres and minutes at both ends.

    Raises:
    ------
    BadInput, NotFound
        A value is out of range; the tier or facility is unknown; there are more stretches than can be shown.
    """
    mode = request.modes[0]
    form = _form(values, mode)
    depth_m = _depth(values)
    streets = loader.streets(step_free=request.step_free)
    if mode == "walk" and streets is None:
        raise BadInput("There are no streets to walk on.", "Import streets, or ask for mode=straight.")
    features: list[dict[str, Any]] = []
    for supply in _tiers(loader, request, values, streets):
        if mode == "straight":
            features += _straight(loader, supply)
        elif streets is not None:
            features += _walked(loader, request, supply, streets, form, depth_m)
    rule = RULES["straight" if mode == "straight" else form]
    return _collection(loader, request, features) | {
        "mode": mode,
        "form": form,
        "depth_m": depth_m,
        "rule": rule,
    }


def entrances_answer(loader: Loader, request: CoverageRequest, values: Mapping[str, Any]) -> dict[str, Any]:
    """Where people enter the facilities of a policy's tiers: surveyed gates where there are any, else derived ones.

    Each point has `origin` (gate, boundary or self), `lead_m` from it to the facility and `snap_m` to its street.
    `values`: `tier`, `facility` (a code), `limit` (features at most).
    """
    streets = loader.streets(step_free=request.step_free)
    features = [
        feature
        for supply in _tiers(loader, request, values, streets)
        for band in supply.bands
        for feature in _entrances(loader, supply.tier, band)
    ]
    limit = int(values.get("limit") or MAX_FEATURES)
    found = _collection(loader, request, features[:limit])
    return found | {"numberMatched": len(features), "origins": ORIGINS}


def _form(values: Mapping[str, Any], mode: str) -> str:
    form = str(values.get("form") or "polygon")
    if form not in FORMS:
        raise BadInput(unknown("form", form, FORMS).message, f"Valid forms: {', '.join(FORMS)}.")
    if form == "streets" and mode != "walk":
        raise BadInput("Streets are reached on foot.", "Ask for mode=walk, or for form=polygon.")
    return form


def _depth(values: Mapping[str, Any]) -> float:
    depth_m = float(values.get("depth_m") or DEPTH_M)
    low, high = DEPTH_RANGE
    if not low <= depth_m <= high:
        raise BadInput(f"depth_m must be from {low:g} to {high:g}, not {depth_m:g}.", "50 is usual.")
    return depth_m


def _tiers(
    loader: Loader, request: CoverageRequest, values: Mapping[str, Any], streets: Streets | None
) -> list[TierSupply]:
    """The supply of the tiers asked for, of one facility where it is named."""
    if request.policy.kind != "reach":
        raise BadInput(
            f"The policy '{request.policy.id}' counts; nobody is served within a distance.",
            "Choose a policy of kind reach.",
        )
    supplies = load_supplies(loader, request, streets)
    asked = values.get("tier")
    chosen = [supply for supply in supplies if asked in (None, "", supply.tier.id)]
    if not chosen:
        raise NotFound(
            f"The policy '{request.policy.id}' has no tier '{asked}' with facilities in reach.",
            f"Its tiers: {', '.join(supply.tier.id for supply in supplies) or 'none'}.",
        )
    code = values.get("facility")
    if code in (None, ""):
        return chosen
    found = [_only(supply, str(code)) for supply in chosen]
    if not any(band.places.code for supply in found for band in supply.bands):
        raise NotFound(
            f"No facility '{code}' serves here.", "Name the code of one that does, or leave it out."
        )
    return found


def _only(supply: TierSupply, code: str) -> TierSupply:
    bands = []
    for band in supply.bands:
        chosen = np.array([own == code for own in band.places.code], dtype=bool)
        places = take(band.places, chosen)
        access = None if band.access is None else of_sites(band.access, chosen)
        service = service_area(places.geometry, band.radius_m)
        bands.append(Band(band.cls, band.radius_m, places, service, access))
    return TierSupply(supply.tier, tuple(bands), supply.service)


def _straight(loader: Loader, supply: TierSupply) -> list[dict[str, Any]]:
    return _land(loader, supply, shapely.union_all([band.service.union() for band in supply.bands]))


def _land(loader: Loader, supply: TierSupply, land: shapely.Geometry) -> list[dict[str, Any]]:
    """One feature, none where nothing is served."""
    if shapely.is_empty(land):
        return []
    return [
        _feature(
            _plain(loader, _objects(land))[0],
            _tier_facts(supply) | {"area_m2": round(float(shapely.area(land)), 1)},
        )
    ]


def _walked(
    loader: Loader, request: CoverageRequest, supply: TierSupply, streets: Streets, form: str, depth_m: float
) -> Iterator[dict[str, Any]]:
    reached = [(band, _search(streets, band)) for band in supply.bands if len(band.places.code)]
    stretches = [(band, reach, streets_within(reach, band.radius_m)) for band, reach in reached]
    count = sum(len(some) for _, _, some in stretches)
    if count > MAX_FEATURES:
        raise BadInput(
            f"The service area holds {count:,} stretches of street; at most {MAX_FEATURES:,} are given.",
            "Name one facility.",
        )
    if form == "streets":
        for band, reach, some in stretches:
            yield from _street_features(loader, request, supply.tier, band, reach, some)
        return
    barriers = streets.index.barriers
    parts = [walked_polygon(reach, band.radius_m, depth_m, barriers) for band, reach in reached]
    yield from _land(loader, supply, shapely.union_all(parts))


def _search(streets: Streets, band: Band) -> Reach:
    access = band.access
    assert access is not None, "streets exist, so entrances were found"
    return search(streets.network, access.positions, band.radius_m, extra_m=access.lead_m)


def _street_features(
    loader: Loader, request: CoverageRequest, tier: Tier, band: Band, reach: Reach, some: ReachedStreets
) -> Iterator[dict[str, Any]]:
    lines = _plain(loader, lines_of(reach, some))
    ends = [np.round(metres, 2).tolist() for metres in (some.near_m, some.far_m, some.length_m)]
    times = [np.round(minutes(metres, request.speed_m_s), 3).tolist() for metres in (some.near_m, some.far_m)]
    names = ("near_m", "far_m", "length_m", "near_min", "far_min")
    facts = {"tier": tier.id, "class": band.cls, "limit_m": band.radius_m}
    for line, *values in zip(lines, *ends, *times, strict=True):
        yield _feature(line, facts | dict(zip(names, values, strict=True)))


def _entrances(loader: Loader, tier: Tier, band: Band) -> Iterator[dict[str, Any]]:
    access: AccessPoints | None = band.access
    if access is None or len(access) == 0:
        return
    points = _plain(loader, np.asarray(shapely.points(access.xy), dtype=object))
    facts = {"tier": tier.id, "class": band.cls, "limit_m": band.radius_m}
    rows = zip(points, access.owner.tolist(), access.origin.tolist(), access.lead_m.tolist(),
               access.positions.snap_m.tolist(), strict=True)  # fmt: skip
    for point, owner, origin, lead_m, snap_m in rows:
        own = {
            "code": band.places.code[owner],
            "name": band.places.name[owner],
            "origin": origin,
            "lead_m": round(lead_m, 1),
            "snap_m": round(snap_m, 1),
        }
        yield _feature(point, facts | own)


def _tier_facts(supply: TierSupply) -> dict[str, Any]:
    return {
        "tier": supply.tier.id,
        "limit_m": sorted({band.radius_m for band in supply.bands}),
        "facilities": sum(len(band.places.code) for band in supply.bands),
    }


def _objects(shape: shapely.Geometry) -> Objects:
    return np.array([shape, None], dtype=object)[:-1]


def _plain(loader: Loader, shapes: Objects) -> list[dict[str, Any]]:
    """GeoJSON geometries in lon/lat of shapes (n,) in metres."""
    if not len(shapes):
        return []
    degrees = shapely.transform(loader.crs.to_lonlat(shapes), lambda xy: np.round(xy, DIGITS))
    return [json.loads(text) for text in shapely.to_geojson(degrees).tolist()]


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _collection(loader: Loader, request: CoverageRequest, features: list[dict[str, Any]]) -> dict[str, Any]:
    day = loader.times.as_of
    return {
        "type": "FeatureCollection",
        "numberReturned": len(features),
        "features": features,
        "policy": request.policy.id,
        "as_of": None if day is None else day.isoformat(),
        "metric_crs": loader.crs.definition,
    }
