"""Files that were written for downloads, kept for a while: a client whose connection broke goes on where it was."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.database.scope import scope_key

#: How long a file is kept after it was last asked for, seconds, and bytes of all of them together.
KEPT_S = 3600
KEPT_BYTES = 8 * 1024**3
#: Half of the free space at most is taken by kept files.
FREE_SHARE = 0.5


class KeptFiles:
    """A folder of whole files by what they were asked for; processes share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, asked: Mapping[str, Any], ending: str, write: Callable[[Path], object]) -> Path:
        """The file of what is asked for in the scope that holds, written by `write` where it is not there.

        Two who ask for the same at once get one file: the second waits for the first.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        asked = {**asked, **({"scope": scope} if (scope := scope_key()) else {})}
        key = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:40]
        path, lock = self._folder / f"{key}.{ending}", self._folder / f"{key}.lock"
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if not path.exists():
                self._make_room(kept=lock)
                write(path)
            # The time of access tells who was asked for lately; that of writing makes the tag, and stays.
            os.utime(path, (time.time(), path.stat().st_mtime))
        return path

    def _make_room(self, kept: Path) -> None:
        """Remove what nobody asked for lately, what writers left that were killed, and the oldest of too much."""
        files = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                files.append((path.stat().st_atime, path.stat().st_size, path))
        room = min(KEPT_BYTES, int(shutil.disk_usage(self._folder).free * FREE_SHARE))
        for asked_at, size, path in sorted(files, reverse=True):
            room -= size
            if path != kept and (asked_at < time.time() - KEPT_S or room < 0):
                _remove(path)


def _remove(path: Path) -> None:
    """Remove a file, or the folder in which a zip was being made."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
