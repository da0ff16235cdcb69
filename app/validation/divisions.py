"""The division codes of the districts that shapes lie in, for ids that begin with one. Pure, on arrays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

#: What stands on a border may be registered on either side: borders and surveys are no better than this.
MARGIN_M = 50.0
METRES_PER_DEGREE = 111_320.0
_DIVISION = re.compile(r"(\d{6})(?:\d{3}|\d{6})?")


@dataclass(frozen=True, slots=True)
class Divisions:
    """Districts and cities as stored: `codes` (n,) six digits or None where one has none, `shapes` (n,) in lon/lat."""

    codes: tuple[str | None, ...]
    shapes: NDArray[np.object_]


def make_divisions(codes: Sequence[str | None], shapes: Sequence[object]) -> Divisions:
    """Divisions from codes of 6, 9 or 12 digits; another code is no division code."""
    found = (_DIVISION.fullmatch(code or "") for code in codes)
    array = np.empty(len(shapes), dtype=object)
    array[:] = shapes
    return Divisions(tuple(item[1] if item else None for item in found), array)


def codes_near(divisions: Divisions, shapes: NDArray[np.object_]) -> list[frozenset[str]]:
    """For shapes (n,) in lon/lat, None among them: the codes of the divisions within `MARGIN_M`.

    Empty where a shape lies in none, or in one whose code is not known: then nothing can be said.
    """
    near: list[set[str | None]] = [set() for _ in range(len(shapes))]
    if len(divisions.codes):
        latitude = np.clip(np.abs(shapely.bounds(divisions.shapes)[:, [1, 3]]).max(axis=1), 0.0, 85.0)
        margin = MARGIN_M / METRES_PER_DEGREE / np.cos(np.radians(latitude))
        # Divisions are few and large, so they are prepared and asked against a tree of the shapes.
        pairs = shapely.STRtree(shapes).query(divisions.shapes, predicate="dwithin", distance=margin)
        for k, i in pairs.T.tolist():
            near[i].add(divisions.codes[k])
    return [frozenset() if None in codes else frozenset(filter(None, codes)) for codes in near]
