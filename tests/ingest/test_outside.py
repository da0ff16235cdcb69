"""Rows outside the city: how far, why they probably are, and what to do; shapes inside keep everything."""

import numpy as np
import pytest
import shapely

from app.ingest.detect import Detection
from app.ingest.place import place_layer
from app.space import gcj02
from app.space.transform import from_lonlat
from tests.effort import is_little
from tests.ingest.nanchang import frame, layer, places

HERE = (115.858, 28.683)
METRES = (388382.945, 3174669.149)


def outside(x: float, y: float, crs: str) -> tuple[str, str]:
    """Reason and hint for one row among good ones."""
    good = from_lonlat(shapely.points(*places(20)), crs)
    shapes = [*good, shapely.Point(x, y)]
    found = place_layer(layer(shapes), Detection(crs, crs, "named by the file"), frame()).outside
    assert list(found) == [20]
    return found[20].reason, found[20].hint


def beyond(metres: float) -> tuple[float, float]:
    """A place so far outside the southernmost point of the border."""
    ring = from_lonlat(np.array([frame().ground], dtype=object), "EPSG:4548")
    coordinates = shapely.get_coordinates(ring)
    east, north = coordinates[coordinates[:, 1].argmin()]
    return float(east), float(north - metres)


@pytest.mark.parametrize(
    ("x", "y", "crs", "cause", "hint"),
    [
        (HERE[1], HERE[0], "EPSG:4326", "axes are swapped", "east (longitude) first"),
        (METRES[1], METRES[0], "EPSG:4548", "axes are swapped", "east (longitude) first"),
        (-HERE[0], HERE[1], "EPSG:4490", "longitude has the wrong sign", "positive"),
        (HERE[0], -HERE[1], "EPSG:4490", "latitude has the wrong sign", "positive"),
        (0, 0, "EPSG:4326", "0, 0 or nearly", "Nobody measured"),
        (1e-7, -1e-7, "EPSG:4326", "0, 0 or nearly", "Nobody measured"),
        (0, 0, "EPSG:4548", "0, 0 or nearly", "Nobody measured"),
        (*METRES, "EPSG:4326", "metres of EPSG:4548", "--crs EPSG:4548"),
        (
            METRES[0] + 39e6,
            METRES[1],
            "EPSG:4526",
            "wrong zone: the coordinates are those of EPSG:4527",
            "EPSG:4527",
        ),
        (
            METRES[0] + 39e6,
            METRES[1],
            "EPSG:4548",
            "wrong zone: the coordinates are those of EPSG:4527",
            "EPSG:4527",
        ),
        (*METRES, "EPSG:4547", "wrong zone: the coordinates are those of EPSG:4548", "--crs EPSG:4548"),
        (*METRES, "EPSG:4549", "wrong zone: the coordinates are those of EPSG:4548", "--crs EPSG:4548"),
        (*METRES, "EPSG:4527", "no zone prefix", "Put 39 before"),
        (*HERE, "EPSG:4548", "longitude and latitude", "--crs EPSG:4326"),
        (15.858, HERE[1], "EPSG:4326", "first digit is lost of the longitude", "Correct"),
        (115858, 28683, "EPSG:4326", "decimal point has moved in both", "Correct"),
        (HERE[0], 2.8683, "EPSG:4326", "in the second coordinate", "Correct"),
        (METRES[0], 317466.9, "EPSG:4548", "in the second coordinate", "Correct"),
        (METRES[0], 174669.149, "EPSG:4548", "first digit is lost of the northing", "Correct"),
    ],
)
def test_the_likely_cause_is_told_with_the_way_out(x, y, crs, cause, hint):
    reason, told = outside(x, y, crs)
    assert cause in reason
    assert hint in told
    assert "--allow-outside" in told
    assert "outside the city" in reason or "nowhere on Earth" in reason


@pytest.mark.parametrize(("kind", "title"), [("gcj02", "GCJ-02"), ("bd09", "BD-09")])
def test_a_single_shifted_row_at_the_border_is_told(kind, title):
    lon, lat = places(4000)
    away = {"gcj02": gcj02.wgs84_to_gcj02(lon, lat)}
    away["bd09"] = gcj02.gcj02_to_bd09(*away["gcj02"])
    far = frame().distance_km(*away[kind])
    # Farther than GCJ-02 alone could move it, so that only one of the two explains it.
    i = int(np.argmax(np.where(frame().holds(*away["gcj02"]), far, 0) if kind == "bd09" else far))
    assert far[i] > 0.25
    reason, told = outside(float(away[kind][0][i]), float(away[kind][1][i]), "EPSG:4326")
    assert f"likely cause: the coordinates are {title}" in reason
    assert f"--crs {kind}" in told


def test_the_distance_is_true_and_the_margin_is_200_m():
    for metres in (50, 190):
        shape = shapely.Point(*beyond(metres))
        assert not place_layer(layer([shape]), Detection("EPSG:4548", "", "named by you"), frame()).outside
    assert "0.3 km outside" in outside(*beyond(300), "EPSG:4548")[0]
    assert "1.5 km outside" in outside(*beyond(1500), "EPSG:4548")[0]
    assert "60 km outside" in outside(*beyond(60_000), "EPSG:4548")[0]


def test_a_shape_that_reaches_into_the_city_is_not_outside():
    east, north = beyond(5000)
    shapes = [
        shapely.LineString([(east, north), (east, north + 6000)]),
        shapely.box(east - 500, north, east + 500, north + 6000),
        shapely.box(east - 500, north, east + 500, north + 500),
        shapely.MultiPoint([(east, north), METRES]),
        shapely.GeometryCollection([shapely.Point(east, north), shapely.Point(*METRES)]),
        shapely.Polygon([(east, north), (east + 9, north + 9), (east + 9, north), (east, north + 9)]),
    ]
    found = place_layer(layer(shapes), Detection("EPSG:4548", "", "named by you"), frame())
    assert list(found.outside) == [2, 5]
    assert "likely cause" not in found.outside[2].reason


def test_rows_without_a_usable_shape_are_left_to_what_checks_shapes():
    shapes = [
        None,
        shapely.Point(),
        shapely.Point(float("inf"), 1),
        shapely.Point(0, 0),
        shapely.Point(*METRES),
    ]
    given = layer(shapes, faults={3: "the shape cannot be read"})
    found = place_layer(given, Detection("EPSG:4548", "", "named by you"), frame())
    assert found.outside == {}
    assert shapely.distance(found.geometry[4], shapely.Point(*HERE)) < 1e-8
    nothing = place_layer(layer([None, None]), Detection("EPSG:4548", "", "named by you"), frame())
    assert list(nothing.geometry) == [None, None]


def test_without_a_frame_nothing_is_outside():
    assert place_layer(layer([shapely.Point(0, 0)]), Detection("EPSG:4326", "", "found")).outside == {}


def test_heights_come_through_swapped_axes_too():
    shape = shapely.LineString([(METRES[1], METRES[0], 12.5), (METRES[1] + 10, METRES[0], 13.5)])
    found = place_layer(layer([shape]), Detection("EPSG:4548", "", "found", swapped=True), frame())
    assert shapely.get_coordinates(found.geometry[0], include_z=True)[:, 2].tolist() == [12.5, 13.5]
    assert found.geometry[0].coords[0][:2] == pytest.approx(HERE, abs=1e-8)
    assert shape.coords[0][:2] == (METRES[1], METRES[0])


def test_many_rows_are_quick():
    """50,000 lines of a chunk, one in fifty of them outside: far below what reading them takes."""
    lon, lat = (np.resize(values, 50_000) for values in places(2000))
    lon[::50] += 5
    ends = np.column_stack([lon, lat, lon + 1e-3, lat + 1e-3]).reshape(-1, 2)
    lines = shapely.linestrings(ends, indices=np.repeat(np.arange(50_000), 2))
    frame()
    given = layer(lines)
    found = is_little(lambda: place_layer(given, Detection("EPSG:4326", "", "found"), frame()), 2)
    assert len(found.outside) == 1000
