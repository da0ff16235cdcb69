"""The people of a request: read on one basis, counted once, as units, and shared out to the land they live on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Demand
from app.catalogue.policy_model import UNSTATED
from app.coverage.demand_loading import Parcels, frame_of, load_parcels, there
from app.coverage.interpolation import Interpolated, people_on_land
from app.coverage.loader import Loader, places_of
from app.coverage.measure import inside_frame
from app.coverage.model import Areas, AreaUnits, Bools, Floats, Key, Objects, People, PeopleRule, PointUnits
from app.coverage.official import RESIDENTIAL
from app.coverage.population import (
    Population,
    choose_basis,
    counted_once,
    datasets,
    dates,
    drawn,
    known_by,
    priority,
    squares,
)
from app.coverage.request import CoverageRequest
from app.coverage.units import area_units, centres, clipped, coordinates, in_data, point_units, take

#: Why a policy counts no people; "reason" of a result tells of its shares.
REASON_NOBODY_ASKED = "the policy counts no people: it names no class that tells of them"
REASON_NOBODY_INSIDE = "the policy counts no people: those that are known lie outside of what it measures"
REASON_NOBODY_SO = "the policy counts no people: none are known on the basis that was asked for"
REASON_NOBODY_KNOWN = "the policy counts no people: none are in the data"
#: What a class may say of the people that it tells of.
ABOUT = ("kind", "as_of", "dataset")


@dataclass(frozen=True, slots=True)
class Found:
    """The people that count: those of the cells in the data, on one basis; `demand` None where there is nobody.

    `own` says that they are those of the land itself, counted by share of its area. `cells` lie inside the frame of
    data, `key` names them; `outside` people lie beyond it. `silent` (k,) are the centres of those cells in it that do
    not say how many people there are.
    """

    demand: Demand | None
    rule: PeopleRule
    outside: float
    cells: Population | None = None
    own: bool = False
    silent: Objects = field(default_factory=lambda: np.empty(0, dtype=object))
    key: Key = None
    about: Mapping[str, Any] = field(default_factory=dict)


def find_people(loader: Loader, request: CoverageRequest, frame: shapely.Geometry | None) -> Found:
    """The first source of the policy with people on the basis asked for inside the frame, which is used alone."""
    unused, silent = 0.0, np.empty(0, dtype=object)
    for demand in request.policy.people:
        cells = _population(loader, demand)
        inside = in_data(cells.places, frame)
        some = (cells.places.people > 0) & known_by(cells.as_of, loader.day)
        basis, chosen = choose_basis(cells.kind, some & inside, request.people_basis)
        _, beyond = choose_basis(cells.kind, some & ~inside, request.people_basis)
        if basis is None:
            unused = unused or float(cells.places.people[beyond].sum())
            silent = silent if len(silent) else _silent(cells, inside, request.people_basis, loader)
            continue
        known = known_by(cells.as_of, loader.day) & np.isin(cells.kind, basis.split("+"))
        outside = float(cells.places.people[known & ~inside].sum())
        told = _about(_some(cells, chosen), basis, float(cells.twice[known & inside].sum()))
        rule: PeopleRule = request.people_rule or demand.people_rule
        own = demand.cls == request.policy.land.cls and rule == "area"
        key = ("people", repr(demand), basis, loader.stamp(demand.cls))
        silent = _silent(cells, inside, basis, loader)
        return Found(demand, rule, outside, _some(cells, chosen), own, silent, key, told)
    told = {"people_basis": None, "people_as_of": None, "people_dataset": []}
    told |= {"people_reason": _why_nobody(request, unused)}
    return Found(None, "area", unused, silent=silent, about=told)


def _silent(cells: Population, inside: Bools, basis: str | None, loader: Loader) -> Objects:
    """Centres (k,) of the cells in the data of a basis (None: any) that do not say how many people there are."""
    chosen = cells.silent & inside & known_by(cells.as_of, loader.day)
    if basis is not None:
        chosen &= np.isin(cells.kind, basis.split("+"))
    return centres(cells.places.geometry[chosen])


def _why_nobody(request: CoverageRequest, outside: float) -> str:
    if not request.policy.people:
        return REASON_NOBODY_ASKED
    if outside > 0:
        return REASON_NOBODY_INSIDE
    return REASON_NOBODY_KNOWN if request.people_basis is None else REASON_NOBODY_SO


def load_people(found: Found, areas: Areas, clip: shapely.Geometry | None) -> People:
    """The people as units inside `clip`: points at their place whatever the rule, cells by it."""
    about = {**found.about, "people_unknown": int(inside_frame(coordinates(found.silent), clip).sum())}
    if found.demand is None or found.cells is None:
        return People(None, "area", None, found.outside, about)
    if found.own:
        return People(found.demand.cls, found.rule, None, found.outside, about)
    units: AreaUnits | PointUnits
    if found.rule == "centre":
        units = point_units(found.cells.places, areas, clip)
    else:
        units = clipped(_by_area(found.cells, areas), clip)
    return People(found.demand.cls, found.rule, units, found.outside, about)


def load_people_units(
    loader: Loader, request: CoverageRequest, areas: Areas, clip: shapely.Geometry | None
) -> People:
    """As `load_people`, always with units: those of the land where the people are its own."""
    frame = frame_of(loader, request.policy)
    people = load_people(find_people(loader, request, frame), areas, clip)
    if people.units is not None or people.cls is None:
        return people
    parcels = load_parcels(loader, request.policy.land, areas, frame)
    return replace(people, units=clipped(parcels.units, clip))


def with_people_of_cells(
    loader: Loader,
    request: CoverageRequest,
    found: Found,
    parcels: Parcels,
    land: AreaUnits,
    clip: shapely.Geometry | None,
) -> tuple[AreaUnits, dict[str, Any]]:
    """The land units inside `clip` with the people of cells that live on them, and what the result records about it.

    Only of residential land: old estates, say, are not all that people live on.
    """
    demand = request.policy.land
    cells = found.cells
    if cells is None:
        # Its own people are of another basis than the one asked for.
        return replace(land, people=np.zeros(len(land.people))), {
            "people_on_land": None,
            "people_off_land": None,
        }
    if found.own or (demand.cls, dict(demand.where)) != RESIDENTIAL or not len(parcels.units.geometry):
        return land, {"people_on_land": "own" if len(land.geometry) else None, "people_off_land": None}
    units = parcels.units

    def share_out() -> Interpolated:
        return people_on_land(_shapes(cells), cells.places.people, units.geometry)

    shared = loader.cache.get(("people on land", *parcels.key, *(found.key or ())), share_out)
    people = _on_clipped(units, shared.land, land)
    inside = inside_frame(coordinates(centres(cells.places.geometry)), clip)
    return replace(land, people=people), {
        "people_on_land": "interpolated",
        "people_off_land": round(float(shared.kept[inside].sum())),
    }


def _on_clipped(units: AreaUnits, people: Floats, land: AreaUnits) -> Floats:
    """People (n,) of units cut by a clip, by share of the area of the units (u,) with `people` they were cut from."""
    step = int(units.area.max(initial=0)) + 2
    whole, part = units.place * step + units.area, land.place * step + land.area
    order = np.argsort(whole, kind="stable")
    at = order[np.searchsorted(whole[order], part)]
    result: Floats = people[at] * land.area_m2 / units.area_m2[at]
    return result


def _population(loader: Loader, demand: Demand) -> Population:
    """Every row of a source of people, whatever its basis, kept as long as its data version holds."""
    return loader.cache.get(
        ("population", repr(demand), loader.stamp(demand.cls)), lambda: _read_population(loader, demand)
    )


def _read_population(loader: Loader, demand: Demand) -> Population:
    fields = {item.name: item for item in loader.catalogue.get_class(demand.cls).fields}
    about = [name for name in ABOUT if name in fields and (name != "kind" or _tells_basis(fields[name]))]
    names = ["name_zh", "name_en", str(demand.people_field)]
    rows = loader.features(demand.cls, [*names, *about], there(demand), standing=True)
    given = rows.columns[names[-1]]
    people = np.array([float(v or 0.0) for v in given], dtype=np.float64)
    silent = np.array([value is None for value in given], dtype=bool)
    nothing = np.full(len(rows.code), None, dtype=object)
    kind = np.array([v or UNSTATED for v in rows.columns.get("kind", nothing)], dtype=object)
    as_of, dataset = rows.columns.get("as_of", nothing), rows.columns.get("dataset", nothing)
    point = shapely.get_dimensions(rows.geometry) == 0
    twice = np.zeros(len(people))
    if "kind" in about:
        order = priority(as_of, point)
        twice = people * (1 - _once(rows.geometry, kind, as_of, order, known_by(as_of, loader.day)))
    population = Population(
        places_of(rows, people - twice), kind, as_of, dataset, np.asarray(point, dtype=bool), twice, silent
    )
    found = _some(population, order) if twice.any() else population
    return replace(found, places=replace(found.places, geometry=drawn(found.places.geometry)))


def _tells_basis(field_: Any) -> bool:
    return "resident" in {choice.value for choice in field_.choices}


def _once(geometry: Objects, kind: Objects, as_of: Objects, order: Any, known: Any) -> Floats:
    """The share (m,) of people that no other cell of the same kind, known by the day, tells of."""
    share = np.ones(len(geometry))
    for name in sorted(set(kind.tolist())):
        rows = order[(kind[order] == name) & known[order]]
        share[rows] = counted_once(geometry[rows], as_of[rows], np.arange(len(rows)))
    return share


def _some(cells: Population, which: Any) -> Population:
    return Population(
        take(cells.places, which),
        cells.kind[which],
        cells.as_of[which],
        cells.dataset[which],
        cells.point[which],
        cells.twice[which],
        cells.silent[which],
    )


def _about(cells: Population, basis: str, twice: float) -> dict[str, Any]:
    return {
        "people_basis": basis,
        "people_as_of": dates(cells.as_of),
        "people_dataset": datasets(cells.dataset),
        "people_told_twice": round(twice),
        "people_cells_drawn": int(cells.point.sum()),
    }


def _shapes(cells: Population) -> Objects:
    """The cells (m,) as areal interpolation takes them: points where they are known by their centre alone."""
    shapes = cells.places.geometry.copy()
    shapes[cells.point] = centres(shapes[cells.point])
    return shapes


def _by_area(cells: Population, areas: Areas) -> AreaUnits:
    """Units by share of the cells' areas; a point counts on all of a square of 0.2 m, so where it is."""
    shapes = cells.places.geometry.copy()
    shapes[cells.point] = squares(centres(shapes[cells.point]))
    units = area_units(replace(cells.places, geometry=shapes), areas)
    return replace(units, places=cells.places)
