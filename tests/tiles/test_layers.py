"""Layers of a tile: where features are drawn, what they say, how they are read."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import psycopg
import pytest
import shapely

from app.database.server import admin_parameters
from app.inventory.changes import raw
from app.inventory.service import write_batches
from app.tiles.asked import TilesAsked
from app.tiles.attributes import class_attributes
from app.tiles.layer_sql import drawn_sql, is_affine, numbered, tile_values
from app.tiles.matrix import Tile
from app.tiles.plan import plan_of
from tests.inventory.town import CHANGE, LAT, LON, batch, place
from tests.tiles.tiled import MERCATOR, built, decoded, points, rows_of, squares, tile_at, tiled_town, units

TILE = tile_at(14, LON, LAT)


@pytest.mark.parametrize("lat", [0.01, LAT, 60.17, 75.0, -54.8])
@pytest.mark.parametrize("z", [10, 12, 14, 16, 20])
def test_places_are_those_of_the_projection(conn, catalogue, z, lat):
    """But for the rounding to whole units within 0.2, at small scales within 2: a quarter of a pixel."""
    tile = tile_at(z, LON, lat)
    west, south, east, north = tile.lonlat(1 / 64)
    spots = {
        f"s{k}": shapely.Point(
            west + (east - west) * (k % 7 + 0.5) / 7, south + (north - south) * (k // 7 + 0.5) / 7
        )
        for k in range(49)
    }
    write_batches(conn, catalogue, [batch("sewage_plants", spots)], CHANGE)
    found = decoded(built(conn, catalogue, tile, "sewage_plants").body)["sewage_plants"]
    assert len(found) == 49
    for item in found:
        spot = spots[item["properties"]["code"]]
        assert (item["shape"].x, item["shape"].y) == pytest.approx(
            units(tile, spot.x, spot.y), abs=0.7 if z >= 14 else 2.5
        )


def test_the_projection_is_spared_where_it_makes_no_difference():
    assert [is_affine(tile_at(z, LON, LAT)) for z in (8, 9, 10, 14)] == [False, False, True, True]
    assert [is_affine(tile_at(z, 25, 75)) for z in (9, 10, 11, 14)] == [False, False, True, True]


@pytest.mark.parametrize("z", [11, 14])
def test_shapes_are_those_of_the_projection(conn, catalogue, z):
    """A polygon with a hole and a line across the whole tile, as areas and distances to what pyproj makes of them."""
    tile = tile_at(z, LON, LAT)
    west, south, east, north = tile.lonlat()
    middle = shapely.Point((west + east) / 2, (south + north) / 2)
    ring = middle.buffer((east - west) / 3).difference(middle.buffer((east - west) / 6))
    across = shapely.LineString([(west - 0.02, south - 0.02), (east + 0.02, north + 0.02)])
    shapes = [batch("green_spaces", {"a": ring}), batch("streets", {"b": across}, {"kind": ["trunk"]})]
    write_batches(conn, catalogue, shapes, CHANGE)
    layers = decoded(built(conn, catalogue, tile, "green_spaces", "streets").body)
    for name, shape in (("green_spaces", ring), ("streets", across)):
        expected = shapely.transform(shape, lambda xy: np.array([units(tile, *at) for at in xy]))
        window = shapely.box(-64, -64, 4160, 4160)
        (item,) = layers[name]
        assert shapely.hausdorff_distance(item["shape"].normalize(), (expected & window).normalize()) < 2.5


def test_values_are_written_as_what_they_are(conn, catalogue):
    columns = {"stalls": [4], "name_zh": ["滨江厕所"], "built_on": [date(2019, 5, 1)], "accessible": [True]}
    write_batches(conn, catalogue, [batch("toilets", {"a": place(0.2, 0.2)}, columns)], CHANGE)
    (item,) = decoded(built(conn, catalogue, TILE, "toilets").body)["toilets"]
    said = item["properties"]
    assert said["name_zh"] == "滨江厕所"
    assert said["stalls"] == 4
    assert said["built_on"] == "2019-05-01"
    assert said["accessible"] is True
    assert said["code"] == "a"
    assert said["min_zoom"] == 12
    (row,) = rows_of(conn, "SELECT id FROM city.toilets")
    assert item["id"] == row[0]


@pytest.mark.parametrize("z", [13, 14])
def test_small_scales_keep_what_styles_need_and_large_ones_all_open_fields(catalogue, z):
    for cls in catalogue.classes.values():
        names = class_attributes(cls, z)
        fields = [item.name for item in cls.fields]
        asked = {name for rule in cls.zooms for name in rule.where}
        assert {"code", "min_zoom"} <= set(names)
        assert asked & set(fields) <= set(names)
        assert {"kind", "name_zh", "level", "bridge", "tunnel"} & set(fields) <= set(names)
        if z == 14:
            assert set(fields) <= set(names)


@pytest.fixture(scope="module")
def large(cluster_settings, template, catalogue):
    """Shapes of 500,000 vertices: a smooth lake, a star of so many spikes, a line to and fro."""
    count = 500_000
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    noise = np.random.default_rng(1).uniform(size=count)

    around = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    waves, spikes = 0.05 * (1 + 0.1 * np.sin(40 * angle)), 0.05 * (0.6 + 0.4 * noise)
    smooth, star = (shapely.polygons((LON, LAT) + around * radius[:, None]) for radius in (waves, spikes))
    zigzag = shapely.linestrings(
        np.stack((LON + np.linspace(-0.05, 0.05, count), LAT + 0.05 * noise), axis=1)
    )
    with tiled_town(cluster_settings, template, catalogue, points("toilets", 1, 1)) as db:
        with psycopg.connect(**admin_parameters(db.settings), autocommit=True) as admin:
            admin.execute("INSERT INTO city.changes (id, who, why, classes) OVERRIDING SYSTEM VALUE VALUES "
                          "(1000, 't', 't', '{parks,green_spaces,streets}')")  # fmt: skip
            for name, shape in (("parks", smooth), ("green_spaces", star), ("streets", zigzag)):
                admin.execute(
                    f"INSERT INTO city.{name} (code, geom, change_id) VALUES "
                    "('large', ST_Multi(ST_GeomFromWKB(%s, 4326)), 1000)".encode(),
                    [shapely.to_wkb(shape)],
                )
        yield db, smooth


@pytest.mark.parametrize("z", [0, 9, 13, 16])
@pytest.mark.parametrize("name", ["parks", "green_spaces", "streets"])
def test_a_shape_of_half_a_million_vertices_is_drawn_in_time(large, catalogue, name, z):
    db, _ = large
    tile = tile_at(z, LON + 0.03, LAT + 0.01)
    # The most that one statement may take; on an idle machine none takes half of it.
    with db.read(timeout_s=4) as conn:
        assert len(built(conn, catalogue, tile, name).body) <= 512_000


@pytest.mark.parametrize("z", [11, 14])
def test_a_large_smooth_shape_is_drawn_as_it_is(large, catalogue, z):
    db, smooth = large
    tile = tile_at(z, LON + 0.05, LAT)
    with db.read() as conn:
        (item,) = decoded(built(conn, catalogue, tile, "parks").body)["parks"]
    west, _, east, north = tile.bounds
    mercator = shapely.transform(smooth, lambda xy: np.stack(MERCATOR.transform(*xy.T), axis=1))
    scale = 4096 / (east - west)
    outline = shapely.transform(mercator, lambda xy: (xy - (west, north)) * (scale, -scale))
    expected = shapely.make_valid(outline) & shapely.box(-64, -64, 4160, 4160)
    # A pixel is eight units.
    assert shapely.symmetric_difference(item["shape"], expected).area < 8 * expected.length


@pytest.fixture(scope="module")
def ruled(cluster_settings, template, catalogue):
    """Twenty thousand green spaces, few of them drawn at small scales."""
    with tiled_town(cluster_settings, template, catalogue, squares("green_spaces", 2000, 3)) as db:
        with psycopg.connect(**admin_parameters(db.settings), autocommit=True) as admin:
            admin.execute(
                "INSERT INTO city.green_spaces (code, geom, min_zoom, change_id) SELECT code || '-' || k, "
                "ST_Translate(geom, 0.01 * k, 0.01 * k), (ARRAY[8, 11, 13, 15])[least(k, 4)], change_id "
                "FROM city.green_spaces, generate_series(1, 9) k"
            )
            admin.execute("ANALYZE city.green_spaces")
        yield db


@pytest.mark.parametrize(
    ("z", "index"), [(8, "geom_z9"), (11, "geom_z12"), (13, "geom_z14"), (15, "spaces_geom")]
)
def test_each_zoom_is_read_by_the_index_made_for_it(ruled, catalogue, z, index):
    tile = tile_at(z, LON, LAT)
    with ruled.read() as conn:
        (layer,) = plan_of(conn, catalogue, ["green_spaces"], TilesAsked()).layers
        sql, values = numbered(layer, drawn_sql(layer, tile, 6000), 0)
        found = raw(conn).execute(f"EXPLAIN {sql}".encode(), {**tile_values(tile), **values})
        plan = "\n".join(row[0] for row in found)
    assert re.search(rf"Index.* ix_green_{'' if 'spaces' in index else 'spaces_'}{index}\b", plan), plan


def test_a_tile_beyond_the_data_is_empty(conn, catalogue):
    assert built(conn, catalogue, Tile(24, 0, 0), "toilets", "parks", "streets").body == b""
