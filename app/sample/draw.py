"""Drawing on arrays: quadrilaterals, insets, rings and lines, all in metres."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Shapes: TypeAlias = NDArray[np.object_]
Place: TypeAlias = Floats | float


def polygons(rings: Floats) -> Shapes:
    """Rings (n, k, 2) of k corners, open → n polygons."""
    return np.asarray(shapely.polygons(np.concatenate([rings, rings[:, :1]], axis=1)), dtype=object)


def points(xy: Floats) -> Shapes:
    """Places (n, 2) → n points."""
    return np.asarray(shapely.points(xy), dtype=object)


def segments(start: Floats, end: Floats) -> Shapes:
    """Starts (n, 2) and ends (n, 2) → n straight lines."""
    return np.asarray(shapely.linestrings(np.stack([start, end], axis=1)), dtype=object)


def inset(quads: Floats, by: Floats) -> Floats:
    """Counter-clockwise quads (n, 4, 2) with side k (corner k to k + 1) moved inwards by `by` (n, 4) metres."""
    along = np.roll(quads, -1, axis=1) - quads
    along /= np.linalg.norm(along, axis=2, keepdims=True)
    inwards = np.stack([-along[..., 1], along[..., 0]], axis=2)
    origin = quads + inwards * by[..., None]
    before, before_along = np.roll(origin, 1, axis=1), np.roll(along, 1, axis=1)
    gap = origin - before
    cross = before_along[..., 0] * along[..., 1] - before_along[..., 1] * along[..., 0]
    t = (gap[..., 0] * along[..., 1] - gap[..., 1] * along[..., 0]) / cross
    return before + before_along * t[..., None]


def signed_area(quads: Floats) -> Floats:
    """Signed areas (n,) in m² of rings (n, k, 2); counter-clockwise is positive."""
    x, y = quads[..., 0], quads[..., 1]
    return np.asarray(0.5 * np.sum(x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y, axis=1))


def within(quads: Floats, a: Floats, b: Floats) -> Floats:
    """Points (n, …, 2) at local places a, b in 0-1 (each (n, …)) of quads (n, 4, 2), by bilinear mapping."""
    shape = (len(quads),) + (1,) * (a.ndim - 1)
    p = [quads[:, k].reshape(*shape, 2) for k in range(4)]
    a, b = a[..., None], b[..., None]
    return np.asarray((1 - a) * (1 - b) * p[0] + a * (1 - b) * p[1] + a * b * p[2] + (1 - a) * b * p[3])


def part(quads: Floats, a0: Place, a1: Place, b0: Place, b1: Place) -> Floats:
    """The parts (n, 4, 2) of quads between local places a0-a1 and b0-b1 (each (n,) or a number)."""
    n = len(quads)
    a = np.stack([np.broadcast_to(x, n) for x in (a0, a1, a1, a0)], axis=1)
    b = np.stack([np.broadcast_to(x, n) for x in (b0, b0, b1, b1)], axis=1)
    return within(quads, a, b)


def sides(quads: Floats) -> Floats:
    """Lengths (n, k) in metres of the sides of rings (n, k, 2)."""
    return np.asarray(np.linalg.norm(np.roll(quads, -1, axis=1) - quads, axis=2))


def rounded(shapes: Shapes, radius: float) -> Shapes:
    """Polygons with their corners rounded inwards by `radius` metres."""
    return np.asarray(shapely.buffer(shapely.buffer(shapes, -radius), radius, quad_segs=3), dtype=object)


def scaled(shapes: Shapes, factor: Floats | float) -> Shapes:
    """Polygons scaled about their centroids; areas change by factor²."""
    centre = shapely.get_coordinates(shapely.centroid(shapes))
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    factors = np.broadcast_to(factor, len(shapes))[index][:, None]
    moved = centre[index] + (coordinates - centre[index]) * factors
    return np.asarray(shapely.set_coordinates(shapes.copy(), moved), dtype=object)


def blobs(centre: Floats, radius: Floats, wobble: Floats, turn: Floats, corners: int = 28) -> Floats:
    """Smooth closed rings (n, corners, 2): mean radius (n,), relative wobble (n, 3), turned by `turn` (n,) radians."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    waves = np.stack([np.cos((k + 2) * angle) for k in range(wobble.shape[1])])
    length = radius[:, None] * (1 + wobble @ waves)
    turned = angle[None, :] + turn[:, None]
    ring: Floats = centre[:, None, :] + np.stack([length * np.cos(turned), length * np.sin(turned)], axis=2)
    return ring


def to_mm(points: Floats) -> Floats:
    """Coordinates rounded to a millimetre, so that points drawn twice are equal."""
    return np.round(points, 3)
