import numpy as np
import pytest
import shapely
import shapely.affinity

from app.coverage.convex import cut_convex, is_convex
from app.coverage.lattice import cut, dissolve_overlaps


def test_cells_of_a_parcel_on_the_lattice_are_the_lattice():
    pieces = cut(np.array([shapely.box(100, 100, 300, 250)]))
    assert len(pieces) == 12
    assert (pieces.area_m2 == 2500).all()
    assert pieces.share.sum() == pytest.approx(1)
    assert min(map(tuple, pieces.xy)) == (125, 125)


def test_the_lattice_is_fixed_in_the_plane_not_in_the_parcel():
    pieces = cut(np.array([shapely.box(90, 90, 110, 110), shapely.box(-10, -10, 10, 10)]))
    assert pieces.owner.tolist() == [0] * 4 + [1] * 4
    assert pieces.area_m2 == pytest.approx(np.full(8, 100))


@pytest.mark.parametrize("seed", range(3))
def test_pieces_fill_their_parcels_without_overlap(seed):
    rng = np.random.default_rng(seed)
    parcels = shapely.convex_hull(shapely.multipoints(rng.uniform(-500, 500, (6, 7, 2))))
    parcels = dissolve_overlaps(parcels)
    pieces = cut(parcels)
    area = np.bincount(pieces.owner, weights=pieces.area_m2, minlength=6)
    assert area == pytest.approx(shapely.area(parcels), rel=1e-9)
    assert shapely.area(shapely.union_all(pieces.geometry)) == pytest.approx(area.sum(), rel=1e-9)
    solid = pieces.area_m2 > 0
    assert shapely.distance(pieces.geometry[solid], shapely.points(pieces.xy[solid])).max() < 1e-6
    people = pieces.people(np.arange(6) * 100.0)
    assert np.bincount(pieces.owner, weights=people) == pytest.approx(np.arange(6) * 100.0)


def test_a_parcel_with_a_hole_has_its_walks_begin_outside_the_hole():
    ring = shapely.difference(shapely.box(0, 0, 50, 50), shapely.box(10, 10, 40, 40))
    pieces = cut(np.array([ring]))
    assert shapely.covers(ring, shapely.points(pieces.xy)).all()


def test_land_of_two_parcels_belongs_to_the_first():
    parcels = np.array(
        [shapely.box(0, 0, 100, 100), shapely.box(50, 0, 150, 100), shapely.box(80, 0, 200, 100)]
    )
    assert shapely.area(dissolve_overlaps(parcels)).tolist() == [10000, 5000, 5000]
    assert shapely.area(dissolve_overlaps(parcels[::-1])).tolist() == [12000, 3000, 5000]


def test_neighbours_that_only_touch_are_left_alone():
    parcels = np.array([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)])
    assert (dissolve_overlaps(parcels) == parcels).all()


def test_a_parcel_under_another_has_one_piece_without_land():
    parcels = dissolve_overlaps(np.array([shapely.box(0, 0, 100, 100), shapely.box(10, 10, 20, 20)]))
    pieces = cut(parcels)
    assert pieces.owner.tolist() == [0, 0, 0, 0, 1]
    assert pieces.area_m2[-1] == 0
    assert pieces.people(np.array([40.0, 7.0])).sum() == pytest.approx(47)


def test_no_parcels_have_no_pieces():
    assert len(cut(np.empty(0, dtype=object))) == 0
    assert len(dissolve_overlaps(np.empty(0, dtype=object))) == 0


@pytest.mark.parametrize("seed", range(40))
def test_hair_thin_rests_of_overlaps_make_no_land(seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 300, (8, 2))
    size = rng.uniform(40, 160, (8, 2))
    boxes = [shapely.box(*low, *(low + wide)) for low, wide in zip(corner, size, strict=True)]
    turned = np.array(
        [shapely.affinity.rotate(box, 17.3 * i, origin=(150, 150)) for i, box in enumerate(boxes)]
    )
    parcels = dissolve_overlaps(turned)
    pieces = cut(parcels)
    area = np.bincount(pieces.owner, weights=pieces.area_m2, minlength=8)
    assert area == pytest.approx(shapely.area(parcels), rel=1e-9, abs=1e-6)
    assert area.sum() == pytest.approx(shapely.area(shapely.union_all(turned)), rel=1e-5)


def rings(seed, count=40):
    """Quarters, triangles and hulls of every size and turn; some on the lattice's lines and nodes."""
    rng = np.random.default_rng(seed)
    hulls = shapely.convex_hull(shapely.multipoints(rng.uniform(-400, 400, (count, 5, 2))))
    small = shapely.convex_hull(shapely.multipoints(rng.uniform(0, 60, (count, 3, 2))))
    west = rng.integers(-4, 4, count) * 50.0
    flat = shapely.box(
        west, west - 50, west + rng.integers(1, 6, count) * 50, west + rng.uniform(1, 300, count)
    )
    diamonds = [shapely.Polygon([(x, -100), (x + 100, 0), (x, 100), (x - 100, 0)]) for x in west]
    return np.concatenate((hulls, small, flat, np.array(diamonds)))


@pytest.mark.parametrize("seed", range(4))
def test_convex_parcels_are_cut_as_overlay_cuts_them(seed):
    parcels = rings(seed)
    assert is_convex(parcels).all()
    owner, pieces = cut_convex(parcels, 50.0)
    solid = shapely.area(pieces) > 1e-6
    owner, pieces = owner[solid], pieces[solid]
    assert shapely.is_valid(pieces).all()
    low = np.floor(shapely.get_coordinates(shapely.centroid(pieces)) / 50) * 50
    cells = shapely.box(low[:, 0], low[:, 1], low[:, 0] + 50, low[:, 1] + 50)
    theirs = shapely.intersection(parcels[owner], cells)
    assert shapely.area(shapely.symmetric_difference(pieces, theirs)) == pytest.approx(0, abs=1e-6)
    filled = np.bincount(owner, weights=shapely.area(pieces), minlength=len(parcels))
    assert filled == pytest.approx(shapely.area(parcels), rel=1e-9)
    assert len(np.unique(np.column_stack((owner, low)), axis=0)) == len(pieces)


def test_reflex_holed_and_parted_parcels_are_not_convex():
    square = shapely.box(0, 0, 100, 100)
    shapes = [
        square,
        shapely.MultiPolygon([square]),
        shapely.difference(square, shapely.box(90, 90, 100, 100)),
        shapely.difference(square, shapely.box(40, 40, 60, 60)),
        shapely.union(square, shapely.box(200, 0, 300, 100)),
        shapely.Polygon(),
    ]
    assert is_convex(np.array(shapes)).tolist() == [True, True, False, False, False, False]
