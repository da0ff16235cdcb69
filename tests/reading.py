"""The process that reads a file, forked from the tests' own: the libraries are there, most of what it costs."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa

from app.ingest import child, child_work, osm_file, reading_process
from app.ingest.gdal import DRIVERS
from app.ingest.reading_process import ReadingProcess

#: Loaded before the fork, which saves the time; a module may besides be half loaded by another thread as it comes.
LOADED = (child_work.run, osm_file.read_osm, pa.table)
#: Where it is loaded, GDAL has chosen its drivers already: a file that it reads needs a process started anew.
GDAL = "pyogrio._io"
PAUSE_S = 0.002
start = ReadingProcess._start


class Forked:
    """A forked process, with what `ReadingProcess` uses of `subprocess.Popen`."""

    def __init__(self, pid: int, stderr: int) -> None:
        self.pid = pid
        self.stderr = os.fdopen(stderr, "rb", buffering=0)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("reader", timeout or 0)
            time.sleep(PAUSE_S)
        assert self.returncode is not None
        return self.returncode


def fork(self: ReadingProcess, module: str, pipe: int) -> Any:
    """In place of `ReadingProcess._start`: the same program, confined in the same way, without starting Python."""
    if module != child.__name__ or (self._file.format in DRIVERS and GDAL in sys.modules):
        return start(self, module, pipe)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # From Python 3.12 on it is told that threads do not come along: none is needed.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _read(self, pipe, writing)
    os.close(writing)
    return Forked(pid, reading)


def _leave_room() -> None:
    """What is granted comes on top of what the tests hold: without memory a thread neither starts nor fails to."""
    held = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmSize")
    )
    request = json.loads(Path(child.REQUEST).read_text(encoding="utf-8"))
    request["memory"] += int(held.split()[1]) * 1024
    Path(child.REQUEST).write_text(json.dumps(request), encoding="utf-8")


def _read(process: ReadingProcess, pipe: int, stderr: int) -> NoReturn:
    """What the forked process does: forget whose child it is, and be the reader."""
    with suppress(BaseException):
        # Connections and files of the tests are never tidied up here: their numbers are soon those of other files.
        gc.freeze()
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for place, given in enumerate((null, null, stderr)):
            os.dup2(given, place)
        kept = os.dup2(os.dup(pipe), 3)
        os.closerange(4, 65536)
        sys.stdout, sys.stderr = (open(place, "w", encoding="utf-8", closefd=False) for place in (1, 2))  # noqa: SIM115
        os.environ.clear()
        os.environ.update(reading_process._environment(process._folder))
        tempfile.tempdir = None
        warnings.resetwarnings()
        os.chdir(process._folder)
        _leave_room()
        sys.argv = [child.__name__, str(process._folder), str(kept)]
        try:
            child.main()
        except BaseException:  # noqa: BLE001 - as Python ends a program
            traceback.print_exc()
            sys.stderr.flush()
    os._exit(1)
