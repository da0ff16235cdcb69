"""Uploads that are kept for a while, so that a file is looked at, tried and loaded without being sent again."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import orjson

from app.errors import NotFound
from app.ingest.upload import Upload, uploads_root

ABOUT = "about.json"


def keep(upload: Upload) -> str:
    """Note what the upload is, so that `adopt` finds it; its id, which nobody guesses."""
    about = {"name": upload.name, "sha256": upload.sha256}
    (upload.folder / ABOUT).write_bytes(orjson.dumps(about))
    return upload.folder.name


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
