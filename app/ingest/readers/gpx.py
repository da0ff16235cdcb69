"""GPX of navigation devices and phones: waypoints, routes and tracks as layers of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from app.ingest.files import SourceFile
from app.ingest.layer import Ask, Layer
from app.ingest.readers.ogr import Driver, read_layers
from app.ingest.readers.xml_text import utf8_xml

DRIVER = Driver("GPX", ".gpx")
#: The points of routes and tracks stand in their lines already.
LAYERS = ("waypoints", "routes", "tracks")


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """Waypoints, routes and tracks, those of which there are any, in chunks; rows are numbered from 1.

    Raises:
        UnreadableFile: The file is damaged or holds none of them.
    """
    text, encoding = utf8_xml(file, ask.encoding)
    with tempfile.TemporaryDirectory(prefix="chengtu-") as folder:
        copy = Path(folder) / file.name
        copy.write_bytes(b'<?xml version="1.0" encoding="UTF-8"?>' + text)
        for layer in read_layers(replace(file, path=copy), ask, DRIVER, only=LAYERS):
            columns = {name: v for name, v in layer.columns.items() if any(value is not None for value in v)}
            rows = [row + 1 for row in layer.rows]
            yield replace(layer, rows=rows, columns=columns, encoding=encoding)
