"""Which tile of WebMercatorQuad a place lies in, and which ones a box meets: by the formula of the set's definition."""

from __future__ import annotations

import math
from collections.abc import Iterator

from app.tiles.matrix import Tile

LonLatBox = tuple[float, float, float, float]


def place(lon: float, lat: float, z: int) -> tuple[int, int]:
    """Row and column of the tile of zoom `z` that a place in degrees lies in, held at the edges of the set."""
    side = 2**z
    upward = math.asinh(math.tan(math.radians(max(-85.06, min(85.06, lat)))))
    row, col = math.floor((1 - upward / math.pi) / 2 * side), math.floor((lon + 180) / 360 * side)
    return min(max(row, 0), side - 1), min(max(col, 0), side - 1)


def tiles_over(z: int, box: LonLatBox, *, inset: int = 0) -> Iterator[Tile]:
    """The tiles of a zoom that a box (west, south, east, north) meets, less `inset` of them at each edge."""
    (first_row, first_col), (last_row, last_col) = place(box[0], box[3], z), place(box[2], box[1], z)
    for row in range(first_row + inset, last_row + 1 - inset):
        for col in range(first_col + inset, last_col + 1 - inset):
            yield Tile(z, row, col)
