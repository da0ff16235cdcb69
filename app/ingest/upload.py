"""Taking an upload: a form or a bare body, written to disk as it comes, in a folder of its own. Pure but for files."""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote_to_bytes
from uuid import uuid4

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import BadInput, ChengtuError, NoSpace

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

#: Longest text of one field of a form, of a mapping, and most parts of a form.
MAX_FIELD_BYTES = 20_000
MAX_MAPPING_BYTES = 500_000
MAX_PARTS = 60
NAME_BYTES = 150
#: What a body without a name is called by its media type.
SUFFIXES = {
    "application/geo+json": ".geojson", "application/json": ".geojson", "application/zip": ".zip", "text/csv": ".csv",
    "text/tab-separated-values": ".tsv", "application/geopackage+sqlite3": ".gpkg", "application/gpx+xml": ".gpx",
    "application/vnd.google-earth.kml+xml": ".kml", "application/vnd.google-earth.kmz": ".kmz",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx", "image/vnd.dxf": ".dxf",
}  # fmt: skip
DATA, MAPPING = "data", "mapping.yaml"


@dataclass(slots=True)
class Upload:
    """An upload on disk: `folder` of its own, `name` made safe, `sha256` of the bytes, `fields` of its form."""

    folder: Path
    name: str = ""
    sha256: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    opened: list[BinaryIO] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / DATA / self.name

    @property
    def mapping(self) -> Path | None:
        """The mapping that came with it."""
        return self.folder / MAPPING if (self.folder / MAPPING).exists() else None

    def keep_mapping(self, text: bytes) -> None:
        """Put a mapping beside the file."""
        (self.folder / MAPPING).write_bytes(text)

    def remove(self) -> None:
        """Remove all of it, half written or whole."""
        for file in self.opened:
            with suppress(OSError):
                file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def new_upload(home: Path) -> Upload:
    """An empty upload below the data folder, which only its owner can enter."""
    root = uploads_root(home)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    upload = Upload(root / str(uuid4()))
    upload.folder.mkdir(mode=0o700)
    (upload.folder / DATA).mkdir(mode=0o700)
    return upload


def uploads_root(home: Path) -> Path:
    """The folder of all uploads."""
    return home / "uploads"


def safe_name(given: str) -> str:
    """A file name without what could mean a path, a drive, a hidden file or markup; its ending stays."""
    plain = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    plain = re.sub(r"[^\w\-. ()]+", "_", plain).lstrip(".- ").rstrip(". ")
    stem, dot, end = plain.rpartition(".")
    if not dot or len(end) > 10:
        stem, end = plain, ""
    kept = stem.encode()[: NAME_BYTES - len(dot + end)].decode("utf-8", "ignore").strip()
    return f"{kept or 'upload'}{'.' if end else ''}{end}"


def name_of_body(headers: Mapping[str, str], asked: str | None) -> str:
    """The name of a bare body: as asked, by `Content-Disposition` (RFC 6266), else by its media type."""
    if asked:
        return asked
    told = headers.get("content-disposition", "")
    extended = re.search(r"filename\*\s*=\s*([\w\-]+)'[\w\-]*'([^\s;]+)", told, re.IGNORECASE)
    if extended is not None and extended[1].lower() in {"utf-8", "gb18030", "gbk", "iso-8859-1"}:
        return unquote_to_bytes(extended[2]).decode(extended[1], "replace")
    simple = parse_options_header(told)[1].get(b"filename") if told else None
    if simple:
        return simple.decode("utf-8", "replace")
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    return f"upload{SUFFIXES.get(media, '')}"


class Sink:
    """Writes one file of an upload and hashes it on the way."""

    def __init__(self, upload: Upload, name: str) -> None:
        upload.name = safe_name(name)
        self._upload = upload
        self._hash = hashlib.sha256()
        self._file: BinaryIO = upload.path.open("xb")
        upload.opened.append(self._file)

    def write(self, data: bytes) -> None:
        """Take some bytes; NoSpace where the disk is full."""
        try:
            self._file.write(data)
        except OSError as error:
            raise no_space(error) from error
        self._hash.update(data)

    def close(self) -> None:
        """All bytes have come."""
        try:
            self._file.close()
        except OSError as error:
            raise no_space(error) from error
        self._upload.sha256 = self._hash.hexdigest()


def no_space(error: OSError) -> ChengtuError:
    """What to tell of a write that failed."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return NoSpace("The disk is full.", "Free some space and send the file again.")
    return NoSpace(f"The upload cannot be stored: {error.strerror}.", "Look at the server's data folder.")


class FormReader:
    """A `multipart/form-data` body (RFC 7578), taken piece by piece: its one file to disk, the fields kept as text."""

    def __init__(self, upload: Upload, content_type: str) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise BadInput("The form names no boundary.", "Let the client set the Content-Type of the form.")
        self._upload = upload
        self._headers: dict[str, str] = {}
        self._header = ["", ""]
        self._sink: Sink | None = None
        self._field: tuple[str, bytearray, int] | None = None
        self._parts = 0
        self._ended = False
        told: MultipartCallbacks = {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(boundary, told)
        except FormParserError as error:
            raise _bad_form(error) from error

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            BadInput: It is no form, or one that is not taken.
            NoSpace: The disk is full.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _bad_form(error) from error

    def close(self) -> None:
        """The body has ended; BadInput where the form has not."""
        if not self._ended:
            raise BadInput("The form is cut off.", "Send it again.")
        if not self._upload.name and not self._upload.fields.get("upload", "").strip():
            raise BadInput("The form has no file.", "Send the file as the field 'file'.")

    def _part_begin(self) -> None:
        self._headers = {}
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise BadInput("The form has too many parts.", f"At most {MAX_PARTS}.")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end].decode("latin-1")

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end].decode("latin-1")

    def _header_end(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]
        self._header = ["", ""]

    def _headers_finished(self) -> None:
        told = parse_options_header(self._headers.get("content-disposition"))[1]
        name = told.get(b"name", b"").decode("utf-8", "replace")
        if name == "file":
            if self._upload.name:
                raise BadInput(
                    "The form has more than one file.", "Send one; zip those that belong together."
                )
            self._sink = Sink(self._upload, told.get(b"filename", b"").decode("utf-8", "replace"))
            return
        if name in self._upload.fields or (name == "mapping" and self._upload.mapping):
            raise BadInput(f"The field '{name[:100]}' is given more than once.", "Give it once.")
        limit = MAX_MAPPING_BYTES if name == "mapping" else MAX_FIELD_BYTES
        self._field = (name, bytearray(), limit)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._sink is not None:
            self._sink.write(data[start:end])
        elif self._field is not None:
            name, text, limit = self._field
            text += data[start:end]
            if len(text) > limit:
                raise BadInput(f"The field '{name[:100]}' is too long.", f"At most {limit:,} bytes.")

    def _part_end(self) -> None:
        if self._sink is not None:
            self._sink.close()
        elif self._field is not None:
            name, text, _ = self._field
            if name == "mapping":
                if text.strip():
                    self._upload.keep_mapping(bytes(text))
            else:
                self._upload.fields[name] = text.decode("utf-8", "replace")
        self._sink = self._field = None

    def _end(self) -> None:
        self._ended = True


def _bad_form(error: FormParserError) -> BadInput:
    return BadInput(
        f"The form cannot be read: {str(error)[:200]}.", "Send it as multipart/form-data (RFC 7578)."
    )
