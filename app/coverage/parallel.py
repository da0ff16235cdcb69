"""Sharing work among the machine's cores: GEOS and scipy let other threads run while they compute."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

PREFIX = "share"
A = TypeVar("A")
B = TypeVar("B")


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def share(work: Callable[[A], B], tasks: Iterable[A], *, awaited: bool = False) -> list[B]:
    """The results of `work` on each task, in order, on all cores; the first error is raised.

    Work that is itself a share of other work keeps to its thread, for more threads than cores only wait for each other;
    `awaited` work is shared all the same: the other threads are waiting for it.
    """
    if not awaited and threading.current_thread().name.startswith(PREFIX):
        return list(map(work, tasks))
    with ThreadPoolExecutor(max_workers=cores(), thread_name_prefix=PREFIX) as pool:
        return list(pool.map(work, tasks))
