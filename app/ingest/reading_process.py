"""The process that reads one file: started, watched at its limits from a thread, told of, and ended."""

from __future__ import annotations

import errno
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import BadInput, ChengtuError, NoSpace, NotFound, UnreadableFile
from app.ingest.child import RESULT
from app.ingest.files import SourceFile
from app.ingest.plain_files import read_plain
from app.settings import ROOT, Settings

Progress = Callable[[float, float | None, str], None]
#: How often disk and clock are looked at while nothing is told.
TICK_S = 0.25
#: Of what the process says about its end, this much is kept.
KEPT_BYTES = 8192
LINE_BYTES = 1000
#: So often it is read after the process has ended: what a pipe holds.
LAST_READS = 32
MAX_RESULT_BYTES = 1024**2
TEXT_LENGTH = 80
#: A process may wait (for a disk, for a processor) until it took this many times as long as it may compute.
WALL_FACTOR = 4
MEBI = 1024**2


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take, and the `folder` where it is put (None: the temporary one)."""

    memory_mb: int = 4096
    seconds: int = 900
    disk_mb: int = 20_480
    folder: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that the settings state."""
        folder = settings.home_path / "spool"
        return cls(settings.import_memory_mb, settings.import_seconds, settings.import_disk_mb, folder)


class ReaderStopped(UnreadableFile):
    """The process that read the file was stopped at one of its limits, or ended by itself."""


class ReadingProcess:
    """One run of the process, started with the module named; it reads on while the importer does other things.

    It dies with the thread that started it.
    """

    def __init__(self, module: str, file: SourceFile, folder: Path, limits: Limits) -> None:
        self._file, self._folder, self._limits = file, folder, limits
        self._said = b""
        self._line = b""
        self._broken: str | None = None
        self._told: tuple[float, float | None, str] = (0, None, "reading")
        self._news, self._ended, self._unwanted = threading.Event(), threading.Event(), threading.Event()
        reading, writing = os.pipe()
        try:
            self._process = self._start(module, writing)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._thread = threading.Thread(target=self._attend, args=(reading,), daemon=True)
        self._thread.start()

    def wait(self, ready: Callable[[], bool], progress: Progress | None = None) -> bool:
        """Wait until `ready`, or until the process has ended well and it never will be (False).

        Raises as `open_layers` does.
        """
        while not self._ended.is_set() and not ready():
            self._news.wait(TICK_S)
            self._news.clear()
            if progress is not None:
                # Told again even where nothing new is heard: whoever listens may want to stop.
                progress(*self._told)
        if progress is not None:
            progress(*self._told)
        if self._ended.is_set():
            self._tell(self._process.returncode)
        return ready()

    def end(self, progress: Progress | None = None) -> None:
        """Wait until all is read. Raises as `wait` does."""
        self.wait(lambda: False, progress)

    def close(self) -> None:
        """End the process where it still runs."""
        if not self._ended.is_set():
            self._unwanted.set()
            self._kill()
        self._thread.join()

    def _kill(self) -> None:
        # Whatever it may have started goes with it.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _start(self, module: str, pipe: int) -> subprocess.Popen[bytes]:
        # -P and -s: no module is taken from the working folder or the user's own.
        command = [sys.executable, "-P", "-s", "-B", "-m", module, str(self._folder), str(pipe)]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self._folder,
            env=_environment(self._folder), pass_fds=(pipe,), start_new_session=True,
        )  # fmt: skip

    def _attend(self, reading: int) -> None:
        process = self._process
        try:
            self._watch(process, reading)
        finally:
            os.close(reading)
            self._kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()
            self._ended.set()
            self._news.set()

    def _watch(self, process: subprocess.Popen[bytes], reading: int) -> None:
        deadline = time.monotonic() + self._limits.seconds * WALL_FACTOR
        assert process.stderr is not None
        with selectors.DefaultSelector() as selector:
            selector.register(reading, selectors.EVENT_READ, self._hear)
            selector.register(process.stderr, selectors.EVENT_READ, self._keep)
            looked = time.monotonic()
            while process.poll() is None and not (self._broken or self._unwanted.is_set()):
                self._listen(selector, process)
                now = time.monotonic()
                if now > deadline:
                    self._broken = "wall"
                elif now - looked >= TICK_S:
                    looked = now
                    self._broken = "disk" if _size(self._folder) > self._limits.disk_mb * MEBI else None
            # Its last words may say why it ended.
            for _ in range(LAST_READS):
                if not self._read(selector, 0):
                    break

    def _listen(self, selector: selectors.BaseSelector, process: subprocess.Popen[bytes]) -> None:
        """Wait for news; a process that closes its mouth is watched nevertheless."""
        if selector.get_map():
            self._read(selector, TICK_S)
        else:
            with suppress(subprocess.TimeoutExpired):
                process.wait(TICK_S)

    def _read(self, selector: selectors.BaseSelector, timeout_s: float) -> bool:
        """Take what is there, and say whether anything was."""
        ready = selector.select(timeout_s) if selector.get_map() else []
        for key, _ in ready:
            data = os.read(key.fd, KEPT_BYTES)
            key.data(data)
            if not data:
                selector.unregister(key.fileobj)
        return bool(ready)

    def _keep(self, data: bytes) -> None:
        self._said = (self._said + data)[-KEPT_BYTES:]

    def _hear(self, data: bytes) -> None:
        *lines, self._line = (self._line + data)[-KEPT_BYTES:].split(b"\n")
        self._news.set()
        for line in [line for line in lines if line][-1:]:
            with suppress(ValueError, TypeError):
                done, total, text = json.loads(line[:LINE_BYTES])
                shown = "".join(c for c in str(text) if c.isprintable())[:TEXT_LENGTH]
                self._told = (float(done), None if total is None else float(total), shown)

    def _tell(self, code: int) -> None:
        """Raise what kept the process from reading the file, in words for the user."""
        told = self._result() if code == 0 and self._broken is None else {}
        if code == 0 and self._broken is None and "errno" not in told and not told.keys() & _BAD:
            return
        if "message" in told:
            raise _KINDS.get(told["error"], BadInput)(told["message"], told["hint"])
        limit = self._broken or told.get("limit") or _limit_of(code, told.get("errno"), self._said)
        if limit == "space":
            raise NoSpace("The disk is full.", "Free some space and import the file again.")
        raise _stopped(self._file, limit, self._limits) from RuntimeError(
            self._said.decode("utf-8", "replace")
        )

    def _result(self) -> Mapping[str, Any]:
        try:
            result: Mapping[str, Any] = json.loads(read_plain(self._folder / RESULT, MAX_RESULT_BYTES))
        except (OSError, ValueError):
            return {"failed": True}
        return result


_BAD = {"message", "limit", "failed", "errno"}
#: What readers raise; everything else they say is a BadInput.
_KINDS: Mapping[str, type[ChengtuError]] = {kind.code: kind for kind in (UnreadableFile, NotFound, NoSpace)}


def _limit_of(code: int, number: int | None, said: bytes) -> str:
    """Which limit ended the process: it says so by its signal, by an error, or by its last words."""
    if number == errno.ENOSPC:
        return "space"
    if number == errno.EFBIG or code == -signal.SIGXFSZ:
        return "disk"
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "processor" if code == -signal.SIGXCPU else "killed"
    if number == errno.ENOMEM or any(word in said for word in _NO_MEMORY):
        return "memory"
    return "crash"


_NO_MEMORY = (b"bad_alloc", b"MemoryError", b"Cannot allocate memory", b"out of memory", b"Out of memory")


def _stopped(file: SourceFile, limit: str, limits: Limits) -> ReaderStopped:
    smaller = "Split the file, or raise"
    sentences = {
        "processor": (f"takes more than {limits.seconds} s of processor time to read",
                      f"{smaller} CHENGTU_IMPORT_SECONDS."),
        "wall": (f"takes more than {limits.seconds * WALL_FACTOR} s to read", f"{smaller} CHENGTU_IMPORT_SECONDS."),
        "memory": (f"needs more than {_gibi(limits.memory_mb)} of memory to read",
                   f"{smaller} CHENGTU_IMPORT_MEMORY_MB."),
        "disk": (f"unfolds to more than {_gibi(limits.disk_mb)}", f"{smaller} CHENGTU_IMPORT_DISK_MB."),
        "killed": ("could not be read to its end: the system stopped the reader, most likely for want of memory",
                   "Free some memory and import it again."),
    }  # fmt: skip
    what, hint = sentences.get(
        limit,
        ("cannot be read: the reader ended unexpectedly on this file", "Save it again, or as GeoPackage."),
    )
    return ReaderStopped(f"'{file.name}' {what}.", hint)


def _gibi(mebi: int) -> str:
    return f"{mebi / 1024:g} GiB" if mebi >= 1024 else f"{mebi} MiB"


def _size(folder: Path) -> int:
    """Bytes on disk of all files below the folder."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_blocks * 512  # noqa: PTH118 - every tick
    return total


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of our own environment: no address of the database, no secret, no proxy."""
    return {
        "PATH": os.defpath, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "LANG": "C.UTF-8", "TZ": "UTC",
        "HOME": str(folder), "TMPDIR": str(folder), "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system",
    }  # fmt: skip
