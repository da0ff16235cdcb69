import numpy as np
import pytest
import shapely

from app.coverage.gaps import piece_gaps, rest_gaps
from app.coverage.lattice import cut
from app.coverage.straight import covered_area, service_area, uncovered_part
from tests.coverage.land import unserved

PARK = np.array([shapely.box(0, 0, 100, 100)])
SERVICE = service_area(PARK, 300.0)
PARCELS = np.array([
    shapely.box(0, 100, 100, 500),  # a quarter beyond the radius
    shapely.box(1000, 0, 1100, 100),  # all beyond
    shapely.box(200, 0, 300, 100),  # all within
])  # fmt: skip
PEOPLE = np.array([400.0, 50.0, 900.0])


def test_gaps_are_the_unserved_parts_with_their_people_and_metres():
    gaps = rest_gaps(PARCELS, uncovered_part(PARCELS, SERVICE), PEOPLE, PARK)
    assert gaps.owner.tolist() == [0, 1]
    assert gaps.area_m2 == pytest.approx([10000, 10000])
    assert gaps.people == pytest.approx([100, 50])
    assert gaps.distance_m == pytest.approx([350, 950])
    assert gaps.nearest.tolist() == [0, 0]
    assert (shapely.get_dimensions(gaps.geometry) == 2).all()
    served = covered_area(PARCELS, SERVICE)
    assert gaps.area_m2.sum() + served.sum() == pytest.approx(shapely.area(PARCELS).sum())


def test_gaps_without_any_facility_have_no_metres():
    nobody = np.empty(0, dtype=object)
    gaps = rest_gaps(PARCELS, uncovered_part(PARCELS, service_area(nobody, 300.0)), PEOPLE, nobody)
    assert gaps.owner.tolist() == [2, 0, 1]
    assert np.isinf(gaps.distance_m).all()
    assert gaps.nearest.tolist() == [-1, -1, -1]


def test_slivers_are_no_gaps():
    parcel = np.array([shapely.box(0, 100, 0.5, 401)])
    assert len(rest_gaps(parcel, uncovered_part(parcel, SERVICE), np.array([1.0]), PARK)) == 0


def test_walked_gaps_unite_the_pieces_of_a_parcel():
    pieces = cut(PARCELS)
    # the first parcel is walked to y = 300 only, the second not at all, the third whole
    distance = np.where(pieces.owner == 0, pieces.xy[:, 1] + 25, np.where(pieces.owner == 1, np.inf, 100.0))
    facility = np.where(np.isfinite(distance), 0, -1)
    gaps = piece_gaps(pieces, unserved(pieces, distance, 300.0, SERVICE), PEOPLE, distance, facility)
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
    walked = np.full(len(pieces), 10.0)
    gaps = piece_gaps(pieces, unserved(pieces, walked, 300.0, SERVICE), PEOPLE[:1], walked)
    assert gaps.area_m2 == pytest.approx([10000])


def test_all_served_has_no_gaps():
    pieces = cut(PARCELS[2:])
    walked = np.zeros(len(pieces))
    assert len(piece_gaps(pieces, unserved(pieces, walked, 300.0, SERVICE), PEOPLE[2:], walked)) == 0


def turned_parcels():
    """A convex parcel, and one with a reflex corner whose pieces are cut by overlay, both off the lattice's grain."""
    shapes = np.array([
        shapely.box(3, 5, 330, 270),
        shapely.Polygon([(400, 0), (900, 40), (860, 420), (610, 150), (430, 390)]),
    ])  # fmt: skip
    return shapely.transform(shapes, lambda xy: xy @ np.array([[0.8, 0.6], [-0.6, 0.8]]))


@pytest.mark.parametrize("served", [0.2, 0.5, 0.9])
def test_a_gap_of_pieces_is_their_union_whether_whole_or_cut(served):
    parcels = turned_parcels()
    pieces = cut(parcels)
    rest = pieces.geometry.copy()
    rng = np.random.default_rng(int(served * 10))
    rest[rng.random(len(rest)) < served] = shapely.Polygon()
    some = np.flatnonzero(pieces.owner == 1)[::7]
    for chosen in (rest, np.where(np.isin(np.arange(len(rest)), some), shapely.buffer(rest, -3), rest)):
        gaps = piece_gaps(pieces, chosen, np.ones(2), np.zeros(len(rest)), parcels=parcels)
        for owner, shape, area in zip(gaps.owner, gaps.geometry, gaps.area_m2, strict=True):
            union = shapely.union_all(chosen[pieces.owner == owner])
            assert shapely.is_valid(shape)
            assert shapely.area(shapely.symmetric_difference(shape, union)) == pytest.approx(0, abs=1e-6)
            assert shapely.area(shape) == pytest.approx(area, rel=1e-9)
