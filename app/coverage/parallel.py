"""Sharing work among the machine's cores: GEOS and scipy let other threads run while they compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def share(work: Callable[[A], B], tasks: Iterable[A]) -> list[B]:
    """The results of `work` on each task, in order, on all cores; the first error is raised."""
    with ThreadPoolExecutor(max_workers=cores()) as pool:
        return list(pool.map(work, tasks))
