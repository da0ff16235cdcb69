"""Two whole states from OpenStreetMap: every policy in both modes, without an error and within its bounds."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
import shapely
from sqlalchemy import text

from app.coverage import service
from app.coverage.engine import Engine
from app.inventory.arrays import read_arrays, read_frame
from app.inventory.changes import get_metric_crs
from tests.clones import clone, opened
from tests.importing import import_path
from tests.real.walks import streets_walked

pytestmark = [pytest.mark.slow, pytest.mark.wide]

#: Walks are compared up to this many metres.
FAR_M = 1500
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


@pytest.fixture(scope="module", params=STATES)
def state(request, cluster_settings, template, catalogue, data_dir):
    """The name of a state, a database with it, the report of the import and an engine."""
    with clone(cluster_settings, template) as settings, opened(settings) as db:
        path = data_dir / request.param / STATES[request.param]
        report = import_path(db, catalogue, path, who="test")["files"][0]
        yield request.param, db, report, Engine(db, catalogue)


def test_objects_are_counted_as_osmium_counts_them(state):
    name, _, report, _ = state
    assert {cls: report["classes"][cls]["read"] for cls in READ[name]} == READ[name]
    for counts in report["classes"].values():
        assert counts["read"] == counts["loaded"] + counts["rejected"] + counts["unchanged"]


def test_every_policy_answers_in_both_modes(state, catalogue):
    _, db, _, engine = state
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
    _, db, _, engine = state
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
    run = service.run(db, engine.answer, {"policy": "toilet-300", "mode": "straight"})
    assert run["results"][0]["share_of_land"] == pytest.approx(share, abs=1e-4)


def test_straight_land_agrees_with_the_database(state, catalogue):
    """PostGIS with buffers of 64 segments a quarter: `ST_Intersection` of the land with the union of the buffers."""
    _, db, _, engine = state
    sql = text(
        "WITH t AS MATERIALIZED (SELECT ST_Buffer(ST_Transform(ST_Collect(geom), :crs), 300, 'quad_segs=64') AS geom"
        "  FROM city.toilets WHERE coalesce(state, 'in_service') = 'in_service'"
        "  AND coalesce(access, 'public') = 'public'),"
        " l AS MATERIALIZED (SELECT ST_UnaryUnion(ST_Transform(ST_Collect(geom), :crs)) AS geom"
        "  FROM city.residential_areas WHERE kind = 'land' AND NOT incomplete"
        "  AND ST_Covers(ST_GeomFromWKB(:frame, 4326), ST_Centroid(geom)))"
        " SELECT ST_Area(l.geom), ST_Area(ST_Intersection(l.geom, t.geom)) FROM l, t"
    )
    with db.engine() as conn:
        frame = shapely.to_wkb(read_frame(conn, catalogue.get_class("toilets")))
        crs = get_metric_crs(conn).definition
        land_m2, served_m2 = conn.execute(sql, {"crs": crs, "frame": frame}).one()
    row = service.run(db, engine.answer, {"policy": "toilet-300", "mode": "straight"})["results"][0]
    assert row["land_m2"] == pytest.approx(land_m2, rel=1e-6)
    assert row["land_served_m2"] == pytest.approx(served_m2, rel=1e-6)


def test_a_place_is_as_far_from_a_toilet_as_rustworkx_walks(state, catalogue):
    """Houses about the toilet with most of them: the engine's `/reach` beside a graph that knows nothing of ours.

    Ways below `FAR_M` stay in the window whose streets are walked.
    """
    _, db, _, engine = state
    with db.engine() as conn:
        crs = get_metric_crs(conn)
        allowed = {"state": ("in_service", None), "access": ("public", None)}
        toilets = read_arrays(conn, catalogue, "toilets", [], allowed, crs)
        houses = shapely.centroid(read_arrays(conn, catalogue, "buildings", [], {}, crs).geometry)
        near = shapely.STRtree(houses).query(toilets.geometry, predicate="dwithin", distance=500)[0]
        middle = toilets.geometry[np.bincount(near).argmax()]
        walks = streets_walked(conn, catalogue, crs, middle.buffer(FAR_M + 500))
    doors = [door for place in toilets.geometry if (door := walks.hang(place, 250, public=True))]
    places = houses[shapely.distance(houses, middle) < 500]
    places = places[:: max(len(places) // 24, 1)]
    theirs = walks.metres([walks.hang(place, 250) for place in places], doors)
    assert (theirs <= 300).any()
    for lonlat, found in zip(crs.to_lonlat(places), theirs, strict=True):
        policies = engine.answer({"op": "reach", "lon": lonlat.x, "lat": lonlat.y})["policies"]
        walk = next(p for p in policies if p["id"] == "toilet-300")["tiers"][0]["walk"]
        assert walk["met"] == (found <= 300)
        metres = np.inf if walk["distance_m"] is None else walk["distance_m"]
        assert min(metres, FAR_M) == pytest.approx(min(found, FAR_M), abs=0.1)
