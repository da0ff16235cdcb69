"""Changing coordinates between reference systems, refusing every change that would silently be wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from app.errors import BadInput
from app.space.city_systems import NO_SYSTEMS, CitySystems
from app.space.datums import find_code, horizontal, old_datum, on_wgs84, parse_crs, shifts_nothing, shown
from app.space.gcj02 import bd09_to_wgs84, gcj02_to_wgs84

__all__ = [
    "LONLAT",
    "area_of_use",
    "check_crs",
    "crs_label",
    "file_crs",
    "from_lonlat",
    "parse_crs",
    "spoken_crs",
    "to_lonlat",
    "to_lonlat_xy",
    "transformer",
]

LONLAT = "EPSG:4326"
CHINESE_OFFSETS = {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}
#: What is said of a definition that is in no register: it may be a city's own, whose parameters are secret.
LOCAL_LABEL = "a local definition, which is not kept"
Array: TypeAlias = NDArray[np.float64]
Change: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]
_URI = re.compile(r"(?:https?://www\.opengis\.net/def/crs/EPSG/[\d.]+/|urn:ogc:def:crs:EPSG:[\d.]*:)(\d+)")
_CRS84 = re.compile(
    r"(?:https?://www\.opengis\.net/def/crs/OGC/[\d.]+/|urn:ogc:def:crs:OGC:[\d.]*:|OGC:)?CRS84h?"
)


def spoken_crs(crs: str) -> str:
    """A CRS as it was asked for, in one spelling: `gcj02` and `bd09`, OGC names as codes; all else as it is."""
    text = crs.strip()
    word = text.lower().replace("-", "")
    if word in CHINESE_OFFSETS:
        return word
    if _CRS84.fullmatch(text):
        return LONLAT
    found = _URI.fullmatch(text)
    return f"EPSG:{found[1]}" if found else text


def check_crs(crs: str, systems: CitySystems = NO_SYSTEMS, *, definitions: bool = True) -> None:
    """Refuse a CRS that coordinates could not be changed from, before a long file is read.

    `definitions=False` (over HTTP) takes codes and names alone: a WKT or PROJ text in an address would be logged.

    Raises:
    ------
    BadInput
        See `to_lonlat`.
    """
    text = spoken_crs(crs)
    if not definitions and not re.fullmatch(r"[A-Za-z0-9:_-]{1,60}", text):
        raise BadInput(
            "A coordinate reference system is named here, not defined.",
            "Give an EPSG code, gcj02, bd09, or the name of a system that the city declared.",
        )
    _change_to_lonlat(text, systems)


def crs_label(crs: str, systems: CitySystems = NO_SYSTEMS) -> str:
    """What reports, records, files and errors may say of a CRS: its code, or name and fingerprint; no parameters."""
    text = spoken_crs(crs)
    system = systems.find(text)
    if system is not None:
        return system.label
    return text if text in CHINESE_OFFSETS else _label(text)


@lru_cache(maxsize=64)
def _label(text: str) -> str:
    crs = parse_crs(text)
    part = horizontal(crs)
    if part is None:
        return find_code(crs) or LOCAL_LABEL
    bare = part.source_crs if part.is_bound else part
    return find_code(crs) or (None if bare is None or bare is crs else find_code(bare)) or LOCAL_LABEL


def file_crs(crs: str, systems: CitySystems = NO_SYSTEMS) -> str:
    """What a file that is written names as its CRS: a code, or a local CRS of a city system's name and fingerprint.

    Raises:
    ------
    BadInput
        GCJ-02, BD-09 and definitions in no register: a file would carry their parameters out of the house.
    """
    text = spoken_crs(crs)
    system = systems.find(text)
    if system is not None:
        return system.wkt
    label = crs_label(text)
    if ":" in label:
        return label
    raise BadInput(
        f"No file is written in the system {shown(crs)}.",
        "Name an EPSG code (EPSG:4490, EPSG:4548), or a system that the city declared (chengtu crs list).",
    )


@lru_cache(maxsize=64)
def transformer(source: str, target: str) -> Transformer:
    """A transformer between two CRS, x before y (lon, lat / east, north); heights are left alone.

    Raises:
    ------
    BadInput
        One of them is unknown, or the change between their datums would only be a guess ("ballpark").
    """
    a, b = _usable(source), _usable(target)
    # Datums known to be one for our purposes may take PROJ's "ballpark" change, which is the identity.
    same = on_wgs84(a) and on_wgs84(b) and not (a.is_bound or b.is_bound)
    found = _between(a, b, same=same)
    if found is None:
        raise BadInput(
            f"No exact transformation from the system {shown(source)} to {shown(target)} is known.",
            "Give the file in EPSG:4326, EPSG:4490 or a projection on one of them.",
        )
    return found


def _between(a: CRS, b: CRS, *, same: bool) -> Transformer | None:
    if same:
        # Between a projection and its own degrees no datum is in question: the same figures in a tenth of the time.
        base_a, base_b = _degrees(a), _degrees(b)
        if a.is_geographic and base_a and base_b:
            a = base_b
        elif b.is_geographic and base_a and base_b:
            b = base_a
    try:
        return Transformer.from_crs(a, b, always_xy=True, allow_ballpark=same)
    except ProjError:
        return None


def _usable(definition: str) -> CRS:
    """The horizontal part of a CRS whose datum is known."""
    crs = horizontal(parse_crs(definition))
    if crs is None:
        raise BadInput(
            f"The system {shown(definition)} is a local or geocentric one: what lies where is not known from it.",
            "Name the CRS of the file with --crs: an EPSG code, or the name of a system that the city declared.",
        )
    source = crs.source_crs if crs.is_bound else crs
    old = None if source is None else old_datum(source)
    if old is not None:
        raise BadInput(
            f"Coordinates on {old} ({shown(definition)}) cannot be changed to CGCS2000 without the local parameters: "
            "the usual software would shift them by nothing, tens of metres off.",
            "Ask the surveyor for the file in CGCS2000 (EPSG:4490 or the city's 3-degree zone), or declare the system "
            "with its seven parameters under a name in CHENGTU_CRS_FILE and give that name.",
        )
    if crs.is_bound and shifts_nothing(crs):
        raise BadInput(
            f"The system {shown(definition)} has datum parameters that are all 0, on a datum that is not WGS 84.",
            "Give the true parameters, or declare the system under a name in CHENGTU_CRS_FILE.",
        )
    return crs


def _change_to_lonlat(text: str, systems: CitySystems) -> Change:
    system = systems.find(text)
    if system is not None:
        return system.to_lonlat
    if text in CHINESE_OFFSETS:
        return CHINESE_OFFSETS[text]
    return transformer(text, LONLAT).transform


def to_lonlat_xy(x: Array, y: Array, crs: str, systems: CitySystems = NO_SYSTEMS) -> tuple[Array, Array]:
    """Places (n,) of a CRS, east first → lon, lat (n,) in EPSG:4326; raises as `to_lonlat`."""
    lon, lat = _change_to_lonlat(spoken_crs(crs), systems)(x, y)
    return lon, lat


def area_of_use(crs: str, systems: CitySystems = NO_SYSTEMS) -> tuple[float, float, float, float] | None:
    """West, south, east, north in degrees of where a registered CRS is used; None for others."""
    text = spoken_crs(crs)
    if systems.find(text) is not None or text in CHINESE_OFFSETS:
        return None
    area = parse_crs(text).area_of_use
    return None if area is None else (area.west, area.south, area.east, area.north)


def to_lonlat(
    geometries: NDArray[np.object_], crs: str, systems: CitySystems = NO_SYSTEMS
) -> NDArray[np.object_]:
    """Geometries (n,) of a CRS (EPSG, PROJ, WKT, `gcj02`, `bd09`, a city's name) → EPSG:4326 lon/lat, heights kept.

    Coordinates that a projection cannot take come back infinite.

    Raises:
    ------
    BadInput
        The CRS is unknown, or its datum's change to CGCS2000 / WGS 84 is.
    """
    text = spoken_crs(crs)
    if systems.find(text) is None and text not in CHINESE_OFFSETS and _is_lonlat(text):
        return geometries
    return change_geometries(geometries, _change_to_lonlat(text, systems))


def from_lonlat(
    geometries: NDArray[np.object_], crs: str, systems: CitySystems = NO_SYSTEMS
) -> NDArray[np.object_]:
    """Geometries (n,) in EPSG:4326 lon/lat → a CRS (EPSG, PROJ, WKT or a city's name), east first, heights kept.

    Raises:
    ------
    BadInput
        As `to_lonlat`; GCJ-02 and BD-09 are read, never written.
    """
    text = spoken_crs(crs)
    system = systems.find(text)
    if system is not None:
        return change_geometries(geometries, system.from_lonlat)
    if text in CHINESE_OFFSETS:
        raise BadInput(
            f"Nothing is written in {text}: it is a disguise, not a reference system.", "EPSG:4490 is."
        )
    if _is_lonlat(text):
        return geometries
    return change_geometries(geometries, transformer(LONLAT, text).transform)


@lru_cache(maxsize=64)
def _is_lonlat(definition: str) -> bool:
    """Longitude and latitude in degrees on WGS 84 or CGCS2000: nothing is to be changed."""
    crs = _usable(definition)
    return bool(crs.is_geographic and not crs.is_bound and on_wgs84(crs) and _degrees(crs) is not None)


def _degrees(crs: CRS) -> CRS | None:
    """The longitudes and latitudes under a CRS, where they are degrees from Greenwich."""
    base = crs.geodetic_crs
    if base is None or len(base.axis_info) != 2 or any(axis.unit_name != "degree" for axis in base.axis_info):
        return None
    start = base.prime_meridian
    return base if start is None or start.longitude == 0 else None


def change_geometries(geometries: NDArray[np.object_], change: Change) -> NDArray[np.object_]:
    """New geometries (n,) with `change` applied to x and y; z as it is."""
    result = np.array(geometries, dtype=object)
    for deep in (False, True):
        chosen = shapely.has_z(result) == deep
        if chosen.any():
            result[chosen] = _change_alike(result[chosen], change, deep=deep)
    return result


def _change_alike(shapes: NDArray[np.object_], change: Change, *, deep: bool) -> NDArray[np.object_]:
    coordinates = shapely.get_coordinates(shapes, include_z=deep)
    if len(coordinates):
        # Copies, since `change` may hand back its own arguments in another order.
        coordinates[:, :2] = np.column_stack(change(coordinates[:, 0], coordinates[:, 1]))
    return np.asarray(shapely.set_coordinates(shapes, coordinates), dtype=object)
