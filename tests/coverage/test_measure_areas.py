import numpy as np
import pytest
import shapely

from app.coverage.measure import clip_to_frame, cut_by_areas, inside_frame

DISTRICTS = np.array([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)])


def test_parcels_are_cut_at_borders_and_nothing_is_lost():
    corners = [(10, 10, 40, 40), (80, 10, 120, 40), (190, 0, 230, 10), (300, 0, 310, 9)]
    parcels = np.array([shapely.box(*corner) for corner in corners])
    parts = cut_by_areas(parcels, DISTRICTS)
    assert parts.unit.tolist() == [0, 1, 1, 2, 2, 3]
    assert parts.area.tolist() == [0, 0, 1, -1, 1, -1]
    assert shapely.area(parts.geometry) == pytest.approx([900, 600, 600, 300, 100, 90])


def test_a_parcel_that_touches_a_border_stays_whole():
    parts = cut_by_areas(np.array([shapely.box(50, 0, 100, 10)]), DISTRICTS)
    assert (parts.unit.tolist(), parts.area.tolist()) == ([0], [0])


def test_without_areas_all_lies_outside():
    parts = cut_by_areas(DISTRICTS, np.empty(0, dtype=object))
    assert parts.area.tolist() == [-1, -1]
    assert len(cut_by_areas(np.empty(0, dtype=object), DISTRICTS).unit) == 0


def test_the_frame_cuts_land_and_chooses_points():
    frame = shapely.box(0, 0, 150, 50)
    assert shapely.area(clip_to_frame(DISTRICTS, frame)).tolist() == [5000, 2500]
    assert clip_to_frame(DISTRICTS, None) is DISTRICTS
    xy = np.array([[10.0, 10.0], [150.0, 50.0], [10.0, 60.0]])
    assert inside_frame(xy, frame).tolist() == [True, True, False]
    assert inside_frame(xy, None).all()
