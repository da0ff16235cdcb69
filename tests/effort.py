"""Whether work stays as small as meant: a cost that grows out of all proportion fails, a busy machine does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")
#: One slow try says that the machine does other things; so many say that the work is large.
TRIES = 3


def is_little(
    work: Callable[[], Result], seconds: float, clock: Callable[[], float] = time.thread_time
) -> Result:
    """What `work` gives; it fails where every try takes `seconds` of this thread's processor time or more.

    `clock`: `time.process_time` where other threads do the work.
    """
    spent = []
    for _ in range(TRIES):
        started = clock()
        found = work()
        spent.append(clock() - started)
        if spent[-1] < seconds:
            return found
    raise AssertionError(f"each try took more than {seconds} s of the processor: {spent}")
