"""The city's metric CRS: chosen once from where the data lies, used for every length, area and distance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer

from app.parallel import cores, share
from app.space.transform import parse_crs, transformer

CHINA_LON = (73.5, 136.5)
CHINA_LAT = (3.0, 54.0)
#: Scale error above which a place is flagged: lengths there are off by more than this share.
MAX_SCALE_ERROR = 0.001
#: From this many places on the cores share them: a thread needs milliseconds to make its own transformer.
SHARED = 100_000


@dataclass(frozen=True)
class MetricCrs:
    """A projected CRS in metres; `definition` is what is stored and named in results (EPSG code or PROJ text)."""

    definition: str
    _forward: Transformer = field(repr=False, compare=False)
    _inverse: Transformer = field(repr=False, compare=False)

    def to_metric(self, geometries: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries (n,) in lon/lat (EPSG:4326) → the same in metres."""
        return _project(geometries, self._forward)

    def project(self, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Places (n, 2) in lon/lat (EPSG:4326) → the same in metres (easting, northing)."""
        return _transformed(lonlat, self._forward)

    def to_lonlat(self, geometries: NDArray[np.object_]) -> NDArray[np.object_]:
        """Geometries (n,) in metres → the same in lon/lat (EPSG:4326)."""
        return _project(geometries, self._inverse)

    def xy(self, lon: float, lat: float) -> tuple[float, float]:
        """One place in metres (easting, northing)."""
        x, y = self._forward.transform(lon, lat)
        return float(x), float(y)

    def scale_error(self, lon: float, lat: float) -> float:
        """Relative error of lengths at a place (0.001 = 0.1 %), measured over one metre north against the ellipsoid."""
        geod = _geod(self.definition)
        if geod is None:
            return 0.0
        step = 0.001
        x0, y0 = self._forward.transform(lon, lat)
        x1, y1 = self._forward.transform(lon, lat + step)
        _, _, true_m = geod.inv(lon, lat, lon, lat + step)
        return abs(math.hypot(x1 - x0, y1 - y0) / float(true_m) - 1.0)


@lru_cache(maxsize=16)
def _geod(definition: str) -> Geod | None:
    """The ellipsoid under a CRS, to measure on."""
    return CRS.from_user_input(definition).get_geod()


def _project(geometries: NDArray[np.object_], change: Transformer) -> NDArray[np.object_]:
    high = shapely.has_z(geometries) | shapely.has_m(geometries)
    # a copy: `set_coordinates` writes into the array that it is given
    flat = shapely.force_2d(geometries) if high.any() else np.array(geometries, dtype=object)
    coordinates = shapely.get_coordinates(flat)
    if len(coordinates) == 0:
        return np.asarray(flat, dtype=object)
    return np.asarray(shapely.set_coordinates(flat, _transformed(coordinates, change)), dtype=object)


def _transformed(xy: NDArray[np.float64], change: Transformer) -> NDArray[np.float64]:
    """Places (n, 2) in the other CRS, very many on all cores."""
    parts = np.array_split(xy, cores()) if len(xy) >= SHARED else [xy]
    done = share(lambda part: np.column_stack(change.transform(part[:, 0], part[:, 1])), parts)
    return np.concatenate(done)


@lru_cache(maxsize=16)
def metric_crs(definition: str) -> MetricCrs:
    """The metric CRS of an EPSG code, PROJ string or WKT.

    Raises:
    ------
    BadInput
        The definition is unknown or is not a projected CRS in metres.
    """
    parse_crs(definition, metric=True)
    return MetricCrs(definition, transformer("EPSG:4326", definition), transformer(definition, "EPSG:4326"))


def choose_metric_crs(lon: float, lat: float) -> MetricCrs:
    """The metric CRS for data centred at a place.

    73.5-136.5° E, 3-54° N: the CGCS2000 3-degree zone without prefix, EPSG 4534 + zone - 25 (zone = ⌊(lon+1.5)/3⌋).
    Elsewhere: a transverse Mercator on the centre with scale 1 (WGS84).
    """
    if CHINA_LON[0] <= lon <= CHINA_LON[1] and CHINA_LAT[0] <= lat <= CHINA_LAT[1]:
        zone = math.floor((lon + 1.5) / 3)
        return metric_crs(f"EPSG:{4534 + zone - 25}")
    return metric_crs(
        f"+proj=tmerc +lat_0={lat:.4f} +lon_0={lon:.4f} +k=1 +x_0=500000 +y_0=0 +ellps=WGS84 +units=m +type=crs"
    )
