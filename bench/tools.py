"""Timing, memory and the table that every benchmark prints."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def best_of(times: int, work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of the fastest of several runs, and the last result."""
    fastest = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        result = work()
        fastest = min(fastest, time.perf_counter() - started)
    return fastest, result


def race(times: int, *works: Callable[[], object]) -> list[float]:
    """Seconds of the fastest run of each work, run in turns so that a busy moment hits all alike."""
    fastest = [float("inf")] * len(works)
    for _ in range(times):
        for i, work in enumerate(works):
            fastest[i] = min(fastest[i], best_of(1, work)[0])
    return fastest


def peak_gib() -> float:
    """The most memory this process has held so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def table(title: str, rows: list[tuple[str, str]]) -> None:
    """Print a title and aligned rows."""
    print(f"\n{title}")
    width = max(len(label) for label, _ in rows)
    for label, value in rows:
        print(f"  {label.ljust(width)}  {value}")
