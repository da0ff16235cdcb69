"""A file read by the reader of its format, as the importer does it."""

from __future__ import annotations

from pathlib import Path

from app.ingest.files import recognise
from app.ingest.layer import Ask, Layer
from app.ingest.readers import READERS


def read(path: Path, **ask: str) -> list[Layer]:
    """The chunks of all layers of the file."""
    file = recognise(path)
    return list(READERS[file.format](file, Ask(**ask)))


def read_one(path: Path, **ask: str) -> Layer:
    """The only chunk of the only layer of the file."""
    (layer,) = read(path, **ask)
    return layer
