"""From what a city declares of its system to exact transformations, with errors that quote none of it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.crs import BoundCRS
from pyproj.crs.coordinate_operation import ToWGS84Transformation
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError, ProjError

from app.errors import BadDeclaration
from app.space.datums import horizontal, old_datum, on_wgs84

Array = NDArray[np.float64]
#: Translations in metres, rotations in arc seconds, scale in parts per million, to WGS 84 / CGCS2000.
HELMERT = ("dx", "dy", "dz", "rx", "ry", "rz", "scale")
CONVENTIONS = ("position_vector", "coordinate_frame")
_OPTIONAL_GRID = re.compile(r"grids\s*=\s*\S*@|grids\s*=\s*null\b")
_NO_SHIFT = re.compile(r"towgs84\s*=\s*(?:[+-]?0*\.?0*,?)+(?=\s|$)")
_HOW = "docs/crs.md says how a city declares its own system."


class Steps:
    """Both directions between a system's east, north (m) and lon/lat (degrees on CGCS2000); its text tells nothing."""

    __slots__ = ("_transformer",)

    def __init__(self, transformer: Transformer) -> None:
        self._transformer = transformer

    def to_lonlat(self, east: Array, north: Array) -> tuple[Array, Array]:
        """East, north (n,) → lon, lat (n,); infinite where the system does not reach."""
        lon, lat = self._transformer.transform(east, north)
        return lon, lat

    def from_lonlat(self, lon: Array, lat: Array) -> tuple[Array, Array]:
        """Lon, lat (n,) → east, north (n,); infinite where the system does not reach."""
        east, north = self._transformer.transform(lon, lat, direction=TransformDirection.INVERSE)
        return east, north

    def __repr__(self) -> str:
        return "<steps>"


def make_steps(definition: str, parameters: Any, place: str) -> Steps:
    """The transformations of a declared system; `place` begins the sentence of an error.

    `definition`: PROJ text, WKT or EPSG code of a projected system, or a PROJ pipeline from east, north (m) to lon, lat
    (degrees). `parameters`: the seven of `HELMERT` and a `convention`, where the definition itself holds none.

    Raises:
    ------
    BadDeclaration
        It is unknown, has no or no usable parameters where its datum needs them, or does not lead back to where it
        starts.
    """
    if _OPTIONAL_GRID.search(definition):
        raise BadDeclaration(
            f"{place} names a grid that PROJ may leave out without a word.", "Leave out the @."
        )
    steps = (
        _pipeline(definition) if "+proj=pipeline" in definition else _by_crs(definition, parameters, place)
    )
    if steps is None or not _leads_back(steps, fine="grids" in definition):
        raise BadDeclaration(
            f"{place} has a definition that PROJ cannot use, or not in both directions.", _HOW
        )
    return steps


def _pipeline(definition: str) -> Steps | None:
    try:
        return Steps(Transformer.from_pipeline(definition))
    except ProjError:
        return None


def _by_crs(definition: str, parameters: Any, place: str) -> Steps | None:
    crs = _read(definition)
    flat = None if crs is None else horizontal(crs)
    if flat is None or flat.is_geographic:
        return None
    if parameters is not None:
        flat = _bind(flat, _seven(parameters, place), parameters.get("convention"))
    elif _needs_parameters(flat, definition):
        raise BadDeclaration(
            f"{place} is not on CGCS2000 or WGS 84 and has no datum parameters: it would be tens of metres off.",
            "Give +towgs84=… or +nadgrids=… in the definition, or `parameters` with "
            f"{', '.join(HELMERT)} and `convention`.",
        )
    return None if flat is None else _between(flat)


def _read(definition: str) -> CRS | None:
    try:
        return CRS.from_user_input(definition)
    except CRSError:
        return None


def _needs_parameters(crs: CRS, definition: str) -> bool:
    if crs.is_bound:
        return _NO_SHIFT.search(definition) is not None and not on_wgs84(_source(crs))
    return old_datum(crs) is not None or not on_wgs84(crs)


def _source(crs: CRS) -> CRS:
    return crs.source_crs if crs.source_crs is not None else crs


def _seven(parameters: Any, place: str) -> list[float]:
    """The seven numbers in the order of PROJ, rotations as position vector."""
    given = parameters if isinstance(parameters, dict) else {}
    numbers = [given.get(name) for name in HELMERT]
    good = all(isinstance(value, int | float) and abs(value) < 1e6 for value in numbers)
    if not good or set(given) != {*HELMERT, "convention"} or given["convention"] not in CONVENTIONS:
        raise BadDeclaration(
            f"{place} has `parameters` that are not the numbers {', '.join(HELMERT)} and a `convention`.",
            f"Metres, arc seconds, parts per million; `convention` is {' or '.join(CONVENTIONS)}.",
        )
    return [float(value) for value in numbers if value is not None]


def _bind(crs: CRS, seven: list[float], convention: Any) -> CRS | None:
    source = _source(crs) if crs.is_bound else crs
    if source.geodetic_crs is None:
        return None
    turned = [-value for value in seven[3:6]] if convention == "coordinate_frame" else seven[3:6]
    values = [*seven[:3], *turned, seven[6]]
    try:
        return BoundCRS(source, "EPSG:4326", ToWGS84Transformation(source.geodetic_crs, *values))
    except CRSError:
        return None


def _between(crs: CRS) -> Steps | None:
    # A datum that is WGS 84 or CGCS2000, or its ellipsoid alone, is one with lon/lat here: that is no guess.
    same = not crs.is_bound and on_wgs84(crs)
    try:
        return Steps(Transformer.from_crs(crs, "EPSG:4326", always_xy=True, allow_ballpark=same))
    except ProjError:
        return None


def _leads_back(steps: Steps, *, fine: bool) -> bool:
    """Somewhere on land degrees lead to metres and back to within a millimetre; `fine` finds a grid of one city."""
    step = 0.25 if fine else 3.0
    lon, lat = (
        grid.ravel() for grid in np.meshgrid(np.arange(-178.6, 180, step), np.arange(-54.4, 72, step))
    )
    east, north = steps.from_lonlat(lon, lat)
    back_lon, back_lat = steps.to_lonlat(east, north)
    found = np.isfinite(east) & np.isfinite(north) & (np.hypot(east, north) > 1e3)
    error = np.maximum(np.abs(back_lon - lon), np.abs(back_lat - lat))
    return bool((error[found] < 1e-8).any())
