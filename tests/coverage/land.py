"""Drawn towns and areas in few words, and what is left unserved of lattice pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from app.coverage import drawn
from app.coverage.lattice import Pieces
from app.coverage.model import Areas, Inputs
from app.coverage.straight import ServiceArea, uncovered_part


def areas(level: str, **boxes: Any) -> Areas:
    """Areas of one level by code."""
    names = [f"{code}区" for code in boxes]
    return Areas(list(boxes), names, [level] * len(boxes), drawn.objects(list(boxes.values())))


def town(
    parcels: Sequence[Any],
    people: Sequence[float],
    facilities: Sequence[Any],
    lines: Sequence[Any] | None,
    *,
    target: float | None = 0.5,
    reported: Areas = drawn.NOWHERE,
    gates: Sequence[drawn.Gate] = (),
) -> Inputs:
    """A drawn town with a radius of 300 m; streets are given by their coordinates."""
    streets = None if lines is None else [shapely.LineString(line) for line in lines]
    return drawn.town(
        parcels, facilities, 300.0, people=people, streets=streets, gates=gates, areas=reported, target=target
    )


def unserved(pieces: Pieces, walked_m: np.ndarray, radius_m: float, service: ServiceArea) -> np.ndarray:
    """(p,) pieces beyond the radius, and of the others what no straight line serves."""
    rest = pieces.geometry.copy()
    near = walked_m <= radius_m
    rest[near] = uncovered_part(rest[near], service)
    return rest


def served_m2(pieces: Pieces, walked_m: np.ndarray, radius_m: float, service: ServiceArea) -> np.ndarray:
    """(p,) m² of each piece that is served."""
    return pieces.area_m2 - shapely.area(unserved(pieces, walked_m, radius_m, service))
