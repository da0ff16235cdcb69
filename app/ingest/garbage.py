"""Looking for cycles of garbage seldom: an import makes millions of small objects, and none of them in a cycle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: Objects made between two looks; each look costs as much as all objects that live then.
THRESHOLD = 500_000


@contextmanager
def seldom_collected() -> Iterator[None]:
    """While the block lasts, cycles are looked for a thousandth as often; what is in none is freed at once as ever."""
    before = gc.get_threshold()
    gc.set_threshold(THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
