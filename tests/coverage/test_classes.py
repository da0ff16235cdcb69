"""Classes of a choropleth, against every way to cut the values and against formulas."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from app.coverage.classes import CLASSES, METHODS, class_limits

VALUES = [0.12, 0.13, 0.2, 0.41, 0.44, 0.47, 0.71, 0.72, 0.9, 0.97, 1.0]


def spread(groups) -> float:
    return sum(float(((group - group.mean()) ** 2).sum()) for group in groups)


def test_natural_breaks_leave_the_least_spread_that_any_cut_can():
    values = np.array(VALUES)
    limits = class_limits(VALUES)["natural"]
    ends = np.searchsorted(values, limits, side="right")[:-1]
    every = [spread(np.split(values, cut)) for cut in combinations(range(1, len(values)), CLASSES - 1)]
    assert len(limits) == CLASSES
    assert spread(np.split(values, ends)) == pytest.approx(min(every))


def test_equal_intervals_and_quantiles_are_their_formulas():
    limits = class_limits(VALUES)
    assert limits["equal"] == pytest.approx(np.linspace(min(VALUES), max(VALUES), CLASSES + 1)[1:])
    assert limits["quantiles"] == pytest.approx(np.quantile(VALUES, np.linspace(0, 1, CLASSES + 1)[1:]))


@pytest.mark.parametrize(
    ("values", "classes"), [([], 0), ([0.5], 1), ([0.5, 0.5, 0.5], 1), ([0.2, 0.9, 0.9], 2)]
)
def test_few_values_give_as_many_classes_as_there_are_values(values, classes):
    limits = class_limits(values)
    assert set(limits) == set(METHODS)
    assert len(limits["natural"]) == classes
    assert all(found == sorted(set(found)) for found in limits.values())
    assert all(found[-1:] == sorted(values)[-1:] for found in limits.values())


def test_many_values_are_cut_nearly_as_well_as_can_be():
    values = np.sort(
        np.random.default_rng(7).choice([0.1, 0.35, 0.6, 0.8, 0.95], 900) + np.linspace(0, 0.01, 900)
    )
    limits = class_limits(values.tolist())["natural"]
    groups = np.split(values, np.searchsorted(values, limits, side="right")[:-1])
    assert [round(float(group.mean()), 1) for group in groups] == [0.1, 0.4, 0.6, 0.8, 1.0]
