"""What is computed from a batch's own geometry and fields: one stored shape, length, area, size flag, zoom. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass, GeometryKind, ZoomRule
from app.errors import BadGeometry
from app.inventory.ragged import Ragged, areas, lengths
from app.space.metric import MetricCrs

POINT, LINE, RING, POLYGON, MULTILINE, MULTIPOLYGON = 0, 1, 2, 3, 5, 6
#: The kinds of shapely type that a class of each geometry kind stores, single parts before they are made multi.
STORED: Mapping[GeometryKind, frozenset[int]] = {
    "point": frozenset({POINT}),
    "line": frozenset({LINE, RING, MULTILINE}),
    "polygon": frozenset({POLYGON, MULTIPOLYGON}),
    "mixed": frozenset({POINT, POLYGON, MULTIPOLYGON}),
}
#: A measured area further from the registered one than this share is flagged.
SIZE_TOLERANCE = 0.10


@dataclass(frozen=True, slots=True)
class Measures:
    """Computed columns of n rows: `length_m` and `area_m2` (n,) are NaN where there is none; `min_zoom` (n,)."""

    length_m: NDArray[np.float64]
    area_m2: NDArray[np.float64]
    size_flag: NDArray[np.bool_]
    min_zoom: NDArray[np.int64]


def check_shapes(cls: FeatureClass, codes: Sequence[str], geometry: NDArray[np.object_]) -> None:
    """Refuse geometries (n,) that the class does not hold.

    Raises:
        BadGeometry: A geometry is missing, empty or of another kind; the sentence names its code.
    """
    types = shapely.get_type_id(geometry)
    wrong = ~np.isin(types, list(STORED[cls.geometry])) | shapely.is_empty(geometry)
    if wrong.any():
        place = int(np.argmax(wrong))
        found = geometry[place].geom_type if geometry[place] is not None else "no geometry"
        raise BadGeometry(
            f"{cls.id} '{codes[place]}' cannot be stored: it is {found}, the class holds {cls.geometry}s.",
            "Clean the geometries before they are written.",
        )


def as_multi(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Geometries (n,) in 2-D, single lines and polygons as multi parts of one."""
    types = shapely.get_type_id(geometry)
    shapes: NDArray[np.object_] = np.array(shapely.force_2d(geometry), dtype=object)
    _promote(shapes, np.isin(types, [LINE, RING]), shapely.multilinestrings)
    _promote(shapes, types == POLYGON, shapely.multipolygons)
    return shapes


def _promote(shapes: NDArray[np.object_], mask: NDArray[np.bool_], make: Any) -> None:
    if mask.any():
        shapes[mask] = make(shapes[mask][:, np.newaxis])


def measure(
    cls: FeatureClass,
    shapes: NDArray[np.object_],
    columns: Mapping[str, Sequence[Any]],
    crs: MetricCrs,
    flat: Ragged | None = None,
) -> Measures:
    """Length (m), area (m²), size flag and zoom of shapes (n,) in lon/lat; `columns` holds what the zoom rules ask.

    `flat` are the same shapes as arrays, where they are at hand: they are measured without being made anew in metres.
    """
    count = len(shapes)
    length_m = np.full(count, np.nan)
    area_m2 = np.full(count, np.nan)
    metric = replace(flat, xy=crs.project(flat.xy)) if flat is not None and flat.offsets else None
    # What lies beyond the reach of the projection (half a world away) has no size in it.
    with np.errstate(invalid="ignore", over="ignore"):
        if cls.geometry == "line":
            length_m = shapely.length(crs.to_metric(shapes)) if metric is None else lengths(metric)
        elif cls.geometry != "point":
            area_m2 = shapely.area(crs.to_metric(shapes)) if metric is None else areas(metric)
            area_m2[shapely.get_type_id(shapes) == POINT] = np.nan
    for sizes in (length_m, area_m2):
        sizes[~np.isfinite(sizes)] = np.nan
    flag = size_flag(area_m2, columns.get("registered_area_m2"))
    return Measures(length_m, area_m2, flag, min_zoom(cls.zooms, columns, length_m, area_m2))


def size_flag(area_m2: NDArray[np.float64], registered: Sequence[float | None] | None) -> NDArray[np.bool_]:
    """True where the registered area is known and the measured one is more than 10 % of it away."""
    if registered is None:
        return np.zeros(len(area_m2), dtype=bool)
    known = np.array(registered, dtype=float)  # None is NaN
    return np.asarray(np.abs(area_m2 - known) > SIZE_TOLERANCE * known)


def rule_fields(cls: FeatureClass) -> frozenset[str]:
    """The fields that the computed columns of the class depend on."""
    asked = {name for rule in cls.zooms for name in rule.where}
    sized = {item.name for item in cls.fields if item.name == "registered_area_m2"}
    return frozenset(asked | sized)


def min_zoom(
    rules: Sequence[ZoomRule],
    columns: Mapping[str, Sequence[Any]],
    length_m: NDArray[np.float64],
    area_m2: NDArray[np.float64],
) -> NDArray[np.int64]:
    """The zoom of the first rule that holds for each row; rows under no rule get the largest zoom declared."""
    zoom = np.full(len(length_m), max((rule.zoom for rule in rules), default=0), dtype=np.int64)
    for rule in reversed(rules):
        zoom[_holds(rule, columns, length_m, area_m2)] = rule.zoom
    return zoom


def _holds(
    rule: ZoomRule,
    columns: Mapping[str, Sequence[Any]],
    length_m: NDArray[np.float64],
    area_m2: NDArray[np.float64],
) -> NDArray[np.bool_]:
    mask = np.ones(len(length_m), dtype=bool)
    for name, values in rule.where.items():
        allowed = frozenset(values)
        column = columns.get(name)
        mask &= None in allowed if column is None else np.fromiter(map(allowed.__contains__, column), bool)
    if rule.area_m2_min is not None:
        mask &= area_m2 >= rule.area_m2_min
    if rule.length_m_min is not None:
        mask &= length_m >= rule.length_m_min
    return mask
