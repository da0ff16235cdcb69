"""What a file is, decided by its first bytes and never by its name; everything else is named and refused."""

from __future__ import annotations

import bz2
import hashlib
import stat
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.errors import UnreadableFile

FileFormat = Literal["osm", "gpkg", "geojson"]
HEAD_BYTES = 65_536
READABLE = (
    "Files read now: OpenStreetMap (.osm.pbf, .osm, .osm.gz, .osm.bz2), GeoPackage (.gpkg) and GeoJSON "
    "(.geojson, .json). QGIS and ogr2ogr save other files as GeoPackage."
)
SUFFIXES = (".osm.pbf", ".pbf", ".osm", ".osm.gz", ".osm.bz2", ".gpkg", ".geojson", ".json")

#: First bytes of formats that are not read, and what they are called to the user.
OTHER_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x00\x00\x27\x0a", "a Shapefile"),
    (b"PK", "a zip archive or a spreadsheet"),
    (b"fgb", "a FlatGeobuf file"),
    (b"PAR1", "a Parquet file"),
    (b"AC10", "a DWG drawing"),
    (b"\xd0\xcf\x11\xe0", "an old Office or database file"),
    (b"%PDF", "a PDF"),
    (b"\x00\x01\x00\x00Standard", "an Access database"),
)
OTHER_TEXT: tuple[tuple[str, str], ...] = (
    ("<ogrvrtdatasource", "a VRT file, which only points at other files"),
    ("<kml", "a KML file"),
    ("<gpx", "a GPX file"),
    ("<gml", "a GML file"),
    ("<html", "a web page"),
)
OTHER_SUFFIX = {
    ".csv": "a CSV table", ".tsv": "a TSV table", ".txt": "a text file", ".dbf": "a dBase table",
    ".shx": "an index of a Shapefile", ".dxf": "a DXF drawing", ".dat": "a text file", ".inp": "an EPANET model",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that can be read: `path` absolute, `osm_format` the form that the OSM reader is told (`pbf`, `osm.gz`)."""

    path: Path
    format: FileFormat
    osm_format: str = ""

    @property
    def name(self) -> str:
        """The file's own name, as shown to people."""
        return self.path.name

    def sha256(self) -> str:
        """The hash of the file's bytes, in hex."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def list_files(path: Path) -> list[Path]:
    """The file itself, or every file of a folder whose name says that it can be read, in order of names."""
    if not path.is_dir():
        return [path]
    found = sorted(
        item for item in path.rglob("*") if item.name.lower().endswith(SUFFIXES) and item.is_file()
    )
    if not found:
        raise UnreadableFile(f"The folder '{path.name}' holds no file that can be read.", READABLE)
    return found


def recognise(path: Path) -> SourceFile:
    """The file with its format, by its first bytes.

    Raises:
        UnreadableFile: There is no such file, it may not be read, is empty, or is of another format: the
            sentence says which.
    """
    head = _read_head(path)
    whole = path.resolve()
    if head.startswith(b"SQLite format 3\x00"):
        return _recognise_sqlite(whole, head)
    if b"OSMHeader" in head[:64]:
        return SourceFile(whole, "osm", "pbf")
    if head.startswith(b"\x1f\x8b"):
        return _recognise_packed(
            whole, head, "osm.gz", lambda data: zlib.decompressobj(31).decompress(data, 4096)
        )
    if head.startswith(b"BZh"):
        return _recognise_packed(
            whole, head, "osm.bz2", lambda data: bz2.BZ2Decompressor().decompress(data, 4096)
        )
    return _recognise_text(whole, head)


def _read_head(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableFile(f"'{path.name}' is not a file.", READABLE)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise UnreadableFile(f"There is no file '{path}'.", "Check the path.") from error
    except OSError as error:
        raise UnreadableFile(
            f"'{path}' cannot be opened: {error.strerror}.", "Check its permissions."
        ) from error
    if not head:
        raise UnreadableFile(f"'{path.name}' is empty.", "Export or download it again.")
    return head


def _recognise_sqlite(path: Path, head: bytes) -> SourceFile:
    if head[68:72] in {b"GPKG", b"GP10", b"GP11"}:
        return SourceFile(path, "gpkg")
    raise UnreadableFile(f"'{path.name}' is an SQLite database but not a GeoPackage.", READABLE)


def _recognise_packed(path: Path, head: bytes, name: str, unpack: Callable[[bytes], bytes]) -> SourceFile:
    try:
        inner = unpack(head)
    except (OSError, zlib.error) as error:
        raise UnreadableFile(
            f"'{path.name}' is damaged and cannot be unpacked.", "Download it again."
        ) from error
    if b"<osm" in inner:
        return SourceFile(path, "osm", name)
    raise UnreadableFile(f"'{path.name}' is a packed file without OpenStreetMap data in it.", READABLE)


def _recognise_text(path: Path, head: bytes) -> SourceFile:
    text = _decode_head(head)
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("{"):
        return SourceFile(path, "geojson")
    if start.startswith("<") and "<osm" in start[:4096] and "<osmchange" not in start[:4096].lower():
        return SourceFile(path, "osm", "osm")
    raise UnreadableFile(f"'{path.name}' is {_name_other(path, head, start)}, which is not read.", READABLE)


def _decode_head(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    return head.decode("utf-8", "replace")


def _name_other(path: Path, head: bytes, start: str) -> str:
    lower = start[:4096].lower()
    by_magic: Iterable[str] = (name for magic, name in OTHER_MAGIC if head.startswith(magic))
    by_text = (name for mark, name in OTHER_TEXT if mark in lower)
    by_suffix = OTHER_SUFFIX.get(path.suffix.lower(), "of an unknown format")
    return next(iter(by_magic), None) or next(by_text, None) or by_suffix
