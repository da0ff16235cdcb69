"""The grid of boxes: counts and clusters of any tile beside counting one by one, after edits beside a new grid."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import islice
from threading import Barrier, Event

import numpy as np
import pytest
import shapely

from app.database.transactions import Connection
from app.inventory.changes import data_version
from app.inventory.service import delete_features, write_batches
from app.tiles import counts, grid_store
from app.tiles.asked import TilesAsked
from app.tiles.counts import boxes, make_grid, tile_clusters
from app.tiles.layers import Layer
from app.tiles.matrix import Tile
from app.tiles.plan import plan_of
from bench.places import tiles_over
from tests.inventory.town import CHANGE, LAT, LON, batch, place, square
from tests.tiles.tiled import TOWN, meeting, tile_at


def strewn(count, seed, size):
    """Boxes (4, n) of all sizes around the drawn town."""
    rng = np.random.default_rng(seed)
    west, south = LON + rng.uniform(-0.05, 0.05, count), LAT + rng.uniform(-0.05, 0.05, count)
    wide, high = size * rng.uniform(0, 1, (2, count)) ** 4
    return np.stack((west, south, west + wide, south + high))


def held(lonlat):
    ones = np.ones(lonlat.shape[1], np.int64)
    return boxes(lonlat, ones, ones)


@pytest.mark.parametrize("size", [0.0, 0.01, 2.0])
@pytest.mark.parametrize("z", [0, 5, 9, 12, 14])
def test_matched_is_what_counting_one_by_one_finds(size, z):
    lonlat = strewn(300, 7, size)
    grid = make_grid(held(lonlat))
    bounds = dict(enumerate(map(tuple, lonlat.T)))
    for tile in islice(tiles_over(z, TOWN), 20):
        assert grid.matched(tile) == len(meeting(tile, bounds))


def test_a_grid_is_too_coarse_for_tiles_smaller_than_its_cells():
    grid = make_grid(held(strewn(10, 1, 0.01)))
    assert grid.level == 16
    assert grid.matched(tile_at(17, LON, LAT)) is None


def test_what_spans_the_world_has_a_coarse_grid_and_is_counted_rightly():
    lonlat = np.array(
        [[-179.0, 115.86, 179.9], [-80.0, 28.68, 80.0], [-178.0, 115.87, 180.0], [-79.0, 28.69, 89.0]]
    )
    grid = make_grid(held(lonlat))
    assert grid.level < 10
    assert [grid.matched(Tile(1, *at)) for at in ((0, 0), (0, 1), (1, 0), (1, 1))] == [0, 2, 1, 0]
    assert grid.matched(Tile(0, 0, 0)) == 3


def test_what_lies_beyond_the_world_square_is_in_no_tile():
    grid = make_grid(held(np.array([[0.0, 0.0], [86.0, 10.0], [0.0, 0.0], [89.0, 10.0]])))
    assert grid.matched(Tile(0, 0, 0)) == 1


def test_nothing_is_nowhere():
    grid = make_grid(held(np.zeros((4, 0))))
    assert (grid.total, grid.matched(Tile(3, 2, 6)), grid.clusters(Tile(3, 2, 6)), grid.least_zoom) == (
        0,
        0,
        [],
        None,
    )


@pytest.mark.parametrize("z", [3, 11, 13])
def test_clusters_of_the_grid_are_those_of_the_features_themselves(z):
    found = held(strewn(500, 3, 0.02))
    grid = make_grid(found)
    tile = tile_at(z, LON, LAT)
    assert grid.clusters(tile) == tile_clusters(found, tile)


def test_features_added_and_taken_away_leave_the_grid_as_made_anew():
    lonlat = strewn(400, 5, 0.02)
    kinds, zooms = np.arange(400) % 5, np.arange(400) % 17

    ends = (slice(0, 300), slice(100, 400), slice(300, 400), slice(0, 100))
    first, last, added, removed = (boxes(lonlat[:, rows], kinds[rows], zooms[rows]) for rows in ends)
    old, new = make_grid(first), make_grid(last)
    changed = old.changed(added, removed)
    assert (changed.total, changed.least_zoom) == (new.total, new.least_zoom)
    for tile in [tile for z in (4, 12, 13) for tile in tiles_over(z, TOWN)]:
        assert changed.matched(tile) == new.matched(tile)
        assert changed.clusters(tile) == new.clusters(tile)


def grids(conn, catalogue, name):
    """The grid that is kept, and one made anew."""
    (layer,) = plan_of(conn, catalogue, [name], TilesAsked()).layers
    kept = grid_store.grid_of(conn, layer, data_version(conn, layer.cls))
    return kept, counts.make_grid(grid_store.read_boxes(conn, layer))


def edits(conn, catalogue):
    """What happens to features: they move, come, go, are found to have been otherwise in the past or from a day on."""
    yield write_batches(conn, catalogue, [batch("parks", {"p0": square(1, 1, 0.5)})], CHANGE)
    more = {"new": square(-1, 1, 0.05), "p1": shapely.box(LON, LAT, LON + 0.001, LAT + 0.002)}
    yield write_batches(conn, catalogue, [batch("parks", more)], CHANGE)
    yield delete_features(conn, catalogue, "parks", ["p2", "p3"], CHANGE)
    yield delete_features(conn, catalogue, "parks", ["p4"], CHANGE, (date(2020, 1, 1), date(2021, 1, 1)))
    yield delete_features(conn, catalogue, "parks", ["p5"], CHANGE, (date(2020, 1, 1), None))
    today = replace(batch("parks", {"p6": square(0.5, 0.5, 0.3)}), valid=[(date(2022, 1, 1), None)])
    yield write_batches(conn, catalogue, [today], CHANGE)


def test_after_edits_the_grid_is_brought_up_to_date_without_reading_all(conn, catalogue, monkeypatch):
    drawn = {f"p{n}": square(n % 9 / 3 - 1.5, n // 9 / 3 - 1.5, 0.1 + n / 100) for n in range(90)}
    write_batches(conn, catalogue, [batch("parks", drawn)], CHANGE)
    totals = [grids(conn, catalogue, "parks")[0].total]
    monkeypatch.setattr(grid_store, "make_grid", lambda _: pytest.fail("the class was read anew"))
    for _ in edits(conn, catalogue):
        kept, fresh = grids(conn, catalogue, "parks")
        totals.append(kept.total)
        assert (kept.total, kept.least_zoom) == (fresh.total, fresh.least_zoom)
        for tile in [tile for z in (9, 12, 13, 15) for tile in tiles_over(z, TOWN)]:
            assert kept.matched(tile) == fresh.matched(tile)
            assert kept.clusters(tile) == fresh.clusters(tile)
    assert totals == [90, 90, 91, 89, 89, 88, 88]


def test_a_feature_beyond_the_grid_makes_it_anew(conn, catalogue):
    write_batches(conn, catalogue, [batch("toilets", {f"t{n}": place(n / 50, 0) for n in range(60)})], CHANGE)
    first, _ = grids(conn, catalogue, "toilets")
    write_batches(conn, catalogue, [batch("toilets", {"far": place(60, 20)})], CHANGE)
    second, _ = grids(conn, catalogue, "toilets")
    assert (first.total, second.total) == (60, 61)
    assert second.matched(tile_at(12, LON + 0.6, LAT + 0.2)) == 1


def test_many_tiles_at_once_read_the_class_once(database, catalogue, monkeypatch):
    with database.write() as conn:
        write_batches(
            conn, catalogue, [batch("toilets", {f"t{n}": place(n / 50, 0) for n in range(60)})], CHANGE
        )
    read, started = [], Barrier(4)

    def read_slowly(conn: Connection, layer: Layer) -> counts.Boxes:
        read.append(layer.collection)
        Event().wait(0.1)  # the others come meanwhile
        return reading(conn, layer)

    reading = grid_store.read_boxes
    monkeypatch.setattr(grid_store, "read_boxes", read_slowly)

    def total(_: int) -> int:
        with database.read() as conn:
            started.wait()
            (layer,) = plan_of(conn, catalogue, ["toilets"], TilesAsked()).layers
            return grid_store.grid_of(conn, layer, data_version(conn, layer.cls)).total

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(total, range(4))) == [60] * 4
    assert read == ["toilets"]
