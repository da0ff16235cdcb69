"""Uploads that are kept to be looked at again: named by an id alone, and never more of them than there is room for."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from app.errors import NotFound
from app.ingest.kept_upload import adopt, keep
from app.ingest.upload import Sink, Upload, new_upload

MANY = 10_000


def sent(home: Path, size: int, at: int, most: int = MANY) -> str:
    """A file of `size` bytes that was kept at a moment."""
    upload = new_upload(home)
    sink = Sink(upload, "a.csv")
    sink.write(b"x" * size)
    sink.close()
    kept = keep(upload, most)
    os.utime(upload.folder / "about.json", (at, at))
    return kept


def there(home: Path) -> set[str]:
    return {folder.name for folder in (home / "uploads").iterdir()}


def test_the_oldest_make_room(tmp_path):
    first, second, third = (sent(tmp_path, 400, at) for at in (1000, 2000, 3000))
    assert there(tmp_path) == {first, second, third}
    coming = new_upload(tmp_path)
    last = sent(tmp_path, 400, 4000, most=900)
    assert there(tmp_path) == {last, third, coming.folder.name}


def test_one_that_is_looked_into_again_takes_no_more_room(tmp_path):
    first = sent(tmp_path, 400, 1000)
    again = new_upload(tmp_path)
    adopt(again, tmp_path, UUID(first))
    assert keep(again, 500) == again.folder.name
    assert there(tmp_path) == {first, again.folder.name}


def test_one_alone_is_kept_whatever_its_size(tmp_path):
    kept = sent(tmp_path, 400, 1000, most=100)
    assert there(tmp_path) == {kept}


def test_what_was_never_kept_is_not_found(tmp_path):
    coming = new_upload(tmp_path)
    for unknown in (uuid4(), UUID(coming.folder.name)):
        with pytest.raises(NotFound):
            adopt(Upload(tmp_path / "uploads" / "mine"), tmp_path, unknown)
