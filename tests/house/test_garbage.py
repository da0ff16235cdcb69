"""The collector's threshold is put back when the last of overlapping blocks ends, and where a process serves."""

import gc
from contextlib import ExitStack

from app.garbage import THRESHOLD, collect_as_ever, seldom_collected
from app.serve import Child


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


def test_a_process_that_serves_looks_for_cycles_though_it_was_started_within_a_block(tmp_path):
    before, told = gc.get_threshold(), tmp_path / "threshold"
    child = Child("web", lambda: told.write_text(repr(gc.get_threshold())))
    with seldom_collected():
        child.keep_alive()
        assert child.process is not None
        child.process.join(60)
        assert gc.get_threshold()[0] == THRESHOLD
    assert told.read_text() == repr(before)
    assert gc.get_threshold() == before


def test_a_block_after_that_is_one_of_its_own():
    before = gc.get_threshold()
    with seldom_collected():
        collect_as_ever()
        assert gc.get_threshold() == before
    with seldom_collected():
        assert gc.get_threshold()[0] == THRESHOLD
    assert gc.get_threshold() == before
