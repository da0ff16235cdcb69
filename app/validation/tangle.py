"""How often the outline of a shape crosses itself: repairing it costs with the square of that. Pure."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

#: Pairs of edges that meet beside their common ends: repairing a shape of so many takes a tenth of a second.
MAX_MEETINGS = 1_000
#: Edges that are looked at together: a shape made to be slow is found out by its first ones.
CHUNK = 64


def is_tangled(shape: shapely.Geometry, limit: int = MAX_MEETINGS) -> bool:
    """Whether more than `limit` pairs of edges of a shape meet elsewhere than at the end of one and start of the next.

    A star of 1,000 vertices takes GEOS 40 s to repair; this says so within milliseconds, for any shape in time
    proportional to its vertices.
    """
    edges = _edges(shape)
    if not len(edges):
        return False
    tree = shapely.STRtree(edges)
    found = 0
    for start in range(0, len(edges), CHUNK):
        part = edges[start : start + CHUNK]
        one, other = tree.query(part, predicate="intersects")
        # Neighbours share an end; the first and the last edge of a ring do so too, which is one pair a ring.
        found += int((np.abs(one + start - other) > 1).sum())
        if found > 2 * limit:
            return True
    return False


def _edges(shape: shapely.Geometry) -> NDArray[np.object_]:
    """The edges (n,) of all lines and rings of a shape, however deep, without those of no length."""
    parts = shapely.get_parts([shape])
    while (shapely.get_type_id(parts) >= shapely.GeometryType.MULTIPOINT).any():
        parts = shapely.get_parts(parts)
    types = shapely.get_type_id(parts)
    rings = shapely.get_rings(parts[types == shapely.GeometryType.POLYGON])
    lines = parts[np.isin(types, [shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING])]
    places, index = shapely.get_coordinates(np.concatenate([rings, lines]), return_index=True)
    along = (index[1:] == index[:-1]) & (places[1:] != places[:-1]).any(axis=1)
    ends = np.stack([places[:-1][along], places[1:][along]], axis=1)
    return np.asarray(shapely.linestrings(ends), dtype=object)
