"""How far it is to the nearest facility: people and land by classes of metres and of minutes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.coverage.distances import minutes
from app.coverage.model import Floats

#: Upper ends of the classes; a tier's own radii are put among them, so that what is served ends where a class ends.
METRES = (100.0, 200.0, 300.0, 400.0, 500.0, 750.0, 1000.0, 1500.0, 2000.0, 3000.0, 5000.0)
MINUTES = (2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Amounts by class of distance: `upper` (k,) its end, included; `amount` (k + 2,).

    The last but one amount lies beyond the last end, the last one reaches no facility at all.
    """

    upper: Floats
    amount: Floats


def ends(usual: Iterable[float], limits: Iterable[float]) -> Floats:
    """(k,) ends of classes, ascending: the usual ones and a tier's limits."""
    return np.unique(np.round([*usual, *(limit for limit in limits if limit > 0)], 3))


def histogram(distance: Floats, amount: Floats, upper: Floats) -> Histogram:
    """Amounts (u,) by distance (u,) of units: a unit at exactly an end lies below it; inf and nan reach nothing."""
    known = np.isfinite(distance)
    place = np.where(
        known, np.searchsorted(upper, np.where(known, distance, 0.0), side="left"), len(upper) + 1
    )
    return Histogram(upper, np.bincount(place, weights=amount, minlength=len(upper) + 2).astype(np.float64))


def by_minutes(metres: Floats, amount: Floats, limits_m: Iterable[float], speed_m_s: float) -> Histogram:
    """Amounts (u,) by minutes on foot at a speed in m/s, with the ends that limits in metres have in minutes."""
    limits = minutes(np.array(list(limits_m), dtype=np.float64), speed_m_s)
    return histogram(np.round(minutes(metres, speed_m_s), 6), amount, ends(MINUTES, limits.tolist()))


def median(distance: Floats, amount: Floats) -> float | None:
    """The distance that half of all amounts (u,) do not exceed; None without any, inf where half reach nothing."""
    used = amount > 0
    if not used.any():
        return None
    far = np.where(np.isnan(distance[used]), np.inf, distance[used])
    order = np.argsort(far, kind="stable")
    before = np.cumsum(amount[used][order])
    return float(far[order][np.searchsorted(before, before[-1] / 2 * (1 - 1e-12))])
