"""The systems in which a client may name and get coordinates: axis order, where they can be used, boxes in degrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from app.space.datums import parse_crs
from app.space.transform import LONLAT, transformer

#: West, south, east, north; in degrees west may lie above east, across 180°.
Box = tuple[float, float, float, float]
WORLD: Box = (-180.0, -90.0, 180.0, 90.0)
#: Systems whose numbers are those that are stored: WGS 84, and CGCS2000, which for our purposes is the same.
STORED_SRIDS = frozenset({4326, 4490})
WEB_MERCATOR = 3857
#: Degrees of latitude that every projection here can take, and of longitude beside a central meridian.
MAX_LAT, MAX_WIDTH = 89.0, 30.0
#: Places along each side of a box that are changed to find where it lies, and by which share that is widened.
GRID, MARGIN = 25, 0.1
#: Digits of a coordinate: 9 of a degree and 4 of a metre are both about 0.1 mm.
DEGREE_DIGITS, METRE_DIGITS = 9, 4


@dataclass(frozen=True, slots=True)
class ServedCrs:
    """A registered system; `north_first` as its authority orders the axes, `domain` where it is used, in degrees."""

    srid: int
    north_first: bool
    domain: Box

    @property
    def stored(self) -> bool:
        """Whether its numbers are the stored ones."""
        return self.srid in STORED_SRIDS

    @property
    def wraps(self) -> bool:
        """Whether a box may cross 180° with its west above its east."""
        return self.stored or self.srid == WEB_MERCATOR

    @property
    def digits(self) -> int:
        """Decimals that keep a coordinate within a millimetre."""
        return DEGREE_DIGITS if self.stored else METRE_DIGITS

    def lonlat_boxes(self, box: Box) -> list[Box]:
        """Boxes in degrees that together hold all that lies in `box` (x before y in this system), often more."""
        return [box] if self.stored else [found for part in self.parts(box) if (found := _lonlat(self, part))]

    def parts(self, box: Box) -> list[Box]:
        """The box as one, or as two where it crosses 180°."""
        west, south, east, north = box
        if west <= east:
            return [box]
        edge = 180.0 if self.stored else float(transformer(LONLAT, _name(self.srid)).transform(180.0, 0.0)[0])
        return [(west, south, edge, north), (-edge, south, east, north)]


@lru_cache(maxsize=128)
def served_crs(srid: int) -> ServedCrs:
    """The system of an EPSG code.

    Raises:
        BadInput: There is no such system.
    """
    crs = parse_crs(_name(srid))
    return ServedCrs(srid, crs.axis_info[0].direction.lower() == "north", _domain(srid, crs))


def _name(srid: int) -> str:
    return f"EPSG:{srid}"


def _domain(srid: int, crs: CRS) -> Box:
    if srid in STORED_SRIDS:
        return WORLD
    if srid == WEB_MERCATOR:
        return (-180.0, -MAX_LAT, 180.0, MAX_LAT)
    middle = _origin(crs)
    if middle is not None:
        return (max(middle[0] - MAX_WIDTH, -180.0), -MAX_LAT, min(middle[0] + MAX_WIDTH, 180.0), MAX_LAT)
    area = crs.area_of_use
    return WORLD if area is None else (area.west, area.south, area.east, area.north)


def _origin(crs: CRS) -> tuple[float, float] | None:
    """Degrees east and north of a transverse Mercator's origin; None for other projections (by EPSG's names)."""
    operation = crs.coordinate_operation
    if operation is None or "transverse mercator" not in operation.method_name.lower():
        return None
    values = {item.name.lower(): float(item.value) for item in operation.params}
    return values["longitude of natural origin"], values["latitude of natural origin"]


@lru_cache(maxsize=16)
def origin(definition: str) -> tuple[float, float] | None:
    """Degrees east and north of the origin of a transverse Mercator; None for other systems."""
    return _origin(parse_crs(definition))


def _lonlat(crs: ServedCrs, box: Box) -> Box | None:
    """A box in degrees round one in the system; None where it lies outside of where the system is used."""
    limits = _limits(crs.srid)
    low = np.maximum(box[:2], limits[:2])
    high = np.minimum(box[2:], limits[2:])
    if (low > high).any():
        return None
    x, y = np.meshgrid(*(np.linspace(low[axis], high[axis], GRID) for axis in (0, 1)))
    lon, lat = transformer(_name(crs.srid), LONLAT).transform(x.ravel(), y.ravel())
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return crs.domain
    return _widened(_near(lon, crs.domain), np.asarray(lat), crs.domain)


def _near(lon: NDArray[np.float64], domain: Box) -> NDArray[np.float64]:
    """The same longitudes within 180° of the middle of the domain."""
    middle = (domain[0] + domain[2]) / 2
    found: NDArray[np.float64] = (np.asarray(lon) - middle + 180) % 360 - 180 + middle
    # The far edge of the world is its near one too.
    return np.where(np.isclose(lon, middle + 180), middle + 180, found)


def _widened(lon: NDArray[np.float64], lat: NDArray[np.float64], domain: Box) -> Box:
    """What holds the places and what lies between them, within the domain."""
    low = np.array([lon.min(), lat.min()])
    high = np.array([lon.max(), lat.max()])
    margin = (high - low) * MARGIN + 1e-6
    west, south = np.maximum(low - margin, domain[:2])
    east, north = np.minimum(high + margin, domain[2:])
    return float(west), float(south), float(east), float(north)


@lru_cache(maxsize=128)
def _limits(srid: int) -> Sequence[float]:
    """West, south, east, north of the domain in the system's own coordinates."""
    west, south, east, north = served_crs(srid).domain
    lon, lat = np.meshgrid(np.linspace(west, east, 4 * GRID + 1), np.linspace(south, north, 4 * GRID + 1))
    x, y = transformer(LONLAT, _name(srid)).transform(lon.ravel(), lat.ravel())
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())
