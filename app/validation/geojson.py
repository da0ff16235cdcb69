"""Geometry objects of GeoJSON (RFC 7946 §3.1) as shapes, each by itself, or why one cannot be read. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray

GEOMETRY_TYPES = frozenset(
    {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"}
)
#: GEOS's own reader recurses; nothing that is really a map nests deeper.
MAX_DEPTH = 64


def read_shapes(shapes: list[Any]) -> tuple[NDArray[np.object_], dict[int, str]]:
    """Geometries (n,) with None where unreadable, and position → the reason; a null geometry has none."""
    texts = np.full(len(shapes), None, dtype=object)
    faults: dict[int, str] = {}
    for i, shape in enumerate(shapes):
        if shape is not None:
            texts[i] = _geometry_text(shape)
    geometry = np.asarray(shapely.from_geojson(texts, on_invalid="ignore"), dtype=object)
    for i in np.flatnonzero(shapely.is_missing(geometry)).tolist():
        if shapes[i] is not None:
            faults[i] = _explain(shapes[i])
    return geometry, faults


def _geometry_text(shape: Any) -> str | None:
    if not isinstance(shape, dict) or shape.get("type") not in GEOMETRY_TYPES or _depth(shape) > MAX_DEPTH:
        return None
    try:
        return orjson.dumps(shape).decode()
    except (TypeError, ValueError):
        return None


def _depth(shape: dict[str, Any]) -> int:
    depth, inner = 0, shape.get("geometries") or shape.get("coordinates")
    while isinstance(inner, list) and inner:
        depth, inner = depth + 1, inner[0]
        if isinstance(inner, dict):
            inner = inner.get("geometries") or inner.get("coordinates")
    return depth


def _explain(shape: Any) -> str:
    """Why GEOS cannot read the geometry, as a person would say it."""
    if not isinstance(shape, dict) or shape.get("type") not in GEOMETRY_TYPES:
        return "the geometry has no known type"
    kind, coordinates = shape["type"], shape.get("coordinates")
    if kind == "GeometryCollection":
        return "the geometry collection cannot be read"
    if not isinstance(coordinates, list):
        return "the geometry has no coordinates"
    wrong = next((v for v in _leaves(coordinates) if not is_coordinate(v)), None)
    if wrong is not None:
        return f"a coordinate is not a number ({str(wrong)[:40]!r})"
    if kind in ("Polygon", "MultiPolygon"):
        parts = [coordinates] if kind == "Polygon" else coordinates
        return _explain_rings(
            [ring for part in parts for ring in (part if isinstance(part, list) else [part])]
        )
    return f"the coordinates make no {kind}"


def _leaves(value: Any) -> Iterator[Any]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(reversed(item))
        else:
            yield "null" if item is None else item


def is_coordinate(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _explain_rings(rings: list[Any]) -> str:
    for number, ring in enumerate(rings, start=1):
        if not isinstance(ring, list) or len(ring) < 4:
            return f"ring {number} has fewer than 4 positions"
        if ring[0] != ring[-1]:
            return f"ring {number} is not closed: its first and last position differ"
    return "the coordinates make no polygon"
