"""Making geometries fit to store: two-dimensional, finite, valid, of the class's kind; or saying why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.model import GeometryKind

POINT, LINE, RING, POLYGON, MULTIPOINT, MULTILINE, MULTIPOLYGON, COLLECTION = range(8)
KIND_OF_TYPE = {
    POINT: "point", LINE: "line", RING: "line", POLYGON: "polygon",
    MULTIPOINT: "point", MULTILINE: "line", MULTIPOLYGON: "polygon",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Result of `clean`: `geometry` (n,) with None where refused, `reason` (n,) text or None, `repaired` (n,) bool."""

    geometry: NDArray[np.object_]
    reason: NDArray[np.object_]
    repaired: NDArray[np.bool_]


def clean(
    geometries: NDArray[np.object_], kind: GeometryKind, accept: tuple[GeometryKind, ...] = ()
) -> Cleaned:
    """Geometries (n,) in lon/lat → storable ones of a class whose geometry is `kind`.

    Invalid polygons are repaired (`make_valid`, polygon parts kept). A kind in `accept` is converted: polygon → point
    on surface for point classes, polygon → outline for line classes. `mixed` keeps points and polygons.
    """
    flat = np.asarray(shapely.force_2d(geometries), dtype=object)
    reason = np.full(len(flat), None, dtype=object)
    _refuse(reason, shapely.is_missing(flat), "no geometry")
    _refuse(reason, ~shapely.is_missing(flat) & shapely.is_empty(flat), "empty geometry")
    _refuse(reason, _unusable(flat), "coordinates are not finite longitudes and latitudes")
    repaired = _repair(flat, reason)
    _fit(flat, reason, kind, accept)
    fit = _open(reason)
    flat[~fit] = None
    return Cleaned(flat, reason, repaired & fit)


def _open(reason: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Rows not refused so far."""
    return np.fromiter((text is None for text in reason), dtype=bool, count=len(reason))


def _refuse(reason: NDArray[np.object_], where: NDArray[np.bool_], text: str) -> None:
    reason[where & _open(reason)] = text


def _unusable(flat: NDArray[np.object_]) -> NDArray[np.bool_]:
    coordinates, index = shapely.get_coordinates(flat, return_index=True)
    bad = ~np.isfinite(coordinates).all(axis=1)
    bad |= (np.abs(coordinates[:, 0]) > 180.0) | (np.abs(coordinates[:, 1]) > 90.0)
    result = np.zeros(len(flat), dtype=bool)
    result[index[bad]] = True
    return result


def _repair(flat: NDArray[np.object_], reason: NDArray[np.object_]) -> NDArray[np.bool_]:
    areal = shapely.get_dimensions(flat) == 2
    broken = areal & _open(reason) & ~shapely.is_valid(flat)
    for i in np.flatnonzero(broken):
        parts = shapely.get_parts(shapely.make_valid(flat[i]))
        parts = shapely.get_parts(parts[shapely.get_dimensions(parts) == 2])
        if len(parts) == 0:
            reason[i] = "the polygon encloses no area"
        else:
            flat[i] = shapely.multipolygons(parts) if len(parts) > 1 else parts[0]
    return np.asarray(broken)


def _fit(
    flat: NDArray[np.object_],
    reason: NDArray[np.object_],
    kind: GeometryKind,
    accept: tuple[GeometryKind, ...],
) -> None:
    open_ = _open(reason)
    types = shapely.get_type_id(flat)
    if kind in ("point", "mixed"):
        open_ &= types != POINT
    if kind == "line":
        open_ &= ~_wrap(flat, open_ & (types == LINE), shapely.multilinestrings)
    if kind in ("polygon", "mixed"):
        open_ &= ~_wrap(flat, open_ & (types == POLYGON), shapely.multipolygons)
    for i in np.flatnonzero(open_):
        found = KIND_OF_TYPE.get(int(types[i]))
        flat[i], reason[i] = _fit_one(flat[i], found, kind, accept)


def _wrap(flat: NDArray[np.object_], where: NDArray[np.bool_], collect: Any) -> NDArray[np.bool_]:
    # One call for all single parts: most rows of most files are.
    if where.any():
        flat[where] = collect(flat[where], indices=np.arange(int(where.sum())))
    return where


def _fit_one(
    geometry: shapely.Geometry, found: str | None, kind: GeometryKind, accept: tuple[GeometryKind, ...]
) -> tuple[shapely.Geometry | None, str | None]:
    if found == "point" and kind in ("point", "mixed"):
        return _single_point(geometry)
    if found == "line" and kind == "line":
        return _multi_line(geometry), None
    if found == "polygon" and kind in ("polygon", "mixed"):
        return _multi_polygon(geometry), None
    if found == "polygon" and "polygon" in accept:
        return _convert_polygon(geometry, kind), None
    return None, f"the geometry is a {found or 'collection'}, this class holds {kind}s"


def _single_point(geometry: shapely.Geometry) -> tuple[shapely.Geometry | None, str | None]:
    parts = shapely.get_parts(geometry)
    if len(parts) != 1:
        return None, f"a multipoint of {len(parts)} places, this class holds one point a feature"
    return parts[0], None


def _multi_line(geometry: shapely.Geometry) -> shapely.Geometry:
    parts = [shapely.LineString(part.coords) for part in shapely.get_parts(geometry)]
    return shapely.MultiLineString(parts)


def _multi_polygon(geometry: shapely.Geometry) -> shapely.Geometry:
    return shapely.MultiPolygon(list(shapely.get_parts(geometry)))


def _convert_polygon(geometry: shapely.Geometry, kind: GeometryKind) -> shapely.Geometry:
    if kind == "line":
        return _multi_line(shapely.boundary(geometry))
    return shapely.point_on_surface(geometry)
