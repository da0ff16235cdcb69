"""What the confined process does: look at the file again, read it with its format's reader, write the spool."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.garbage import seldom_collected
from app.ingest.files import SourceFile, recognise
from app.ingest.gdal import gdal_environment
from app.ingest.layer import Ask, Layer
from app.ingest.osm_spool import bare_classes, osm_layers
from app.ingest.paths import shown, shown_name
from app.ingest.readers import READERS
from app.ingest.spool import write_spool
from app.lazy import lazy_module

#: Its library is only loaded for files that need it.
osm_file = lazy_module("app.ingest.osm_file")

#: Progress is told no more often than this.
PAUSE_S = 0.1


class _Teller:
    """Writes how far it is to the importer, a line of JSON each time."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._last = 0.0

    def __call__(self, done: float, total: float | None, text: str) -> None:
        now = time.monotonic()
        if now - self._last >= PAUSE_S:
            self._last = now
            os.write(self._pipe, json.dumps([done, total, text]).encode() + b"\n")

    def wake(self) -> None:
        """Let the importer look at what has been written."""
        os.write(self._pipe, b"\n")


def run(request: Mapping[str, Any], spool: Path, pipe: int) -> None:
    """Read the requested file into `spool`, telling on `pipe` how far it is.

    Raises:
        UnreadableFile, BadInput: The file is none of those that are read, or is damaged.
    """
    spool.mkdir()
    tell = _Teller(pipe)
    # What the importer took it for does not count: the file may have been changed since.
    file = _named(recognise(Path(request["path"])), spool.parent / "named")
    os.environ.update(gdal_environment(file.format))
    if "classes" in request:
        classes = bare_classes(request["classes"])
        layers = osm_layers(osm_file.read_osm(file, classes, tell), classes)
    else:
        ask = Ask(request["encoding"], request["layer"])
        layers = _counted(READERS[file.format](file, ask), tell)
    with seldom_collected():
        write_spool(layers, spool, tell.wake)


def _named(file: SourceFile, folder: Path) -> SourceFile:
    """The file, under a name that libraries take: where its own is not UTF-8, as a link in `folder` (a new one)."""
    path, name = file.path, file.name
    if shown(path) == str(path):
        return file
    folder.mkdir()
    (folder / name).symlink_to(path)
    if file.format in {"shapefile", "dbf"}:
        for part in path.parent.iterdir():
            if part.stem == path.stem and part != path:
                (folder / shown_name(part)).symlink_to(part)
    return replace(file, path=folder / name)


def _counted(layers: Iterable[Layer], tell: _Teller) -> Iterator[Layer]:
    rows = 0
    for layer in layers:
        rows += len(layer.rows)
        tell(rows, None, "reading")
        yield layer
