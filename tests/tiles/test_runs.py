"""Tiles of saved runs: their rows as layers, the newest run of each policy unless one is named."""

from __future__ import annotations

import pytest
import shapely

from app.inventory.changes import raw
from tests.inventory.town import LAT, LON, square
from tests.tiles.tiled import built, decoded, tile_at, tiled_town

OLD, NEW, OTHER = (f"{n}0000000-0000-4000-8000-000000000000" for n in (1, 2, 3))
TILE = tile_at(13, LON, LAT)
RUN = (
    "INSERT INTO city.coverage_runs (id, policy_id, policy_version, policy_text, modes, inputs, results, areas, "
    "created_at) VALUES (%s, %s, '1', '', ARRAY['straight', 'walk'], '{}', '{}', '[]', now() - %s * interval '1 day')"
)
GAP = (
    "INSERT INTO city.coverage_gaps (run, mode, tier, code, people, area_m2, geom) "
    "VALUES (%s, 'walk', 'all', %s, 12.5, %s, ST_GeomFromWKB(%s, 4326))"
)


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    """Two runs of one policy and one of another; three gaps of different size in each."""
    with tiled_town(cluster_settings, template, catalogue) as db:
        with db.write() as conn:
            for run, policy, age in ((OLD, "a", 3), (OTHER, "b", 2), (NEW, "a", 1)):
                raw(conn).execute(RUN, [run, policy, age])
                for n in range(3):
                    shape = shapely.multipolygons([square(n / 3 - 0.8, 0, 0.05 + n / 10)])
                    raw(conn).execute(GAP, [run, f"{policy}{n}", (n + 1) * 1e4, shapely.to_wkb(shape)])
        yield db


@pytest.fixture
def reading(town):
    with town.read() as conn:
        yield conn


def gaps(conn, catalogue, tile=TILE, **asked):
    return [
        item["properties"]
        for item in decoded(built(conn, catalogue, tile, "coverage_gaps", **asked).body).get(
            "coverage_gaps", []
        )
    ]


def test_the_newest_run_of_each_policy_is_drawn(reading, catalogue):
    found = gaps(reading, catalogue)
    assert {(item["run"], item["policy"]) for item in found} == {(NEW, "a"), (OTHER, "b")}
    assert [item["area_m2"] for item in found] == sorted((item["area_m2"] for item in found), reverse=True)
    assert found[0]["people"] == 12.5


@pytest.mark.parametrize("written", [OLD, OLD.replace("-", ""), OLD.upper()])
def test_a_named_run_is_drawn_alone(reading, catalogue, written):
    found = gaps(reading, catalogue, where=(("run", (written,)),))
    assert [item["run"] for item in found] == [OLD] * 3


def test_runs_are_chosen_by_policy_and_filter(reading, catalogue):
    assert {item["policy"] for item in gaps(reading, catalogue, where=(("policy", ("b",)),))} == {"b"}
    assert {item["code"] for item in gaps(reading, catalogue, filter="area_m2 > 25000")} == {"a2", "b2"}
    assert {item["run"] for item in gaps(reading, catalogue, filter=f"run = '{OLD}'")} == {OLD}


@pytest.mark.parametrize("z", [6, 8, 10])
def test_small_gaps_are_left_out_from_far_away_and_that_is_said(reading, catalogue, z):
    found = built(reading, catalogue, tile_at(z, LON, LAT), "coverage_gaps", where=(("run", (NEW,)),))
    drawn = len(decoded(found.body).get("coverage_gaps", []))
    assert drawn == {6: 0, 8: 2, 10: 3}[z]
    assert [(item.shown, item.matched) for item in found.thinned] == ([] if drawn == 3 else [(drawn, 3)])


def test_a_run_filter_leaves_classes_beside_it_alone(reading, catalogue):
    found = built(reading, catalogue, TILE, "coverage_gaps", "toilets", where=(("run", (NEW,)),))
    assert list(decoded(found.body)) == ["coverage_gaps"]
