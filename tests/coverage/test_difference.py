"""What a straight line serves and a walk does not, in towns whose cause is known; gaps and their patches."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from app.coverage.compute import compute
from app.coverage.details import both_modes, difference_rows
from app.coverage.drawn import Gate, objects
from app.coverage.patches import contiguous, patches
from app.coverage.results import gap_rows
from app.space.metric import metric_crs
from tests.coverage.land import areas, town

CRS = metric_crs("EPSG:4548")
HOME = shapely.box(200, 0, 240, 40)


def found(inputs):
    figures = compute(inputs, ("straight", "walk"))
    return both_modes(inputs, figures)["drawn"], figures


def test_a_river_without_a_bridge_is_a_barrier():
    """40 m across, 1,080 m round: the home is 40 m from the toilet in a straight line."""
    lines = [[(220, -10), (220, 0), (700, 0), (700, -80), (220, -80), (220, -50)]]
    inputs = town([shapely.box(200, 0, 240, 20)], [50], [shapely.Point(220, -50)], lines)
    parts, (straight, walk) = found(inputs)
    assert parts.cause.tolist() == ["barrier"]
    assert parts.people.sum() == pytest.approx(straight.people_served.sum() - walk.people_served.sum()) == 50
    assert parts.area_m2.sum() == pytest.approx(800)
    assert parts.detour[0] > 3
    row = difference_rows(inputs, {"drawn": parts})[0]
    assert (row["people"], row["parts"], row["land_m2"]) == (50, 1, 800)
    assert [cause["cause"] for cause in row["causes"]] == ["barrier"]


def test_streets_that_turn_a_corner_are_an_ordinary_detour():
    """250 m north and 250 m east: 354 m straight is beyond 300; 200 and 200 is 283 m straight and 400 m walked."""
    inputs = town(
        [shapely.box(195, 200, 205, 210)], [50], [shapely.Point(0, 0)], [[(0, 0), (200, 0), (200, 200)]]
    )
    parts, _ = found(inputs)
    assert parts.cause.tolist() == ["detour"]
    assert parts.walk_m[0] == pytest.approx(405, abs=6)
    assert parts.detour[0] == pytest.approx(np.sqrt(2), abs=0.05)


def test_a_gate_on_the_far_side():
    """The toilet is 20 m from the estate's west side, its only gate lies in the east."""
    estate = shapely.box(0, 0, 290, 40)
    lines = [[(-20, 20), (-20, -20), (320, -20), (320, 20), (290, 20)]]
    inputs = town([estate], [100], [shapely.Point(-20, 20)], lines, gates=[Gate((290, 20), 0)])
    parts, _ = found(inputs)
    assert parts.cause.tolist() == ["gate"]
    free = town([estate], [100], [shapely.Point(-20, 20)], lines)
    assert len(found(free)[0]) == 0 or found(free)[0].people.sum() < parts.people.sum()


def test_streets_that_are_not_joined_are_an_island():
    lines = [[(200, -5), (900, -5)], [(0, -60), (0, -700)]]
    inputs = town([HOME], [7], [shapely.Point(0, -60)], lines)
    parts, _ = found(inputs)
    assert parts.cause.tolist() == ["island"]
    assert np.isinf(parts.walk_m[0])
    assert np.isinf(parts.detour[0])


def test_no_street_near_the_home_or_the_facility():
    far = [[(5000, 0), (6000, 0)]]
    assert found(town([HOME], [7], [shapely.Point(100, 0)], far))[0].cause.tolist() == ["facility_off_street"]
    near_facility = [[(100, 0), (-900, 0)]]
    inputs = town([shapely.box(380, 0, 400, 20)], [7], [shapely.Point(100, 0)], near_facility)
    assert found(inputs)[0].cause.tolist() == ["no_street"]


def test_only_the_part_that_differs_is_told():
    """A parcel that a straight line serves in part: the difference is that part, not the parcel."""
    parcel = shapely.box(200, -20, 400, 20)
    lines = [[(0, 0), (0, 400), (300, 400), (300, 0)]]
    inputs = town([parcel], [100], [shapely.Point(0, 0)], lines)
    parts, (straight, walk) = found(inputs)
    assert walk.land_served_m2.sum() == 0
    assert parts.area_m2.sum() == pytest.approx(straight.land_served_m2.sum(), abs=1)
    assert 3_900 < parts.area_m2.sum() < 4_100
    assert parts.people.sum() == pytest.approx(parts.area_m2.sum() / 80)


def test_a_walked_gap_names_its_nearest_facility():
    lines = [[(0, 0), (1000, 0)]]
    homes = [shapely.box(440, -5, 450, 5), shapely.box(640, -5, 650, 5)]
    inputs = town(homes, [10, 20], [shapely.Point(0, 0), shapely.Point(1000, 0)], lines)
    columns = gap_rows(inputs, compute(inputs, ("straight", "walk")), CRS)
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    told = {(row["mode"], row["code"]): (row["nearest_code"], row["nearest_name"]) for row in rows}
    assert told == {
        ("straight", "h2"): ("f2", "f2"), ("straight", "h1"): ("f1", "f1"),
        ("walk", "h2"): ("f2", "f2"), ("walk", "h1"): ("f1", "f1"),
    }  # fmt: skip
    metres = {row["code"]: row["nearest_m"] for row in rows if row["mode"] == "walk"}
    assert metres == {"h1": pytest.approx(445, abs=6), "h2": pytest.approx(355, abs=6)}
    assert [row["people"] for row in rows] == [20, 10, 20, 10]


def test_a_gap_is_one_a_parcel_however_it_is_cut():
    cut = areas("district", W=shapely.box(0, -50, 1000, 50), E=shapely.box(1000, -50, 2000, 50))
    inputs = town([shapely.box(900, 0, 1100, 10)], [60], [shapely.Point(0, 0)], None, reported=cut)
    columns = gap_rows(inputs, compute(inputs, ("straight",)), CRS)
    assert (columns["people"], columns["area_m2"]) == ([60], [2000])
    assert len(shapely.from_wkb(columns["geom"][0]).geoms) == 1


def test_gaps_on_both_sides_of_a_street_are_one_patch():
    shapes = objects([shapely.box(x, 0, x + 100, 100) for x in (0, 120, 300, 1000)])
    assert contiguous(shapes, 30).tolist() == [0, 0, 1, 2]
    assert contiguous(shapes, 80).tolist() == [0, 0, 0, 1]
    made = patches(shapes, np.array([10.0, 30.0, 35.0, 1.0]), 30)
    assert (made.people.tolist(), made.gaps.tolist()) == ([40, 35, 1], [2, 1, 1])
    assert made.area_m2.tolist() == [20_000, 10_000, 10_000]
    assert (made.first.tolist(), made.patch.tolist()) == ([1, 2, 3], [0, 0, 1, 2])
    assert len(patches(objects([]), np.empty(0)).geometry) == 0


def test_without_streets_nothing_differs():
    inputs = town([HOME], [7], [shapely.Point(100, 0)], None)
    assert both_modes(inputs, compute(inputs, ("straight", "walk"))) == {}
