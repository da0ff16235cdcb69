"""File geodatabases of ArcGIS: every feature class and table of the folder."""

from __future__ import annotations

from collections.abc import Iterator

from app.ingest.files import SourceFile
from app.ingest.layer import Ask, Layer
from app.ingest.readers.ogr import Driver, read_layers

DRIVER = Driver("OpenFileGDB", ".gdb")


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """The feature classes and tables in chunks; rows are numbered by their OBJECTID.

    Raises:
        UnreadableFile: The folder is no geodatabase that can be read, or holds no layer.
    """
    yield from read_layers(file, ask, DRIVER)
