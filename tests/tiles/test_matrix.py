"""The tile matrix set: which tiles there are, where they lie, which of them a box needs."""

from __future__ import annotations

import pytest
from pyproj import Transformer

from app.errors import BadInput, NotFound
from app.tiles.matrix import MAX_ZOOM, Tile, TileLimits, place, read_tile, tile_limits

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


def test_rows_run_from_the_north_and_columns_from_the_west():
    assert place(-179, 84, 2) == (0, 0)
    assert place(179, -84, 2) == (3, 3)
    assert place(180, -90, 2) == (3, 3)


def test_limits_of_a_box_are_the_tiles_that_it_meets():
    found = list(tile_limits((115.84, 28.66, 115.88, 28.70), [0, 12, 14]))
    assert found[0] == TileLimits(0, 0, 0, 0, 0)
    for limits in found:
        west, _, inner_west, north = Tile(limits.z, limits.min_row, limits.min_col).lonlat()
        inner_east, south, east, _ = Tile(limits.z, limits.max_row, limits.max_col).lonlat()
        assert west <= 115.84 < inner_west
        assert inner_east <= 115.88 < east
        assert south <= 28.66
        assert north >= 28.70
