"""Garbage: cycles are looked for seldom while imports and analysis make millions of objects, none of them in one."""

from __future__ import annotations

import ctypes
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: Objects made between two looks; each look costs as much as all objects that live then.
THRESHOLD = 5_000_000

#: Of malloc.h.
_M_ARENA_MAX = -8

_lock = threading.Lock()
#: What was set before the first of the blocks that last now, and how many last.
_before: list[tuple[int, int, int]] = []
_blocks = 0


@contextmanager
def seldom_collected() -> Iterator[None]:
    """While the block lasts, cycles are looked for very seldom; what is in none is freed at once as ever.

    Blocks may overlap, in several threads: the last one to end puts everything back.
    """
    global _blocks  # noqa: PLW0603 - the threshold is one for the whole process
    with _lock:
        if _blocks == 0:
            _before[:] = [gc.get_threshold()]
            gc.set_threshold(THRESHOLD, *_before[0][1:])
        _blocks += 1
    try:
        yield
    finally:
        with _lock:
            _blocks = max(0, _blocks - 1)
            if _blocks == 0:
                gc.set_threshold(*_before[0])


def collect_as_ever() -> None:
    """In a process that was forked within such blocks and serves for weeks: end them all, for it leaves none of them.

    What is made for a request often ends in a cycle; nobody would ever look for it.
    """
    global _blocks, _lock  # noqa: PLW0603 - see above
    # Whoever held it at the fork is not here to let it go.
    _lock = threading.Lock()
    if _blocks:
        _blocks = 0
        gc.set_threshold(*_before[0])


def share_arenas() -> None:
    """Let the threads of this process share two heaps of the C library (glibc), before they are started.

    By itself it makes up to eight a processor, each of which keeps what its thread once needed; threads that take turns
    in one interpreter win nothing by them.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def give_back() -> None:
    """Give memory that was freed back to the system, where the C library can (glibc does)."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
