"""Squares against pyproj's Web Mercator and the plane's own rules."""

from __future__ import annotations

import pyproj
import pytest

from app.maps.squares import mercator, square_around

TO_MERCATOR = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)


@pytest.mark.parametrize(
    "place", [(115.86, 28.68), (24.94, 60.17), (-123.1, 49.2), (0.0, 0.0), (179.9, -84.0)]
)
def test_mercator_is_that_of_proj(place):
    assert mercator(*place) == pytest.approx(TO_MERCATOR.transform(*place), abs=1e-6)


def test_one_square_holds_the_whole_box_at_a_quarter_of_a_metre():
    box = (115.6, 28.5, 116.1, 28.9)
    square = square_around(box)
    for lon, lat in [(box[0], box[1]), (box[2], box[3])]:
        x_m, y_m = TO_MERCATOR.transform(lon, lat)
        assert square.bounds[0] < x_m < square.bounds[2]
        assert square.bounds[1] < y_m < square.bounds[3]
    assert square.side_m / square.extent <= 0.25
