"""Loading what a computation needs: rows of the inventory → arrays in metres, kept by data version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Catalogue, Demand, Policy, Supply, Tier
from app.coverage.access import AccessPoints, access_points
from app.coverage.cache import ArrayCache
from app.coverage.model import (
    Areas,
    AreaUnits,
    Band,
    Floats,
    Inputs,
    Ints,
    Objects,
    People,
    PeopleRule,
    Places,
    PointUnits,
    Streets,
    TierSupply,
)
from app.coverage.request import CoverageRequest
from app.coverage.straight import merge, service_area
from app.coverage.units import area_units, clipped, coordinates, in_data, point_units, take
from app.database.transactions import Connection
from app.inventory.arrays import FeatureArrays, read_arrays
from app.inventory.changes import data_version
from app.network.build import build_network
from app.network.snap import build_index
from app.space.metric import MetricCrs

#: A gate belongs to the park or parcel nearest to it, if that is at most this far away.
GATE_OWNER_M = 30.0
#: Which class holds the gates of a supply or demand class, and the field that names their owner.
GATES = {
    "parks": ("park_gates", "park"),
    "green_spaces": ("park_gates", "park"),
    "residential_areas": ("residential_gates", "estate"),
}
STREET_FIELDS = ("kind", "walk", "layer", "state")
CHILD_LEVEL = {
    "city": "district",
    "district": "subdistrict",
    "subdistrict": "community",
    "community": "community",
}


@dataclass(frozen=True)
class Loader:
    """Reads arrays through one snapshot; what was made from the same data versions before comes from the cache."""

    conn: Connection
    catalogue: Catalogue
    crs: MetricCrs
    cache: ArrayCache
    versions: dict[str, int] = field(default_factory=dict)

    def version(self, class_id: str) -> int:
        """The data version of a class in this snapshot: asked once."""
        if class_id not in self.versions:
            self.versions[class_id] = data_version(self.conn, class_id)
        return self.versions[class_id]

    def features(
        self, class_id: str, fields: Sequence[str] = (), where: Mapping[str, tuple[Any, ...]] | None = None
    ) -> FeatureArrays:
        """Rows of a class that match `where`, with geometry in metres."""
        where = dict(where or {})
        key = ("rows", class_id, tuple(fields), tuple(sorted(where.items(), key=str)), self.version(class_id))
        return self.cache.get(
            key, lambda: read_arrays(self.conn, self.catalogue, class_id, fields, where, self.crs)
        )

    def places(
        self, class_id: str, where: Mapping[str, tuple[Any, ...]], people_field: str | None = None
    ) -> tuple[Places, shapely.Geometry | None]:
        """Rows as `Places` and the frame of data that their imports declared."""
        fields = ["name_zh", "name_en", *([people_field] if people_field else [])]
        rows = self.features(class_id, fields, where)
        people = np.zeros(len(rows.code))
        if people_field:
            people = np.array([float(v or 0.0) for v in rows.columns[people_field]], dtype=np.float64)
        names = _names(rows)
        places = Places(list(rows.code), names, list(rows.area_path), rows.geometry, people)
        return places, rows.frame

    def streets(self) -> Streets | None:
        """The walking network, or None where the city has no streets."""
        version = self.version("streets")
        return self.cache.get(("streets", version), lambda: self._build_streets(version))

    def _build_streets(self, version: int) -> Streets | None:
        rows = self.features("streets", STREET_FIELDS)
        usable = np.array([s in (None, "in_service") for s in rows.columns["state"]], dtype=bool)
        if not usable.any():
            return None
        layer = np.array([v or 0 for v in rows.columns["layer"]], dtype=np.int64)[usable]
        pairs = zip(rows.columns["walk"], rows.columns["kind"], strict=True)
        walk = np.array([given or _usual_walk(kind) for given, kind in pairs], dtype=object)[usable]
        network = build_network(rows.geometry[usable], layer, walk)
        return Streets(network, build_index(network), version) if network.edges else None

    def areas(self, level: str, within: str | None = None) -> Areas:
        """Areas of a level, those of one area only if its code is given."""
        rows = self.features("districts", ["name_zh", "name_en"], {"level": (level,)})
        keep = [i for i, path in enumerate(rows.area_path) if within is None or within in path.split("/")]
        names = _names(rows)
        return Areas(
            [rows.code[i] for i in keep], [names[i] for i in keep], [level] * len(keep), rows.geometry[keep]
        )

    def gates(self, class_id: str, places: Places) -> tuple[Floats, Ints]:
        """Gates (g, 2) of the places and the index of the place each belongs to: by its field, else by nearness."""
        class_and_field = GATES.get(class_id)
        if class_and_field is None or len(places.code) == 0:
            return np.empty((0, 2)), np.empty(0, dtype=np.int64)
        gate_class, owner_field = class_and_field
        rows = self.features(gate_class, [owner_field])
        return gates_of(rows.geometry, rows.columns[owner_field], places)

    def access(
        self, class_id: str, places: Places, streets: Streets, request: CoverageRequest, *, public_only: bool
    ) -> AccessPoints:
        """Where one enters (supply) or leaves (demand) each place."""
        gates_xy, owner = self.gates(class_id, places)
        return access_points(
            places.geometry,
            gates_xy,
            owner,
            streets.index,
            gate_search_m=request.policy.gate_search_m,
            snap_limit_m=request.policy.snap_limit_m,
            public_only=public_only,
        )


def _usual_walk(kind: str | None) -> str:
    """Whether one may walk on a street that does not say so: everywhere but on expressways."""
    return "no" if kind == "expressway" else "public"


def _names(rows: FeatureArrays) -> list[str]:
    zh, en = rows.columns["name_zh"], rows.columns["name_en"]
    return [str(a or b or "") for a, b in zip(zh, en, strict=True)]


def gates_of(gates: Objects, owner_code: Any, places: Places) -> tuple[Floats, Ints]:
    """Gates (g, 2) that belong to one of the places: named by code, else the nearest place within 30 m (all ties)."""
    if len(gates) == 0:
        return np.empty((0, 2)), np.empty(0, dtype=np.int64)
    position = {code: i for i, code in enumerate(places.code)}
    named = np.array([position.get(code, -1) if code else -1 for code in owner_code], dtype=np.int64)
    xy = coordinates(gates)
    rest = np.flatnonzero(named < 0)
    tree = shapely.STRtree(places.geometry)
    gate, place = tree.query_nearest(gates[rest], max_distance=GATE_OWNER_M, all_matches=True)
    owned = np.flatnonzero(named >= 0)
    which = np.concatenate([owned, rest[gate]])
    return xy[which], np.concatenate([named[owned], place])


def load_inputs(loader: Loader, request: CoverageRequest) -> tuple[Inputs, dict[str, Any]]:
    """Everything one request needs, and what the result records about it (versions, frame, people outside the data)."""
    policy = request.policy
    streets = loader.streets()
    supplies, frames = _supplies(loader, request, streets)
    frame = _intersection([*frames, loader.features("streets", STREET_FIELDS).frame])
    areas, whole = _areas(loader, request)
    built_up = _built_up(loader, policy)
    land, land_outside = _land(loader, request, areas, frame, _intersection([built_up, whole]), streets)
    people = _people(loader, request, areas, frame, whole)
    inputs = Inputs(policy, areas, land, people, supplies, streets, request.speed_m_s, policy.snap_limit_m)
    return inputs, {
        "people_source": people.cls,
        "people_rule": people.rule if people.cls else None,
        "people_outside_data": round(people.outside),
        "land_outside_data_m2": round(land_outside, 1),
        "frame_declared": frame is not None,
        "built_up_area_used": built_up is not None,
    }


def _supplies(
    loader: Loader, request: CoverageRequest, streets: Streets | None
) -> tuple[tuple[TierSupply, ...], list[shapely.Geometry | None]]:
    frames: list[shapely.Geometry | None] = []
    tiers = []
    for tier in request.policy.tiers:
        bands = []
        for supply in tier.supplies:
            bands.append(load_band(loader, request, supply, streets))
            frames.append(loader.places(supply.cls, supply.where)[1])
        tiers.append(_tier(tier, bands))
    return tuple(tiers), frames


def _tier(tier: Tier, bands: list[Band]) -> TierSupply:
    return TierSupply(tier, tuple(bands), merge([band.service for band in bands]))


def load_band(loader: Loader, request: CoverageRequest, supply: Supply, streets: Streets | None) -> Band:
    """One band of supply with its straight-line area and entrances."""
    radius_m = request.radius_m(supply.radius_m)
    gates = GATES.get(supply.cls)
    key = (
        "band", repr(supply), radius_m, request.policy.gate_search_m, loader.version(supply.cls),
        streets.version if streets else None, loader.version(gates[0]) if gates else None,
    )  # fmt: skip

    def make() -> Band:
        places, _ = loader.places(supply.cls, supply.where)
        size = shapely.area(places.geometry)
        places = take(places, (size >= (supply.min_area_m2 or 0.0)) & (size < (supply.max_area_m2 or np.inf)))
        access = None
        if streets is not None:
            access = loader.access(supply.cls, places, streets, request, public_only=True)
        return Band(supply.cls, radius_m, places, service_area(places.geometry, radius_m), access)

    return loader.cache.get(key, make)


def _areas(loader: Loader, request: CoverageRequest) -> tuple[Areas, shapely.Geometry | None]:
    """The areas to report on, and the polygon of the area asked for (None = everything)."""
    if request.area is None:
        return loader.areas("district"), None
    level = CHILD_LEVEL[request.area.level]
    own = loader.areas(request.area.level)
    polygon = own.geometry[own.code.index(request.area.code)]
    return loader.areas(level, request.area.code), polygon


def _built_up(loader: Loader, policy: Policy) -> shapely.Geometry | None:
    if policy.frame_cls is None:
        return None
    rows = loader.features(policy.frame_cls, [])
    return shapely.union_all(rows.geometry) if len(rows.code) else None


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


def _land(
    loader: Loader,
    request: CoverageRequest,
    areas: Areas,
    frame: shapely.Geometry | None,
    clip: shapely.Geometry | None,
    streets: Streets | None,
) -> tuple[AreaUnits, float]:
    demand = request.policy.land
    people_field = _people_field(loader, demand)
    key = (
        "land", repr(demand), loader.version(demand.cls), loader.version("districts"), tuple(areas.code),
        _key(frame), streets.version if streets else None, request.policy.snap_limit_m,
        request.policy.gate_search_m, loader.version("residential_gates"),
    )  # fmt: skip

    def make() -> tuple[AreaUnits, float]:
        places, _ = loader.places(demand.cls, demand.where, people_field)
        inside, _ = in_data(places, frame)
        outside_m2 = float(shapely.area(places.geometry).sum() - shapely.area(inside.geometry).sum())
        units = area_units(inside, areas)
        if streets is not None:
            access = loader.access(demand.cls, inside, streets, request, public_only=False)
            units = replace(units, access=access)
        return units, outside_m2

    units, outside_m2 = loader.cache.get(key, make)
    return loader.cache.get((*key, _key(clip)), lambda: clipped(units, clip)), outside_m2


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
    for demand in request.policy.people:
        places, _ = loader.places(demand.cls, demand.where, demand.people_field)
        counted = take(places, places.people > 0)
        inside, outside = in_data(counted, frame)
        if len(inside.code) == 0:
            continue
        rule: PeopleRule = request.people_rule or demand.people_rule
        if demand.cls == request.policy.land.cls and rule == "area":
            return People(demand.cls, rule, None, outside)
        units: AreaUnits | PointUnits
        units = (
            point_units(inside, areas, clip) if rule == "centre" else clipped(area_units(inside, areas), clip)
        )
        return People(demand.cls, rule, units, outside)
    return People(None, "area", None, 0.0)
