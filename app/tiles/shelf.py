"""Keeps tiles that were built: in files that all web workers share, the newest in memory; faults cost only speed."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import secrets
import shutil
import struct
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

log = logging.getLogger("chengtu.tiles")

#: What a worker keeps of the newest tiles in its memory, bytes.
MEMORY_BYTES = 32 * 2**20
#: What an entry takes beside its bytes: in memory for its objects, on disk for the rest of its last block.
ENTRY_BYTES, BLOCK_BYTES = 500, 4096
#: Nothing is written where the disk has less than this left: the database needs it more.
FREE_BYTES = 256 * 2**20
#: A file that is read is young again, but noted as such at most so often, seconds.
YOUNG_S = 600
#: A part of a file that is older belongs to a process that died while it wrote, seconds.
DEAD_S = 300
#: Shorter tiles are not worth packing; level 1 takes a third of the time of the default for a tenth more bytes.
MINIMUM_BYTES, GZIP_LEVEL = 1000, 1
#: How long nothing more is said of a disk that takes nothing, seconds.
QUIET_S = 60
_MAGIC = b"chengtu-tile-1\n\n"
_HEAD = struct.Struct(">16s16s16sIII")


@dataclass(frozen=True, slots=True)
class Stored:
    """A tile: its bytes (empty: nothing lies in it), their hash, what is said of thinning, the packed copy."""

    body: bytes
    digest: str
    thinned: str = ""
    packed: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.body) + len(self.packed or b"") + ENTRY_BYTES


def stored(body: bytes, thinned: str = "") -> Stored:
    """A tile that was just built."""
    return Stored(body, hashlib.blake2b(body, digest_size=8).hexdigest(), thinned)


def packed(tile: Stored) -> Stored:
    """The tile with its packed copy: always the same bytes, for its tag names them."""
    if tile.packed is not None or len(tile.body) < MINIMUM_BYTES:
        return tile
    return replace(tile, packed=gzip.compress(tile.body, GZIP_LEVEL, mtime=0))


class Shelf:
    """Tiles by the key of everything that decides their bytes (32 hexadecimal digits); the longest unread go first.

    With a limit of 0 bytes nothing is kept. Any thread and any process may read, write and remove at any time: a file
    appears whole, is checked when it is read, and one that is gone or torn was never there.
    """

    def __init__(self, folder: Path, limit_bytes: int, writers: int = 1) -> None:
        self._folder = folder
        self._limit = limit_bytes
        #: After so many bytes written here the folder is looked through: `writers` of us stay within the limit.
        self._step = max(limit_bytes // (8 * max(writers, 1)), 1)
        self._written = self._step
        self._memory: OrderedDict[str, Stored] = OrderedDict()
        self._held = 0
        self._lock = Lock()
        self._told_at = -float(QUIET_S)

    def recall(self, key: str) -> Stored | None:
        """What this worker remembers; never touches the disk."""
        with self._lock:
            found = self._memory.get(key)
            if found is not None:
                self._memory.move_to_end(key)
            return found

    def has(self, key: str) -> bool:
        """Whether a file may hold the tile."""
        return self._limit > 0 and os.path.exists(self._path(key))  # noqa: PTH110 - asked on every miss

    def find(self, key: str) -> Stored | None:
        """The tile from memory or else from its file, None where there is none that is whole."""
        found = self.recall(key)
        if found is not None or self._limit <= 0:
            return found
        path = self._path(key)
        try:
            found = _read(key, path.read_bytes())
            if found is None:
                path.unlink()
                return None
            if time.time() - path.stat().st_mtime > YOUNG_S:
                os.utime(path)
        except OSError:
            return found
        self.remember(key, found)
        return found

    def remember(self, key: str, tile: Stored) -> None:
        """Keep a tile in memory."""
        if self._limit <= 0:
            return
        with self._lock:
            before = self._memory.pop(key, None)
            self._held += tile.size - (before.size if before else 0)
            self._memory[key] = tile
            while self._held > MEMORY_BYTES:
                self._held -= self._memory.popitem(last=False)[1].size

    def write(self, key: str, tile: Stored) -> None:
        """Keep a tile in its file (an empty one is built as fast as read); where the disk fails, that is said."""
        if self._limit <= 0 or not tile.body:
            return
        try:
            written = self._put(self._path(key), _content(key, tile))
        except OSError as error:
            self._tell(str(error))
            return
        if written:
            self._count(len(tile.body) + len(tile.packed or b"") + BLOCK_BYTES)
        else:
            self._tell("the disk is nearly full")

    def _put(self, path: Path, content: bytes) -> bool:
        """Let a file appear whole; False where the disk has hardly any space."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if shutil.disk_usage(path.parent).free < FREE_BYTES:
            return False
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        try:
            part.write_bytes(content)
            part.replace(path)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise
        return True

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key[2:]

    def _tell(self, why: str) -> None:
        if time.monotonic() - self._told_at >= QUIET_S:
            self._told_at = time.monotonic()
            log.warning("Tiles cannot be kept in %s (%s); they are built anew each time.", self._folder, why)

    def _count(self, size: int) -> None:
        with self._lock:
            self._written += size
            due = self._written >= self._step
            if due:
                self._written = 0
        if due:
            self._evict()

    def _evict(self) -> None:
        """Remove what was not read for longest, until an eighth of the limit is free for what is written next."""
        files = sorted(_list_files(self._folder))
        excess = sum(size for _, size, _ in files) - self._limit * 7 // 8
        now = time.time()
        for modified, size, path in files:
            dead = path.endswith(".part") and now - modified > DEAD_S
            if excess <= 0 and not dead:
                continue
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - tens of thousands of them
            excess -= size


def _list_files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """When each file was last young, the bytes that it takes on disk, its path."""
    with suppress(OSError), os.scandir(folder) as folders:
        for below in folders:
            with suppress(OSError), os.scandir(below.path) as files:
                for file in files:
                    with suppress(OSError):
                        found = file.stat()
                        yield found.st_mtime, -(-found.st_size // BLOCK_BYTES) * BLOCK_BYTES, file.path


def _content(key: str, tile: Stored) -> bytes:
    thinned, copy = tile.thinned.encode(), tile.packed or b""
    head = _HEAD.pack(
        _MAGIC, bytes.fromhex(key), tile.digest.encode(), len(thinned), len(tile.body), len(copy)
    )
    content = head + thinned + tile.body + copy
    return content + _checksum(content)


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _read(key: str, content: bytes) -> Stored | None:
    """The tile in a file's bytes; None for any that were not written so, or under another key."""
    whole, checksum = content[:-16], content[-16:]
    if len(whole) < _HEAD.size or _checksum(whole) != checksum:
        return None
    magic, name, digest, thinned, body, copy = _HEAD.unpack_from(whole)
    if (magic, name) != (_MAGIC, bytes.fromhex(key)) or len(whole) != _HEAD.size + thinned + body + copy:
        return None
    start = _HEAD.size + thinned
    said = whole[_HEAD.size : start].decode()
    return Stored(whole[start : start + body], digest.decode(), said, whole[start + body :] or None)
