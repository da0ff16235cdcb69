"""How often an outline crosses itself, told before a repair that would take for ever."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from app.validation.tangle import is_tangled
from tests.effort import is_little


def star(points: int) -> shapely.Polygon:
    """A star whose every edge crosses nearly every other one."""
    turns = np.arange(points) * (points // 2) * 2 * math.pi / points
    return shapely.Polygon(np.c_[np.cos(turns), np.sin(turns)])


def circle(points: int) -> shapely.Polygon:
    turns = np.linspace(0, 2 * math.pi, points, endpoint=False)
    return shapely.Polygon(np.c_[np.cos(turns), np.sin(turns)])


@pytest.mark.parametrize("limit", [2, 5, 20])
def test_crossings_are_counted_beside_the_ends_that_edges_share(limit):
    # A star of n points (n odd) has n (n - 3) / 2 crossings.
    points = 9
    assert is_tangled(star(points), limit) == (points * (points - 3) / 2 > limit)


def test_an_outline_without_crossings_is_no_tangle():
    assert not is_tangled(circle(5_000), 1)
    assert not is_tangled(shapely.Polygon(circle(500), [circle(400).buffer(-0.5).exterior]), 2)
    assert not is_tangled(shapely.Point(1, 2))
    assert not is_tangled(shapely.GeometryCollection())


def test_parts_of_collections_count_together():
    boxes = [shapely.box(i / 10, i / 10, 1 + i / 10, 1 + i / 10) for i in range(9)]
    assert is_tangled(shapely.MultiPolygon(boxes), 20)
    assert is_tangled(shapely.GeometryCollection([shapely.GeometryCollection(boxes)]), 20)
    assert not is_tangled(shapely.MultiPolygon(boxes[:1]), 20)


def test_a_tangle_is_told_at_once():
    shape = star(2_001)
    assert is_little(lambda: is_tangled(shape), 1)
