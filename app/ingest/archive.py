"""Zip archives with bounds: their list is checked before anything is unpacked, and their bytes while they are."""

from __future__ import annotations

import errno
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.errors import NoSpace, UnreadableFile
from app.ingest.paths import shown_name

MAX_MEMBERS = 1_000
MAX_UNPACKED = 2 * 1024**3
MAX_RATIO = 100
#: Smaller contents may be packed as tightly as they like.
FREE_OF_RATIO = 10 * 1024**2
#: 1,000 names of 4 kB; a longer list is that of a bomb and is not read.
MAX_LIST_BYTES = 4 * 1024**2
BLOCK = 1 << 20
#: End of the central directory (APPNOTE 4.3.16): signature, …, size of the list, …, length of the comment.
_END = struct.Struct("<4s4H2LH")
_NESTED = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".cab", ".lzh")
_SKIPPED = re.compile(r"(^|/)(__MACOSX/|\.|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
REPACK = "Unpack it, and pack the data again as an ordinary zip."


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive under its own name, `/` between folders."""

    name: str
    info: zipfile.ZipInfo


def members(path: Path) -> list[Member]:
    """The files in a zip, after all that can be told from its list was checked; nothing is unpacked.

    Raises:
        UnreadableFile: It is damaged, locked, holds more than the bounds allow, or names and links that lead outside.
    """
    _check_list(path)
    try:
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, UnicodeError) as error:
        raise UnreadableFile(
            f"'{shown_name(path)}' is a damaged zip archive.", "Download or pack it again."
        ) from error
    _check_size(path, listed)
    found = [Member(_name(info), info) for info in listed if not info.is_dir()]
    for member in found:
        _check_member(path, member)
    return [member for member in found if not _SKIPPED.search(member.name)]


def _check_list(path: Path) -> None:
    """Refuse a list of contents that is too long before it is read."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_557))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise UnreadableFile(
            f"'{shown_name(path)}' is a damaged zip archive: its end is missing.",
            "Download or pack it again.",
        )
    _, _, _, _, count, list_bytes, _, _ = _END.unpack_from(tail, at)
    if count > MAX_MEMBERS or list_bytes > MAX_LIST_BYTES:
        raise UnreadableFile(
            f"'{shown_name(path)}' holds more than {MAX_MEMBERS:,} files.", "Pack only the files of the data."
        )


def _check_size(path: Path, listed: list[zipfile.ZipInfo]) -> None:
    packed = max(path.stat().st_size, 1)
    unpacked = sum(info.file_size for info in listed)
    if len(listed) > MAX_MEMBERS:
        raise UnreadableFile(
            f"'{shown_name(path)}' holds more than {MAX_MEMBERS:,} files.", "Pack only the files of the data."
        )
    if unpacked > MAX_UNPACKED:
        raise UnreadableFile(
            f"'{shown_name(path)}' unpacks to {unpacked / 1024**3:,.1f} GB, more than 2 GB.",
            "Unpack it and import its files one by one.",
        )
    if unpacked > FREE_OF_RATIO and unpacked > MAX_RATIO * packed:
        raise UnreadableFile(
            f"'{shown_name(path)}' unpacks to {unpacked / packed:,.0f} times its size, more than {MAX_RATIO} times.",
            "Unpack it and import its files one by one.",
        )


def _name(info: zipfile.ZipInfo) -> str:
    """The member's name: UTF-8 where it is, else GB18030, as Chinese Windows packs it."""
    if info.flag_bits & 0x800:
        return info.filename.replace("\\", "/")
    # Python reads names without the UTF-8 flag as CP437; these are the bytes that stand in the archive.
    raw = info.orig_filename.encode("cp437", "replace")
    for codec in ("utf-8", "gb18030"):
        try:
            return raw.decode(codec).split("\0")[0].replace("\\", "/")
        except UnicodeDecodeError:
            continue
    return info.filename.replace("\\", "/")


def _check_member(path: Path, member: Member) -> None:
    name, info = member.name, member.info
    mode = info.external_attr >> 16
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name) or not name or "\0" in name:
        reason = f"a name in it leads outside ({name[:60]!r})"
    elif mode and stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        reason = f"'{name[:60]}' in it is a link or device"
    elif info.flag_bits & 1:
        reason = f"'{name[:60]}' in it is locked by a password"
    elif name.lower().endswith(_NESTED):
        reason = f"it holds another archive ('{name[:60]}')"
    else:
        return
    raise UnreadableFile(f"'{shown_name(path)}' cannot be unpacked: {reason}.", REPACK)


@contextmanager
def unpacked(path: Path, wanted: Callable[[str], bool] = lambda _: True) -> Iterator[Path]:
    """A temporary folder with the archive's files whose names are `wanted`; it is gone afterwards.

    Raises:
        UnreadableFile: As `members`; or a file is damaged or longer than the list says.
        NoSpace: The disk has no room for the contents.
    """
    chosen = [member for member in members(path) if wanted(member.name)]
    with tempfile.TemporaryDirectory(prefix="chengtu-zip-") as folder:
        root = Path(folder)
        if shutil.disk_usage(root).free < sum(member.info.file_size for member in chosen):
            raise NoSpace(
                f"The disk has no room to unpack '{shown_name(path)}'.", "Free space and import it again."
            )
        with zipfile.ZipFile(path) as archive:
            for member in chosen:
                _unpack(path, archive, member, root)
        yield root


def _unpack(path: Path, archive: zipfile.ZipFile, member: Member, root: Path) -> None:
    target = root / member.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member.info) as source, target.open("xb") as sink:
            _copy(source, sink, member.info.file_size)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpace(
                f"The disk is full: '{shown_name(path)}' was not unpacked.", "Free space."
            ) from error
        raise _damaged(path, member) from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error) as error:
        raise _damaged(path, member) from error


def _damaged(path: Path, member: Member) -> UnreadableFile:
    return UnreadableFile(
        f"'{shown_name(path)}' is damaged: '{member.name[:60]}' cannot be unpacked.",
        "Download or pack it again.",
    )


def _copy(source: IO[bytes], sink: IO[bytes], size: int) -> None:
    """Copy in blocks, never more than the list of contents declared, on which the bounds were checked."""
    copied = 0
    while block := source.read(BLOCK):
        copied += len(block)
        if copied > size:
            raise ValueError("more bytes than declared")
        sink.write(block)
