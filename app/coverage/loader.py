"""Reading the inventory for one request: rows → arrays in metres, kept as long as their data version holds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Catalogue
from app.coverage.access import AccessPoints, access_points, without_sites
from app.coverage.cache import ArrayCache, Stamp
from app.coverage.gates import GATES, NO_GATES, Gates, gates_of
from app.coverage.lattice import dissolve_overlaps
from app.coverage.model import Areas, Bools, Floats, Places, Streets
from app.coverage.request import CoverageRequest
from app.coverage.stages import stage
from app.coverage.streets import (
    BARRIER_FIELDS,
    STREET_CLASSES,
    STREET_FIELDS,
    WATER_FIELDS,
    barriers_in,
    streets_of,
)
from app.coverage.supply import DATES, HOURS, SupplyRule, usable_gates
from app.database.scope import Scope
from app.database.transactions import Connection
from app.errors import NotFound
from app.inventory.arrays import FeatureArrays, count_imports, last_turn, read_arrays, read_frame
from app.inventory.changes import data_version, data_versions
from app.inventory.periods import today
from app.inventory.times import NOW, Times
from app.space.metric import MetricCrs

NAMES = ("name_zh", "name_en")
#: What of a gate decides who passes.
GATE_FIELDS = ("pedestrians", "state", "access", "fee", "accessible", *DATES, *HOURS)


@dataclass(frozen=True)
class Loader:
    """Reads arrays through one snapshot; what was made from the same data versions before comes from the cache.

    `times` says what is read of every class; `known` (class → change) what was known of one, in place of its
    `known_at`. What was known at an earlier change is not to be kept: the cache must then be one for this loader.
    `scoped` are connections for classes whose rows are read as `seen_by` sees them; the cache keeps these apart.
    """

    conn: Connection
    catalogue: Catalogue
    crs: MetricCrs
    cache: ArrayCache
    times: Times = NOW
    known: Mapping[str, int] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    scoped: Mapping[str, Connection] = field(default_factory=dict)
    seen_by: Scope | None = None

    def conn_of(self, class_id: str) -> Connection:
        """The connection that the rows of a class are read by."""
        return self.scoped.get(class_id, self.conn)

    def version(self, class_id: str) -> int:
        """The data version of a class in this snapshot, or as known before: asked once."""
        if class_id not in self.versions:
            newest = data_version(self.conn, self.catalogue.get_class(class_id))
            known_at = self.times_of(class_id).known_at
            self.versions[class_id] = newest if known_at is None else min(newest, known_at)
        return self.versions[class_id]

    def ask_versions(self, class_ids: Sequence[str]) -> None:
        """Ask for the data versions of several classes at once, where it is those of now that are read."""
        if self.times.known_at is None and not self.known:
            names = [name for name in class_ids if name not in self.versions]
            found = data_versions(self.conn, [self.catalogue.get_class(name) for name in names])
            self.versions.update(zip(names, found, strict=True))

    def times_of(self, class_id: str) -> Times:
        """Which versions of the features of a class are read."""
        return replace(self.times, known_at=self.known.get(class_id, self.times.known_at))

    @cached_property
    def day(self) -> date:
        """The day in the world that is asked about: without `as_of` today."""
        return self.times.as_of or today()

    def stamp(self, class_id: str) -> Stamp:
        """The class at its data version and day in the world, for keys of the cache."""
        version = self.version(class_id)
        past = self.times.as_of is not None
        if past and self.times_of(class_id).known_at is not None:
            return Stamp(class_id, version, self.times.as_of)
        cls = self.catalogue.get_class(class_id)
        # Each past day in an entry of its own: asked of a cache that keeps few days of a class, it is asked once a run.
        key = ("turned", Stamp(class_id, version), self.day, past)
        turned = self.cache.get(
            key, lambda: last_turn(self.conn_of(class_id), cls, self.day, current=not past)
        )
        # A series whose days find the same streets finds the same network.
        return (
            Stamp(class_id, version, turned or date.min) if past else Stamp(class_id, version, None, turned)
        )

    def features(
        self,
        class_id: str,
        fields: Sequence[str] = (),
        where: Mapping[str, tuple[Any, ...]] | None = None,
        *,
        incomplete: bool = False,
        standing: bool = False,
    ) -> FeatureArrays:
        """Rows of a class that match `where`, with geometry in metres; `incomplete` also those cut off by the data.

        `standing` leaves out what was not built by the day, or was removed by then. Areas, which say where is measured,
        are not built: the versions of the day are all there is to them.
        """
        where = dict(where or {})
        chosen = tuple(sorted(where.items(), key=str))
        key = ("rows", self.stamp(class_id), tuple(fields), chosen, incomplete, standing)

        def read() -> FeatureArrays:
            stage(f"reading {class_id}")
            return read_arrays(
                self.conn_of(class_id), self.catalogue, class_id, fields, where, self.crs, self.times_of(class_id),
                incomplete=incomplete, standing_on=self.day if standing else None,
            )  # fmt: skip

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
        """Rows that stand on the day as `Places`, with the people of a field if it is named."""
        if people_field is None:
            return places_of(self.features(class_id, NAMES, where, standing=True))
        rows = self.features(class_id, [*NAMES, people_field], where, standing=True)
        return places_of(
            rows, np.array([float(v or 0.0) for v in rows.columns[people_field]], dtype=np.float64)
        )

    def silent(self, class_id: str, where: Mapping[str, tuple[Any, ...]], people_field: str) -> Bools:
        """Whether each row (m,) of `places` does not say how many there are: it counts as nobody."""
        rows = self.features(class_id, [*NAMES, people_field], where, standing=True)
        return np.array([value is None for value in rows.columns[people_field]], dtype=bool)

    def streets(self, *, step_free: bool = False) -> Streets | None:
        """The walking network, or None where the city has no streets; `step_free` without steps."""
        return self.streets_maker(step_free=step_free)()

    def streets_maker(self, *, step_free: bool = False) -> Callable[[], Streets | None]:
        """What makes the network, its rows already read: it may be called in another thread."""
        # A street cut off at the edge of the data still leads where it leads, and half a lake is wet.
        rows = self.features("streets", STREET_FIELDS, incomplete=True, standing=True)
        water = self.features("water_bodies", WATER_FIELDS, incomplete=True, standing=True)
        walls = self.features("barriers", BARRIER_FIELDS, incomplete=True, standing=True)
        key = self.streets_key(step_free=step_free)

        def make() -> Streets | None:
            barriers = barriers_in(
                rows.geometry, rows.columns, water.geometry, water.columns, walls.geometry, walls.columns
            )
            return streets_of(rows.geometry, rows.columns, barriers, rows.change_id, step_free=step_free)

        return lambda: self.cache.get(("streets", *key), make)

    def streets_key(self, *, step_free: bool = False) -> tuple[Hashable, ...]:
        """What the network and every place on it depend on."""
        return (*(self.stamp(name) for name in STREET_CLASSES), step_free)

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

    def gates(self, class_id: str, places: Places, rule: SupplyRule) -> Gates:
        """The gates that people may use and the place each belongs to: by its field, else nearness.

        Gates are given to the nearest of all places, so that none opens a place it does not belong to.
        """
        class_and_field = GATES.get(class_id)
        if class_and_field is None or len(places.code) == 0:
            return NO_GATES
        gate_class, owner_field = class_and_field
        known = {field.name for field in self.catalogue.get_class(gate_class).fields}
        judged = [name for name in GATE_FIELDS if name in known]
        rows = self.features(gate_class, [owner_field, *judged])
        open_, usable = usable_gates({name: rows.columns[name] for name in judged}, rule, len(rows.code))
        return gates_of(
            rows.geometry[open_], usable[open_], rows.columns[owner_field][open_].tolist(), places
        )

    def access(
        self,
        places: Places,
        gates: Gates,
        streets: Streets,
        request: CoverageRequest,
        *,
        public_only: bool,
    ) -> AccessPoints:
        """Where one enters (supply) or leaves (demand) each of the places (m,), through its gates where it has any."""
        found = access_points(
            places.geometry,
            gates.xy[gates.usable],
            gates.owner[gates.usable],
            streets.index,
            gate_search_m=request.policy.gate_search_m,
            snap_limit_m=request.policy.snap_limit_m,
            public_only=public_only,
        )
        return without_sites(found, gates.shut(len(places.code)))


def places_of(rows: FeatureArrays, people: Floats | None = None) -> Places:
    """Rows with their names as `Places`."""
    nobody = np.zeros(len(rows.code)) if people is None else people
    return Places(list(rows.code), _names(rows), list(rows.area_path), rows.geometry, nobody)


def _names(rows: FeatureArrays) -> list[str]:
    zh, en = rows.columns["name_zh"], rows.columns["name_en"]
    return [str(a or b or "") for a, b in zip(zh, en, strict=True)]
