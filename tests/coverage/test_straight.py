import geopandas as gpd
import numpy as np
import pytest
import shapely

from app.coverage.boxes import boxes_of, centre_metres
from app.coverage.straight import (
    covered_area,
    merge,
    nearest,
    service_area,
    uncovered_part,
)

# standards.md §1.1: residential land of 4,000 × 4,000 m, parks of 100, 50 and 20 m
LAND = np.array([shapely.box(0, 0, 4000, 4000)])
PARK_A, PARK_B, PARK_C = (
    shapely.box(1000, 1000, 1100, 1100),
    shapely.box(2800, 2800, 2850, 2850),
    shapely.box(1000, 3000, 1020, 3020),
)


def exact_m2(width, height, radius):
    return width * height + 2 * (width + height) * radius + np.pi * radius**2


@pytest.mark.parametrize(
    ("bands", "exact_percent", "segments_64"),
    [
        ([([PARK_A], 500)], 6.2212, 6.2207),
        ([([PARK_A], 500), ([PARK_B], 300)], 8.3790, 8.3783),
        ([([PARK_A], 500), ([PARK_B, PARK_C], 300)], 10.2987, 10.2978),
    ],
    ids=["2010", "2021", "2022"],
)
def test_the_golden_table(bands, exact_percent, segments_64):
    service = merge([service_area(np.array(parks), float(radius)) for parks, radius in bands])
    percent = covered_area(LAND, service)[0] / 16e6 * 100
    assert round(percent, 4) == segments_64
    assert exact_percent - 0.001 < percent <= exact_percent
    sizes = {PARK_A: 100, PARK_B: 50, PARK_C: 20}
    truth = sum(exact_m2(sizes[park], sizes[park], radius) for parks, radius in bands for park in parks)
    assert round(truth / 16e4, 4) == exact_percent
    # the polygons' arcs lie inside the true ones by less than 0.02 % of the discs
    discs = sum(np.pi * radius**2 for parks, radius in bands for _ in parks)
    assert 0 < truth / 16e6 - percent / 100 < 2e-4 * discs / 16e6


def test_a_parcel_wholly_inside_counts_with_exactly_its_own_area():
    parcels = np.array([shapely.box(1200.1, 1200.3, 1263.7, 1291.9)])
    assert covered_area(parcels, service_area(np.array([PARK_A]), 500.0)) == shapely.area(parcels)


def test_overlapping_service_areas_are_not_counted_twice():
    twice = service_area(np.array([PARK_A, PARK_A, shapely.box(1050, 1000, 1150, 1100)]), 500.0)
    once = shapely.area(shapely.intersection(LAND[0], twice.union()))
    assert covered_area(LAND, twice)[0] == pytest.approx(once, rel=1e-12)


def random_city(seed, parcels=300, parks=25):
    rng = np.random.default_rng(seed)
    at = rng.uniform(0, 5000, (parcels, 2))
    land = shapely.box(at[:, 0], at[:, 1], *(at + rng.uniform(20, 300, (parcels, 2))).T)
    centre = rng.uniform(0, 5000, (parks, 2))
    supply = shapely.buffer(shapely.points(centre), rng.uniform(10, 120, parks), quad_segs=3)
    return land, supply


@pytest.mark.parametrize(("seed", "parks"), [(0, 3), (1, 25), (2, 60), (3, 200)])
def test_areas_agree_with_the_overlay_of_geopandas(seed, parks):
    land, parks = random_city(seed, parks=parks)
    service = service_area(parks, 300.0)
    frame = gpd.GeoDataFrame({"unit": np.arange(len(land))}, geometry=land)
    cover = gpd.GeoDataFrame(geometry=[shapely.union_all(shapely.buffer(parks, 300, quad_segs=64))])
    theirs = gpd.overlay(frame, cover, how="intersection", keep_geom_type=True)
    expected = np.zeros(len(land))
    np.add.at(expected, theirs["unit"].to_numpy(), theirs.area.to_numpy())
    ours = covered_area(land, service)
    assert ours == pytest.approx(expected, abs=1e-6, rel=1e-9)
    rest = uncovered_part(land, service)
    assert shapely.area(rest) + ours == pytest.approx(shapely.area(land), rel=1e-9)
    assert shapely.area(land) - shapely.area(rest) == pytest.approx(expected, abs=1e-6, rel=1e-9)
    known = [centre_metres(boxes_of(land), ring.facilities) for ring in service.rings]
    assert shapely.area(uncovered_part(land, service, known)) == pytest.approx(shapely.area(rest), abs=1e-6)
    assert set(shapely.get_type_id(rest)) <= {3, 6}


def test_a_radius_for_each_facility():
    service = service_area(np.array([PARK_A, PARK_B]), np.array([500.0, 300.0]))
    assert round(covered_area(LAND, service)[0] / 16e4, 4) == 8.3783


def test_the_nearest_facility_is_counted_from_its_boundary_not_its_centre():
    homes = np.array(
        [shapely.Point(1400, 1050), shapely.Point(1050, 1050), shapely.box(2000, 2850, 2700, 2900)]
    )
    distance, index = nearest(homes, np.array([PARK_A, None, PARK_B]))
    assert distance.tolist() == [300, 0, 100]
    assert index.tolist() == [0, 0, 2]


def test_of_equally_near_facilities_the_first_is_named():
    _, index = nearest(np.array([shapely.Point(0, 0)]), shapely.points([(3, 0), (0, 3), (-3, 0)]))
    assert index.tolist() == [0]


def test_without_facilities_nothing_is_covered_and_no_distance_is_a_number():
    nobody = service_area(np.empty(0, dtype=object), 500.0)
    assert covered_area(LAND, nobody).tolist() == [0]
    assert shapely.equals(uncovered_part(LAND, nobody), LAND).all()
    distance, index = nearest(LAND, np.array([None, shapely.Polygon()]))
    assert (distance.tolist(), index.tolist()) == ([np.inf], [-1])


def test_a_parcel_that_only_touches_the_service_area_has_no_part_in_it():
    service = service_area(np.array([shapely.Point(0, 0)]), 100.0)
    touching = np.array([shapely.box(100, -10, 120, 10)])
    assert covered_area(touching, service).tolist() == [0]
    assert shapely.equals(uncovered_part(touching, service), touching).all()


def test_no_parcels_have_no_areas():
    assert len(covered_area(np.empty(0, dtype=object), service_area(LAND, 10.0))) == 0
