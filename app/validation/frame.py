"""The city as a frame for data: the ground that it covers, and its named areas. Pure, on arrays in lon/lat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from app.space.metric import MAX_SCALE_ERROR, metric_crs
from app.validation.values import normalise

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
#: What lies farther from the city than this is outside: borders and surveys differ by less.
MARGIN_M = 200.0
#: No city reaches so far: where its borders are not stored, what lies farther from its data is of another place.
FAR_M = 300_000.0
#: Levels whose whole areas are the ground, the first that is stored.
GROUND_LEVELS = ("city", "district")
_GEOD = Geod(ellps="GRS80")


@dataclass(frozen=True, slots=True)
class NamedArea:
    """A stored area: its codes and names, its level, its shape in lon/lat."""

    words: tuple[str, ...]
    level: str
    shape: shapely.Geometry


@dataclass(frozen=True, slots=True)
class Frame:
    """The ground of the city, the same with a margin of `MARGIN_M`, the city's metric CRS, its areas by word."""

    ground: shapely.Geometry = field(repr=False)
    near: shapely.Geometry = field(repr=False)
    metric: str
    areas: dict[str, NamedArea] = field(repr=False)

    @property
    def centre(self) -> tuple[float, float]:
        """Lon, lat of the middle of the ground's extent."""
        west, south, east, north = shapely.bounds(self.ground).tolist()
        return (west + east) / 2, (south + north) / 2

    def holds(self, lon: Array, lat: Array) -> Flags:
        """Which places (n,) lie on the ground."""
        return _contains(self.ground, lon, lat)

    def share(self, lon: Array, lat: Array) -> float:
        """The share of places (n,) that lie on the ground or within the margin."""
        return float(_contains(self.near, lon, lat).mean()) if len(lon) else 0.0

    def touches(self, shapes: NDArray[np.object_]) -> Flags:
        """Which shapes (n,), none of them empty, lie on the ground or within the margin, if only with a part."""
        # A corner inside settles it for nearly every row, and costs less than a whole shape.
        coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
        corner = coordinates[np.searchsorted(owner, np.arange(len(shapes)))]
        inside = _contains(self.near, corner[:, 0], corner[:, 1])
        finite = np.isfinite(shapely.bounds(shapes)).all(axis=1)
        rest = np.flatnonzero(~inside & finite)
        try:
            inside[rest] = shapely.intersects(self.near, shapes[rest])
        except shapely.GEOSException:
            # A shape too broken to be compared is placed by its box; what checks shapes says what is wrong with it.
            inside[rest] = shapely.intersects(self.near, shapely.box(*shapely.bounds(shapes[rest]).T))
        return inside

    def distance_km(self, lon: Array, lat: Array) -> Array:
        """How far places (n,) lie from the ground, in kilometres; not finite where they cannot be on Earth."""
        possible = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 360) & (np.abs(lat) <= 90)
        result = np.full(len(lon), np.nan)
        places = shapely.points(lon[possible], lat[possible])
        ends = shapely.get_coordinates(shapely.shortest_line(places, self.ground)).reshape(-1, 4)
        _, _, metres = _GEOD.inv(ends[:, 0], ends[:, 1], ends[:, 2], ends[:, 3])
        result[possible] = np.asarray(metres) / 1000.0
        return result


def _contains(ground: shapely.Geometry, lon: Array, lat: Array) -> Flags:
    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    result = np.zeros(len(lon), dtype=bool)
    known = np.isfinite(lon) & np.isfinite(lat)
    result[known] = shapely.contains_xy(ground, lon[known], lat[known])
    return result


def make_frame(areas: Sequence[NamedArea], metric: str) -> Frame | None:
    """The frame of whole areas; None where neither the city nor a district is among them."""
    level = next((level for level in GROUND_LEVELS if any(area.level == level for area in areas)), None)
    if level is None:
        return None
    ground = shapely.union_all([area.shape for area in areas if area.level == level])
    crs = metric_crs(metric)
    wider = shapely.buffer(crs.to_metric(np.array([ground], dtype=object)), MARGIN_M)
    near = crs.to_lonlat(wider)[0]
    shapely.prepare([ground, near])
    return Frame(ground, near, metric, _by_word(areas))


def make_surroundings(shapes: NDArray[np.object_], metric: str) -> Frame | None:
    """The frame of a city without borders: what lies `FAR_M` around stored shapes (n,); None where there are none.

    Shapes where the metric CRS is not true are themselves too far away to tell of the city.
    """
    crs = metric_crs(metric)
    centres = shapely.get_coordinates(shapely.centroid(shapes)).tolist()
    true = np.array([crs.scale_error(*xy) <= MAX_SCALE_ERROR for xy in centres], dtype=bool)
    if not true.any():
        return None
    ground = shapely.union_all(shapely.envelope(shapes[true]))
    wider = shapely.buffer(crs.to_metric(np.array([ground], dtype=object)), FAR_M)
    near = crs.to_lonlat(wider)[0]
    shapely.prepare([ground, near])
    return Frame(ground, near, metric, {})


def _by_word(areas: Sequence[NamedArea]) -> dict[str, NamedArea]:
    """Areas by each code and name; a word that two areas share names neither."""
    found: dict[str, NamedArea] = {}
    shared: set[str] = set()
    for area in areas:
        for word in {normalise(word) for word in area.words if word}:
            if word in found:
                shared.add(word)
            found[word] = area
    return {word: area for word, area in found.items() if word not in shared}
