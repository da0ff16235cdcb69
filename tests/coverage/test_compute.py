"""A drawn town with answers known by hand: a lattice of streets, two toilets, one parcel in every block."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from app.catalogue.model import Demand, Policy, Source, Supply, Tier, Title
from app.coverage.access import access_points
from app.coverage.compute import compute
from app.coverage.model import Areas, Band, Inputs, People, Places, PointUnits, Streets, TierSupply
from app.coverage.results import area_rows, gap_rows, result_rows, unit_rows
from app.coverage.straight import service_area
from app.coverage.units import area_units, clipped, label, point_units
from app.network.build import build_network
from app.network.path import WayFinder
from app.network.reach import distance_at, search
from app.network.snap import build_index, snap
from app.space.metric import metric_crs

BLOCK_M = 100
SIDE = 10
RADIUS_M = 300.0
TITLE = Title("厕", "toilet")
TIER = Tier("toilet", TITLE, (Supply("toilets", RADIUS_M),), target=0.5)
POLICY = Policy(
    "p", "1", TITLE, TITLE, Source("d", "c", "V"), (TIER,), Demand("residential_areas"), (), None,
    official=False, speed_m_s=1.2, minutes=None, snap_limit_m=250.0, gate_search_m=30.0, text="",
)  # fmt: skip
NO_GATES = (np.empty((0, 2)), np.empty(0, dtype=np.int64))


def objects(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def places(shapes, people=100.0):
    codes = [f"c{i}" for i in range(len(shapes))]
    return Places(codes, [f"第{i}处" for i in range(len(shapes))], ["x"] * len(shapes), objects(shapes),
                  np.full(len(shapes), people))  # fmt: skip


@pytest.fixture(scope="module")
def streets():
    ticks = range(0, SIDE * BLOCK_M + 1, BLOCK_M)
    lines = [shapely.LineString([(x, y) for y in ticks]) for x in ticks]
    lines += [shapely.LineString([(x, y) for x in ticks]) for y in ticks]
    lines.append(shapely.LineString([(1000, 1000), (1000, 1200), (1100, 1200)]))
    walk = np.array(["public"] * (len(lines) - 1) + ["private"], dtype=object)
    network = build_network(objects(lines), np.zeros(len(lines), dtype=np.int64), walk)
    return Streets(network, build_index(network), 1)


@pytest.fixture(scope="module")
def inputs(streets):
    blocks = range(0, SIDE * BLOCK_M, BLOCK_M)
    parcels = places([shapely.box(x + 10, y + 10, x + 90, y + 90) for x in blocks for y in blocks])
    halves = objects(
        [shapely.box(0, 0, 500, 1000), shapely.box(500, 0, 1000, 1000), shapely.box(2e4, 0, 3e4, 9)]
    )
    areas = Areas(["W", "E", "X"], ["西区", "东区", "远区"], ["district"] * 3, halves)
    access = access_points(
        parcels.geometry, *NO_GATES, streets.index, gate_search_m=30, snap_limit_m=250, public_only=False
    )
    land = replace(area_units(parcels, areas), access=access)
    people = People("residential_areas", "area", None)
    return Inputs(POLICY, areas, land, people, (supply(streets),), streets, 1.2, 250.0)


def supply(streets, shapes=(shapely.Point(500, 0), shapely.Point(500, 1000))):
    found = places(list(shapes))
    access = access_points(
        found.geometry, *NO_GATES, streets.index, gate_search_m=30, snap_limit_m=250, public_only=True
    )
    service = service_area(found.geometry, RADIUS_M)
    return TierSupply(TIER, (Band("toilets", RADIUS_M, found, service, access),), service)


def test_the_whole_is_the_sum_of_its_areas(inputs):
    figures = compute(inputs, ("straight", "walk"))
    rows = result_rows(inputs, figures, {"official": False})
    parts = area_rows(inputs, figures)
    for row in rows:
        mine = [part for part in parts if part["mode"] == row["mode"] and part["land_m2"] is not None]
        assert sum(part["land_m2"] for part in mine) == pytest.approx(row["land_m2"]) == 640_000
        assert sum(part["land_served_m2"] for part in mine) == pytest.approx(row["land_served_m2"], abs=0.2)
        assert sum(part["people"] for part in mine) == row["people"] == 10_000


def test_the_town_is_symmetric(inputs):
    figures = compute(inputs, ("straight", "walk"))
    for mode in ("straight", "walk"):
        west, east = (
            next(r for r in area_rows(inputs, figures) if r["mode"] == mode and r["code"] == code)
            for code in "WE"
        )
        assert west["share_of_land"] == pytest.approx(east["share_of_land"], abs=1e-6)


def test_straight_share_is_the_exact_area(inputs):
    (figure,) = compute(inputs, ("straight",))
    discs = shapely.union_all([shapely.Point(500, y).buffer(RADIUS_M, quad_segs=400) for y in (0, 1000)])
    exact = shapely.area(shapely.intersection(discs, shapely.union_all(inputs.land.geometry)))
    assert figure.land_served_m2.sum() == pytest.approx(exact, rel=2e-4)


def test_walked_never_exceeds_straight_in_any_unit(inputs):
    straight, walk = compute(inputs, ("straight", "walk"))
    assert (walk.land_served_m2 <= straight.land_served_m2 + 1e-6).all()
    assert 0 < walk.land_served_m2.sum() < straight.land_served_m2.sum()


def test_gaps_and_served_land_add_up(inputs):
    for figure in compute(inputs, ("straight", "walk")):
        assert figure.gaps.area_m2.sum() + figure.land_served_m2.sum() == pytest.approx(640_000, rel=1e-6)
        assert (np.diff(figure.gaps.people) <= 1e-9).all()


def test_an_area_without_demand_is_null_with_the_reason(inputs):
    rows = [row for row in area_rows(inputs, compute(inputs, ("straight", "walk"))) if row["code"] == "X"]
    assert len(rows) == 2
    for row in rows:
        assert row["share_of_land"] is None
        assert row["share_of_people"] is None
        assert row["met"] is None
        assert "no residential land" in row["reason"]


def test_without_streets_the_walked_share_is_unknown_not_zero(inputs):
    row = result_rows(
        replace(inputs, streets=None), compute(replace(inputs, streets=None), ("walk",)), {"official": False}
    )[0]
    assert row["share_of_land"] is None
    assert row["share_of_people"] is None
    assert "streets" in row["reason"]


def test_without_facilities_nobody_is_served_and_it_says_so(inputs, streets):
    empty = replace(inputs, supplies=(supply(streets, ()),))
    for row in result_rows(empty, compute(empty, ("straight", "walk")), {"official": False}):
        assert row["share_of_land"] == 0
        assert row["met"] is False
        assert "no facility" in row["reason"]


def test_cells_count_at_their_centre(inputs):
    cells = places([shapely.box(x, 0, x + 250, 250) for x in range(0, 1000, 250)], people=10.0)
    units = point_units(cells, inputs.areas, None)
    assert isinstance(units, PointUnits)
    counted = replace(inputs, people=People("population_cells", "centre", units))
    straight, walk = compute(counted, ("straight", "walk"))
    # Centres at (125|375|625|875, 125): 395 m, 177 m, 177 m, 395 m from (500, 0) straight; on foot 250 m for both near.
    assert straight.people_served.tolist() == [0, 10, 10, 0]
    assert walk.people_served.tolist() == [0, 10, 10, 0]


def test_rows_for_the_store_are_plain_and_in_lonlat(inputs):
    figures = compute(inputs, ("straight", "walk"))
    crs = metric_crs("EPSG:4548")
    gaps, units = gap_rows(inputs, figures, crs), unit_rows(inputs, figures, crs)
    for table in (gaps, units):
        assert len({len(column) for column in table.values()}) == 1
        centres = shapely.centroid(shapely.from_wkb(np.array(table["geom"], dtype=object)))
        assert (np.abs(shapely.get_x(centres)) <= 180).all()
        assert all(people >= 0 for people in table["people"])
    straight = {
        code for code, mode in zip(gaps["nearest_code"], gaps["mode"], strict=True) if mode == "straight"
    }
    assert straight == {"c0", "c1"}
    assert set(units["kind"]) == {"land"}


@pytest.mark.parametrize(
    "place", [(33.0, 555.0), (1090.0, 1205.0), (480.0, 0.0), (512.0, 37.0), (500.0, 500.0)]
)
def test_the_way_is_as_long_as_the_distance(streets, place):
    access = supply(streets).bands[0].access
    reach = search(streets.network, access.positions, extra_m=access.lead_m, with_source=True)
    position = snap(streets.index, np.array([place]), 250)
    way = WayFinder.of(streets.network).way(reach, position, place, access.xy)
    assert way.coords[0] == place
    assert tuple(way.coords[-1]) in {(500.0, 0.0), (500.0, 1000.0)}
    assert way.length == pytest.approx(distance_at(reach, position)[0])


def test_a_point_on_a_border_belongs_to_the_first_area():
    areas = Areas(["a", "b"], ["", ""], ["", ""], objects([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]))
    points = objects([shapely.Point(1, 0.5), shapely.Point(1.5, 0.5), shapely.Point(9, 9)])
    assert label(points, areas).tolist() == [0, 1, -1]


def test_clipping_recuts_only_what_crosses(inputs):
    frame = shapely.box(0, 0, 455, 455)
    units = clipped(inputs.land, frame)
    exact = shapely.intersection(shapely.union_all(inputs.land.geometry), frame).area
    assert units.area_m2.sum() == pytest.approx(exact)
    assert units.pieces.area_m2.sum() == pytest.approx(exact)
    assert np.bincount(units.pieces.owner, weights=units.pieces.area_m2) == pytest.approx(units.area_m2)
    assert units.people.sum() == pytest.approx(exact / 64)  # 100 people on each 6,400 m²
    straight, walk = compute(replace(inputs, land=units), ("straight", "walk"))
    assert (walk.land_served_m2 <= straight.land_served_m2 + 1e-6).all()
