"""How well areas of one level cover a ground: what they leave out, and what two of them claim. Pure, on arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from app.space.metric import MetricCrs

#: Slivers smaller than this are what bending and rounding leave between drawn borders (m²).
SLIVER_M2 = 1.0

Size = Callable[[NDArray[np.object_]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Cover:
    """What areas leave out of a ground and claim twice: m² and pieces, slivers left aside."""

    ground_m2: float
    uncovered_m2: float
    uncovered_parts: int
    overlap_m2: float
    overlaps: int

    def as_dict(self) -> dict[str, float | int]:
        """As plain values, m² rounded."""
        return {
            "ground_m2": round(self.ground_m2, 2),
            "uncovered_m2": round(self.uncovered_m2, 2),
            "uncovered_parts": self.uncovered_parts,
            "overlap_m2": round(self.overlap_m2, 2),
            "overlaps": self.overlaps,
        }


def measure(crs: MetricCrs) -> Size:
    """Areas (m²) in the city's metric CRS of shapes in lon/lat; borders are cut before, where areas share them."""
    return lambda shapes: np.asarray(shapely.area(crs.to_metric(shapes)))


def cover(ground: Any, shapes: NDArray[np.object_], crs: MetricCrs) -> Cover:
    """How areas (n,) in lon/lat cover a ground in lon/lat."""
    size = measure(crs)
    unite = shapely.coverage_union_all if _matching(shapes) else shapely.union_all
    left = shapely.difference(ground, unite(shapes)) if len(shapes) else ground
    pieces = size(shapely.get_parts(left))
    pieces = pieces[pieces > SLIVER_M2]
    _, _, shared = overlaps(shapes, size)
    whole = size(np.array([ground, None], dtype=object)[:-1])[0]
    return Cover(float(whole), float(pieces.sum()), len(pieces), float(shared.sum()), len(shared))


def _matching(shapes: NDArray[np.object_]) -> bool:
    """Whether borders match corner by corner, so that no ground is shared: one look instead of all pairs."""
    return len(shapes) > 0 and bool(shapely.coverage_is_valid(shapes))


def overlaps(
    shapes: NDArray[np.object_], size: Size
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of areas (first, second) that share more than a sliver, with the shared m²."""
    if _matching(shapes):
        none = np.empty(0, dtype=np.int64)
        return none, none, np.empty(0)
    tree = shapely.STRtree(shapes)
    # `overlaps` leaves out neighbours that only share a border, and areas inside others: those are asked for too.
    found = [tree.query(shapes, predicate=name) for name in ("overlaps", "covers")]
    pairs = np.unique(np.sort(np.hstack(found), axis=0), axis=1)
    one, other = pairs[0], pairs[1]
    one, other = one[pairs[0] != pairs[1]], other[pairs[0] != pairs[1]]
    shared = size(shapely.intersection(shapes[one], shapes[other]))
    large = shared > SLIVER_M2
    return one[large], other[large], shared[large]
