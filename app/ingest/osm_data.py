"""What is read from an OSM file for some classes: objects with their tags, matches, shapes, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.catalogue.model import FeatureClass, OsmRule
from app.ingest.layer import Extent

Matches = list[tuple[FeatureClass, OsmRule]]


@dataclass(slots=True)
class OsmObject:
    """One matched object: `code` is `n1`, `w1` or `r1`; `fault` says why it has no shape.

    `closed` tells a way that ends where it starts; `missing` of `nodes` are not in the file; its shape then are the
    runs of nodes that are (none where no two follow each other).
    """

    code: str
    tags: dict[str, str]
    matches: Matches
    closed: bool = False
    missing: int = 0
    nodes: int = 0
    fault: str | None = None
    #: What its shape is made of while the file is read: lon/lat, WKB in hex, or a geometry.
    drawn: Any = None


@dataclass(slots=True)
class OsmData:
    """What an OSM file holds for some classes: the matched objects, and the box that the file declares.

    `geometry` (n,) has a point, line or area for each object, or None; a closed way is a line.
    """

    objects: list[OsmObject] = field(default_factory=list)
    geometry: NDArray[np.object_] = field(default_factory=lambda: np.empty(0, dtype=object))
    extent: Extent | None = None
