"""How evenly access is shared: Gini of distance over people, and of the share served over areas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.coverage.model import Floats


@dataclass(frozen=True, slots=True)
class Spread:
    """Shares of areas: their number, indices of the least and the greatest, their ratio and the Gini of all.

    The ratio is greatest by least, None where the least is 0.
    """

    areas: int
    least: int
    greatest: int
    ratio: float | None
    gini: float | None


def gini(value: Floats, weight: Floats) -> float | None:
    """Gini coefficient of values (n,) ≥ 0 over weights (n,), such as metres over people: 0 all alike, near 1 unequal.

    G = Σᵢ Σⱼ wᵢ wⱼ |xᵢ - xⱼ| / (2 W² x̄) with W = Σ w and x̄ the weighted mean (Gini 1912; with weights after Lerman
    and Yitzhaki, "Improving the accuracy of estimates of Gini coefficients", Journal of Econometrics 42, 1989), summed
    along the Lorenz curve in n log n. None without weight or where all values are 0; values that are not finite are
    left out, for no mean holds them.
    """
    used = np.isfinite(value) & (weight > 0)
    value, weight = value[used], weight[used]
    total = float((value * weight).sum())
    if total <= 0:
        return None
    order = np.argsort(value, kind="stable")
    part = np.cumsum((value * weight)[order]) / total
    below = np.concatenate(([0.0], part[:-1]))
    lorenz = float((weight[order] * (part + below)).sum() / weight.sum())
    return min(max(1.0 - lorenz, 0.0), 1.0)


def spread(share: Floats, weight: Floats) -> Spread | None:
    """How the shares (k,) of areas differ, weighted by their demand (k,); nan has none. None without any."""
    known = np.flatnonzero(np.isfinite(share))
    if not len(known):
        return None
    least, greatest = (int(known[pick(share[known])]) for pick in (np.argmin, np.argmax))
    low = float(share[least])
    ratio = float(share[greatest]) / low if low > 0 else None
    return Spread(len(known), least, greatest, ratio, gini(share, weight))
