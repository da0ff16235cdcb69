"""The collector's threshold is put back when the last of several overlapping blocks ends."""

import gc
from contextlib import ExitStack

from app.garbage import THRESHOLD, seldom_collected


def test_overlapping_blocks_put_the_threshold_back_once():
    before = gc.get_threshold()
    first, second = ExitStack(), ExitStack()
    first.enter_context(seldom_collected())
    second.enter_context(seldom_collected())
    assert gc.get_threshold()[0] == THRESHOLD
    first.close()
    assert gc.get_threshold()[0] == THRESHOLD
    second.close()
    assert gc.get_threshold() == before
