"""Rows that lie outside the city: how far, and why they probably do, tried out row by row. Pure, on arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from app.ingest.crs_candidates import WEB_MERCATOR, zone_of_prefix
from app.ingest.shifted import TITLES
from app.space.city_systems import CitySystems
from app.space.gcj02 import bd09_to_wgs84, gcj02_to_wgs84
from app.space.transform import LONLAT, parse_crs, to_lonlat_xy
from app.validation.frame import Frame

Array = NDArray[np.float64]
Change = Callable[[Array, Array], tuple[Array, Array]]
ALLOW = "Where the row is right as it is, --allow-outside takes it."
#: CGCS2000 zones beside each other have codes beside each other: 3-degree and 6-degree, with prefix and without.
_SERIES = (range(4513, 4534), range(4534, 4555), range(4491, 4502), range(4502, 4513))
_UTM = (range(32601, 32661), range(32701, 32761))
_CODE = re.compile(r"EPSG:(\d+)")
#: What a lost or added digit, or a lost decimal point, does to a coordinate.
_POWERS = (1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7)


@dataclass(frozen=True, slots=True)
class Outside:
    """Why a row is refused that lies outside the city, and what to do."""

    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class _Cause:
    """A likely cause: `places` gives lon/lat of coordinates as they stand in the file, were it so."""

    name: str
    hint: str
    places: Change


def find_outside(
    geometry: NDArray[np.object_],
    placed: NDArray[np.object_],
    rows: NDArray[np.intp],
    frame: Frame,
    crs: str,
    systems: CitySystems,
) -> dict[int, Outside]:
    """Of `rows` of a chunk, those that lie wholly outside the city: position → reason and hint.

    `geometry` (n,) as it stands in the file (east first), `placed` (n,) the same in lon/lat.
    """
    away = rows[~frame.touches(placed[rows])]
    if not len(away):
        return {}
    boxes, degrees = shapely.bounds(geometry[away]), shapely.bounds(placed[away])
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    with np.errstate(invalid="ignore"):
        lon, lat = (degrees[:, 0] + degrees[:, 2]) / 2, (degrees[:, 1] + degrees[:, 3]) / 2
    distances = frame.distance_km(lon, lat)
    causes = _assign(x, y, frame, crs, systems)
    return {
        int(i): _tell(distance, cause) for i, distance, cause in zip(away, distances, causes, strict=True)
    }


def _tell(distance: float, cause: _Cause | None) -> Outside:
    far = (
        f"it lies {_kilometres(distance)} outside the city"
        if np.isfinite(distance)
        else "it lies nowhere on Earth"
    )
    if cause is None:
        return Outside(far, f"Correct the coordinates or name their CRS with --crs. {ALLOW}")
    return Outside(f"{far}; likely cause: {cause.name}", f"{cause.hint} {ALLOW}")


def _kilometres(distance: float) -> str:
    return f"{distance:,.0f} km" if distance >= 10 else f"{distance:.1f} km"


def _assign(x: Array, y: Array, frame: Frame, crs: str, systems: CitySystems) -> list[_Cause | None]:
    """The first cause under which each row would lie in the city."""
    found: list[_Cause | None] = [None] * len(x)
    degrees = _in_degrees(crs, systems)
    zero = (np.abs(x) < 1) & (np.abs(y) < 1) if degrees else (np.abs(x) < 10) & (np.abs(y) < 10)
    nothing = _Cause(
        "the coordinates are 0, 0 or nearly", "Nobody measured them: give true ones.", lambda a, b: (a, b)
    )
    for i in np.flatnonzero(zero):
        found[i] = nothing
    open_ = np.flatnonzero(~zero)
    for cause in _causes(x, frame, crs, systems, degrees=degrees):
        if not len(open_):
            break
        c_lon, c_lat = cause.places(x[open_], y[open_])
        inside = _near(frame, np.asarray(c_lon, dtype=float), np.asarray(c_lat, dtype=float))
        for i in open_[inside]:
            found[i] = cause
        open_ = open_[~inside]
    return found


def _near(frame: Frame, lon: Array, lat: Array) -> NDArray[np.bool_]:
    known = np.isfinite(lon) & np.isfinite(lat)
    known[known] = shapely.contains_xy(frame.near, lon[known], lat[known])
    return known


def _in_degrees(crs: str, systems: CitySystems) -> bool:
    if systems.find(crs) is not None:
        return False
    return crs.lower().replace("-", "") in TITLES or parse_crs(crs).is_geographic


def _causes(x: Array, frame: Frame, crs: str, systems: CitySystems, *, degrees: bool) -> Iterator[_Cause]:
    def place(code: str) -> Change:
        return lambda x, y: to_lonlat_xy(x, y, code, systems)

    here = place(crs)
    swap_hint = "Save the file with east (longitude) first."
    yield _Cause("the axes are swapped", swap_hint, lambda x, y: here(y, x))
    if degrees:
        yield _Cause("the coordinates are GCJ-02", "Give --crs gcj02.", gcj02_to_wgs84)
        yield _Cause("the coordinates are BD-09", "Give --crs bd09.", bd09_to_wgs84)
        yield from _signs()
        yield from _metres(frame, place)
    else:
        yield from _zones(crs, x, place)
        yield _Cause(
            "the coordinates are longitude and latitude", f"Give --crs {LONLAT}.", lambda x, y: (x, y)
        )
    yield from _digits(here, degrees=degrees)


def _signs() -> Iterator[_Cause]:
    hint = "East and north are positive."
    yield _Cause("the longitude has the wrong sign", hint, lambda x, y: (-x, y))
    yield _Cause("the latitude has the wrong sign", hint, lambda x, y: (x, -y))
    yield _Cause("both coordinates have the wrong sign", hint, lambda x, y: (-x, -y))


def _metres(frame: Frame, place: Callable[[str], Change]) -> Iterator[_Cause]:
    """Metres in a layer of degrees."""
    codes = [frame.metric] if _CODE.fullmatch(frame.metric) else []
    for code in (*codes, WEB_MERCATOR):
        name = f"the coordinates are metres of {code}"
        yield _Cause(name, f"Give --crs {code} for such rows.", place(code))
        yield _Cause(f"{name}, north first", "Save the file with east first.", _turned(place(code)))


def _turned(change: Change) -> Change:
    return lambda x, y: change(y, x)


def _zones(crs: str, x: Array, place: Callable[[str], Change]) -> Iterator[_Cause]:
    """The zone beside the one that is named, and eastings with another prefix, or without one."""
    found = _CODE.fullmatch(crs.upper())
    if found is None:
        return
    code = int(found[1])
    series = next((series for series in (*_SERIES, *_UTM) if code in series), None)
    near = [] if series is None else [other for other in (code - 1, code + 1) if other in series]
    prefixed = {zone[0] for zone in map(zone_of_prefix, np.unique(x // 1e6) * 1e6 + 5e5) if zone is not None}
    for other in dict.fromkeys([*(f"EPSG:{other}" for other in near), *sorted(prefixed)]):
        yield _Cause(
            f"the wrong zone: the coordinates are those of {other}", f"Give --crs {other}.", place(other)
        )
    if code in _SERIES[0] or code in _SERIES[2]:
        zone = code - 4513 + 25 if code in _SERIES[0] else code - 4491 + 13
        name = "the easting has no zone prefix"
        yield _Cause(name, f"Put {zone} before the easting.", _prefixed(place(crs), zone))


def _prefixed(change: Change, zone: int) -> Change:
    return lambda x, y: change(np.where(x < 1e6, x + zone * 1e6, np.nan), y)


def _digits(here: Change, *, degrees: bool) -> Iterator[_Cause]:
    """Digits lost or added, and the decimal point that moved."""
    hint = "Correct the coordinates of the row."
    for power in _POWERS:
        yield _Cause("the decimal point has moved in both coordinates", hint, _scaled(here, power, power))
        yield _Cause("the decimal point has moved, or digits are lost, in the first coordinate", hint,
                     _scaled(here, power, 0))  # fmt: skip
        yield _Cause("the decimal point has moved, or digits are lost, in the second coordinate", hint,
                     _scaled(here, 0, power))  # fmt: skip
    name = "the first digit is lost"
    if degrees:
        yield _Cause(
            f"{name} of the longitude", hint, lambda x, y: (np.where(np.abs(x) < 100, x + 100, np.nan), y)
        )
        return
    for digit in range(1, 10):
        yield _Cause(f"{name} of the easting", hint, _restored(here, digit * 1e5, 0.0))
        yield _Cause(f"{name} of the northing", hint, _restored(here, 0.0, digit * 1e6))


def _scaled(here: Change, east: int, north: int) -> Change:
    return lambda x, y: here(x * 10.0**east, y * 10.0**north)


def _restored(here: Change, east: float, north: float) -> Change:
    def change(x: Array, y: Array) -> tuple[Array, Array]:
        short = (x < 1e5) if east else (y < 1e6)
        return here(np.where(short, x + east, np.nan), np.where(short, y + north, np.nan))

    return change
