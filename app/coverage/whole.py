"""Whole people: parts of people as whole numbers that add up to the whole; pure."""

from __future__ import annotations

import numpy as np

from app.coverage.model import Floats, Ints


def whole_people(parts: Floats, total: int) -> Ints:
    """Whole numbers (n,) near the parts (n,), none below 0, that add up to `total`, which is about their sum.

    Each part is rounded down; those with the largest remainders, then the first, get one more (Hare's method of the
    largest remainder).
    """
    down = np.floor(parts).astype(np.int64)
    missing = total - int(down.sum())
    if missing < 0 or missing > len(parts):
        # The sum is not that of the parts: each is rounded by itself.
        return np.round(parts).astype(np.int64)
    order = np.argsort(-(parts - down), kind="stable")
    down[order[:missing]] += 1
    return down
