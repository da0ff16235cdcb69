"""Cleaning the shapes of one class, with what the report says about each: refused why, repaired by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from app.catalogue.model import FeatureClass
from app.space.validity import clean

#: One shape with more vertices than this is refused: the database could be kept busy by it for hours.
MAX_VERTICES = 1_000_000
#: Sizes in a report need no city's CRS: they are measured on the ellipsoid (WGS84).
GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class CleanRows:
    """`geometry` (n,) storable or None; `reasons` position → why refused; `repaired` position → areas before, after."""

    geometry: NDArray[np.object_]
    reasons: dict[int, str]
    repaired: dict[int, dict[str, Any]]


def clean_rows(geometry: NDArray[np.object_], cls: FeatureClass, known: set[int] | None = None) -> CleanRows:
    """Shapes (n,) in lon/lat → shapes that `cls` stores. Positions in `known` are refused already and stay None."""
    known = known or set()
    huge = np.flatnonzero(shapely.get_num_coordinates(geometry) > MAX_VERTICES)
    reasons = {int(i): f"the shape has more than {MAX_VERTICES} vertices" for i in huge}
    given = geometry.copy()
    given[huge] = None
    result = clean(given, cls.geometry, cls.accept)
    for i, reason in enumerate(result.reason):
        if reason is not None and i not in known:
            reasons.setdefault(i, str(reason))
    repaired = {
        i: {"area_before_m2": _area_m2(given[i]), "area_after_m2": _area_m2(result.geometry[i])}
        for i in np.flatnonzero(result.repaired).tolist()
        if i not in reasons
    }
    return CleanRows(result.geometry, reasons, repaired)


def shape_hint(reason: str) -> str:
    """What to do about a shape refused for `reason`."""
    for start, hint in _HINTS.items():
        if reason.startswith(start):
            return hint
    return "Mend the geometry and import the row again."


_HINTS = {
    "no geometry": "Give the row a geometry and import it again.",
    "empty geometry": "Give the row a geometry and import it again.",
    "coordinates are not": "Check the coordinates, their order (east first) and the CRS.",
    "the geometry is a": "Draw it as the class asks, or name another class with --class.",
    "a multipoint": "Split it into one row a place.",
}


def _area_m2(geometry: Any) -> float:
    area, _ = GEOD.geometry_area_perimeter(shapely.force_2d(geometry))
    return round(abs(float(area)), 1)
