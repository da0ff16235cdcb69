"""Coordinates against control points computed outside this program."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInput
from app.space import gcj02
from app.space.metric import MAX_SCALE_ERROR, choose_metric_crs, metric_crs
from app.space.transform import to_lonlat


@pytest.mark.parametrize(
    ("lon", "lat", "epsg", "east", "north"),
    [(115.858, 28.683, 4548, 388382.945, 3174669.149), (118.770, 32.066, 4549, 383852.846, 3549832.931)],
)
def test_zone_control_points(lon, lat, epsg, east, north):
    crs = choose_metric_crs(lon, lat)
    assert crs.definition == f"EPSG:{epsg}"
    assert crs.xy(lon, lat) == pytest.approx((east, north), abs=0.001)


def test_prefixed_zone_reads_back():
    point = to_lonlat(np.array([shapely.Point(39388382.945, 3174669.149)]), "EPSG:4527")[0]
    assert (point.x, point.y) == pytest.approx((115.858, 28.683), abs=1e-8)


def test_outside_china_is_a_local_transverse_mercator():
    crs = choose_metric_crs(24.944, 60.1716)
    assert crs.definition.startswith("+proj=tmerc")
    assert crs.scale_error(24.95, 60.18) < 1e-6


def test_a_zone_far_away_is_off_scale():
    assert metric_crs("EPSG:4548").scale_error(24.944, 60.1716) > MAX_SCALE_ERROR


@pytest.mark.parametrize("code", ["EPSG:4214", "EPSG:2433", "EPSG:4610", "EPSG:2379", "EPSG:4555"])
def test_old_chinese_datums_are_refused(code):
    with pytest.raises(BadInput, match="local parameters"):
        to_lonlat(np.array([shapely.Point(500000, 3000000)]), code)


@pytest.mark.parametrize("code", ["EPSG:99999", "nonsense", ""])
def test_unknown_crs_is_one_clear_error(code):
    with pytest.raises(BadInput, match="unknown"):
        to_lonlat(np.array([shapely.Point(1, 1)]), code)


def test_geographic_crs_is_not_metric():
    with pytest.raises(BadInput, match="metres"):
        metric_crs("EPSG:4326")


@pytest.mark.parametrize(
    ("wgs", "gcj", "bd"),
    [
        ((115.858, 28.683), (115.862901, 28.679670), (115.869486, 28.685327)),
        ((118.770, 32.066), (118.775219, 32.063954), (118.781711, 32.070055)),
        ((116.42079, 39.90105), (116.427022, 39.902446), None),
    ],
)
def test_gcj02_golden_points(wgs, gcj, bd):
    lon, lat = gcj02.wgs84_to_gcj02(np.array([wgs[0]]), np.array([wgs[1]]))
    assert (lon[0], lat[0]) == pytest.approx(gcj, abs=1e-6)
    if bd is not None:
        lon, lat = gcj02.gcj02_to_bd09(lon, lat)
        assert (lon[0], lat[0]) == pytest.approx(bd, abs=1e-6)


@given(st.floats(74, 135), st.floats(4, 53))
def test_inverse_is_exact(lon, lat):
    start = np.array([lon]), np.array([lat])
    back = gcj02.bd09_to_wgs84(*gcj02.gcj02_to_bd09(*gcj02.wgs84_to_gcj02(*start)))
    # 1e-8 degrees is about a millimetre.
    assert (back[0][0], back[1][0]) == pytest.approx((lon, lat), abs=1e-8)


def test_outside_china_nothing_is_shifted():
    lon, lat = gcj02.wgs84_to_gcj02(np.array([24.9]), np.array([60.1]))
    assert (lon[0], lat[0]) == (24.9, 60.1)
