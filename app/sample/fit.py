"""Choosing pieces so that their sizes add up to a figure."""

from __future__ import annotations

import numpy as np

from app.sample.draw import Bools, Floats, Ints


def fit(size: Floats, target: float, order: Ints) -> Bools:
    """Which pieces to take so that Σ size is as near below `target` as may be: in `order`, then the rest by size.

    The last step goes through what is left from big to small and takes whatever still fits.
    """
    total = np.cumsum(size[order])
    taken = np.zeros(len(size), bool)
    taken[order[total <= target]] = True
    left = target - float(size[taken].sum())
    for k in np.flatnonzero(~taken)[np.argsort(-size[~taken], kind="stable")]:
        if size[k] <= left:
            taken[k] = True
            left -= float(size[k])
    return taken
