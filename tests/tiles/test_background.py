"""The ground as tiles: the classes, zooms and names of the Folium pages, in few bytes whatever a city draws."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
import shapely

from app.inventory.batch import Batch
from app.inventory.service import write_batches
from app.maps import store
from app.maps.file_parts import ground_members
from app.maps.ground import named_levels
from app.maps.version_store import sources_at
from app.settings import ROOT
from app.tiles.background import ATTRIBUTES, LAST_ZOOM, background_plan, layer_names
from app.tiles.ground_style import ground_layers
from app.tiles.matrix import BUFFER, EXTENT, Tile
from app.tiles.service import MAX_BYTES, build
from tests.inventory.town import BOXES, CHANGE, LAT, LON, batch, districts, line, square
from tests.tiles.tiled import decoded, tile_at, units

KINDS = ("expressway", "primary", "secondary", "tertiary", "residential", "service", "footway")


def _batches() -> list[Batch]:
    waters = {
        "great": square(-1.9, -0.4, 0.9),
        "mean": square(0.3, 0.3, 0.3),
        "small": square(0.9, -0.9, 0.05),
    }
    greens = {f"g{n}": square(0.2 * n - 0.8, 0.9, 0.02 * (n + 1)) for n in range(6)}
    parks = {"p1": square(-0.6, -1.6, 0.5), "p2": square(0.5, -0.5, 0.04), "p3": square(1.2, -1.2, 0.2)}
    homes = {"e1": square(1.1, 0.4, 0.2), "e2": square(1.5, 0.4, 0.2), "land": square(1.1, 0.8, 0.2)}
    houses = {f"h{n}": square(1.12 + 0.03 * n, 0.45, 0.012) for n in range(4)}
    ways = {kind: line((-1.5, 0.05 * n), (1.5, 0.05 * n)) for n, kind in enumerate(KINDS)}
    ways |= {"bridge": line((-0.3, 1.2), (0.3, 1.2)), "tunnel": line((-0.3, 1.4), (0.3, 1.4))}
    return [
        districts(),
        batch("water_bodies", waters, {"name_zh": ["大湖", "中湖", None], "name_en": ["Great Lake", None, "Pond"]}),
        batch("green_spaces", greens),
        batch("parks", parks, {"name_zh": ["东园", "小园", "西园"]}),
        batch("residential_areas", homes, {"kind": ["estate", "estate", "land"], "name_zh": ["甲苑", "乙苑", "地块"]}),
        batch("buildings", houses),
        batch("streets", ways, {
            "kind": [*KINDS, "primary", "primary"], "name_zh": [f"{kind}路" for kind in ways],
            "bridge": [False] * 7 + [True, None], "tunnel": [None] * 7 + [False, True],
        }),
    ]  # fmt: skip


@pytest.fixture
def town(conn, catalogue):
    write_batches(conn, catalogue, _batches(), CHANGE)
    return conn


def tile(conn, catalogue, at):
    return build(conn, background_plan(catalogue), at)


def layers_of(conn, catalogue, at):
    return decoded(tile(conn, catalogue, at).body)


def whole_ground(town, catalogue, at):
    """What a single file draws of a tile's square: shapes whole, names of all levels."""
    members = ground_members(sources_at(catalogue), at.square, at.z + 1, "zh")
    page = json.loads(store.square_json(town, at.square, members))
    around = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    for part in page["shapes"].values():
        part["rows"] = [row for row in part["rows"] if shapely.geometry.shape(row[4]).intersects(around)]
    return page


def properties(layer):
    return [feature["properties"] for feature in layer]


@pytest.mark.parametrize("z", [7, 9, 10, 11, 12, 13, 14, 15, 16])
def test_a_tile_holds_what_a_file_draws_at_its_scale(town, catalogue, z):
    """Tile z covers 512 pixels of a map at zoom z + 1: the same groups, kinds and names."""
    for lon in (LON - 0.001, LON + 0.013):
        at = tile_at(z, lon, LAT + 0.005)
        layers = layers_of(town, catalogue, at)
        page = whole_ground(town, catalogue, at)
        drawn = {group: part["rows"] for group, part in page["shapes"].items() if part["rows"]}
        assert layers.keys() - {"labels"} == drawn.keys()
        kinds = {(group, row[1]) for group in ("streets", "borders") for row in drawn.get(group, [])}
        assert kinds == {
            (group, found[name])
            for group, name in (("streets", "kind"), ("borders", "level"))
            for found in properties(layers.get(group, []))
        }
        names = {(found["group"], found["name_zh"]) for found in properties(layers.get("labels", []))}
        shown = ("water", "park", "estate", *named_levels(z + 1))
        inside = [label for label in page["labels"] if 0 <= label[2] < EXTENT and 0 <= label[3] < EXTENT]
        assert names == {
            (group, name) for group, name, _, _, zoom in inside if zoom <= z + 1 and group in shown
        }


def test_attributes_are_those_that_are_declared_and_bridges_and_tunnels_are_told(town, catalogue):
    told = {}
    for lat in (LAT + 0.0015, LAT + 0.012, LAT + 0.014):
        layers = layers_of(town, catalogue, tile_at(LAST_ZOOM, LON, lat))
        for name, layer in layers.items():
            assert {key for found in properties(layer) for key in found} <= ATTRIBUTES.get(name, {}).keys()
        streets = properties(layers["streets"])
        told |= {found["name_zh"]: (found.get("bridge"), found.get("tunnel")) for found in streets}
    assert told["bridge路"] == (True, None)
    assert told["tunnel路"] == (None, True)
    assert told["tertiary路"] == (None, None)


def test_shapes_lie_where_the_city_has_them(town, catalogue):
    for z in (11, 15):
        at = tile_at(z, LON + 0.005, LAT + 0.005)
        (lake,) = layers_of(town, catalogue, at)["water"]
        place = shapely.transform(square(0.3, 0.3, 0.3), lambda xy: [units(at, *pair) for pair in xy])  # noqa: B023
        mine = shapely.clip_by_rect(lake["shape"], *place.buffer(50).bounds)
        assert shapely.hausdorff_distance(mine, shapely.clip_by_rect(place, -64, -64, 4160, 4160)) < 4


def test_a_name_stands_in_one_tile_alone(town, catalogue):
    named = Counter()
    middle = tile_at(15, LON, LAT)
    for row in range(middle.row - 3, middle.row + 4):
        for col in range(middle.col - 3, middle.col + 4):
            found = layers_of(town, catalogue, Tile(15, row, col)).get("labels", [])
            assert all(
                0 <= feature["shape"].x < EXTENT and 0 <= feature["shape"].y < EXTENT for feature in found
            )
            named.update(one["name_zh"] for one in properties(found) if one["group"] in {"park", "estate"})
    assert named == {"东园": 1, "小园": 1, "西园": 1, "甲苑": 1, "乙苑": 1}


def test_where_a_name_is_missing_in_a_language_the_other_stands_in(town, catalogue):
    labels = layers_of(town, catalogue, tile_at(12, LON, LAT))["labels"]
    labels += layers_of(town, catalogue, tile_at(14, LON + 0.0092, LAT - 0.0088))["labels"]
    named = {(one["name_zh"], one["name_en"]) for one in properties(labels) if one["group"] == "water"}
    assert {("大湖", "Great Lake"), ("中湖", "中湖"), ("Pond", "Pond")} <= named


def test_the_border_of_two_areas_is_drawn_once(town, catalogue):
    at = tile_at(11, LON, LAT)
    lines = {
        feature["properties"]["level"]: feature["shape"].length
        for feature in layers_of(town, catalogue, at)["borders"]
    }
    west, east, north = (
        units(at, LON - 0.02, LAT)[0],
        units(at, LON + 0.02, LAT)[0],
        units(at, LON, LAT + 0.02)[1],
    )
    south = units(at, LON, LAT - 0.02)[1]
    around = 2 * (east - west) + 2 * (south - north)
    assert lines["city"] == pytest.approx(around, abs=8)
    assert lines["district"] == pytest.approx(around + (south - north), abs=8)
    assert set(BOXES) >= {"C", "W", "E"}


def test_where_nothing_lies_the_tile_is_empty(town, catalogue):
    assert tile(town, catalogue, tile_at(12, 10, 50)).body == b""


CROWD = """
INSERT INTO city.buildings (code, geom, change_id, min_zoom, area_m2)
SELECT 'b' || n, ST_Multi(ST_Buffer(ST_SetSRID(ST_MakePoint(115.85 + n % 110 * 0.00015,
  28.67 + n / 110 * 0.00015), 4326), 0.00004, 4)), 1, 15, 100 + n % 50 FROM generate_series(0, 12000) n;
INSERT INTO city.streets (code, geom, change_id, min_zoom, length_m, kind, name_zh, name_en)
SELECT 's' || n, ST_Multi(ST_MakeLine(ARRAY(SELECT ST_SetSRID(ST_MakePoint(115.85 + k * 0.0007, 28.67 + n * 0.000015
  + k % 2 * 0.0003), 4326) FROM generate_series(0, 24) k))), 1, CASE WHEN n % 50 = 0 THEN 0 ELSE 10 + n % 6 END, 2000,
  CASE WHEN n % 50 = 0 THEN 'expressway' ELSE 'residential' END, '很长的道路名字' || n, 'A very long street name ' || n
FROM generate_series(0, 1200) n;
INSERT INTO city.water_bodies (code, geom, change_id, min_zoom, area_m2, name_zh)
SELECT 'w' || m, ST_Multi(ST_MakePolygon(ST_MakeLine(ARRAY(SELECT ST_SetSRID(ST_MakePoint(
  115.858 + m * 0.001 + (0.0045 + 0.0004 * (k % 2)) * cos(k % 9000 * pi() / 4500),
  28.678 + (0.0045 + 0.0004 * (k % 2)) * sin(k % 9000 * pi() / 4500)), 4326) FROM generate_series(0, 9000) k)))),
  1, 0, 3e6, '湖' || m FROM generate_series(0, 3) m;
"""


@pytest.mark.wide
def test_no_tile_of_a_crowded_city_is_too_large_and_what_matters_most_is_there(conn, catalogue):
    for statement in filter(str.strip, CROWD.split(";")):
        conn.exec_driver_sql(statement.replace("%", "%%"))
    sizes = {}
    for z in (9, 11, 13, 14, 15, 16):
        at = tile_at(z, 115.858, 28.678)
        body = tile(conn, catalogue, at).body
        sizes[z] = len(body)
        if z in {11, 14}:
            layers = decoded(body)
            assert "expressway" in {found["kind"] for found in properties(layers["streets"])}
            assert layers["water"]
            assert z < 14 or layers["buildings"]
            assert body == tile(conn, catalogue, at).body
    assert max(sizes.values()) <= MAX_BYTES, sizes
    assert max(sizes.values()) > MAX_BYTES / 3, sizes


SHORE = """
INSERT INTO city.water_bodies (code, geom, change_id, min_zoom, area_m2, name_zh)
SELECT 'shore', ST_Multi(ST_MakePolygon(ST_MakeLine(array_agg(ST_SetSRID(ST_MakePoint(
  115.858 + (0.0045 + 0.0004 * (k % 2)) * cos(k % 250000 * pi() / 125000),
  28.678 + (0.0045 + 0.0004 * (k % 2)) * sin(k % 250000 * pi() / 125000)), 4326) ORDER BY k)))), 1, 0, 3e6, '湖'
FROM generate_series(0, 250000) k
"""


@pytest.mark.wide
def test_a_shore_of_a_quarter_of_a_million_corners_is_drawn_in_time(conn, catalogue):
    conn.exec_driver_sql(SHORE.replace("%", "%%"))
    conn.exec_driver_sql("SET LOCAL statement_timeout = '3s'")
    for z in (8, 12, 14, 17):
        body = tile(conn, catalogue, tile_at(z, 115.858, 28.6826)).body
        assert 0 < len(body) < MAX_BYTES
        assert decoded(body)["water"]


def test_no_class_of_the_ground_is_closed(catalogue):
    plan = background_plan(catalogue)
    assert {cls.sensitivity for cls in plan.classes} <= {"public", "internal"}
    assert {"streets", "districts", "buildings"} <= {cls.id for cls in plan.classes}


@pytest.mark.parametrize(("lang", "first"), [("zh", "name_zh"), ("en", "name_en")])
def test_the_style_reads_what_the_tiles_hold(lang, first):
    layers = ground_layers("ground", lang)
    assert len({layer["id"] for layer in layers}) == len(layers)
    painted = [layer for layer in layers if layer["type"] != "background"]
    assert {layer["source"] for layer in painted} == {"ground"}
    assert {layer["source-layer"] for layer in painted} == set(layer_names())
    for layer in painted:
        read = re.findall(r'\["get", "(\w+)"\]', json.dumps(layer))
        assert set(read) <= ATTRIBUTES.get(layer["source-layer"], {}).keys(), layer["id"]
        if layer["type"] == "symbol":
            assert layer["layout"]["text-field"] == ["get", first]


def test_colours_are_those_of_the_folium_pages():
    folder = ROOT / "app" / "web" / "static" / "map"
    pages = "".join((folder / name).read_text() for name in ("paint.js", "names.js", "overlay.js", "map.css"))
    used = set(re.findall(r"#[0-9a-f]{6}", json.dumps(ground_layers("ground", "zh"))))
    assert len(used) > 20
    assert [colour for colour in used if colour not in pages] == []
