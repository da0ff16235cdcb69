"""Every Chinese code of standards §6.1 is right to a millimetre or refused, in and out, beside pyproj and PostGIS."""

import math
import re

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from pyproj.database import get_codes
from pyproj.enums import PJType, WktVersion
from sqlalchemy import text

from app.errors import BadInput
from app.space.transform import check_crs, crs_label, file_crs, from_lonlat, to_lonlat

ZONES_PREFIXED, ZONES_PLAIN = range(4513, 4534), range(4534, 4555)
WIDE_PREFIXED, WIDE_PLAIN = range(4491, 4502), range(4502, 4513)
CGCS2000 = [4490, *ZONES_PREFIXED, *ZONES_PLAIN, *WIDE_PREFIXED, *WIDE_PLAIN]
#: Codes among which those of the old datums stand; some belong to others (4802 is Bogota).
AROUND_OLD = (
    4610,
    4214,
    4555,
    *range(2327, 2443),
    *range(21413, 21464),
    *range(4568, 4590),
    *range(4652, 4803),
)
#: Compared with PROJ and PostGIS, which take a third of a second a code; the series above covers all.
ORACLES = (4326, 4490, 3857, 32650, 4513, 4525, 4527, 4548, 4549, 4554)
ROUND_TRIPS = [4326, 3857, 32650, *CGCS2000]
MM = 0.001


def _zone(code: int) -> tuple[float, float, float]:
    """Central meridian, false easting of a CGCS2000 zone and half its width, from its number alone."""
    if code in ZONES_PREFIXED:
        number = code - 4513 + 25
        return 3.0 * number, number * 1e6 + 5e5, 1.5
    if code in ZONES_PLAIN:
        return 3.0 * (code - 4534 + 25), 5e5, 1.5
    number = code - (4491 if code in WIDE_PREFIXED else 4502) + 13
    return 6.0 * number - 3.0, (number * 1e6 if code in WIDE_PREFIXED else 0.0) + 5e5, 3.0


def _point(x: float, y: float) -> np.ndarray:
    return np.array([shapely.Point(x, y)], dtype=object)


def _gauss_krueger(lon: float, lat: float, meridian: float, false_east: float) -> tuple[float, float]:
    """Krüger's series to the sixth order on GRS 80 (Karney 2011): another way than PROJ's."""
    a, f = 6378137.0, 1 / 298.257222101
    n = f / (2 - f)
    radius = a / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    alpha = (
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16 + 41 * n**4 / 180,
        13 * n**2 / 48 - 3 * n**3 / 5 + 557 * n**4 / 1440,
        61 * n**3 / 240 - 103 * n**4 / 140,
        49561 * n**4 / 161280,
    )
    e = math.sqrt(f * (2 - f))
    phi, lam = math.radians(lat), math.radians(lon - meridian)
    t = math.sinh(math.atanh(math.sin(phi)) - e * math.atanh(e * math.sin(phi)))
    xi, eta = math.atan2(t, math.cos(lam)), math.asinh(math.sin(lam) / math.hypot(t, math.cos(lam)))
    terms = list(enumerate(alpha, start=1))
    north = xi + sum(c * math.sin(2 * k * xi) * math.cosh(2 * k * eta) for k, c in terms)
    east = eta + sum(c * math.cos(2 * k * xi) * math.sinh(2 * k * eta) for k, c in terms)
    return false_east + radius * east, radius * north


@pytest.mark.parametrize("code", [code for code in CGCS2000 if code != 4490])
def test_every_cgcs2000_zone_is_right_to_a_millimetre(code):
    meridian, false_east, half = _zone(code)
    lon, lat = meridian + 0.8 * half, 31.7
    expected = _gauss_krueger(lon, lat, meridian, false_east)
    out = from_lonlat(_point(lon, lat), f"EPSG:{code}")[0]
    assert (out.x, out.y) == pytest.approx(expected, abs=MM)
    back = to_lonlat(_point(*expected), f"EPSG:{code}")[0]
    assert (back.x, back.y) == pytest.approx((lon, lat), abs=1e-8)


@pytest.mark.parametrize(
    ("code", "place", "control"),
    [
        (4548, (115.858, 28.683), (388382.945, 3174669.149)),
        (4527, (115.858, 28.683), (39388382.945, 3174669.149)),
        (4549, (118.770, 32.066), (383852.846, 3549832.931)),
    ],
)
def test_control_points_hold_in_and_out(code, place, control):
    out = from_lonlat(_point(*place), f"EPSG:{code}")[0]
    assert (out.x, out.y) == pytest.approx(control, abs=MM)
    back = to_lonlat(_point(*control), f"EPSG:{code}")[0]
    assert (back.x, back.y) == pytest.approx(place, abs=1e-8)


@pytest.mark.parametrize("code", ORACLES)
def test_east_comes_first_as_in_pyproj(code):
    meridian = 117.0 if code in {4326, 4490, 3857, 32650} else _zone(code)[0]
    place = (meridian + 0.7, 32.066)
    oracle = Transformer.from_crs("EPSG:4326", f"EPSG:{code}", always_xy=True).transform(*place)
    found = from_lonlat(_point(*place), f"EPSG:{code}")[0]
    assert (found.x, found.y) == pytest.approx(oracle, abs=MM if max(oracle) > 360 else 1e-9)


def test_postgis_says_the_same(read_conn):
    known = {row[0] for row in read_conn.execute(text("SELECT srid FROM spatial_ref_sys WHERE srid > 0"))}
    assert known >= {*ORACLES, *ZONES_PREFIXED, *ZONES_PLAIN}
    for code in ORACLES:
        meridian = 117.0 if code in {4326, 4490, 3857, 32650} else _zone(code)[0]
        place = (meridian + 0.7, 32.066)
        query = text(
            "SELECT ST_X(p), ST_Y(p) FROM ST_Transform(ST_SetSRID(ST_MakePoint(:x, :y), 4326), :code) AS p"
        )
        oracle = tuple(read_conn.execute(query, {"x": place[0], "y": place[1], "code": code}).one())
        found = from_lonlat(_point(*place), f"EPSG:{code}")[0]
        assert (found.x, found.y) == pytest.approx(oracle, abs=MM if max(oracle) > 360 else 1e-9), code


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ROUND_TRIPS),
    st.lists(
        st.tuples(st.floats(-1.4, 1.4), st.floats(18, 53.5), st.floats(-100, 9000)), min_size=1, max_size=8
    ),
)
def test_there_and_back_is_within_a_millimetre(code, places):
    meridian = 117.0 if code in {4326, 4490, 3857, 32650} else _zone(code)[0]
    line = np.array([shapely.Point(meridian + lon, lat, z) for lon, lat, z in places], dtype=object)
    back = to_lonlat(from_lonlat(line, f"EPSG:{code}"), f"EPSG:{code}")
    was, now = shapely.get_coordinates(line, include_z=True), shapely.get_coordinates(back, include_z=True)
    # A millimetre is 9e-9 degrees of latitude.
    assert np.abs(was - now)[:, :2].max() < 9e-9
    assert (was[:, 2] == now[:, 2]).all()


def _old_codes() -> list[int]:
    """Those whose datum is an old Chinese one, by the register's own names."""
    known = {int(code) for code in get_codes("EPSG", PJType.CRS) if code.isdigit()}
    found = {code: CRS.from_epsg(code).name for code in AROUND_OLD if code in known}
    return [code for code, name in found.items() if re.match(r"(New )?Beijing|Xian 1980", name)]


def test_old_datums_are_refused_by_name_in_and_out():
    codes = _old_codes()
    # Xian 1980: 1 + 21 + 21 + 11 + 11; Beijing 1954 and New Beijing about as many.
    assert len(codes) >= 190
    for code in codes:
        for change in (to_lonlat, from_lonlat):
            with pytest.raises(BadInput, match=r"Beijing|Xian") as caught:
                change(_point(500000, 3000000), f"EPSG:{code}")
            assert "CHENGTU_CRS_FILE" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "code", [4490, 4513, 4527, 4534, 4548, 4554, 4498, 4509, 3857, 32650, 2326, 28992, 3547]
)
def test_esri_wkt_is_found_in_the_register(code):
    esri = CRS.from_epsg(code).to_wkt(WktVersion.WKT1_ESRI)
    assert crs_label(esri) == f"EPSG:{code}"
    place = {2326: (114.1, 22.4), 28992: (5.4, 52.1), 3547: (-85.0, 37.5)}.get(code, (115.9, 28.7))
    by_wkt, by_code = from_lonlat(_point(*place), esri)[0], from_lonlat(_point(*place), f"EPSG:{code}")[0]
    assert (by_wkt.x, by_wkt.y) == pytest.approx((by_code.x, by_code.y), abs=MM)


@pytest.mark.parametrize("code", [2436, 2385, 4782, 21460, 4214, 4610])
def test_esri_wkt_of_old_datums_is_refused(code):
    with pytest.raises(BadInput, match="local parameters"):
        check_crs(CRS.from_epsg(code).to_wkt(WktVersion.WKT1_ESRI))


@pytest.mark.parametrize(
    "definition",
    [
        "+proj=tmerc +lon_0=117 +x_0=500000 +ellps=krass",
        "+proj=tmerc +lon_0=117 +x_0=500000 +ellps=krass +towgs84=15.8,-154.4,-82.3,0,0,0,0",
        "+proj=tmerc +lon_0=117 +x_0=500000 +a=6378140 +rf=298.257",
        "+proj=longlat +ellps=krass +towgs84=0,0,0",
    ],
)
def test_nameless_old_ellipsoids_are_refused_even_with_parameters_of_their_own(definition):
    with pytest.raises(BadInput) as caught:
        check_crs(definition)
    assert "154.4" not in str(caught.value)
    assert "lon_0" not in str(caught.value)


@pytest.mark.parametrize(
    "definition",
    [
        "EPSG:3821",
        "EPSG:4479",
        "+proj=tmerc +lon_0=9 +ellps=bessel",
        "+proj=tmerc +lon_0=9 +ellps=bessel +towgs84=0,0,0",
    ],
)
def test_a_ballpark_change_is_never_silent(definition):
    with pytest.raises(BadInput):
        to_lonlat(_point(500000, 3000000), definition)


def test_files_that_a_definition_names_are_not_opened(tmp_path):
    with pytest.raises(BadInput, match="unknown"):
        check_crs(f"+proj=tmerc +lon_0=9 +ellps=bessel +nadgrids={tmp_path / 'x.gsb'}")


def test_heights_and_compound_systems_keep_z():
    for crs in ("EPSG:4548+5737", "EPSG:4548"):
        found = to_lonlat(np.array([shapely.Point(388382.945, 3174669.149, 23.5)]), crs)[0]
        assert (found.x, found.y, found.z) == pytest.approx((115.858, 28.683, 23.5), abs=1e-8)
    assert shapely.get_z(to_lonlat(np.array([shapely.Point(115.9, 28.7, 7)]), "EPSG:4480")[0]) == 7


def test_us_survey_feet():
    """Kentucky, in the middle of the single zone: the false origin is 4,921,250 / 3,280,833.333 US survey feet."""
    foot = 1200 / 3937
    origin = (1_500_000 / foot, 1_000_000 / foot)
    found = to_lonlat(_point(*origin), "EPSG:3547")[0]
    assert (found.x, found.y) == pytest.approx((-85.75, 36 + 1 / 3), abs=1e-7)
    # A mile of 5280 survey feet north is 1609.347 m, whatever the projection's scale (within 1:10,000).
    north = to_lonlat(_point(origin[0], origin[1] + 5280), "EPSG:3547")[0]
    assert (north.y - found.y) * 110_960 == pytest.approx(1609.347, rel=5e-4)


def test_shapes_with_and_without_heights_stay_what_they_are():
    given = np.array(
        [
            shapely.Point(388382, 3174669),
            None,
            shapely.LineString([(388382, 3174669, 1), (388400, 3174700, 2)]),
        ]
    )
    copy = [shapely.to_wkt(shape) for shape in given]
    found = to_lonlat(given, "EPSG:4548")
    assert [shape is not None and bool(shapely.has_z(shape)) for shape in found] == [False, False, True]
    assert shapely.get_coordinates(found[2], include_z=True)[:, 2].tolist() == [1, 2]
    assert [shapely.to_wkt(shape) for shape in given] == copy


def test_what_is_written_names_a_code_and_nothing_else():
    assert file_crs("epsg:4548") == "EPSG:4548"
    assert file_crs("http://www.opengis.net/def/crs/OGC/1.3/CRS84") == "EPSG:4326"
    assert file_crs("urn:ogc:def:crs:EPSG::4490") == "EPSG:4490"
    for refused in ("gcj02", "BD-09", "+proj=tmerc +lon_0=115.48724 +x_0=501700 +ellps=GRS80"):
        with pytest.raises(BadInput) as caught:
            file_crs(refused)
        assert "115.48724" not in str(caught.value)


def test_over_http_systems_are_named_not_defined():
    check_crs("EPSG:4548", definitions=False)
    with pytest.raises(BadInput, match="named here") as caught:
        check_crs("+proj=tmerc +lon_0=115.48724 +ellps=GRS80", definitions=False)
    assert "115.48724" not in str(caught.value)
