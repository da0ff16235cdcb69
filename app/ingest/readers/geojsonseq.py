"""GeoJSON text sequences: one feature a line, or behind record separators (RFC 8142); a bad one costs only its row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from app.errors import UnreadableFile
from app.ingest.files import SourceFile
from app.ingest.layer import CHUNK_ROWS, Ask, Layer
from app.ingest.readers.geojson import layer_of, load
from app.ingest.readers.select import chosen
from app.validation.geojson import GEOMETRY_TYPES

SEPARATOR = b"\x1e"
#: A feature longer than this is none of a city.
MAX_RECORD = 256 * 1024**2
BLOCK = 1 << 20
Record = tuple[int, Any, str | None]


def read(file: SourceFile, ask: Ask) -> Iterator[Layer]:
    """The features in chunks; rows are numbered by line, or from 1 where records are behind separators.

    Raises:
        UnreadableFile: A record is longer than 256 MB, or `ask.encoding` is not known.
    """
    name = file.path.name.split(".")[0]
    chosen(file, ask, [name])
    encoding = ask.encoding or "UTF-8"
    held: list[Record] = []
    given = False
    for record in _records(file, encoding):
        held.append(record)
        if len(held) == CHUNK_ROWS:
            yield _layer(name, held, encoding)
            held, given = [], True
    if held or not given:
        yield _layer(name, held, encoding)


def _layer(name: str, records: list[Record], encoding: str) -> Layer:
    layer = layer_of(name, [feature for _, feature, _ in records], 1)
    faults = layer.faults | {i: why for i, (_, _, why) in enumerate(records) if why}
    rows = [number for number, _, _ in records]
    return replace(layer, rows=rows, faults=faults, crs="EPSG:4326", encoding=encoding)


def _records(file: SourceFile, encoding: str) -> Iterator[Record]:
    """Number, feature (None where it cannot be read) and why not."""
    for number, raw in _texts(file):
        try:
            feature = load(raw.decode(encoding).lstrip("\ufeff").encode())
        except LookupError as error:
            raise UnreadableFile(f"There is no encoding '{encoding}'.", "For example GB18030.") from error
        except UnicodeError:
            yield number, None, f"the text is not in {encoding}"
        except (ValueError, RecursionError):
            yield number, None, "the text is not valid JSON"
        else:
            bare = isinstance(feature, dict) and feature.get("type") in GEOMETRY_TYPES
            yield number, {"type": "Feature", "geometry": feature} if bare else feature, None


def _texts(file: SourceFile) -> Iterator[tuple[int, bytes]]:
    with file.path.open("rb") as source:
        by_separator = source.read(4).lstrip(b"\xef\xbb\xbf").startswith(SEPARATOR)
    pieces = _split(file, SEPARATOR if by_separator else b"\n")
    if by_separator:
        # What stands before the first separator is no record.
        yield from enumerate((text for text in pieces if text), start=1)
    else:
        yield from ((number, text) for number, text in enumerate(pieces, start=1) if text)


def _split(file: SourceFile, sign: bytes) -> Iterator[bytes]:
    with file.path.open("rb") as source:
        rest = b""
        while block := source.read(BLOCK):
            *whole, rest = (rest + block).split(sign)
            yield from (text.strip() for text in whole)
            if len(rest) > MAX_RECORD:
                raise UnreadableFile(
                    f"'{file.name}' has a record of more than 256 MB.", "Save it as GeoPackage."
                )
        yield rest.strip()
