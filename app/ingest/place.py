"""Where the rows of a chunk lie: their shapes in lon/lat by the CRS that was found, and those outside the city."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from app.ingest.detect import Detection
from app.ingest.layer import Layer
from app.ingest.outside import Outside, find_outside
from app.space.city_systems import NO_SYSTEMS, CitySystems
from app.space.transform import change_geometries, to_lonlat
from app.validation.frame import Frame

__all__ = ["Outside", "PlacedLayer", "place_layer"]


@dataclass(frozen=True, slots=True)
class PlacedLayer:
    """`geometry` (n,) in EPSG:4326 lon/lat with the heights of the file; `outside` position → why a row is refused."""

    geometry: NDArray[np.object_]
    outside: dict[int, Outside] = field(default_factory=dict)


def place_layer(
    layer: Layer, detection: Detection, frame: Frame | None = None, systems: CitySystems = NO_SYSTEMS
) -> PlacedLayer:
    """The shapes of a chunk in lon/lat; with a `frame`, rows more than 200 m outside the city told apart.

    Coordinates that the CRS cannot take come back infinite, so that only their rows are refused; rows without a shape
    or with an unreadable one are left to what checks shapes.
    """
    geometry = layer.geometry
    if not len(geometry) or shapely.is_missing(geometry).all():
        return PlacedLayer(geometry)
    if detection.swapped:
        geometry = change_geometries(geometry, lambda first, second: (second, first))
    placed = to_lonlat(geometry, detection.crs, systems)
    if frame is None:
        return PlacedLayer(placed)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(shapely.bounds(geometry)).all(axis=1))
    known[list(layer.faults)] = False
    rows = np.flatnonzero(known)
    return PlacedLayer(placed, find_outside(geometry, placed, rows, frame, detection.crs, systems))
