"""Garbage: cycles are looked for seldom while imports and analysis make millions of objects, none of them in one.

And where the C library (glibc) keeps what was let go: by its own rules web workers grew by megabytes a minute.
"""

from __future__ import annotations

import ctypes
import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: Objects made between two looks; each look costs as much as all objects that live then.
THRESHOLD = 5_000_000

#: Of malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
#: Of linux/prctl.h.
_PR_SET_THP_DISABLE = 41
#: What a server asks for in one piece from this size on has pages of its own, given back as soon as it is let go; and
#: so much may lie free at the end of a heap, bytes.
_LARGE, _SPARE = 256 * 1024, 2**20

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
    """Let all threads share few heaps of the C library: one for two processors, at least two.

    By itself it makes up to eight a processor, each of which keeps what its thread once needed. To be asked
    for before any thread is started, for heaps that are made stay; processes forked later are bound to it as well.
    """
    _set(_M_ARENA_MAX, max(2, len(os.sched_getaffinity(0)) // 2))


def keep_large_apart() -> None:
    """In a process that answers for weeks: give large pieces back at once, whatever was let go before.

    By itself the C library takes the largest piece that was let go, up to 32 MiB, as what belongs into its heaps from
    then on; there a small one that lives on keeps all of it. Analysis does better with that: it asks for large pieces
    again and again.
    """
    _set(_M_MMAP_THRESHOLD, _LARGE)
    _set(_M_TRIM_THRESHOLD, _SPARE)


def leave_pages_small(*, small: bool = True) -> None:
    """Keep the system from making huge pages of this process's small ones, or let it; its children are bound as well.

    What children share with the process that they were forked from, it copies for each of them to make a huge page, and
    fills what was given back: after numpy asked for huge pages in the one, each child that does nothing grew by
    30 MiB within half an hour.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, int(small), 0, 0, 0)


def _set(option: int, value: int) -> None:
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(option, value)


def give_back() -> None:
    """Give memory that was freed back to the system, where the C library can (glibc does)."""
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
