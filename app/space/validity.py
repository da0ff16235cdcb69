"""Making geometries fit to store: two-dimensional, finite, valid, of the class's kind; or saying why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from app.catalogue.model import GeometryKind
from app.space.kinds import Rows, fit_kind, take_apart

#: A polygon of less, in square degrees, encloses nothing: 1 cm² at the equator, what a rounding leaves of a line.
MIN_AREA_DEG2 = 1e-14
#: A line of less, in degrees, has no length: 0.1 mm.
MIN_LENGTH_DEG = 1e-9
POLYGONS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
LINES = (
    shapely.GeometryType.LINESTRING,
    shapely.GeometryType.LINEARRING,
    shapely.GeometryType.MULTILINESTRING,
)
#: What longitudes and latitudes can be.
LIMIT = (180.0, 90.0)
#: What lies beyond them by no more is at them: a rounding, less than a millimetre.
ROUNDING_DEG = 1e-9
#: Area or length of shapes (n,).
Size = Callable[..., Any]
_PLACE = re.compile(r"(?P<why>[^\[]*)\[(?P<x>[^ \]]+) (?P<y>[^ \]]+)\]")


@dataclass(frozen=True, slots=True)
class Repair:
    """What was wrong with a polygon that was repaired, and at which longitude and latitude (None: not said)."""

    reason: str
    at: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`geometry` (n,) with None where refused; by position: `refused` why, `repaired`, `warned` of what was left out.

    `told` counts rows by what was done to them: `collection` taken apart, `closed_line` taken as an area.
    """

    geometry: NDArray[np.object_]
    refused: dict[int, str]
    repaired: dict[int, Repair]
    warned: dict[int, str]
    told: dict[str, int] = field(default_factory=dict)


def clean(
    geometries: NDArray[np.object_],
    kind: GeometryKind,
    accept: tuple[GeometryKind, ...] = (),
    *,
    split: bool = False,
) -> Cleaned:
    """Geometries (n,) in lon/lat → storable ones of a class whose geometry is `kind`.

    Invalid polygons are repaired (`make_valid` by structure: overlapping parts become one, spikes and collapsed rings
    go). A kind in `accept` is converted: polygon or line → point on it for point classes, polygon → outline for line
    classes. `mixed` keeps points and polygons. With `split` a multipoint of several places stays one, to be split by
    the caller; else it is refused. Lines may cross themselves. Every step is one call for all rows.
    """
    rows = Rows(_flat(geometries))
    rows.refuse(shapely.is_missing(rows.shapes), "no geometry")
    rows.refuse(shapely.is_empty(rows.shapes), "empty geometry")
    _refuse_coordinates(rows)
    take_apart(rows, kind, accept)
    repaired = _repair(rows)
    _refuse_thin(rows)
    fit_kind(rows, kind, accept, split=split)
    kept = {i: repair for i, repair in repaired.items() if i not in rows.refused}
    return Cleaned(rows.shapes, rows.refused, kept, rows.warned, rows.told)


def _flat(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    # Most files are flat, and finding that out costs a tenth of making them so.
    if shapely.has_z(geometries).any() or shapely.has_m(geometries).any():
        return np.asarray(shapely.force_2d(geometries), dtype=object)
    return geometries.copy()


def _refuse_coordinates(rows: Rows) -> None:
    places = shapely.get_coordinates(rows.shapes)
    # One quick look in the usual case, which finds NaN too: it is the least and the most of all numbers.
    if not len(places) or all(
        -most <= axis.min() <= axis.max() <= most for axis, most in zip(places.T, LIMIT, strict=True)
    ):
        return
    _clip_rounding(rows)
    places, index = shapely.get_coordinates(rows.shapes, return_index=True)
    broken = ~np.isfinite(places).all(axis=1)
    outside = ~broken & ((np.abs(places[:, 0]) > 180.0) | (np.abs(places[:, 1]) > 90.0))
    rows.refuse(_rows_of(index[broken], len(rows.shapes)), "coordinates are not finite numbers")
    rows.refuse(
        _rows_of(index[outside], len(rows.shapes)), "coordinates are not longitudes and latitudes (±180, ±90)"
    )


def _clip_rounding(rows: Rows) -> None:
    """Move what a rounding has put beyond the edge of the world to the edge."""
    places = shapely.get_coordinates(rows.shapes)
    limits = np.array(LIMIT)
    beyond = np.abs(places) - limits
    near = (beyond > 0) & (beyond <= ROUNDING_DEG)
    if near.any():
        clipped = np.where(near, np.copysign(limits, places), places)
        rows.shapes[:] = shapely.set_coordinates(rows.shapes, clipped)


def _rows_of(index: NDArray[np.intp], count: int) -> NDArray[np.bool_]:
    where = np.zeros(count, dtype=bool)
    where[index] = True
    return where


def _repair(rows: Rows) -> dict[int, Repair]:
    """Make broken polygons valid in place; position → what was wrong."""
    broken = rows.of_types(POLYGONS)
    broken = broken[~shapely.is_valid(rows.shapes[broken])]
    if not len(broken):
        return {}
    reasons = shapely.is_valid_reason(rows.shapes[broken])
    rows.shapes[broken] = [_mended(shape) for shape in rows.shapes[broken]]
    lost = shapely.is_missing(rows.shapes[broken])
    for i, reason in zip(broken[lost].tolist(), reasons[lost], strict=True):
        rows.refuse_one(i, f"the polygon is invalid and cannot be repaired: {reason}")
    rows.refuse(shapely.is_empty(rows.shapes), "the polygon encloses no area")
    return {int(i): _told(str(reason)) for i, reason in zip(broken, reasons, strict=True)}


def _mended(shape: shapely.Geometry) -> shapely.Geometry | None:
    try:
        mended = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    except GEOSException:
        return None
    # What a repair leaves over of lines between its crossings has no area of its own.
    parts = shapely.get_parts(mended)
    large = shapely.area(parts) >= MIN_AREA_DEG2
    if large.all():
        return mended
    return shapely.MultiPolygon(parts[large].tolist())


def _told(reason: str) -> Repair:
    """What GEOS says is wrong, taken apart: `Self-intersection[118.5 32.1]`."""
    found = _PLACE.fullmatch(reason)
    if found is None:
        return Repair(reason, None)
    return Repair(found["why"], (float(found["x"]), float(found["y"])))


def _refuse_thin(rows: Rows) -> None:
    """Refuse polygons without area and lines without length; such parts of others are left out."""
    for types, size, least, reason in (
        (POLYGONS, shapely.area, MIN_AREA_DEG2, "the polygon encloses no area"),
        (LINES, shapely.length, MIN_LENGTH_DEG, "the line has no length"),
    ):
        at = rows.of_types(types)
        rows.refuse(_rows_of(at[size(rows.shapes[at]) < least], len(rows.shapes)), reason)
        _drop_thin_parts(rows, types[-1], size, least)


def _drop_thin_parts(rows: Rows, several: shapely.GeometryType, size: Size, least: float) -> None:
    at = rows.of_types((several,))
    parts, index = shapely.get_parts(rows.shapes[at], return_index=True)
    for i in at[np.unique(index[size(parts) < least])].tolist():
        parts = shapely.get_parts(rows.shapes[i])
        kept = parts[size(parts) >= least].tolist()
        rows.shapes[i] = type(rows.shapes[i])(kept)
        rows.warn(i, f"{len(parts) - len(kept)} of its {len(parts)} parts without size were left out")
