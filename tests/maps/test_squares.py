"""Squares against pyproj's Web Mercator and the plane's own rules."""

from __future__ import annotations

import pyproj
import pytest

from app.errors import BadInput
from app.maps.squares import WORLD_M, mercator, square_around, web_square

TO_MERCATOR = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)


@pytest.mark.parametrize(
    "place", [(115.86, 28.68), (24.94, 60.17), (-123.1, 49.2), (0.0, 0.0), (179.9, -84.0)]
)
def test_mercator_is_that_of_proj(place):
    assert mercator(*place) == pytest.approx(TO_MERCATOR.transform(*place), abs=1e-6)


@pytest.mark.parametrize("z", [0, 5, 16, 20])
def test_a_square_holds_the_places_that_slippy_map_arithmetic_puts_there(z):
    lon, lat = 115.86, 28.68
    x_m, y_m = TO_MERCATOR.transform(lon, lat)
    x, y = int((x_m / WORLD_M + 0.5) * 2**z), int((0.5 - y_m / WORLD_M) * 2**z)
    west, south, east, north = web_square(z, x, y).lonlat()
    assert west <= lon < east
    assert south < lat <= north


def test_squares_meet_without_gap_or_overlap():
    one, right, below = web_square(12, 100, 200), web_square(12, 101, 200), web_square(12, 100, 201)
    assert one.bounds[2] == pytest.approx(right.bounds[0], abs=1e-6)
    assert one.bounds[1] == pytest.approx(below.bounds[3], abs=1e-6)


@pytest.mark.parametrize("bad", [(-1, 0, 0), (21, 0, 0), (3, 8, 0), (3, 0, 8), (3, -1, 0)])
def test_there_is_no_square_outside_the_world(bad):
    with pytest.raises(BadInput, match="no map square"):
        web_square(*bad)


def test_one_square_holds_the_whole_box_at_a_quarter_of_a_metre():
    box = (115.6, 28.5, 116.1, 28.9)
    square = square_around(box)
    for lon, lat in [(box[0], box[1]), (box[2], box[3])]:
        x_m, y_m = TO_MERCATOR.transform(lon, lat)
        assert square.bounds[0] < x_m < square.bounds[2]
        assert square.bounds[1] < y_m < square.bounds[3]
    assert square.side_m / square.extent <= 0.25
