"""Histograms of distance and equity: counted by hand, and against the definition's double sum."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from app.coverage.compute import compute
from app.coverage.details import equity_rows, histogram_rows
from app.coverage.equity import gini, spread
from app.coverage.histogram import by_minutes, ends, histogram, median
from app.coverage.results import area_rows
from tests.coverage.land import areas, town


def test_a_class_holds_its_upper_end():
    found = histogram(
        np.array([0.0, 100.0, 100.1, 300.0, 900.0, np.inf, np.nan]),
        np.arange(1.0, 8.0),
        np.array([100.0, 300.0]),
    )
    assert found.amount.tolist() == [3, 7, 5, 13]  # ≤ 100; ≤ 300; beyond; nothing reached
    assert ends((100.0, 300.0), (300.0, 720.0)).tolist() == [100, 300, 720]


def test_minutes_end_where_the_limit_ends():
    found = by_minutes(np.array([719.9, 720.0, 720.1]), np.ones(3), [720.0], 1.2)
    classes = dict(zip(found.upper.tolist(), found.amount.tolist(), strict=False))
    assert (classes[10.0], classes[15.0]) == (2, 1)


def test_median_is_that_of_amounts():
    assert median(np.array([100.0, 200.0, 900.0]), np.array([1.0, 1.0, 1.0])) == 200
    assert median(np.array([100.0, 200.0, 900.0]), np.array([9.0, 1.0, 1.0])) == 100
    assert median(np.array([1.0, np.inf]), np.array([1.0, 3.0])) == np.inf
    assert median(np.array([1.0]), np.array([0.0])) is None


@pytest.mark.parametrize(
    ("value", "weight", "exact"),
    [
        ([5, 5, 5], [1, 2, 3], 0.0),
        ([0, 100], [1, 1], 0.5),
        ([0, 0, 0, 100], [1, 1, 1, 1], 0.75),
        ([100, 300], [3, 1], 0.25),  # mean 150: 3·1·200·2 / (2·16·150)
        ([100, np.inf], [1, 1], 0.0),  # who reaches nothing is counted elsewhere
    ],
)
def test_gini_by_hand(value, weight, exact):
    assert gini(np.array(value, dtype=float), np.array(weight, dtype=float)) == pytest.approx(exact)


def test_gini_of_nothing_is_unknown():
    assert gini(np.array([1.0]), np.array([0.0])) is None
    assert gini(np.zeros(3), np.ones(3)) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 5000), st.floats(0.1, 1000)), min_size=1, max_size=20))
def test_gini_is_the_double_sum_of_its_definition(pairs):
    value, weight = (np.array(column) for column in zip(*pairs, strict=True))
    mean = (value * weight).sum() / weight.sum()
    if mean <= 1e-9:
        return
    double = (np.abs(value[:, None] - value) * weight[:, None] * weight).sum()
    assert gini(value, weight) == pytest.approx(double / (2 * weight.sum() ** 2 * mean), abs=1e-9)


def test_spread_names_the_least_and_the_greatest():
    found = spread(np.array([0.5, np.nan, 0.9, 0.3]), np.array([1.0, 0.0, 1.0, 1.0]))
    assert (found.areas, found.least, found.greatest, found.ratio) == (3, 3, 2, pytest.approx(3.0))
    assert spread(np.array([0.0, 1.0]), np.ones(2)).ratio is None
    assert spread(np.array([np.nan]), np.zeros(1)) is None


def test_rows_of_a_drawn_town():
    """A toilet at 0; parcels of 10 x 10 m whose centres are 100, 400 and 1,900 m off along one street."""
    parcels = [shapely.box(x - 5, 0, x + 5, 10) for x in (100, 400, 1900)]
    halves = areas("district", W=shapely.box(-50, -50, 1000, 50), E=shapely.box(1000, -50, 2000, 50))
    inputs = town(parcels, [30, 20, 10], [shapely.Point(0, 5)], [[(0, 5), (1900, 5)]], reported=halves)
    figures = compute(inputs, ("straight", "walk"))
    straight, walk = histogram_rows(inputs, figures)
    people = {(c["from"], c["to"]): c["people"] for c in straight["metres"] if c["people"]}
    assert people == {(0, 100): 30, (300, 400): 20, (1500, 2000): 10}
    assert sum(c["land_m2"] for c in walk["metres"]) == pytest.approx(300)
    assert straight["median_m"]["people"] == pytest.approx(100, abs=0.1)
    assert straight["unreached"] == {"people": 0, "land_m2": 0}
    assert sum(c["people"] for c in walk["minutes"]) == 60
    assert (straight["limits_m"], {c["to"] for c in straight["metres"]} >= {300.0}) == ([300.0], True)
    equal = equity_rows(inputs, figures, area_rows(inputs, figures))[0]
    # mean (30·100 + 20·400 + 10·1900) / 60 = 500; Σ|..| = 2(600·300 + 300·1800 + 200·1500)
    assert equal["gini_distance"] == pytest.approx(
        2 * (180_000 + 540_000 + 300_000) / (2 * 3600 * 500), abs=1e-3
    )
    assert equal["levels"] == [{
        "level": "district", "by": "people", "areas": 2, "ratio": None, "gini": pytest.approx(1 / 6, abs=1e-4),
        "min": {"code": "E", "name": "E区", "share": 0.0}, "max": {"code": "W", "name": "W区", "share": 0.6},
    }]  # fmt: skip
