"""What the table readers hand on: the rows of one layer, as they stand in the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Extent = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Layer:
    """Rows of one layer before anything is understood.

    `rows` (n,) row numbers in the file; `geometry` (n,) shapely geometries in `crs` or None; `columns` heading → n raw
    values; `crs` as the file names it, None where it names none; `faults` position → why its geometry cannot be read;
    `skipped` says why the whole layer is left out (then it has no rows).
    """

    name: str
    rows: list[int]
    geometry: NDArray[np.object_]
    columns: dict[str, list[Any]]
    crs: str | None
    faults: dict[int, str] = field(default_factory=dict)
    extent: Extent | None = None
    skipped: str | None = None


def skipped_layer(name: str, reason: str) -> Layer:
    """A layer that is named in the report and not read."""
    return Layer(name, [], np.empty(0, dtype=object), {}, None, skipped=reason)
