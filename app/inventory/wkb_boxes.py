"""The boxes of shapes in WKB, read from their bytes where they are of one part: no shape is built. Pure."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.inventory.copy_binary import Bytes, Offsets, windows

#: How the WKB of several lines that are one begins, and of several polygons that are one.
_HEADS = {struct.pack("<BIIBI", 1, 5, 1, 1, 2): 0, struct.pack("<BIIBI", 1, 6, 1, 1, 3): 4}
_HEAD, _COUNT, _VERTEX = 14, 4, 16


def boxes(wkb: Any) -> NDArray[np.float64]:
    """Least x and y, largest x and y (n, 4) of an Arrow array of WKB; NaN where there is no shape or an empty one."""
    found = np.full((len(wkb), 4), np.nan)
    _, offsets, data = wkb.buffers()
    ends = np.frombuffer(offsets, np.int32)[wkb.offset : wkb.offset + len(wkb) + 1].astype(np.int64)
    # Whatever is shorter than a line of one vertex is no line or polygon of one part.
    long = np.diff(ends) >= _HEAD + _COUNT + _VERTEX
    cells = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    rest = np.ones(len(wkb), dtype=bool)
    for head, before in _HEADS.items():
        rows = np.flatnonzero(long & rest)
        if not len(rows):
            break
        rows = rows[(windows(cells, _HEAD, ends[rows]) == np.frombuffer(head, np.uint8)).all(axis=1)]
        if len(rows):
            found[rows] = _of_lines(cells, ends[rows] + _HEAD + before)
            rest[rows] = False
    others = np.flatnonzero(rest)
    if len(others):
        part = wkb if len(others) == len(wkb) else wkb.take(others)
        found[others] = shapely.bounds(shapely.from_wkb(part.to_numpy(zero_copy_only=False)))
    return found


def _of_lines(cells: Bytes, places: Offsets) -> NDArray[np.float64]:
    """Of lines whose vertices follow their number at the places (n,); a polygon lies within its first ring."""
    count = windows(cells, _COUNT, places).view("<u4")[:, 0].astype(np.int64)
    before = np.cumsum(count) - count
    at = np.repeat(places + _COUNT - _VERTEX * before, count) + _VERTEX * np.arange(count.sum())
    xy = windows(cells, _VERTEX, at).view("<f8")
    x, y = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    low, high = np.minimum.reduceat, np.maximum.reduceat
    return np.column_stack([low(x, before), low(y, before), high(x, before), high(y, before)])
