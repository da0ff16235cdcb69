"""Metres from each demand unit to its nearest facility: from its centre in a straight line, its middle piece walked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.coverage.lattice import Pieces
from app.network.model import Floats

SECONDS_PER_MINUTE = 60.0
FAR_M = 2_000_000.0


def least(metres: Sequence[Floats], count: int) -> Floats:
    """(n,) the least of several arrays of metres (n,), inf where there are none and where a unit has no place."""
    result = np.full(count, np.inf)
    for some in metres:
        result = np.fmin(result, some)
    return result


def middle_piece_m(pieces: Pieces, metres: Floats, units: int) -> Floats:
    """(n,) metres that half of each unit's land does not exceed, from the metres (p,) of its lattice pieces.

    The weighted median: of two pieces as large as each other the nearer; inf where half of the land reaches nothing.
    """
    # One key in place of two: pieces lie in order of their units already, and beyond 1,000 km all is far.
    order = np.argsort(pieces.owner * FAR_M + np.minimum(metres, FAR_M / 2), kind="stable")
    owner, area = pieces.owner[order], pieces.area_m2[order]
    total = np.bincount(owner, weights=area, minlength=units)
    before = np.concatenate(([0.0], np.cumsum(total)))[:-1]
    # Sums of the same areas in another order differ in the last digits: a hair over a half is a half.
    reached = np.cumsum(area) - before[owner] >= total[owner] * (0.5 - 1e-9)
    result = np.full(units, np.inf)
    half = np.flatnonzero(reached)
    first = half[np.unique(owner[half], return_index=True)[1]]
    result[owner[first]] = metres[order][first]
    return result


def minutes(metres: Floats, speed_m_s: float) -> Floats:
    """(n,) minutes on foot for metres (n,) at a speed in m/s; inf stays inf."""
    return metres / speed_m_s / SECONDS_PER_MINUTE
