"""Geometries of a filter in lon/lat: axes in order, transformed once, made valid before the database sees them."""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from app.errors import BadInput
from app.ogc.cql2.tree import Box, Shape
from app.ogc.crs import NamedCrs
from app.space.served_crs import served_crs
from app.space.transform import to_lonlat

#: A side of a projected box is cut into this many pieces before it is bent into degrees.
_PIECES = 32
#: Degrees east and north beyond which nothing was meant as longitude and latitude; a map's extent may pass the edge.
_FARTHEST = (360.0, 180.0)
_WORLD = np.array([180.0, 90.0])
#: Metres of the web map at 180°.
_WEB_EDGE = math.pi * 6_378_137.0
_HINT = "Coordinates follow filter-crs in its own order of axes; without it they are longitude, latitude."


def place_shape(shape: Shape, crs: NamedCrs) -> shapely.Geometry:
    """A geometry of the filter in lon/lat, valid; a collection as one geometry of one dimension where it can be.

    Raises:
        BadInput: It encloses nothing, or its coordinates are none of the CRS.
    """
    ordered = _swapped(shape.geometry) if crs.north_first else shape.geometry
    return _one(_valid(_to_lonlat(ordered, crs)))


def place_box(box: Box, crs: NamedCrs) -> shapely.Geometry:
    """A BBOX in lon/lat: two boxes where it crosses 180°, a line or point where it has no width; heights do not count.

    Raises:
        BadInput: Its ends are swapped, or its coordinates are none of the CRS.
    """
    half = len(box.numbers) // 2
    low, high = list(box.numbers[:2]), list(box.numbers[half : half + 2])
    if crs.north_first:
        low.reverse()
        high.reverse()
    (west, south), (east, north) = low, high
    if south > north:
        raise BadInput("A BBOX of the filter has its south above its north.", _HINT)
    served = served_crs(crs.srid)
    if served.wraps and not served.stored:
        west, south, east, north = _corners(west, south, east, north, crs)
    elif not served.wraps:
        return _valid(_to_lonlat(_bent(west, south, east, north), crs))
    _check_on_earth(np.array([(west, south), (east, north)]))
    if west <= east:
        return _box(west, south, east, north)
    if west > 180 or east < -180:
        raise BadInput("A BBOX of the filter has its west beyond its east.", _HINT)
    return shapely.union_all([_box(west, south, 180.0, north), _box(-180.0, south, east, north)])


def _corners(west: float, south: float, east: float, north: float, crs: NamedCrs) -> tuple[float, ...]:
    """A box of the web map, whose sides are meridians and parallels: of a wider view what is in the world."""
    if west <= east:
        west, east = min(max(west, -_WEB_EDGE), _WEB_EDGE), max(min(east, _WEB_EDGE), -_WEB_EDGE)
    ends = _to_lonlat(shapely.MultiPoint([(west, south), (east, north)]), crs)
    return tuple(shapely.get_coordinates(ends).ravel().tolist())


def _bent(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    if west > east:
        raise BadInput("A BBOX of the filter has its west beyond its east.", _HINT)
    side = max(east - west, north - south)
    box = _box(west, south, east, north)
    return shapely.segmentize(box, side / _PIECES) if side > 0 else box


def _box(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _swapped(geometry: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(geometry, lambda places: places[:, ::-1])


def _to_lonlat(geometry: shapely.Geometry, crs: NamedCrs) -> shapely.Geometry:
    given = np.empty(1, dtype=object)
    given[0] = geometry
    placed: shapely.Geometry = to_lonlat(given, f"EPSG:{crs.srid}")[0]
    _check_on_earth(shapely.get_coordinates(placed))
    return placed


def _check_on_earth(places: NDArray[np.float64]) -> None:
    """Raise BadInput for places (n, 2) that are no longitudes and latitudes (19-079r2, filter-crs-wgs84).

    What lies wholly beyond a pole has its axes swapped: that is how it happens in most of Asia.
    """
    if not (np.abs(places) <= _FARTHEST).all():
        raise BadInput("A geometry of the filter lies outside its reference system.", _HINT)
    if (places.min(axis=0) > _WORLD).any() or (places.max(axis=0) < -_WORLD).any():
        raise BadInput("A geometry of the filter lies outside the world: its axes may be swapped.", _HINT)


def _valid(geometry: shapely.Geometry) -> shapely.Geometry:
    """The geometry if it is valid, else what it encloses and draws."""
    if shapely.is_valid(geometry):
        return geometry
    try:
        mended = shapely.make_valid(geometry, method="structure", keep_collapsed=True)
    except GEOSException:
        mended = None
    if mended is None or shapely.is_empty(mended):
        raise BadInput("A geometry of the filter is invalid and cannot be repaired.", _HINT)
    return mended


def _one(geometry: shapely.Geometry) -> shapely.Geometry:
    """A collection as one geometry: what lies within a larger part of it goes into that one."""
    if shapely.get_type_id(geometry) != shapely.GeometryType.GEOMETRYCOLLECTION:
        return geometry
    parts = shapely.get_parts(geometry)
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)
