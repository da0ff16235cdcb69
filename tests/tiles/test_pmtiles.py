"""One PMTiles file of the city: by the specification, read by GDAL, tile by tile what the server gives, public only."""

from __future__ import annotations

import resource
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyogrio
import pytest

from app.catalogue.public_part import public_part
from app.coverage.engine import Engine
from app.coverage.service import run as save_run
from app.database.scope import Scope, within
from app.errors import BadInput, NoSpace, NotFound, UnreadableFile
from app.exports.service import Wishes
from app.exports.tiles_service import TileWishes, export_tiles
from app.pmtiles import About, Writer, read_about, tile_number
from app.tiles import service
from app.tiles.asked import TilesAsked
from app.tiles.background import ARCHIVED, background_plan
from app.tiles.background_store import background_tile
from app.tiles.matrix import Tile
from app.tiles.plan import plan_of
from tests.clones import clone, opened
from tests.tiles.archives import Archive, read_archive
from tests.tiles.tiled import decoded


def silent(*_: object) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def town(cluster_settings, town_template):
    with clone(cluster_settings, town_template) as cloned, opened(cloned) as database:
        yield database


@pytest.fixture(scope="module")
def written(town, catalogue, tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    """The whole town to zoom 13, and what was said of it."""
    path = tmp_path_factory.mktemp("tiles") / "city.pmtiles"
    return path, export_tiles(town, catalogue, path, TileWishes("city", max_zoom=13), silent)


@pytest.fixture(scope="module")
def archive(written) -> Archive:
    return read_archive(written[0])


def exported(town, catalogue, path: Path, name: str, **wished: Any) -> tuple[dict[str, Any], Archive]:
    more = {key: wished.pop(key) for key in ("max_zoom", "internal") if key in wished}
    result = export_tiles(town, catalogue, path, TileWishes(name, Wishes(**wished), **more), silent)
    return result, read_archive(path)


def test_numbers_run_along_the_curve_without_a_jump():
    places = sorted((tile_number(5, row, col), row, col) for row in range(32) for col in range(32))
    assert [number for number, _, _ in places] == list(range(341, 1365))
    assert all(abs(a[1] - b[1]) + abs(a[2] - b[2]) == 1 for a, b in pairwise(places))
    # The order of the first zooms by the specification's picture, and a number that its own programs test by.
    first = [tile_number(1, row, col) for row, col in ((0, 0), (1, 0), (1, 1), (0, 1))]
    assert (tile_number(0, 0, 0), first) == (0, [1, 2, 3, 4])
    assert tile_number(12, 1763, 3423) == 19_078_479


def test_a_file_of_many_tiles_has_leaf_directories_and_holds_equal_tiles_once(tmp_path):
    path = tmp_path / "many.pmtiles"
    about = About((-180, -85, 180, 85), (0, 0), 3, (0, 8), {"name": "x"})
    bodies = {number: b"tile %d" % (number * 7919 % 20_011) for number in range(60_000) if number % 9}
    bodies |= dict.fromkeys(range(70_000, 70_050), b"sea")
    with Writer(path) as writer:
        for number, body in sorted(bodies.items()):
            writer.add(number, body)
        writer.add(80_000, b"")
        writer.finish(about)
    found = read_archive(path)
    assert found.places.keys() == bodies.keys()
    assert all(found.numbered(number) == bodies[number] for number in list(bodies)[::1000])
    assert found.number(48) > 0
    addressed, entries, contents = (found.number(place) for place in (72, 80, 88))
    assert (addressed, contents) == (len(bodies), len(set(bodies.values())))
    assert entries == addressed - 49
    assert not list(tmp_path.glob("*.tiles"))
    assert read_about(path).metadata == {"name": "x"}


def number_of(tile: Tile) -> int:
    return tile_number(tile.z, tile.row, tile.col)


def test_the_header_says_what_is_there(written, archive):
    _, said = written
    offsets = [archive.places[number] for number in sorted(archive.places)]
    assert offsets == sorted(offsets)
    assert [archive.number(place, 1) for place in range(96, 102)] == [1, 2, 2, 1, 0, 13]
    west, south, east, north = (archive.number(place, 4) / 1e7 for place in (102, 106, 110, 114))
    assert 115.8 < west < east < 115.9
    assert 28.6 < south < north < 28.72
    assert said["tiles"] == len(archive.places) == archive.number(72)
    assert said["bytes"] == len(archive.data)
    assert said["public"] is True
    assert {layer["id"] for layer in archive.metadata["vector_layers"]} == set(said["layers"])
    assert archive.metadata["chengtu"] == {"ground": ARCHIVED, "public": True}
    assert archive.metadata["type"] == "baselayer"
    assert "示例数据，非真实" in archive.metadata["description"]
    assert archive.metadata["name"] == "澄图镇（示例）"


def test_every_tile_is_what_the_server_gives_and_none_is_missing(town, catalogue, archive):
    shown = public_part(catalogue)
    with within(Scope("public", None)), town.read() as conn:
        plan, ground = plan_of(conn, shown, None, TilesAsked()), background_plan(shown)
        for zoom in (0, 9, 13):
            for tile in around(archive, zoom):
                given = service.build(conn, plan, tile).body
                below = decoded(background_tile(conn, tile, ground.times))
                held = decoded(archive.body(tile))
                assert {
                    name: rows for name, rows in held.items() if not name.startswith(ARCHIVED)
                } == decoded(given)
                assert {
                    name[len(ARCHIVED) :]: rows for name, rows in held.items() if name.startswith(ARCHIVED)
                } == below


def around(archive: Archive, zoom: int) -> list[Tile]:
    """The tiles of a zoom that hold something, with those beside them."""
    side = range(2**zoom)
    west, south, east, north = (archive.number(place, 4) / 1e7 for place in (102, 106, 110, 114))
    held = [
        (tile.row, tile.col)
        for tile in tiles_in(zoom, (west, south, east, north))
        if number_of(tile) in archive.places
    ]
    assert held
    rows, cols = zip(*held, strict=True)
    return [
        Tile(zoom, row, col)
        for row in range(min(rows) - 1, max(rows) + 2)
        for col in range(min(cols) - 1, max(cols) + 2)
        if row in side and col in side
    ]


def tiles_in(zoom: int, box: tuple[float, float, float, float]) -> list[Tile]:
    found = [Tile(0, 0, 0)]
    for z in range(1, zoom + 1):
        found = [Tile(z, 2 * t.row + i, 2 * t.col + j) for t in found for i in (0, 1) for j in (0, 1)]
        found = [t for t in found if meets(t.lonlat(), box)]
    return found


def meets(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] <= other[2] and one[2] >= other[0] and one[1] <= other[3] and one[3] >= other[1]


def test_gdal_reads_it_and_finds_every_toilet(town, written):
    path, said = written
    assert set(pyogrio.list_layers(path)[:, 0]) == set(said["layers"])
    read = pyogrio.read_dataframe(path, layer="toilets", ZOOM_LEVEL="13")
    with town.read() as conn:
        rows = conn.exec_driver_sql("SELECT code, name_zh, ST_X(geom), ST_Y(geom) FROM city.toilets").all()
    stored = {code: (name, x, y) for code, name, x, y in rows}
    drawn = read.dropna(subset=["code"]).drop_duplicates("code").to_crs(4326)
    assert set(drawn["code"]) == set(stored)
    for code, name, shape in zip(drawn["code"], drawn["name_zh"], drawn.geometry, strict=True):
        assert (name, pytest.approx((shape.x, shape.y), abs=1e-5)) == (stored[code][0], stored[code][1:])


def test_what_is_not_public_is_in_no_file_unless_asked_for(town, catalogue, written, tmp_path):
    _, said = written
    closed = {cls.id for cls in catalogue.classes.values() if cls.sensitivity != "public"}
    assert closed
    assert not closed & set(said["layers"])
    with pytest.raises(BadInput, match="not declared public") as refused:
        exported(town, catalogue, tmp_path / "pipes.pmtiles", "pipes")
    assert "--internal" in refused.value.hint
    result, held = exported(town, catalogue, tmp_path / "pipes.pmtiles", "pipes", internal=True, max_zoom=9)
    assert (result["public"], result["layers"], held.metadata["chengtu"]["public"]) == (
        False,
        ["pipes", "thinned"],
        False,
    )
    internal, _ = exported(town, catalogue, tmp_path / "all.pmtiles", "city", internal=True, max_zoom=0)
    assert {"pipes", "manholes"} <= set(internal["layers"])


#: The toilets of a choice, by the database.
CHOICES = {
    "area": "SELECT code FROM city.toilets WHERE area_path LIKE '%%' || %(value)s || '%%'",
    "filter": "SELECT code FROM city.toilets WHERE stalls >= 8",
    "as_of": "SELECT code FROM (SELECT code, valid, NULL::bigint AS until_change FROM city.toilets "
    "UNION ALL SELECT code, valid, until_change FROM city.toilets_history) v "
    "WHERE until_change IS NULL AND valid @> %(value)s::date",
}


def test_area_filter_and_day_choose_what_is_drawn(town, catalogue, tmp_path):
    path = tmp_path / "some.pmtiles"
    with town.read() as conn:
        area = conn.exec_driver_sql(
            "SELECT min(code) FROM city.districts WHERE level = 'subdistrict'"
        ).scalar()
        given = {"area": area, "filter": "stalls >= 8", "as_of": "2012-06-30"}
        wanted = {
            name: set(conn.exec_driver_sql(CHOICES[name], {"value": value}).scalars())
            for name, value in given.items()
        }
    for name, value in given.items():
        exported(town, catalogue, path, "toilets", max_zoom=13, **{name: value})
        read = pyogrio.read_dataframe(path, layer="toilets", ZOOM_LEVEL="13", columns=["code"])
        assert (name, set(read["code"].dropna())) == (name, wanted[name])
    assert len({frozenset(codes) for codes in wanted.values()}) == 3
    assert min(map(len, wanted.values())) > 0
    with pytest.raises(NotFound, match="nothing"):
        exported(town, catalogue, tmp_path / "none.pmtiles", "toilets", filter="stalls > 1000")
    assert [path.name for path in tmp_path.iterdir()] == ["some.pmtiles"]


def test_the_ground_alone_and_the_same_bytes_again(town, catalogue, tmp_path):
    result, held = exported(town, catalogue, tmp_path / "ground.pmtiles", "background", max_zoom=13)
    assert {name.removeprefix(ARCHIVED) for name in result["layers"]} >= {"streets", "water", "labels"}
    assert all(name.startswith(ARCHIVED) for name in result["layers"])
    again, _ = exported(town, catalogue, tmp_path / "again.pmtiles", "background", max_zoom=13)
    assert (tmp_path / "again.pmtiles").read_bytes() == held.data
    assert again["tiles"] == result["tiles"]


@pytest.mark.parametrize(
    ("name", "file", "wished", "said"),
    [
        ("toilets", "t.pmtiles", {"max_zoom": 30}, "zoom 30"),
        ("toilets", "t.mbtiles", {}, ".mbtiles"),
        ("toilets", "t.pmtiles", {"crs": "EPSG:4548"}, "--crs"),
        ("city", "t.pmtiles", {"filter": "stalls > 1"}, "one class"),
        ("toilets", "t.pmtiles", {"filter": "nonsense > 1"}, "nonsense"),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    town, catalogue, tmp_path, name, file, wished, said
):
    with pytest.raises(BadInput, match=said.replace(".", r"\.")):
        exported(town, catalogue, tmp_path / file, name, **wished)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file_of_tiles_is_refused_whatever_its_numbers_say(tmp_path):
    path = tmp_path / "a.pmtiles"
    with Writer(path) as writer:
        writer.add(0, b"x")
        writer.finish(About((0, 0, 1, 1), (0, 0), 0, (0, 0), {"name": "A"}))
    whole = path.read_bytes()
    assert read_about(path).metadata == {"name": "A"}
    # Where the metadata begins and how long it is.
    start, size = struct.unpack("<2Q", whole[24:40])
    damaged = whole[: start + 12] + bytes(8) + whole[start + 20 :]
    far, long = whole[:24] + b"\xff" * 8 + whole[32:], whole[:32] + b"\xff" * 8 + whole[40:]
    for bad in (b"", whole[:50], whole[: start + size // 2], b"\xff" * 200, damaged, far, long):
        path.write_bytes(bad)
        with pytest.raises(UnreadableFile, match="no PMTiles file"):
            read_about(path)


@pytest.fixture
def small_files():
    """No file of this process may grow beyond 8 KiB: writing more fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_leaves_the_file_before_as_it_was(town, catalogue, tmp_path):
    (tmp_path / "city.pmtiles").write_bytes(b"before")
    with pytest.raises(NoSpace, match="disk is full"):
        export_tiles(
            town, catalogue, tmp_path / "city.pmtiles", TileWishes("background", max_zoom=14), silent
        )
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("city.pmtiles", b"before")]


def test_a_run_is_a_file_of_its_own_without_ground(town, catalogue, tmp_path):
    answer = Engine(town, catalogue).answer
    run = save_run(town, answer, {"policy": "toilet-300", "mode": "straight"})["run"]
    result, held = exported(town, catalogue, tmp_path / "run.pmtiles", run, max_zoom=12)
    assert {"coverage_areas", "coverage_gaps"} <= set(result["layers"])
    assert not [name for name in result["layers"] if name.startswith(ARCHIVED)]
    assert held.metadata["type"] == "overlay"
    read = pyogrio.read_dataframe(tmp_path / "run.pmtiles", layer="coverage_areas", ZOOM_LEVEL="12")
    with town.read() as conn:
        rows = conn.exec_driver_sql(
            "SELECT code FROM city.coverage_areas WHERE run = %(run)s", {"run": run}
        ).scalars()
        assert set(read["code"]) == set(rows) != set()
