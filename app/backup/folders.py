"""Where backups lie, what of the data folder goes into them and comes back, and what is known of the last one."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from app.backup.archive import ENDING, look, taken
from app.backup.manifest import Manifest
from app.catalogue.local import FOLDERS, fingerprint
from app.database.location import find_location, make_home
from app.database.locks import is_free
from app.database.server import database_mark
from app.errors import ChengtuError, NoSpace, SetupFailed
from app.settings import Settings

FOLDER, LAST = "backups", "last.json"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_WORK = ".chengtu-work-"
_NAMED = re.compile(r"chengtu-\d{8}t\d{6}" + re.escape(ENDING))
#: What PostgreSQL needs beside the database's own size while it is filled: its log, and indexes being sorted.
ROOM, ROOM_LEAST = 1.5, 256 * 1024**2
MIB = 1024**2
#: A disk with less than this took no more of what was written.
FULL_BYTES = MIB


def stamp_of(at: datetime) -> str:
    """A moment as it stands in names."""
    return at.strftime("%Y%m%dt%H%M%S")


def own_mark(settings: Settings) -> str:
    """What tells the backups of this data folder's database from others in the same folder."""
    return hashlib.sha256(f"{settings.home_path}|{database_mark(settings)}".encode()).hexdigest()[:16]


def target(settings: Settings, to: str | None, at: datetime) -> Path:
    """The file that a backup is to be. Without `to` it lies in `<data folder>/backups`, which is made.

    Raises:
        Conflict: The file is there already.
        SetupFailed: The folder is not there, or cannot be made or written.
    """
    given = settings.home_path / FOLDER if to is None else Path(to).expanduser().absolute()
    is_folder = to is None or given.is_dir() or to.endswith("/")
    path = given / f"chengtu-{stamp_of(at)}{ENDING}" if is_folder else given
    try:
        if to is None:
            make_home(settings.home_path)
            given.mkdir(mode=0o700, exist_ok=True)
        check_folder(path.parent)
    except OSError as error:
        raise _unusable(path.parent, error) from error
    if path.exists():
        raise taken(path)
    return path


def check_folder(folder: Path) -> None:
    """Raise SetupFailed where a folder is not there: made below the place of a disk, it would lie on another one."""
    if not folder.is_dir():
        raise SetupFailed(
            f"There is no folder {folder}.",
            "Mount the disk that it lies on, make it, or choose another with --to.",
        )


@contextlib.contextmanager
def work_folder(beside: Path) -> Iterator[Path]:
    """A folder for its user alone, gone at the end; those that killed processes left in the same place go as well."""
    for left in beside.glob(f"{_WORK}*"):
        if is_free(left / "lock"):
            shutil.rmtree(left, ignore_errors=True)
    try:
        folder = Path(tempfile.mkdtemp(prefix=_WORK, dir=beside))
    except OSError as error:
        raise _unusable(beside, error) from error
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    except OSError as error:
        if error.errno in _FULL:
            raise _unusable(beside, error) from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unusable(folder: Path, error: OSError) -> ChengtuError:
    if error.errno in _FULL:
        return _full_disk(folder)
    return SetupFailed(
        f"The folder {folder} cannot be written: {error.strerror}.", "Choose another one with --to."
    )


def explain_full(folder: Path, error: NoSpace) -> NoSpace:
    """The error of a program whose disk is full, with the folder where it is the one that it writes to."""
    return _full_disk(folder) if shutil.disk_usage(folder).free < FULL_BYTES else error


def _full_disk(folder: Path) -> NoSpace:
    return NoSpace(
        f"The disk of {folder} is full; nothing was left behind.", "Free some space and try again."
    )


def gather(settings: Settings, to: Path) -> dict[str, str]:
    """Copy what of the data folder a return needs: the city's own declarations, keys of HTTPS."""
    found = {}
    if settings.local_path is not None:
        for name in FOLDERS:
            if (settings.local_path / name).is_dir():
                shutil.copytree(settings.local_path / name, to / "local" / name)
                found["local"] = fingerprint(settings.local_path)
    if settings.tls_path.is_dir():
        shutil.copytree(settings.tls_path, to / "tls")
        found["tls"] = "keys"
    return found


def bring_back(settings: Settings, unpacked: Path, stamp: str) -> list[str]:
    """Put back what the data folder lacks and never replace what is there; sentences for what is to be looked at."""
    told = []
    tls, local = unpacked / "tls", unpacked / "local"
    if tls.is_dir() and not settings.tls_path.exists():
        shutil.copytree(tls, settings.tls_path)
        settings.tls_path.chmod(0o700)
    if local.is_dir():
        same = settings.local_path is not None and fingerprint(settings.local_path) == fingerprint(local)
        if not same:
            kept = settings.home_path / f"local-of-{stamp}"
            shutil.copytree(local, kept)
            told.append(
                f"The city's own declarations of that time lie in {kept}: compare them with those of CHENGTU_LOCAL, "
                "or set it to that folder."
            )
    return told


def check_room(settings: Settings, size: int) -> None:
    """Raise NoSpace where a database of this size would fill the disk of the embedded server."""
    location = None if settings.database_url else find_location(settings.home_path)
    if location is None:
        return
    needed = room_for(size)
    free = shutil.disk_usage(location.root).free
    if free < needed:
        raise NoSpace(
            f"A copy of the database needs {needed // MIB:,} MiB on the disk of {location.root}, where {free // MIB:,} "
            "are free.",
            "Free some space; or make the backup with --no-verify and look at it on another machine.",
        )


def room_for(size: int) -> int:
    """Bytes that a copy of a database of this size takes for a while."""
    return int(size * ROOM) + ROOM_LEAST


def remove_older(path: Path, keep: int, mark: str) -> list[Path]:
    """Remove the oldest backups of this database beside `path`, but the `keep` newest; which were removed."""
    own = [one for one in sorted(path.parent.glob(f"chengtu-*{ENDING}")) if _is_own(one, mark)]
    removed = own[: max(0, len(own) - keep)]
    for one in removed:
        one.unlink()
    return removed


def _is_own(path: Path, mark: str) -> bool:
    if not _NAMED.fullmatch(path.name) or path.is_symlink():
        return False
    try:
        return look(path).place.mark == mark
    except ChengtuError:
        return False


def tell_last(settings: Settings, path: Path, size: int, manifest: Manifest, *, verified: bool) -> None:
    """Keep what is known of the last backup, whole at every moment."""
    folder = settings.home_path / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = {
        "at": manifest.made_at,
        "file": str(path),
        "bytes": size,
        "verified": verified,
        "revision": manifest.revision,
        "rows": manifest.rows,
    }
    descriptor, draft = tempfile.mkstemp(dir=folder, prefix=f".{LAST}-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(said, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).replace(folder / LAST)


def last(settings: Settings) -> dict[str, Any] | None:
    """What is known of the last backup that this data folder made; None before the first."""
    try:
        found = json.loads((settings.home_path / FOLDER / LAST).read_text(encoding="utf-8"))
        datetime.fromisoformat(found["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return dict(found)
