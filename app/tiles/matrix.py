"""The tile matrix set WebMercatorQuad (OGC 17-083r4 Annex D.1) and its tiles. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import BadInput, NotFound
from app.maps.squares import HALF_M, WORLD_M, Square

NAME = "WebMercatorQuad"
#: The set's last zoom: half a centimetre a unit.
MAX_ZOOM = 24
#: Units of a tile's own grid on each side, and how many beyond its edges shapes are drawn.
EXTENT, BUFFER = 4096, 64


@dataclass(frozen=True, slots=True)
class Tile:
    """The tile in `row` (from the north) and `col` (from the west) of zoom `z`."""

    z: int
    row: int
    col: int

    @property
    def square(self) -> Square:
        """The tile as a square of the Mercator plane."""
        side = WORLD_M / 2**self.z
        return Square(self.col * side - HALF_M, HALF_M - self.row * side, side)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in EPSG:3857 metres."""
        return self.square.bounds

    def lonlat(self, margin: float = 0.0) -> tuple[float, float, float, float]:
        """(west, south, east, north) in degrees, grown on each side by `margin` of the tile's side."""
        return self.square.lonlat(margin)


def read_tile(z: str, row: str, col: str) -> Tile:
    """The tile that an address names.

    Raises:
        BadInput: One of the three is no whole number.
        NotFound: The set has no such tile (OGC 20-057 §7.1.4: 404).
    """
    numbers = [_number(name, text) for name, text in (("zoom", z), ("row", row), ("column", col))]
    tile = Tile(*numbers)
    if not 0 <= tile.z <= MAX_ZOOM:
        raise NotFound(f"{NAME} has no zoom {tile.z}.", f"Zooms run from 0 to {MAX_ZOOM}.")
    last = 2**tile.z - 1
    if not (0 <= tile.row <= last and 0 <= tile.col <= last):
        raise NotFound(
            f"{NAME} has no tile in row {tile.row}, column {tile.col} of zoom {tile.z}.",
            f"Rows (from the north) and columns run from 0 to {last} at this zoom.",
        )
    return tile


def _number(name: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 12):
        raise BadInput(
            f"The tile's {name} is {text[:40]!r}, which is no whole number.",
            "Write …/{tileMatrix}/{tileRow}/{tileCol} as /12/1703/3365.",
        )
    return int(text)
