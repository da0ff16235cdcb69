"""Where the coordinates of a layer lie: the CRS it names or is given, and what to say where neither is there."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from app.errors import BadInput
from app.ingest.layer import Layer
from app.space.transform import to_lonlat

LONLAT = "EPSG:4326"
#: A file without a CRS is taken as lon/lat only if it spans no more than a province does.
MAX_SPAN_DEG = 20.0


def place_layer(layer: Layer, crs: str | None) -> tuple[NDArray[np.object_], str]:
    """The layer's geometries (n,) in EPSG:4326 lon/lat, and the CRS they came from.

    `crs` given by the user counts before the file's own. Coordinates that a projection cannot take come back infinite,
    so that only their rows are refused.

    Raises:
        BadInput: No CRS is known and the coordinates are not plausibly longitudes and latitudes, most of
            them lie outside what
            lon/lat can be, or the CRS itself cannot be used.
    """
    known = crs or layer.crs
    boxes = shapely.bounds(layer.geometry)
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    if known is None:
        _require_plausible(layer, boxes)
        known = LONLAT
    elif known in (LONLAT, "EPSG:4490") and len(boxes) and not _in_range(boxes):
        raise BadInput(
            f"Most coordinates of '{layer.name}' are no longitudes and latitudes ({_sample(boxes)}), though the file "
            f"says {known}.",
            candidates(boxes),
        )
    if len(boxes) == 0:
        return layer.geometry, known
    return to_lonlat(layer.geometry, known), known


def _require_plausible(layer: Layer, boxes: NDArray[np.float64]) -> None:
    if len(boxes) == 0:
        return
    spans = boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0)
    at_origin = bool((np.abs(boxes) < 1.0).all(axis=1).any())
    if _in_range(boxes) and (spans <= MAX_SPAN_DEG).all() and not at_origin:
        return
    raise BadInput(f"'{layer.name}' names no CRS, and none is guessed ({_sample(boxes)}).", candidates(boxes))


def _in_range(boxes: NDArray[np.float64]) -> bool:
    """At least half of the rows lie within ±180° and ±90°."""
    limit = np.array([180.0, 90.0, 180.0, 90.0])
    return bool((np.abs(boxes) <= limit).all(axis=1).mean() >= 0.5)


def _sample(boxes: NDArray[np.float64]) -> str:
    return f"for example {boxes[0, 0]:.6g}, {boxes[0, 1]:.6g}"


def candidates(boxes: NDArray[np.float64]) -> str:
    """The hint for coordinates (n, 4) without a CRS: which CRSs they could be in, by their size."""
    x, y = np.median(np.abs(boxes[:, 0])), np.median(np.abs(boxes[:, 1]))
    start = "Name it with --crs. Candidates: "
    if 2e6 <= x < 6e6 and (y < 1e6 or y >= 1.3e7):
        return start + "the axes look swapped (X is north in Chinese surveys); save the file with east first."
    if 2.5e7 <= x < 4.6e7:
        zone = int(x // 1e6)
        return start + f"EPSG:{4513 + zone - 25} (CGCS2000, 3-degree zone {zone})."
    if 1.3e7 <= x < 2.4e7 and y < 6e6:
        zone = int(x // 1e6)
        return start + f"EPSG:{4491 + zone - 13} (CGCS2000, 6-degree zone {zone})."
    if 1e5 <= x < 1e6 and y < 1e7:
        return start + "EPSG:4534 to EPSG:4554 (CGCS2000, 3-degree, by meridian), or UTM (EPSG:32601-32760)."
    if x <= 180 and y <= 90:
        return start + "EPSG:4326 or EPSG:4490 (longitude, latitude), gcj02, bd09, or a local system's WKT."
    return start + "EPSG:3857 (web map), EPSG:4513 to EPSG:4554 (CGCS2000), or a local system's WKT."
