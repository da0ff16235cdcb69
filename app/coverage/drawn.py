"""Towns given as shapes: what the computation takes, made without a database, for notebooks and drawn examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from app.catalogue.model import Demand, Policy, Source, Supply, Tier, Title
from app.coverage.access import AccessPoints, access_points
from app.coverage.model import Areas, Band, Inputs, Objects, People, PeopleRule, Places, Streets, TierSupply
from app.coverage.straight import service_area
from app.coverage.units import area_units, point_units, with_starts
from app.network.build import build_network
from app.network.snap import build_index

SPEED_M_S = 1.2
SNAP_LIMIT_M = 250.0
GATE_SEARCH_M = 30.0
#: What a drawn town is made of bears this class, and its one tier this id.
DRAWN = "drawn"
NOWHERE = Areas([], [], [], np.empty(0, dtype=object))


@dataclass(frozen=True, slots=True)
class Cells:
    """People by cell: polygons (c,) with their people (c,), counted at the `centre` or by share of their `area`."""

    geometry: Sequence[shapely.Geometry]
    people: Sequence[float]
    rule: PeopleRule = "centre"


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate at `xy` in metres, of the parcel with the index `parcel`."""

    xy: tuple[float, float]
    parcel: int


def town(
    parcels: Sequence[shapely.Geometry],
    facilities: Sequence[shapely.Geometry],
    radius_m: float,
    *,
    people: Sequence[float] = (),
    cells: Cells | None = None,
    streets: Sequence[shapely.LineString] | None = None,
    gates: Sequence[Gate] = (),
    areas: Areas = NOWHERE,
    target: float | None = None,
) -> Inputs:
    """The inputs of one tier: who lives within `radius_m` metres of a facility; all shapes in one CRS in metres.

    `parcels` (n,) are residential land with their `people` (n,); where `cells` are given, these count instead.
    `facilities` (k,) are points, lines or polygons. Without `streets` only straight lines can be measured. Parcels are
    left by their `gates`; one without any by its boundary and its own streets. `areas` get figures of their own.
    """
    policy = _policy(radius_m, target)
    net = None if streets is None else street_network(streets)
    homes, found = places("h", parcels, people), places("f", facilities)
    land = area_units(homes, areas)
    doors = None
    if net is not None:
        land = replace(land, access=_doors(homes, net, gates, public_only=False))
        land = with_starts(land, net, SNAP_LIMIT_M)
        doors = _doors(found, net, (), public_only=True)
    service = service_area(found.geometry, radius_m)
    supply = TierSupply(policy.tiers[0], (Band(DRAWN, radius_m, found, service, doors),), service)
    return Inputs(policy, areas, land, _people(cells, areas), (supply,), net, SPEED_M_S, SNAP_LIMIT_M)


def objects(shapes: Sequence[shapely.Geometry]) -> Objects:
    """Shapes as an array (n,)."""
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    return array


def places(prefix: str, shapes: Sequence[shapely.Geometry], people: Sequence[float] = ()) -> Places:
    """Shapes (n,) as places with codes `prefix`1, `prefix`2, … and their people (n,), nobody where none are given."""
    codes = [f"{prefix}{i + 1}" for i in range(len(shapes))]
    counted = np.array(people or [0.0] * len(shapes), dtype=np.float64)
    return Places(codes, codes, [""] * len(shapes), objects(shapes), counted)


def drawn_areas(shapes: Sequence[shapely.Geometry], level: str = "district") -> Areas:
    """Polygons (k,) that do not overlap as areas D1, D2, … of one level."""
    codes = [f"D{i + 1}" for i in range(len(shapes))]
    return Areas(codes, codes, [level] * len(shapes), objects(shapes))


def street_network(lines: Sequence[shapely.LineString]) -> Streets:
    """Public streets on one level as a network; even the shortest piece may be walked on."""
    shapes = objects(lines)
    network = build_network(
        shapes, np.zeros(len(shapes), dtype=np.int64), np.full(len(shapes), "public", dtype=object)
    )
    return Streets(network, build_index(network, 0.0), 1)


def _doors(found: Places, net: Streets, gates: Sequence[Gate], *, public_only: bool) -> AccessPoints:
    xy = np.array([gate.xy for gate in gates], dtype=np.float64).reshape(-1, 2)
    owner = np.array([gate.parcel for gate in gates], dtype=np.int64)
    return access_points(
        found.geometry, xy, owner, net.index,
        snap_limit_m=SNAP_LIMIT_M, gate_search_m=GATE_SEARCH_M, public_only=public_only,
    )  # fmt: skip


def _people(cells: Cells | None, areas: Areas) -> People:
    if cells is None:
        return People(DRAWN, "area", None)
    found = places("c", cells.geometry, cells.people)
    units = point_units(found, areas, None) if cells.rule == "centre" else area_units(found, areas)
    return People(DRAWN, cells.rule, units)


def _policy(radius_m: float, target: float | None) -> Policy:
    title = Title("示例", "Drawn example")
    tier = Tier(DRAWN, title, (Supply(DRAWN, radius_m),), target=target)
    return Policy(
        DRAWN, "1", title, title, Source("", "", "M"), (tier,), Demand(DRAWN), (), None,
        official=False, speed_m_s=SPEED_M_S, minutes=None, snap_limit_m=SNAP_LIMIT_M,
        gate_search_m=GATE_SEARCH_M, text="",
    )  # fmt: skip
