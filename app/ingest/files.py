"""What a file is, decided by its first bytes and never by its name; everything else is named and refused."""

from __future__ import annotations

import bz2
import codecs
import hashlib
import json
import os
import re
import stat
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.errors import UnreadableFile
from app.ingest import archive
from app.ingest.formats import (
    BINARY_DXF,
    OTHER_SUFFIX,
    OTHER_XML,
    READABLE,
    SUFFIXES,
    FileFormat,
    Other,
    decode_head,
    is_cass,
    is_dxf,
    is_table,
    is_text,
    name_other,
    xml_root,
)
from app.ingest.paths import shown, shown_name

HEAD_BYTES = 65_536
#: The files of a Shapefile in the order in which they are hashed.
PARTS = (".shp", ".shx", ".dbf", ".prj", ".qpj", ".cpg")
#: What stands beside data and is no data: passed over in a folder.
SIDECARS = re.compile(
    r"\.(prj|cpg|qpj|sbn|sbx|qix|fbn|fbx|ain|aih|atx|ixs|mxs|cst|qml|sld|lyrx?|qlr|xml|mxd|aprx|qgz|qgs|md|pdf|docx?|pptx?"
    r"|html?|png|jpe?g|gif|svg|tiff?|tfw|jgw|ini|log|bak|tmp|lock|gpkg-(wal|shm|journal)|py|sh|yaml|yml|toml|css|js|mid"
    r"|sha256|md5|lnk|url)$",
    re.IGNORECASE,
)
#: How a collection begins whose features stand in lines of their own.
_COLLECTION = re.compile(r'\{\s*"type"\s*:\s*"FeatureCollection"(?!.*\}\s*$)')
#: In the names of the files of refused rows.
REJECTED = ".rejected."
#: `.dbf` kinds: the first byte, without the memo bit.
_DBF_KINDS = {0x02, 0x03, 0x04, 0x05, 0x30, 0x31, 0x32, 0x43, 0x63, 0x83, 0x8B, 0x8E, 0xCB, 0xF5, 0xFB}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that can be read: `path` absolute, `osm_format` the form that the OSM reader is told (`pbf`, `osm.gz`), or
    `zip` where the file lies in an archive.

    Of a Shapefile `path` is its `.shp`, of a FileGDB its folder. Tables that belong together are one file: `path` is
    their folder, `members` are they.
    """

    path: Path
    format: FileFormat
    osm_format: str = ""
    members: tuple[SourceFile, ...] = ()

    @property
    def name(self) -> str:
        """The file's own name, as shown to people."""
        return shown_name(self.path)

    def part(self, suffix: str) -> Path | None:
        """The file of the same stem with this suffix in any case; None where there is none."""
        return _sibling(self.path, suffix)

    def sha256(self) -> str:
        """The hash in hex of the bytes of the file, or of all parts of a Shapefile or FileGDB in a fixed order."""
        if self.members:
            return hashlib.sha256("\n".join(item.sha256() for item in self.members).encode()).hexdigest()
        if self.format not in {"shapefile", "filegdb"}:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        whole = hashlib.sha256()
        for name, path in self._parts():
            with path.open("rb") as file:
                whole.update(f"{name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return whole.hexdigest()

    def _parts(self) -> list[tuple[str, Path]]:
        if self.format == "shapefile":
            return [(suffix, path) for suffix in PARTS if (path := self.part(suffix))]
        return [(path.name, path) for path in sorted(self.path.iterdir()) if path.is_file()]


def _sibling(path: Path, suffix: str) -> Path | None:
    names = (path.stem + suffix).lower()
    found = sorted(item for item in path.parent.iterdir() if item.name.lower() == names)
    # Where two differ only in case, the one that is written like the file itself belongs to it.
    own = [item for item in found if item.stem == path.stem]
    return next(iter([*own, *found]), None)


def is_geodatabase(path: Path) -> bool:
    """Whether the folder is a FileGDB: one file, as far as people are concerned."""
    return path.is_dir() and any(item.name.lower() == "a00000001.gdbtable" for item in path.iterdir())


def list_files(path: Path) -> list[Path]:
    """The file itself (a FileGDB is one), or each dataset of a folder once, in order of names.

    A Shapefile is its `.shp`. Files that look like data and cannot be read are listed too, so that they are named;
    sidecars, styles, documents, pictures and hidden files are passed over.

    Raises:
        UnreadableFile: The folder holds nothing that looks like data.
    """
    if not path.is_dir() or is_geodatabase(path):
        return [path]
    found: list[Path] = []
    for folder, folders, names in os.walk(path):
        here = Path(folder)
        inner = [here / name for name in folders if not _is_hidden(name)]
        found += (one for one in inner if is_geodatabase(one))
        folders[:] = [one.name for one in inner if not is_geodatabase(one)]
        stems = {name.lower() for name in names}
        found += (here / name for name in names if not _is_hidden(name) and _is_data(here / name, stems))
    if not found:
        raise UnreadableFile(f"The folder '{shown_name(path)}' holds no file that can be read.", READABLE)
    return sorted(found, key=lambda item: item.relative_to(path).parts)


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "~$", "__MACOSX")) or name.lower() == "thumbs.db"


def _is_data(path: Path, names: set[str]) -> bool:
    """`names` are those of the folder in lower case."""
    name, stem = path.name.lower(), path.stem.lower()
    if name.endswith((".dbf", ".shx")) and f"{stem}.shp" in names:
        return False
    if name.endswith((".dat", ".map", ".id", ".ind")) and f"{stem}.tab" in names:
        return False
    # Rows that an import refused are imported by name, once they are mended.
    if SIDECARS.search(name) or REJECTED in name:
        return False
    # Beside the data of an unpacked export of ours.
    if "about.json" in names and (name == "about.json" or name.endswith("_fields.csv")):
        return not any(other.endswith("_fields.csv") for other in names)
    if name.endswith(SUFFIXES):
        return True
    if path.suffix.lower() == ".txt" or path.suffix.lower() not in OTHER_SUFFIX:
        return not stem.startswith("readme") and _is_readable(path)
    return True


def _is_readable(path: Path) -> bool:
    try:
        recognise(path)
    except UnreadableFile:
        return False
    return True


def recognise(path: Path) -> SourceFile:
    """The file with its format, by its first bytes; a part of a Shapefile leads to its `.shp`.

    Raises:
        UnreadableFile: There is no such file, it may not be read, is empty, or is of another format: the
            sentence says which, the hint the way out.
    """
    whole = path.resolve()
    if is_geodatabase(whole):
        return SourceFile(whole, "filegdb")
    if whole.suffix.lower() in PARTS[1:] and (shp := _sibling(whole, ".shp")):
        return recognise(shp)
    head = _read_head(path)
    if head.startswith(b"SQLite format 3\x00"):
        return _recognise_sqlite(whole, head)
    if head.startswith(b"PK"):
        form = _zip_format(whole)
        return SourceFile(whole, form, "zip" if form == "osm" else "")
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
    binary = _binary_format(whole, head)
    return SourceFile(whole, binary) if binary else _recognise_text(whole, head)


def _read_head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise UnreadableFile(f"'{shown_name(path)}' is a folder, and no File Geodatabase.", READABLE)
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableFile(f"'{shown_name(path)}' is not a file.", READABLE)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise UnreadableFile(f"There is no file '{shown(path)}'.", "Check the path.") from error
    except OSError as error:
        raise UnreadableFile(
            f"'{shown(path)}' cannot be opened: {error.strerror}.", "Check its permissions."
        ) from error
    if not head:
        raise UnreadableFile(f"'{shown_name(path)}' is empty.", "Export or download it again.")
    return head


def _recognise_sqlite(path: Path, head: bytes) -> SourceFile:
    if head[68:72] in {b"GPKG", b"GP10", b"GP11"}:
        return SourceFile(path, "gpkg")
    unnamed = ("an SQLite database but not a GeoPackage", READABLE)
    raise _refusal(path, OTHER_SUFFIX.get(path.suffix.lower(), unnamed))


def _recognise_packed(path: Path, head: bytes, name: str, unpack: Callable[[bytes], bytes]) -> SourceFile:
    try:
        inner = unpack(head)
    except (OSError, zlib.error) as error:
        raise UnreadableFile(
            f"'{shown_name(path)}' is damaged and cannot be unpacked.", "Download it again."
        ) from error
    if xml_root(decode_head(inner)) == "osm":
        return SourceFile(path, "osm", name)
    raise UnreadableFile(f"'{shown_name(path)}' is a packed file without OpenStreetMap data in it.", READABLE)


def _zip_format(path: Path) -> FileFormat:
    names = [member.name.lower() for member in archive.members(path)]
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names or "content.xml" in names or "word/document.xml" in names:
        raise _refusal(path, _office(names))
    if any(map(is_osm, names)) and all(is_osm(name) or not name.endswith(SUFFIXES) for name in names):
        return "osm"
    return "kmz" if "doc.kml" in names or path.suffix.lower() == ".kmz" else "zip"


def is_osm(name: str) -> bool:
    """Whether a name says that the file is OpenStreetMap data."""
    return name.lower().endswith((".osm", ".osm.pbf", ".pbf"))


def _office(names: list[str]) -> Other:
    if "xl/workbook.bin" in names:
        return OTHER_SUFFIX[".xlsb"]
    return OTHER_SUFFIX[".docx" if "word/document.xml" in names else ".ods"]


def _binary_format(path: Path, head: bytes) -> FileFormat | None:
    if head.startswith(b"\x00\x00\x27\x0a") and path.suffix.lower() != ".shx":
        return "shapefile"
    if head.startswith(b"fgb\x03"):
        return "flatgeobuf"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(BINARY_DXF):
        return "dxf"
    return "dbf" if path.suffix.lower() == ".dbf" and _is_dbf(path, head) else None


def _is_dbf(path: Path, head: bytes) -> bool:
    if len(head) < 32 or head[0] not in _DBF_KINDS:
        return False
    header, record = int.from_bytes(head[8:10], "little"), int.from_bytes(head[10:12], "little")
    return 33 <= header <= path.stat().st_size and record > 1


def _recognise_text(path: Path, head: bytes) -> SourceFile:
    text = decode_head(head).lstrip("\ufeff")
    start = text.lstrip(" \t\r\n\x1e")
    if start.startswith("{"):
        return SourceFile(path, "geojsonseq" if _is_sequence(path, text) else "geojson")
    if start.startswith("<"):
        return _recognise_xml(path, head, text)
    if is_dxf(text[:4096]):
        return SourceFile(path, "dxf")
    suffix = path.suffix.lower()
    if is_text(text) and suffix in {".dat", ".txt"} and is_cass(text):
        name, hint = OTHER_SUFFIX[".dat"]
        raise _refusal(path, (f"a CASS file of points, {name}", hint))
    other = name_other(suffix, head, text)
    # A mark of the encoding says that it is text, whatever stands in a cell: our own tables begin with one.
    marked = head.startswith(codecs.BOM_UTF8) and "\0" not in text
    meant = suffix in {".csv", ".tsv"} and (marked or is_text(text))
    if meant or (is_text(text) and is_table(text) and other[0] not in _NAMED):
        return SourceFile(path, "delimited")
    raise _refusal(path, other)


def _refusal(path: Path, other: Other) -> UnreadableFile:
    name, hint = other
    rest = "" if name.startswith("not ") else ", which is not read"
    return UnreadableFile(f"'{shown_name(path)}' is {name}{rest}.", hint)


#: Texts with columns of numbers that are of other formats all the same.
_NAMED = {OTHER_SUFFIX[suffix][0] for suffix in (".tab", ".mif", ".inp", ".e00", ".vrt", ".gml")}


def _is_sequence(path: Path, text: str) -> bool:
    """Whether JSON texts follow each other: behind record separators (RFC 8142), or one in a line."""
    if text.startswith("\x1e"):
        return True
    first, _, rest = text.lstrip().partition("\n")
    if not rest:
        # The first line is longer than what was read: where it is one of many, it is one whole Feature.
        if not re.match(r'\{\s*"type"\s*:\s*"Feature"', first):
            return False
        with path.open("rb") as file:
            whole = file.readline(1 << 26).rstrip().endswith(b"}")
            return whole and file.read(64).lstrip().startswith(b"{")
    if not rest.lstrip().startswith("{") or _COLLECTION.match(first):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return rest.count("\n{") > 1


def _recognise_xml(path: Path, head: bytes, text: str) -> SourceFile:
    root = xml_root(text)
    if root == "osm":
        return SourceFile(path, "osm", "osm")
    if root == "kml":
        return SourceFile(path, "kml")
    if root == "gpx":
        return SourceFile(path, "gpx")
    if root == "!doctype":
        raise UnreadableFile(
            f"'{shown_name(path)}' is XML with a document type of its own, which is not read.",
            "Export it again.",
        )
    raise _refusal(path, OTHER_XML.get(root or "", name_other(path.suffix.lower(), head, text)))
