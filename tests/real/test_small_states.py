"""Two whole states from OpenStreetMap: every policy in both modes, without an error and within its bounds."""

from __future__ import annotations

import geopandas
import pytest
import shapely

from app.coverage import service
from app.coverage.engine import Engine
from app.inventory.arrays import read_arrays
from app.inventory.changes import get_metric_crs
from tests.conftest import clone, opened
from tests.importing import import_path

STATES = {"monaco": "monaco-231225.osm.pbf", "andorra": "andorra-260403.osm.pbf"}
READ = {
    "monaco": {
        "toilets": 29,
        "parks": 16,
        "tunnels": 229,
        "bridges": 44,
        "parking_lots": 71,
        "street_trees": 557,
    },
    "andorra": {
        "toilets": 40,
        "parks": 32,
        "tunnels": 320,
        "bridges": 521,
        "parking_lots": 406,
        "buildings": 7471,
    },
}


@pytest.fixture(scope="module", params=list(STATES))
def state(request, cluster_settings, template, catalogue, data_dir):
    """A database with one state, its name, and the report of the import."""
    with clone(cluster_settings, template) as settings, opened(settings) as db:
        path = data_dir / request.param / STATES[request.param]
        yield request.param, db, import_path(db, catalogue, path, who="test")["files"][0]


def test_objects_are_counted_as_osmium_counts_them(state):
    name, _, report = state
    assert {cls: report["classes"][cls]["read"] for cls in READ[name]} == READ[name]
    for counts in report["classes"].values():
        assert counts["read"] == counts["loaded"] + counts["rejected"] + counts["unchanged"]


def test_every_policy_answers_in_both_modes(state, catalogue):
    _, db, _ = state
    engine = Engine(db, catalogue)
    for policy in catalogue.default_policies():
        run = service.run(db, engine.answer, {"policy": policy, "mode": "both"})
        straight = {row["tier"]: row for row in run["results"] if row["mode"] == "straight"}
        for row in run["results"]:
            assert 0 <= row["share_of_land"] <= 1
            assert row["share_of_people"] is None
            assert not row["official"]
            assert row["share_of_land"] <= straight[row["tier"]]["share_of_land"]
    assert run["inputs"]["metric_crs"].startswith("+proj=tmerc")


def test_straight_land_agrees_with_a_geopandas_overlay(state, catalogue):
    _, db, _ = state
    with db.engine() as conn:
        crs = get_metric_crs(conn)
        land = read_arrays(conn, catalogue, "residential_areas", [], {"kind": ("land",)}, crs)
        toilets = read_arrays(
            conn, catalogue, "toilets", [], {"state": ("in_service", None), "access": ("public", None)}, crs
        )
    inside = [shapely.covers(land.frame, shape.centroid) for shape in land.geometry]
    parcels = geopandas.GeoDataFrame(geometry=[shapely.union_all(land.geometry[inside])])
    discs = geopandas.GeoDataFrame(
        geometry=[shapely.union_all(shapely.buffer(toilets.geometry, 300, quad_segs=128))]
    )
    share = geopandas.overlay(parcels, discs, how="intersection").area.sum() / parcels.area.sum()
    run = service.run(db, Engine(db, catalogue).answer, {"policy": "toilet-300", "mode": "straight"})
    assert run["results"][0]["share_of_land"] == pytest.approx(share, abs=1e-4)
