"""Reading a stranger's file in a process of its own, which can do nothing but read it, and not for ever."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.catalogue.model import FeatureClass
from app.database.locks import exclusive, is_free
from app.ingest.child import REQUEST, RESULT, SPOOL
from app.ingest.files import PARTS, SourceFile
from app.ingest.layer import Ask, LayerSource
from app.ingest.osm_data import OsmData
from app.ingest.reading_process import MEBI, Limits, Progress, ReaderStopped, ReadingProcess
from app.lazy import lazy_module
from app.settings import ROOT

#: The process is started before these are loaded.
osm_spool = lazy_module("app.ingest.osm_spool")
spool = lazy_module("app.ingest.spool")

__all__ = ["Begun", "Limits", "ReaderStopped", "begin", "load_osm", "missing_barriers", "open_layers"]

#: The module that runs as the reading process.
MODULE = "app.ingest.child"
#: Parts of a shapefile, of which there are a dozen kinds.
MAX_PARTS = 50
#: The barriers that a kernel may refuse, in words.
BARRIERS: Mapping[str, str] = {
    "network": "a network of its own (network namespaces)",
    "user": "a user without rights",
    "files": "closed files (Landlock, Linux 5.13)",
    "calls": "a filter of system calls (seccomp)",
}


@dataclass(frozen=True, slots=True)
class Begun:
    """The reading of a file that has begun: what is read, how it was asked for, and the process with its folder."""

    file: SourceFile
    ask: Ask
    folder: Path
    process: ReadingProcess

    def sources(self, progress: Progress | None) -> list[LayerSource]:
        """The layers, as soon as they are known; a layer that is alone in its file while its rows are still read."""

        def wait(path: Path, progress: Progress | None = None) -> bool:
            return self.process.wait(path.exists, progress)

        place = self.folder / SPOOL
        found: list[LayerSource] | None = spool.open_coming(place, wait, lambda path: wait(path, progress))
        if found is None:
            found = spool.open_spool(place)
        return found


@contextmanager
def begin(file: SourceFile, ask: Ask, limits: Limits | None = None) -> Iterator[Begun]:
    """Begin to read a file in a process of its own, which is ended with the context; `open_layers` goes on with it."""
    with _read_apart(file, asdict(ask), limits) as (folder, process):
        yield Begun(file, ask, folder, process)


@contextmanager
def open_layers(
    file: SourceFile,
    ask: Ask,
    progress: Progress | None = None,
    limits: Limits | None = None,
    begun: Begun | None = None,
) -> Iterator[list[LayerSource]]:
    """The layers of a file, read by a process of its own; what they hold is there until the context ends.

    The rows of a layer that is alone in its file are handed on while the process reads those behind them: what it
    raises then is raised by the layer's chunks. `begun` is gone on with where it reads this file as it is asked for.

    Raises:
        UnreadableFile, BadInput: As the format's reader says.
        ReaderStopped: It took more than `limits` allow, or crashed.
        NoSpace: The disk is full.
    """
    reading: AbstractContextManager[Begun] = begin(file, ask, limits)
    if begun is not None and (begun.file, begun.ask) == (file, ask):
        reading = nullcontext(begun)
    with reading as going:
        yield going.sources(progress)


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
    with _read_apart(file, {"classes": osm_spool.classes_to_json(taken)}, limits) as (folder, process):
        process.end(progress)
        data: OsmData = osm_spool.osm_data(spool.open_spool(folder / SPOOL), taken)
        return data


def missing_barriers(limits: Limits | None = None) -> list[str]:
    """The barriers that this machine's kernel does not hold, in words; empty where all stand."""
    file = SourceFile(ROOT / "app" / "__init__.py", "geojson")
    with _read_apart(file, {"probe": True}, limits) as (folder, process):
        process.end()
        barriers = json.loads((folder / RESULT).read_text(encoding="ascii"))["barriers"]
    return [words for name, words in BARRIERS.items() if not barriers.get(name)]


@contextmanager
def _read_apart(
    file: SourceFile, request: Mapping[str, Any], limits: Limits | None
) -> Iterator[tuple[Path, ReadingProcess]]:
    """The process that reads as `request` asks, and the folder that it writes to; both are gone at the end."""
    limits = limits or Limits()
    with _workplace(limits.folder) as folder:
        whole = {
            **request, "path": str(file.path), "parts": [str(part) for part in _parts(file.path)],
            "memory": limits.memory_mb * MEBI, "seconds": limits.seconds, "disk": limits.disk_mb * MEBI,
            "parent": os.getpid(),
        }  # fmt: skip
        (folder / REQUEST).write_text(json.dumps(whole), encoding="utf-8")
        process = ReadingProcess(MODULE, file, folder, limits)
        try:
            yield folder, process
        finally:
            process.close()


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
