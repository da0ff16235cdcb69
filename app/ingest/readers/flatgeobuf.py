"""FlatGeobuf: the one layer of the file."""

from __future__ import annotations

from collections.abc import Iterator

from app.ingest.files import SourceFile
from app.ingest.layer import Ask, Layer
from app.ingest.readers.ogr import Driver, read_layers

#: GDAL's own fast way through this format writes wrong offsets where a geometry is null.
DRIVER = Driver("FlatGeobuf", ".fgb", config={"OGR_FLATGEOBUF_STREAM_BASE_IMPL": "YES"})


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """The layer in chunks; rows are numbered by their row id, from 0 in the order of the file.

    Raises:
        UnreadableFile: The file is damaged or cut off.
    """
    yield from read_layers(file, ask, DRIVER)
