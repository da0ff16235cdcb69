import numpy as np
import pytest
import shapely

from app.coverage.gaps import straight_gaps, walked_gaps
from app.coverage.lattice import cut
from app.coverage.straight import covered_area, service_area

PARK = np.array([shapely.box(0, 0, 100, 100)])
SERVICE = service_area(PARK, 300.0)
PARCELS = np.array([
    shapely.box(0, 100, 100, 500),  # a quarter beyond the radius
    shapely.box(1000, 0, 1100, 100),  # all beyond
    shapely.box(200, 0, 300, 100),  # all within
])  # fmt: skip
PEOPLE = np.array([400.0, 50.0, 900.0])


def test_gaps_are_the_unserved_parts_with_their_people_and_metres():
    gaps = straight_gaps(PARCELS, PEOPLE, SERVICE, PARK)
    assert gaps.owner.tolist() == [0, 1]
    assert gaps.area_m2 == pytest.approx([10000, 10000])
    assert gaps.people == pytest.approx([100, 50])
    assert gaps.distance_m == pytest.approx([350, 950])
    assert gaps.nearest.tolist() == [0, 0]
    assert (shapely.get_type_id(gaps.geometry) == shapely.GeometryType.MULTIPOLYGON).all()
    served = covered_area(PARCELS, SERVICE)
    assert gaps.area_m2.sum() + served.sum() == pytest.approx(shapely.area(PARCELS).sum())


def test_gaps_without_any_facility_have_no_metres():
    nobody = np.empty(0, dtype=object)
    gaps = straight_gaps(PARCELS, PEOPLE, service_area(nobody, 300.0), nobody)
    assert gaps.owner.tolist() == [2, 0, 1]
    assert np.isinf(gaps.distance_m).all()
    assert gaps.nearest.tolist() == [-1, -1, -1]


def test_slivers_are_no_gaps():
    parcel = np.array([shapely.box(0, 100, 0.5, 401)])
    assert len(straight_gaps(parcel, np.array([1.0]), SERVICE, PARK)) == 0


def test_walked_gaps_unite_the_pieces_of_a_parcel():
    pieces = cut(PARCELS)
    # the first parcel is walked to y = 300 only, the second not at all, the third whole
    distance = np.where(pieces.owner == 0, pieces.xy[:, 1] + 25, np.where(pieces.owner == 1, np.inf, 100.0))
    facility = np.where(np.isfinite(distance), 0, -1)
    gaps = walked_gaps(pieces, PEOPLE, distance, 300.0, SERVICE, facility)
    assert gaps.owner.tolist() == [0, 1]
    assert gaps.area_m2 == pytest.approx([20000, 10000])
    assert gaps.people == pytest.approx([200, 50])
    assert shapely.get_num_geometries(gaps.geometry).tolist() == [1, 1]
    assert shapely.bounds(gaps.geometry[0]).tolist() == [0, 300, 100, 500]
    assert gaps.distance_m[0] > 300
    assert gaps.distance_m[1] == np.inf
    assert gaps.nearest.tolist() == [0, -1]


def test_what_is_walked_but_beyond_the_straight_line_is_a_gap():
    pieces = cut(PARCELS[:1])
    gaps = walked_gaps(pieces, PEOPLE[:1], np.full(len(pieces), 10.0), 300.0, SERVICE)
    assert gaps.area_m2 == pytest.approx([10000])


def test_all_served_has_no_gaps():
    pieces = cut(PARCELS[2:])
    assert len(walked_gaps(pieces, PEOPLE[2:], np.zeros(len(pieces)), 300.0, SERVICE)) == 0
