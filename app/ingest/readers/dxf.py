"""DXF drawings: every entity with its layer, kind and text; blocks are taken apart, closed polylines are areas."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.formats import BINARY_DXF
from app.ingest.layer import Ask, Layer
from app.ingest.readers.encoding import find_encoding, first_bad_line
from app.ingest.readers.ogr import Driver, read_layers
from app.ingest.readers.select import chosen
from app.ingest.readers.xml_text import SAMPLE_BYTES, mostly_utf8

OPTIONS = {"CLOSED_LINE_AS_POLYGON": "YES", "INLINE_BLOCKS": "YES"}
DRIVER = Driver("DXF", ".dxf", OPTIONS)
NOTE = "a DXF drawing names no CRS; polylines that it says are closed were read as polygons"
#: Code pages that drawings name, as Python calls them.
PAGES = {"ANSI_936": "gb18030", "GBK": "gb18030", "GB2312": "gb18030", "ANSI_950": "cp950", "ANSI_932": "cp932",
         "ANSI_949": "cp949", "ANSI_1250": "cp1250", "ANSI_1251": "cp1251", "ANSI_1252": "cp1252"}  # fmt: skip
_PAGE = re.compile(rb"\$DWGCODEPAGE\s+3\s+(\w+)")
_ESCAPE = re.compile(r"\\U\+([0-9A-Fa-f]{4})")
HEAD_BYTES = 262_144


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """The entities of the drawing in chunks: `Layer` is the drawing's layer, `Entity` the kind (Polyline, Text …).

    Rows are numbered from 1 in the order of the drawing. Text entities are points with their `Text`.

    Raises:
        UnreadableFile: The drawing is damaged, or its text is in no encoding that can be told.
    """
    name = file.path.stem
    chosen(file, ask, [name])
    with _in_utf8(file, ask.encoding) as (source, driver, encoding):
        for layer in read_layers(source, Ask(), driver):
            columns = {heading: [_plain(v) for v in values] for heading, values in layer.columns.items()}
            columns["Entity"] = [
                _kind(value) for value in columns.pop("SubClasses", [None] * len(layer.rows))
            ]
            yield replace(
                layer, name=name, rows=[row + 1 for row in layer.rows], columns=columns, crs=None, encoding=encoding,
                notes=(f"encoding {encoding}", *layer.notes, NOTE),
            )  # fmt: skip


@contextmanager
def _in_utf8(file: SourceFile, asked: str | None) -> Iterator[tuple[SourceFile, Driver, str]]:
    """The drawing, or a copy of it in UTF-8, how it is opened, and the encoding that it stands in."""
    driver = replace(DRIVER, options={**OPTIONS, "ENCODING": "UTF-8"})
    with file.path.open("rb") as source:
        head = source.read(HEAD_BYTES)
    if head.startswith(BINARY_DXF):
        yield file, DRIVER, "as the drawing says"
    elif asked is None and first_bad_line(file.path, "utf-8") is None:
        yield file, driver, "UTF-8"
    else:
        codec = _codec(file, head, asked)
        with tempfile.TemporaryDirectory(prefix="chengtu-") as folder:
            copy = Path(folder) / file.name
            with (
                file.path.open(encoding=codec, newline="") as given,
                copy.open("w", encoding="utf-8", newline="") as new,
            ):
                while text := given.read(1 << 20):
                    new.write(text)
            yield replace(file, path=copy), driver, codec.upper()


def _codec(file: SourceFile, head: bytes, asked: str | None) -> str:
    """The encoding of a drawing that is not UTF-8: as asked, by its code page, by its text."""
    found = _PAGE.search(head)
    page = PAGES.get(found[1].decode("ascii", "replace").upper()) if found else None
    fits = asked is None and page is not None and first_bad_line(file.path, page) is None
    with file.path.open("rb") as source:
        sample = source.read(SAMPLE_BYTES)
    if page and fits and page not in {"cp1252", "gb18030"}:
        return page
    try:
        return find_encoding(file.path, asked).codec
    except UnreadableFile:
        if page and fits and not mostly_utf8(sample):
            return page
        raise


def _plain(value: Any) -> Any:
    """Text with the characters that a drawing writes as escapes of four hexadecimal digits."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value) if isinstance(value, str) else value


def _kind(classes: Any) -> str | None:
    """`Polyline` of `AcDbEntity:AcDbPolyline`."""
    names = [name.removeprefix("AcDb") for name in str(classes or "").split(":") if name]
    return names[-1] if names else None
