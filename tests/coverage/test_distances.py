"""Metres and minutes of each demand unit, against loops and figures known by hand."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from app.coverage.compute import compute
from app.coverage.distances import least, middle_piece_m, minutes
from app.coverage.lattice import cut
from app.coverage.results import unit_rows
from app.space.metric import metric_crs
from tests.coverage.test_compute import inputs, streets  # noqa: F401


def test_the_middle_piece_is_the_weighted_median():
    rng = np.random.default_rng(5)
    parcels = np.array(
        [shapely.box(0, 0, 180, 130), shapely.box(500, 0, 520, 20), shapely.box(700, 0, 801, 60)]
    )
    pieces = cut(parcels)
    metres = rng.uniform(0, 900, len(pieces))
    for unit, found in enumerate(middle_piece_m(pieces, metres, len(parcels))):
        mine = sorted(zip(metres[pieces.owner == unit], pieces.area_m2[pieces.owner == unit], strict=True))
        so_far = np.cumsum([area for _, area in mine])
        assert found == mine[int(np.argmax(so_far >= so_far[-1] / 2 - 1e-6))][0]


def test_half_a_parcel_without_a_way_has_no_metres():
    pieces = cut(np.array([shapely.box(0, 0, 200, 50)]))
    near = np.array([10.0, 20.0, np.inf, np.inf])
    assert middle_piece_m(pieces, near, 1).tolist() == [20.0]
    assert np.isinf(middle_piece_m(pieces, np.array([10.0, np.inf, np.inf, np.inf]), 1)).all()
    assert np.isinf(middle_piece_m(pieces, near, 2)[1])


def test_without_facilities_nothing_is_near():
    assert np.isinf(least([], 3)).all()
    assert least([np.array([5.0, np.nan]), np.array([3.0, 7.0])], 2).tolist() == [3.0, 7.0]


def test_minutes_follow_the_speed():
    assert minutes(np.array([720.0, np.inf]), 1.2).tolist() == [10.0, np.inf]
    assert minutes(np.array([720.0]), 0.8).tolist() == pytest.approx([15.0])


def test_every_unit_has_metres_in_both_modes(inputs):  # noqa: F811
    figures = compute(inputs, ("straight", "walk"))
    rows = unit_rows(inputs, figures, metric_crs("EPSG:4548"))
    assert len(rows["distance_m"]) == len(rows["geom"]) == 200
    straight, walk = figures
    # the block at the corner 460-540 m east of the toilets at (500, 0) and (500, 1000)
    corner = int(np.flatnonzero(shapely.intersects_xy(inputs.land.geometry, 950, 50))[0])
    assert straight.land_m[corner] == pytest.approx(np.hypot(450, 50))
    # its pieces start 10-40 m from the street round the block, which is 400-500 m along from the toilet
    assert 410 <= walk.land_m[corner] <= 540
    assert rows["minutes"][corner] == pytest.approx(straight.land_m[corner] / 72, abs=0.01)
    assert (walk.land_m >= straight.land_m - 45).all()
