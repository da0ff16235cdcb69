"""The geometry that a client sent as a shape that a class stores, by the checks of an import, or why not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass
from app.errors import BadInput
from app.inventory.measure import as_multi
from app.ogc.crs import LONLAT, NamedCrs, named_crs
from app.ogc.edit_values import Fault
from app.space.transform import change_geometries, to_lonlat
from app.validation.clean import clean_rows, show_shape
from app.validation.frame import Frame
from app.validation.geojson import read_shapes
from app.validation.tangle import is_tangled

#: Vertices of one shape: what has more is loaded as a file.
MAX_VERTICES = 10_000
#: A shape whose vertices all lie so near to the stored ones, degrees, is the stored one as it was shown: GeoJSON has
#: 7 digits (1 cm).
SAME_DEG = 6e-8
GEOMETRY = "geometry"
ALLOW = "Where it is right as it is, allow_outside=true takes it."
_HINTS = {
    "no geometry": "Draw one: every feature has a place.",
    "empty geometry": "Draw one: every feature has a place.",
    "coordinates are not": "Check the coordinates, their order and the header Content-Crs.",
    "the geometry is": "Draw it as the class asks.",
    "a multipoint": "Create one feature a place.",
    "the polygon encloses": "Draw its outline anew; it is a line or a single place.",
    "the line has no": "Draw it anew; all its vertices are one place.",
    "the shape has more": "Simplify it, or load it as a file: POST /imports.",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A shape fit to store: `shape` (lon/lat, 2-D), `raw` the same as it was sent, with heights.

    `repaired` says what was wrong and was mended (reason, at, areas before and after), `warned` what to look at.
    """

    shape: shapely.Geometry
    raw: shapely.Geometry
    repaired: Mapping[str, Any] | None = None
    warned: str | None = None


def draw(cls: FeatureClass, geometry: Any, crs: NamedCrs, frame: Frame | None) -> Drawn | Fault:
    """A GeoJSON geometry in `crs` as a shape of `cls`.

    Each kind is taken only where the class stores it: what an import may convert (a polygon to the point on it) is a
    slip where one feature is drawn. Shapes farther from the city's `frame` than its margin are refused.
    """
    if geometry is None:
        return _fault("no geometry")
    found, faults = read_shapes([geometry])
    if faults:
        return _fault(faults[0])
    if shapely.get_num_coordinates(found[0]) > MAX_VERTICES:
        return _fault(f"the shape has more than {MAX_VERTICES} vertices", found[0])
    placed = to_place(found, crs)
    outside = None if frame is None else find_outside(placed, frame)
    if outside is not None:
        return Fault(GEOMETRY, show_shape(found[0]), *outside)
    if cls.geometry in {"polygon", "mixed"} and _costs_too_much(placed[0]):
        return Fault(
            GEOMETRY, show_shape(found[0]), "the outline crosses itself too often to be repaired here",
            "Draw it anew, or load it as a file: POST /imports.",
        )  # fmt: skip
    cleaned = clean_rows(placed, replace(cls, accept=(), parts="keep"), read=found)
    if 0 in cleaned.reasons:
        return _fault(cleaned.reasons[0], found[0])
    return Drawn(cleaned.geometry[0], placed[0], cleaned.repaired.get(0), cleaned.warned.get(0))


def to_place(shapes: NDArray[np.object_], crs: NamedCrs) -> NDArray[np.object_]:
    """Shapes (n,) with coordinates as `crs` orders them → lon/lat, heights kept."""
    if crs.north_first:
        shapes = change_geometries(shapes, lambda first, second: (second, first))
    return shapes if crs == LONLAT else to_lonlat(shapes, f"EPSG:{crs.srid}")


def find_outside(placed: NDArray[np.object_], frame: Frame) -> tuple[str, str] | None:
    """Why a shape (1,) in lon/lat is no part of the city, and what to do; None where it touches it."""
    box = shapely.bounds(placed)
    if not np.isfinite(box).all() or frame.touches(placed)[0]:
        return None
    lon, lat = box[:, 0] / 2 + box[:, 2] / 2, box[:, 1] / 2 + box[:, 3] / 2  # no sum too large for a number
    distance = frame.distance_km(lon, lat)[0]
    swapped = frame.holds(lat, lon)[0]
    if not np.isfinite(distance) and not swapped:
        return None  # no longitudes and latitudes: what checks shapes says so
    far = f"{distance:,.0f} km" if distance >= 10 else f"{distance:.1f} km"
    where = f"it lies {far} outside the city" if np.isfinite(distance) else "it lies nowhere on Earth"
    reason = f"{where}; likely cause: the axes are swapped" if swapped else where
    return reason, f"Check the coordinates, their order and the header Content-Crs. {ALLOW}"


def _costs_too_much(shape: shapely.Geometry) -> bool:
    return bool(
        np.isfinite(shapely.bounds(shape)).all() and not shapely.is_valid(shape) and is_tangled(shape)
    )


def _fault(reason: str, shape: shapely.Geometry | None = None) -> Fault:
    hint = next((hint for start, hint in _HINTS.items() if reason.startswith(start)), "Mend the geometry.")
    return Fault(GEOMETRY, None if shape is None else show_shape(shape), reason, hint)


def is_shown(geometry: Any, crs: NamedCrs, stored: shapely.Geometry) -> bool:
    """Whether a GeoJSON geometry in `crs` is the `stored` shape as it was shown, its coordinates rounded."""
    found, faults = read_shapes([geometry])
    if faults or geometry is None or found[0].is_empty:
        return False
    if shapely.get_num_coordinates(found[0]) != shapely.get_num_coordinates(stored):
        return False
    one, other = as_multi(np.array([to_place(found, crs)[0], stored], dtype=object))
    return bool(shapely.equals_exact(one, other, tolerance=SAME_DEG))


def body_crs(header: str | None, names: set[str | None], offered: tuple[str, ...]) -> NamedCrs:
    """The system of a body's coordinates: of the header `Content-Crs`, else of its `crs` members, else CRS84.

    The header's coordinates are ordered as its authority says, those under a `crs` member east first (GeoJSON 2008).

    Raises:
        BadInput: A system that the collection does not offer, or two of them.
    """
    named = {name for name in names if name is not None}
    if len(named) > 1 or (named and None in names):
        raise BadInput("The features name different systems.", "Send those of one system together.")
    member = None
    if named:
        found = named_crs("crs", named.pop(), offered)
        member = replace(found, north_first=False)
    if header is None:
        return member or LONLAT
    spoken = named_crs("Content-Crs", header.strip().removeprefix("<").removesuffix(">"), offered)
    if member is not None and member.srid != spoken.srid:
        raise BadInput(
            f"The header names EPSG:{spoken.srid}, the body EPSG:{member.srid}.",
            "Leave out the member 'crs'.",
        )
    return spoken
