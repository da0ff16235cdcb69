"""Porto Alegre: 812,935 people known by the centres of hexagons, counted by SQL and walked by rustworkx as well."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from sqlalchemy import text

from app.coverage.engine import Engine
from app.inventory.arrays import read_arrays
from app.inventory.changes import get_metric_crs
from tests.clones import clone, opened
from tests.importing import import_path
from tests.real.walks import streets_walked

PEOPLE = 812_935
#: Policy → people served in a straight line and on foot.
SERVED = {"toilet-300": (8_645, 1_786), "toilet-500": (29_777, 11_335), "toilet-10min": (62_635, 27_208)}
RADIUS_M = {"toilet-300": 300, "toilet-500": 500, "toilet-10min": 720}
pytestmark = pytest.mark.wide


@pytest.fixture(scope="module")
def city(cluster_settings, template, catalogue, data_dir):
    """A database with streets, toilets and hexagon centres, its engine, and the report of the centres."""
    folder = data_dir / "porto_alegre"
    with clone(cluster_settings, template) as settings, opened(settings) as db:
        import_path(db, catalogue, folder / "poa_osm.pbf", who="test")
        report = import_path(
            db, catalogue, folder / "poa_hexgrid.csv", class_id="population_cells", who="test"
        )
        yield db, Engine(db, catalogue), report["files"][0]


def ask(city, policy, mode="both", **parameters):
    return city[1].answer({"op": "coverage", "policy": policy, "mode": mode, "parameters": parameters})


def test_every_centre_is_loaded_as_a_point(city):
    counts = city[2]["classes"]["population_cells"]
    assert (counts["read"], counts["loaded"], counts["rejected"]) == (1_227, 1_227, 0)
    with city[0].read() as conn:
        kinds = conn.execute(text("SELECT DISTINCT GeometryType(geom) FROM city.population_cells")).scalars()
        assert list(kinds) == ["POINT"]


@pytest.mark.parametrize("policy", SERVED)
def test_people_of_centres_are_served_at_their_place(city, policy):
    by_centre, by_area = ask(city, policy), ask(city, policy, people_rule="area")
    for answer in (by_centre, by_area):
        assert [row["people"] for row in answer["results"]] == [PEOPLE, PEOPLE]
        assert tuple(row["people_served"] for row in answer["results"]) == SERVED[policy]
    assert by_centre["inputs"]["people_cells_drawn"] > 1_000


def test_the_database_counts_the_same_people_in_a_straight_line(city):
    sql = text(
        "WITH t AS (SELECT ST_Transform(ST_Collect(geom), :crs) AS geom FROM city.toilets"
        "  WHERE coalesce(state, 'in_service') = 'in_service' AND coalesce(access, 'public') = 'public'),"
        " p AS (SELECT row_number() OVER (ORDER BY id) AS n, people FROM city.population_cells),"
        " c AS (SELECT (ST_Dump(ST_Transform(ST_Collect(geom ORDER BY id), :crs))).* FROM city.population_cells),"
        " d AS (SELECT people, ST_Distance(c.geom, t.geom) AS metres FROM p JOIN c ON n = path[1], t)"
        " SELECT sum(people), sum(people) FILTER (WHERE metres <= 300), sum(people) FILTER (WHERE metres <= 500),"
        " sum(people) FILTER (WHERE metres <= 720) FROM d"
    )
    with city[0].read() as conn:
        counted = conn.execute(sql, {"crs": get_metric_crs(conn).definition}).one()
    assert list(counted) == [PEOPLE, *(straight for straight, _ in SERVED.values())]


def test_rustworkx_walks_as_far_to_every_centre(city, catalogue):
    db, _, _ = city
    with db.engine() as conn:
        crs = get_metric_crs(conn)
        walks = streets_walked(conn, catalogue, crs)
        allowed = {"state": ("in_service", None), "access": ("public", None)}
        toilets = read_arrays(conn, catalogue, "toilets", [], allowed, crs)
        cells = read_arrays(conn, catalogue, "population_cells", ["people"], {}, crs)
    doors = [door for place in toilets.geometry if (door := walks.hang(place, 250, public=True))]
    metres = walks.metres([walks.hang(centre, 250) for centre in cells.geometry], doors)
    people = np.array([float(value) for value in cells.columns["people"]])
    for policy, (_, served) in SERVED.items():
        assert people[metres <= RADIUS_M[policy]].sum() == served
    units = ask(city, "toilet-300", "walk")["units"]
    ours = dict(zip(units["code"], units["distance_m"], strict=True))
    theirs = {code: metres[i] for i, code in enumerate(cells.code) if people[i] > 0}
    assert ours.keys() == theirs.keys()
    for code, found in theirs.items():
        assert ours[code] == (None if np.isinf(found) else pytest.approx(found, abs=0.06))


def test_gaps_are_drawn_around_the_centres(city):
    answer = ask(city, "toilet-300", "straight")
    gaps = answer["gaps"]
    shapes = shapely.from_wkb(np.array(gaps["geom"]))
    assert set(shapely.get_type_id(shapes).tolist()) == {shapely.GeometryType.MULTIPOLYGON}
    assert sum(gaps["people"]) == pytest.approx(PEOPLE - SERVED["toilet-300"][0])
    assert gaps["people"][0] == max(gaps["people"])
