"""Uploads that are kept for a while, so that a file is looked at, tried and loaded without being sent again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from uuid import UUID

import orjson

from app.errors import NotFound
from app.ingest.upload import DATA, Upload, uploads_root

ABOUT = "about.json"


def keep(upload: Upload, most_bytes: int) -> str:
    """Note what the upload is, so that `adopt` finds it; its id, which nobody guesses.

    Where all that are kept take more than `most_bytes`, the oldest go: nobody fills the disk by looking into files.
    """
    about = {"name": upload.name, "sha256": upload.sha256}
    (upload.folder / ABOUT).write_bytes(orjson.dumps(about))
    _make_room(upload, most_bytes)
    return upload.folder.name


def _make_room(upload: Upload, most_bytes: int) -> None:
    room, counted = most_bytes, set[int]()
    for folder in sorted(upload.folder.parent.iterdir(), key=_kept_at, reverse=True):
        if _kept_at(folder) == 0:
            continue  # not kept: it is still coming in, or being imported
        for inode, size in _files(folder):
            room -= 0 if inode in counted else size  # a file that was looked into twice is there once
            counted.add(inode)
        if room < 0 and folder != upload.folder:
            shutil.rmtree(folder, ignore_errors=True)


def _kept_at(folder: Path) -> int:
    """When it was kept, nanoseconds; 0 where it is not."""
    try:
        return (folder / ABOUT).stat().st_mtime_ns
    except OSError:
        return 0


def _files(folder: Path) -> list[tuple[int, int]]:
    """Inode and size of the kept file; nothing where it was just removed."""
    try:
        return [(told.st_ino, told.st_size) for told in (path.stat() for path in (folder / DATA).iterdir())]
    except OSError:
        return []


def adopt(upload: Upload, home: Path, kept: UUID) -> None:
    """Make the kept upload's file that of `upload`, without copying it.

    Raises:
        NotFound: It is not there, or not any more: uploads are kept for a day.
    """
    folder = uploads_root(home) / str(kept)
    try:
        about = orjson.loads((folder / ABOUT).read_bytes())
        upload.name, upload.sha256 = about["name"], about["sha256"]
        os.link(Upload(folder, upload.name).path, upload.path)
    except FileNotFoundError as error:
        raise NotFound(
            "The file that was sent before is not there any more.", "Send the file again."
        ) from error
