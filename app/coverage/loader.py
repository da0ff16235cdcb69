"""Reading the inventory for one request: rows → arrays in metres, kept as long as their data version holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Catalogue
from app.coverage.access import AccessPoints, access_points
from app.coverage.cache import ArrayCache, Stamp
from app.coverage.lattice import dissolve_overlaps
from app.coverage.model import Areas, Floats, Ints, Objects, Places, Streets
from app.coverage.request import CoverageRequest
from app.coverage.units import coordinates
from app.database.transactions import Connection
from app.errors import NotFound
from app.inventory.arrays import FeatureArrays, count_imports, read_arrays, read_frame
from app.inventory.changes import data_version
from app.inventory.times import NOW, Times
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
IN_SERVICE = (None, "in_service")


@dataclass(frozen=True)
class Loader:
    """Reads arrays through one snapshot; what was made from the same data versions before comes from the cache.

    `times` says what is read of every class; `known` (class → change) what was known of one, in place of its
    `known_at`. What was known at an earlier change is not to be kept: the cache must then be one for this loader.
    """

    conn: Connection
    catalogue: Catalogue
    crs: MetricCrs
    cache: ArrayCache
    times: Times = NOW
    known: Mapping[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def version(self, class_id: str) -> int:
        """The data version of a class in this snapshot, or as known before: asked once."""
        if class_id not in self.versions:
            newest = data_version(self.conn, self.catalogue.get_class(class_id))
            known_at = self.times_of(class_id).known_at
            self.versions[class_id] = newest if known_at is None else min(newest, known_at)
        return self.versions[class_id]

    def times_of(self, class_id: str) -> Times:
        """Which versions of the features of a class are read."""
        return replace(self.times, known_at=self.known.get(class_id, self.times.known_at))

    def stamp(self, class_id: str) -> Stamp:
        """The class at its data version and day in the world, for keys of the cache."""
        return Stamp(class_id, self.version(class_id), self.times.as_of)

    def features(
        self,
        class_id: str,
        fields: Sequence[str] = (),
        where: Mapping[str, tuple[Any, ...]] | None = None,
        *,
        incomplete: bool = False,
    ) -> FeatureArrays:
        """Rows of a class that match `where`, with geometry in metres; `incomplete` also those cut off by the data."""
        where = dict(where or {})
        chosen = tuple(sorted(where.items(), key=str))
        key = ("rows", self.stamp(class_id), tuple(fields), chosen, incomplete)

        def read() -> FeatureArrays:
            times = self.times_of(class_id)
            return read_arrays(
                self.conn, self.catalogue, class_id, fields, where, self.crs, times, incomplete=incomplete
            )

        return self.cache.get(key, read)

    def frame(self, class_id: str) -> shapely.Geometry | None:
        """The frame of data of a class in metres. An import that changes no row may still widen it."""
        key = ("frame", self.stamp(class_id), self.imports)
        return self.cache.get(key, lambda: self._read_frame(class_id))

    @cached_property
    def imports(self) -> int:
        """The number of imports so far."""
        return count_imports(self.conn)

    def _read_frame(self, class_id: str) -> shapely.Geometry | None:
        frame = read_frame(self.conn, self.catalogue.get_class(class_id), self.times_of(class_id))
        return None if frame is None else self.crs.to_metric(np.array([frame], dtype=object))[0]

    def places(
        self, class_id: str, where: Mapping[str, tuple[Any, ...]], people_field: str | None = None
    ) -> Places:
        """Rows as `Places`, with the people of a field if it is named."""
        fields = ["name_zh", "name_en", *([people_field] if people_field else [])]
        rows = self.features(class_id, fields, where)
        people = np.zeros(len(rows.code))
        if people_field:
            people = np.array([float(v or 0.0) for v in rows.columns[people_field]], dtype=np.float64)
        return Places(list(rows.code), _names(rows), list(rows.area_path), rows.geometry, people)

    def streets(self) -> Streets | None:
        """The walking network, or None where the city has no streets."""
        return self.streets_maker()()

    def streets_maker(self) -> Callable[[], Streets | None]:
        """What makes the network, its rows already read: it may be called in another thread."""
        # A street cut off at the edge of the data still leads where it leads.
        rows = self.features("streets", STREET_FIELDS, incomplete=True)
        stamp = self.stamp("streets")
        return lambda: self.cache.get(("streets", stamp), lambda: _streets_of(rows))

    def areas(self, level: str, within: str | None = None) -> Areas:
        """Areas of a level, those inside one area only if its code is given; where two overlap the first keeps."""
        key = ("areas", self.stamp("districts"), level, within)
        return self.cache.get(key, lambda: self._read_areas(level, within))

    def _read_areas(self, level: str, within: str | None) -> Areas:
        rows = self.features("districts", ["name_zh", "name_en"], {"level": (level,)})
        keep = [i for i, path in enumerate(rows.area_path) if within is None or within in path.split("/")]
        names = _names(rows)
        return Areas(
            [rows.code[i] for i in keep],
            [names[i] for i in keep],
            [level] * len(keep),
            dissolve_overlaps(rows.geometry[keep]),
        )

    def polygon(self, level: str, code: str) -> shapely.Geometry:
        """The whole polygon of one area."""
        if level == "grid":
            rows = self.features("grid_cells", [], {"code": (code,)})
        else:
            rows = self.features("districts", [], {"level": (level,)})
        if code not in rows.code:
            raise NotFound(
                f"There was no area '{code}' on {self.times.as_of}.",
                "Choose an area that existed then, or another as_of.",
            )
        found: shapely.Geometry = rows.geometry[rows.code.index(code)]
        return found

    def gates(self, class_id: str, places: Places) -> tuple[Floats, Ints]:
        """Gates (g, 2) that people may use and the index of the place each belongs to: by its field, else nearness."""
        class_and_field = GATES.get(class_id)
        if class_and_field is None or len(places.code) == 0:
            return np.empty((0, 2)), np.empty(0, dtype=np.int64)
        gate_class, owner_field = class_and_field
        rows = self.features(gate_class, [owner_field, "pedestrians", "state"])
        pairs = zip(rows.columns["pedestrians"], rows.columns["state"], strict=True)
        open_ = np.array([walked is not False and state in IN_SERVICE for walked, state in pairs], dtype=bool)
        return gates_of(rows.geometry[open_], rows.columns[owner_field][open_], places)

    def access(
        self,
        class_id: str,
        places: Places,
        streets: Streets,
        request: CoverageRequest,
        *,
        public_only: bool,
    ) -> AccessPoints:
        """Where one enters (supply) or leaves (demand) each of the places (m,).

        Gates are given to the nearest of all places, so that none opens a place it does not belong to.
        """
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


def _streets_of(rows: FeatureArrays) -> Streets | None:
    usable = np.array([state in IN_SERVICE for state in rows.columns["state"]], dtype=bool)
    if not usable.any():
        return None
    layer = np.array([v or 0 for v in rows.columns["layer"]], dtype=np.int64)[usable]
    pairs = zip(rows.columns["walk"], rows.columns["kind"], strict=True)
    walk = np.array([given or _usual_walk(kind) for given, kind in pairs], dtype=object)[usable]
    network = build_network(rows.geometry[usable], layer, walk)
    return Streets(network, build_index(network), rows.change_id) if network.edges else None


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
