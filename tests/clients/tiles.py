"""Tiles as a client gets them: over HTTP, for every square that the town touches."""

from __future__ import annotations

import math
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any

import mapbox_vector_tile
import shapely
from pyproj import Transformer

from tests.clients.conftest import Served

#: Half the side of the Web Mercator world in metres (EPSG:3857).
HALF_M = 20037508.342789244
EXTENT = 4096
MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
MAX_BYTES = 500 * 1024
MERCATOR = Transformer.from_crs(4326, 3857, always_xy=True)


@dataclass(frozen=True)
class Place:
    """A tile of WebMercatorQuad: zoom, row from the north, column from the west."""

    z: int
    row: int
    col: int

    @property
    def path(self) -> str:
        """As addresses have it."""
        return f"WebMercatorQuad/{self.z}/{self.row}/{self.col}"

    def units(self, shape: Any) -> Any:
        """A shape in lon/lat in units of the tile's grid, y from the north."""
        unit = 2 * HALF_M / 2**self.z / EXTENT
        left, top = self.col * EXTENT * unit - HALF_M, HALF_M - self.row * EXTENT * unit

        def moved(x: Any, y: Any) -> Any:
            east, north = MERCATOR.transform(x, y)
            return (east - left) / unit, (top - north) / unit

        return shapely.transform(shape, moved, interleaved=False)


def place_of(z: int, lon: float, lat: float) -> Place:
    x, y = MERCATOR.transform(lon, lat)
    side = 2 * HALF_M / 2**z
    return Place(z, math.floor((HALF_M - y) / side), math.floor((x + HALF_M) / side))


def places_over(served: Served, z: int) -> Iterator[Place]:
    """The tiles that the town's districts touch."""
    (box,) = served.get("/collections/districts")["extent"]["spatial"]["bbox"]
    first, last = place_of(z, box[0], box[3]), place_of(z, box[2], box[1])
    for row in range(first.row, last.row + 1):
        for col in range(first.col, last.col + 1):
            yield Place(z, row, col)


def fetch(served: Served, path: str) -> tuple[int, Message, bytes]:
    """Status, headers and body of an answer below 400."""
    with urllib.request.urlopen(f"{served.address}{path}", timeout=30) as reply:
        return reply.status, reply.headers, reply.read()


def layers_of(body: bytes) -> dict[str, list[dict[str, Any]]]:
    """Layer → features with `id`, `properties` and `shape` in units of the grid, as mapbox-vector-tile reads them."""
    if not body:
        return {}
    found = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})
    for layer in found.values():
        assert (layer["extent"], layer["version"]) == (EXTENT, 2)
        for feature in layer["features"]:
            feature["shape"] = shapely.geometry.shape(feature["geometry"])
    return {name: layer["features"] for name, layer in found.items()}
