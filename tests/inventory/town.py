"""A drawn town of two districts, four subdistricts and sixteen grid cells at 115.86° E 28.68° N, and batches.

west 115.84        115.86        115.88
    +-------------+-------------+ 28.70
    |   W1        |    E1       |
    +-------------+-------------+ 28.68
    |   W2        |    E2       |
    +-------------+-------------+ 28.66
      district W    district E
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from app.inventory.batch import Batch, Change

LON, LAT, STEP = 115.86, 28.68, 0.02
CHANGE = Change("tester", "test")
BOXES = {
    "C": shapely.box(LON - STEP, LAT - STEP, LON + STEP, LAT + STEP),
    "W": shapely.box(LON - STEP, LAT - STEP, LON, LAT + STEP),
    "E": shapely.box(LON, LAT - STEP, LON + STEP, LAT + STEP),
    "W1": shapely.box(LON - STEP, LAT, LON, LAT + STEP),
    "W2": shapely.box(LON - STEP, LAT - STEP, LON, LAT),
    "E1": shapely.box(LON, LAT, LON + STEP, LAT + STEP),
    "E2": shapely.box(LON, LAT - STEP, LON + STEP, LAT),
}
LEVELS = {"C": "city", "W": "district", "E": "district"}
PARENTS = {"C": None, "W": "C", "E": "C"}


def batch(
    class_id: str,
    shapes: Mapping[str, Any],
    columns: Mapping[str, Sequence[Any]] | None = None,
    extra: Sequence[dict[str, Any] | None] | None = None,
    incomplete: Sequence[str] = (),
) -> Batch:
    geometry = np.array([*shapes.values(), None], dtype=object)[:-1]
    given = {name: list(values) for name, values in (columns or {}).items()}
    rest = list(extra) if extra is not None else [None] * len(shapes)
    return Batch(class_id, list(shapes), geometry, given, rest, [], frozenset(incomplete))


def districts(**boxes: Any) -> Batch:
    shapes = boxes or BOXES
    return batch(
        "districts",
        shapes,
        {
            "name_zh": [f"{code}区" for code in shapes],
            "name_en": [f"Area {code}" for code in shapes],
            "level": [LEVELS.get(code, "subdistrict") for code in shapes],
            "parent": [PARENTS.get(code, code[0]) for code in shapes],
        },
    )


def grid() -> Batch:
    side = STEP / 2
    corners = [(column, row) for row in range(4) for column in range(4)]
    shapes = {
        f"g{column}{row}": shapely.box(
            LON - STEP + column * side,
            LAT - STEP + row * side,
            LON - STEP + (column + 1) * side,
            LAT - STEP + (row + 1) * side,
        )
        for column, row in corners
    }
    return batch("grid_cells", shapes)


def place(dx: float, dy: float) -> Any:
    """A point `dx`, `dy` hundredths of a degree from the crossing of all borders."""
    return shapely.Point(LON + dx / 100, LAT + dy / 100)


def line(*ends: tuple[float, float]) -> Any:
    return shapely.LineString([(LON + x / 100, LAT + y / 100) for x, y in ends])


def square(dx: float, dy: float, side: float) -> Any:
    """A square of `side` hundredths of a degree with its south-west corner at `dx`, `dy`."""
    return shapely.box(LON + dx / 100, LAT + dy / 100, LON + (dx + side) / 100, LAT + (dy + side) / 100)
