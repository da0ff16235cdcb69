"""The collector's threshold is put back when the last of overlapping blocks ends, and where a process serves.

And few heaps of the C library are enough for all threads, from which large pieces go back at once.
"""

import gc
import subprocess
import sys
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


#: Twelve threads on two processors at once, each with a piece of its own, then the heaps that the C library tells of.
HEAPS = """
import ctypes, os, sys, threading
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
from app.garbage import share_arenas
if sys.argv[1] == "shared":
    share_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
libc.malloc_info.argtypes, libc.fclose.argtypes = (ctypes.c_int, ctypes.c_void_p), (ctypes.c_void_p,)
together = threading.Barrier(12)
def ask():
    together.wait()
    assert libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=ask) for _ in range(12)]
[one.start() for one in threads], [one.join() for one in threads]
told = libc.fopen(sys.argv[2].encode(), b"w")
assert libc.malloc_info(0, told) == 0
libc.fclose(told)
"""
#: A large piece is let go; is the next one, a sixteenth of it, given back as well?
LARGE = """
import ctypes, sys
from app.garbage import keep_large_apart
if sys.argv[1] == "apart":
    keep_large_apart()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
class Told(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "a", "b", "c", "hblkhd", "d", "e", "f", "g", "h")]
libc.mallinfo2.restype = Told
libc.free(libc.malloc(ctypes.c_size_t(16 * 2**20)))
before = libc.mallinfo2().hblkhd
piece = libc.malloc(ctypes.c_size_t(2**20))
print(libc.mallinfo2().hblkhd - before >= 2**20)
"""


def _run(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_threads_share_few_heaps(tmp_path):
    heaps = {}
    for how in ("alone", "shared"):
        _run(HEAPS, how, str(tmp_path / how))
        heaps[how] = (tmp_path / how).read_text().count("<heap nr=")
    assert heaps["shared"] <= 2 < heaps["alone"]


def test_what_is_large_has_pages_of_its_own_though_something_larger_was_let_go():
    assert (_run(LARGE, "as ever"), _run(LARGE, "apart")) == ("False", "True")
