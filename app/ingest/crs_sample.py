"""A sample of a layer's places, on which its CRS is found: the rows of its first chunk that have one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.ingest.layer import Extent, Layer, LayerSource

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """`x`, `y` (n,) the middle of n rows' shapes as they stand in the file, `boxes` (n, 4) their bounds.

    `index` (n,) their positions in `chunk`, the first of `source` that has places.
    """

    chunk: Layer
    index: NDArray[np.intp]
    boxes: Array
    source: LayerSource

    @property
    def bounds(self) -> Extent | None:
        """Those of the whole layer, which must have been read for it."""
        return self.source.bounds

    @property
    def x(self) -> Array:
        """The middle of each box, first axis."""
        return np.asarray(self.boxes[:, 0] / 2 + self.boxes[:, 2] / 2)

    @property
    def y(self) -> Array:
        """The middle of each box, second axis."""
        return np.asarray(self.boxes[:, 1] / 2 + self.boxes[:, 3] / 2)

    def __len__(self) -> int:
        """The number of rows that have a place."""
        return len(self.boxes)

    @property
    def example(self) -> str:
        """The first place, for people."""
        return f"for example {self.boxes[0, 0]:.9g}, {self.boxes[0, 1]:.9g}"


def take_sample(source: LayerSource) -> Sample | None:
    """The rows of the first chunk that has places; None where the layer has none."""
    for chunk in source.chunks():
        boxes = shapely.bounds(chunk.geometry) if len(chunk.geometry) else np.empty((0, 4))
        index = np.flatnonzero(np.isfinite(boxes).all(axis=1))
        if len(index):
            return Sample(chunk, index, boxes[index], source)
    return None
