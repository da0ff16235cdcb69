"""Reading the inventory as a scenario leaves it: patched rows, drawn streets, or only what lies near a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import shapely

from app.coverage.area_loading import home_at
from app.coverage.cache import Apart
from app.coverage.gates import GATES
from app.coverage.loader import Loader
from app.coverage.model import Ints, Objects, Streets
from app.coverage.scenario import Patch, Scenario
from app.coverage.scenario_rows import Patched, Row, choose, patch_rows, patched_row, stored_row
from app.errors import BadGeometry
from app.inventory.arrays import FeatureArrays
from app.network.extend import NewStreet, extended
from app.network.snap import build_index
from app.space.metric import MAX_SCALE_ERROR

#: Facilities that lie further from each other are never one, nor do they share a gate.
NEAR_M = 100.0
#: How far beyond the streets a shape may lie where no import declared its extent.
BESIDE_M = 2_000.0
#: Added features are numbered from here, after all that are stored.
FIRST_ID = 1 << 60


@dataclass(frozen=True)
class ScenarioLoader(Loader):
    """A loader that reads patched rows; what is made of them is kept apart from the cache of the city as it is.

    `lines` are joined to the network as it is; `drawn` are the same streets as features, for what counts streets.
    With `near`, ids (k,) by class, ascending, only these of the stored rows of the patched classes are read.
    """

    base: Loader | None = None
    patched: Patched = field(default_factory=dict)
    lines: tuple[NewStreet, ...] = ()
    drawn: Mapping[str, Row | None] = field(default_factory=dict)
    near: Mapping[str, Ints] | None = None

    def features(
        self,
        class_id: str,
        fields: Sequence[str] = (),
        where: Mapping[str, tuple[Any, ...]] | None = None,
        *,
        incomplete: bool = False,
        standing: bool = False,
    ) -> FeatureArrays:
        """See `Loader.features`."""
        assert self.base is not None
        # Rows as they are stored are kept with those of the city as it is.
        rows = self.base.features(class_id, fields, where, incomplete=incomplete, standing=standing)
        day = self.day if standing else None
        if class_id in self.patched:
            if self.near is not None:
                rows = choose(rows, np.isin(rows.id, self.near[class_id]))
            rows = patch_rows(rows, self.patched[class_id], fields, where or {}, day)
        # The network reads streets `incomplete` too, and joins the drawn ones by itself.
        if class_id == "streets" and self.drawn and not incomplete:
            rows = patch_rows(rows, self.drawn, fields, where or {}, day)
        return rows

    def streets_maker(self, *, step_free: bool = False) -> Callable[[], Streets | None]:
        """See `Loader.streets_maker`; drawn streets are joined to it."""
        make = super().streets_maker(step_free=step_free)
        if not self.lines:
            return make
        key = ("extended", *self.streets_key(step_free=step_free))
        return lambda: self.cache.get(key, lambda: _with_lines(make(), self.lines))


def _with_lines(streets: Streets | None, lines: tuple[NewStreet, ...]) -> Streets | None:
    if streets is None:
        return None
    network = extended(streets.network, lines)
    return Streets(network, build_index(network, barriers=streets.index.barriers), streets.version)


def near_rows(loader: Loader, patched: Patched, shapes: Objects) -> dict[str, Ints]:
    """Ids (k,), ascending, of the stored rows of each patched class that lie near the shapes, or near such rows.

    Gates are told apart by whose they are: those that name a place which is not near belong to none of these.
    """
    gates = dict(GATES.values())
    found = {name: _near_ids(loader, name, shapes) for name in patched if name not in gates}
    for gate_class in patched.keys() & gates.keys():
        codes: set[str] = set()
        for owner in (name for name, (its, _) in GATES.items() if its == gate_class):
            rows = loader.features(owner)
            near = found[owner] if owner in found else _near_ids(loader, owner, shapes)
            codes.update(rows.code[i] for i in np.flatnonzero(np.isin(rows.id, near)).tolist())
            codes.update(patched.get(owner, {}))
        rows = loader.features(gate_class, [gates[gate_class]])
        whose = rows.columns[gates[gate_class]].tolist()
        found[gate_class] = rows.id[np.array([code is None or code in codes for code in whose], dtype=bool)]
    return found


def _near_ids(loader: Loader, class_id: str, shapes: Objects) -> Ints:
    """Ids (k,), ascending, of the rows of a class near the shapes, or near such rows."""
    rows = loader.features(class_id)
    tree = loader.cache.get(("tree of rows", loader.stamp(class_id)), lambda: shapely.STRtree(rows.geometry))
    first = tree.query(shapes, predicate="dwithin", distance=NEAR_M)[1]
    both = np.concatenate((shapes, rows.geometry[np.unique(first)]))
    return np.unique(rows.id[tree.query(both, predicate="dwithin", distance=NEAR_M)[1]])


def scenario_loader(
    loader: Loader,
    patched: Patched,
    lines: tuple[NewStreet, ...] = (),
    drawn: Mapping[str, Row | None] | None = None,
    near: Mapping[str, Ints] | None = None,
) -> ScenarioLoader:
    """A loader over the same snapshot that reads the patched rows; see `ScenarioLoader`."""
    given = {item.name: getattr(loader, item.name) for item in fields(Loader)}
    classes = {*patched, *(["streets"] if lines else [])}
    given["cache"] = Apart(loader.cache, frozenset(classes))
    return ScenarioLoader(**given, base=loader, patched=patched, lines=lines, drawn=drawn or {}, near=near)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A scenario on the city's rows: patched features, drawn streets in metres, all shapes that come or go (k,).

    `drawn` are the streets of `lines` as features.
    """

    patched: Patched
    lines: tuple[NewStreet, ...]
    drawn: Mapping[str, Row | None]
    shapes: Objects


def resolve(loader: Loader, scenario: Scenario) -> Resolved:
    """The scenario's patches made on the stored features that they name, one after the other.

    Raises:
    ------
    NotFound
        A class has no feature of that code; the hint has the nearest ones.
    BadGeometry
        A shape lies outside the city's data.
    """
    patched: dict[str, dict[str, Row | None]] = {}
    lines: list[NewStreet] = []
    drawn: dict[str, Row | None] = {}
    shapes: list[shapely.Geometry] = []
    for number, patch in enumerate(scenario.patches):
        shape = None if patch.shape is None else _in_metres(loader, patch.shape)
        if patch.do == "street":
            assert shape is not None
            assert patch.shape is not None
            lines.append(NewStreet.of(shape, patch.properties))
            street = Row(
                FIRST_ID + number,
                f"new-{FIRST_ID + number}",
                shape,
                patch.properties,
                home_at(loader, patch.shape),
            )
            drawn[street.code] = street
            continue
        rows = patched.setdefault(patch.cls, {})
        before = rows[patch.code] if patch.code in rows else _stored(loader, patch)
        path = None if patch.shape is None else home_at(loader, patch.shape)
        after = patched_row(patch, before, shape, FIRST_ID + number, path)
        code = after.code if after is not None else str(patch.code)
        rows[code] = after
        shapes += [row.shape for row in (before, after) if row is not None]
        if before is not None and (after is None or after.shape is not before.shape):
            _without_gates(loader, patched, patch.cls, code)
    found = np.empty(len(shapes), dtype=object)
    found[:] = shapes
    return Resolved(patched, tuple(lines), drawn, found)


def _stored(loader: Loader, patch: Patch) -> Row | None:
    """The feature that a patch names as it is stored; None where an added one may take its code."""
    if patch.code is None:
        return None
    if patch.do in ("add", "remove"):
        # All that is asked is whether it is there, and where.
        rows = loader.features(patch.cls)
    else:
        names = [item.name for item in loader.catalogue.get_class(patch.cls).fields]
        rows = loader.features(patch.cls, names, {"code": (patch.code,)}, incomplete=True)
    if patch.do == "add" and patch.code not in rows.code:
        return None
    known = rows.code if patch.code in rows.code else loader.features(patch.cls).code
    return stored_row(rows, patch.code, patch.cls, known)


def _without_gates(
    loader: Loader, patched: dict[str, dict[str, Row | None]], class_id: str, code: str
) -> None:
    """A place that is gone or lies elsewhere leaves its gates behind: they open nothing any more."""
    if class_id not in GATES:
        return
    gate_class, owner = GATES[class_id]
    gates = loader.features(gate_class, [owner])
    theirs = [gate for gate, whose in zip(gates.code, gates.columns[owner], strict=True) if whose == code]
    if theirs:
        patched.setdefault(gate_class, {}).update(dict.fromkeys(theirs))


def _in_metres(loader: Loader, shape: shapely.Geometry) -> shapely.Geometry:
    """The shape in metres; BadGeometry where it lies outside the city's data."""
    lon, lat = shapely.get_coordinates(shapely.centroid(shape))[0].tolist()
    shapes = np.empty(1, dtype=object)
    shapes[0] = shape
    metric: shapely.Geometry = loader.crs.to_metric(shapes)[0]
    if loader.crs.scale_error(lon, lat) > MAX_SCALE_ERROR or not _in_frame(loader, metric):
        raise BadGeometry(
            f"The shape at {lon:.4f}, {lat:.4f} lies outside the city's data.",
            "Coordinates are [longitude, latitude], in degrees (WGS84).",
        )
    return metric


def _in_frame(loader: Loader, shape: shapely.Geometry) -> bool:
    frame = loader.frame("streets")
    if frame is None:
        lines = loader.features("streets", incomplete=True).geometry
        if not len(lines):
            return True
        frame = shapely.buffer(shapely.box(*shapely.total_bounds(lines)), BESIDE_M)
    return bool(shapely.intersects(frame, shape))
