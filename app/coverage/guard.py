"""The guard of what is taken away: whether coverage falls, for whom, and where nearby it could be rebuilt.

Rebuild one for each one demolished, nearby (拆一补一、就近建设: work opinion on city management of Nanjing Gulou
district, 2021, 鼓政办〔2021〕17号, section 5 item 2, on public toilets): a removal is sound when a replacement within
the given distance keeps coverage as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import shapely
import shapely.affinity

from app.coverage.access import AccessPoints, of_sites
from app.coverage.gates import NO_GATES
from app.coverage.incremental import BandChange, Changes, State, change
from app.coverage.loader import Loader
from app.coverage.model import Bools, Floats, Ints, Objects, Places
from app.coverage.request import CoverageRequest
from app.coverage.units import coordinates, take
from app.network.snap import place, snap

#: How far a replacement may lie: from and to, and where nothing is said.
WITHIN_M = (10.0, 2_000.0)
USUAL_WITHIN_M = 300.0
#: Sites on streets are tried on a lattice of at least this step, so wide that there are no more than `MOST_SITES`.
STEP_M = 50.0
MOST_SITES = 80
#: Sites of a plan, where one alone does not make up for the loss.
MOST_PLANNED = 3
#: What counts as nothing lost: rounding of sums.
LITTLE_PEOPLE, LITTLE_M2 = 0.5, 1.0
#: States of a facility that stands but does not serve.
UNUSED = ("out_of_use", "under_repair", "planned")
#: Public property on which nobody lives.
NOT_BUILT_ON = ("housing", "basement", "civil_defence")


@dataclass(frozen=True, slots=True)
class Sites:
    """Places where a replacement may stand (k,): shapes in metres, metres from the facility, kinds and codes."""

    shapes: Objects
    metres: Floats
    kind: list[str]
    code: list[str | None]

    def only(self, chosen: Bools) -> Self:
        """Those of which `chosen` (k,) is true."""
        places = np.flatnonzero(chosen)
        kinds, codes = [self.kind[i] for i in places.tolist()], [self.code[i] for i in places.tolist()]
        return replace(self, shapes=self.shapes[places], metres=self.metres[places], kind=kinds, code=codes)


@dataclass(frozen=True, slots=True)
class Loss:
    """The city before and after a removal: what it takes from each unit, for each figure in the order of `compute`."""

    before: State
    after: State

    def restored(self, state: State) -> list[dict[str, float]]:
        """What a state gives back to those who lost, and what it has more or less than before, for each figure."""
        rows = []
        for old, less, new in zip(self.before.figures, self.after.figures, state.figures, strict=True):
            row: dict[str, float] = {}
            for name, unit in (("people_served", "people"), ("land_served_m2", "land_m2")):
                was, is_, then = getattr(old, name), getattr(less, name), getattr(new, name)
                back = np.minimum(np.maximum(was - is_, 0), np.maximum(then - is_, 0))
                row[f"{unit}_lost"] = float(np.maximum(was - is_, 0).sum())
                row[f"{unit}_restored"] = float(back.sum())
                row[f"{unit}_more_than_before"] = float((then - was).sum())
            rows.append(row)
        return rows


def find_sites(loader: Loader, class_id: str, gone: shapely.Geometry, code: str, within_m: float) -> Sites:
    """Where a replacement of a facility may stand, at most `within_m` metres from it, the nearest first.

    Facilities of its class that stand but do not serve, public property without homes, points of public streets.
    """
    around = shapely.buffer(shapely.centroid(gone), within_m)
    parts = [
        _rows_near(loader, class_id, "reopened", ("state",), around, lambda state: state in UNUSED, code),
        _rows_near(
            loader,
            "public_properties",
            "public_property",
            ("kind",),
            around,
            lambda kind: kind not in NOT_BUILT_ON,
            "",
        ),
        _on_streets(loader, around, within_m),
    ]
    points = np.concatenate([part[0] for part in parts])
    kinds = [part[1] for part in parts for _ in part[0]]
    codes = [code for part in parts for code in part[2]]
    metres = np.asarray(shapely.distance(points, shapely.centroid(gone)), dtype=np.float64)
    order = [i for i in np.argsort(metres, kind="stable").tolist() if metres[i] <= within_m]
    return Sites(
        _stood_at(gone, points[order]), metres[order], [kinds[i] for i in order], [codes[i] for i in order]
    )


def _rows_near(
    loader: Loader,
    class_id: str,
    kind: str,
    fields: Sequence[str],
    around: shapely.Geometry,
    fits: Any,
    but: str,
) -> tuple[Objects, str, list[str | None]]:
    rows = loader.features(class_id, fields)
    near = (
        np.flatnonzero(shapely.intersects(rows.geometry, around))
        if len(rows)
        else np.empty(0, dtype=np.int64)
    )
    chosen = [i for i in near.tolist() if fits(rows.columns[fields[0]][i]) and rows.code[i] != but]
    points = np.asarray(shapely.point_on_surface(rows.geometry[chosen]), dtype=object)
    return points, kind, [rows.code[i] for i in chosen]


def _on_streets(
    loader: Loader, around: shapely.Geometry, within_m: float
) -> tuple[Objects, str, list[str | None]]:
    """Points of public streets, one for each place of a lattice that has a street in its half step."""
    streets = loader.streets()
    step = max(STEP_M, within_m * float(np.sqrt(np.pi / MOST_SITES)))
    west, south, east, north = shapely.bounds(around).tolist()
    x, y = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    xy = np.column_stack((x.ravel(), y.ravel()))
    if streets is None:
        return np.asarray(shapely.points(xy), dtype=object), "lattice", [None] * len(xy)
    found = snap(streets.index, xy, step / 2, public_only=True)
    xy = place(streets.network, found.take(np.flatnonzero(found.found)))
    xy = np.unique(np.round(xy, 2), axis=0)
    return np.asarray(shapely.points(xy), dtype=object), "street", [None] * len(xy)


def _stood_at(gone: shapely.Geometry, points: Objects) -> Objects:
    """(k,) the facility's shape with its centre at each point."""
    centre = shapely.get_coordinates(shapely.centroid(gone))[0]
    shapes = np.empty(len(points), dtype=object)
    for i, xy in enumerate(coordinates(points)):
        shapes[i] = shapely.affinity.translate(gone, *(xy - centre).tolist())
    return shapes


def tried(
    loader: Loader, request: CoverageRequest, loss: Loss, keys: Sequence[tuple[int, int]], sites: Sites
) -> list[list[dict[str, float]]]:
    """What each site alone gives back, for each figure; `keys` are the bands that the facility was part of."""
    places, access = _as_places(loader, request, loss.after, sites)
    return [
        loss.restored(change(loss.after, _added(keys, places, access, site))[0])
        for site in range(len(sites.code))
    ]


def plan(
    loader: Loader,
    request: CoverageRequest,
    loss: Loss,
    keys: Sequence[tuple[int, int]],
    sites: Sites,
    order: Sequence[int],
    figure: int,
) -> list[tuple[int, list[dict[str, float]]]]:
    """Sites chosen one after the other, each that which gives most people (then land) back beside those before.

    `order` (k,) are the sites worth trying, the best first; `figure` is that by which they are judged.
    """
    places, access = _as_places(loader, request, loss.after, sites)
    state = loss.after
    chosen: list[tuple[int, list[dict[str, float]]]] = []
    for _ in range(MOST_PLANNED):
        best: tuple[tuple[float, float], int, State] | None = None
        for site in order:
            if site in [number for number, _ in chosen]:
                continue
            new = change(state, _added(keys, places, access, site))[0]
            worth = weight(loss.restored(new)[figure])
            if best is None or worth > best[0]:
                best = (worth, site, new)
        if best is None or best[0] <= weight(loss.restored(state)[figure]):
            break
        state = best[2]
        chosen.append((best[1], loss.restored(state)))
        if all(made_up(row) for row in chosen[-1][1]):
            break
    return chosen


def weight(row: Mapping[str, float]) -> tuple[float, float]:
    """What a site is ranked by: people, then land given back."""
    return round(row["people_restored"], 1), round(row["land_m2_restored"], 0)


def made_up(row: Mapping[str, float]) -> bool:
    """Whether at least as many people and as much land are served as before."""
    return row["people_more_than_before"] >= -LITTLE_PEOPLE and row["land_m2_more_than_before"] >= -LITTLE_M2


def _as_places(
    loader: Loader, request: CoverageRequest, state: State, sites: Sites
) -> tuple[Places, AccessPoints | None]:
    count = len(sites.code)
    places = Places(
        [f"site-{i + 1}" for i in range(count)], [""] * count, [""] * count, sites.shapes, np.zeros(count)
    )
    streets = state.inputs.streets
    if streets is None:
        return places, None
    return places, loader.access(places, NO_GATES, streets, request, public_only=True)


def _added(
    keys: Sequence[tuple[int, int]], places: Places, access: AccessPoints | None, site: int
) -> Changes:
    chosen: Bools = np.arange(len(places.code)) == site
    nothing: Ints = np.empty(0, dtype=np.int64)
    one = BandChange(nothing, take(places, chosen), None if access is None else of_sites(access, chosen))
    return dict.fromkeys(keys, one)
