"""Clusters: what stands for features at zooms where the class draws none of them; nothing is lost."""

from __future__ import annotations

import pytest

from bench.places import tiles_over
from tests.inventory.town import LAT, LON
from tests.tiles.tiled import (
    TOWN,
    built,
    decoded,
    points,
    rows_of,
    squares,
    tile_at,
    tiled_town,
    units,
)

TREES, KINDS = 700, ("facility", "roadside")


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    kinds = catalogue.get_class("street_trees").get_field("kind").choices
    trees = points(
        "street_trees", TREES, 1, kind=[kinds[n % 2].value if n % 7 else None for n in range(TREES)]
    )
    lamps = points("street_lights", 50, 2)
    with tiled_town(cluster_settings, template, catalogue, trees, lamps, squares("buildings", 300, 3)) as db:
        yield db


@pytest.fixture
def reading(town):
    with town.read() as conn:
        yield conn


def clusters(conn, catalogue, tile, name, **asked):
    return decoded(built(conn, catalogue, tile, name, **asked).body).get(name, [])


def all_clusters(conn, catalogue, z, name, **asked):
    return [item for tile in tiles_over(z, TOWN) for item in clusters(conn, catalogue, tile, name, **asked)]


@pytest.mark.parametrize("z", [0, 4, 8, 11, 13, 14, 15])
def test_the_counts_of_all_tiles_of_a_zoom_add_up_to_the_rows(reading, catalogue, z):
    found = all_clusters(reading, catalogue, z, "street_trees")
    assert sum(item["properties"]["point_count"] for item in found) == TREES
    assert all(item["properties"]["cluster"] is True for item in found)
    assert all(item["geometry"]["type"] == "Point" for item in found)


@pytest.mark.parametrize("z", [9, 12, 13])
def test_polygons_are_clustered_too_where_the_class_draws_none(reading, catalogue, z):
    assert (
        sum(item["properties"]["point_count"] for item in all_clusters(reading, catalogue, z, "buildings"))
        == 300
    )


@pytest.mark.parametrize("z", [0, 10, 13, 15])
def test_a_cluster_lies_at_the_mean_of_what_it_stands_for(reading, catalogue, z):
    """In each of 8 by 8 cells of a tile, by pyproj."""
    tile = tile_at(z, LON, LAT)
    cells: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for lon, lat in rows_of(reading, "SELECT ST_X(geom), ST_Y(geom) FROM city.street_trees"):
        x, y = units(tile, lon, lat)
        if 0 <= x < 4096 and 0 <= y < 4096:
            cells.setdefault((int(y // 512), int(x // 512)), []).append((x, y))
    found = clusters(reading, catalogue, tile, "street_trees")
    assert [item["properties"]["point_count"] for item in found] == [
        len(cells[cell]) for cell in sorted(cells)
    ]
    for item, cell in zip(found, sorted(cells), strict=True):
        xs, ys = zip(*cells[cell], strict=True)
        assert item["shape"].x == pytest.approx(sum(xs) / len(xs), abs=0.6)
        assert item["shape"].y == pytest.approx(sum(ys) / len(ys), abs=0.6)


def test_a_cluster_tells_the_kind_that_all_in_it_share(reading, catalogue):
    found = all_clusters(reading, catalogue, 15, "street_trees")
    told = [item["properties"] for item in found]
    assert any("kind" in item for item in told)
    assert any("kind" not in item for item in told)
    single = {item["kind"] for item in told if item["point_count"] == 1 and "kind" in item}
    known = {
        row[0]
        for row in rows_of(reading, "SELECT DISTINCT kind FROM city.street_trees WHERE kind IS NOT NULL")
    }
    assert single <= known
    # Of lamps nobody knows the kind.
    assert all(
        "kind" not in item["properties"] for item in all_clusters(reading, catalogue, 13, "street_lights")
    )


@pytest.mark.parametrize("z", [0, 9, 12, 14])
def test_filtered_clusters_count_what_the_filter_chooses(reading, catalogue, z):
    kind = rows_of(
        reading, "SELECT kind, count(*) FROM city.street_trees WHERE kind IS NOT NULL GROUP BY 1 ORDER BY 1"
    )[0]
    found = all_clusters(reading, catalogue, z, "street_trees", where=(("kind", (kind[0],)),))
    assert sum(item["properties"]["point_count"] for item in found) == kind[1]
    assert {item["properties"]["kind"] for item in found} == {kind[0]}


def test_from_the_zoom_of_the_class_on_features_stand_for_themselves(reading, catalogue):
    found = [
        item for tile in tiles_over(16, TOWN) for item in clusters(reading, catalogue, tile, "street_trees")
    ]
    assert {item["id"] for item in found} == {
        row[0] for row in rows_of(reading, "SELECT id FROM city.street_trees")
    }
    assert not any("cluster" in item["properties"] for item in found)


def test_clusters_of_a_tile_lie_in_its_own_square(reading, catalogue):
    for tile in tiles_over(14, TOWN):
        for item in clusters(reading, catalogue, tile, "street_trees"):
            assert 0 <= item["shape"].x <= 4096
            assert 0 <= item["shape"].y <= 4096
