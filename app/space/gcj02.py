"""GCJ-02 and BD-09, the shifted coordinates of Chinese web maps: exact forward and iterated inverse.

The constants are those that every open converter publishes. Functions take and give arrays of degrees (n,);
places outside China are left as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SEMI_MAJOR_M = 6378245.0
ECCENTRICITY2 = 0.00669342162296594323
BD_FACTOR = np.pi * 3000.0 / 180.0
#: The inverse stops when a step is below this (about 0.01 mm).
TOLERANCE_DEG = 1e-10
MAX_STEPS = 12


def _in_china(lon: Array, lat: Array) -> NDArray[np.bool_]:
    return (lon >= 72.004) & (lon <= 137.8347) & (lat >= 0.8293) & (lat <= 55.8271)


def _waves(value: Array, first: float, second: float, divisors: tuple[float, float]) -> Array:
    a, b = divisors
    return (first * np.sin(value * np.pi / a) + second * np.sin(value * np.pi / b)) * 2.0 / 3.0


def _offsets(lon: Array, lat: Array) -> tuple[Array, Array]:
    x, y = lon - 105.0, lat - 35.0
    common = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y * np.pi / 3.0)) * 2.0 / 3.0
    north += _waves(y, 160.0, 320.0, (12.0, 30.0))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x * np.pi / 3.0)) * 2.0 / 3.0
    east += _waves(x, 150.0, 300.0, (12.0, 30.0))
    return north, east


def wgs84_to_gcj02(lon: Array, lat: Array) -> tuple[Array, Array]:
    """WGS84/CGCS2000 degrees → GCJ-02 degrees."""
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    north, east = _offsets(lon, lat)
    phi = np.radians(lat)
    magic = 1.0 - ECCENTRICITY2 * np.sin(phi) ** 2
    d_lat = np.degrees(north / (SEMI_MAJOR_M * (1.0 - ECCENTRICITY2) / (magic * np.sqrt(magic))))
    d_lon = np.degrees(east / (SEMI_MAJOR_M / np.sqrt(magic) * np.cos(phi)))
    inside = _in_china(lon, lat)
    return np.where(inside, lon + d_lon, lon), np.where(inside, lat + d_lat, lat)


def gcj02_to_wgs84(lon: Array, lat: Array) -> tuple[Array, Array]:
    """GCJ-02 degrees → WGS84/CGCS2000 degrees, by fixed-point iteration to below 0.01 mm."""
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    w_lon, w_lat = lon.copy(), lat.copy()
    for _ in range(MAX_STEPS):
        g_lon, g_lat = wgs84_to_gcj02(w_lon, w_lat)
        d_lon, d_lat = g_lon - lon, g_lat - lat
        w_lon, w_lat = w_lon - d_lon, w_lat - d_lat
        if max(np.abs(d_lon).max(initial=0.0), np.abs(d_lat).max(initial=0.0)) < TOLERANCE_DEG:
            break
    return w_lon, w_lat


def gcj02_to_bd09(lon: Array, lat: Array) -> tuple[Array, Array]:
    """GCJ-02 degrees → BD-09 degrees."""
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * BD_FACTOR)
    theta = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * BD_FACTOR)
    return radius * np.cos(theta) + 0.0065, radius * np.sin(theta) + 0.006


def bd09_to_gcj02(lon: Array, lat: Array) -> tuple[Array, Array]:
    """BD-09 degrees → GCJ-02 degrees, by fixed-point iteration."""
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    g_lon, g_lat = lon - 0.0065, lat - 0.006
    for _ in range(MAX_STEPS):
        b_lon, b_lat = gcj02_to_bd09(g_lon, g_lat)
        d_lon, d_lat = b_lon - lon, b_lat - lat
        g_lon, g_lat = g_lon - d_lon, g_lat - d_lat
        if max(np.abs(d_lon).max(initial=0.0), np.abs(d_lat).max(initial=0.0)) < TOLERANCE_DEG:
            break
    return g_lon, g_lat


def bd09_to_wgs84(lon: Array, lat: Array) -> tuple[Array, Array]:
    """BD-09 degrees → WGS84/CGCS2000 degrees."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))
