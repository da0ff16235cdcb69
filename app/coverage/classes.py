"""Classes of a choropleth by the methods of mapclassify, so that a page can say which method drew it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.lazy import lazy_module

#: Slow to start, and only asked when somebody looks at a run's map.
mapclassify = lazy_module("mapclassify")

#: Classes at most: more tints of one hue are not told apart on a map.
CLASSES = 5
#: Values up to which the optimal classes (Fisher 1958) are found in a moment; above, k-means comes close enough.
OPTIMAL_UP_TO = 200
METHODS = ("natural", "quantiles", "equal")


def class_limits(values: Sequence[float]) -> dict[str, list[float]]:
    """Upper limits of the classes of some values by each of METHODS, ascending; the last is the largest value.

    A value belongs to the first class whose limit it does not exceed. Equal values give one class, no value none.
    Natural breaks are Fisher's optimal ones (as Jenks draws them), of many values those by k-means.
    """
    known = np.array(sorted(value for value in values if math.isfinite(value)), dtype=np.float64)
    distinct = len(np.unique(known))
    if distinct < 2:
        return {method: [float(value) for value in known[:1]] for method in METHODS}
    k = min(CLASSES, distinct)
    natural = mapclassify.FisherJenks if len(known) <= OPTIMAL_UP_TO else mapclassify.NaturalBreaks
    classifiers = dict(zip(METHODS, (natural, mapclassify.Quantiles, mapclassify.EqualInterval), strict=True))
    return {method: _limits(classifier, known, k) for method, classifier in classifiers.items()}


def _limits(classifier: Any, values: Any, k: int) -> list[float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer classes than asked for, no numba: both are as they should be
        found = classifier(values, k=k)
    return [float(limit) for limit in np.unique(found.bins)]


def limits_of_groups(groups: Mapping[str, Sequence[float]]) -> dict[str, dict[str, list[float]]]:
    """`class_limits` of each group of values, by the group's key."""
    return {key: class_limits(values) for key, values in groups.items()}
