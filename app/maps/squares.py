"""Squares of the Web Mercator plane: those of tiles, and one around a whole data set.

Web Mercator (EPSG:3857) serves for drawing only; nothing is measured in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HALF_M = 20037508.342789244
WORLD_M = 2 * HALF_M
EXTENT = 4096
# the latitude at which Web Mercator is square
MAX_LAT = 85.0511287798066


@dataclass(frozen=True, slots=True)
class Square:
    """A square of the Web Mercator plane: left and top in metres, its side in metres, its grid of `extent` units."""

    left_m: float
    top_m: float
    side_m: float
    extent: int = EXTENT

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) in EPSG:3857 metres."""
        return self.left_m, self.top_m - self.side_m, self.left_m + self.side_m, self.top_m

    def lonlat(self, margin: float = 0.0) -> tuple[float, float, float, float]:
        """(west, south, east, north) in degrees, grown on each side by `margin` of the square's side."""
        grow = self.side_m * margin
        west, south, east, north = self.bounds
        return (
            max(-180.0, _lon(west - grow)),
            max(-MAX_LAT, _lat(south - grow)),
            min(180.0, _lon(east + grow)),
            min(MAX_LAT, _lat(north + grow)),
        )

    def as_json(self) -> list[float]:
        """[left, top, side, extent] in units of the world square from its upper left corner: what the page reads."""
        return [
            (self.left_m + HALF_M) / WORLD_M,
            (HALF_M - self.top_m) / WORLD_M,
            self.side_m / WORLD_M,
            self.extent,
        ]


def square_around(box: tuple[float, float, float, float], step_m: float = 0.25) -> Square:
    """The square around a lon/lat box (west, south, east, north in degrees), its grid no coarser than `step_m` metres
    of the Mercator plane: whole data sets are drawn from one such square.
    """
    west, north = mercator(box[0], box[3])
    east, south = mercator(box[2], box[1])
    side = max(east - west, north - south, 1.0) * 1.002
    edge = side * 0.0005  # what lies on the box's edge lies inside the square
    return Square(west - edge, north + edge, side, 2 ** max(12, math.ceil(math.log2(side / step_m))))


def mercator(lon: float, lat: float) -> tuple[float, float]:
    """EPSG:3857 metres of a lon/lat in degrees; latitudes beyond the square world are held at its edge."""
    held = math.radians(max(-MAX_LAT, min(MAX_LAT, lat)))
    return lon / 180 * HALF_M, math.log(math.tan(math.pi / 4 + held / 2)) / math.pi * HALF_M


def _lon(x_m: float) -> float:
    return x_m / HALF_M * 180


def _lat(y_m: float) -> float:
    return math.degrees(2 * math.atan(math.exp(y_m / HALF_M * math.pi)) - math.pi / 2)
