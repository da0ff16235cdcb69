"""Reading a stranger's file in a process of its own, which can do nothing but read it, and not for ever."""

from __future__ import annotations

import errno
import json
import os
import selectors
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.catalogue.model import FeatureClass
from app.database.locks import exclusive, is_free
from app.errors import BadInput, ChengtuError, NoSpace, NotFound, UnreadableFile
from app.ingest.child import REQUEST, RESULT, SPOOL
from app.ingest.files import PARTS, SourceFile
from app.ingest.layer import Ask, LayerSource
from app.ingest.osm_data import OsmData
from app.ingest.osm_spool import classes_to_json, osm_data
from app.ingest.spool import check_plain, open_spool
from app.settings import ROOT, Settings

Progress = Callable[[float, float | None, str], None]
#: The module that runs as the reading process.
MODULE = "app.ingest.child"
#: How often disk and clock are looked at while nothing is told.
TICK_S = 0.25
#: Of what the process says about its end, this much is kept.
KEPT_BYTES = 8192
LINE_BYTES = 1000
MAX_RESULT_BYTES = 1024**2
TEXT_LENGTH = 80
#: A process may wait (for a disk, for a processor) until it took this many times as long as it may compute.
WALL_FACTOR = 4
#: Parts of a shapefile, of which there are a dozen kinds.
MAX_PARTS = 50
MEBI = 1024**2
#: The barriers that a kernel may refuse, in words.
BARRIERS: Mapping[str, str] = {
    "network": "a network of its own (network namespaces)",
    "user": "a user without rights",
    "files": "closed files (Landlock, Linux 5.13)",
    "calls": "a filter of system calls (seccomp)",
}


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


@contextmanager
def open_layers(
    file: SourceFile, ask: Ask, progress: Progress | None = None, limits: Limits | None = None
) -> Iterator[list[LayerSource]]:
    """The layers of a file, read by a process of its own; what they hold is there until the context ends.

    Raises:
        UnreadableFile, BadInput: As the format's reader says.
        ReaderStopped: It took more than `limits` allow, or crashed.
        NoSpace: The disk is full.
    """
    request = {"encoding": ask.encoding, "layer": ask.layer}
    with _read_apart(file, request, progress, limits) as folder:
        yield open_spool(folder / SPOOL)


def load_osm(
    file: SourceFile,
    classes: Sequence[FeatureClass],
    progress: Progress | None = None,
    limits: Limits | None = None,
) -> OsmData:
    """What an OSM file holds for `classes`, read by a process of its own: as `osm_file.read_osm` gives it.

    Raises as `open_layers` does.
    """
    taken = [cls for cls in classes if cls.osm]
    with _read_apart(file, {"classes": classes_to_json(taken)}, progress, limits) as folder:
        return osm_data(open_spool(folder / SPOOL), taken)


def missing_barriers(limits: Limits | None = None) -> list[str]:
    """The barriers that this machine's kernel does not hold, in words; empty where all stand."""
    file = SourceFile(ROOT / "app" / "__init__.py", "geojson")
    with _read_apart(file, {"probe": True}, None, limits) as folder:
        barriers = json.loads((folder / RESULT).read_text(encoding="ascii"))["barriers"]
    return [words for name, words in BARRIERS.items() if not barriers.get(name)]


@contextmanager
def _read_apart(
    file: SourceFile, request: Mapping[str, Any], progress: Progress | None, limits: Limits | None
) -> Iterator[Path]:
    """The folder in which the reading process has left its spool, as `request` asks; removed at the end."""
    limits = limits or Limits()
    with _workplace(limits.folder) as folder:
        whole = {
            **request, "path": str(file.path), "parts": [str(part) for part in _parts(file.path)],
            "memory": limits.memory_mb * MEBI, "seconds": limits.seconds, "disk": limits.disk_mb * MEBI,
            "parent": os.getpid(),
        }  # fmt: skip
        (folder / REQUEST).write_text(json.dumps(whole), encoding="utf-8")
        _Child(file, folder, limits, progress or (lambda *_: None)).run()
        yield folder


def _parts(path: Path) -> list[Path]:
    """What a part of a Shapefile needs beside itself: its folder, and the files in it that bear its name."""
    if path.suffix.lower() not in PARTS or path.is_dir():
        return []
    start = path.stem.casefold() + "."
    beside = [item for item in path.parent.iterdir() if item.name.casefold().startswith(start)]
    files = [item for item in beside if item != path and item.is_file() and not item.is_symlink()]
    return [path.parent, *sorted(files)[:MAX_PARTS]]


@contextmanager
def _workplace(base: Path | None) -> Iterator[Path]:
    """A folder of its own below `base`; those that killed runs left there are removed first."""
    root = _root(base)
    with exclusive(root / ".lock"):
        _remove_left(root)
        folder = Path(tempfile.mkdtemp(prefix="read-", dir=root))
        held = exclusive(_lock_of(folder))
        held.__enter__()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _lock_of(folder).unlink(missing_ok=True)
        held.__exit__(None, None, None)


def _root(base: Path | None) -> Path:
    """`base` where it is or can be made our own, else a temporary one that nobody else can enter."""
    shared = Path(tempfile.gettempdir()) / f"chengtu-spool-{os.getuid()}"
    for folder in (base or shared, shared):
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022:
                return folder
    return Path(tempfile.mkdtemp(prefix="chengtu-spool-"))


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _remove_left(root: Path) -> None:
    for folder in root.glob("read-*/"):
        if is_free(_lock_of(folder)):
            shutil.rmtree(folder, ignore_errors=True)
            _lock_of(folder).unlink(missing_ok=True)


class _Child:
    """One run of the reading process: started, watched, and told of."""

    def __init__(self, file: SourceFile, folder: Path, limits: Limits, progress: Progress) -> None:
        self._file, self._folder, self._limits, self._progress = file, folder, limits, progress
        self._said = b""
        self._line = b""
        self._broken: str | None = None
        self._told: tuple[float, float | None, str] = (0, None, "reading")

    def run(self) -> None:
        """Raises as `open_layers` does."""
        reading, writing = os.pipe()
        try:
            process = self._start(writing)
        finally:
            os.close(writing)
        try:
            self._watch(process, reading)
        finally:
            os.close(reading)
            # Whatever it may have started goes with it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stderr is not None:
                process.stderr.close()
        self._tell(process.returncode)

    def _start(self, pipe: int) -> subprocess.Popen[bytes]:
        # -P and -s: no module is taken from the working folder or the user's own.
        command = [sys.executable, "-P", "-s", "-B", "-m", MODULE, str(self._folder), str(pipe)]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self._folder,
            env=_environment(self._folder), pass_fds=(pipe,), start_new_session=True,
        )  # fmt: skip

    def _watch(self, process: subprocess.Popen[bytes], reading: int) -> None:
        deadline = time.monotonic() + self._limits.seconds * WALL_FACTOR
        assert process.stderr is not None
        with selectors.DefaultSelector() as selector:
            selector.register(reading, selectors.EVENT_READ, self._hear)
            selector.register(process.stderr, selectors.EVENT_READ, self._keep)
            looked = time.monotonic()
            while selector.get_map() and process.poll() is None and self._broken is None:
                for key, _ in selector.select(TICK_S):
                    data = os.read(key.fd, KEPT_BYTES)
                    key.data(data)
                    if not data:
                        selector.unregister(key.fileobj)
                now = time.monotonic()
                if now > deadline:
                    self._broken = "wall"
                elif now - looked >= TICK_S:
                    looked = now
                    # Told again even where nothing new is heard: whoever listens may want to stop.
                    self._progress(*self._told)
                    self._broken = "disk" if _size(self._folder) > self._limits.disk_mb * MEBI else None
        if self._broken is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0) + 1)

    def _keep(self, data: bytes) -> None:
        self._said = (self._said + data)[-KEPT_BYTES:]

    def _hear(self, data: bytes) -> None:
        *lines, self._line = (self._line + data)[-KEPT_BYTES:].split(b"\n")
        for line in lines[-1:]:
            with suppress(ValueError, TypeError):
                done, total, text = json.loads(line[:LINE_BYTES])
                shown = "".join(c for c in str(text) if c.isprintable())[:TEXT_LENGTH]
                self._told = (float(done), None if total is None else float(total), shown)
                self._progress(*self._told)

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
            result: Mapping[str, Any] = json.loads(
                check_plain(self._folder / RESULT, MAX_RESULT_BYTES).read_text(encoding="ascii")
            )
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
