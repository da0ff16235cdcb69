"""Sharing work among the machine's cores: GEOS and scipy let other threads run while they compute."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

PREFIX = "share"
#: From this many rows on an array is worth its threads.
MANY = 5_000
A = TypeVar("A")
B = TypeVar("B")
_END = object()


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def share(work: Callable[[A], B], tasks: Iterable[A], *, awaited: bool = False) -> list[B]:
    """The results of `work` on each task, in order, on all cores; the first error is raised.

    Work that is itself a share of other work keeps to its thread, for more threads than cores only wait for each other;
    `awaited` work is shared all the same: the other threads are waiting for it. A single task is done where it stands,
    so that its own work may be shared.
    """
    tasks = list(tasks)
    if len(tasks) < 2 or (not awaited and threading.current_thread().name.startswith(PREFIX)):
        return list(map(work, tasks))
    # Each task sees what the caller's context holds, such as who watches its stages.
    placed = [(copy_context(), task) for task in tasks]
    with ThreadPoolExecutor(max_workers=cores(), thread_name_prefix=PREFIX) as pool:
        return list(pool.map(lambda pair: pair[0].run(work, pair[1]), placed))


def by_rows(work: Callable[..., Any], *arrays: NDArray[Any]) -> NDArray[Any]:
    """(n,) what `work`, a function of single rows, makes of arrays (n,): in parts on all cores where n is large."""
    count = min(cores(), len(arrays[0]) // MANY + 1)
    if count == 1:
        return np.asarray(work(*arrays))
    parts = zip(*(np.array_split(array, count) for array in arrays), strict=True)
    return np.concatenate([np.asarray(done) for done in share(lambda part: work(*part), parts)])


#: After so long a thread that waits for the interpreter gets it, seconds; its own five milliseconds are long where each
#: statement of an edit waits for them once.
TURN_S = 0.001


@contextmanager
def quick_turns() -> Iterator[None]:
    """In a command that reads `ahead` of what it writes: a thread that has work gets the interpreter in a millisecond.

    The interpreter's own five are long beside a batch: the reader, which only has to take up what the database sent,
    keeps the database waiting meanwhile. It holds for the whole process.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def ahead(items: Iterable[A]) -> Iterator[A]:
    """The items in order; all of them are made by one and the same thread, at most one before it is asked for.

    What makes them sees what the caller's context holds, such as the scope in which it reads.

    Geometries are read and written, and files waited for, without holding the interpreter: both threads really run.
    """
    made, context = iter(items), copy_context()

    def following() -> Any:
        return context.run(next, made, _END)

    with ThreadPoolExecutor(1) as thread:
        try:
            coming = thread.submit(following)
            while (item := coming.result()) is not _END:
                coming = thread.submit(following)
                yield item
        finally:
            # What a generator holds open is closed where it was opened.
            close = getattr(made, "close", None)
            if close is not None:
                thread.submit(context.run, close).result()
