"""Heights in the coordinates of a file: taken for the fields that a class names for them, else dropped with a word."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass
from app.validation.clean import HIGHEST, LOWEST


def take_heights(
    geometry: NDArray[np.object_], columns: dict[str, list[Any]], cls: FeatureClass
) -> Counter[str]:
    """Fill the height fields of `cls` in `columns` (field → n values) where a row has none, from the Z of its shape.

    `geometry` (n,) are the shapes as they were read, before a change of CRS, which drops Z. Z is in metres: that of a
    point, of the first and of the last vertex of a line. A Z of exactly 0 is how files are padded that know no heights,
    so it is unknown. What is told is to be added up for `clean.shape_notes`.
    """
    told: Counter[str] = Counter()
    told["m_dropped"] = int(shapely.has_m(geometry).sum())
    high = np.flatnonzero(shapely.has_z(geometry))
    if not len(high):
        return told
    ends = _ends(geometry[high], len(cls.z))
    known = np.isfinite(ends) & (ends != 0)
    strange = known & ((ends < LOWEST) | (ends > HIGHEST))
    taken = np.zeros(len(high), dtype=bool)
    for number, name in enumerate(cls.z):
        usable = known[:, number] & ~strange[:, number]
        if usable.any():
            taken |= usable & _fill(columns, name, high, ends[:, number], usable, len(geometry))
    told["z_taken"] = int(taken.sum())
    told["z_strange"] = int((strange.any(axis=1) & ~taken).sum())
    told["z_dropped"] = len(high) - told["z_strange"] - told["z_taken"]
    return told


def _ends(shapes: NDArray[np.object_], count: int) -> NDArray[np.float64]:
    """Z (n, count) of the first vertex, and of the last where two are asked for; NaN where the shape does not fit."""
    dimensions = shapely.get_dimensions(shapes)
    places, index = shapely.get_coordinates(shapes, include_z=True, return_index=True)
    numbers = np.arange(len(shapes))
    first = np.searchsorted(index, numbers, side="left")
    last = np.searchsorted(index, numbers, side="right") - 1
    ends = np.full((len(shapes), count), np.nan)
    # One height is that of one place, two are those of the ends of one line.
    fits = (
        (last >= first) & (shapely.get_num_geometries(shapes) == 1) & (dimensions == (1 if count == 2 else 0))
    )
    for number, at in enumerate((first, last)[:count]):
        ends[fits, number] = places[at[fits], 2]
    return ends


def _fill(
    columns: dict[str, list[Any]],
    name: str,
    at: NDArray[np.intp],
    heights: NDArray[np.float64],
    usable: NDArray[np.bool_],
    count: int,
) -> NDArray[np.bool_]:
    """Fill one column where it is empty; which of the heights were taken."""
    column = columns.setdefault(name, [None] * count)
    taken = np.zeros(len(at), dtype=bool)
    for k in np.flatnonzero(usable).tolist():
        if column[at[k]] is None:
            column[at[k]] = round(float(heights[k]), 4)
            taken[k] = True
    return taken
