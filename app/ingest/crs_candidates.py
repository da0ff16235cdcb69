"""Which CRS coordinates without one could be in: by their size, and by the share that would lie in the city."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.space.metric import CHINA_LAT, CHINA_LON
from app.space.transform import LONLAT, transformer
from app.validation.frame import Frame

Array = NDArray[np.float64]
WEB_MERCATOR = "EPSG:3857"
#: Northings of China; eastings of Finland's zones look like those of western China, farther north.
CHINA_NORTH = (1.5e6, 6.0e6)
#: Share of rows that must lie in the city before it confirms a CRS.
CONFIRMED = 0.95
#: Share of rows in the city that is shown as 0%.
NOTHING = 0.005
OLD_DATUMS_LOOK_ALIKE = "files in Xian 1980 or Beijing 1954 look the same and lie tens of metres off"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A CRS that the coordinates could be in, with their axes swapped or not; `share` of rows in the city, if known."""

    crs: str
    swapped: bool = False
    share: float | None = None

    @property
    def label(self) -> str:
        """For people: the code, whether swapped, the share."""
        words = f"{self.crs} with the axes swapped" if self.swapped else self.crs
        return words if self.share is None else f"{words} ({self.share:.0%} would lie in the city)"


def zone_of_prefix(east: float) -> tuple[str, int, int] | None:
    """(CRS, zone, width in degrees) of an easting of 8 digits that begins with a CGCS2000 zone; None for others."""
    zone, within = divmod(east, 1e6)
    # A zone is 300-500 km wide around 500 km; what lies farther off is no zone's easting.
    if not 1e5 <= within <= 9e5:
        return None
    if 25 <= zone <= 45:
        return f"EPSG:{4513 + int(zone) - 25}", int(zone), 3
    if 13 <= zone <= 23:
        return f"EPSG:{4491 + int(zone) - 13}", int(zone), 6
    return None


def could_be_web_mercator(east: float) -> bool:
    """Eastings of zones 13 to 15 are also those of the web map in the east of China."""
    return 1.3e7 <= east < 1.6e7


def looks_swapped(first: float, second: float) -> bool:
    """North comes first, as Chinese surveys write it."""
    return 2e6 <= first < 6e6 and (0 < second < 1e6 or second >= 1.3e7)


def candidates_for(x: Array, y: Array, frame: Frame | None) -> list[Candidate]:
    """The candidates for places (n,) in metres, in the order in which they are likely."""
    first, second = float(np.median(x)), float(np.median(y))
    if abs(first) <= 90 < abs(second) <= 180:
        share = None if frame is None else frame.share(y, x)
        return [Candidate(LONLAT, swapped=True, share=share)]
    swapped = looks_swapped(first, second)
    east, north = (second, first) if swapped else (first, second)
    found = list(dict.fromkeys(_codes(east, north, frame)))
    return [
        Candidate(crs, swapped, None if frame is None else _share(crs, x, y, frame, swapped=swapped))
        for crs in found
    ]


def _share(crs: str, x: Array, y: Array, frame: Frame, *, swapped: bool) -> float:
    lon, lat = transformer(crs, LONLAT).transform(*((y, x) if swapped else (x, y)))
    return frame.share(lon, lat)


def _codes(east: float, north: float, frame: Frame | None) -> Iterator[str]:
    zone = zone_of_prefix(east)
    if zone is not None and CHINA_NORTH[0] <= north < CHINA_NORTH[1]:
        yield zone[0]
    if zone is None and 5e4 <= east < 1e6 and 0 <= north < 1e7 and frame is not None:
        yield from _around(frame)
    if abs(east) <= 2.01e7 and abs(north) <= 2.01e7 and (zone is None or could_be_web_mercator(east)):
        yield WEB_MERCATOR


def _around(frame: Frame) -> Iterator[str]:
    """The city's own metric CRS, the zones beside it, and UTM there."""
    lon, lat = frame.centre
    if frame.metric.startswith("EPSG:"):
        yield frame.metric
    if CHINA_LON[0] <= lon <= CHINA_LON[1] and CHINA_LAT[0] <= lat <= CHINA_LAT[1]:
        zone = math.floor((lon + 1.5) / 3)
        yield from (f"EPSG:{4534 + near - 25}" for near in (zone, zone - 1, zone + 1) if 25 <= near <= 45)
    utm = math.floor((lon + 180) / 6) + 1
    base = 32600 if lat >= 0 else 32700
    yield from (f"EPSG:{base + near}" for near in (utm, utm - 1, utm + 1) if 1 <= near <= 60)


def confirmed(candidates: list[Candidate]) -> Candidate | None:
    """The one candidate under which the city holds the rows; None where none or several do."""
    fit = [item for item in candidates if item.share is not None and item.share >= CONFIRMED]
    return fit[0] if len(fit) == 1 else None


def hint_of(x: Array, y: Array, candidates: list[Candidate]) -> str:
    """What to do about coordinates (n,) whose CRS is not known: the candidates, by their size and by the city."""
    start = "Name it with --crs. Candidates: "
    first, second = float(np.median(np.abs(x))), float(np.median(np.abs(y)))
    if looks_swapped(first, second):
        start += "the axes look swapped (X is north in Chinese surveys); "
    if first <= 90 < second <= 180:
        return f"{start}the axes look swapped (latitude comes first); save the file with longitude first."
    if first <= 180 and second <= 90:
        return f"{start}EPSG:4326 or EPSG:4490 (longitude, latitude), gcj02, bd09, or a local system's WKT."
    if candidates and all(item.share is not None and item.share < NOTHING for item in candidates):
        return (
            f"Name it with --crs. None of the {len(candidates)} usual systems would put the places in the city, so "
            "that none is named here; see what the file's publisher says."
        )
    if any(item.share is not None for item in candidates) or zone_of_prefix(max(first, second)):
        return start + "; ".join(item.label for item in candidates) + "; or a system that the city declared."
    if min(first, second) < 1e6 and max(first, second) < 1e7:
        return (
            f"{start}EPSG:4534 to EPSG:4554 (CGCS2000, 3-degree, by meridian), UTM (EPSG:32601-32760), "
            "or a system that the city declared."
        )
    return f"{start}EPSG:3857 (web map), EPSG:4513 to EPSG:4554 (CGCS2000), or a local system's WKT."
