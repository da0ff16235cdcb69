"""Drawn towns in metres: parcels, facilities and streets given as shapes, made into what the computation takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely

from app.catalogue.model import Demand, Policy, Source, Supply, Tier, Title
from app.coverage.access import AccessPoints, access_points
from app.coverage.model import Areas, Band, Inputs, People, Places, Streets, TierSupply
from app.coverage.straight import service_area
from app.coverage.units import area_units, with_starts
from app.network.build import build_network
from app.network.snap import build_index

TITLE = Title("厕", "toilet")
SNAP_M = 250.0


def objects(items: Sequence[Any]) -> np.ndarray:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def places(prefix: str, shapes: Sequence[Any], people: Sequence[float] = (), path: str = "C") -> Places:
    codes = [f"{prefix}{i}" for i in range(len(shapes))]
    counted = np.array(people or [0.0] * len(shapes), dtype=np.float64)
    return Places(
        codes, [f"{prefix}{i}号" for i in range(len(shapes))], [path] * len(shapes), objects(shapes), counted
    )


def areas(level: str, **boxes: Any) -> Areas:
    return Areas(
        list(boxes), [f"{code}区" for code in boxes], [level] * len(boxes), objects(list(boxes.values()))
    )


def streets(lines: Sequence[Any]) -> Streets:
    shapes = objects([shapely.LineString(line) for line in lines])
    walk = np.array(["public"] * len(shapes), dtype=object)
    network = build_network(shapes, np.zeros(len(shapes), dtype=np.int64), walk)
    return Streets(network, build_index(network, 0.0), 1)


def _doors(
    found: Places,
    net: Streets,
    gates: Sequence[tuple[float, float]],
    owner: Sequence[int],
    *,
    public_only: bool,
) -> AccessPoints:
    xy = np.array(gates, dtype=np.float64).reshape(-1, 2)
    return access_points(
        found.geometry, xy, np.array(owner, dtype=np.int64), net.index,
        snap_limit_m=SNAP_M, gate_search_m=30.0, public_only=public_only,
    )  # fmt: skip


def town(
    parcels: Sequence[Any],
    people: Sequence[float],
    facilities: Sequence[Any],
    lines: Sequence[Any] | None,
    *,
    radius_m: float = 300.0,
    target: float | None = 0.5,
    reported: Areas | None = None,
    gates: Sequence[tuple[float, float]] = (),
    gate_owner: Sequence[int] = (),
    snap_m: float = SNAP_M,
) -> Inputs:
    """Inputs of one tier with one band; people are those of the parcels."""
    tier = Tier("toilet", TITLE, (Supply("toilets", radius_m),), target=target)
    policy = Policy(
        "p", "1", TITLE, TITLE, Source("d", "c", "V"), (tier,), Demand("residential_areas"), (), None,
        official=False, speed_m_s=1.2, minutes=None, snap_limit_m=snap_m, gate_search_m=30.0, text="",
    )  # fmt: skip
    net = None if lines is None else streets(lines)
    homes, found = places("h", parcels, people), places("t", facilities)
    reported = reported or Areas([], [], [], objects([]))
    land = area_units(homes, reported)
    access = None
    if net is not None:
        land = replace(land, access=_doors(homes, net, gates, gate_owner, public_only=False))
        land = with_starts(land, net, snap_m)
        access = _doors(found, net, (), (), public_only=True)
    service = service_area(found.geometry, radius_m)
    supply = TierSupply(tier, (Band("toilets", radius_m, found, service, access),), service)
    return Inputs(
        policy, reported, land, People("residential_areas", "area", None), (supply,), net, 1.2, snap_m
    )
