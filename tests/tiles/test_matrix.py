"""The tile matrix set: which tiles there are, where they lie, which of them a box needs."""

from __future__ import annotations

import pytest
from pyproj import Transformer

from app.errors import BadInput, NotFound
from app.tiles.matrix import MAX_ZOOM, Tile, read_tile
from bench.places import place

TO_LONLAT = Transformer.from_crs(3857, 4326, always_xy=True)


def test_an_address_names_zoom_row_and_column():
    assert read_tile("12", "1703", "3365") == Tile(12, 1703, 3365)


@pytest.mark.parametrize(
    "given", [("a", "0", "0"), ("1", "1.0", "0"), ("1", "0", "nan"), ("", "0", "0"), ("²", "0", "0")]
)
def test_what_is_no_number_is_a_bad_request(given):
    with pytest.raises(BadInput, match="no whole number"):
        read_tile(*given)


@pytest.mark.parametrize(
    "given", [("25", "0", "0"), ("40", "0", "0"), ("-1", "0", "0"), ("3", "8", "0"), ("3", "0", "-1")]
)
def test_tiles_out_of_range_are_not_found(given):
    with pytest.raises(NotFound) as caught:
        read_tile(*given)
    assert "0 to" in (caught.value.hint or "")


def test_the_last_tile_of_the_last_zoom_is_there():
    last = 2**MAX_ZOOM - 1
    assert read_tile(str(MAX_ZOOM), str(last), str(last)).z == MAX_ZOOM


@pytest.mark.parametrize(
    "tile", [Tile(0, 0, 0), Tile(3, 2, 6), Tile(14, 6822, 13465), Tile(22, 1745000, 3446000)]
)
def test_bounds_in_metres_and_degrees_are_those_of_pyproj(tile):
    west, south, east, north = tile.bounds
    assert (*TO_LONLAT.transform(west, south), *TO_LONLAT.transform(east, north)) == pytest.approx(
        tile.lonlat(), abs=1e-9
    )
    assert east - west == pytest.approx(40075016.68557849 / 2**tile.z)


def test_a_place_lies_in_the_tile_that_the_formula_names():
    for lon, lat, z in ((115.86, 28.68, 14), (-179, 84, 2), (179, -84, 2), (0.001, -0.001, 20)):
        west, south, east, north = Tile(z, *place(lon, lat, z)).lonlat()
        assert west <= lon < east
        assert south < lat <= north
