"""The file of a backup: a tar whose first members say what it is; written whole or not at all, every byte checked.

`chengtu-backup`   the form, and the SHA-256 of the manifest
`manifest.json`    what the backup holds (`manifest`), every other member with its length and SHA-256
`catalog.txt`      rights, policies, functions, … line by line
`dump/…`           the database, as pg_dump writes a directory
`home/…`           what of the data folder is needed to come back
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from app.backup.manifest import Manifest, read_manifest
from app.errors import Conflict, NotFound, UnreadableFile

MAGIC = "chengtu-backup"
MANIFEST = "manifest.json"
ENDING = ".backup"
#: A manifest is shorter than this; what claims more is no backup.
MANIFEST_MAX = 64 * 1024**2
AT_ONCE = 1024**2


def measure(path: Path) -> tuple[int, str]:
    """Bytes and SHA-256 of a file."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(AT_ONCE):
            hasher.update(piece)
        return file.tell(), hasher.hexdigest()


def pack(to: Path, manifest: Manifest, sources: Mapping[str, Path]) -> int:
    """Write the archive, on the disk when this returns, and give its bytes.

    Each source is removed once it is in, so that the disk holds it once.
    """
    text = manifest.text().encode()
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            _add_text(tar, MAGIC, f"{MAGIC} {manifest.form}\n{hashlib.sha256(text).hexdigest()}\n".encode())
            _add_text(tar, MANIFEST, text)
            for name, path in sources.items():
                _add_file(tar, name, path)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def give_name(draft: Path, to: Path) -> None:
    """Give a whole archive its name; what bears it already is never replaced.

    Raises:
        Conflict: There is a file of this name.
    """
    try:
        os.link(draft, to)
    except FileExistsError as error:
        raise taken(to) from error
    except OSError as error:  # a file system without links
        if to.exists():
            raise taken(to) from error
        draft.replace(to)
    draft.unlink(missing_ok=True)
    sync_folder(to.parent)


def taken(to: Path) -> Conflict:
    """The error for a name that is taken."""
    return Conflict(f"{to} is there already.", "Give another name, or a folder.")


def sync_folder(folder: Path) -> None:
    """Let the names in a folder be on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _add_text(tar: tarfile.TarFile, name: str, text: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(text), 0o600
    tar.addfile(member, io.BytesIO(text))


def _add_file(tar: tarfile.TarFile, name: str, path: Path) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = path.stat().st_size, 0o600
    with path.open("rb") as file:
        tar.addfile(member, file)
    path.unlink()


def look(path: Path) -> Manifest:
    """What a backup says of itself; reads its beginning alone.

    Raises:
        NotFound, UnreadableFile: There is no such file, or it is no backup, or its beginning is damaged.
    """
    with _opened(path) as tar:
        return _beginning(path, tar)


def unpack(path: Path, folder: Path) -> Manifest:
    """Write the members into a folder, every byte checked, and give the manifest; the database is not touched.

    Raises:
        NotFound, UnreadableFile: There is no such file, it is no backup, or it is damaged or cut off.
    """
    with _opened(path) as tar:
        manifest = _beginning(path, tar)
        left = dict(manifest.files)
        for member in tar:
            if member.name in (MAGIC, MANIFEST):
                continue
            expected = left.pop(member.name, None)
            if expected is None or not member.isreg() or not _is_inside(member.name):
                raise _damaged(path, f"it holds {member.name!r}, which it does not tell of")
            if _write(tar, member, folder / member.name) != expected:
                raise _damaged(path, f"{member.name} is not what was written")
    if left:
        raise _damaged(path, f"{len(left)} of its files are missing: it was cut off")
    return manifest


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """The archive, opened; whatever is wrong with its form is told as a damaged file."""
    try:
        tar = tarfile.open(path, mode="r:")  # noqa: SIM115 - closed below, where what it holds is read
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}.", "Look into the folder of backups.") from error
    except IsADirectoryError as error:
        raise UnreadableFile(f"{path} is a folder.", "Name the file of one backup in it.") from error
    except PermissionError as error:
        raise UnreadableFile(f"{path} may not be read.", "Run as the user who made it.") from error
    except (tarfile.TarError, EOFError, UnicodeError) as error:
        raise _foreign(path) from error
    with tar:
        try:
            yield tar
        except (tarfile.TarError, EOFError, UnicodeError) as error:
            raise _damaged(path, "it was cut off or overwritten") from error


def _beginning(path: Path, tar: tarfile.TarFile) -> Manifest:
    magic, listed = tar.next(), tar.next()
    if magic is None or magic.name != MAGIC or not magic.isreg() or magic.size > 200:
        raise _foreign(path)
    if listed is None or listed.name != MANIFEST or not listed.isreg() or listed.size > MANIFEST_MAX:
        raise _damaged(path, "it does not say what it holds")
    said = _text(tar, magic).decode("ascii", "replace").split()
    text = _text(tar, listed)
    if hashlib.sha256(text).hexdigest() != (said[-1] if said else ""):
        raise _damaged(path, "what it says of itself was changed")
    return read_manifest(text.decode("utf-8", "replace"))


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    return _stream(tar, member).read()


def _stream(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = tar.extractfile(member)
    assert stream is not None  # members that are no files were refused
    return stream


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in name


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, to: Path) -> tuple[int, str]:
    """Write one member; what was written, measured on the way."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hasher, size = hashlib.sha256(), 0
    stream = _stream(tar, member)
    with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while piece := stream.read(AT_ONCE):
            hasher.update(piece)
            size += file.write(piece)
    return size, hasher.hexdigest()


def _foreign(path: Path) -> UnreadableFile:
    return UnreadableFile(
        f"{path} is no backup that `chengtu db backup` made.",
        f"Its backups end in {ENDING}. Nothing was touched.",
    )


def _damaged(path: Path, what: str) -> UnreadableFile:
    return UnreadableFile(
        f"The backup {path} is damaged: {what}.", "Take an older one, or a copy. Nothing was touched."
    )
