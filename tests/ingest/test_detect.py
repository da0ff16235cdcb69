"""The CRS of a layer: named, found with evidence, or asked for; GCJ-02 and BD-09 told by what the city knows."""

import numpy as np
import pytest
import shapely
from pyproj import CRS
from pyproj.enums import WktVersion

from app.errors import BadInput
from app.ingest.detect import detect
from app.ingest.place import place_layer
from app.space import gcj02
from app.space.transform import from_lonlat
from app.validation.frame import make_frame
from tests.ingest.nanchang import districts, frame, in_crs, layer, places, source

SHIFTS = {
    "gcj02": gcj02.wgs84_to_gcj02,
    "bd09": lambda lon, lat: gcj02.gcj02_to_bd09(*gcj02.wgs84_to_gcj02(lon, lat)),
}


def shifted(kind: str, shapes):
    """Shapes as a web map would give them."""
    return shapely.transform(shapes, lambda c: np.column_stack(SHIFTS[kind](c[:, 0], c[:, 1])))


def placed_right(found, shapes) -> bool:
    """The first place comes out where it was taken from."""
    lon, lat = places(len(shapes))
    made = place_layer(layer(shapes), found, frame())
    return not made.outside and shapely.distance(made.geometry[0], shapely.Point(lon[0], lat[0])) < 1e-8


@pytest.mark.parametrize(
    ("code", "zone"),
    [("EPSG:4527", "3-degree zone 39"), ("EPSG:4526", "3-degree zone 38"), ("EPSG:4498", "6-degree zone 20")],
)
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_a_zone_prefix_is_taken_with_the_word_that_old_datums_look_alike(code, zone, swapped, known):
    shapes = in_crs(code, swapped=swapped)
    found = detect(source(shapes), None, frame() if known else None)
    assert (found.label, found.how, found.swapped) == (code, "found", swapped)
    told = " ".join(found.evidence)
    assert zone in told
    assert "Beijing 1954" in told
    assert ("100% would lie in the city" in told) == known
    assert ("north stands before east" in told) == swapped
    assert placed_right(found, shapes)


@pytest.mark.parametrize("code", ["EPSG:4547", "EPSG:3857", "EPSG:4549"])
def test_metres_without_a_prefix_are_taken_where_the_city_confirms_one_candidate(code):
    shapes = in_crs(code)
    found = detect(source(shapes), None, frame())
    assert (found.label, found.swapped) == (code, False)
    assert placed_right(found, shapes)
    with pytest.raises(BadInput, match="names no CRS"):
        detect(source(shapes), None, None)


def test_metres_that_two_candidates_fit_are_asked_about_with_their_shares():
    """CGCS2000 and UTM with one meridian differ by 1.3 km here: the city holds both."""
    with pytest.raises(BadInput, match="names no CRS") as caught:
        detect(source(in_crs("EPSG:4548")), None, frame())
    assert "EPSG:4548 (100% would lie in the city)" in caught.value.hint
    assert "EPSG:32650 (9" in caught.value.hint
    assert "EPSG:4549 (0% would lie in the city)" in caught.value.hint


def test_no_candidate_is_named_where_none_would_lie_in_the_city():
    shapes = np.asarray(shapely.points([(155_000.0, 463_000.0), (156_000.0, 464_000.0)]), dtype=object)
    with pytest.raises(BadInput, match="names no CRS") as caught:
        detect(source(shapes), None, frame())
    assert "usual systems would put the places in the city" in caught.value.hint
    assert "EPSG:" not in caught.value.hint


def test_swapped_metres_need_the_city():
    shapes = in_crs("EPSG:4547", swapped=True)
    found = detect(source(shapes), None, frame())
    assert (found.label, found.swapped) == ("EPSG:4547", True)
    assert placed_right(found, shapes)
    with pytest.raises(BadInput) as caught:
        detect(source(shapes), None, None)
    assert "swapped" in caught.value.hint


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("code", ["EPSG:4548", "EPSG:4527", "EPSG:32650"])
def test_a_named_crs_with_swapped_axes_is_turned_with_the_evidence(code, known):
    shapes = in_crs(code, swapped=True)
    for given, own in ((code, None), (None, code)):
        found = detect(source(shapes, own), given, frame() if known else None)
        assert found.swapped
        assert "so 100% lie in" in found.evidence[-1]
        assert placed_right(found, shapes)


def test_feet_that_look_like_swapped_metres_stay_as_they_are():
    """Northern Ohio: eastings of some two million feet, northings below a million."""
    shapes = from_lonlat(shapely.points(np.linspace(-82, -81.4, 50), np.linspace(41, 41.5, 50)), "EPSG:3734")
    assert (shapely.get_x(shapes) > 2e6).all()
    assert (shapely.get_y(shapes) < 1e6).all()
    assert not detect(source(shapes, "EPSG:3734"), None, None).swapped


def test_finnish_eastings_are_no_chinese_zone():
    shapes = from_lonlat(
        shapely.points(np.linspace(24.8, 25.1, 20), np.linspace(60.15, 60.3, 20)), "EPSG:3879"
    )
    with pytest.raises(BadInput, match="names no CRS"):
        detect(source(shapes), None, None)


def test_eastings_of_the_web_map_that_look_like_a_zone_are_asked_about():
    """Nanjing in EPSG:3857 begins with 13 as 6-degree zone 13 in Kashgar does."""
    lon, lat = places(50, division="1563201")
    shapes = from_lonlat(shapely.points(lon, lat), "EPSG:3857")
    with pytest.raises(BadInput) as caught:
        detect(source(shapes), None, None)
    assert "EPSG:4491" in caught.value.hint
    assert "EPSG:3857" in caught.value.hint
    assert detect(source(shapes), None, frame("1563201", "EPSG:4549")).label == "EPSG:3857"


def test_the_user_counts_before_the_file_and_the_file_before_the_coordinates():
    shapes = in_crs("EPSG:4527")
    named = detect(source(shapes, "EPSG:4526"), "EPSG:4527", None)
    assert (named.label, named.how) == ("EPSG:4527", "named by you")
    assert detect(source(shapes, "EPSG:4526"), None, None).how == "named by the file"


@pytest.mark.parametrize(
    "spelling", ["GCJ-02", " gcj02 ", "urn:ogc:def:crs:EPSG::4527", "epsg:4527", "CRS84"]
)
def test_a_crs_may_be_spelt_in_many_ways(spelling):
    code = "EPSG:4527" if "4527" in spelling else "EPSG:4326"
    found = detect(source(in_crs(code)), spelling, frame())
    made = place_layer(layer([*in_crs(code), shapely.Point(1, 1)]), found, frame())
    assert found.label == {"CRS84": "EPSG:4326"}.get(spelling, "EPSG:4527" if "4527" in spelling else "gcj02")
    assert 400 in made.outside


def test_esri_definitions_are_named_by_their_code():
    esri = CRS.from_epsg(4548).to_wkt(WktVersion.WKT1_ESRI)
    found = detect(source(in_crs("EPSG:4548"), esri), None, frame())
    assert (found.label, found.how) == ("EPSG:4548", "named by the file")
    assert found.evidence == (
        "the file's definition 'CGCS2000 / 3-degree Gauss-Kruger CM 117E' is EPSG:4548",
    )


def test_a_definition_in_no_register_is_kept_and_not_shown():
    own = "+proj=tmerc +lon_0=115.48724 +x_0=501733.25 +ellps=GRS80 +units=m"
    shapes = in_crs(own)
    found = detect(source(shapes, CRS(own).to_wkt()), None, frame())
    assert placed_right(found, shapes)
    for told in (repr(found), str(found.as_dict())):
        assert "115.48724" not in told
        assert "501733" not in told
    assert "no register" in found.evidence[0]


@pytest.mark.parametrize("code", ["EPSG:2436", "EPSG:2385", "EPSG:4214"])
def test_old_datums_are_refused_with_the_way_out(code):
    with pytest.raises(BadInput, match="local parameters") as caught:
        detect(source(in_crs("EPSG:4548"), code), None, frame())
    assert "CHENGTU_CRS_FILE" in caught.value.hint


def test_lonlat_without_a_crs_is_plausible_or_asked_about():
    lon, lat = places(300)
    shapes = shapely.points(lon, lat)
    assert detect(source(shapes), None, None).label == "EPSG:4326"
    assert "100% lie in the city" in detect(source(shapes), None, frame()).evidence[0]
    # One row at 0, 0 makes it doubtful, unless the city holds the others.
    shapes[7] = shapely.Point(0, 0)
    with pytest.raises(BadInput, match="names no CRS"):
        detect(source(shapes), None, None)
    assert detect(source(shapes), None, frame()).label == "EPSG:4326"


def test_swapped_degrees_need_the_city():
    lon, lat = places(300)
    shapes = shapely.points(lat, lon)
    assert detect(source(shapes), None, frame()).swapped
    for crs in (None, "EPSG:4490"):
        with pytest.raises(BadInput) as caught:
            detect(source(shapes, crs), None, None)
        assert "latitude comes first" in caught.value.hint


@pytest.mark.parametrize("kind", SHIFTS)
@pytest.mark.parametrize("crs", [None, "EPSG:4326", "EPSG:4490"])
def test_a_shifted_file_is_known_by_rows_outside_the_city(kind, crs):
    shapes = shifted(kind, shapely.points(*places(3000)))
    with pytest.raises(BadInput, match="outside the city as they stand, 0 when taken as " + kind) as caught:
        detect(source(shapes, crs), None, frame())
    assert f"--crs {kind}" in caught.value.hint
    assert f"--crs {crs or 'EPSG:4326'}" in caught.value.hint
    # Either answer is taken.
    for answer in (kind, "EPSG:4326"):
        assert detect(source(shapes, crs), answer, frame()).label == answer


@pytest.mark.parametrize("kind", SHIFTS)
@pytest.mark.parametrize("word", [0, 1])
def test_a_shifted_file_is_known_by_the_districts_that_its_rows_name(kind, word):
    """No row leaves the city; some leave the district that they name by code or by name."""
    lon, lat = places(4000)
    core = [area for area in districts() if area.words[1] in {"东湖区", "西湖区", "青云谱区"}]
    homes = [
        next((a for a in core if shapely.contains_xy(a.shape, x, y)), None)
        for x, y in zip(lon, lat, strict=True)
    ]
    kept = [i for i, home in enumerate(homes) if home is not None]
    shapes = shifted(kind, shapely.points(lon[kept], lat[kept]))
    columns = {"note": ["x"] * len(kept), "area": [homes[i].words[word] for i in kept]}
    with pytest.raises(BadInput, match="outside the area that 'area' names") as caught:
        detect(source(shapes, columns=columns), None, frame())
    assert f"--crs {kind}" in caught.value.hint


@pytest.mark.parametrize("kind", SHIFTS)
def test_a_shifted_file_is_known_by_codes_that_are_stored(kind):
    lon, lat = places(40)
    codes = [f"T{i}" for i in range(40)]
    stored = dict(zip(codes, zip(lon.tolist(), lat.tolist(), strict=True), strict=True))
    here = source(shifted(kind, shapely.points(lon, lat)), columns={"code": codes})

    def ask(wanted: list[str]) -> dict[str, tuple[float, float]]:
        return {code: stored[code] for code in wanted}

    with pytest.raises(BadInput, match="beside their stored place") as caught:
        detect(here, None, None, key="code", stored=ask)
    assert f"--crs {kind}" in caught.value.hint
    # The same rows in their place, and rows that moved some metres, are no sign.
    still = source(shapely.points(lon + 2e-5, lat), columns={"code": codes})
    assert detect(still, None, None, key="code", stored=ask).warnings == ()


@pytest.mark.parametrize("kind", SHIFTS)
def test_shifted_district_borders_are_known_by_the_stored_ones(kind):
    areas = districts()
    columns = {"name": [area.words[1] for area in areas]}
    shapes = shifted(kind, np.array([area.shape for area in areas], dtype=object))
    with pytest.raises(BadInput, match="borders differ from the stored ones") as caught:
        detect(source(shapes, columns=columns), None, frame())
    assert f"--crs {kind}" in caught.value.hint
    right = source(np.array([area.shape for area in areas], dtype=object), columns=columns)
    assert detect(right, None, frame()).warnings == ()


def test_true_places_are_never_asked_about():
    """All over the city, beyond its border on all sides, and in one corner."""
    lon, lat = places(3000)
    west, south, east, north = shapely.bounds(frame().ground)
    random = np.random.default_rng(3)
    wide = shapely.points(
        random.uniform(west - 0.2, east + 0.2, 5000), random.uniform(south - 0.2, north + 0.2, 5000)
    )
    corner = wide[shapely.get_x(wide) > east - 0.2]
    for shapes in (shapely.points(lon, lat), wide, corner):
        found = detect(source(shapes, "EPSG:4326"), None, frame())
        assert (found.label, found.warnings) == ("EPSG:4326", ())


def test_weak_signs_warn():
    shapes = shapely.points(*places(200))
    columns = {"gcj_lon": [1.0] * 200}
    found = detect(source(shapes, "EPSG:4326", columns=columns), None, frame())
    assert len(found.warnings) == 1
    assert "gcj_lon" in found.warnings[0]
    said = source(shapes, None, columns=columns, notes=("the headings say GCJ-02 (gcj02)",))
    with pytest.raises(BadInput, match="headings say GCJ-02"):
        detect(said, None, frame())


def test_outside_china_nothing_is_suspected():
    shapes = shapely.points(np.linspace(24.8, 25.1, 20), np.linspace(60.15, 60.3, 20))
    found = detect(source(shapes, "EPSG:4326", columns={"gcj_lon": [1.0] * 20}), None, None)
    assert found.warnings == ()


def test_a_frame_needs_a_whole_city_or_district():
    only = [area.__class__(area.words, "subdistrict", area.shape) for area in districts()]
    assert make_frame(only, "EPSG:4548") is None
