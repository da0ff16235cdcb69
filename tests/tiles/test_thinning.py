"""What a tile leaves out: by the class's rule, by the room there is; it always says how many of how many."""

from __future__ import annotations

import psycopg
import pytest
import shapely

from app.database.server import admin_parameters
from app.inventory.service import write_batches
from app.tiles import parts, ranking_store
from app.tiles.limits import MAX_BYTES, MAX_FEATURES
from bench.places import tiles_over
from tests.inventory.town import CHANGE, LAT, LON, line, square
from tests.inventory.town import batch as batch_of
from tests.tiles.tiled import (
    TOWN,
    bounds_of,
    built,
    decoded,
    meeting,
    points,
    rows_of,
    squares,
    tile_at,
    tiled_town,
)


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    kinds = ["expressway", "primary", "secondary", "tertiary", "residential", "service"]
    shapes = {f"s{n}": line((-2 + n / 30, -2), (2 - n / 40, 2)) for n in range(60)}
    streets = batch_of("streets", shapes, {"kind": [kinds[n % 6] for n in range(60)]})
    parks = squares("parks", 250, 4, name_zh=[f"公园{n}" for n in range(250)])
    with tiled_town(cluster_settings, template, catalogue, parks, streets, points("toilets", 90, 5)) as db:
        yield db


@pytest.fixture
def reading(town):
    with town.read() as conn:
        yield conn


def drawn_ids(found, name, tile, bounds):
    """Ids of the drawn features that meet the tile's square."""
    return {item["id"] for item in decoded(found.body).get(name, [])} & meeting(tile, bounds)


def elsewhere(conn, name, tile):
    """Ids of those that the zoom draws but whose shape, unlike its box, does not meet the tile's square."""
    square = shapely.box(*tile.lonlat())
    rows = rows_of(conn, f"SELECT id, ST_AsBinary(geom) FROM city.{name} WHERE min_zoom <= {tile.z}")
    return {row[0] for row in rows if not shapely.from_wkb(bytes(row[1])).intersects(square)}


@pytest.mark.parametrize("name", ["parks", "streets"])
@pytest.mark.parametrize("z", [9, 10, 11, 12, 13, 14, 15, 16])
def test_a_tile_says_how_many_it_shows_of_how_many_there_are(reading, catalogue, name, z):
    bounds = bounds_of(reading, name)
    for tile in tiles_over(z, TOWN):
        found = built(reading, catalogue, tile, name)
        if any("cluster" in item["properties"] for item in decoded(found.body).get(name, [])):
            continue
        matched = meeting(tile, bounds)
        shown = drawn_ids(found, name, tile, bounds) | elsewhere(reading, name, tile) & matched
        told = {item.collection: (item.shown, item.matched, item.exact) for item in found.thinned}
        assert told == ({name: (len(shown), len(matched), True)} if len(shown) < len(matched) else {})
        layer = [item["properties"] for item in decoded(found.body).get("thinned", [])]
        assert layer == [{"collection": n, "shown": s, "matched": m} for n, (s, m, _) in told.items()]


@pytest.mark.parametrize("z", [11, 12, 13])
def test_what_is_drawn_is_what_the_rule_says(reading, catalogue, z):
    tile = tile_at(z, LON, LAT)
    found = {item["id"] for item in decoded(built(reading, catalogue, tile, "streets").body)["streets"]}
    ruled = {row[0] for row in rows_of(reading, f"SELECT id FROM city.streets WHERE min_zoom <= {z}")}
    assert found == ruled - elsewhere(reading, "streets", tile)
    assert 0 < len(found) < 60


def test_what_is_too_small_to_be_drawn_is_said_too(reading, catalogue):
    """A park of a hand's breadth has no place on the grid of zoom 15."""
    found = [built(reading, catalogue, tile, "parks") for tile in tiles_over(15, TOWN)]
    missing = sum(item.matched - item.shown for tile in found for item in tile.thinned)
    ids = {item["id"] for tile in found for item in decoded(tile.body).get("parks", [])}
    assert missing == len(bounds_of(reading, "parks")) - len(ids) > 0


def test_the_layer_thinned_is_a_point_at_the_centre(reading, catalogue):
    (point,) = decoded(built(reading, catalogue, tile_at(11, LON, LAT), "streets").body)["thinned"]
    assert (point["shape"].x, point["shape"].y) == (2048, 2048)


def test_from_the_last_zoom_of_the_rule_on_nothing_is_left_out(reading, catalogue):
    tiles = tiles_over(15, TOWN)
    found = [built(reading, catalogue, tile, "streets", "toilets") for tile in tiles]
    assert all(item.thinned == () for item in found)
    ids = {item["id"] for tile in found for item in decoded(tile.body).get("streets", [])}
    assert ids == set(bounds_of(reading, "streets"))


def test_matched_points_of_all_tiles_add_up_to_the_rows(reading, catalogue):
    """Each point lies in one tile of a zoom, by the half-open squares."""
    bounds = bounds_of(reading, "toilets")
    for z in (13, 17):
        drawn = [
            drawn_ids(built(reading, catalogue, tile, "toilets"), "toilets", tile, bounds)
            for tile in tiles_over(z, TOWN)
        ]
        assert sum(map(len, drawn)) == len(bounds)


def test_the_largest_come_first(reading, catalogue):
    tile = tile_at(13, LON, LAT)
    areas = [
        item["properties"]["area_m2"]
        for item in decoded(built(reading, catalogue, tile, "parks").body)["parks"]
    ]
    assert areas == sorted(areas, reverse=True)


@pytest.fixture(scope="module")
def crowded(cluster_settings, template, catalogue):
    """Thirty thousand squares of a class that is drawn at every zoom, in one tile of zoom 12."""
    with tiled_town(cluster_settings, template, catalogue, squares("built_up_areas", 1, 6)) as db:
        with psycopg.connect(**admin_parameters(db.settings), autocommit=True) as admin:
            admin.execute(
                "INSERT INTO city.built_up_areas (code, name_zh, geom, area_m2, change_id) "
                "SELECT 'c' || n, '城区' || n, ST_Multi(ST_MakeEnvelope(x, y, x + s, y + s, 4326)), (s * 1e5) ^ 2, 1 "
                "FROM (SELECT n, "
                "115.84 + 0.04 * random() AS x, 28.66 + 0.03 * random() AS y, 0.0001 + 0.0009 * random() AS s "
                "FROM generate_series(1, 30000) n) r"
            )
            admin.execute(
                "INSERT INTO city.changes (id, who, why, classes) OVERRIDING SYSTEM VALUE VALUES "
                "(1000, 't', 't', '{built_up_areas}')"
            )
            admin.execute("SELECT setval(pg_get_serial_sequence('city.changes', 'id'), 1000)")
            admin.execute("UPDATE city.built_up_areas SET change_id = 1000")
            admin.execute("ANALYZE city.built_up_areas")
        yield db


@pytest.mark.parametrize(("z", "filled"), [(10, 0.15), (14, 0.4)])
def test_a_crowded_tile_keeps_to_the_limits_and_says_so(crowded, catalogue, z, filled):
    tile = tile_at(z, 115.86, 28.675)
    with crowded.read() as conn:
        found = built(conn, catalogue, tile, "built_up_areas")
        bounds = bounds_of(conn, "built_up_areas")
        areas = dict(rows_of(conn, "SELECT id, area_m2 FROM city.built_up_areas"))
    features = decoded(found.body)["built_up_areas"]
    assert len(found.body) <= MAX_BYTES
    assert len(features) <= MAX_FEATURES
    assert len(found.body) > filled * MAX_BYTES
    matched, shown = meeting(tile, bounds), drawn_ids(found, "built_up_areas", tile, bounds)
    assert [(item.shown, item.matched) for item in found.thinned] == [(len(shown), len(matched))]
    drawn = {item["id"] for item in features}
    # None that is left out of the square is larger than one that is drawn.
    assert min(areas[name] for name in drawn) >= max(areas[name] for name in matched - drawn)


@pytest.mark.parametrize("z", [8, 10, 11, 12])
def test_what_memory_ranks_is_what_the_database_ranks(crowded, catalogue, monkeypatch, z):
    tile, found = tile_at(z, 115.86, 28.675), []
    monkeypatch.setattr(parts, "LIMIT_BYTES", 0)
    for most in (0, 100_000):
        monkeypatch.setattr(ranking_store, "MOST", most)
        with crowded.read() as conn:
            found.append(built(conn, catalogue, tile, "built_up_areas"))
    assert found[0] == found[1]


def test_a_feature_that_is_now_the_largest_is_drawn(crowded, catalogue, monkeypatch):
    monkeypatch.setattr(ranking_store, "MOST", 100_000)
    tile = tile_at(11, 115.86, 28.675)
    with crowded.read() as conn:
        assert built(conn, catalogue, tile, "built_up_areas").thinned
    with crowded.write() as conn:
        conn.exec_driver_sql("SAVEPOINT before")
        write_batches(conn, catalogue, [batch_of("built_up_areas", {"new": square(-1, -1, 2)})], CHANGE)
        features = decoded(built(conn, catalogue, tile, "built_up_areas").body)["built_up_areas"]
        conn.exec_driver_sql("ROLLBACK TO before")
    assert "new" in {item["properties"]["code"] for item in features}


def test_features_that_say_little_leave_room_for_more(crowded, catalogue):
    tile = tile_at(12, 115.86, 28.675)
    with crowded.read() as conn:
        full, little = (
            built(conn, catalogue, tile, "built_up_areas", properties=names)
            for names in ("code,name_zh", "kind")
        )
    assert len(little.body) <= MAX_BYTES
    assert full.thinned[0].shown * 1.5 < little.thinned[0].shown <= MAX_FEATURES


def test_two_layers_share_the_room(crowded, catalogue):
    tile = tile_at(12, 115.86, 28.675)
    with crowded.read() as conn:
        found = built(conn, catalogue, tile, "built_up_areas", "districts", "water_bodies")
    assert len(found.body) <= MAX_BYTES


def test_the_same_tile_is_the_same_bytes(crowded, catalogue):
    tile = tile_at(12, 115.86, 28.675)
    with crowded.read() as conn:
        first = built(conn, catalogue, tile, "built_up_areas").body
    with crowded.read() as conn:
        assert built(conn, catalogue, tile, "built_up_areas").body == first
