"""Changing coordinates between reference systems, refusing every change that would silently be wrong."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from app.errors import BadInput
from app.space.gcj02 import bd09_to_wgs84, gcj02_to_wgs84

#: Datums that differ by centimetres to decimetres only: a change between them may be the identity.
SAME_DATUM_EPSG = frozenset({4326, 4490, 4480, 4979})
#: Chinese datums that PROJ and PostGIS would shift by nothing at all (really tens of metres).
UNSHIFTED_DATUMS = {4214: "Beijing 1954", 4610: "Xian 1980", 4555: "New Beijing"}
CHINESE_OFFSETS = {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}


@lru_cache(maxsize=64)
def parse_crs(definition: str, *, metric: bool = False) -> CRS:
    """The CRS that a text names (EPSG code, PROJ string or WKT).

    Raises:
    ------
    BadInput
        It is unknown, or `metric` is asked for and it is not a projected CRS in metres.
    """
    try:
        crs = CRS.from_user_input(definition)
    except CRSError as error:
        raise BadInput(
            f"The coordinate reference system '{definition}' is unknown.",
            "Give an EPSG code (EPSG:4490, EPSG:4548), gcj02, bd09, or a WKT or PROJ text.",
        ) from error
    if metric and not (crs.is_projected and crs.axis_info and crs.axis_info[0].unit_name == "metre"):
        raise BadInput(
            f"'{definition}' is not a projected coordinate reference system in metres.",
            "Name a CGCS2000 3-degree zone (EPSG:4534 to EPSG:4554) or another metric projection.",
        )
    return crs


def _geodetic_epsg(crs: CRS) -> int | None:
    base = crs.geodetic_crs
    return base.to_epsg(min_confidence=20) if base is not None else None


def _refuse_unshifted(crs: CRS, definition: str) -> None:
    name = UNSHIFTED_DATUMS.get(_geodetic_epsg(crs) or 0)
    if name is not None:
        raise BadInput(
            f"Coordinates on {name} ({definition}) cannot be changed to CGCS2000 without the local parameters: "
            "the usual software would shift them by nothing, tens of metres off.",
            "Ask the surveyor for the file in CGCS2000 (EPSG:4490 or the city's 3-degree zone).",
        )


@lru_cache(maxsize=64)
def transformer(source: str, target: str) -> Transformer:
    """A transformer between two CRS, x before y (lon, lat / east, north).

    Raises:
    ------
    BadInput
        One of them is unknown, or the change between their datums would only be a guess ("ballpark").
    """
    a, b = parse_crs(source), parse_crs(target)
    for crs, definition in ((a, source), (b, target)):
        _refuse_unshifted(crs, definition)
    same = _on_wgs84(a) and _on_wgs84(b)
    try:
        return Transformer.from_crs(a, b, always_xy=True, allow_ballpark=same)
    except ProjError as error:
        raise BadInput(
            f"No exact transformation from '{source}' to '{target}' is known.",
            "Give the file in EPSG:4326, EPSG:4490 or a projection on one of them.",
        ) from error


def _on_wgs84(crs: CRS) -> bool:
    if _geodetic_epsg(crs) in SAME_DATUM_EPSG:
        return True
    base = crs.geodetic_crs
    return base is not None and base.ellipsoid is not None and base.ellipsoid.name == "WGS 84"


def to_lonlat(geometries: NDArray[np.object_], source: str) -> NDArray[np.object_]:
    """Geometries (n,) of CRS `source` (EPSG, PROJ, WKT, `gcj02`, `bd09`) → 2-D geometries in EPSG:4326 lon/lat.

    Raises:
    ------
    BadInput
        See `transformer`.
    """
    flat = np.asarray(shapely.force_2d(geometries), dtype=object)
    coordinates = shapely.get_coordinates(flat)
    offset = CHINESE_OFFSETS.get(source.lower().replace("-", ""))
    if offset is not None:
        x, y = offset(coordinates[:, 0], coordinates[:, 1])
    else:
        x, y = transformer(source, "EPSG:4326").transform(coordinates[:, 0], coordinates[:, 1])
    return np.asarray(shapely.set_coordinates(flat, np.column_stack([x, y])), dtype=object)
